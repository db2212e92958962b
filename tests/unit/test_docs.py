"""Pages that are made from the code say what the code says."""

import re
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest

from squeezegym.codes import Policy, Ranking, Remainder
from squeezegym.core import deleveraging, execution, liquidation_price, margin
from squeezegym.envs.observation import table
from squeezegym.resources import resources

DOCS = Path(__file__).parents[2] / "docs"


def test_observation_page_is_the_table():
    assert table() in (DOCS / "observation.md").read_text(encoding="utf-8")


def test_links_of_the_pages_lead_somewhere():
    for page in [*DOCS.glob("*.md"), DOCS.parent / "README.md"]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


@pytest.mark.parametrize("name", ["facts.md", "margin.md", "theory.md"])
def test_the_code_of_a_page_prints_what_the_page_says(name):
    text = (DOCS / name).read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", text, re.DOTALL)
    assert blocks
    for code, said in blocks:
        printed = StringIO()
        with redirect_stdout(printed):
            exec(code, {})
        assert printed.getvalue() == said


@pytest.mark.parametrize("name", ["liquidation.md"])
def test_the_code_of_a_page_runs(name):
    text = (DOCS / name).read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert blocks
    for code in blocks:
        exec(code, {})


def test_the_liquidation_page_names_every_policy_and_counter():
    text = (DOCS / "liquidation.md").read_text(encoding="utf-8")
    for codes in (Policy, Remainder, Ranking):
        for code in codes:
            assert f"`{code.name.lower()}`" in text or f'"{code.name.lower()}"' in text


def test_the_margin_page_names_every_formula_and_table():
    text = (DOCS / "margin.md").read_text(encoding="utf-8")
    for module in (liquidation_price, execution, deleveraging):
        own = [
            name
            for name, value in vars(module).items()
            if not name.startswith("_") and getattr(value, "__module__", "") == module.__name__
        ]
        room = module.__name__.rpartition(".")[2]
        assert {name for name in own if f"`{room}.{name}`" not in text} <= {"rank"}
    assert set(re.findall(r"`margin\.(\w+)`", text)) <= vars(margin).keys()
    for path in (resources() / "brackets").iterdir():
        assert f"`{path.name.removesuffix('.toml')}`" in text
