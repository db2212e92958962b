"""Market makers: a reference that learns, quotes around it, withdrawal in stress, a watched touch.

Draws as in :mod:`squeezegym.core.flow`.
"""

import math

import numpy as np

from squeezegym._jit import kernel
from squeezegym.codes import (
    BUY,
    GTC,
    IS_LEAVING,
    MAKER,
    NEVER,
    NO_ASK,
    NO_SLOT,
    NOISE,
    PERP,
    SELL,
    ZERO,
    Source,
    Stream,
)
from squeezegym.core.admission import banded
from squeezegym.core.book import NO_ORDER, find
from squeezegym.core.exchange import withdraw
from squeezegym.core.fifo import PENDING, is_busy, join_line
from squeezegym.core.flow import later
from squeezegym.core.marks import mid
from squeezegym.core.priority import first_order, follower
from squeezegym.core.rng import uniform, whole_lots
from squeezegym.core.slots import fill_slot
from squeezegym.gatewaycodes import CANCEL

_MAKER_SOURCE = np.int64(Source.MAKER_PERP)
_WATCH_SOURCE = np.int64(Source.WATCH_PERP)
_MAKER_STREAM = np.int64(Stream.MAKER_PERP)
_WATCH_STREAM = np.int64(Stream.WATCH_PERP)
_REFILL_STREAM = np.int64(Stream.REFILL_PERP)
_SECOND = 1e9
NOBODY = np.int64(-1)
_LOWEST_PRICE = np.int64(1)
_HIGHEST_PRICE = np.int64(NO_ASK - 1)


@kernel(early=True)
def look(market, params, venue):
    """Let makers' reference price learn from order flow and from the mid; measure the trend.

    The reference moves by ``learning`` for each net aggressor lot since the last look (Kyle's
    lambda: what makes impact permanent) and relaxes towards the mid (what makes the rest fade).
    """
    rules = params["maker"][venue]
    flow = market["flow"]
    now = market["clock"]["now"]
    elapsed = np.float64(now - flow["seen_at"][venue]) / _SECOND
    flow["seen_at"][venue] = now
    price = mid(market["books"][venue])
    taken = market["score"]["taken"]
    net = taken[venue, BUY] - taken[venue, SELL]
    fresh = np.float64(net - flow["net"][venue])
    flow["net"][venue] = net
    if fresh != 0.0:
        if rules["concavity"] < 1.0:
            fresh = math.copysign(abs(fresh) ** rules["concavity"], fresh)
        expected = flow["expected"][venue]
        flow["expected"][venue] += rules["recall"] * (fresh - expected)
        # Impact is that of Y * sigma * sqrt(Q / V) with the volatility and volume of the hour.
        scale = rules["learning"] * flow["agitation"] / math.sqrt(flow["activity"])
        if rules["panic"] > 0.0:
            scale *= kept_depth(rules, stress(market, params, venue)) ** -rules["panic"]
        flow["reference"][venue] += scale * (fresh - rules["foresight"] * expected)
    # Implicit Euler: stable for any step, and no transcendental on the hot path.
    pull = rules["memory"] * elapsed
    flow["reference"][venue] += pull / (1.0 + pull) * (price - flow["reference"][venue])
    step = price - flow["seen_mid"][venue]
    flow["seen_mid"][venue] = price
    pull = rules["variance_memory"] * elapsed
    # An exponentially weighted variance a second; a step weighs as its share of the memory.
    flow["variance"][venue] += (rules["variance_memory"] * step * step) - (
        pull / (1.0 + pull) * flow["variance"][venue]
    )
    pull = rules["slow_memory"] * elapsed
    flow["slow"][venue] += pull / (1.0 + pull) * (price - flow["slow"][venue])
    flow["trend"][venue] = flow["reference"][venue] - flow["slow"][venue]


@kernel
def stress(market, params, venue):
    """How far trend or volatility exceed what makers take for calm: 0 in calm, 1 at twice calm."""
    rules = params["maker"][venue]
    flow = market["flow"]
    fear = abs(flow["trend"][venue]) / rules["calm_trend"]
    if rules["calm_volatility"] > 0.0:
        # Compared as variances: no root on the hot path unless it is the larger one.
        calm = rules["calm_volatility"]
        if flow["variance"][venue] > fear * fear * calm * calm:
            fear = math.sqrt(flow["variance"][venue]) / calm
    return max(0.0, fear - 1.0)


@kernel(inline=True)
def kept_depth(rules, fear):
    """Share of their depth that makers keep in stress."""
    return max(rules["floor"], (1.0 + fear) ** -rules["withdrawal"]) if fear > 0.0 else 1.0


@kernel(early=True)
def quote_price(market, params, venue, side, slot, stretch):
    """Price at which a maker quote should stand, never crossing the other side."""
    book = market["books"][venue]
    distance = params["distance"][venue, side, slot] * stretch
    if params["maker"][venue]["alert"] > 0:
        distance -= 0.5  # whole prices on both sides of the reference: a spread of one tick
    reference = _reservation_price(market, params, venue)
    if side == BUY:
        price = banded(market, params, venue, side, _whole_price(math.floor(reference - distance)))
        return max(min(price, book["best_ask"] - 1), _LOWEST_PRICE)
    price = banded(market, params, venue, side, _whole_price(math.ceil(reference + distance)))
    return min(max(price, book["best_bid"] + 1), _HIGHEST_PRICE)


@kernel(inline=True)
def _reservation_price(market, params, venue):
    """Reference price of the makers, lower the more they are long and higher if they are short.

    Source: Avellaneda and Stoikov 2008, "High-frequency trading in a limit order book" (reservation
    price linear in inventory).
    """
    account = market["accounts"][MAKER]
    stock = account["perp"] if venue == PERP else account["spot"]
    skew = params["maker"][venue]["skew"] * np.float64(stock)
    return market["flow"]["reference"][venue] - skew


@kernel(inline=True)
def _whole_price(price):
    """Clip a price to those a book accepts, before it becomes an integer."""
    return np.int64(min(max(price, np.float64(_LOWEST_PRICE)), np.float64(_HIGHEST_PRICE)))


@kernel(early=True)
def maker_visit(market, params, venue, alerted):
    """Visit a quote slot: replace the quote if it is gone, misplaced or too large for the stress.

    Depth left in stress: ``max(floor, (1 + stress) ** -withdrawal)``; distances stretch by
    ``1 + widening * stress``, at most ``widest``. A slot stays empty until its next visit, and one
    that was filled until a visit finds its maker patient no more, so refill is delayed. A visit
    that a trade has ``alerted`` draws from a stream of its own, so that the others come as they
    would have come.
    """
    rules = params["maker"][venue]
    rng = market["clock"]["rng"]
    stream = _MAKER_STREAM + venue
    if alerted != ZERO:
        stream = _WATCH_STREAM + venue
        market["clock"]["due"][_WATCH_SOURCE + venue] = NEVER
    else:
        market["clock"]["due"][_MAKER_SOURCE + venue] = later(market, stream, rules["visit_rate"])
    side = np.int64(uniform(rng, stream) < 0.5)
    draw = uniform(rng, stream)
    near = draw
    for _ in range(rules["near_bias"] - 1):
        near *= draw
    size_noise = 1.0 + rules["size_spread"] * (2.0 * uniform(rng, stream) - 1.0)
    slot = np.int64(near * np.float64(rules["slots"][side]))
    waits = is_busy(market)
    look(market, params, venue)
    fear = stress(market, params, venue)
    keep = kept_depth(rules, fear)
    stretch = min(1.0 + rules["widening"] * fear, rules["widest"])
    book = market["books"][venue]
    if rules["alert"] > 0:
        behind = _watch_touch(market, params, venue, stretch, waits)
        if behind != NOBODY:
            side = behind
            slot = ZERO
            due = market["clock"]["due"]
            soon = market["clock"]["now"] + rules["reaction"]
            due[_WATCH_SOURCE + venue] = min(due[_WATCH_SOURCE + venue], soon)
    standing = market["quotes"][venue, side, slot]
    if standing == PENDING:
        return
    place_ = find(book, standing)
    price = quote_price(market, params, venue, side, slot, stretch)
    lots = params["lots"][venue, side, slot]
    filled = place_ == NO_SLOT and standing != NO_ORDER
    if (
        filled
        and rules["patience"] > 0.0
        and uniform(rng, _REFILL_STREAM + venue) < rules["patience"]
    ):
        return  # its maker waits before it quotes there again
    old = NO_ORDER
    if place_ != NO_SLOT:
        order = book["orders"][place_]
        slack = rules["tolerance"] * params["distance"][venue, side, slot]
        off = abs(np.float64(np.int64(order["price"]) - price))
        if off <= slack and np.float64(order["qty"]) <= 1.5 * keep * lots + 1.0:
            return
        old = standing
    qty = whole_lots(lots * keep * size_noise)
    if qty > 0 or old != NO_ORDER:
        fill_slot(market, params, venue, MAKER, side, price, qty, old, slot, waits)


@kernel(early=True)
def _watch_touch(market, params, venue, stretch, waits):
    """Withdraw the best quotes that the makers' reference has passed, noise orders among them.

    Their slots find them gone at the next visit; before a busy engine the cancels ``wait``, and no
    second one follows. The cancel side of the races for stale quotes in Aquilina, Budish and
    O'Neill 2022, Quarterly Journal of Economics 137:493.

    Returns:
        The side whose best price lies a tick or more behind the quote that should make it and does
        not stand, or NOBODY.
    """
    book = market["books"][venue]
    orders = book["orders"]
    reference = _reservation_price(market, params, venue)
    passed = SELL if np.float64(book["best_ask"]) < reference else BUY
    slot = first_order(book, passed)
    for _ in range(params["maker"][venue]["alert"]):
        if slot == NO_SLOT:
            break
        order = orders[slot]
        ahead = np.float64(order["price"]) - reference
        owner = np.int64(order["owner"])
        if (ahead if passed == BUY else -ahead) <= 0.0 or (owner != MAKER and owner != NOISE):
            break
        behind = follower(book, passed, slot)
        if not waits:
            withdraw(market, params, venue, order["id"])
        elif np.int64(order["flags"]) & IS_LEAVING == 0 and join_line(
            market, params, CANCEL, venue, owner, passed, ZERO, ZERO, GTC, ZERO, order["id"], ZERO
        ):
            order["flags"] |= np.uint16(IS_LEAVING)
        slot = behind
    for i in range(2):
        side = np.int64(i)
        price = quote_price(market, params, venue, side, ZERO, stretch)
        lag = price - book["best_bid"] if side == BUY else book["best_ask"] - price
        standing = market["quotes"][venue, side, 0]
        slot = find(book, standing)
        if slot != NO_SLOT and np.int64(orders[slot]["price"]) == price:
            continue
        if lag > 0 and standing != PENDING:
            return side
    return NOBODY
