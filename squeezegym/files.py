"""What commands need, and the files that they write: refused before anything runs, or whole."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from pathlib import Path

from squeezegym.errors import ConfigError


def check_target(option: str, path: Path | None, endings: tuple[str, ...]) -> None:
    """Refuse a file that cannot be written before anything runs."""
    if path is None:
        return
    if path.suffix not in endings:
        raise ConfigError(f"{option} must end in {' or '.join(endings)}, got {str(path)!r}")
    if not path.parent.is_dir() or not os.access(path.parent, os.W_OK):
        raise ConfigError(f"{option}: the folder {str(path.parent)!r} is not there or not writable")
    if path.is_dir():
        raise ConfigError(f"{option}: {str(path)!r} is a folder; name a file")


def write_whole(path: Path, save: Callable[[Path], object]) -> None:
    """Write beside the target and move it there whole."""
    partial = path.with_name(f".partial-{os.getpid()}-{path.name}")
    try:
        save(partial)
        partial.replace(path)
    except OSError as error:
        raise ConfigError(f"{str(path)!r} cannot be written ({error.strerror or error})") from error
    finally:
        partial.unlink(missing_ok=True)


def needs(module: str, extra: str, command: str) -> None:
    """Refuse a command without the library that it stands on."""
    if importlib.util.find_spec(module) is None:
        raise ConfigError(f"{command} needs {module}; pip install 'squeezegym[{extra}]'")
