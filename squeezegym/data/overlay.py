"""What two captures hold, laid over a scenario: books level by level, flow, sizes, positions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from squeezegym.codes import FIRST_HOLDER_SLOT
from squeezegym.data.capture import Capture, LevelArray
from squeezegym.data.flow import NEAR_BPS
from squeezegym.data.measure import basis_ticks, extend_depth, measure, to_grid
from squeezegym.data.measured import MeasuredMarket
from squeezegym.data.positions import FAR_LEVEL, at_level, read_holdings, to_positions
from squeezegym.errors import DataError
from squeezegym.liquidity import Makers, Noise
from squeezegym.scenario import Scenario
from squeezegym.state import SIZES

BUSIEST_MESSAGES_PER_S = 2000.0
"""Both books together. A faster capture is thinned: fewer limit messages, each for several."""
REACH_BPS = 200.0
EXTRAPOLATED_LEVELS = 128
CALM_UTILISATION = 0.2
"""Share of time that the matching engine is busy in calm."""
DRAWN_ACCOUNTS = 1000
BP = 1e-4

Levels = tuple[tuple[float, float, bool], ...]


@dataclass(frozen=True, slots=True)
class _Book:
    """One opening book on the grid of the perp, both sides best first: price, lots, recorded."""

    mid: float
    bids: Levels
    asks: Levels


@dataclass(frozen=True, slots=True)
class _Flow:
    """Flow of one book, sizes in lots of the perp's grid."""

    orders_per_s: float
    log_mean: float
    log_sd: float
    largest: float
    branching: float
    persistence: float
    changes_per_s: float
    near_share: float
    near_levels: int
    add_lots: float


class Overlay:
    """Overlays a base scenario with what two captures hold.

    Args:
        base: Complete scenario.
        perp: Capture of the perp; its tick and lot are the market's.
        spot: Capture of spot, or None to place the spot book by the base's basis.

    Attributes:
        notes: What was done to the data, one sentence each.
    """

    def __init__(self, base: Scenario, perp: Capture, spot: Capture | None) -> None:
        self.base = base
        self.notes: list[str] = []
        self.room = SIZES[base.size_class].quotes
        self.tick, self.lot = perp.tick_size, perp.lot_size
        self.measured = measure(perp)
        self.perp = self._book("perp", perp.start.bids, perp.start.asks)
        perp_flow = self._flow(perp, self.measured)
        self.fair_basis = base.contract.basis_bps
        if spot is None:
            self.spot = self._mirrored_book()
            spot_flow = self._mirrored_flow(perp_flow)
        else:
            self.spot = self._book("spot", *self._spot_levels(spot))
            spot_flow = self._flow(spot, measure(spot))
            self.fair_basis = self._note_basis(perp, spot)
        self.flows = (perp_flow, spot_flow)

    def _spot_levels(self, spot: Capture) -> tuple[LevelArray, LevelArray]:
        sizes = (spot.tick_size, self.tick, spot.lot_size, self.lot)
        start = spot.start
        prices = (self.perp.mid * self.tick, start.mid_ticks * spot.tick_size)
        if abs(prices[1] / prices[0] - 1) > FAR_LEVEL:
            raise DataError(
                f"spot: {spot.symbol} stands at {prices[1]:,.8g} and the perp"
                f" {self.measured.symbol} at {prices[0]:,.8g}, allowed is a difference of"
                f" {FAR_LEVEL:.0%}; pass captures of one coin."
            )
        return to_grid(start.bids, *sizes, side="bid"), to_grid(start.asks, *sizes, side="ask")

    def _note_basis(self, perp: Capture, spot: Capture) -> float:
        """Return the median basis of the captures, bp: what arbitrageurs take for fair."""
        median = basis_ticks(perp, spot) / self.spot.mid / BP
        opening = (self.perp.mid / self.spot.mid - 1) / BP
        apart = abs(perp.start.time_ns - spot.start.time_ns) / 1e9
        self.notes.append(
            f"the two snapshots are {apart:.1f} s apart; basis at the opening {opening:.2f} bp,"
            f" median of the capture {median:.2f} bp, which arbitrageurs take for fair"
        )
        return float(median)

    def _book(self, venue: str, bids: LevelArray, asks: LevelArray) -> _Book:
        if not len(bids) or not len(asks):
            raise DataError(
                f"{venue}: the snapshot has {len(bids)} bids and {len(asks)} asks on a grid of"
                f" {self.tick} x {self.lot}, allowed is at least 3 of each; pass a deeper snapshot."
            )
        mid = (int(bids[0, 0]) + int(asks[0, 0])) / 2
        return _Book(mid, self._side(venue, bids, mid), self._side(venue, asks, mid))

    def _side(self, venue: str, levels: LevelArray, mid: float) -> Levels:
        """Distances, lots and marks of one side: nearest exact, far ones merged, beyond added."""
        last = abs(int(levels[-1, 0]) - mid)
        beyond = REACH_BPS * BP * mid - last
        extra = min(EXTRAPOLATED_LEVELS, self.room // 8)
        step = max(1, int(beyond / extra))
        extended = extend_depth(levels, mid, to_bp=REACH_BPS, step_ticks=step)
        added = extended.levels[extended.is_extrapolated][:extra]
        recorded = _fit(levels, self.room - len(added))
        side = "bids" if levels[0, 0] < mid else "asks"
        exact = len(levels) if len(recorded) == len(levels) else _exact(self.room - len(added))
        self.notes.append(
            f"{venue} {side}: {len(levels)} levels recorded to {last / mid / BP:.1f} bp, the"
            f" nearest {exact} kept exactly, {len(added)} extrapolated to {REACH_BPS:.0f} bp"
        )
        rows = np.concatenate([recorded, added])
        marks = [False] * len(recorded) + [True] * len(added)
        return tuple(
            (abs(price - mid), float(lots), mark)
            for (price, lots), mark in zip(rows.tolist(), marks, strict=True)
        )

    def _mirrored_book(self) -> _Book:
        """The perp's levels around the mid that the base's basis gives; none of them recorded."""
        depth, basis = self.base.depth, self.base.contract.basis_bps
        ratio = depth.spot.within_10bps_base / depth.perp.within_10bps_base
        mid = self.perp.mid - round(self.perp.mid * (1 - 1 / (1 + basis * BP)))
        sides = [
            tuple(
                (distance, max(1.0, float(round(lots * ratio))), True) for distance, lots, _ in side
            )
            for side in (self.perp.bids, self.perp.asks)
        ]
        self.notes.append(
            f"no spot capture: the spot book stands at a basis of {basis:g} bp, with {ratio:.2f} of"
            " the perp's lots at its distances, all marked as extrapolated; spot flow likewise"
        )
        return _Book(mid, *sides)

    def _flow(self, capture: Capture, measured: MeasuredMarket) -> _Flow:
        orders, limits = measured.aggressors, measured.limits
        ratio = capture.lot_size / self.lot
        changes = float(limits.adds_per_s + limits.cancels_per_s)
        near = float(limits.near_adds_per_s + limits.near_cancels_per_s)
        within = NEAR_BPS * BP * capture.start.mid_ticks
        sides = (capture.start.bids, capture.start.asks)
        levels = [np.count_nonzero(abs(s[:, 0] - capture.start.mid_ticks) <= within) for s in sides]
        return _Flow(
            orders_per_s=orders.orders_per_s,
            log_mean=orders.log_mean + math.log(ratio),
            log_sd=orders.log_sd,
            largest=_largest_order(capture) * ratio,
            branching=min(0.5, orders.branching_ratio),
            persistence=min(0.99, max(0.0, (1 + orders.sign_autocorrelation) / 2)),
            changes_per_s=changes,
            near_share=near / changes if changes else 1.0,
            near_levels=max(1, int(sum(levels)) // 2),
            add_lots=max(limits.add_mean_lots * ratio, 1.0),
        )

    def _mirrored_flow(self, flow: _Flow) -> _Flow:
        noise, makers = self.base.noise, self.base.makers
        return _Flow(
            orders_per_s=flow.orders_per_s
            * _ratio(noise.spot.market_orders_per_s, noise.perp.market_orders_per_s),
            log_mean=flow.log_mean + noise.spot.market_log_mean - noise.perp.market_log_mean,
            log_sd=noise.spot.market_log_sd,
            largest=flow.largest * noise.spot.market_max_base / noise.perp.market_max_base,
            branching=flow.branching,
            persistence=noise.spot.persistence,
            changes_per_s=flow.changes_per_s
            * _ratio(makers.spot.visits_per_s, makers.perp.visits_per_s),
            near_share=flow.near_share,
            near_levels=flow.near_levels,
            add_lots=flow.add_lots
            * math.exp(noise.spot.limit_log_mean - noise.perp.limit_log_mean),
        )

    def scenario(self) -> Scenario:
        """Return the base with everything measured put in its place."""
        base, within = self.base, self._base_near(self.perp)
        size = within / base.depth.perp.within_10bps_base
        if not size > 0:
            raise DataError(
                f"{self.measured.symbol}: the snapshot has no lots within 10 bp of the mid, allowed"
                " is more than 0; pass the capture of a more liquid market."
            )
        price = round(self.spot.mid * self.tick, 12)
        quote = size * price / base.contract.price
        volatility = max(self.measured.returns.volatility_1s / BP, 0.01)
        nervous = volatility / base.contract.volatility_bps
        thinning = min(1.0, BUSIEST_MESSAGES_PER_S / self._messages_per_s(1.0))
        messages = self._messages_per_s(thinning)
        self.notes.append(
            f"thinning: {thinning:.3f} of the recorded limit messages, {messages:.0f} messages/s of"
            " both books at most (a maker who finds a quote in place sends none); aggressor orders"
            " are not thinned"
        )
        changes = {
            "name": base.name,
            "contract": {
                "symbol": self.measured.symbol,
                "tick_size": self.tick,
                "lot_size": self.lot,
                "price": price,
                "basis_bps": (self.perp.mid / self.spot.mid - 1) / BP,
                "volatility_bps": volatility,
            },
            "episode.burn_in_s": 0.0,
            "depth": {
                "perp": self._depth(self.perp, within),
                "spot": self._depth(self.spot, max(self._base_near(self.spot), self.lot)),
            },
            "noise": self._pair(self._noise, thinning),
            "makers": {
                venue: {
                    **makers,
                    "learning_bps_per_base": makers["learning_bps_per_base"] / size,
                    "calm_trend_bps": makers["calm_trend_bps"] * nervous,
                }
                for venue, makers in self._pair(self._makers, thinning).items()
            },
            "value": {
                "base_per_bp": base.value.base_per_bp * size,
                "max_base": base.value.max_base * size,
                "volatility_bps": base.value.volatility_bps * nervous,
            },
            "arbitrage": {
                "fair_basis_bps": self.fair_basis,
                **{
                    name: getattr(base.arbitrage, name) * size
                    for name in ("base_per_bp", "max_base", "capital_base")
                },
                "capital_quote": base.arbitrage.capital_quote * quote,
            },
            "liquidation": {"fund_quote": base.liquidation.fund_quote * quote},
            "population": {
                "short_base": base.population.short_base * size,
                "long_base": base.population.long_base * size,
                "rounds": [
                    (max(self.tick, step * quote / size), weight)
                    for step, weight in base.population.rounds
                ],
            },
            "gateway": {"utilisation": CALM_UTILISATION, "messages_per_s": messages},
            "learner": {
                "limit_base": max(self.lot, base.learner.limit_base * size),
                "capital_quote": base.learner.capital_quote * quote,
            },
        }
        return Scenario.load(base, **changes)

    def _messages_per_s(self, thinning: float) -> float:
        return sum(flow.changes_per_s * thinning + flow.orders_per_s for flow in self.flows)

    def _base_near(self, book: _Book) -> float:
        """Depth of an opening book within 10 bp, base, mean of both sides."""
        reach = NEAR_BPS * BP * book.mid
        lots = sum(lots for side in (book.bids, book.asks) for d, lots, _ in side if d <= reach)
        return lots / 2 * self.lot

    def _depth(self, book: _Book, within_base: float) -> dict[str, Any]:
        return {
            "touch_base": min(book.bids[0][1], book.asks[0][1]) * self.lot,
            "within_10bps_base": within_base,
            "reach_bps": REACH_BPS,
            "quotes": max(len(book.bids), len(book.asks), 2),
            "bids": book.bids,
            "asks": book.asks,
        }

    def _pair(self, section: Any, thinning: float) -> dict[str, Any]:
        return {
            venue: section(venue, flow, thinning)
            for venue, flow in zip(("perp", "spot"), self.flows, strict=True)
        }

    def _visits(self, venue: str, flow: _Flow, thinning: float) -> tuple[float, float]:
        """Visits a second of makers (two messages) and noise slots (one), shared as in the base."""
        makers: Makers = getattr(self.base.makers, venue)
        noise: Noise = getattr(self.base.noise, venue)
        share = _ratio(noise.limit_visits_per_s, makers.visits_per_s)
        visits = flow.changes_per_s * thinning / (2 + share)
        return visits, share * visits

    def _noise(self, venue: str, flow: _Flow, thinning: float) -> dict[str, Any]:
        noise: Noise = getattr(self.base.noise, venue)
        return {
            **noise.model_dump(mode="json"),
            "market_orders_per_s": flow.orders_per_s,
            "branching": min(flow.branching, noise.branching),
            "persistence": flow.persistence,
            "market_log_mean": flow.log_mean,
            "market_log_sd": flow.log_sd,
            "market_max_base": max(flow.largest, 1.0) * self.lot,
            "limit_visits_per_s": self._visits(venue, flow, thinning)[1],
            "limit_log_mean": math.log(flow.add_lots / thinning) - noise.limit_log_sd**2 / 2,
        }

    def _makers(self, venue: str, flow: _Flow, thinning: float) -> dict[str, Any]:
        """``near_bias`` b sends the measured share of visits within 10 bp: n^(1/b) = share."""
        makers: Makers = getattr(self.base.makers, venue)
        book = self.perp if venue == "perp" else self.spot
        slots = max(len(book.bids), len(book.asks))
        bias = float(makers.near_bias)
        if flow.near_levels < slots and 0 < flow.near_share < 1:
            bias = math.log(flow.near_levels / slots) / math.log(flow.near_share)
        return {
            **makers.model_dump(mode="json"),
            "visits_per_s": self._visits(venue, flow, thinning)[0],
            "near_bias": min(max(round(bias), 1), 10),
        }

    def with_positions(self, scenario: Scenario, path: str) -> Scenario:
        """Replace the drawn accounts by the positions of a file."""
        holdings, others = read_holdings(path, self.measured.symbol)
        holdings, factor = at_level(holdings, self.perp.mid * self.tick)
        positions, dropped = to_positions(holdings, scenario, self.perp.mid)
        lots = np.array(positions.lots)
        self.notes.append(
            f"positions: {len(lots)} taken ({lots[lots > 0].sum() * self.lot:,.1f} long,"
            f" {-lots[lots < 0].sum() * self.lot:,.1f} short), {dropped} dropped as liquidated at"
            f" the opening mid or below a lot, {others} of other coins skipped"
        )
        if factor != 1.0:
            self.notes.append(
                f"positions: prices multiplied by {factor:.4f}, because the file's price level is"
                " more than 20 % away from the capture's; sizes are kept"
            )
        nobody = {"shorts": 0, "longs": 0, "short_base": 0.0, "long_base": 0.0}
        room = SIZES[scenario.size_class].accounts - FIRST_HOLDER_SLOT
        room -= scenario.borrowing.accounts + scenario.fomo.accounts
        changes: dict[str, Any] = {"positions": positions.model_dump(), "population": nobody}
        if len(lots) > room and scenario.size_class != "large":
            changes["size_class"] = "large"
        return Scenario.load(scenario, **changes)

    def with_open_interest(self, scenario: Scenario, base: float) -> Scenario:
        """Draw an open interest: every contract has one leveraged short and one leveraged long."""
        accounts = max(1, min(DRAWN_ACCOUNTS, int(base / self.lot)))
        population = scenario.population
        self.notes.append(
            f"open interest: {base:g} base held by {accounts} drawn shorts and as many drawn longs;"
            f" {population.cluster_share:.0%} of the {population.cluster_side} stand in the"
            " scenario's cluster"
        )
        sizes = {"shorts": accounts, "longs": accounts, "short_base": base, "long_base": base}
        return Scenario.load(scenario, population=sizes)


def _exact(room: int) -> int:
    """How many of the nearest levels stay as they are when a side must be merged."""
    return room - max(1, room // 8)


def _fit(levels: LevelArray, room: int) -> LevelArray:
    """Merge the farthest levels into groups, at their mean price, until ``room`` are left."""
    if len(levels) <= room:
        return levels
    exact = _exact(room)
    groups = np.array_split(levels[exact:], room - exact)
    merged = [
        (round(float(np.average(g[:, 0], weights=g[:, 1]))), int(g[:, 1].sum())) for g in groups
    ]
    fitted: LevelArray = np.concatenate([levels[:exact], np.array(merged, np.int64)])
    return fitted


def _largest_order(capture: Capture) -> float:
    """Lots of the largest aggressor order: prints of one side in one ms."""
    trades = capture.trades
    keys = np.stack([trades["time_ns"], trades["side"]], axis=1)
    _, group = np.unique(keys, axis=0, return_inverse=True)
    return float(np.bincount(group.reshape(-1), trades["qty_lots"]).max())


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
