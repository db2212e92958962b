"""Response of a running market to a small probe order: what theory needs, without any cascade.

The market's state is cloned; one clone gets the probe, another nothing, and both go on with the
same random numbers and without liquidations. The difference of their marks, for each unit bought,
is the response ``g(t)``. Futures are drawn anew, because after a while the two paths differ by
chance too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from squeezegym.arguments import integer
from squeezegym.batch import Batch, stream_seeds
from squeezegym.codes import FIRST_HOLDER_SLOT, NEVER, NO_ASK, NO_BID, Command, Side, Source, Venue
from squeezegym.errors import ConfigError, DataError
from squeezegym.market import Market, MarketState
from squeezegym.scenario import Scenario
from squeezegym.theory.criticality import Response
from squeezegym.theory.reduced import Reactions
from squeezegym.theory.samples import FloatArray, increasing, number
from squeezegym.units import SECOND

SERIES = ("mark", "perp", "spot")
DEFAULT_TIMES = (0.0, 0.5, 1.0, 2.0, 3.0, 5.0, 8.0, 12.0, 20.0, 30.0)
_AT_ONCE_NS = 1
_CAP = 0.5  # reach of a probe beyond the touch, relative: it is always filled
_MARK_WEIGHT = {"last": 1.0, "clamped_last": 1.0, "hyperliquid": 0.0, "oracle": 0.0}


class ProbeResult(NamedTuple):
    """What probes have shown.

    Attributes:
        times: (t,) seconds after the probe.
        mean: (t, 3) displacement of `SERIES` by a base bought, ticks.
        error: (t, 3) standard error over futures.
    """

    times: FloatArray
    mean: FloatArray
    error: FloatArray

    def fit(self, series: str = "mark") -> Response:
        """Fit ``last + (first - last) exp(-k t)`` by least squares with the errors as weights.

        The fit begins at the largest displacement, for a mark that comes once a second starts late;
        ``first`` is carried back to the time of the probe.

        Args:
            series: One of `SERIES`.

        Returns:
            The response, ticks for each base and 1/s.
        """
        from scipy.optimize import least_squares

        column = SERIES.index(series)
        peak = min(int(np.argmax(self.mean[:, column])), max(0, len(self.times) - 3))
        y, sigma = self.mean[peak:, column], self.error[peak:, column]
        times = self.times[peak:]
        floor = max(float(sigma.max()) * 0.1, 1e-12)
        weights = 1 / np.maximum(sigma, floor)
        slowest, fastest = math.log(0.2 / self.times[-1]), math.log(20.0)

        def misfit(x: FloatArray) -> FloatArray:
            model = Response(x[0], x[1], math.exp(x[2])).at(times)
            found: FloatArray = (model - y) * weights
            return found

        starts = [(y[0], y[-1], guess) for guess in np.linspace(slowest + 0.1, fastest - 0.1, 5)]
        bounds = ([-np.inf, -np.inf, slowest], [np.inf, np.inf, fastest])
        fits = [least_squares(misfit, start, bounds=bounds) for start in starts]
        first, last, log_rate = min(fits, key=lambda fit: float(fit.cost)).x
        return Response(float(first), float(last), math.exp(log_rate))


def probe(
    market: Market | Sequence[Market],
    size: float,
    times: ArrayLike = DEFAULT_TIMES,
    *,
    venue: Venue = Venue.PERP,
    side: Side = Side.BUY,
    futures: int = 32,
    threads: int | None = None,
) -> ProbeResult:
    """Measure the response of a market to a probe order; the market itself is not changed.

    Args:
        market: A running market, or several of one scenario in different states.
        size: Base of the probe, above 0: large enough to move the price, small against depth.
        times: (t,) increasing times after the probe, s; 0 is the moment after it.
        venue: Book that the probe takes from.
        side: BUY, or SELL to see how a fall is answered; the sign of the response is then turned.
        futures: Futures of each state, 2 and above.
        threads: As of `squeezegym.batch.Batch`.

    Returns:
        The response.

    Raises:
        ConfigError: Markets of different scenarios, or a size that is no lot.
    """
    markets = [market] if isinstance(market, Market) else list(market)
    grid = increasing("times", times, 1)
    number("times[0]", float(grid[0]), -1e-12, math.inf)
    scenario, states = _states(markets)
    lots = round(number("size", size, 0.0, math.inf) / scenario.contract.lot_size)
    if lots < 1:
        raise ConfigError(f"size must be at least a lot, {scenario.contract.lot_size}, got {size}")
    futures = integer("futures", futures, 2, 100_000)
    paths = []
    for probe_lots in (lots, 0):
        batch = _clones(scenario, states, futures, threads)
        _aim(batch, probe_lots, venue, side)
        paths.append(_follow(batch, grid))
        batch.close()
    sign = 1.0 if side is Side.BUY else -1.0
    moved = sign * (paths[0] - paths[1]) / (lots * scenario.contract.lot_size)
    error: FloatArray = moved.std(axis=0, ddof=1) / math.sqrt(len(moved))
    return ProbeResult(grid, moved.mean(axis=0), error)


def short_triggers(market: Market) -> tuple[FloatArray, FloatArray]:
    """Triggers of the shorts of a market above its mark, ticks, and their sizes, base."""
    record = market.record
    accounts = record["accounts"][FIRST_HOLDER_SLOT:]
    shorts = (accounts["perp"] < 0) & (accounts["trigger"] > record["marks"]["mark"])
    order = np.argsort(accounts["trigger"][shorts], kind="stable")
    sizes = -accounts["perp"][shorts] * market.scenario.contract.lot_size
    return accounts["trigger"][shorts][order].astype(np.float64), sizes[order].astype(np.float64)


def asks(market: Market, venue: Venue) -> tuple[FloatArray, FloatArray]:
    """Distances of the asks of a book from its best one, ticks, and their sizes, base."""
    orders = market.orders(venue)
    mine = orders[orders["side"] == Side.SELL]
    if not len(mine):
        raise DataError(f"the {venue.name.lower()} book has no asks; run the market on")
    away = mine["price"].astype(np.float64) - float(mine["price"].min())
    order = np.argsort(away, kind="stable")
    return away[order], mine["qty"][order] * market.scenario.contract.lot_size


def from_market(
    market: Market,
    *,
    measured: Response | None = None,
    step_ticks: float = 50.0,
    **changes: Any,
) -> Reactions:
    """Make the reactions of a running market: its shorts, its books, its engine, its arbitrage.

    Profiles are those of the account table and of the visible asks. The engine serves an account
    every ``liquidation.interval_ms``; accounts wait for the next mark. What a visible book cannot
    show, how it refills, comes from a measured response, whose lasting share and rate are taken.

    Args:
        market: A market with shorts above its mark.
        measured: Response of the mark, ticks for each base, as `probe` measures it; none: the
            book is frozen.
        step_ticks: Step of the profiles.
        **changes: Attributes of `Reactions` to set otherwise, such as ``demand``.

    Returns:
        Reactions in ticks from the mark.
    """
    scenario = market.scenario
    triggers, sizes = short_triggers(market)
    if not len(triggers):
        raise DataError("no short stands above the mark, allowed is at least one")
    mark = float(market.record["marks"]["mark"])
    books = {venue: asks(market, venue) for venue in Venue}
    reach = max(away[-1] for away, _ in books.values())
    prices = np.arange(0.0, reach + step_ticks, step_ticks)
    cumulated = [
        np.concatenate([[0.0], np.cumsum(base)])[np.searchsorted(away, prices, side="right")]
        for away, base in ((triggers - mark, sizes), *books.values())
    ]
    lot = scenario.contract.lot_size
    perp, spot = (column - column[0] + lot * np.arange(len(prices)) for column in cumulated[1:])
    mean = float(sizes.mean())
    arbitrage, rules = scenario.arbitrage, scenario.liquidation
    per_bp = market.mid() / 1e4
    found: dict[str, Any] = {
        "prices": prices,
        "forced": cumulated[0] - cumulated[0][0],
        "perp": perp,
        "spot": spot,
        "size": mean,
        "random_sizes": True,
        "engine_s": (rules.latency_ms + scenario.marks.interval_ms / 2) / 1000,
        "cap": mean / (rules.interval_ms / 1000) if rules.interval_ms > 0 else math.inf,
        "weight": _MARK_WEIGHT.get(scenario.marks.rule, 0.0),
        "arbitrage": arbitrage.looks_per_s * arbitrage.base_per_bp / per_bp,
        "capital": max(arbitrage.capital_base, lot),
        "demand_perp": scenario.catalyst.perp_share,
    }
    if measured is not None and measured.first > 0:
        lasting = min(max(measured.last / measured.first, 0.0), 1.0)
        found |= {"lasting": lasting, "refill": measured.rate}
    return Reactions(**{**found, **changes})


def from_scenario(scenario: str | Scenario, seed: int = 0, **changes: Any) -> Reactions:
    """Make the reactions of a scenario, in the state in which its episode opens.

    Args:
        scenario: Shipped name or scenario.
        seed: Of the opening positions and books.
        **changes: As of `from_market`.
    """
    return from_market(Market(scenario, seed), **changes)


def _states(markets: Sequence[Market]) -> tuple[Scenario, list[MarketState]]:
    if not markets or len({market.scenario.digest() for market in markets}) > 1:
        raise ConfigError("probe takes one market or several of one scenario")
    return markets[0].scenario, [market.snapshot() for market in markets]


def _clones(
    scenario: Scenario, states: Sequence[MarketState], futures: int, threads: int | None
) -> Batch:
    """Clones of states that go on with futures of their own, without catalyst and liquidation."""
    quiet = Scenario.load(scenario, liquidation={"destination": "off"})
    batch = Batch(quiet, len(states) * futures, threads)
    for row in range(len(batch.markets)):
        state = states[row // futures]
        batch.markets[row], batch.views[row] = state.record[0], state.view[0]
        batch.markets[row]["clock"]["rng"] = stream_seeds(row)
    batch.markets["log_on"] = 0
    batch.markets["clock"]["due"][:, Source.CATALYST] = NEVER
    return batch


def _aim(batch: Batch, lots: int, venue: Venue, side: Side) -> None:
    """Send the probe as the one child order of a catalyst that is due now."""
    rules, flow, clock = (
        batch.params["catalyst"],
        batch.markets["flow"],
        batch.markets["clock"],
    )
    rules["side"], rules["cap"], rules["rate"] = side, _CAP, 1.0
    rules["perp_share"] = 1.0 if venue is Venue.PERP else 0.0
    if lots:
        flow["catalyst_left"] = flow["catalyst_size"] = lots
        flow["catalyst_end"] = clock["now"] + _AT_ONCE_NS
        clock["due"][:, Source.CATALYST] = clock["now"]


def _follow(batch: Batch, times: FloatArray) -> FloatArray:
    """Marks and mids at some times from now, (n, t, 3), ticks."""
    start = batch.markets["clock"]["now"].copy()
    batch.command(slice(None), Command.RUN)
    found = np.empty((len(batch.markets), len(times), len(SERIES)))
    for i, time in enumerate(times):
        batch.views["until"] = start + max(_AT_ONCE_NS, round(time * SECOND))
        batch.advance()
        found[:, i, 0] = batch.markets["marks"]["mark"]
        for venue in Venue:
            books = batch.markets["books"][:, venue]
            bid, ask = books["best_bid"], books["best_ask"]
            empty = (bid == NO_BID) | (ask == NO_ASK)
            found[:, i, 1 + venue] = np.where(empty, books["last"], (bid + ask) / 2)
    return found
