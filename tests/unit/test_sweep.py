import json

import pytest

from agents import sweep
from agents.sweep import Config, trials
from squeezegym.errors import ConfigError, DataError


def config(tmp_path, **changes):
    return Config(**{"training": "ppo", "out": tmp_path / "out", "seeds": "3:5", **changes})


def test_a_grid_is_every_combination_with_the_seeds_fastest(tmp_path):
    grid = ("learner.gamma=[0.9, 0.99]", "num_envs=[8]")
    found = trials(config(tmp_path, grid=grid, scenario=("calm", "long_flush")))
    assert len(found) == 8
    assert [t.settings.seed for t in found[:3]] == [3, 4, 3]
    assert found[0].name == "scenario=calm,gamma=0.9,num_envs=8,seed=3"
    assert found[-1].settings.scenario == "long_flush"
    assert found[-1].settings.learner.gamma == 0.99
    assert found[-1].settings.learner.algorithm == "ppo"
    assert len({t.name for t in found}) == 8


@pytest.mark.parametrize(
    ("grid", "sentence"),
    [
        ("learner.gamma", "--grid takes KEY="),
        ("learner.gamma=0.9", "--grid takes KEY="),
        ("learner.gama=[0.9]", "unknown setting 'learner.gama'"),
        ("learner.gamma=[2.0]", "learner.gamma"),
        ("seed.more=[1]", "'seed' is a value"),
        ('scenario=["clam"]', "did you mean 'calm'"),
    ],
)
def test_an_impossible_grid_is_one_sentence(tmp_path, grid, sentence):
    with pytest.raises(ConfigError, match=sentence):
        trials(config(tmp_path, grid=(grid,)))


def finished(trial, folder):
    folder.mkdir(parents=True)
    settings = trial.settings.model_dump(mode="json")
    (folder / "training.json").write_text(json.dumps(settings))
    (folder / "manifest.json").write_text(json.dumps({"policy_sha256": "ab", "git": None}))
    (folder / "curve.json").write_text(json.dumps([{"pnl": 1.5}]))


def test_what_is_there_is_not_run_again(tmp_path, monkeypatch):
    wanted = config(tmp_path)
    first, second = trials(wanted)
    finished(first, wanted.out / first.name)
    ran = []

    def run(config, left, told):
        ran.extend(trial.name for trial in left)
        return [f"{trial.name}: no" for trial in left]

    monkeypatch.setattr(sweep, "_on_ray", run)
    monkeypatch.setattr(sweep, "_ray", lambda: None)
    lines = []
    assert sweep.sweep(wanted, lines.append) == [f"{second.name}: no"]
    assert ran == [second.name] and lines == ["1 of 2 trials are there"]
    rows = json.loads((wanted.out / "sweep.json").read_text())
    assert [(row["seed"], row["finished"]) for row in rows] == [(3, True), (4, False)]
    assert (rows[0]["policy_sha256"], rows[0]["last_pnl"]) == ("ab", 1.5)


def test_without_ray_it_says_how_to_get_it_and_leaves_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sweep.sys.modules, "ray", None)
    assert sweep.main(["ppo", "--seeds", "0:1", "--out", str(tmp_path / "out")]) == 2
    assert "squeezegym[agents,scale]" in capsys.readouterr().err.splitlines()[-1]
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_other_settings_is_no_trial_of_this_sweep(tmp_path):
    wanted = config(tmp_path)
    first, second = trials(wanted)
    finished(second, wanted.out / first.name)
    with pytest.raises(ConfigError, match="other settings"):
        sweep.sweep(wanted, print)


def test_a_run_folder_appears_whole_and_nothing_is_written_outside_it(tmp_path):
    sweep._store(tmp_path / "a", {"x/y.txt": b"1", "z": b"2"})
    assert (tmp_path / "a" / "x" / "y.txt").read_bytes() == b"1"
    with pytest.raises(DataError, match="outside its folder"):
        sweep._store(tmp_path / "b", {"../../evil": b""})
    assert not (tmp_path / "b").exists()


def test_a_training_that_fails_says_why(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(sweep.tempfile, "tempdir", None)
    with pytest.raises(RuntimeError, match="unknown setting 'nonsense'"):
        sweep.run_trial({"nonsense": 1}, 0)
