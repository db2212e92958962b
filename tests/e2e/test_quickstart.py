import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = {
    "config.json",
    "manifest.json",
    "metrics.json",
    "episodes.csv",
    "policy.zip",
    "episode.html",
    "episode.png",
    "replay.npz",
    "tb",
}
POLICIES = ["PPO", "flat", "hold long", "hold short", "momentum", "sniper"]


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-W", "error", "-m", "agents.quickstart", *arguments]


def environment() -> dict[str, str]:
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return {**os.environ, "PYTHONPATH": path, "COLUMNS": "120"}


def quickstart(cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments), cwd=cwd, env=environment(), capture_output=True, text=True, timeout=300
    )


@pytest.mark.slow
def test_short_run_prints_the_table_and_writes_the_folder(tmp_path):
    done = quickstart(tmp_path, "--short", "--out", "runs/one", "--seed", "3")
    assert done.returncode == 0, done.stderr
    for policy in POLICIES:
        assert f"\n {policy} " in done.stdout
    assert "interval" in done.stdout
    assert "training" in done.stderr

    assert [path.name for path in tmp_path.iterdir()] == ["runs"]
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["one"]
    run = tmp_path / "runs" / "one"
    assert {path.name for path in run.iterdir()} == FILES
    assert (run / "episode.png").read_bytes().startswith(b"\x89PNG")
    assert any(path.name.startswith("events.out.tfevents") for path in (run / "tb").iterdir())

    config = json.loads((run / "config.json").read_text())
    assert config["config"]["scenario"] == config["scenario"]["name"] == "short_squeeze"
    assert config["env_id"] == "squeezegym/ShortSqueeze-v0"
    manifest = json.loads((run / "manifest.json").read_text())
    assert manifest["seed"] == 3
    durations = manifest["durations_s"]
    assert durations["total"] - durations["compile"] < 60
    metrics = json.loads((run / "metrics.json").read_text())
    assert list(metrics["policies"]) == POLICIES
    assert metrics["policies"]["flat"]["all"]["episodes"] == 24
    with (run / "episodes.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    seeds = {name: [r["seed"] for r in rows if r["policy"] == name] for name in POLICIES}
    assert all(seeds[name] == seeds["flat"] for name in POLICIES)

    from squeezegym.integrations.sb3 import load_policy

    assert load_policy(run / "policy.zip").spec.steps == metrics["training"]["steps"]


@pytest.mark.slow
def test_an_interrupted_run_leaves_nothing(tmp_path):
    process = subprocess.Popen(
        command("--out", "runs/one"),
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 120
    while not list(tmp_path.glob("runs/.one.*/tb/*")) and time.monotonic() < deadline:
        time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--scenario", "short_squeze"], "did you mean 'short_squeeze'?"),
        (["--scenario", "missing.toml"], "'missing.toml' does not exist"),
        (["--scenario", "from_data"], "--book FILE"),
        (["--scenario", "from_data", "--book", "missing.gz"], "missing.gz"),
        (["--book", "missing.gz"], "belong to scenario 'from_data'"),
        (["--episodes", "0"], "--episodes must be >= 1, got 0"),
        (["--steps", "-5"], "--steps must be >= 1, got -5"),
        (["--learner.gamma", "2"], "gamma: Input should be less than or equal to 1"),
        (["--learner.algorithm", "sac"], "python -m agents.train sac"),
        (["--out", "taken"], "run folder 'taken' exists already"),
    ],
)
def test_bad_input_is_one_sentence_and_leaves_nothing(tmp_path, arguments, sentence):
    (tmp_path / "taken").mkdir()
    done = quickstart(tmp_path, "--short", *arguments)
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("error: ")
    assert len(done.stderr.strip().splitlines()) == 1
    assert sentence in done.stderr
    assert done.stdout == ""
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]
    assert list((tmp_path / "taken").iterdir()) == []
