"""The conduct report: what a policy did to the market, by the market without it."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from squeezegym import Scenario
from squeezegym.conduct import conduct
from squeezegym.envs.action import KEEP
from squeezegym.errors import ConfigError

ROOT = Path(__file__).parents[2]
SEEDS = (3, 4, 5)


def scenario(**overrides):
    changes = {"episode.horizon_s": 12.0, "learner.short_start": 0.0}
    return Scenario.load("short_squeeze", **{**changes, **overrides})


def keep(observations):
    return np.full(len(observations), KEEP)


def buy_at_once(observations):
    return np.tile([1.0, 1.0], (len(observations), 1))


def test_who_sends_nothing_does_nothing():
    for report in conduct(keep, scenario(), SEEDS, actions="discrete"):
        assert (report.messages, report.cancelled, report.volume_base) == (0, 0, 0.0)
        assert (report.move_bps, report.largest_move_bps, report.forced_base) == (0.0, 0.0, 0.0)
        assert report.volume_share == report.pnl_percent == 0.0


def test_what_it_held_at_first_is_no_move_of_its_own():
    short = scenario(**{"learner.short_start": 1.0})
    for report in conduct(keep, short, SEEDS, actions="discrete"):
        assert report.move_bps == 0.0 and report.messages == 0
        assert report.volume_base > 0  # the close at the horizon


def test_a_large_buyer_moves_the_mark_its_way_and_a_small_one_less():
    large = scenario(**{"learner.limit_base": 150.0, "learner.capital_quote": 4e6})
    by_size = [conduct(buy_at_once, which, SEEDS) for which in (scenario(), large)]
    small, big = (np.mean([report.favourable_move_bps for report in each]) for each in by_size)
    assert 0 <= small < big
    assert all(report.largest_move_bps > 1.0 for report in by_size[1])
    assert all(0 < report.volume_share < 1 for each in by_size for report in each)


def test_volume_and_cancels_are_the_learners_own():
    def waver(observations):
        waver.side = -getattr(waver, "side", 1.0)
        return np.tile([waver.side, -1.0], (len(observations), 1))

    for report in conduct(waver, scenario(), SEEDS):
        assert report.messages > 50
        assert 10 < report.cancelled <= report.messages / 2


def test_a_buyer_of_all_shorts_can_reach_forces_others():
    eager = scenario(
        **{
            "learner.limit_base": 1500.0,
            "learner.capital_quote": 5e7,
            "catalyst.squeeze": 0.0,
            "catalyst.near_miss": 0.0,
            "learner.cap_bps": 300.0,
            "episode.horizon_s": 30.0,
        }
    )
    assert np.mean([r.forced_base for r in conduct(buy_at_once, eager, SEEDS)]) > 0


def test_reports_do_not_depend_on_who_is_played_beside():
    together = conduct(buy_at_once, scenario(), SEEDS)
    assert together == [conduct(buy_at_once, scenario(), [seed])[0] for seed in SEEDS]


def test_no_seeds_is_one_clear_sentence():
    with pytest.raises(ConfigError, match="at least one seed"):
        conduct(keep, scenario(), [])


@pytest.mark.slow
def test_the_command_line_prints_a_table_and_writes_every_episode(tmp_path):
    target = tmp_path / "conduct.json"
    command = [sys.executable, "-W", "error", "-m", "agents.conduct", "--episodes", "2"]
    done = subprocess.run(
        [*command, "--policies", "flat", "hold long", "--json", str(target)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "hold long" in done.stdout and "favour" in done.stdout
    found = json.loads(target.read_text())
    assert {name: len(episodes) for name, episodes in found.items()} == {"flat": 2, "hold long": 2}
    wrong = subprocess.run(
        [*command, "--policies", "hold lng"], cwd=ROOT, capture_output=True, text=True
    )
    assert wrong.returncode == 2 and "did you mean 'hold long'" in wrong.stderr
