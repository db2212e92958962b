"""Liquidation: the ladder of trigger prices, the engine's queue, and the waterfall.

Accounts stand in a ladder by the mark that liquidates them, so a mark update costs what it
liquidates. The engine takes them one by one: an IOC at the bankruptcy price, then an IOC as
far beyond it as the insurance fund can pay, then auto-deleveraging at the bankruptcy price.
Sources: Binance FAQ "Liquidation Protocols" (IOC at bankruptcy price, fund, ADL) and BitMEX
"Liquidation" (the fund aggresses), both as restated in 2025; the ADL score is Binance's of 2025.
"""

import numpy as np

from squeezegym._jit import kernel
from squeezegym.codes import (
    ABSORBER,
    BUY,
    FIRST_HOLDER,
    FUND,
    IOC,
    IS_FORCED,
    LEARNER,
    NEVER,
    NO_ASK,
    NO_SLOT,
    ONE,
    OUTSIDE,
    PERP,
    RATE_ONE,
    SELL,
    ZERO,
    Liquidation,
    Source,
)
from squeezegym.core.accounts import equity, move_position, pay
from squeezegym.core.arithmetic import mul_div, mul_div_up
from squeezegym.core.eventlog import log_liquidation
from squeezegym.core.exchange import place, withdraw
from squeezegym.core.ladder import next_occupied, occupy, previous_occupied, vacate
from squeezegym.core.margin import (
    UNREACHABLE,
    bankruptcy_price,
    is_liquidatable,
    liquidation_trigger,
)

LONGS = np.int64(0)
SHORTS = np.int64(1)
_FREE = np.uint8(0)
_IN_LADDER = np.uint8(1)
_IN_QUEUE = np.uint8(2)
_IN_ADL = np.uint8(3)  # at the head of the queue, its rest waits for counterparties
_COUNTERPARTIES_AN_EVENT = 16
_ABSORBER_MODE = np.int64(Liquidation.ABSORBER)
_OFF = np.int64(Liquidation.OFF)
_ENGINE = np.int64(Source.ENGINE)
_LAST_BUCKET = np.int64(4095)


@kernel
def open_ladder(ladder, price, shift):
    """Empty the ladder and centre it on ``price``."""
    for side in range(2):
        ladder["top"][side] = 0
        ladder["middle"][side, 0] = 0
        for word in range(ladder["fine"].shape[1]):
            ladder["fine"][side, word] = 0
        for place_ in range(ladder["heads"].shape[1]):
            ladder["heads"][side, place_] = NO_SLOT
    ladder["shift"] = shift
    ladder["base"] = price - ((_LAST_BUCKET + 1) // 2 << shift)
    ladder["nearest"][LONGS] = 0
    ladder["nearest"][SHORTS] = UNREACHABLE


@kernel(inline=True)
def _bucket(ladder, price):
    """Bucket of a price; the outermost two hold everything beyond."""
    return min(max((price - ladder["base"]) >> ladder["shift"], ZERO), _LAST_BUCKET)


@kernel
def enlist(market, params, slot):
    """Put an account into the ladder at its present trigger."""
    account = market["accounts"][slot]
    if account["perp"] == 0:
        account["laddered"] = _FREE
        return
    side = LONGS if account["perp"] > 0 else SHORTS
    link(market, market["ladder"], slot, side, liquidation_trigger(account, params["margin"]))
    account["laddered"] = _IN_LADDER


@kernel
def link(market, ladder, slot, side, trigger):
    """Put an account into a ladder; which one its ``laddered`` says is up to the caller."""
    account = market["accounts"][slot]
    bucket = _bucket(ladder, trigger)
    head = ladder["heads"][side, bucket]
    account["trigger"] = trigger
    account["bucket"] = bucket
    account["prev"] = NO_SLOT
    account["next"] = head
    if head == NO_SLOT:
        occupy(ladder, side, bucket)
    else:
        market["accounts"][head]["prev"] = np.uint32(slot)
    ladder["heads"][side, bucket] = np.uint32(slot)
    if side == SHORTS:
        ladder["nearest"][SHORTS] = min(ladder["nearest"][SHORTS], trigger)
    else:
        ladder["nearest"][LONGS] = max(ladder["nearest"][LONGS], trigger)


@kernel
def unlink(market, ladder, slot, side):
    """Take an account out of a ladder, whose nearest trigger the caller must find again."""
    account = market["accounts"][slot]
    before = account["prev"]
    after = account["next"]
    if before == NO_SLOT:
        ladder["heads"][side, account["bucket"]] = after
        if after == NO_SLOT:
            vacate(ladder, side, np.int64(account["bucket"]))
    else:
        market["accounts"][before]["next"] = after
    if after != NO_SLOT:
        market["accounts"][after]["prev"] = before
    account["laddered"] = _FREE


@kernel
def delist(market, slot, side):
    """Take an account out of the ladder; ``side`` is the one it was enlisted on."""
    if market["accounts"][slot]["laddered"] != _IN_LADDER:
        return
    ladder = market["ladder"]
    unlink(market, ladder, slot, side)
    if market["accounts"][slot]["trigger"] == ladder["nearest"][side]:
        find_nearest(market, ladder, side)


@kernel
def find_nearest(market, ladder, side):
    """Recompute a ladder's nearest trigger from its nearest occupied bucket."""
    if side == SHORTS:
        bucket = next_occupied(ladder, SHORTS, ZERO)
        nearest = UNREACHABLE
    else:
        bucket = previous_occupied(ladder, LONGS, _LAST_BUCKET)
        nearest = ZERO
    if bucket >= 0:
        slot = ladder["heads"][side, bucket]
        while slot != NO_SLOT:
            trigger = market["accounts"][slot]["trigger"]
            nearest = min(nearest, trigger) if side == SHORTS else max(nearest, trigger)
            slot = market["accounts"][slot]["next"]
    ladder["nearest"][side] = nearest


@kernel
def check_mark(market, params):
    """Send every account that the present mark liquidates to the engine's queue."""
    if params["liquidation"]["destination"] == _OFF:
        return
    mark = market["marks"]["mark"]
    ladder = market["ladder"]
    if mark >= ladder["nearest"][SHORTS]:
        _sweep(market, params, SHORTS, mark)
    if mark <= ladder["nearest"][LONGS]:
        _sweep(market, params, LONGS, mark)
    learner = market["accounts"][LEARNER]
    if learner["laddered"] == _FREE and is_liquidatable(learner, params["margin"], mark):
        _enqueue(market, params, LEARNER)


@kernel
def _sweep(market, params, side, mark):
    """Empty the buckets the mark has passed; test each account of the one it stands in."""
    ladder = market["ladder"]
    last = _bucket(ladder, mark)
    if side == SHORTS:
        bucket = next_occupied(ladder, SHORTS, ZERO)
    else:
        bucket = previous_occupied(ladder, LONGS, _LAST_BUCKET)
    while bucket >= 0 and (bucket <= last if side == SHORTS else bucket >= last):
        slot = ladder["heads"][side, bucket]
        while slot != NO_SLOT:
            account = market["accounts"][slot]
            after = account["next"]
            hit = account["trigger"] <= mark if side == SHORTS else account["trigger"] >= mark
            if hit:
                unlink(market, ladder, np.int64(slot), side)
                _enqueue(market, params, np.int64(slot))
            slot = after
        if side == SHORTS:
            bucket = next_occupied(ladder, SHORTS, bucket + 1) if bucket < _LAST_BUCKET else -ONE
        else:
            bucket = previous_occupied(ladder, LONGS, bucket - 1) if bucket > 0 else -ONE
    find_nearest(market, ladder, side)


@kernel
def _enqueue(market, params, slot):
    engine = market["engine"]
    capacity = np.int64(market["queue"].shape[0])
    market["queue"][(engine["head"] + engine["size"]) % capacity] = np.uint32(slot)
    market["accounts"][slot]["laddered"] = _IN_QUEUE
    if engine["size"] == 0:
        market["clock"]["due"][_ENGINE] = market["clock"]["now"] + params["liquidation"]["latency"]
    engine["size"] += 1


@kernel
def serve_engine(market, params):
    """Liquidate the account at the head of the engine's queue and time the next."""
    engine = market["engine"]
    clock = market["clock"]
    slot = np.int64(market["queue"][engine["head"]])
    account = market["accounts"][slot]
    if account["laddered"] == _IN_ADL:
        finished = deleverage(market, params, slot, account["trigger"])
    elif is_liquidatable(account, params["margin"], market["marks"]["mark"]):
        finished = liquidate(market, params, slot)
    else:
        finished = True
    if not finished:
        clock["due"][_ENGINE] = clock["now"]
        return
    engine["head"] = (engine["head"] + 1) % np.int64(market["queue"].shape[0])
    engine["size"] -= 1
    due = clock["now"] + params["liquidation"]["interval"]
    clock["due"][_ENGINE] = due if engine["size"] > 0 else NEVER
    account["laddered"] = _FREE
    if slot != LEARNER:
        enlist(market, params, slot)


@kernel
def liquidate(market, params, slot):
    """Close an account by force and settle what is left of it.

    Returns:
        Whether it is closed; otherwise its rest waits to be deleveraged at ``trigger``.
    """
    account = market["accounts"][slot]
    mark = market["marks"]["mark"]
    perp = account["perp"]
    account["trigger"] = liquidation_trigger(account, params["margin"])
    log_liquidation(market, slot, mark, perp, account["trigger"])
    if slot == LEARNER:
        market["learner"]["liquidated"] = 1
        market["learner"]["changed"] = 1
        withdraw(market, params, PERP, market["learner"]["order_id"])
        market["learner"]["order_id"] = 0
    holder_side = LONGS if perp > 0 else SHORTS
    market["score"]["liquidations"][holder_side] += 1
    market["score"]["liquidated"][holder_side] += abs(perp)
    cash = account["quote"]
    if params["liquidation"]["destination"] == _ABSORBER_MODE:
        if perp < 0:
            move_position(market, ABSORBER, slot, mark, -perp)
        else:
            move_position(market, slot, ABSORBER, mark, perp)
    else:
        price = _close_in_book(market, params, slot)
        if account["perp"] != 0:
            account["laddered"] = _IN_ADL
            account["trigger"] = price
            return deleverage(market, params, slot, price)
    _settle_estate(market, params, slot, abs(account["quote"] - cash))
    return True


@kernel
def _close_in_book(market, params, slot):
    """The two IOCs: at the bankruptcy price, then beyond it, as deep as the fund may pay.

    Returns:
        The bankruptcy price of what the first IOC left, ticks: the price of a deleveraging. Closing
        the rest there or in the second IOC leaves a debt that the fund can pay.
    """
    account = market["accounts"][slot]
    side = BUY if account["perp"] < 0 else SELL
    limit = _playable(market, side, bankruptcy_price(account))
    place(market, params, PERP, slot, side, limit, abs(account["perp"]), IOC, IS_FORCED)
    left = account["perp"]
    if left == 0:
        return ZERO
    price = bankruptcy_price(account)
    fund = market["accounts"][FUND]["quote"]
    slack = mul_div(price, params["liquidation"]["support"], RATE_ONE)
    if fund > 0 and slack > 0:
        wealth = account["quote"] + fund
        if left < 0:
            limit = _playable(market, side, min(wealth // (-left), price + slack))
        else:
            limit = _playable(market, side, max(-(wealth // left), price - slack))
        place(market, params, PERP, slot, side, limit, abs(left), IOC, IS_FORCED)
    return price


@kernel(inline=True)
def _playable(market, side, price):
    """Clip a limit that lies beyond the perp book's range, where it can cap nothing."""
    book = market["books"][PERP]
    if side == BUY:
        return min(max(price, ONE), book["highest"])
    return max(min(price, NO_ASK - 1), book["lowest"])


@kernel
def _settle_estate(market, params, slot, traded):
    """The fund pays a debt; a surplus pays the liquidation fee to the fund, up to itself."""
    account = market["accounts"][slot]
    if account["quote"] < 0:
        debt = -account["quote"]
        from_fund = min(debt, market["accounts"][FUND]["quote"])
        pay(market, FUND, slot, from_fund)
        market["score"]["deficit"] += from_fund
        if debt > from_fund:  # only off-book at mark: the absorber stands in for the venue
            pay(market, ABSORBER, slot, debt - from_fund)
    else:
        fee = mul_div_up(traded, params["fees"]["liquidation"], RATE_ONE)
        fee = min(fee, account["quote"])
        pay(market, slot, FUND, fee)
        account["fees"] += fee


@kernel
def adl_score(account, mark):
    """Rank of a position for auto-deleveraging: profit rate times effective leverage.

    ``pp = uPnL / |N|``, ``lev = |N| / equity``; ``pp * lev`` for winners and ``pp / lev`` for
    losers. Source: Binance FAQ "Auto-Deleveraging", 2025 text.
    """
    worth = equity(account, mark)
    notional = np.float64(abs(account["perp"]) * mark)
    entry_value = account["cost"] if account["perp"] > 0 else -account["cost"]
    profit = np.float64(account["perp"] * mark - entry_value)
    rate = profit / notional
    leverage = notional / np.float64(max(worth, ONE))
    return rate * leverage if rate >= 0.0 else rate / leverage


@kernel
def deleverage(market, params, slot, price):
    """Close the rest of a position at ``price`` against opposing accounts, best ranked first.

    When no individual account stands on the other side the venue's outside counterparty
    takes it. One call closes against a few accounts, so that no event is of unbounded length.

    Returns:
        Whether the position is closed.
    """
    account = market["accounts"][slot]
    cash = account["quote"]
    for _ in range(_COUNTERPARTIES_AN_EVENT):
        other = _best_ranked(market, account["perp"], price)
        counterparty = market["accounts"][other]
        size = abs(account["perp"])
        if other != OUTSIDE:
            size = min(size, abs(counterparty["perp"]))
            delist(market, other, LONGS if counterparty["perp"] > 0 else SHORTS)
        if other == LEARNER or slot == LEARNER:
            market["learner"]["changed"] = 1
        if account["perp"] < 0:
            move_position(market, other, slot, price, size)
        else:
            move_position(market, slot, other, price, size)
        market["score"]["deleveraged"] += size
        if other >= FIRST_HOLDER and counterparty["laddered"] == _FREE:
            enlist(market, params, other)
        if account["perp"] == 0:
            _settle_estate(market, params, slot, abs(account["quote"] - cash))
            return True
    return False


@kernel
def _best_ranked(market, perp, price):
    """Slot of the best ranked individual account opposing ``perp``, or OUTSIDE."""
    accounts = market["accounts"]
    mark = market["marks"]["mark"]
    best = OUTSIDE
    best_score = -np.inf
    for slot in range(LEARNER, accounts.shape[0]):
        account = accounts[slot]
        opposes = account["perp"] > 0 if perp < 0 else account["perp"] < 0
        if not opposes or account["laddered"] >= _IN_QUEUE:
            continue
        score = adl_score(account, mark)
        if score > best_score and equity(account, price) >= 0:
            best = np.int64(slot)
            best_score = score
    return best
