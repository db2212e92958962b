"""Holders of individual accounts: what they own besides, and what they do when it goes wrong.

Some sit, some pay in, some close at a stop, some give up. Each waits a reaction time between its
alarm and its act; meanwhile the account stands in the ladder at its liquidation alone.
"""

import math

import numpy as np

from squeezegym._jit import kernel
from squeezegym.codes import (
    BUY,
    IN_QUEUE,
    IOC,
    MAX_QTY,
    NEVER,
    ONE,
    OUTSIDE,
    PERP,
    RATE_ONE,
    SELL,
    WALLETS,
    ZERO,
    Habit,
    Source,
    Stream,
)
from squeezegym.core.accounts import equity, pay, transfer
from squeezegym.core.book import NO_ORDER
from squeezegym.core.exchange import place, withdraw_all
from squeezegym.core.fifo import is_busy, join_line
from squeezegym.core.fund import playable
from squeezegym.core.lostshorts import lose_short, remember_short
from squeezegym.core.margin import maintenance_margin, margin_of
from squeezegym.core.rng import uniform
from squeezegym.core.rounds import stop_price
from squeezegym.core.triggers import ARMED, LONGS, REACTING, SHORTS, delist, enlist, ring_place
from squeezegym.gatewaycodes import EXIT

_STREAM = np.int64(Stream.HOLDERS)
_HOLDERS = np.int64(Source.HOLDERS)
_SIT = np.uint8(Habit.SIT)
_TOP_UP = np.uint8(Habit.TOP_UP)
_STOP_OUT = np.uint8(Habit.STOP_OUT)
_CAPITULATE = np.uint8(Habit.CAPITULATE)
_NOT = np.uint8(0)
_UNIT = 1e-8


@kernel
def open_holder(market, params, slot, entry, deposit):
    """Give the holder of a new position its free cash, margin mode, leverage and habit.

    Args:
        market: The market record.
        params: Its parameters.
        slot: The account, with its position.
        entry: Entry price, ticks.
        deposit: What it paid in, quanta.
    """
    rules = params["holders"]
    rng = market["clock"]["rng"]
    account = market["accounts"][slot]
    holder = market["holders"][slot]
    notional = abs(account["perp"]) * entry
    paid = np.float64(max(deposit, ZERO))  # a position from data may have had profits taken out
    rate = math.ceil(paid / np.float64(notional) / _UNIT)
    holder["initial"] = np.uint32(min(rate, np.float64(RATE_ONE)))
    free = np.int64(rules["wallet"] * paid)
    if uniform(rng, _STREAM) < rules["isolated"]:
        holder["wallet"] = free
        transfer(market, OUTSIDE, WALLETS, free)
    else:
        transfer(market, OUTSIDE, slot, free)
    draw = uniform(rng, _STREAM)
    distance = uniform(rng, _STREAM)
    if draw < rules["top_up"]:
        account["habit"] = _TOP_UP
    elif draw < rules["stop_out"]:
        account["habit"] = _STOP_OUT
    elif draw < rules["capitulate"]:
        account["habit"] = _CAPITULATE
    if account["habit"] == _STOP_OUT:
        away = rules["stop_low"] + (rules["stop_high"] - rules["stop_low"]) * distance
        above = account["perp"] < 0
        drawn = np.float64(entry) * (1.0 + away if above else 1.0 - away)
        stop = stop_price(market, params, np.float64(entry), drawn, above)
        holder["alarm"] = np.uint32(max(math.floor(stop + 0.5), 0.0))
    elif account["habit"] != _SIT:
        holder["alarm"] = 1  # where it lies the ladder finds, each time the account is enlisted
    account["alarmed"] = ARMED if holder["alarm"] != 0 else _NOT


@kernel
def holder_acts(market, params):
    """Let the holder whose reaction time is over act, and time the next."""
    engine = market["engine"]
    queue = market["queue"]
    slot = np.int64(queue[REACTING, engine["react_head"]])
    engine["react_head"] = ring_place(market, engine["react_head"], ONE)
    engine["react_size"] -= 1
    due = NEVER
    if engine["react_size"] > 0:
        due = market["holders"][queue[REACTING, engine["react_head"]]]["notice"]
    market["clock"]["due"][_HOLDERS] = due
    account = market["accounts"][slot]
    market["holders"][slot]["notice"] = NEVER
    limit = ZERO
    if account["perp"] != 0 and account["laddered"] < IN_QUEUE and account["habit"] != _TOP_UP:
        if (
            account["habit"] == _STOP_OUT
            or uniform(market["clock"]["rng"], _STREAM) < params["holders"]["resolve"]
        ):
            side, limit = _closing_order(market, params, account)
            if is_busy(market):
                qty = min(abs(account["perp"]), MAX_QTY)
                if join_line(
                    market, params, EXIT, PERP, slot, side, limit, qty, IOC, ZERO, NO_ORDER, ZERO
                ):
                    return  # till its turn the account stands in the ladder as before
                limit = ZERO
    act_now(market, params, slot, limit)


@kernel
def act_now(market, params, slot, limit):
    """Pay in, or close at market within a limit, and watch for the next alarm.

    Args:
        market: The market record.
        params: Its parameters.
        slot: The account.
        limit: Of the closing order, ticks; 0: nothing is closed.
    """
    account = market["accounts"][slot]
    holder = market["holders"][slot]
    if account["perp"] == 0:
        holder["alarm"] = 0
    account["alarmed"] = ARMED if holder["alarm"] != 0 else _NOT
    if account["perp"] == 0 or account["laddered"] >= IN_QUEUE:
        return  # the engine has it; what it leaves of the position has its alarm again
    delist(market, slot, LONGS if account["perp"] > 0 else SHORTS)
    remember_short(market, params, slot)
    if limit > 0:
        side = BUY if account["perp"] < 0 else SELL
        place(market, params, PERP, slot, side, limit, abs(account["perp"]), IOC, ZERO)
    elif account["habit"] == _TOP_UP:
        _top_up(market, params, slot)
    if account["perp"] == 0:
        holder["alarm"] = 0
        withdraw_all(market, params, slot)  # its take-profit
    account["alarmed"] = ARMED if holder["alarm"] != 0 else _NOT
    enlist(market, params, slot)
    lose_short(market, params, slot)


@kernel
def _top_up(market, params, slot):
    """Pay in what lifts the margin to where the holder wants it, or all that is left."""
    account = market["accounts"][slot]
    holder = market["holders"][slot]
    mark = market["marks"]["mark"]
    needed = maintenance_margin(margin_of(market, params), abs(account["perp"]) * mark)
    wanted = np.int64(math.ceil(params["holders"]["restore"] * np.float64(needed)))
    amount = min(max(wanted - equity(account, mark), ZERO), holder["wallet"])
    pay(market, WALLETS, slot, amount)
    holder["wallet"] -= amount
    if holder["wallet"] == 0:
        holder["alarm"] = 0


@kernel
def _closing_order(market, params, account):
    """Side and limit of an order that closes a position at market, within the cap."""
    mark = market["marks"]["mark"]
    slack = np.int64(math.floor(np.float64(mark) * params["holders"]["cap"] + 0.5))
    side = BUY if account["perp"] < 0 else SELL
    return side, playable(market, side, mark + slack if side == BUY else mark - slack)
