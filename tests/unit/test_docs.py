"""Pages that are made from the code say what the code says."""

import functools
import re
import shlex
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest

from squeezegym import cli, levers
from squeezegym.codes import Policy, Ranking, Remainder
from squeezegym.core import deleveraging, execution, liquidation_price, margin
from squeezegym.envs import guardlevers, guardview
from squeezegym.envs.observation import table
from squeezegym.measures import RULE_NAMES
from squeezegym.resources import resources

DOCS = Path(__file__).parents[2] / "docs"


def test_observation_page_is_the_table():
    assert table() in (DOCS / "observation.md").read_text(encoding="utf-8")


def test_guard_page_is_the_tables():
    page = (DOCS / "guard.md").read_text(encoding="utf-8")
    for made in (guardview.table(), guardlevers.table(), guardlevers.menu()):
        assert made in page


def test_links_of_the_pages_lead_somewhere():
    for page in [*DOCS.glob("*.md"), DOCS.parent / "README.md"]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


SLOW = {"tutorial.md", "game.md"}  # one trains, one compiles a market of its own


def code_of(name):
    """Python blocks of a page, each with the text that stands below it, if any."""
    text = (DOCS / name).read_text(encoding="utf-8")
    return re.findall(r"```python\n(.*?)```(?:\n\n```text\n(.*?)```)?", text, re.DOTALL)


PAGES = sorted(page.name for page in DOCS.glob("*.md") if code_of(page.name))


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.slow if name in SLOW else ()) for name in PAGES],
)
def test_the_code_of_a_page_runs_and_prints_what_the_page_says(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # some of it writes files
    names = {}
    for code, said in code_of(name):
        printed = StringIO()
        with redirect_stdout(printed):
            exec(code, names)
        assert not said or printed.getvalue() == said


def commands_of(page):
    """``squeezegym`` commands that a page shows."""
    text = page.read_text(encoding="utf-8")
    for block in re.findall(r"```bash\n(.*?)```", text, re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            if line.startswith("squeezegym "):
                yield line


def commands():
    """Every one of the pages and the README, in words."""
    for page in [*sorted(DOCS.glob("*.md")), DOCS.parent / "README.md"]:
        for line in commands_of(page):
            yield pytest.param(shlex.split(line, comments=True)[1:], id=f"{page.stem}: {line}")


@pytest.mark.parametrize("words", list(commands()))
def test_every_command_of_a_page_is_one_that_the_command_line_takes(words, tmp_path, monkeypatch):
    """Parsed as it stands; what it would run is left out."""
    monkeypatch.chdir(tmp_path)
    taken = []
    for name, command in cli._COMMANDS.items():

        def stub(*given, _name=name, **named):
            taken.append(_name)

        monkeypatch.setitem(cli._COMMANDS, name, functools.wraps(command)(stub))
    try:
        assert cli.main(words) == 0
    except SystemExit as ended:  # completion is written by the parser itself
        assert "--tyro-write-completion" in words and not ended.code
        return
    assert taken == words[:1]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["tutorial.md", "replay.md", "how-to.md", "command-line.md"])
def test_the_commands_of_a_page_run_in_its_order(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for line in commands_of(DOCS / name):
        if "--tyro-write-completion" not in line:
            assert cli.main(shlex.split(line)[1:]) == 0


def test_the_liquidation_page_names_every_policy_and_counter():
    text = (DOCS / "liquidation.md").read_text(encoding="utf-8")
    for codes in (Policy, Remainder, Ranking):
        for code in codes:
            assert f"`{code.name.lower()}`" in text or f'"{code.name.lower()}"' in text


def test_the_protection_page_has_the_levers_and_a_row_for_every_rule():
    text = (DOCS / "protection.md").read_text(encoding="utf-8")
    assert levers.table() in text
    for rule in RULE_NAMES:
        assert re.search(rf"^\|[^|]+\| `{rule}[`.]", text, re.MULTILINE), rule


def test_the_margin_page_names_every_formula_and_table():
    text = (DOCS / "margin.md").read_text(encoding="utf-8")
    for module in (liquidation_price, execution, deleveraging):
        own = [
            name
            for name, value in vars(module).items()
            if not name.startswith("_") and getattr(value, "__module__", "") == module.__name__
        ]
        room = module.__name__.rpartition(".")[2]
        assert {name for name in own if f"`{room}.{name}`" not in text} == set()
    assert set(re.findall(r"`margin\.(\w+)`", text)) <= vars(margin).keys()
    for path in (resources() / "brackets").iterdir():
        assert f"`{path.name.removesuffix('.toml')}`" in text


def test_the_command_line_page_names_every_command():
    text = (DOCS / "command-line.md").read_text(encoding="utf-8")
    for name in cli._COMMANDS:
        assert f"| `squeezegym {name}` |" in text
