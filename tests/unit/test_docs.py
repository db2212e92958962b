"""Pages that are made from the code say what the code says."""

from pathlib import Path

from squeezegym.envs.observation import table

DOCS = Path(__file__).parents[2] / "docs"


def test_observation_page_is_the_table():
    assert table() in (DOCS / "observation.md").read_text(encoding="utf-8")


def test_links_of_the_pages_lead_somewhere():
    import re

    for page in [*DOCS.glob("*.md"), DOCS.parent / "README.md"]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
