"""The README's Python runs, and the first example prints what the README says."""

import contextlib
import io
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.S)
WITH_OUTPUT = re.findall(r"```python\n([^`]*?)```\s*```text\n(.*?)```", README, re.S)


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
