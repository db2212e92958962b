"""The liquidation engine: its queue, and what one service does to the account at the head.

The ladder (:mod:`squeezegym.core.triggers`) says who is due, the policy
(:mod:`squeezegym.core.policies`) how a position is closed, fund and remainder who pays.
"""

import numpy as np

from squeezegym._jit import kernel, prefetch
from squeezegym.codes import (
    ABSORBER,
    FREE,
    IN_REMAINDER,
    IOC,
    IS_WAITING,
    NEVER,
    ONE,
    PERP,
    VAULT,
    ZERO,
    Liquidation,
    Source,
)
from squeezegym.core.accounts import move_position
from squeezegym.core.book import NO_ORDER
from squeezegym.core.eventlog import log_liquidation
from squeezegym.core.exchange import withdraw_all
from squeezegym.core.fifo import is_busy, join_line
from squeezegym.core.fund import absorb, settle, watch_fund
from squeezegym.core.lostshorts import lose_short, remember_short
from squeezegym.core.margin import bankruptcy_price, is_liquidatable, liquidation_trigger, margin_of
from squeezegym.core.policies import DONE, PAUSE, SHARE, close
from squeezegym.core.remainder import share_remainder
from squeezegym.core.seats import is_learner, seat_of, tell
from squeezegym.core.triggers import (
    FRESH,
    IN_LINE,
    LONGS,
    SHORTS,
    WAITING,
    enlist,
    fresh_due,
    push,
    ring_place,
    schedule_engine,
    waiting_due,
)
from squeezegym.gatewaycodes import FORCED
from squeezegym.measures import ABSORBING, LIQUIDATION_THROTTLE, THROTTLED

_ENGINE = np.int64(Source.ENGINE)
_SECOND = 1e9
_ABSORBER_MODE = np.int64(Liquidation.ABSORBER)


@kernel
def open_engine(market, params):
    """Empty the queues and let the fund stand ready."""
    engine = market["engine"]
    engine["head"] = 0
    engine["size"] = 0
    engine["cool_head"] = 0
    engine["cool_size"] = 0
    engine["react_head"] = 0
    engine["react_size"] = 0
    now = market["clock"]["now"]
    engine["fresh_at"] = now
    engine["free_at"] = now
    engine["serving"] = 0
    engine["cursor"] = 0
    engine["ranked"] = 0
    engine["fund_peak"] = params["liquidation"]["fund"]
    engine["fund_off"] = 0
    engine["block_start"] = now
    engine["block_paid"] = 0
    for side in range(2):
        engine["window_end"][side] = now
        engine["pending"][side] = 0


@kernel
def serve_engine(market, params):
    """Serve the account whose turn it is, and time the next service.

    Where forced orders stand in line, a service begins with its turn there.
    """
    engine = market["engine"]
    if engine["serving"] == IN_LINE:
        engine["serving"] = 0
    elif params["gateway"]["forced_waits"] != 0 and engine["serving"] == 0 and is_busy(market):
        if join_line(
            market, params, FORCED, PERP, VAULT, ZERO, ZERO, ZERO, IOC, ZERO, NO_ORDER, ZERO
        ):
            engine["serving"] = IN_LINE
            market["clock"]["due"][_ENGINE] = NEVER
            return
    from_fresh = engine["serving"] == 1
    if engine["serving"] == 0:
        from_fresh = fresh_due(market) <= waiting_due(market)
    if from_fresh:
        slot = np.int64(market["queue"][FRESH, engine["head"]])
        coming = market["queue"][FRESH, ring_place(market, engine["head"], ONE)]
        prefetch(market["accounts"][coming], 0, 64)
    else:
        slot = np.int64(market["queue"][WAITING, engine["cool_head"]])
    account = market["accounts"][slot]
    perp = account["perp"]
    side = LONGS if perp > 0 else SHORTS
    verdict = _serve(market, params, slot, from_fresh)
    _print(market, params, side, abs(perp) - abs(account["perp"]))
    if verdict == SHARE:
        engine["serving"] = ONE if from_fresh else np.int64(2)
        market["clock"]["due"][_ENGINE] = market["clock"]["now"]
        return
    engine["serving"] = 0
    if from_fresh:
        engine["head"] = ring_place(market, engine["head"], ONE)
        engine["size"] -= 1
    else:
        engine["cool_head"] = ring_place(market, engine["cool_head"], ONE)
        engine["cool_size"] -= 1
    pause = params["liquidation"]["interval"]
    if market["protection"]["measures"] & THROTTLED != 0:
        rate = market["protection"]["value"][LIQUIDATION_THROTTLE]
        pause = max(pause, np.int64(_SECOND / rate))
    engine["free_at"] = market["clock"]["now"] + pause
    _let_go(market, params, slot, verdict)
    schedule_engine(market)


@kernel
def _serve(market, params, slot, first):
    """Do one event's work on an account; returns DONE, PAUSE, or SHARE while its rest is shared."""
    account = market["accounts"][slot]
    if account["laddered"] != IN_REMAINDER:
        watch_fund(market, params)
        mark = market["marks"]["mark"]
        if not is_liquidatable(account, margin_of(market, params), mark):
            return DONE
        if first:
            _begin(market, params, slot)
        if first and market["protection"]["measures"] & ABSORBING != 0:
            absorb(market, params, slot)
            if not is_liquidatable(account, margin_of(market, params), mark):
                return DONE
        if params["liquidation"]["destination"] == _ABSORBER_MODE:
            before = bankruptcy_price(account)
            cash = account["quote"]
            if account["perp"] < 0:
                move_position(market, ABSORBER, slot, mark, -account["perp"])
            else:
                move_position(market, slot, ABSORBER, mark, account["perp"])
            settle(market, params, slot, before, abs(account["quote"] - cash))
            return DONE
        verdict, price = close(market, params, slot, first)
        if verdict != SHARE:
            return verdict
        account["laddered"] = IN_REMAINDER
        account["trigger"] = price
    if not share_remainder(market, params, slot, account["trigger"]):
        return SHARE
    settle(market, params, slot, account["trigger"], market["holders"][slot]["chunk"])
    return DONE


@kernel
def _begin(market, params, slot):
    """Take an account: log it, count it, cancel its orders."""
    account = market["accounts"][slot]
    perp = account["perp"]
    account["trigger"] = liquidation_trigger(account, margin_of(market, params))
    market["holders"][slot]["started"] = market["clock"]["now"]
    market["holders"][slot]["chunk"] = 0
    log_liquidation(market, slot, market["marks"]["mark"], perp, account["trigger"])
    market["score"]["liquidations"][LONGS if perp > 0 else SHORTS] += 1
    withdraw_all(market, params, slot)
    remember_short(market, params, slot)
    tell(market, slot)


@kernel
def _let_go(market, params, slot, verdict):
    """Let a served account wait for its next turn, or return to where it came from."""
    engine = market["engine"]
    account = market["accounts"][slot]
    tell(market, slot)
    if verdict == PAUSE:
        holder = market["holders"][slot]
        holder["ready"] = market["clock"]["now"] + params["liquidation"]["cooldown"]
        push(market, WAITING, engine["cool_head"], engine["cool_size"], slot)
        engine["cool_size"] += 1
        account["laddered"] = IS_WAITING
        return
    account["laddered"] = FREE
    if not is_learner(market, slot):
        enlist(market, params, slot)
        if market["holders"][slot]["started"] != NEVER:
            lose_short(market, params, slot)
    elif account["perp"] == 0 and market["holders"][slot]["started"] != NEVER:
        market["learners"][seat_of(market, slot)]["liquidated"] = 1
    market["holders"][slot]["started"] = NEVER


@kernel
def _print(market, params, side, lots):
    """Count what was closed by force, and let the public feed carry it."""
    if lots <= 0:
        return
    market["score"]["liquidated"][side] += lots
    window = params["liquidation"]["prints"]
    if window == 0:
        market["score"]["printed"][side] += lots
        return
    flush_prints(market)
    engine = market["engine"]
    if engine["pending"][side] == 0:
        engine["window_end"][side] = market["clock"]["now"] + window
    engine["pending"][side] = lots  # the latest of a window is the one that is carried


@kernel
def flush_prints(market):
    """Publish the liquidation prints whose windows have ended."""
    engine = market["engine"]
    for side in range(2):
        if engine["pending"][side] != 0 and market["clock"]["now"] >= engine["window_end"][side]:
            market["score"]["printed"][side] += engine["pending"][side]
            engine["pending"][side] = 0
