"""What commands share: exit codes, files written beside what is printed, what they need to run."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from rich.console import Console

from squeezegym.errors import ConfigError
from squeezegym.files import check_target, write_whole

FAILED = 2
"""Exit code after bad input."""
STOPPED = 130
"""Exit code after an interrupt."""


STDOUT = Path("-")
"""The file that ``--json -`` names."""


def check_json(path: Path | None) -> None:
    """Refuse a file that ``--json`` cannot write before anything runs."""
    if path != STDOUT:
        check_target("--json", path, (".json",))


def beside(as_json: Path | None) -> Console:
    """Console for tables and sentences: on stderr where stdout takes the data."""
    return Console(stderr=as_json == STDOUT)


def write_report(target: Path | None, text: str, console: Console) -> None:
    """Write a file whole, if one is asked for, and say so; or write to stdout."""
    if target == STDOUT:
        print(text, end="")
    elif target is not None:
        write_whole(target, lambda path: path.write_text(text, encoding="utf-8"))
        console.print(f"wrote {target}", highlight=False)


def needs(module: str, extra: str, command: str) -> None:
    """Refuse a command whose library is not installed."""
    if importlib.util.find_spec(module) is None:
        raise ConfigError(f"{command} needs {module}; pip install 'squeezegym[{extra}]'")
