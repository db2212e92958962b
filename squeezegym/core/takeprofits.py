"""Take-profits: reduce-only orders of holders that rest in the perp book, contrarian depth.

The venue cancels one with its position: at a stop, before a liquidation, at a deleveraging; what
exceeds a position that has become smaller is cut when it is about to trade.
"""

import math

import numpy as np

from squeezegym._jit import kernel
from squeezegym.codes import (
    BUY,
    GTC,
    IS_POST_ONLY,
    IS_REDUCE_ONLY,
    MAX_QTY,
    PERP,
    SELL,
    Stream,
)
from squeezegym.core.exchange import place
from squeezegym.core.rng import uniform
from squeezegym.core.rounds import round_beyond

_STREAM = np.int64(Stream.ROUNDS)
_FLAGS = IS_REDUCE_ONLY | IS_POST_ONLY


@kernel
def rest_take_profit(market, params, slot, entry):
    """Let the holder of a new position, perhaps, leave the order at which it takes its profit.

    It stands on the profitable side of entry and mark alike; the share ``snap`` at a round price.
    """
    rules = params["holders"]
    rng = market["clock"]["rng"]
    if rules["take_profit"] == 0.0 or uniform(rng, _STREAM) >= rules["take_profit"]:
        return
    away = rules["take_low"] + (rules["take_high"] - rules["take_low"]) * uniform(rng, _STREAM)
    snaps = uniform(rng, _STREAM) < rules["snap"]
    perp = market["accounts"][slot]["perp"]
    mark = market["marks"]["mark"]
    is_long = perp > 0
    origin = np.float64(max(entry, mark) if is_long else min(entry, mark))
    price = origin * (1.0 + away if is_long else 1.0 - away)
    if snaps:
        level = round_beyond(market, params, origin, price, is_long)
        price = level if level > 0.0 else price
    book = market["books"][PERP]
    limit = min(np.int64(math.floor(price + 0.5)), book["highest"])
    side = SELL if is_long else BUY
    qty = min(abs(perp), MAX_QTY)
    place(market, params, PERP, slot, side, max(limit, book["lowest"]), qty, GTC, _FLAGS)
