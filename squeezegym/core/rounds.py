"""Round prices: entries and take-profits cluster at them, stops just beyond.

Source: Osler, "Currency orders and exchange rate dynamics", Journal of Finance 58 (2003):
take-profit orders cluster at round numbers, stop-loss orders just beyond them.
"""

import math

import numpy as np

from squeezegym._jit import kernel
from squeezegym.codes import Stream
from squeezegym.core.rng import uniform

_STREAM = np.int64(Stream.ROUNDS)


@kernel
def draw_step(market, params):
    """Draw the distance between round prices that somebody looks at, ticks."""
    rules = params["population"]
    draw = uniform(market["clock"]["rng"], _STREAM)
    k = 0
    while k < rules["round_weight"].shape[0] - 1 and draw > rules["round_weight"][k]:
        k += 1
    return np.float64(rules["round"][k])


@kernel(inline=True)
def nearest_round(price, step):
    """Nearest multiple of a step, halves up; ticks."""
    return math.floor(price / step + 0.5) * step


@kernel
def round_beyond(market, params, origin, price, above):
    """Round price nearest to ``price`` that lies above ``origin``, or below it; ticks, step drawn.

    A price of that side is at most half a step from one, so that the next is far enough.
    """
    step = draw_step(market, params)
    level = nearest_round(price, step)
    if above and level <= origin:
        level += step
    elif not above and level >= origin:
        level -= step
    return level


@kernel
def stop_price(market, params, entry, stop, above):
    """Where a stop that was drawn at ``stop`` really stands, ticks, not rounded.

    The share ``snap`` moves to a round price and some way beyond it, away from the entry; one that
    would have no price left stays. Stops of shorts lie ``above`` their entry.
    """
    rules = params["holders"]
    rng = market["clock"]["rng"]
    if rules["snap"] == 0.0 or uniform(rng, _STREAM) >= rules["snap"]:
        return stop
    level = round_beyond(market, params, entry, stop, above)
    width = rules["beyond_high"] - rules["beyond_low"]
    beyond = rules["beyond_low"] + width * uniform(rng, _STREAM)
    if not above:
        beyond = -beyond
    return level * (1.0 + beyond) if level > 0.0 else stop
