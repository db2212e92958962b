"""The order-book benchmark runs, finds the same trades as the native book, and writes JSON."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
YARDSTICK = ROOT.parent / "shared" / "yardstick"


def run(*args: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "benchmarks/book.py", *args]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_the_smoke_run_prints_tables_and_writes_json(tmp_path: Path) -> None:
    if not YARDSTICK.is_dir() or shutil.which("gcc") is None:
        pytest.skip("the native book cannot be built here")
    target = tmp_path / "result.json"
    done = run("--short", "--json", str(target))

    assert done.returncode == 0, done.stderr
    assert "same trades" in done.stdout
    data = json.loads(target.read_text())
    assert {"cpu", "cores", "commit", "python", "numba", "gcc"} <= set(data["machine"])
    cases = {(row["stream"], row["ids"]) for row in data["results"]}
    streams = ("yardstick", "wide", "swing")
    singles = {(stream, ids) for stream in streams for ids in ("caller", "book")}
    assert cases == singles | {("64 books x 100", "book")}
    assert all(row["same_trades"] and row["of_medians"] > 0 for row in data["results"])
    peers = [row for row in data["peers"] if row["ns_per_message"]]
    assert peers[0]["name"] == "squeezegym"
    assert all(row["agrees"] in (None, True) for row in peers)


def test_without_the_yardstick_it_says_so(tmp_path: Path) -> None:
    done = run("--yardstick", str(tmp_path))

    assert done.returncode == 2
    assert "book.c is absent" in done.stderr
