"""Holders who lost a short, in line by the time at which they next try to be short again.

The line is linked through ``next`` of their flat accounts; ``trigger`` keeps the mark at which the
short was lost and ``bucket`` its lots.
"""

import numpy as np

from squeezegym._jit import kernel
from squeezegym.codes import ZERO, Source, Stream
from squeezegym.core.rng import exponential, uniform

_SOURCE = np.int64(Source.RELOADERS)
_STREAM = np.int64(Stream.RELOADERS)
_LONGEST_WAIT = 1e18  # ns
_MOST_LOTS = np.int64(2**31 - 1)  # that ``bucket`` holds


@kernel
def remember_short(market, params, slot):
    """Note the lots of a short that may now be lost; of a long, none. It has left the ladder.

    Nor of an arbitrageur's short, which was never a view of the price.
    """
    if params["reloaders"]["share"] > 0.0:
        account = market["accounts"][slot]
        arbitrage = params["arbitrage"]
        lots = -account["perp"]
        if arbitrage["accounts"] > 0 and slot >= arbitrage["first"]:
            lots = ZERO
        account["bucket"] = np.int32(min(max(lots, ZERO), _MOST_LOTS))


@kernel
def lose_short(market, params, slot):
    """Let a holder whose short has just gone decide whether it will be back."""
    account = market["accounts"][slot]
    share = params["reloaders"]["share"]
    if share == 0.0 or account["perp"] != 0 or account["bucket"] == 0:
        return
    if uniform(market["clock"]["rng"], _STREAM) >= share:
        return
    account["trigger"] = market["marks"]["mark"]
    stand_in_line(market, params, slot)


@kernel
def stand_in_line(market, params, slot):
    """Draw the wait before the next try and join the line there."""
    crowd = market["crowd"]
    accounts = market["accounts"]
    wait = exponential(market["clock"]["rng"], _STREAM) * params["reloaders"]["delay"] * 1e9
    ready = market["clock"]["now"] + np.int64(min(wait, _LONGEST_WAIT)) + 1
    market["holders"][slot]["ready"] = ready
    before = ZERO
    after = crowd["waiting"]
    while after != 0 and market["holders"][after]["ready"] <= ready:
        before = after
        after = np.int64(accounts[after]["next"])
    accounts[slot]["next"] = np.uint32(after)
    if before == 0:
        crowd["waiting"] = slot
    else:
        accounts[before]["next"] = np.uint32(slot)
    market["clock"]["due"][_SOURCE] = market["holders"][crowd["waiting"]]["ready"]
