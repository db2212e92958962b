"""The bar that long commands show a person who looks on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console


@contextmanager
def market_time(total: float, what: str = "market time") -> Iterator[Callable[[float], None]]:
    """Show market time passing, with the time left, on stderr when it is a terminal.

    Args:
        total: Market seconds that will be run.
        what: What is counted, if something else.

    Yields:
        A function that is told how many market seconds were run since it was told last.
    """
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn(what), BarColumn(), TextColumn("{task.percentage:.0f} %"))
    with Progress(
        *columns,
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as progress:
        task = progress.add_task("run", total=total)
        yield lambda seconds: progress.advance(task, seconds)
