"""``squeezegym doctor``."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import platform
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from squeezegym import __version__
from squeezegym.errors import SqueezegymError
from squeezegym.files import check_target, write_whole

_NEEDED = ("squeezegym", "numpy", "numba", "llvmlite", "gymnasium", "pydantic", "tyro", "rich")
_EXTRAS = {
    "torch": "agents",
    "stable-baselines3": "agents",
    "sb3-contrib": "agents",
    "polars": "data",
    "scipy": "theory",
    "matplotlib": "view",
    "pettingzoo": "multi",
    "ray": "scale",
}
_VARIABLES = (
    "NUMBA_CACHE_DIR",
    "NUMBA_DISABLE_JIT",
    "NUMBA_BOUNDSCHECK",
    "NUMBA_NUM_THREADS",
    "SQUEEZEGYM_THREADS",
    "OMP_NUM_THREADS",
    "CUDA_VISIBLE_DEVICES",
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report."""

    what: str
    found: str
    remark: str = ""
    is_wrong: bool = False


def doctor(
    out: Annotated[Path | None, tyro.conf.arg(aliases=["-o"])] = None,
    as_json: Annotated[bool, tyro.conf.arg(name="json")] = False,
) -> int:
    """Check this installation, and write a report to paste into an issue.

    Exit code 1 when something is wrong. The report holds versions, paths of the kernel cache and
    the variables that change how kernels run; nothing else of the machine.

    Args:
        out: Write the report as markdown to this .md.
        as_json: Print it as JSON instead of a table.
    """
    check_target("--out", out, (".md",))
    findings = [
        Finding("python", platform.python_version(), platform.platform()),
        *(_version(name) for name in _NEEDED),
        *(_extra(name, extra) for name, extra in _EXTRAS.items()),
        *_variables(),
        *(_tried(what, check) for what, check in _CHECKS.items()),
    ]
    if out is not None:
        write_whole(out, lambda path: path.write_text(_markdown(findings), encoding="utf-8"))
    if as_json:
        print(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        table = Table("what", "found", "remark", title_justify="left")
        for finding in findings:
            style = "bold red" if finding.is_wrong else ""
            cells = (finding.what, finding.found, finding.remark)
            table.add_row(*map(escape, cells), style=style)
        Console().print(table)
        if out is not None:
            Console().print(f"wrote {out}", highlight=False)
    return 1 if any(finding.is_wrong for finding in findings) else 0


def _version(name: str) -> Finding:
    try:
        return Finding(name, importlib.metadata.version(name))
    except importlib.metadata.PackageNotFoundError:
        if name == "squeezegym":
            return Finding(name, __version__, "from a checkout, not installed")
        return Finding(name, "not installed", "pip install squeezegym installs it", is_wrong=True)


def _extra(name: str, extra: str) -> Finding:
    try:
        return Finding(name, importlib.metadata.version(name), f"extra '{extra}'")
    except importlib.metadata.PackageNotFoundError:
        return Finding(name, "not installed", f"optional: pip install 'squeezegym[{extra}]'")


def _variables() -> list[Finding]:
    return [
        Finding(name, os.environ[name], "environment variable")
        for name in _VARIABLES
        if name in os.environ
    ]


def _tried(what: str, check: Callable[[], Finding]) -> Finding:
    """Run a check; what it raises is a finding too."""
    try:
        return check()
    except (SqueezegymError, OSError, ImportError, RuntimeError) as error:
        return Finding(what, type(error).__name__, str(error), is_wrong=True)


def _cache() -> Finding:
    from squeezegym.core.clock import advance

    stats = getattr(advance._kernel, "stats", None)
    if stats is None:
        return Finding("kernel cache", "off", "kernels run as Python: NUMBA_DISABLE_JIT is set")
    folder = Path(stats.cache_path)
    kept = list(folder.glob("*.nbc")) if folder.is_dir() else []
    size = sum(path.stat().st_size for path in kept) / 1e6
    if _is_writable(folder):
        return Finding("kernel cache", f"{len(kept)} files, {size:.0f} MB", str(folder))
    remark = f"{folder}: kernels compile anew each time; set NUMBA_CACHE_DIR to a folder of yours"
    return Finding("kernel cache", "not writable", remark, is_wrong=True)


def _is_writable(folder: Path) -> bool:
    """Whether a folder, or the nearest one that exists above it, can be written."""
    while not folder.exists():
        folder = folder.parent
    return os.access(folder, os.W_OK)


def _threads() -> Finding:
    from squeezegym.batch import default_threads

    remark = f"of {os.cpu_count()} cores; SQUEEZEGYM_THREADS changes it"
    return Finding("threads", str(default_threads()), remark)


def _torch() -> Finding:
    if importlib.util.find_spec("torch") is None:
        return Finding("torch device", "-", "not installed")
    import torch

    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"
    remark = f"{torch.get_num_threads()} threads; small networks are fastest with one"
    return Finding("torch device", device, remark)


def _market() -> Finding:
    """A second of a calm market: kernels load or compile, and the ledger sums to zero."""
    from squeezegym.market import Market

    started = time.perf_counter()
    market = Market("calm")
    market.run(1.0)
    took = time.perf_counter() - started
    sums: Any = market.ledger()["sum"]
    if any(sums):
        return Finding("a market", "the ledger does not sum to zero", str(sums), is_wrong=True)
    return Finding("a market", "runs", f"one second of calm in {took:.1f} s, loading included")


_CHECKS: dict[str, Callable[[], Finding]] = {
    "kernel cache": _cache,
    "threads": _threads,
    "torch device": _torch,
    "a market": _market,
}


def _markdown(findings: list[Finding]) -> str:
    rows = [
        f"| {finding.what} | {finding.found}{' **(wrong)**' if finding.is_wrong else ''} "
        f"| {finding.remark} |"
        for finding in findings
    ]
    head = ["`squeezegym doctor`", "", "| what | found | remark |", "|---|---|---|"]
    return "\n".join([*head, *rows]) + "\n"
