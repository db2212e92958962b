"""Index from the spot venues, and the mark that margin is measured at."""

import math

import numpy as np

from squeezegym._jit import kernel
from squeezegym.codes import NO_ASK, NO_BID, PERP, SPOT, Source, Stream
from squeezegym.core.eventlog import log_mark
from squeezegym.core.rng import normal

_MARK = np.int64(Source.MARK)
_INDEX = np.int64(Stream.INDEX)
_SECONDS = 1e-9


@kernel(inline=True)
def mid(book):
    """Mid of the touch in ticks; the one side that stands, or the last trade, if not both."""
    bid = book["best_bid"]
    ask = book["best_ask"]
    if bid != NO_BID and ask != NO_ASK:
        return 0.5 * np.float64(bid + ask)
    if bid != NO_BID:
        return np.float64(max(bid, book["last"]))
    if ask != NO_ASK:
        return np.float64(min(ask, book["last"]))
    return np.float64(book["last"])


@kernel
def median(values):
    """Median of a short array, which stays as it was."""
    n = values.shape[0]
    below = -math.inf
    for _ in range(n // 2 + 1):
        smallest = math.inf
        for i in range(n):
            v = values[i]
            if v < smallest and v > below:
                smallest = v
        count = 0
        for i in range(n):
            if values[i] <= smallest:
                count += 1
        below = smallest
        if count > n // 2:
            break
    return below


@kernel
def median_of_three(a, b, c):
    """Middle one of three numbers."""
    return max(min(a, b), min(max(a, b), c))


@kernel
def index_price(venues, weights, outlier):
    """Weighted mean of the spot venues after the outlier rule.

    A single venue farther than ``outlier`` from the median gets no weight; with two or more
    such venues the median itself is the index. Source: Binance FAQ "Index price" (2020 text,
    threshold 5 %).

    Args:
        venues: (n,) venue prices, ticks, n odd.
        weights: (n,) their weights, of any sum.
        outlier: Largest relative deviation from the median, in (0, 1).

    Returns:
        The index, ticks.
    """
    middle = median(venues)
    total = 0.0
    mass = 0.0
    dropped = 0
    for i in range(venues.shape[0]):
        if abs(venues[i] - middle) > outlier * middle:
            dropped += 1
        else:
            total += weights[i] * venues[i]
            mass += weights[i]
    if dropped > 1 or mass == 0.0:
        return middle
    return total / mass


@kernel
def mark_price(index, funding, to_funding, mean_basis, last):
    """Mark of a perpetual contract: median of funding basis, mean basis and last price.

    ``P1 = I (1 + F * time to funding / interval)``, ``P2 = I + mean basis``. Source: Binance
    FAQ "Mark price in USD-M futures"; basis window of 30 one-second samples since 2025-09-18.

    Args:
        index: Index price, ticks.
        funding: Funding rate of one interval.
        to_funding: Share of the interval that is left, [0, 1].
        mean_basis: Mean of mid minus index over the window, ticks.
        last: Last trade price, ticks.

    Returns:
        The mark, ticks, not rounded.
    """
    return median_of_three(index * (1.0 + funding * to_funding), index + mean_basis, last)


@kernel
def update_marks(market, params):
    """Sample the venues, then publish index and mark and time the next update."""
    marks = market["marks"]
    rules = params["marks"]
    now = market["clock"]["now"]
    spot = mid(market["books"][SPOT])
    elapsed = np.float64(now - marks["time"]) * _SECONDS
    marks["time"] = now
    marks["venues"][0] = spot
    for i in range(1, marks["venues"].shape[0]):
        noise = rules["noise"][i] * normal(market["clock"]["rng"], _INDEX)
        follow = 1.0 - math.exp(-rules["follow"][i] * elapsed)
        marks["venues"][i] += follow * (spot * (1.0 + noise) - marks["venues"][i])
    index = index_price(marks["venues"], rules["weight"], rules["outlier"])
    n = marks["basis"].shape[0]
    marks["basis"][marks["n_basis"] % n] = mid(market["books"][PERP]) - index
    marks["n_basis"] += 1
    mean_basis = 0.0
    for i in range(n):
        mean_basis += marks["basis"][i]
    mean_basis /= n
    since = now % rules["funding_interval"]
    to_funding = 1.0 - np.float64(since) / np.float64(rules["funding_interval"])
    last = np.float64(market["books"][PERP]["last"])
    mark = mark_price(index, rules["funding"], to_funding, mean_basis, last)
    marks["index"] = np.int64(math.floor(index + 0.5))
    marks["mark"] = np.int64(math.floor(mark + 0.5))
    market["clock"]["due"][_MARK] = now + rules["interval"]
    log_mark(market, marks["mark"], marks["index"])


@kernel
def open_marks(market, params):
    """Set every price to the opening state and fill the basis window with its basis."""
    marks = market["marks"]
    spot = mid(market["books"][SPOT])
    basis = mid(market["books"][PERP]) - spot
    for i in range(marks["venues"].shape[0]):
        marks["venues"][i] = spot
    for i in range(marks["basis"].shape[0]):
        marks["basis"][i] = basis
    marks["n_basis"] = 0
    marks["fundamental"] = spot
    marks["fundamental_time"] = market["clock"]["now"]
    marks["time"] = market["clock"]["now"]
    update_marks(market, params)
