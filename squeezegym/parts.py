"""A long run in parts: what is finished is kept in files, from which the same run goes on."""

from __future__ import annotations

import hashlib
import json
import threading
import zipfile
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from squeezegym import __version__
from squeezegym.errors import ConfigError
from squeezegym.files import write_whole

RUN = "run.json"
"""Which run the parts beside it belong to."""
# A method that is not known and a password are RuntimeErrors, an array alone a TypeError.
_DAMAGES = (OSError, ValueError, TypeError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error)


class Keep(Protocol):
    """Makes a part of a run, or takes it from where an earlier start has kept it."""

    def __call__(
        self,
        what: tuple[Any, ...],
        make: Callable[[], Mapping[str, Any]],
        known: Callable[[], None] = ...,
    ) -> dict[str, Any]:
        """Return the arrays of a part.

        Args:
            what: A word, and everything that the part depends on within its run.
            make: Makes it: names to arrays, numbers or text.
            known: Called instead of ``make`` when the part was kept.
        """


def anew(
    what: tuple[Any, ...],
    make: Callable[[], Mapping[str, Any]],
    known: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """Make a part and keep nothing: a `Keep` for runs that need not go on."""
    return {name: np.asarray(value) for name, value in make().items()}


class Parts:
    """The finished parts of one run, a file each in a folder of their own.

    The folder appears with the first part. Parts may be made on several threads.

    Args:
        folder: Where they are kept.
        run: Everything that the run depends on, plain values; with the version of the package it
            says whose parts they are.

    Raises:
        ConfigError: The folder holds something else, or parts of another run.
    """

    def __init__(self, folder: Path, run: Mapping[str, Any]) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        self._run = json.loads(
            json.dumps({**run, "version": __version__, "sources": _sources()}, default=str)
        )
        self._check()

    def __call__(
        self,
        what: tuple[Any, ...],
        make: Callable[[], Mapping[str, Any]],
        known: Callable[[], None] = lambda: None,
    ) -> dict[str, Any]:
        """Return the arrays of a part, as `Keep` says; one that is damaged is made again.

        Raises:
            ConfigError: A part cannot be written.
        """
        path = self.folder / f"{what[0]}-{hashlib.sha256(repr(what).encode()).hexdigest()[:16]}.npz"
        part = _load(path)
        if part is not None:
            known()
        else:
            part = anew(what, make)
            with self._lock:
                self._open()
            self._write(path, part)
        return part

    @property
    def finished(self) -> int:
        """Parts that are kept."""
        return sum(not path.name.startswith(".") for path in self.folder.glob("*.npz"))

    def remove(self) -> None:
        """Remove what was kept, when the run has come to its end; what others put there stays."""
        for path in (*self.folder.glob("*.npz"), *self.folder.glob(".partial-*")):
            path.unlink(missing_ok=True)
        (self.folder / RUN).unlink(missing_ok=True)
        with suppress(OSError):
            self.folder.rmdir()

    def _check(self) -> None:
        """Refuse what this run has not left."""
        if not self.folder.exists() or (self.folder.is_dir() and not any(self.folder.iterdir())):
            return
        try:
            there = dict(json.loads((self.folder / RUN).read_text(encoding="utf-8")))
        except (OSError, TypeError, ValueError) as error:
            raise ConfigError(
                f"{str(self.folder)!r} would hold the finished parts of this run and holds"
                " something else; move it, or name another output"
            ) from error
        keys = {*there, *self._run}
        differ = sorted(key for key in keys if there.get(key) != self._run.get(key))
        if differ:
            raise ConfigError(
                f"{str(self.folder)!r} holds the finished parts of a run that differs in"
                f" {', '.join(differ)}; repeat that one to go on, remove the folder to begin anew,"
                " or name another output"
            )

    def _open(self) -> None:
        """Make the folder and say in it whose it is."""
        try:
            self.folder.mkdir(exist_ok=True)
        except OSError as error:
            raise ConfigError(f"{str(self.folder)!r} cannot be made ({error.strerror})") from error
        note, text = self.folder / RUN, json.dumps(self._run, indent=2) + "\n"
        if not note.is_file():
            write_whole(note, lambda to: to.write_text(text, encoding="utf-8"))

    def _write(self, path: Path, part: Mapping[str, Any]) -> None:
        def save(to: Path) -> None:
            with to.open("wb") as file:
                np.savez(file, **part)

        write_whole(path, save)


def _load(path: Path) -> dict[str, Any] | None:
    """Arrays of a file; None if it is not there or is damaged."""
    try:
        with path.open("rb") as file, np.load(file) as saved:
            return dict(saved)
    except _DAMAGES:
        return None


@cache
def _sources() -> str:
    """Digest of the package's own files: other code may make other parts."""
    folder = Path(__file__).parent
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
