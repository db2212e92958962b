"""Individual accounts that enter while the market runs: a leveraged position, or coins."""

import math

import numpy as np

from squeezegym._jit import kernel
from squeezegym.codes import BUY, IOC, MAX_QTY, ONE, OUTSIDE, PERP, RATE_ONE, SELL, SPOT, ZERO
from squeezegym.core.accounts import pay
from squeezegym.core.arithmetic import mul_div_up
from squeezegym.core.book import NO_ORDER
from squeezegym.core.exchange import coin_cost, place
from squeezegym.core.fifo import is_busy, join_line
from squeezegym.core.fund import playable
from squeezegym.core.triggers import enlist
from squeezegym.gatewaycodes import ENTRY

_UNALARMED = np.uint8(0)


@kernel
def enter(market, params, slot, side, qty, leverage, cap):
    """Pay in what an order costs, send it, and take back what the position does not need.

    An order costs its initial margin, what it would lose against the mark at its limit, and the
    fee; a position keeps the first two at its own entry. An order that is refused or finds nothing
    returns everything, and without a published touch none is sent. Source: Binance FAQ "Cost
    required to open a position in perpetual futures contracts" (initial margin and open loss),
    2024; the fee within it is ours.

    Args:
        market: The market record.
        params: Its parameters.
        slot: An individual account without a position.
        side: BUY or SELL.
        qty: Lots.
        leverage: Notional over initial margin, 1 to 150.
        cap: How far beyond the published touch the IOC order reaches, relative.
    """
    account = market["accounts"][slot]
    holder = market["holders"][slot]
    touch = np.int64(market["feed"]["seen"]["price"][PERP, ONE - side, 0])
    if touch == 0:
        return
    slack = np.int64(math.floor(np.float64(touch) * cap + 0.5))
    limit = playable(market, side, touch + slack if side == BUY else touch - slack)
    qty = min(qty, MAX_QTY)
    holder["initial"] = np.uint32(math.ceil(np.float64(RATE_ONE) / leverage))
    holder["alarm"] = 0
    account["alarmed"] = _UNALARMED
    if is_busy(market):
        join_line(market, params, ENTRY, PERP, slot, side, limit, qty, IOC, ZERO, NO_ORDER, ZERO)
    else:
        enter_at(market, params, slot, side, limit, qty)


@kernel
def enter_at(market, params, slot, side, limit, qty):
    """Match the order of :func:`enter`; whoever sells here was short before and is so again."""
    account = market["accounts"][slot]
    mark = market["marks"]["mark"]
    rate = np.int64(market["holders"][slot]["initial"])
    fees = account["fees"]
    deposit = mul_div_up(mark * qty, rate, RATE_ONE) + abs(limit - mark) * qty
    deposit += mul_div_up(limit * qty, params["fees"]["taker"][PERP], RATE_ONE)
    pay(market, OUTSIDE, slot, deposit)
    filled, _ = place(market, params, PERP, slot, side, limit, qty, IOC, ZERO)
    loss = account["cost"] - filled * mark
    if side != BUY:
        loss = -loss
    needed = mul_div_up(account["cost"], rate, RATE_ONE) + max(loss, ZERO)
    pay(market, slot, OUTSIDE, max(deposit - needed - account["fees"] + fees, ZERO))
    enlist(market, params, slot)
    if side == SELL and filled > 0:
        market["crowd"]["reloads"] += 1


@kernel
def buy_coins(market, params, slot, qty, cap):
    """Buy coins with cash: pay in what they may cost, take back what is left.

    Without a published touch no order is sent.

    Args:
        market: The market record.
        params: Its parameters.
        slot: An individual account without cash.
        qty: Lots.
        cap: How far beyond the published touch the IOC order reaches, relative.
    """
    touch = np.int64(market["feed"]["seen"]["price"][SPOT, SELL, 0])
    if touch == 0:
        return
    slack = np.int64(math.floor(np.float64(touch) * cap + 0.5))
    limit = playable(market, BUY, touch + slack)
    qty = min(qty, MAX_QTY)
    if is_busy(market):
        join_line(market, params, ENTRY, SPOT, slot, BUY, limit, qty, IOC, ZERO, NO_ORDER, ZERO)
    else:
        buy_coins_at(market, params, slot, limit, qty)


@kernel
def buy_coins_at(market, params, slot, limit, qty):
    """Match the order of :func:`buy_coins`."""
    pay(market, OUTSIDE, slot, coin_cost(params, limit, qty))
    place(market, params, SPOT, slot, BUY, limit, qty, IOC, ZERO)
    pay(market, slot, OUTSIDE, market["accounts"][slot]["quote"])
