"""What long commands owe a person who looks on: a bar, and an end when asked for one."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from rich.console import Console


@contextmanager
def market_time(total: float, what: str = "market time") -> Iterator[Callable[[float], None]]:
    """Show market time passing, with the time left, on stderr when it is a terminal.

    An interrupt is told how far it came, in a note.

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
        try:
            yield lambda seconds: progress.advance(task, seconds)
        except KeyboardInterrupt as stop:
            stop.add_note(f"{progress.tasks[task].percentage:.0f} % of the {what} done")
            raise


@contextmanager
def interrupts() -> Iterator[Callable[[], bool]]:
    """Let the first Ctrl-C wait until work stands at a place from which it can go on.

    Yields:
        A function that says whether an interrupt is waiting. A second one is raised at once.
    """
    waiting = False

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal waiting
        if waiting:
            raise KeyboardInterrupt
        waiting = True

    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    before = signal.signal(signal.SIGINT, note)
    try:
        yield lambda: waiting
    finally:
        signal.signal(signal.SIGINT, before)
