"""Event study, audit, worlds and the plan of the results page."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from rich.console import Console

from agents import reproduce
from agents.audit import audit
from agents.baselines.policy import taking
from agents.claims import against, claims, false_flips, rivals
from agents.evaluate import resolve_environment
from agents.events import around, compare
from agents.paths import Paths, joined
from agents.plan import FULL, SHORT, predicted_steps
from agents.reproduce import Config
from agents.settings import load
from agents.worlds import (
    BASIS,
    LIQUIDATIONS,
    OWN,
    Delayed,
    Filtered,
    Shuffled,
    evaluations,
    unseen,
)
from squeezegym.envs.observation import FEATURES, INDEX
from squeezegym.errors import ConfigError


def paths(position, step_s=0.5):
    """One episode that held these positions, and did nothing else."""
    n = len(position)
    one = np.zeros(1)
    return Paths(
        seeds=(7,),
        step_s=step_s,
        side=1,
        earliest_s=0.0,
        feed_s=0.1,
        position=np.array(position, float)[None],
        pnl=np.zeros((1, n)),
        mid=np.ones((1, n)),
        steps=np.array([n]),
        start=one,
        ignition_s=one,
        multiple=one,
        catalyst=one,
        ends={},
    )


def test_positions_are_aligned_at_their_times_and_unknown_outside_the_episode():
    # Half-second steps: column k ends at (k + 1) / 2 seconds.
    part = joined([paths(np.arange(400) / 400.0), paths(np.arange(400) / 400.0)])
    found = around(part, np.array([100.0, 20.0]))
    assert found.shape == (2, 121)
    assert found[0, 60] == part.position[0, 199]
    assert found[0, 61] == part.position[0, 201]
    assert np.isnan(found[1, :40]).all() and found[1, 41] == part.position[1, 1]


def test_the_difference_of_two_worlds_and_of_before_and_after():
    real = np.zeros((8, 121))
    real[:, 60:] = 1.0
    other = np.full((8, 121), -0.5)
    real[7, 0] = np.nan
    found = compare(real, other)
    assert (found["episodes"], found["cut_off"]) == (7, 1)
    assert found["difference"][0] == 0.5 and found["difference"][60] == 1.5
    assert found["low"][60] == found["high"][60] == 1.5
    assert found["after_less_before"]["value"] == pytest.approx(1.0)
    assert compare(real[7:], other[7:]) == {"episodes": 0, "cut_off": 1}


def episodes(policy, forced, ignited):
    return pl.DataFrame(
        {
            "policy": policy,
            "env_id": "e",
            "seed": range(len(forced)),
            "forced_base": forced,
            "catalyst_base": [float(i) * 100 for i in ignited],
            "ignited": ignited,
        }
    )


def test_the_audit_compares_with_a_market_left_alone():
    ignited = [True, True, False, False]
    alone = episodes("flat", [100.0, 100.0, 0.0, 0.0], ignited)
    # In the third episode the policy sets off a cascade; its own ignitions do not count.
    mine = episodes("mine", [300.0, 300.0, 80.0, 0.0], [True, True, True, False])
    found = audit(pl.concat([alone, mine]))["mine"]
    assert found["added_in_squeezes"]["value"] == 200
    assert found["added_elsewhere"]["value"] == 40
    assert (found["index_alone"]["value"], found["index"]["value"]) == (0.5, 0.75)
    assert found["index_added"]["value"] == 0.25
    assert (found["cascades_alone"]["value"], found["cascades"]["value"]) == (0.0, 0.5)


def played(policy, pnl, regimes, false=()):
    """Episodes of one policy, PnL in percent."""
    return pl.DataFrame(
        {
            "policy": policy,
            "env_id": "e",
            "run": 0,
            "seed": range(len(pnl)),
            "pnl_percent": pnl,
            "regime": regimes,
            "ignited": [regime == "squeeze" for regime in regimes],
            "false_flip": [place in false for place in range(len(pnl))],
        }
    )


def estimated(value):
    return {"value": value, "low": value, "high": value}


def said(iqm, capture, false):
    squeeze = {} if capture is None else {"capture": estimated(capture)}
    everything = {"iqm": estimated(iqm), "matched_false_flips": estimated(false)}
    return {"all": everything, "squeeze": squeeze}


def test_claims_name_the_nearest_rival_and_say_what_is_reached():
    scores = {
        "policies": {
            "PPO": said(300.0, 0.7, 0.06),
            "hold short": said(-70.0, None, 0.0),
            "momentum": said(220.0, 0.6, 0.02),
            "clairvoyant": said(500.0, 1.5, 0.3),  # an oracle is no rival
        },
        "improvement": {"PPO": {"hold short": estimated(0.7), "momentum": estimated(0.8)}},
    }
    found = claims(scores, ["PPO"])
    assert [(claim.against, claim.found["value"], claim.reached) for claim in found] == [
        ("momentum", 300.0, True),
        ("hold short", 0.7, False),
        ("", 0.7, True),
        ("", 0.06, False),
    ]
    assert "220 bp" in found[0].asked


def test_the_hardest_rival_regime_by_regime():
    regimes = ["squeeze", "squeeze", "nothing", "nothing"]
    table = pl.concat(
        [
            played("PPO", [9.0, 8.0, 0.5, 0.5], regimes),
            played("hold short", [-3.0, -3.0, 0.6, 0.5], regimes),
            played("clairvoyant", [12.0, 12.0, 0.9, 0.9], regimes),
        ]
    )
    scores = {
        "policies": {"PPO": {}, "hold short": {}, "momentum": {}},
        "improvement": {"PPO": {"hold short": estimated(0.6), "momentum": estimated(0.8)}},
    }
    assert rivals(scores, ["PPO"]) == {"PPO": "hold short"}
    found = {name: against(table, name, "hold short") for name in ("PPO", "clairvoyant")}
    assert found["PPO"]["rival"] == "hold short"
    assert found["PPO"]["squeeze"]["better"]["value"] == 1.0
    assert found["PPO"]["nothing"]["better"]["value"] == 0.25
    assert found["PPO"]["nothing"]["more"] == pytest.approx(-5.0)
    assert found["clairvoyant"]["nothing"]["better"]["value"] == 1.0
    assert "near-miss" not in found["PPO"]


def test_what_false_flips_earn_leaves_out_episodes_that_ignited():
    regimes = ["squeeze", "near-miss", "near-miss", "nothing"]
    table = played("PPO", [9.0, 2.0, 1.0, 0.0], regimes, false={1})
    quiet = table.filter(pl.col("seed") > 0).select("env_id", "seed")
    found = false_flips(table, quiet, ["PPO"])["PPO"]
    assert found["near-miss"]["episodes"] == 2
    assert found["near-miss"]["with"]["value"] == 200.0
    assert found["near-miss"]["without"]["value"] == 100.0
    assert found["nothing"]["with"] is None


class Remembers:
    def reset(self, rows):
        self.rows = rows

    def act(self, observations):
        self.seen = observations
        return taking(np.zeros(len(observations)))


def test_filtered_policies_see_zeros_and_shuffled_ones_another_episode():
    observations = np.random.default_rng(0).random((3, len(FEATURES))).astype(np.float32)
    before = observations.copy()
    policy = Remembers()
    masked = Filtered(policy, BASIS)
    masked.reset(3)
    masked.act(observations)
    assert policy.rows == 3
    assert (policy.seen[:, [INDEX[name] for name in BASIS]] == 0).all()
    columns = [INDEX[name] for name in LIQUIDATIONS]
    Shuffled(policy, LIQUIDATIONS).act(observations)
    np.testing.assert_array_equal(policy.seen[1][columns], observations[0][columns])
    np.testing.assert_array_equal(observations, before)
    rest = [i for i in range(len(FEATURES)) if i not in columns]
    np.testing.assert_array_equal(policy.seen[:, rest], observations[:, rest])


def test_a_delayed_policy_sees_the_old_market_and_its_present_account():
    policy = Remembers()
    late = Delayed(policy, steps=2)
    late.reset(1)
    seen = [np.full((1, len(FEATURES)), float(k), np.float32) for k in range(5)]
    found = []
    for observations in seen:
        late.act(observations)
        found.append((policy.seen[0, 0], policy.seen[0, OWN]))
    assert found == [(0, 0), (0, 1), (0, 2), (1, 3), (2, 4)]
    late.reset(1)
    late.act(seen[4])
    assert policy.seen[0, 0] == 4


@pytest.mark.parametrize("world", [*evaluations(), *unseen()], ids=lambda world: world.name)
@pytest.mark.parametrize("plan", [FULL, SHORT], ids=["full", "short"])
def test_worlds_are_possible_and_none_but_the_first_is_as_trained(world, plan):
    scenario = resolve_environment(world.env_id, (*plan.world, *world.changes))["scenario"]
    base = resolve_environment("squeezegym/ShortSqueeze-v0", plan.world)["scenario"]
    same = scenario.digest() == base.digest()
    assert same == (not world.changes and world.env_id == "squeezegym/ShortSqueeze-v0")


@pytest.mark.parametrize("plan", [FULL, SHORT], ids=["full", "short"])
def test_the_plan_names_trainings_and_predicts_every_stage(plan):
    assert list(predicted_steps(plan)) == list(reproduce.STAGES)
    for name in plan.runs:
        settings = plan.settings(name, 2)
        assert settings.seed == 2 and settings.learner == load(name).learner
        settings.resolved()
    assert plan.seeds(fewer=True).start == plan.seeds().start >= 1_000_000
    assert len(plan.seeds(fewer=True, times=2)) == 2 * plan.fewer


def test_less_effort_is_fewer_steps_of_the_same_trainings():
    less = reproduce._plan(Config(Path("out"), effort=0.25, episodes=40, fewer=8))
    assert (less.settings("ppo", 1).steps, FULL.settings("ppo", 1).steps) == (5_000_000, 20_000_000)
    assert (len(less.seeds()), len(less.seeds(fewer=True)), less.runs) == (40, 8, FULL.runs)
    with pytest.raises(ConfigError, match="effort is a share above 0, at most 1; got 2"):
        reproduce._plan(Config(Path("out"), effort=2.0))
    with pytest.raises(ConfigError, match="fewer at most episodes; got 40, 500"):
        reproduce._plan(Config(Path("out"), episodes=40))


def test_an_unknown_stage_or_a_foreign_folder_is_refused(tmp_path):
    console = Console(quiet=True)
    with pytest.raises(ConfigError, match="unknown stage 'trian'"):
        reproduce.reproduce(Config(tmp_path / "out", stages=("trian",)), console)
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="holds no results"):
        reproduce.reproduce(Config(tmp_path), console)


def test_stages_run_once_and_in_order(tmp_path, monkeypatch):
    ran = []

    def stage(name):
        return lambda study: ran.append(name) or {"name": name}

    monkeypatch.setattr(reproduce, "STAGES", {name: stage(name) for name in reproduce.STAGES})
    monkeypatch.setattr(reproduce, "steps_per_second", lambda: 1.0)
    console = Console(quiet=True)
    reproduce.reproduce(Config(tmp_path / "out", True, ("events",)), console)
    reproduce.reproduce(Config(tmp_path / "out", True), console)
    assert ran == [
        "events",
        "train",
        "evaluate",
        "ablations",
        "unseen",
        "limits",
        "audit",
        "page",
        "models",
    ]
    with pytest.raises(ConfigError, match="another plan"):
        reproduce.reproduce(Config(tmp_path / "out"), console)
