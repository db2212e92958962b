"""The README's Python runs, and the first example prints what the README says."""

import contextlib
import io
import re
import shlex
from pathlib import Path

import pytest

from squeezegym.cli import main

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.S)
WITH_OUTPUT = re.findall(r"```python\n([^`]*?)```\s*```text\n(.*?)```", README, re.S)

COMMANDS = re.findall(r"^squeezegym (.*?)(?: +#.*)?$", README, re.M)
# Sizes that a test has time for.
SHORTER = {"--seeds": "5", "--hours": "2", "--episodes": "5", "--seconds": "30"}


def run(code):
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "README.md", "exec"), {})
    return printed.getvalue()


def test_three_examples_show_their_output():
    assert len(WITH_OUTPUT) == 3


@pytest.mark.parametrize(("code", "output"), WITH_OUTPUT)
def test_example_prints_what_the_readme_says(code, output):
    assert run(code) == output


@pytest.mark.parametrize("code", [b for b in BLOCKS if b not in dict(WITH_OUTPUT)])
def test_the_other_examples_run(code):
    run("import gymnasium as gym\nimport squeezegym\n" + code)


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_runs(command, shared, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    folder = shared / "data/binance-raw-2024-08-08"
    files = {
        "FILE": folder / "usdm_btcusdt_20240808.gz",
        "usdm.gz": folder / "usdm_btcusdt_20240808.gz",
        "spot_1.gz": folder / "spot_btcusdt_20240808.gz",
        "spot_2.gz": folder / "spot_btcusdt_20240809.gz",
    }
    words = [str(files.get(word, word)) for word in shlex.split(command)]
    for flag, value in SHORTER.items():
        if flag in words:
            words[words.index(flag) + 1] = value
    if words[0] == "proof":  # its rows of the market and its early warning take many minutes
        monkeypatch.setattr("squeezegym.theory.marketproof.market_checks", lambda *_: [])
        monkeypatch.setattr("squeezegym.theory.earlywarning.early_warning", lambda *_, **__: [])
        words += ["--effort", "0.02"]
    assert main(words) == 0
    assert capsys.readouterr().out
