"""Runs that go on where they were stopped: what long commands share."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from squeezegym.commands.reports import STDOUT
from squeezegym.errors import SqueezegymError
from squeezegym.parts import Keep, Parts, anew

PART = ".part"
"""Ending of the folder of finished parts, behind the name of the output."""


class Resumable(KeyboardInterrupt):
    """An interrupt of a run that goes on when it is started again; says what is kept."""


@contextmanager
def unfinished(command: str, outputs: Iterable[Path | None], **run: Any) -> Iterator[Keep]:
    """Keep the finished parts of a run until it has come to its end.

    They stand beside the first output; a run that writes none has a folder in the present one, if
    that can be written.

    Args:
        command: Name of the command.
        outputs: Files that it will write, None for those that were not asked for.
        run: Everything that the result depends on, plain values.

    Yields:
        What makes the parts of the run, or finds them.

    Raises:
        Resumable: An interrupt after which something is kept.
        ConfigError: The folder holds something else, or parts of another run.
    """
    target = next((path for path in outputs if path not in (None, STDOUT)), None)
    if target is None and not os.access(os.curdir, os.W_OK):
        yield anew
        return
    if target is None:
        digest = hashlib.sha256(json.dumps(run, default=str, sort_keys=True).encode()).hexdigest()
        target = Path(f"squeezegym-{command}-{digest[:8]}")
    parts = Parts(target.with_name(target.name + PART), {"command": command, **run})
    try:
        yield parts
    except KeyboardInterrupt as stop:
        if not parts.finished:
            parts.remove()
            raise
        count = f"{parts.finished} finished part{'s' if parts.finished > 1 else ''}"
        notes = [*getattr(stop, "__notes__", ()), f"{count} kept in {parts.folder}"]
        raise Resumable("; ".join(notes)) from stop
    except SqueezegymError as error:
        if not isinstance(error.__cause__, OSError):  # going on would not help
            parts.remove()
        raise
    parts.remove()


def contents(*paths: Path | None) -> list[str]:
    """Digests of input files, which a run depends on; of those that are not there, their names."""
    found = []
    for path in paths:
        if path is not None and path.is_file():
            with path.open("rb") as file:
                found.append(hashlib.file_digest(file, "sha256").hexdigest()[:16])
        else:
            found.append(str(path))
    return found
