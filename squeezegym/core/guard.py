"""What the exchange sees of its own markets, for the learner that runs one.

It sees the true state, and what it has published; the fundamental is for scoring alone.
"""

import math

import numpy as np

from squeezegym._jit import entry, kernel
from squeezegym.codes import (
    BUY,
    FUND,
    IN_BORROW_LADDER,
    IN_LADDER,
    NO_ASK,
    NO_BID,
    ONE,
    PERP,
    RATE_ONE,
    SELL,
    SPOT,
    STATE_OPEN,
    VAULT,
    ZERO,
)
from squeezegym.core.accounts import equity
from squeezegym.core.arithmetic import coarse_log
from squeezegym.core.barrier import depth_between
from squeezegym.core.borrow import borrow_rate, utilisation
from squeezegym.core.feed import HORIZONS
from squeezegym.core.fifo import backlog
from squeezegym.core.marks import mid
from squeezegym.guardrecord import N_REACH, REACH
from squeezegym.measures import IN_PAUSE
from squeezegym.viewrecord import N_MEASURES

_TEN_BP = 1e-3
_SECOND = 1e9
_DEPTH_UNIT = 0.02  # share of the 10 bp depth at which a size reads log 2
_LONGS = ZERO  # places of ``interest`` and ``forced``
_SHORTS = ONE


@kernel(inline=True)
def _clip(x):
    return np.float32(min(max(x, -1.0), 1.0))


@kernel
def _count(market, seen):
    """Sum what the reward is paid on, and the accounts by the distance of their triggers."""
    score = market["score"]
    accounts = market["accounts"]
    mark = market["marks"]["mark"]
    seen["traded"] = market["protection"]["crossed"]
    seen["halted"] = ZERO
    for venue in range(2):
        seen["traded"] += score["taken"][venue, BUY] + score["taken"][venue, SELL]
        if np.int64(market["books"][venue]["state"]) != STATE_OPEN:
            seen["halted"] = ONE
    lots = score["liquidated"][_LONGS] + score["liquidated"][_SHORTS]
    seen["liquidated"] = lots + score["bought_in"]
    seen["deleveraged"] = score["deleveraged"]
    seen["socialised"] = score["socialised"]
    seen["fund"] = accounts[FUND]["quote"] + equity(accounts[VAULT], mark)
    seen["mark"] = mark
    seen["fundamental"] = market["marks"]["fundamental"]
    for side in range(2):
        seen["interest"][side] = ZERO
        for k in range(N_REACH):
            seen["forced"][side, k] = ZERO
    for slot in range(accounts.shape[0]):
        account = accounts[slot]
        standing = account["laddered"]
        if standing != IN_LADDER and standing != IN_BORROW_LADDER:
            continue
        lots = account["perp"] - market["holders"][slot]["debt"]
        side = _LONGS if lots > 0 else _SHORTS
        seen["interest"][side] += abs(lots)
        away = np.float64(account["trigger"]) / np.float64(mark) - 1.0
        away = -away if side == _LONGS else away
        for k in range(N_REACH):
            if away <= REACH[k]:
                seen["forced"][side, k] += abs(lots)
                break


@kernel
def _see_books(market, per_lot, seen, out, i):
    """Lots of both books between the distances, spread and imbalance; forced lots likewise."""
    for venue in range(2):
        book = market["books"][venue]
        middle = mid(book)
        near = ZERO
        for side in range(2):
            edge = math.floor(middle) if side == BUY else math.ceil(middle)
            inner = np.int64(edge)
            for k in range(N_REACH):
                away = middle * REACH[k]
                outer = np.int64(middle - away) if side == BUY else np.int64(middle + away) + ONE
                if side == BUY:
                    lots = depth_between(book, BUY, outer, inner)
                else:
                    lots = depth_between(book, SELL, inner, outer)
                inner = outer - ONE if side == BUY else outer + ONE
                seen["depth"][venue, side, k] = lots
                out[i] = _clip(coarse_log(1.0 + np.float64(lots) * per_lot) * 0.125)
                i += 1
            lots = seen["depth"][venue, side, 0]
            near += lots if side == BUY else -lots
        bid = book["best_bid"]
        ask = book["best_ask"]
        both = seen["depth"][venue, BUY, 0] + seen["depth"][venue, SELL, 0]
        stands = bid != NO_BID and ask != NO_ASK
        out[i] = _clip(np.float64(ask - bid) / (middle * _TEN_BP)) if stands else np.float32(1.0)
        out[i + 1] = _clip(np.float64(near) / np.float64(max(both, ONE)))
        i += 2
    for side in range(2):
        resting = BUY if side == _LONGS else SELL  # what their forced orders would meet
        densest = 0.0
        for k in range(N_REACH):
            lots = np.float64(seen["forced"][side, k])
            depth = seen["depth"][PERP, resting, k] + seen["depth"][SPOT, resting, k]
            if k < N_REACH - 1:  # makers may quote no further
                densest = max(densest, lots / np.float64(max(depth, ONE)))
            out[i] = _clip(coarse_log(1.0 + lots * per_lot) * 0.125)
            i += 1
        out[i] = _clip(0.25 * densest)
        lots = np.float64(seen["interest"][side])
        out[i + 1] = _clip(coarse_log(1.0 + lots * per_lot) * 0.1)
        i += 2
    return i


@kernel
def _see_prices(market, params, per_lot, out, i):
    """Flow and trends as published, basis, premium, mark, and volatility as makers see it."""
    work = market["feed"]["work"]
    volatility = params["scale"]["volatility"]
    for h in range(2):
        for venue in range(2):
            for side in range(2):
                out[i] = _clip(coarse_log(1.0 + work["taken"][h, venue, side] * per_lot) * 0.125)
                i += 1
        for side in range(2):
            out[i] = _clip(coarse_log(1.0 + work["forced"][h, side] * per_lot) * 0.125)
            i += 1
    for venue in range(2):
        price = mid(market["books"][venue])
        for h in range(3):
            trend = math.log(price / work["mean"][h, venue])
            out[i] = _clip(trend / (10.0 * volatility * math.sqrt(HORIZONS[h])))
            i += 1
        spread = math.sqrt(max(market["flow"]["variance"][venue], 0.0)) / price
        out[i] = _clip(0.1 * spread / volatility)
        i += 1
    home = params["scale"]["home"]
    spot = mid(market["books"][SPOT])
    index = np.float64(market["marks"]["index"]) if home == PERP else spot
    perp = mid(market["books"][home])
    mark = np.float64(market["marks"]["mark"])
    opening = np.float64(max(market["learners"][0]["opening_interest"], ONE))
    interest = market["score"]["open_interest"] if home == PERP else market["borrow"]["lent"]
    out[i] = _clip((perp / spot - 1.0) / (5.0 * _TEN_BP))
    out[i + 1] = _clip((perp / index - 1.0) / (5.0 * _TEN_BP))
    out[i + 2] = _clip((np.float64(market["books"][home]["last"]) / mark - 1.0) / (5.0 * _TEN_BP))
    out[i + 3] = _clip((mark / index - 1.0) / (5.0 * _TEN_BP))
    out[i + 4] = _clip(np.float64(interest) / opening - 1.0)
    return i + 5


@kernel
def _see_venue(market, params, per_lot, seen, out, i):
    """Fund and losses, queues and load, funding, the lender, and what protection has in force."""
    now = market["clock"]["now"]
    gateway = market["gateway"]
    engine = market["engine"]
    rules = market["terms"]["funding"]
    state = market["protection"]
    use = utilisation(market["borrow"])
    passed = (now - rules["first"]) % rules["interval"]
    pot = np.float64(max(params["liquidation"]["fund"], ONE))
    left = state["resumes"] - now if state["measures"] & IN_PAUSE != 0 else ZERO
    horizon = np.float64(params["learners"][0]["horizon"])
    out[i] = _clip(np.float64(seen["fund"]) / pot - 1.0)
    out[i + 1] = _clip(coarse_log(1.0 + np.float64(seen["deleveraged"]) * per_lot) * 0.125)
    out[i + 2] = _clip(coarse_log(1.0 + np.float64(engine["size"] + engine["cool_size"])) * 0.125)
    out[i + 3] = _clip(np.float64(backlog(market)) / _SECOND)
    bound = np.float64(max(params["gateway"]["bound"], ONE))
    out[i + 4] = _clip(np.float64(gateway["waiting"]) / bound)
    out[i + 5] = _clip(gateway["others"])
    out[i + 6] = _clip(np.float64(market["funding"]["rate"]) / np.float64(RATE_ONE) / _TEN_BP)
    out[i + 7] = _clip(1.0 - np.float64(passed) / np.float64(rules["interval"]))
    out[i + 8] = _clip(use)
    out[i + 9] = _clip(np.float64(borrow_rate(params["borrowing"], use)) / np.float64(RATE_ONE))
    out[i + 10] = _clip(np.float64(left) / (60.0 * _SECOND))
    out[i + 11] = _clip(1.0 - np.float64(now) / horizon)
    for k in range(N_MEASURES):
        out[i + 12 + k] = np.float32((state["measures"] >> k) & 1)


@entry(seconds=5)
def survey(fingerprint):
    """Build the entry; the fingerprint of the sources is part of its cache key."""

    def survey(markets, params, rows, seen):
        """Write what the exchange sees, and what it is paid on.

        Args:
            markets: (n,) ``market_dtype`` of one size class.
            params: (1,) ``params_dtype`` of the same size class.
            rows: (n,) bool: whose turn it is.
            seen: (n,) ``GUARD_DTYPE``; the decisions at the end of the observation stay.
        """
        fingerprint  # noqa: B018  (a closure cell: part of numba's cache key)
        per_lot = 1.0 / (_DEPTH_UNIT * params[0]["scale"]["depth"])
        for row in range(markets.shape[0]):
            if rows[row]:
                market = markets[row]
                out = seen[row]["observation"]
                _count(market, seen[row])
                i = _see_books(market, per_lot, seen[row], out, np.int64(0))
                i = _see_prices(market, params[0], per_lot, out, i)
                _see_venue(market, params[0], per_lot, seen[row], out, i)

    return survey
