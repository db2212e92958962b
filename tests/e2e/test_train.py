"""Trainings: the same weights whether they were stopped or not."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from rich.console import Console

from agents import settings, train
from agents.settings import Training
from squeezegym.errors import ConfigError
from squeezegym.integrations.policyfile import ALGORITHMS
from squeezegym.integrations.sb3 import load_policy

ROOT = Path(__file__).resolve().parents[2]
QUIET = Console(quiet=True)


class Killed(Exception):
    pass


def tiny(algorithm, **changes):
    """Forty decisions of four markets whose episodes take ten."""
    return Training(
        changes=("episode.horizon_s=2.0", "episode.burn_in_s=1.0"),
        steps=40 * 4 * 2,
        num_envs=4,
        checkpoint_steps=10 * 4 * 2,
        learner={
            "algorithm": algorithm,
            "decision_steps": 2,
            "hidden": (8,),
            "lstm": 4,
            "caution": 50.0,
            "on_policy": {"n_steps": 10, "batches": 2, "epochs": 2},
            "off_policy": {"buffer": 80, "batch": 8, "starts": 40, "target_interval": 20},
        },
        **changes,
    )


def stopped_once(config, out, monkeypatch):
    """Train until just after the second checkpoint, then go on."""
    from agents import checkpoint

    saves = []
    save = checkpoint.save

    def save_and_die(path, model, reports):
        save(path, model, reports)
        saves.append(model.num_timesteps)
        if len(saves) == 2:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "save", save_and_die)
        with pytest.raises(Killed):
            train.train_into(config, out, QUIET)
    assert not (out / train.POLICY).exists()
    return train.train_into(config, out, QUIET)


@pytest.mark.parametrize(
    "algorithm", ["ppo", *(pytest.param(a, marks=pytest.mark.slow) for a in ALGORITHMS[1:])]
)
def test_a_stopped_training_ends_with_the_weights_of_one_that_was_not(
    tmp_path, monkeypatch, algorithm
):
    config = tiny(algorithm)
    told = train.train_into(config, tmp_path / "whole", QUIET)
    again = stopped_once(config, tmp_path / "stopped", monkeypatch)
    assert told["policy_sha256"] == again["policy_sha256"]
    whole, stopped = ((tmp_path / name / train.POLICY) for name in ("whole", "stopped"))
    assert whole.read_bytes() == stopped.read_bytes()
    steps = sorted(path.name for path in (tmp_path / "stopped" / "policies").iterdir())
    assert steps[0] == "policy_000000000080.zip"
    first = (tmp_path / "stopped" / "policies" / steps[0]).read_bytes()
    assert first != whole.read_bytes()  # it has learned something since
    assert not (tmp_path / "stopped" / train.CHECKPOINT).exists()
    curves = [(tmp_path / name / "curve.json").read_text() for name in ("whole", "stopped")]
    assert curves[0] == curves[1]
    rows = json.loads(curves[0])
    assert {"decisions", "pnl", "funding", "liquidated", "ignited"} <= rows[0].keys()
    assert sum(row["episodes"] for row in rows) > 0
    assert load_policy(whole).spec.algorithm == algorithm


def test_a_folder_holds_one_training(tmp_path):
    out = tmp_path / "run"
    train._claim(tiny("ppo"), out)
    train._claim(tiny("ppo"), out)
    with pytest.raises(ConfigError, match=r"other settings \(seed\)"):
        train._claim(tiny("ppo", seed=1), out)
    (tmp_path / "other").mkdir()
    with pytest.raises(ConfigError, match="no run folder of a training"):
        train._claim(tiny("ppo"), tmp_path / "other")


def test_a_finished_training_is_left_as_it_is(tmp_path):
    out = tmp_path / "run"
    train._claim(tiny("ppo"), out)
    (out / "manifest.json").write_text('{"policy_sha256": "abc"}')
    assert train.train_into(tiny("ppo"), out, QUIET) == {"policy_sha256": "abc"}


@pytest.mark.parametrize("name", settings.names())
def test_shipped_trainings_load_and_name_a_scenario(name):
    training = settings.load(name)
    assert training.resolved().name == "short_squeeze"
    assert training.env_id().startswith("squeezegym/ShortSqueeze")
    spec = train.policy_spec(training, "0" * 16)
    assert spec.blind == training.learner.blind


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["pppo"], "did you mean 'ppo'?"),
        (["ppo", "--scenario", "short_squeze"], "did you mean 'short_squeeze'"),
        (["ppo", "--scenario", "from_data"], "agents.quickstart"),
        (["ppo", "--steps", "0"], "steps: Input should be greater than or equal to 1, got"),
        (["ppo", "--changes", "episode.horizon=3"], "unknown key 'horizon'"),
        (["ppo", "--learner.blind", "basiss"], "did you mean 'basis'?"),
        (["bad.toml"], "unknown setting 'learner.rate'"),
    ],
)
def test_bad_settings_are_one_sentence(tmp_path, monkeypatch, capsys, arguments, sentence):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.toml").write_text("[learner]\nrate = 1")
    assert train.main([*arguments, "--out", str(tmp_path / "run")]) == 2
    told = capsys.readouterr().err
    assert told.startswith("error: ") and sentence in told
    assert len(told.strip().splitlines()) == 1
    assert not (tmp_path / "run").exists()


def test_the_command_line_overrides_the_file():
    name, run = train._parse(["recurrent_ppo", "--seed", "3", "--learner.lstm", "32"])
    assert (name, run.seed, run.learner.lstm) == ("recurrent_ppo", 3, 32)
    assert run.steps == settings.load("recurrent_ppo").steps
    assert run.learner.algorithm == "recurrent_ppo"


@pytest.mark.slow
def test_a_killed_process_is_gone_on_with(tmp_path):
    file = tmp_path / "tiny.json"
    config = tiny("ppo").model_copy(update={"steps": 400 * 4 * 2})
    file.write_text(json.dumps(config.model_dump(mode="json")))
    command = [sys.executable, "-W", "error", "-m", "agents.train", str(file), "--out"]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen([*command, str(tmp_path / "run")], cwd=tmp_path, env=env)
    deadline = time.monotonic() + 300
    while not (tmp_path / "run" / train.CHECKPOINT).exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=60)
    assert (tmp_path / "run" / train.CHECKPOINT).exists()
    subprocess.run([*command, str(tmp_path / "run")], cwd=tmp_path, env=env, check=True)
    subprocess.run([*command, str(tmp_path / "whole")], cwd=tmp_path, env=env, check=True)
    run, whole = ((tmp_path / name / train.POLICY).read_bytes() for name in ("run", "whole"))
    assert run == whole
