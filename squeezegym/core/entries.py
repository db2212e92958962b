"""What opening positions are drawn from: a price history and Pareto sizes."""

import math

import numpy as np

from squeezegym._jit import kernel
from squeezegym.core.rng import normal, uniform


@kernel
def draw_history(market, params, price, stream):
    """Draw the price path that led here, backwards, with its running extremes."""
    history = market["history"]
    rng = market["clock"]["rng"]
    step = params["population"]["history_volatility"]
    highest = price
    lowest = price
    p = price
    for i in range(history.shape[1]):
        history[0, i] = p
        highest = max(highest, p)
        lowest = min(lowest, p)
        history[1, i] = highest
        history[2, i] = lowest
        p *= math.exp(step * normal(rng, stream))


@kernel
def draw_sizes(market, rules, first, count, stream):
    """Draw Pareto sizes into ``cost`` and cap the largest; returns their sum."""
    rng = market["clock"]["rng"]
    unit = 1000.0
    total = 0.0
    for i in range(count):
        weight = unit * (1.0 - uniform(rng, stream)) ** (-1.0 / rules["size_tail"])
        weight = min(weight, 1e12)
        market["accounts"][first + i]["cost"] = np.int64(weight)
        total += np.float64(np.int64(weight))
    for _ in range(3):  # capping one lowers the sum and so the cap of the others
        capped = 0.0
        cap = np.int64(max(rules["largest"] * total, unit))
        for i in range(count):
            account = market["accounts"][first + i]
            account["cost"] = min(account["cost"], cap)
            capped += np.float64(account["cost"])
        total = capped
    return total
