"""The throughput benchmark runs and writes what it measured."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_the_smoke_run_prints_a_table_and_writes_json(tmp_path: Path) -> None:
    pytest.importorskip("stable_baselines3")
    target = tmp_path / "result.json"
    command = [sys.executable, "benchmarks/throughput.py", "--short", "--json", str(target)]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert "events/step" in done.stdout
    data = json.loads(target.read_text())
    assert {"cpu", "cores", "commit", "python", "numba"} <= set(data["machine"])
    names = {row["name"] for row in data["results"]}
    assert names == {"market alone, calm", "market alone", "single", "vector", "sb3 adapter"}
    assert all(row["median"] > 0 for row in data["results"])


@pytest.mark.slow
def test_the_smoke_run_of_ppo_measures_both_sides(tmp_path: Path) -> None:
    target = tmp_path / "result.json"
    command = [sys.executable, "benchmarks/sb3.py", "--short", "--json", str(target)]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    data = json.loads(target.read_text())
    (row,) = data["results"]
    assert row["markets"] == 16 and len(row["market"]) == len(row["free"]) == 2
    assert 0 < row["of_free"] and data["machine"]["torch threads"] == 1
