"""A batch of markets: the records, their views, and the threads that run them.

Both façades stand on it: :class:`squeezegym.market.Market` runs a batch of one, the vector
environment a batch of many. Rows are independent, so a batch is split into slices that run
the same machine code on a thread pool (the entry releases the GIL).
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from squeezegym.codes import PROBLEM_TEXT, Command, Problem, Stream
from squeezegym.errors import ConfigError, EngineError
from squeezegym.packing import pack
from squeezegym.packing_learner import Seat
from squeezegym.scenario import Scenario
from squeezegym.state import AHEAD_DTYPE, SEAT_STREAMS, allocate

_ROWS_WORTH_A_THREAD = 8
_SLICES = 4


def stream_seeds(seed: int, seat: int = 0) -> Any:
    """Return the (streams, 2) uint64 stream states of an episode seed.

    One ``SeedSequence(seed, spawn_key=(stream,))`` a stream: changing or switching off one
    population leaves the noise of the others as it was.

    Args:
        seed: Of the episode.
        seat: Of the learner; any but the first has streams of its own, with key
            ``(stream, seat)``, the other rows stay zero.
    """
    states = np.zeros((len(Stream), 2), np.uint64)
    for stream in SEAT_STREAMS if seat else Stream:
        key = (int(stream), seat) if seat else (int(stream),)
        sequence = np.random.SeedSequence(seed, spawn_key=key)
        states[stream] = sequence.generate_state(2, np.uint64)
    return states


def default_threads() -> int:
    """Threads a batch uses unless told otherwise: ``SQUEEZEGYM_THREADS`` or the cores allowed."""
    text = os.environ.get("SQUEEZEGYM_THREADS")
    if text is None:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    if not text.isdigit() or int(text) < 1:
        raise ConfigError(f"SQUEEZEGYM_THREADS must be a whole number >= 1, got {text!r}")
    return int(text)


class Batch:
    """``n`` markets of one scenario.

    Args:
        scenario: The scenario.
        n: Markets.
        threads: Most threads; default :func:`default_threads`.
        seats: Learners in each market; default the scenario's one. With several, ``views`` is
            (n, learners), else (n,).
    """

    def __init__(
        self,
        scenario: Scenario,
        n: int,
        threads: int | None = None,
        seats: Sequence[Seat] | None = None,
    ) -> None:
        self.scenario = scenario
        self.params = scenario.pack() if seats is None else pack(scenario, seats)
        n_seats = self.params["learners"].shape[1]
        self.markets, views = allocate(n, scenario.size_class, n_seats)
        self.views = views[:, 0] if seats is None else views
        self.threads = max(1, min(threads or default_threads(), n // _ROWS_WORTH_A_THREAD or 1))
        self.ahead = np.zeros(self.threads, AHEAD_DTYPE)
        self.logs: list[list[Any]] | None = None
        self._pool: ThreadPoolExecutor | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_pool": None}

    @classmethod
    def opened(cls, scenario: Scenario, seeds: Sequence[int], threads: int | None = None) -> Batch:
        """Return markets at their opening, one a seed, with the burn-in behind them.

        Args:
            scenario: Of all.
            seeds: Of their episodes.
            threads: Most threads; `default_threads`, if left out.
        """
        batch = cls(scenario, len(seeds), threads)
        for row, seed in enumerate(seeds):
            batch.seed_row(row, seed)
        batch.command(slice(None), Command.RESET)
        batch.advance()
        return batch

    def seed_row(self, row: int, seed: int) -> None:
        """Set the stream states that the next reset of ``row`` starts from."""
        views = self._by_seat(self.views)[row]
        for seat in range(len(views)):
            views["seeds"][seat] = stream_seeds(seed, seat)

    def _by_seat(self, views: Any) -> Any:
        """Return views as the entry takes them, (rows, learners)."""
        return views.reshape(len(views), self.params["learners"].shape[1])

    def keep_log(self, on: bool = True) -> None:
        """Let :meth:`advance` drain each market's event log into its list in ``logs``.

        Args:
            on: Log from now on; else once the market's ``log_on`` is set.
        """
        self.logs = [[] for _ in self.markets]
        self.markets["log_on"] = int(on)

    def advance(self) -> None:
        """Run every row as its view commands, on all threads of the batch."""
        self._advance()
        while self.logs is not None and not self._drain(self.logs):
            self.views["command"] &= ~int(Command.RESET)
            self._advance()

    def _drain(self, logs: list[list[Any]]) -> bool:
        """Empty the logs; return whether every row is where it was sent: a full log stops it."""
        markets, clock = self.markets, self.markets["clock"]
        for row in np.flatnonzero(markets["n_log"]):
            logs[row].append(markets["log"][row, : markets["n_log"][row]].copy())
        markets["n_log"] = 0
        until = self._by_seat(self.views)["until"][:, 0]
        sent = (self._by_seat(self.views)["command"][:, 0] & Command.RUN) != 0
        # It may stop between two events of the last moment.
        there = (clock["now"] == until) & (clock["due"].min(1) > until)
        return bool((there | ~sent).all())

    def _advance(self) -> None:
        from squeezegym.core.clock import advance

        if self.threads == 1 or not advance.is_ready(self.markets):
            advance(self.markets, self._by_seat(self.views), self.params, self.ahead[:1])
        else:
            self._share_out(advance)
        self._raise_problems()

    def _share_out(self, advance: Callable[..., None]) -> None:
        """Let every thread take the next slice of rows until none is left.

        There are several slices a thread: a row that resets costs hundreds of steps.
        """
        bounds = np.linspace(0, len(self.markets), _SLICES * self.threads + 1).astype(int)
        slices = iter([slice(a, b) for a, b in itertools.pairwise(bounds.tolist())])

        def work(thread: int) -> None:
            ahead = self.ahead[thread : thread + 1]
            for rows in slices:
                advance(self.markets[rows], self._by_seat(self.views[rows]), self.params, ahead)

        if self._pool is None:
            self._pool = ThreadPoolExecutor(self.threads - 1, "squeezegym")
        helpers = [self._pool.submit(work, i) for i in range(1, self.threads)]
        work(0)
        for helper in helpers:
            helper.result()

    def _raise_problems(self) -> None:
        """Turn problems that would make a result wrong into an error; others stay counted."""
        problems = self.views["problems"]
        if problems.any() and (problems & Problem.LOG_FULL).any():
            row = int(np.argwhere(problems & Problem.LOG_FULL)[0][0])
            raise EngineError(
                f"LOG_FULL in market {row}: {PROBLEM_TEXT[Problem.LOG_FULL]}; "
                "use a larger size_class"
            )

    def command(self, rows: Any, command: Command | int) -> None:
        """Set the command of the next :meth:`advance` for some rows."""
        self.views["command"][rows] = int(command)

    def close(self) -> None:
        """Stop the threads."""
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None
