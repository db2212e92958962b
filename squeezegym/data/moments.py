"""What a recorded and a simulated market are compared by: the same numbers, measured the same way.

Recorded ones carry an interval from resampling blocks of 20 seconds of the recording.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from squeezegym.codes import Venue
from squeezegym.data.capture import Capture
from squeezegym.data.flow import NS_PER_S
from squeezegym.data.liquidation_map import FloatArray
from squeezegym.errors import DataError
from squeezegym.theory.bootstrap import Interval, block_interval
from squeezegym.theory.recording import Recording

PER_S = 10  # samples of quotes in a second
BLOCK_S = 20
WINDOW_S = 10  # of counts
NEAR = 1e-3
LEAST_S = 120
_SLACK = 1e-6  # of a tick, for ratios that are no float
_DEPTH_BAND = 0  # of a recording: within 10 bp

Rows = NDArray[np.int64]


@dataclass(frozen=True, eq=False, slots=True)
class Watched:
    """A stretch of a market, second by second.

    Attributes:
        mids: (2, seconds, 10) mid of perp and spot, quote.
        spreads: (2, seconds, 10) best ask minus best bid on the grid of the perp, on which both
            books of a market stand: bids rounded down, asks up, quote.
        orders: (2, seconds) aggressor orders: prints of one side at one time are one.
        depth: (seconds,) base within 10 bp of the mid of the perp, mean of both sides.
    """

    mids: FloatArray
    spreads: FloatArray
    orders: FloatArray
    depth: FloatArray

    @property
    def seconds(self) -> int:
        """Length, s."""
        return len(self.depth)


def watch_captures(perp: Capture, spot: Capture) -> Watched:
    """Sample two captures over the time that both cover.

    Raises:
        DataError: They overlap for less than two minutes.
    """
    captures = (perp, spot)
    times = [np.maximum.accumulate(c.tops["time_ns"]) for c in captures]
    start = max(*(int(t[0]) for t in times), perp.depth_samples[0].time_ns)
    end = min(*(int(t[-1]) for t in times), perp.depth_samples[-1].time_ns)
    seconds = (end - start) // NS_PER_S
    if seconds < LEAST_S:
        raise DataError(
            f"{perp.symbol} and {spot.symbol} were recorded together for {max(seconds, 0)} s,"
            f" allowed are at least {LEAST_S} s; pass captures of the same time"
        )
    grid = start + np.arange(seconds * PER_S) * (NS_PER_S // PER_S)
    mids, spreads, orders = [], [], []
    for capture, at in zip(captures, times, strict=True):
        place = np.searchsorted(at, grid, side="right") - 1
        bid, ask = (capture.tops[f"{side}_ticks"][place] for side in ("bid", "ask"))
        mids.append((bid + ask) / 2 * capture.tick_size)
        ratio = capture.tick_size / perp.tick_size
        ticks = np.ceil(ask * ratio - _SLACK) - np.floor(bid * ratio + _SLACK)
        spreads.append(ticks * perp.tick_size)
        trades = capture.trades
        new = np.ones(len(trades), bool)
        new[1:] = (np.diff(trades["time_ns"]) != 0) | (np.diff(trades["side"]) != 0)
        second = (trades["time_ns"][new] - start) // NS_PER_S
        inside = second[(second >= 0) & (second < seconds)]
        orders.append(np.bincount(inside, minlength=seconds))
    samples = np.array([sample.time_ns for sample in perp.depth_samples])
    near = np.array([_near(perp, i) for i in range(len(samples))])
    last = np.searchsorted(samples, start + np.arange(seconds) * NS_PER_S, side="right") - 1
    shape = (2, seconds, PER_S)
    return Watched(
        np.reshape(mids, shape),
        np.reshape(spreads, shape),
        np.array(orders, float),
        near[np.maximum(last, 0)],
    )


def _near(capture: Capture, sample: int) -> float:
    book = capture.depth_samples[sample]
    sides = [
        side[np.abs(side[:, 0] / book.mid_ticks - 1) <= NEAR, 1].sum()
        for side in (book.bids, book.asks)
    ]
    return float(sum(sides)) / 2 * capture.lot_size


def watch_recording(recording: Recording, market: int) -> Watched:
    """Sample one market of a recording whose grid is 100 ms and whose depth is 1 s."""
    seconds = recording.depth.shape[1]
    tick = recording.scenario.contract.tick_size
    shape = (2, seconds, PER_S)
    count = seconds * PER_S
    orders = [
        np.bincount(
            np.clip(recording.of_market(market, venue)["time"].astype(int), 0, seconds - 1),
            minlength=seconds,
        )
        for venue in (Venue.PERP, Venue.SPOT)
    ]
    return Watched(
        (recording.mids[:, market, :count] * tick).reshape(shape),
        (recording.spreads[:, market, :count] * tick).reshape(shape),
        np.array(orders, float),
        recording.depth[market, :, _DEPTH_BAND].mean(axis=1),
    )


Moment = Callable[[Watched, Rows], float]


def _spread(venue: int) -> Moment:
    return lambda watched, rows: float(np.nanmean(watched.spreads[venue, rows]))


def _rate(venue: int) -> Moment:
    return lambda watched, rows: float(watched.orders[venue, rows].mean())


def _volatility(venue: int) -> Moment:
    def root(watched: Watched, rows: Rows) -> float:
        logs = np.log(watched.mids[venue, :, -1])
        moves = np.diff(logs, prepend=logs[0])[rows]
        return float(np.sqrt(np.mean(moves**2)))

    return root


def _depth(watched: Watched, rows: Rows) -> float:
    return float(watched.depth[rows].mean())


def _branching(watched: Watched, rows: Rows) -> float:
    """``1 - sqrt(mean / variance)`` of counts in 10 s (Hardiman and Bouchaud 2014)."""
    whole = len(rows) // WINDOW_S * WINDOW_S
    counts = watched.orders[0, rows[:whole]].reshape(-1, WINDOW_S).sum(axis=1)
    variance = float(counts.var(ddof=1))
    return 1 - math.sqrt(counts.mean() / variance) if variance > counts.mean() else 0.0


def half_life(before: FloatArray, after: FloatArray, step_s: float) -> float:
    """Time in which half of a deviation is gone: first-order autoregression, s.

    The likelihood of an Ornstein-Uhlenbeck process given its first value is largest there.
    """
    centred = before - before.mean()
    slope = float(centred @ (after - after.mean()) / max(float(centred @ centred), 1e-300))
    return -math.log(2) / math.log(min(max(slope, 1e-6), 1 - 1e-6)) * step_s


def _refill(watched: Watched, rows: Rows) -> float:
    logs = np.log(np.maximum(watched.depth, 1e-9))
    kept = rows[rows < len(logs) - 1]
    return half_life(logs[kept], logs[kept + 1], 1.0)


def _basis(watched: Watched, rows: Rows) -> float:
    basis = np.log(watched.mids[0] / watched.mids[1])
    flat = basis.ravel()
    at = (rows[:, None] * PER_S + np.arange(PER_S)).ravel()
    kept = at[at < len(flat) - 1]
    return half_life(flat[kept], flat[kept + 1], 1 / PER_S)


MOMENTS: dict[str, tuple[str, Moment]] = {
    "perp spread": ("quote, mean on a grid of 100 ms", _spread(0)),
    "spot spread": ("quote, on ticks of the perp, mean on a grid of 100 ms", _spread(1)),
    "perp trade rate": ("aggressor orders a second", _rate(0)),
    "spot trade rate": ("aggressor orders a second", _rate(1)),
    "perp volatility": ("root mean square of log returns of a second", _volatility(0)),
    "spot volatility": ("root mean square of log returns of a second", _volatility(1)),
    "perp depth": ("base within 10 bp of the mid, mean of both sides", _depth),
    "refill": ("half-life of log depth within 10 bp, s", _refill),
    "basis": ("half-life of the basis, s", _basis),
    "branching": ("1 - sqrt(mean / variance) of perp orders in 10 s", _branching),
}
"""Name, unit or estimator, function of a stretch and of the seconds taken from it."""


def moments(watched: Sequence[Watched]) -> dict[str, float]:
    """Median over stretches of every moment."""
    return {
        name: float(np.median([of(stretch, np.arange(stretch.seconds)) for stretch in watched]))
        for name, (_, of) in MOMENTS.items()
    }


def intervals(watched: Watched, *, resamples: int = 1_000, seed: int = 0) -> dict[str, Interval]:
    """95 % intervals of every moment of one stretch, blocks of 20 s drawn with replacement."""

    def of(moment: Moment) -> Interval:
        return block_interval(
            lambda rows: moment(watched, rows.astype(np.int64)),
            np.arange(watched.seconds),
            block=BLOCK_S,
            kind="moving",
            resamples=resamples,
            seed=seed,
        )

    return {name: of(moment) for name, (_, moment) in MOMENTS.items()}
