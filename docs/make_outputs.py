"""Write what the code of the pages prints below it: ``python docs/make_outputs.py [PAGE ...]``.

A block of Python and the block of text below it belong together; the blocks of a page run in one
namespace, those of the README each in its own. Without names: the README and every page that shows
what its code prints. The tests compare; this brings the pages up to date when a market has changed.
"""

from __future__ import annotations

import re
import sys
from contextlib import chdir, redirect_stdout
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

DOCS = Path(__file__).parent
README = DOCS.parent / "README.md"
BLOCK = re.compile(r"```python\n(.*?)```(?:(\s*)```text\n(.*?)```)?", re.DOTALL)


def refresh(page: Path) -> bool:
    """Run a page and put its outputs in place; return whether any differed."""
    names: dict[str, Any] = {}

    def run(found: re.Match[str]) -> str:
        code, gap, said = found.groups()
        if page == README and said is None:
            return found[0]
        printed = StringIO()
        with redirect_stdout(printed):
            exec(code, {} if page == README else names)
        return (
            found[0]
            if said is None
            else f"```python\n{code}```{gap}```text\n{printed.getvalue()}```"
        )

    text = page.read_text(encoding="utf-8")
    with TemporaryDirectory() as folder, chdir(folder):  # some of it writes files
        fresh = BLOCK.sub(run, text)
    page.write_text(fresh, encoding="utf-8")
    return fresh != text


def main(names: list[str]) -> None:
    """Refresh the pages that are named, or all that show an output."""
    pages = [Path(name).resolve() for name in names]
    for page in pages or [README, *sorted(DOCS.glob("*.md"))]:
        if any(said for _, _, said in BLOCK.findall(page.read_text(encoding="utf-8"))):
            print(f"{page.name}: {'changed' if refresh(page) else 'as it was'}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
