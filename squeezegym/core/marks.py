"""Index from the spot venues, and the mark that margin is measured at."""

import math

import numpy as np

from squeezegym._jit import kernel
from squeezegym.codes import (
    NO_ASK,
    NO_BID,
    ONE,
    PERP,
    SPOT,
    STATE_AUCTION,
    IndexRule,
    MarkRule,
    Source,
    Stream,
)
from squeezegym.core.eventlog import log_mark
from squeezegym.core.rates import funding_of
from squeezegym.core.rng import normal
from squeezegym.core.seats import account_of
from squeezegym.measures import FUNDING_CHANGED

_MARK = np.int64(Source.MARK)
_FUNDING = np.int64(Source.FUNDING)
_INDEX = np.int64(Stream.INDEX)
_FUNDING_BASIS = np.int64(MarkRule.FUNDING_BASIS)
_HYPERLIQUID = np.int64(MarkRule.HYPERLIQUID)
_ORACLE = np.int64(MarkRule.ORACLE)
_LAST = np.int64(MarkRule.LAST)
_CLAMPED_LAST = np.int64(MarkRule.CLAMPED_LAST)
_CLAMPED = np.int64(IndexRule.CLAMPED)
_SECONDS = 1e-9


@kernel(inline=True)
def mid(book):
    """Mid of the touch in ticks; the one side that stands, or the last trade, if not both.

    While orders collect for an auction no touch can be traded at: the last trade counts.
    """
    if np.int64(book["state"]) == STATE_AUCTION:
        return np.float64(book["last"])
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
    """Median of a short array, which stays as it was; of an even number, the two middle ones'."""
    n = values.shape[0]
    lower = 0.0
    upper = 0.0
    for i in range(n):
        below = 0
        equal = 0
        for j in range(n):
            if values[j] < values[i]:
                below += 1
            elif values[j] == values[i]:
                equal += 1
        if below <= (n - 1) // 2 < below + equal:
            lower = values[i]
        if below <= n // 2 < below + equal:
            upper = values[i]
    return 0.5 * (lower + upper)


@kernel
def median_of_three(a, b, c):
    """Middle one of three numbers."""
    return max(min(a, b), min(max(a, b), c))


@kernel
def index_price(venues, weights, outlier):
    """Weighted mean of the spot venues after the outlier rule.

    A single venue farther than ``outlier`` from the median gets no weight; with two or more
    such venues the median itself is the index. A venue that sends no updates has weight 0: it
    still stands in the median, but is no outlier. Source: Binance FAQ "Index price" (2020 text,
    threshold 5 %).

    Args:
        venues: (n,) venue prices, ticks.
        weights: (n,) their weights, of any sum; 0 for a venue that does not count.
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
            if weights[i] > 0.0:
                dropped += 1
        else:
            total += weights[i] * venues[i]
            mass += weights[i]
    if dropped > 1 or mass == 0.0:
        return middle
    return total / mass


@kernel
def clamped_index(venues, weights, band):
    """Plain mean of the venues, each held within ``band`` of their median.

    Source: Deribit support "Index price" (25954416110877): band 0.5 %, equal weights.

    Args:
        venues: (n,) venue prices, ticks.
        weights: (n,) 0 for a venue that does not count; every other counts the same.
        band: Largest relative deviation from the median, in (0, 1).

    Returns:
        The index, ticks.
    """
    middle = median(venues)
    total = 0.0
    count = 0.0
    for i in range(venues.shape[0]):
        if weights[i] > 0.0:
            total += min(max(venues[i], middle * (1.0 - band)), middle * (1.0 + band))
            count += 1.0
    return total / count if count > 0.0 else middle


@kernel
def funding_basis_mark(index, funding, to_funding):
    """Index plus the funding that is still to come: ``I (1 + F * time left / interval)``.

    Source: BitMEX "Fair price marking"; the first of Binance's three prices.

    Args:
        index: Index price, ticks.
        funding: Predicted funding rate of the interval.
        to_funding: Share of the interval that is left, [0, 1].

    Returns:
        The mark, ticks, not rounded.
    """
    return index * (1.0 + funding * to_funding)


@kernel
def window_mean(samples, n):
    """Mean of the first ``n`` samples of a window."""
    total = 0.0
    for i in range(n):
        total += samples[i]
    return total / np.float64(n)


@kernel
def mark_price(index, funding, to_funding, mean_basis, last):
    """Mark of a perpetual contract: median of funding basis, mean basis and last price.

    ``P1 = I (1 + F * time to funding / interval)``, ``P2 = I + mean basis``. Source: Binance
    FAQ "Mark price in USD-M futures"; basis window of 30 one-second samples since 2025-09-18.

    Args:
        index: Index price, ticks.
        funding: Predicted funding rate of the interval.
        to_funding: Share of the interval that is left, [0, 1].
        mean_basis: Mean of mid minus index over the window, ticks.
        last: Last trade price, ticks.

    Returns:
        The mark, ticks, not rounded.
    """
    fair = funding_basis_mark(index, funding, to_funding)
    return median_of_three(fair, index + mean_basis, last)


@kernel
def moving_mean(mean, x, elapsed, memory):
    """Take a sample into an exponentially weighted mean and return the mean.

    ``num <- num exp(-dt / memory) + x dt`` and ``den <- den exp(-dt / memory) + dt``. Source:
    Hyperliquid docs "Robust price indices" (memory 150 s and 30 s).

    Args:
        mean: (2,) numerator and denominator, written.
        x: The sample.
        elapsed: Time since the last sample, s.
        memory: Time constant, s.

    Returns:
        ``num / den``.
    """
    keep = math.exp(-elapsed / memory)
    mean[0] = mean[0] * keep + x * elapsed
    mean[1] = mean[1] * keep + elapsed
    return mean[0] / mean[1]


@kernel
def hyperliquid_mark(index, mean_basis, local, third):
    """Median of the index with its moving basis, the local price and a third price.

    Source: Hyperliquid docs "Robust price indices". The third price is the median of other
    venues' perps; where there are none, as in this market, the moving mean of the local price.

    Args:
        index: Oracle price, ticks.
        mean_basis: Moving mean of mid minus index over 150 s, ticks.
        local: Median of best bid, best ask and last trade, ticks.
        third: The third price, ticks.

    Returns:
        The mark, ticks, not rounded.
    """
    return median_of_three(index + mean_basis, local, third)


@kernel
def clamped_last(last, bid, ask):
    """Last trade, held within the touch. Source: Deribit docs "Mark price", legacy text.

    Args:
        last: Last trade price, ticks.
        bid: Best bid, ticks; 0 where there is none.
        ask: Best ask, ticks; above every price where there is none.

    Returns:
        The mark, ticks.
    """
    return min(max(last, bid), ask)


@kernel
def _sample_venues(market, rules, elapsed):
    """Let every venue follow the spot book; one that is silent for too long loses its weight."""
    marks = market["marks"]
    now = market["clock"]["now"]
    spot = mid(market["books"][SPOT])
    for i in range(marks["venues"].shape[0]):
        price = spot * (1.0 + rules["skew"][i])
        if i > 0:  # drawn whether the venue is frozen or not: the others keep their noise
            noise = rules["noise"][i] * normal(market["clock"]["rng"], _INDEX)
            target = spot * (1.0 + noise + rules["skew"][i])
            follow = 1.0 - math.exp(-rules["follow"][i] * elapsed)
            price = marks["venues"][i] + follow * (target - marks["venues"][i])
        if rules["frozen"][i] == 0 or now < rules["frozen_from"]:
            marks["venues"][i] = price
            marks["heard"][i] = now
        silent = now - marks["heard"][i] >= rules["stale"]
        marks["weight"][i] = 0.0 if silent else rules["weight"][i]


@kernel
def _mark(market, params, index, elapsed):
    """Mark by the scenario's rule, ticks, not rounded."""
    marks = market["marks"]
    rules = params["marks"]
    book = market["books"][PERP]
    rule = rules["rule"]
    last = np.float64(book["last"])
    if rule == _ORACLE:
        return index
    if rule == _LAST:
        return last
    bid = np.float64(book["best_bid"])
    ask = np.float64(book["best_ask"])
    if rule == _CLAMPED_LAST:
        return clamped_last(last, bid, ask)
    basis = mid(book) - index
    if rule == _HYPERLIQUID:
        local = median_of_three(bid, ask, last)
        mean_basis = moving_mean(marks["basis_mean"], basis, elapsed, rules["basis_memory"])
        third = moving_mean(marks["local_mean"], local, elapsed, rules["local_memory"])
        return hyperliquid_mark(index, mean_basis, local, third)
    interval = funding_of(market, params)["interval"]
    since = (market["clock"]["now"] - params["funding"]["first"]) % interval
    if market["protection"]["measures"] & FUNDING_CHANGED != 0:
        since = interval - (market["clock"]["due"][_FUNDING] - market["clock"]["now"])
    to_funding = 1.0 - np.float64(since) / np.float64(interval)
    funding = np.float64(market["funding"]["rate"]) / 1e8
    if rule == _FUNDING_BASIS:
        return funding_basis_mark(index, funding, to_funding)
    n = rules["basis_samples"]
    marks["basis"][marks["n_basis"] % n] = basis
    marks["n_basis"] += 1
    return mark_price(index, funding, to_funding, window_mean(marks["basis"], n), last)


@kernel
def update_marks(market, params):
    """Sample the venues, then publish index and mark and time the next update."""
    marks = market["marks"]
    rules = params["marks"]
    now = market["clock"]["now"]
    elapsed = np.float64(now - marks["time"]) * _SECONDS
    marks["time"] = now
    _sample_venues(market, rules, elapsed)
    if rules["index_rule"] == _CLAMPED:
        index = clamped_index(marks["venues"], marks["weight"], rules["band"])
    else:
        index = index_price(marks["venues"], marks["weight"], rules["outlier"])
    mark = _mark(market, params, index, elapsed)
    index_before = marks["index"]
    mark_before = marks["mark"]
    marks["index"] = max(np.int64(math.floor(index + 0.5)), ONE)
    marks["mark"] = max(np.int64(math.floor(mark + 0.5)), ONE)
    for seat in range(market["learners"].shape[0]):
        slot = account_of(market, np.int64(seat))
        account = market["accounts"][slot]
        learner = market["learners"][seat]
        if params["learners"][seat]["venue"] == SPOT:
            coins = account["spot"] - market["holders"][slot]["debt"]
            learner["price"] += coins * (marks["index"] - index_before)
        else:
            learner["price"] += account["perp"] * (marks["mark"] - mark_before)
    market["clock"]["due"][_MARK] = now + rules["interval"]
    log_mark(market, marks["mark"], marks["index"])


@kernel
def open_marks(market, params):
    """Set every price to the opening state; the means are as if its basis had always stood."""
    marks = market["marks"]
    rules = params["marks"]
    book = market["books"][PERP]
    now = market["clock"]["now"]
    spot = mid(market["books"][SPOT])
    basis = mid(book) - spot
    for i in range(marks["venues"].shape[0]):
        marks["venues"][i] = spot * (1.0 + rules["skew"][i])
        marks["heard"][i] = now
    for i in range(marks["basis"].shape[0]):
        marks["basis"][i] = basis
    marks["n_basis"] = 0
    marks["basis_mean"][0] = basis * rules["basis_memory"]
    marks["basis_mean"][1] = rules["basis_memory"]
    marks["local_mean"][0] = mid(book) * rules["local_memory"]
    marks["local_mean"][1] = rules["local_memory"]
    marks["fundamental"] = spot
    marks["fundamental_time"] = now
    marks["time"] = now
    update_marks(market, params)
