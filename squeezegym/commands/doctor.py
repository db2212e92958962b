"""``squeezegym doctor``."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from pathlib import Path

from rich.console import Console
from rich.table import Table

from squeezegym import __version__

_VERSIONS = ("squeezegym", "numpy", "numba", "gymnasium", "pydantic", "tyro", "rich")
_OPTIONAL = ("torch", "stable-baselines3", "polars", "matplotlib")


def doctor() -> int:
    """Report what this installation runs on; exit code 1 when something is wrong."""
    from squeezegym.batch import default_threads
    from squeezegym.core.clock import advance

    table = Table("what", "found", "remark", title_justify="left")
    table.add_row("python", platform.python_version(), platform.platform())
    for name in (*_VERSIONS, *_OPTIONAL):
        table.add_row(name, *_version(name))
    stats = getattr(advance._kernel, "stats", None)
    cache = Path(stats.cache_path) if stats is not None else None
    writable = cache is not None and _is_writable(cache)
    remark = "" if writable else "kernels compile anew each time: set NUMBA_CACHE_DIR"
    table.add_row("kernel cache", "writable" if writable else "not writable", f"{cache} {remark}")
    table.add_row("threads", str(default_threads()), "SQUEEZEGYM_THREADS changes it")
    Console().print(table)
    return 0 if writable else 1


def _version(name: str) -> tuple[str, str]:
    try:
        return importlib.metadata.version(name), ""
    except importlib.metadata.PackageNotFoundError:
        if name == "squeezegym":
            return __version__, "from a checkout, not installed"
        return "not installed", "optional (extra 'agents')"


def _is_writable(folder: Path) -> bool:
    """Whether a folder, or the nearest one that exists above it, can be written."""
    while not folder.exists():
        folder = folder.parent
    return os.access(folder, os.W_OK)
