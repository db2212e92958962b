"""Run folders: complete or not there at all, each with a manifest."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from types import TracebackType
from typing import Any

from squeezegym.errors import ConfigError, DataError
from squeezegym.files import write_whole

_ROOT = Path(__file__).resolve().parent.parent
_PACKAGES = (
    "squeezegym",
    "numpy",
    "numba",
    "gymnasium",
    "pydantic",
    "stable-baselines3",
    "sb3-contrib",
    "torch",
    "tensorboard",
    "matplotlib",
)


class RunFolder:
    """A folder that appears under its name only when the run has succeeded.

    Within the ``with`` block files go to :attr:`path`, a hidden sibling; leaving the block
    renames it, leaving it by an exception (Ctrl-C included) removes it.

    Args:
        target: Name of the finished folder; it must not exist.

    Raises:
        ConfigError: The target exists or cannot be made.
    """

    def __init__(self, target: Path) -> None:
        self.target = target
        self.path = target.with_name(f".{target.name}.{os.getpid()}.partial")
        self._made: list[Path] = []
        self._refuse_existing()

    def _refuse_existing(self) -> None:
        if self.target.exists():
            raise ConfigError(
                f"run folder '{self.target}' exists already; give another --out or remove it"
            )

    def __enter__(self) -> RunFolder:
        parents = [folder for folder in self.target.parents if not folder.exists()]
        try:
            for folder in reversed(parents):
                folder.mkdir(exist_ok=True)
                self._made.append(folder)
            self.path.mkdir()
        except OSError as error:
            self._discard()
            raise ConfigError(
                f"cannot make run folder '{self.target}': {error.strerror}; give another --out"
            ) from None
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self._refuse_existing()
                self.path.rename(self.target)
        finally:
            if self.path.exists():
                self._discard()

    def _discard(self) -> None:
        """Remove what was written, and the parents made for it that are empty again."""
        shutil.rmtree(self.path, ignore_errors=True)
        for folder in reversed(self._made):
            if not any(folder.iterdir()):
                folder.rmdir()

    def write_json(self, name: str, data: Any) -> None:
        """Write plain data as indented JSON."""
        write_json(self.path / name, data)


def write_json(path: Path, data: Any) -> None:
    """Write plain data as indented JSON, whole or not at all."""
    text = json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    write_whole(path, lambda partial: partial.write_text(text, encoding="utf-8"))


def read_json(path: Path) -> Any:
    """Read plain data.

    Raises:
        DataError: The file is missing or damaged.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{str(path)!r} cannot be read ({error}); make it again") from None


def manifest(seed: int, durations_s: dict[str, float]) -> dict[str, Any]:
    """Return what is needed to know where a run came from and to repeat it."""
    return {
        "command": [sys.executable, *sys.orig_argv[1:]],
        "seed": seed,
        "versions": {"python": platform.python_version(), **_versions()},
        "git": _git(),
        "platform": {
            "system": platform.platform(),
            "machine": platform.machine(),
            "cores": os.cpu_count(),
        },
        "durations_s": {name: round(value, 2) for name, value in durations_s.items()},
    }


def _versions() -> dict[str, str]:
    import squeezegym

    versions = {"squeezegym": squeezegym.__version__}
    for package in _PACKAGES[1:]:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            versions[package] = "not installed"
    return versions


def _git() -> dict[str, Any] | None:
    """Return commit and cleanliness of the checkout, or None outside one."""
    commit = _ask_git("rev-parse", "HEAD")
    if commit is None:
        return None
    return {"commit": commit, "clean": _ask_git("status", "--porcelain") == ""}


def _ask_git(*arguments: str) -> str | None:
    command = ["git", "-C", str(_ROOT), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
