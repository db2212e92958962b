"""Every example runs in its short form, from a checkout, and says what it promises."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SHORT = {
    "train": (["--steps", "4096", "--num-envs", "16"], ["4,096 steps", "wrote model.zip"]),
    "evaluate_policy": (["--episodes", "4"], ["4 episodes", "95 % interval", "liquidated"]),
    "change_one_rule": (["--seeds", "2", "--seconds", "160"], ["rise", "paired difference"]),
    "multi_agent": (
        ["--steps", "2048", "--num-envs", "8", "--horizon-s", "12"],
        ["2,048 decisions of sniper_0", "squeezer_0", "% of its capital"],
    ),
    "own_scenario": (
        ["--seconds", "1"],
        ["1,600 shorts", "ledger (0, 0, 0)", "did you mean 'leverage_cap'"],
    ),
    "own_reward": (["--steps", "1024", "--num-envs", "16"], ["without the charge"]),
}


def test_every_example_is_run():
    tests = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    for path in (ROOT / "examples").glob("*.py"):
        assert path.stem in SHORT or f"examples/{path.name}" in tests


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(SHORT))
def test_an_example_runs_in_its_short_form(name, tmp_path):
    words, said = SHORT[name]
    done = subprocess.run(
        [sys.executable, "-W", "error", ROOT / "examples" / f"{name}.py", *words],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for word in said:
        assert word in done.stdout
