"""Reloaders: holders who lost a short sell again, higher up, with a fresh deposit."""

import math

import numpy as np

from squeezegym._jit import kernel
from squeezegym.codes import NEVER, SELL, Source
from squeezegym.core.entrants import enter
from squeezegym.core.feed import receive
from squeezegym.core.lostshorts import stand_in_line
from squeezegym.core.triggers import ACTING

_SOURCE = np.int64(Source.RELOADERS)


@kernel
def reload(market, params):
    """Let the first of the line sell again, if the mark stands high enough; else it waits again.

    So does who still has an act to come from before. Whom the venue refuses does not try again.
    """
    rules = params["reloaders"]
    crowd = market["crowd"]
    slot = crowd["waiting"]
    account = market["accounts"][slot]
    crowd["waiting"] = np.int64(account["next"])
    due = NEVER
    if crowd["waiting"] != 0:
        due = market["holders"][crowd["waiting"]]["ready"]
    market["clock"]["due"][_SOURCE] = due
    lowest = np.int64(math.floor(np.float64(account["trigger"]) * (1.0 + rules["above"]) + 0.5))
    if account["alarmed"] == ACTING or market["marks"]["mark"] < lowest:
        stand_in_line(market, params, slot)
        return
    receive(market)
    qty = np.int64(account["bucket"])
    enter(market, params, slot, SELL, qty, rules["leverage"], rules["cap"])
