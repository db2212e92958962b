"""The ladder of trigger prices: a mark update touches the accounts it takes, and no other.

Accounts stand in buckets of the mark at which something must be done about them: their
liquidation, or the alarm of their holder if that comes first. Learners stand beside the
ladder and are checked at every mark.
"""

import math

import numpy as np

from squeezegym._jit import kernel, prefetch
from squeezegym.codes import (
    BUY,
    FREE,
    IN_LADDER,
    IN_QUEUE,
    NEVER,
    NO_SLOT,
    ONE,
    PERP,
    STATE_OPEN,
    ZERO,
    Habit,
    Liquidation,
    Source,
)
from squeezegym.core.ladder import next_occupied, occupy, previous_occupied, vacate
from squeezegym.core.margin import (
    UNREACHABLE,
    is_liquidatable,
    liquidation_trigger,
    margin_of,
    tier_of,
)
from squeezegym.core.seats import account_of

LONGS = np.int64(0)
SHORTS = np.int64(1)
FRESH = np.int64(0)  # rings of market["queue"]
WAITING = np.int64(1)
REACTING = np.int64(2)
IN_LINE = np.int64(3)  # of engine["serving"]: its message waits before the matching engine
RANKED = np.int64(3)  # not a ring: the order of a deleveraging
ARMED = np.uint8(1)  # values of account["alarmed"]
ACTING = np.uint8(2)
_UNALARMED = np.uint8(0)
_UNIT = 1e-8
_STOP_OUT = np.uint8(Habit.STOP_OUT)
_OFF = np.int64(Liquidation.OFF)
_ENGINE = np.int64(Source.ENGINE)
_HOLDERS = np.int64(Source.HOLDERS)


@kernel
def open_ladder(ladder, price, shift):
    """Empty the ladder and centre it on ``price``."""
    for side in range(2):
        ladder["top"][side] = 0
        for block in range(ladder["middle"].shape[1]):
            ladder["middle"][side, block] = 0
        for word in range(ladder["fine"].shape[1]):
            ladder["fine"][side, word] = 0
        for place_ in range(ladder["heads"].shape[1]):
            ladder["heads"][side, place_] = NO_SLOT
    ladder["shift"] = shift
    ladder["base"] = price - (np.int64(ladder["heads"].shape[1] // 2) << shift)
    ladder["nearest"][LONGS] = 0
    ladder["nearest"][SHORTS] = UNREACHABLE


@kernel(inline=True)
def _bucket(ladder, price):
    """Bucket of a price; the outermost two hold everything beyond."""
    return min(max((price - ladder["base"]) >> ladder["shift"], ZERO), _last_bucket(ladder))


@kernel(inline=True)
def _last_bucket(ladder):
    return np.int64(ladder["heads"].shape[1] - 1)


@kernel
def enlist(market, params, slot):
    """Put an account into the ladder at its liquidation, or at its alarm if that comes first."""
    account = market["accounts"][slot]
    if account["perp"] == 0:
        account["laddered"] = FREE
        return
    side = LONGS if account["perp"] > 0 else SHORTS
    trigger = liquidation_trigger(account, margin_of(market, params))
    if account["alarmed"] == ARMED:
        if account["habit"] != _STOP_OUT:  # funding, deleveraging or a partial close moved it
            alarm = _alarm_price(market, params, account, trigger)
            market["holders"][slot]["alarm"] = np.uint32(alarm)
        alarm = np.int64(market["holders"][slot]["alarm"])
        trigger = min(trigger, alarm) if side == SHORTS else max(trigger, alarm)
    link(market, market["ladder"], slot, side, trigger)
    account["laddered"] = IN_LADDER


@kernel
def move_trigger(market, params, slot, side):
    """Ladder a holder anew whose resting order was filled; without a position it has no alarm.

    Args:
        market: The market record.
        params: Its parameters.
        slot: The account; the engine deals itself with one that stands before it.
        side: Of the order that came: BUY met a long that was closing, SELL a short.
    """
    account = market["accounts"][slot]
    if account["perp"] == 0 and account["alarmed"] != ACTING:
        account["alarmed"] = _UNALARMED
        market["holders"][slot]["alarm"] = 0
    if account["laddered"] == IN_LADDER:
        delist(market, slot, LONGS if side == BUY else SHORTS)
        enlist(market, params, slot)


@kernel
def _alarm_price(market, params, account, trigger):
    """Mark at which equity falls to the alarm ratio of the maintenance margin, ticks.

    In the bracket that the position has at its liquidation, where the holder looks it up; the
    trigger itself when no price liquidates the position. Where the ratio asks a long for its
    whole notional every mark is one.
    """
    margin = margin_of(market, params)
    if trigger <= 0 or trigger >= UNREACHABLE:
        return trigger
    perp = np.float64(account["perp"])
    tier = tier_of(margin, abs(account["perp"]) * trigger)
    ratio = params["holders"]["alarm"]
    value = np.float64(account["quote"]) + ratio * np.float64(margin["deduction"][tier])
    slope = abs(perp) * ratio * (np.float64(margin["rate"][tier]) * _UNIT) - perp
    if perp > 0.0 and slope >= 0.0:
        return UNREACHABLE - 1
    return np.int64(min(max(math.floor(value / slope + 0.5), 1.0), np.float64(UNREACHABLE - 1)))


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
    account["laddered"] = FREE


@kernel
def delist(market, slot, side):
    """Take an account out of the ladder; ``side`` is the one it was enlisted on."""
    ladder = market["ladder"]
    if market["accounts"][slot]["laddered"] != IN_LADDER:
        return
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
        bucket = previous_occupied(ladder, LONGS, _last_bucket(ladder))
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
    """Send every account that the present mark liquidates to the queue, and alarm holders."""
    nobody = params["liquidation"]["destination"] == _OFF
    if nobody and params["holders"]["capitulate"] == 0.0:  # the last of the cumulative shares
        return
    mark = market["marks"]["mark"]
    ladder = market["ladder"]
    if mark >= ladder["nearest"][SHORTS]:
        _sweep(market, params, SHORTS, mark)
    if mark <= ladder["nearest"][LONGS]:
        _sweep(market, params, LONGS, mark)
    if nobody:
        return
    for seat in range(market["learners"].shape[0]):
        slot = account_of(market, np.int64(seat))
        account = market["accounts"][slot]
        if account["laddered"] == FREE:
            if is_liquidatable(account, margin_of(market, params), mark):
                _enqueue(market, params, slot)


@kernel
def _sweep(market, params, side, mark):
    """Empty the buckets the mark has passed; test each account of the one it stands in.

    Where nobody is liquidated an account without an alarm stays.
    """
    ladder = market["ladder"]
    nobody = params["liquidation"]["destination"] == _OFF
    last = _bucket(ladder, mark)
    outermost = _last_bucket(ladder)
    if side == SHORTS:
        bucket = next_occupied(ladder, SHORTS, ZERO)
    else:
        bucket = previous_occupied(ladder, LONGS, _last_bucket(ladder))
    while bucket >= 0 and (bucket <= last if side == SHORTS else bucket >= last):
        slot = ladder["heads"][side, bucket]
        while slot != NO_SLOT:
            account = market["accounts"][slot]
            after = account["next"]
            if after != NO_SLOT:
                prefetch(market["accounts"][after], 0, 64)
            hit = account["trigger"] <= mark if side == SHORTS else account["trigger"] >= mark
            armed = account["alarmed"] == ARMED
            if hit and (armed or not nobody):
                unlink(market, ladder, np.int64(slot), side)
                margin = margin_of(market, params)
                if armed and (nobody or not is_liquidatable(account, margin, mark)):
                    _alarm(market, params, np.int64(slot))
                else:
                    _enqueue(market, params, np.int64(slot))
            slot = after
        if side == SHORTS:
            bucket = next_occupied(ladder, SHORTS, bucket + 1) if bucket < outermost else -ONE
        else:
            bucket = previous_occupied(ladder, LONGS, bucket - 1) if bucket > 0 else -ONE
    find_nearest(market, ladder, side)


@kernel
def _enqueue(market, params, slot):
    """Hand an account to the liquidation engine."""
    prefetch(market["holders"][slot], 0, 64)  # the engine will need it
    engine = market["engine"]
    if engine["size"] == 0:
        engine["fresh_at"] = market["clock"]["now"] + params["liquidation"]["latency"]
    push(market, FRESH, engine["head"], engine["size"], slot)
    engine["size"] += 1
    market["accounts"][slot]["laddered"] = IN_QUEUE
    schedule_engine(market)


@kernel
def _alarm(market, params, slot):
    """Let a holder know that it is time to act; meanwhile only the liquidation counts."""
    engine = market["engine"]
    holder = market["holders"][slot]
    market["accounts"][slot]["alarmed"] = ACTING
    # The engine may take the account meanwhile and time its own turns with "ready".
    holder["notice"] = market["clock"]["now"] + params["holders"]["reaction"]
    if engine["react_size"] == 0:
        market["clock"]["due"][_HOLDERS] = holder["notice"]
    push(market, REACTING, engine["react_head"], engine["react_size"], slot)
    engine["react_size"] += 1
    enlist(market, params, slot)


@kernel
def push(market, ring, head, size, slot):
    """Write a slot behind the last one of a ring; the caller counts it."""
    market["queue"][ring, ring_place(market, head, size)] = np.uint32(slot)


@kernel(inline=True)
def ring_place(market, head, ahead):
    """Place in a ring ``ahead`` of its head, fewer than it holds."""
    place_ = head + ahead
    n = np.int64(market["queue"].shape[1])
    return place_ if place_ < n else place_ - n


@kernel
def schedule_engine(market):
    """Time the next service: the head that may be served first, but not before the pause ends.

    While the engine's message stands in line the gateway times it.
    """
    if market["engine"]["serving"] == IN_LINE:
        return
    turn = min(fresh_due(market), waiting_due(market))
    market["clock"]["due"][_ENGINE] = max(turn, market["clock"]["now"])
    if np.int64(market["books"][PERP]["state"]) != STATE_OPEN:
        market["clock"]["due"][_ENGINE] = NEVER  # until the pause ends


@kernel
def fresh_due(market):
    """Time at which the head of the fresh accounts may be served, or NEVER."""
    engine = market["engine"]
    return max(engine["fresh_at"], engine["free_at"]) if engine["size"] > 0 else NEVER


@kernel
def waiting_due(market):
    """Time at which the head of the waiting accounts may be served, or NEVER."""
    engine = market["engine"]
    if engine["cool_size"] == 0:
        return NEVER
    slot = market["queue"][WAITING, engine["cool_head"]]
    return max(market["holders"][slot]["ready"], engine["free_at"])
