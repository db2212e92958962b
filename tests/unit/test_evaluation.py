import csv
import io
import json

import numpy as np
import pytest
from pytest import approx
from rich.console import Console

from agents.baselines import Flat, HoldLong
from agents.evaluation import (
    as_plain,
    play,
    results_table,
    summaries,
    summarise,
    write_episodes,
)
from agents.measures import Episode
from agents.runfolder import RunFolder, manifest
from squeezegym.errors import ConfigError

ENV_ID = "squeezegym/ShortSqueeze-v0"
SHORT = {"horizon_s": 2.0, "threads": 1}


def episode(pnl, *, seed=0, ignited=False, liquidated=False, position=0.5):
    return Episode("p", seed, pnl, liquidated, ignited, position, 3000)


def test_summary_of_four_episodes():
    summary = summarise(
        [
            episode(-4.0, liquidated=True, position=1.0),
            episode(0.0, position=0.0),
            episode(1.0, position=0.5),
            episode(5.0, position=0.5),
        ]
    )
    assert summary is not None
    assert (summary.episodes, summary.mean, summary.median) == (4, 0.5, 0.5)
    assert (summary.liquidated, summary.positive) == (0.25, 0.5)
    assert summary.mean_abs_position == 0.5
    assert summary.low < 0.5 < summary.high


def test_summaries_split_by_ignition():
    groups = summaries([episode(3.0, ignited=True), episode(-1.0), episode(-2.0)])
    assert groups["all"].mean == 0.0
    assert (groups["ignited"].episodes, groups["ignited"].mean) == (1, 3.0)
    assert (groups["not_ignited"].episodes, groups["not_ignited"].mean) == (2, -1.5)


def test_a_group_without_episodes_is_none_and_prints_as_such():
    results = {"p": summaries([episode(1.0), episode(2.0)])}
    assert results["p"]["ignited"] is None
    assert json.loads(json.dumps(as_plain(results)))["p"]["ignited"] is None
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(results_table(results, "title"))
    text = console.export_text()
    assert "+1.50" in text
    assert "none" in text


def test_episodes_are_written_one_a_line(tmp_path):
    write_episodes([episode(1.5, seed=7), episode(-2.0, seed=8)], tmp_path / "e.csv")
    with (tmp_path / "e.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["seed"], row["pnl_percent"]) for row in rows] == [("7", "1.5"), ("8", "-2.0")]


def test_play_gives_every_policy_the_same_markets_in_the_order_of_the_seeds():
    first = play("flat", Flat(), ENV_ID, SHORT, [5, 9, 11])
    again = play("flat", Flat(), ENV_ID, SHORT, [11, 5])
    assert [e.seed for e in first] == [5, 9, 11]
    assert [e.steps for e in first] == [20, 20, 20]
    assert (again[0].pnl_percent, again[1].pnl_percent) == (
        first[2].pnl_percent,
        first[0].pnl_percent,
    )


def test_play_measures_the_position_and_the_pnl_in_percent_of_capital():
    import gymnasium as gym

    (played,) = play("hold long", HoldLong(), ENV_ID, SHORT, [3])
    env = gym.make(ENV_ID, **SHORT)
    env.reset(seed=3)
    done, held = False, []
    while not done:
        _, _, terminated, truncated, info = env.step(np.ones(2, np.float32))
        held.append(abs(info["position"]))
        done = terminated or truncated
    capital = env.unwrapped.scenario.learner.capital_quote
    assert played.pnl_percent == approx(100 * info["pnl"] / capital)
    assert played.mean_abs_position == approx(np.mean(held))
    env.close()


def test_a_run_folder_appears_complete(tmp_path):
    with RunFolder(tmp_path / "runs" / "one") as folder:
        folder.write_json("a.json", {"a": 1})
        assert not (tmp_path / "runs" / "one").exists()
    assert json.loads((tmp_path / "runs" / "one" / "a.json").read_text()) == {"a": 1}
    assert [p.name for p in (tmp_path / "runs").iterdir()] == ["one"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, ValueError])
def test_nothing_stays_of_a_run_that_fails(tmp_path, error):
    with pytest.raises(error), RunFolder(tmp_path / "deep" / "runs" / "one") as folder:
        folder.write_json("a.json", 1)
        raise error
    assert list(tmp_path.iterdir()) == []


def test_a_run_folder_is_never_written_over(tmp_path):
    (tmp_path / "one").mkdir()
    with pytest.raises(ConfigError, match=r"exists already; give another --out"):
        RunFolder(tmp_path / "one")


def test_a_run_folder_below_a_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(ConfigError, match="cannot make run folder"),
        RunFolder(tmp_path / "file" / "one"),
    ):
        pass


def test_the_manifest_names_versions_seed_and_command():
    told = manifest(7, {"train": 1.234})
    assert told["seed"] == 7
    assert told["durations_s"] == {"train": 1.23}
    assert {"python", "numpy", "numba", "gymnasium", "torch", "squeezegym"} <= set(told["versions"])
    assert told["command"]
