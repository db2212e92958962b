"""One market at one moment, in people's units: what series, figures and tables are made of."""

from __future__ import annotations

from typing import Any

import numpy as np

from squeezegym.codes import (
    NEVER,
    NO_ASK,
    NO_BID,
    RATE_ONE,
    Account,
    BookState,
    Side,
    Standing,
    Venue,
)
from squeezegym.scenario import Scenario
from squeezegym.units import SECOND

SAMPLE_DTYPE = np.dtype(
    [
        ("time", "f8"),  # s since the episode began
        ("perp", "f8"),  # mid, quote
        ("spot", "f8"),  # mid, quote
        ("mark", "f8"),  # quote
        ("index", "f8"),  # quote
        ("fundamental", "f8"),  # quote
        ("funding_rate", "f8"),  # predicted rate of the interval
        ("premium", "f8"),  # last sample, relative to the index
        ("open_interest", "f8"),  # base
        ("liquidated_shorts", "f8"),  # base so far
        ("liquidated_longs", "f8"),  # base so far
        ("fund", "f8"),  # quote
        ("queue_s", "f8"),  # waiting time before the matching engine, s
        ("short_interest", "f8"),  # coins lent, base
        ("bought_in", "f8"),  # base so far
        ("measures", "f8"),  # of protection, in force: bits of measures.Measure
    ]
)


def mid_ticks(book: Any) -> float:
    """Mid of one book in ticks, or its last trade when a side is empty or trading pauses."""
    bid, ask = int(book["best_bid"]), int(book["best_ask"])
    if bid == NO_BID or ask == NO_ASK or book["state"] == BookState.AUCTION:
        return float(book["last"])
    return 0.5 * (bid + ask)


def book_levels(book: Any, side: Side, depth: int) -> list[tuple[int, int, int]]:
    """Best levels of one side of a book as ``(price ticks, lots, orders)``, best first."""
    orders = book["orders"]
    mine = orders[(orders["qty"] != 0) & (orders["side"] == side)]
    prices, which = np.unique(mine["price"], return_inverse=True)
    lots = np.bincount(which, mine["qty"]).astype(np.int64)
    count = np.bincount(which)
    rows = list(zip(prices.tolist(), lots.tolist(), count.tolist(), strict=True))
    return (rows[::-1] if side is Side.BUY else rows)[:depth]


def triggers(record: Any) -> tuple[Any, Any]:
    """Return where accounts are liquidated, or bought in: marks or indices in ticks, and lots.

    Returns:
        ``(triggers, lots)``, int64 of one length, an account each; lots are negative for shorts
        and for debts in coins.
    """
    accounts, debts = record["accounts"], record["holders"]["debt"]
    standing = accounts["laddered"]
    on_perp = standing == Standing.IN_LADDER
    watched = on_perp | (standing == Standing.IN_BORROW_LADDER)
    return accounts["trigger"][watched], np.where(on_perp, accounts["perp"], -debts)[watched]


def sample(record: Any, scenario: Scenario) -> Any:
    """Return the present state of a market record as one row of :data:`SAMPLE_DTYPE`."""
    tick, lot = scenario.contract.tick_size, scenario.contract.lot_size
    score, marks, clock = record["score"], record["marks"], record["clock"]
    row = np.zeros((), SAMPLE_DTYPE)
    row["time"] = clock["now"] / SECOND
    row["perp"] = mid_ticks(record["books"][Venue.PERP]) * tick
    row["spot"] = mid_ticks(record["books"][Venue.SPOT]) * tick
    row["mark"] = marks["mark"] * tick
    row["index"] = marks["index"] * tick
    row["fundamental"] = marks["fundamental"] * tick
    row["funding_rate"] = record["funding"]["rate"] / RATE_ONE
    row["premium"] = record["funding"]["premium"]
    row["open_interest"] = score["open_interest"] * lot
    row["liquidated_longs"], row["liquidated_shorts"] = score["liquidated"] * lot
    row["fund"] = record["accounts"]["quote"][Account.FUND] * tick * lot
    gateway = record["gateway"]
    begun = max(0, int(gateway["busy_until"]) - int(clock["now"]))
    row["queue_s"] = (
        begun + int(gateway["waiting"]) * int(gateway["service"]) + int(gateway["theirs"])
    ) / SECOND
    row["short_interest"] = record["borrow"]["lent"] * lot
    row["bought_in"] = score["bought_in"] * lot
    row["measures"] = record["protection"]["measures"]
    return row


def ignition(record: Any, scenario: Scenario) -> dict[str, float | None]:
    """Return the ignition barrier of a market and when it was crossed.

    Returns:
        ``barrier_base``, ``catalyst_base`` and ``visible_n`` (largest forced demand over visible
        depth, rho / lambda), None before the catalyst starts; ``ignition_s``, None if not ignited.
    """
    score, flow = record["score"], record["flow"]
    lot = scenario.contract.lot_size
    begun = bool(score["barrier"] > 0)
    ignited = begun and score["ignition"] != NEVER
    return {
        "barrier_base": float(score["barrier"]) * lot if begun else None,
        "catalyst_base": float(flow["catalyst_size"]) * lot if begun else None,
        "visible_n": float(score["visible_n"]) if begun else None,
        "ignition_s": float(score["ignition"]) / SECOND if ignited else None,
    }
