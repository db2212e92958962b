"""Frames of a running market."""

from __future__ import annotations

from typing import Any

import numpy as np

from squeezegym.codes import Account, Side, Venue
from squeezegym.scenario import Scenario

_DEPTH = 5


def _levels(book: Any, side: Side) -> list[tuple[int, int]]:
    """Best levels of one side as (price ticks, lots), best first."""
    orders = book["orders"]
    mine = orders[(orders["id"] != 0) & (orders["side"] == side)]
    prices, which = np.unique(mine["price"], return_inverse=True)
    lots = np.bincount(which, mine["qty"]).astype(np.int64)
    rows = list(zip(prices.tolist(), lots.tolist(), strict=True))
    return (rows[::-1] if side is Side.BUY else rows)[:_DEPTH]


def ansi_frame(market: Any, scenario: Scenario) -> str:
    """Return both books, the marks and the learner's account as plain text."""
    tick, lot = scenario.contract.tick_size, scenario.contract.lot_size
    marks, learner = market["marks"], market["accounts"][Account.LEARNER]
    seconds = float(market["clock"]["now"]) / 1e9
    lines = [
        f"{scenario.name}  {seconds:8.1f} s  mark {marks['mark'] * tick:,.1f}  "
        f"index {marks['index'] * tick:,.1f}"
    ]
    for venue in Venue:
        book = market["books"][venue]
        lines.append(f"{venue.name.lower():<5}{'bid':>12} {'base':>10} | {'ask':>12} {'base':>10}")
        bids, asks = (_levels(book, side) for side in (Side.BUY, Side.SELL))
        for i in range(max(len(bids), len(asks))):
            cells = [
                f"{side[i][0] * tick:12,.1f} {side[i][1] * lot:10.3f}"
                if i < len(side)
                else " " * 23
                for side in (bids, asks)
            ]
            lines.append(f"     {cells[0]} | {cells[1]}")
    equity = (learner["quote"] + learner["perp"] * marks["mark"]) * tick * lot
    lines.append(f"learner  position {learner['perp'] * lot:+.3f}  equity {equity:,.2f}")
    return "\n".join(lines)
