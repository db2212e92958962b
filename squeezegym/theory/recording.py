"""Recordings of simulated markets: what the estimators of stylised facts need, and no more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from squeezegym.batch import Batch
from squeezegym.codes import (
    FIRST_HOLDER_SLOT,
    NEVER,
    NO_ASK,
    NO_BID,
    RATE_ONE,
    Account,
    BookState,
    Command,
    LogKind,
    OrderFlag,
    Venue,
)
from squeezegym.parts import Keep, anew
from squeezegym.scenario import Scenario
from squeezegym.theory.samples import BP, FloatArray
from squeezegym.units import SECOND

BANDS_BPS = (10.0, 25.0, 50.0, 100.0, 200.0)
GROUP = 48  # markets run at once: one takes a megabyte
BY_BOOK = ("mids", "spreads", "liquidated", "paused")
BY_MARKET = ("funding", "premium", "open_interest", "mark", "fundamental", "fund")
AT_THE_END = ("ignition", "deleveraged", "crossed", "sniped", "shortfall")
RecordArray = NDArray[np.void]
KEEPS_UP = {"gateway.surge": 0.0}
"""An engine that keeps up in a squeeze: overload is a cause of its own, which theory leaves out."""

TAPE_DTYPE = np.dtype(
    [
        ("time", "f8"),  # s
        ("base", "f8"),  # filled
        ("market", "i4"),
        ("owner", "i4"),  # account slot
        ("book", "i1"),  # codes.Venue
        ("sign", "i1"),  # +1 buy, -1 sell
        ("forced", "?"),  # sent by the liquidation engine
    ]
)
"""One aggressor order that was filled, in whole or in part."""


@dataclass(frozen=True, eq=False, slots=True)
class Recording:
    """Markets of one scenario, sampled on a common grid; ``n`` markets, ``t`` times.

    Attributes:
        scenario: What was run.
        step_s: Step of the grid, s; the first sample lies one step after the opening.
        mids: (2, n, t) mid of perp and spot, ticks; carried on while a side is empty.
        spreads: (2, n, t) best ask minus best bid, ticks; NaN while a side is empty.
        funding: (n, t) predicted rate of the interval.
        premium: (n, t) last premium sample, relative.
        open_interest: (n, t) base.
        liquidated: (2, n, t) base taken by the engine so far, longs and shorts.
        mark: (n, t) ticks.
        fundamental: (n, t) ticks.
        fund: (n, t) insurance fund, quote.
        paused: (2, n, t) whether a book does not trade continuously.
        deleveraged: (n,) base closed against other accounts.
        crossed: (n,) base traded in auctions, both books; aggressor orders count it not.
        sniped: (n,) what the snipers are worth at the end, at mark, quote; they begin with nothing.
        shortfall: (n,) quote by which accounts are below zero at the end, at mark.
        depth_step_s: Step of the grid of ``depth``, s.
        depth: (n, d, bands, 2) base within `BANDS_BPS` of the mid of the perp, bids and asks.
        trades: (m,) `TAPE_DTYPE`, by market and time.
        ignition: (n,) time of ignition, s; NaN without one.
        messages: Messages that reached a matching engine, per market and second.
    """

    scenario: Scenario
    step_s: float
    mids: FloatArray
    spreads: FloatArray
    funding: FloatArray
    premium: FloatArray
    open_interest: FloatArray
    liquidated: FloatArray
    mark: FloatArray
    fundamental: FloatArray
    fund: FloatArray
    paused: NDArray[np.bool_]
    deleveraged: FloatArray
    crossed: FloatArray
    sniped: FloatArray
    shortfall: FloatArray
    depth_step_s: float
    depth: FloatArray
    trades: RecordArray
    ignition: FloatArray
    messages: float

    def __len__(self) -> int:
        return int(self.mids.shape[1])

    def of_market(self, market: int, book: Venue | None = None) -> RecordArray:
        """Return the aggressor orders of one market, on one book or both."""
        ends = np.searchsorted(self.trades["market"], [market, market + 1])
        found = self.trades[ends[0] : ends[1]]
        return found if book is None else found[found["book"] == book]


def record(
    scenario: Scenario,
    seeds: Sequence[int],
    seconds: float,
    *,
    step_ms: int = 100,
    depth_s: float = 5.0,
    threads: int | None = None,
    progress: Callable[[float], None] = lambda seconds: None,
    keep: Keep = anew,
) -> Recording:
    """Run one market a seed from its opening and record it.

    Args:
        scenario: The market; burn-in comes before the recording.
        seeds: Their seeds.
        seconds: Market time of each; it may exceed the horizon of the episode.
        step_ms: Step of the grid.
        depth_s: Step of the depth samples, a multiple of the grid.
        threads: As of `squeezegym.batch.Batch`.
        progress: Told how many market seconds were run since it was told last.
        keep: Keeps the groups of markets that are recorded.

    Returns:
        The recording, markets in the order of the seeds.
    """
    steps, every = round(seconds * 1000 / step_ms), max(1, round(depth_s * 1000 / step_ms))
    digest = scenario.digest()

    def recorded(group: Sequence[int]) -> dict[str, Any]:
        return keep(
            ("recording", digest, tuple(group), steps, step_ms, every),
            lambda: _Group(scenario, group, steps, step_ms, every, threads).run(progress),
            lambda: progress(len(group) * seconds),
        )

    parts = [recorded(seeds[first : first + GROUP]) for first in range(0, len(seeds), GROUP)]
    joined = {
        name: np.concatenate([part[name] for part in parts], axis)
        for name, axis in (*((name, 1) for name in BY_BOOK), ("depth", 0))
    }
    joined |= {
        name: np.concatenate([part[name] for part in parts]) for name in (*BY_MARKET, *AT_THE_END)
    }
    for first, part in zip(range(0, len(seeds), GROUP), parts, strict=True):
        part["trades"]["market"] += first
    return Recording(
        scenario=scenario,
        step_s=step_ms / 1000,
        depth_step_s=every * step_ms / 1000,
        trades=np.concatenate([part["trades"] for part in parts]),
        messages=sum(int(part["events"]) for part in parts) / (len(seeds) * seconds),
        **joined,
    )


class _Group:
    """Markets that run together."""

    def __init__(
        self,
        scenario: Scenario,
        seeds: Sequence[int],
        steps: int,
        step_ms: int,
        every: int,
        threads: int | None,
    ) -> None:
        n = len(seeds)
        self.scenario, self.steps, self.step_ms, self.every = scenario, steps, step_ms, every
        self.batch = Batch.opened(scenario, seeds, threads)
        self.series: dict[str, Any] = {
            "depth": np.empty((n, steps // every, len(BANDS_BPS), 2)),
        }
        self.series |= {name: np.empty((2, n, steps)) for name in BY_BOOK}
        self.series |= {name: np.empty((n, steps)) for name in BY_MARKET}
        self.rows: list[RecordArray] = []

    def run(self, progress: Callable[[float], None]) -> dict[str, Any]:
        """Run to the end."""
        batch, markets = self.batch, self.batch.markets
        before = int(markets["clock"]["events"].sum())
        markets["log_on"] = 1
        batch.command(slice(None), Command.RUN)
        try:
            for i in range(self.steps):
                self._advance((i + 1) * self.step_ms * 1_000_000)
                self._sample(i)
                if (i + 1) % self.every == 0:
                    self._sample_depth(i // self.every)
                progress(len(markets) * self.step_ms / 1000)
        finally:
            batch.close()
        trades = np.concatenate([np.empty(0, TAPE_DTYPE), *self.rows])
        ignition = markets["score"]["ignition"]
        self.series["ignition"] = np.where(ignition == NEVER, np.nan, ignition / SECOND)
        lot, tick = self.scenario.contract.lot_size, self.scenario.contract.tick_size
        worth = markets["accounts"]["quote"] + (
            markets["accounts"]["perp"] * markets["marks"]["mark"][:, None]
        )
        missing = np.minimum(worth[:, FIRST_HOLDER_SLOT:], 0).sum(axis=1)
        self.series["deleveraged"] = markets["score"]["deleveraged"] * lot
        self.series["crossed"] = markets["protection"]["crossed"] * lot
        self.series["sniped"] = worth[:, Account.SNIPER] * lot * tick
        self.series["shortfall"] = -missing * lot * tick
        self.series["paused"] = self.series["paused"].astype(bool)
        self.series["trades"] = trades[np.argsort(trades["market"], kind="stable")]
        self.series["events"] = int(markets["clock"]["events"].sum()) - before
        return self.series

    def _advance(self, until: int) -> None:
        """Advance to a time; a market whose log fills stops, and goes on once drained."""
        clock = self.batch.markets["clock"]
        self.batch.views["until"] = until
        while True:
            self.batch.advance()
            self._drain()
            if (clock["now"] == until).all() and (clock["due"].min(1) > until).all():
                return

    def _drain(self) -> None:
        """Keep the log's aggressor orders and empty it."""
        markets = self.batch.markets
        counts = markets["n_log"].copy()
        log = markets["log"][:, : int(counts.max())]
        taken = (log["kind"] == LogKind.ORDER) & (log["filled"] > 0)
        taken &= np.arange(log.shape[1]) < counts[:, None]
        market, place = np.nonzero(taken)
        found = log[market, place]
        rows = np.empty(len(found), TAPE_DTYPE)
        rows["time"] = found["time"] / SECOND
        rows["base"] = found["filled"] * self.scenario.contract.lot_size
        rows["market"] = market
        rows["owner"] = found["account"]
        rows["book"] = found["book"]
        rows["sign"] = 1 - 2 * found["side"].astype(np.int8)
        rows["forced"] = (found["flags"] & OrderFlag.FORCED) != 0
        self.rows.append(rows)
        markets["n_log"] = 0

    def _sample(self, i: int) -> None:
        """Sample the state at step ``i``."""
        markets, series = self.batch.markets, self.series
        lot, tick = self.scenario.contract.lot_size, self.scenario.contract.tick_size
        for venue in Venue:
            bid = markets["books"]["best_bid"][:, venue]
            ask = markets["books"]["best_ask"][:, venue]
            empty = (bid == NO_BID) | (ask == NO_ASK)
            last = series["mids"][venue, :, i - 1] if i else markets["books"]["last"][:, venue]
            series["mids"][venue, :, i] = np.where(empty, last, (bid + ask) / 2)
            series["spreads"][venue, :, i] = np.where(empty, np.nan, ask - bid)
            series["paused"][venue, :, i] = markets["books"]["state"][:, venue] != BookState.OPEN
        score = markets["score"]
        series["liquidated"][:, :, i] = score["liquidated"].T * lot
        series["open_interest"][:, i] = score["open_interest"] * lot
        series["mark"][:, i] = markets["marks"]["mark"]
        series["fundamental"][:, i] = markets["marks"]["fundamental"]
        series["fund"][:, i] = markets["accounts"]["quote"][:, Account.FUND] * lot * tick
        series["funding"][:, i] = markets["funding"]["rate"] / RATE_ONE
        series["premium"][:, i] = markets["funding"]["premium"]

    def _sample_depth(self, i: int) -> None:
        """Sum the resting orders of the perp within each band."""
        series, mids = self.series, self.series["mids"]
        reach = np.array(BANDS_BPS) / BP
        orders = self.batch.markets["books"]["orders"][:, Venue.PERP]
        now = (i + 1) * self.every - 1
        for market in range(len(orders)):
            live = np.flatnonzero(orders["qty"][market])
            mid = mids[Venue.PERP, market, now]
            mine = orders[market, live]
            away = np.abs(mine["price"] / mid - 1)
            band = np.searchsorted(reach, away, side="left")
            for side in range(2):
                of_side = mine["side"] == side
                sums = np.bincount(band[of_side], mine["qty"][of_side], len(reach) + 1)
                base = np.cumsum(sums[:-1]) * self.scenario.contract.lot_size
                series["depth"][market, i, :, side] = base
