"""Frames of a running market."""

from __future__ import annotations

import math
from typing import Any

from squeezegym.codes import Side, Venue
from squeezegym.sampling import book_levels
from squeezegym.scenario import Scenario
from squeezegym.view.agent import agent_of

_DEPTH = 5


def ansi_frame(market: Any, scenario: Scenario) -> str:
    """Return both books, the marks and the learner's account as plain text."""
    tick, lot = scenario.contract.tick_size, scenario.contract.lot_size
    places = max(0, -math.floor(math.log10(tick) + 1e-9))
    marks = market["marks"]
    seconds = float(market["clock"]["now"]) / 1e9
    lines = [
        f"{scenario.name}  {seconds:8.1f} s  mark {marks['mark'] * tick:,.{places}f}  "
        f"index {marks['index'] * tick:,.{places}f}"
    ]
    for venue in Venue if scenario.contract.perp else (Venue.SPOT,):
        book = market["books"][venue]
        lines.append(f"{venue.name.lower():<5}{'bid':>12} {'base':>10} | {'ask':>12} {'base':>10}")
        bids, asks = (book_levels(book, side, _DEPTH) for side in (Side.BUY, Side.SELL))
        for i in range(max(len(bids), len(asks))):
            cells = [
                f"{side[i][0] * tick:12,.{places}f} {side[i][1] * lot:10.3f}"
                if i < len(side)
                else " " * 23
                for side in (bids, asks)
            ]
            lines.append(f"     {cells[0]} | {cells[1]}")
    agent = agent_of(market, scenario)
    lines.append(f"learner  position {agent.position:+.3f}  equity {agent.equity:,.2f}")
    return "\n".join(lines)
