"""Background populations: noise, value traders and the catalyst.

Each draws from its own streams, and every event makes the same number of draws whatever the
book looks like, so that two runs that differ in one rule meet the same arrivals.
"""

import math

import numpy as np

from squeezegym._jit import kernel
from squeezegym.codes import (
    BUY,
    CATALYST,
    NEVER,
    NO_ASK,
    NO_BID,
    NO_SLOT,
    NOISE,
    ONE,
    PERP,
    SELL,
    SPOT,
    STATE_AUCTION,
    VALUE,
    ZERO,
    Problem,
    Source,
    Stream,
)
from squeezegym.core.admission import banded
from squeezegym.core.aggressors import take
from squeezegym.core.book import NO_ORDER, find
from squeezegym.core.eventlog import count_problem
from squeezegym.core.fifo import PENDING, is_busy
from squeezegym.core.rng import exponential, lognormal_lots, normal, uniform
from squeezegym.core.slots import fill_slot
from squeezegym.measures import CANCELLING_ONLY, IN_PAUSE

_NOISE_SOURCE = np.int64(Source.NOISE_PERP)
_LIMIT_SOURCE = np.int64(Source.LIMIT_PERP)
_VALUE_SOURCE = np.int64(Source.VALUE)
_CATALYST_SOURCE = np.int64(Source.CATALYST)
_NOISE_STREAM = np.int64(Stream.NOISE_PERP)
_LIMIT_STREAM = np.int64(Stream.LIMIT_PERP)
_VALUE_STREAM = np.int64(Stream.VALUE)
_FUNDAMENTAL_STREAM = np.int64(Stream.FUNDAMENTAL)
_CATALYST_STREAM = np.int64(Stream.CATALYST)
_ROUND_STREAM = np.int64(Stream.ROUNDS)
_CEILING = np.int64(Problem.INTENSITY_CEILING)
_SECOND = 1e9
_LONGEST_WAIT = 4e18  # ns
_LOWEST_PRICE = np.int64(1)
_HIGHEST_PRICE = np.int64(NO_ASK - 1)


@kernel(inline=True)
def later(market, stream, rate):
    """Return the next arrival time of a Poisson process, or NEVER at rate 0."""
    wait = exponential(market["clock"]["rng"], stream)
    if rate <= 0.0 or wait * _SECOND >= rate * _LONGEST_WAIT:
        return NEVER
    return market["clock"]["now"] + np.int64(wait * _SECOND / rate) + 1


@kernel
def schedule_noise(market, params, venue):
    """Time the next candidate of the self-exciting market-order process (thinning)."""
    rules = params["noise"][venue]
    flow = market["flow"]
    ceiling = rules["market_rate"] * flow["activity"] + flow["excitation"][venue]
    flow["excited_at"][venue] = market["clock"]["now"]
    market["clock"]["due"][_NOISE_SOURCE + venue] = later(market, _NOISE_STREAM + venue, ceiling)


@kernel
def noise_market_order(market, params, venue):
    """One candidate of the market-order process: thinned, then a side, a size, an order.

    Intensity ``mu + sum of branching * decay * exp(-decay * age)`` over its own past orders,
    simulated by thinning (Ogata 1981); ``mu`` moves with activity. Sides repeat with probability
    ``persistence``, or are those of metaorders in pieces (Lillo, Mike and Farmer 2005).
    """
    rules = params["noise"][venue]
    flow = market["flow"]
    rng = market["clock"]["rng"]
    stream = _NOISE_STREAM + venue
    age = np.float64(market["clock"]["now"] - flow["excited_at"][venue]) / _SECOND
    base = rules["market_rate"] * flow["activity"]
    bound = base + flow["excitation"][venue]
    excitation = flow["excitation"][venue] * math.exp(-rules["decay"] * age)
    accepted = uniform(rng, stream) * bound <= base + excitation
    if accepted:
        if rules["run_tail"] > 0.0:
            side = _piece_of_metaorder(rng, stream, rules, flow, venue)
        else:
            repeats = uniform(rng, stream) < rules["persistence"]
            side = flow["sign"][venue] if repeats else ONE - flow["sign"][venue]
            flow["sign"][venue] = side
        share = uniform(rng, stream)
        qty = lognormal_lots(share, rules["market_log_mean"], rules["market_log_sd"])
        qty = min(qty, rules["market_max"])
        take(market, params, venue, NOISE, side, qty, rules["market_cap"])
        excitation += rules["branching"] * rules["decay"]
        if base + excitation > rules["ceiling"]:
            excitation = max(0.0, rules["ceiling"] - base)
            count_problem(market, _CEILING)
    flow["excitation"][venue] = excitation
    schedule_noise(market, params, venue)


@kernel
def _piece_of_metaorder(rng, stream, rules, flow, venue):
    """Side of a noise order: that of the metaorder under way, or of a lone order.

    Metaorders follow one another; each has ``N`` orders with ``P(N > n) = n ** -run_tail`` up to
    the longest, so that the autocorrelation of sides falls as ``lag ** (1 - run_tail)``. Source:
    Lillo, Mike and Farmer 2005, Physical Review E 71:066122, with one metaorder at a time.
    """
    piece = uniform(rng, stream) < rules["split"]
    fresh = np.int64(uniform(rng, stream) < 0.5)
    length = (1.0 - uniform(rng, stream)) ** (-1.0 / rules["run_tail"])
    if not piece:
        return fresh
    if flow["run_left"][venue] == 0:
        flow["sign"][venue] = fresh
        flow["run_left"][venue] = np.int64(min(math.ceil(length), rules["longest"]))
    flow["run_left"][venue] -= 1
    return flow["sign"][venue]


@kernel
def noise_limit_order(market, params, venue):
    """Visit a noise slot: cancel the order that stands there, or place a new one."""
    rules = params["noise"][venue]
    rng = market["clock"]["rng"]
    stream = _LIMIT_STREAM + venue
    market["clock"]["due"][_LIMIT_SOURCE + venue] = later(market, stream, rules["limit_rate"])
    slot = np.int64(uniform(rng, stream) * np.float64(rules["slots"]))
    side = np.int64(uniform(rng, stream) < 0.5)
    depth = uniform(rng, stream)
    improves = uniform(rng, stream) < rules["improve"]
    share = uniform(rng, stream)
    rounds = rules["round_share"] > 0.0 and uniform(rng, _ROUND_STREAM) < rules["round_share"]
    book = market["books"][venue]
    standing = market["noise"][venue, slot]
    if standing == PENDING:
        return
    if find(book, standing) != NO_SLOT:
        fill_slot(market, params, venue, NOISE, side, ZERO, ZERO, standing, slot, is_busy(market))
        return
    qty = lognormal_lots(share, rules["limit_log_mean"], rules["limit_log_sd"])
    away = np.int64(-math.log(1.0 - depth) * rules["limit_distance"])
    if improves:
        away = np.int64(-1)
    price = _behind_touch(book, side, away)
    if price == 0:
        return
    if rounds:
        price = _round_price(book, side, price, rules["round"])
    price = banded(market, params, venue, side, price)
    fill_slot(market, params, venue, NOISE, side, price, qty, NO_ORDER, slot, is_busy(market))


@kernel
def _behind_touch(book, side, away):
    """Price ``away`` ticks behind the own touch, never crossing; 0 when there is no touch."""
    bid = book["best_bid"]
    ask = book["best_ask"]
    if side == BUY:
        if bid == NO_BID:
            return max(_LOWEST_PRICE, ask - 1 - max(away, ZERO)) if ask != NO_ASK else ZERO
        return max(_LOWEST_PRICE, min(bid - away, ask - 1))
    if ask == NO_ASK:
        return min(_HIGHEST_PRICE, bid + 1 + max(away, ZERO)) if bid != NO_BID else ZERO
    return min(_HIGHEST_PRICE, max(ask + away, bid + 1))


@kernel(inline=True)
def _round_price(book, side, price, step):
    """Nearest multiple of ``step`` that does not cross; the price itself where there is none."""
    near = (price + step // 2) // step * step
    if side == BUY and near >= book["best_ask"]:
        near -= step
    elif side == SELL and near <= book["best_bid"]:
        near += step
    return near if _LOWEST_PRICE <= near <= _HIGHEST_PRICE else price


@kernel
def move_fundamental(market, params):
    """Move the fundamental, a geometric random walk on its own stream."""
    marks = market["marks"]
    now = market["clock"]["now"]
    elapsed = np.float64(now - marks["fundamental_time"]) / _SECOND
    marks["fundamental_time"] = now
    shock = normal(market["clock"]["rng"], _FUNDAMENTAL_STREAM)
    step = params["value"]["volatility"] * market["flow"]["agitation"] * math.sqrt(elapsed)
    drift = params["value"]["drift"] * elapsed
    marks["fundamental"] *= math.exp(drift + step * shock - 0.5 * step * step)


@kernel
def value_decision(market, params):
    """A value trader trades what stands in a book on the wrong side of the fundamental."""
    rules = params["value"]
    move_fundamental(market, params)
    market["clock"]["due"][_VALUE_SOURCE] = later(market, _VALUE_STREAM, rules["rate"])
    fair = market["marks"]["fundamental"]
    venue = SPOT
    if rules["perp_share"] > 0.0:
        if uniform(market["clock"]["rng"], _VALUE_STREAM) < rules["perp_share"]:
            venue = PERP
            fair *= 1.0 + rules["basis"]
    book = market["books"][venue]
    bid = np.float64(book["best_bid"])
    ask = np.float64(book["best_ask"])
    if np.int64(book["state"]) == STATE_AUCTION:  # no touch can be traded at
        bid = np.float64(book["last"])
        ask = bid
    excess = (fair / ask if fair > ask else bid / fair) - 1.0 - rules["threshold"]
    if excess <= 0.0:
        return
    size = excess if rules["power"] == 1.0 else excess ** rules["power"]
    qty = np.int64(min(size * rules["lots_per_unit"], np.float64(rules["max_lots"])))
    if qty > 0:
        take(market, params, venue, VALUE, BUY if fair > ask else SELL, qty, excess)


@kernel
def catalyst_child(market, params):
    """One child order of the catalyst, on either book; it stops when filled or out of time.

    One that waits out pauses lets its time stand still while its order would meet one.
    """
    rules = params["catalyst"]
    flow = market["flow"]
    rng = market["clock"]["rng"]
    now = market["clock"]["now"]
    venue = PERP if uniform(rng, _CATALYST_STREAM) < rules["perp_share"] else SPOT
    due = later(market, _CATALYST_STREAM, rules["rate"])
    market["clock"]["due"][_CATALYST_SOURCE] = due
    if now >= flow["catalyst_end"] or flow["catalyst_left"] <= 0:
        market["clock"]["due"][_CATALYST_SOURCE] = NEVER
        return
    if rules["waits"] != 0 and venue == params["protection"]["book"]:
        if market["protection"]["measures"] & (IN_PAUSE | CANCELLING_ONLY) != 0:
            flow["catalyst_end"] += due - now
            return
    seconds = np.float64(flow["catalyst_end"] - now) / _SECOND
    children = max(1.0, seconds * rules["rate"])
    qty = max(ONE, np.int64(np.float64(flow["catalyst_left"]) / children))
    flow["catalyst_left"] -= qty
    take(market, params, venue, CATALYST, rules["side"], qty, rules["cap"])
