"""The one-file example runs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_it_trains_on_the_menu():
    command = [sys.executable, "-W", "error", "examples/cleanrl_ppo.py", "--num-envs", "8"]
    done = subprocess.run(
        [*command, "--num-steps", "64", "--total-timesteps", "2048", "--horizon-s", "2"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 4 and all("mean PnL" in line for line in lines)
