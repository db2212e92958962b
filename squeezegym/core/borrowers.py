"""Spot-margin shorts at the opening: what they owe, what they sold it for, their deposits."""

import numpy as np

from squeezegym._jit import kernel
from squeezegym.codes import FIRST_HOLDER, LENDER, ONE, OUTSIDE, RATE_ONE, SPOT, Stream
from squeezegym.core.accounts import exchange_lots, transfer
from squeezegym.core.borrow import lend, list_borrower
from squeezegym.core.entries import draw_history, draw_sizes
from squeezegym.core.lending import open_lender
from squeezegym.core.rng import uniform
from squeezegym.core.rounds import draw_step, nearest_round

_STREAM = np.int64(Stream.BORROW)
_TRIES = 16


@kernel
def open_borrowers(market, params):
    """Open the lender and the accounts that have borrowed from it and sold to the outside."""
    rules = params["borrowing"]
    people = params["population"]
    open_lender(market, params)
    count = rules["accounts"]
    if count == 0:
        return
    first = FIRST_HOLDER + people["shorts"] + people["longs"]
    if people["n_given"] > 0:
        first = FIRST_HOLDER + people["n_given"]
        draw_history(market, params, np.float64(market["marks"]["mark"]), _STREAM)
    total = draw_sizes(market, people, first, count, _STREAM)
    for i in range(count):
        slot = first + i
        account = market["accounts"][slot]
        size = np.float64(account["cost"]) / total * np.float64(rules["lots"])
        account["cost"] = 0
        entry, leverage = _survivor(market, params)
        ticks = max(ONE, np.int64(entry + 0.5))
        qty = min(max(ONE, np.int64(size + 0.5)), market["accounts"][LENDER]["spot"])
        if qty > 0:
            deposit = np.int64(np.float64(ticks * qty) / (leverage - 1.0)) + 1
            transfer(market, OUTSIDE, slot, deposit)
            lend(market, slot, qty)
            exchange_lots(market, SPOT, slot, OUTSIDE, ticks, qty)
            list_borrower(market, params, slot)


@kernel
def _survivor(market, params):
    """Entry and leverage of a debt that the price history has not called.

    Leverage is assets over equity, so that ``L`` times leaves the margin level ``L / (L - 1)``.
    """
    rules = params["borrowing"]
    people = params["population"]
    rng = market["clock"]["rng"]
    history = market["history"]
    scale = np.float64(market["marks"]["index"]) / history[0, 0]  # the history is the perp's
    level = np.float64(rules["liquidation"]) / np.float64(RATE_ONE)
    for _ in range(_TRIES):
        age = np.int64(uniform(rng, _STREAM) * np.float64(history.shape[1]))
        draw = uniform(rng, _STREAM)
        k = 0
        while k < rules["weight"].shape[0] - 1 and draw > rules["weight"][k]:
            k += 1
        leverage = rules["leverage"][k]
        entry = history[0, age] * scale
        if uniform(rng, _STREAM) < people["snap"]:
            entry = nearest_round(entry, draw_step(market, params))
        trigger = entry * leverage / (leverage - 1.0) / level
        if trigger > history[1, age] * scale:
            return entry, leverage
    return np.float64(market["marks"]["index"]), rules["leverage"][0]
