"""How the engine closes an account: one function a policy, one service a call.

Each follows the venue's documented steps; docs/liquidation.md has the rules in full. The formulas
for sizes and limits are those of :mod:`squeezegym.core.execution`.
"""

import math

import numpy as np

from squeezegym._jit import kernel
from squeezegym.codes import (
    BUY,
    IOC,
    IS_FORCED,
    MAX_QTY,
    ONE,
    PERP,
    RATE_ONE,
    SELL,
    ZERO,
    LiquidationStage,
    Policy,
)
from squeezegym.core.accounts import equity
from squeezegym.core.arithmetic import mul_div, mul_div_up
from squeezegym.core.exchange import place
from squeezegym.core.execution import (
    base_to_cover_shortage,
    fillable_price,
    liquidation_stage,
    max_share_to_liquidate,
    min_reduction_to_compliance,
    partial_size,
)
from squeezegym.core.fund import playable, purse, reach, settle, take_over
from squeezegym.core.margin import (
    bankruptcy_price,
    is_liquidatable,
    maintenance_margin,
    margin_of,
    tier_of,
)

DONE = np.int64(0)  # the engine lets the account go
PAUSE = np.int64(1)  # it waits for its next turn
SHARE = np.int64(2)  # the rest is shared at the price that comes with it
_EXACT = 1e-6  # tolerance with which a real number of lots or ticks counts as whole
_HUGE = 1e18  # lots
_UNIT = 1e-8
_SPARE = np.int64(2)  # quanta: margin and fee are rounded up, and equal is not enough
_BACKSTOP = np.int64(LiquidationStage.BACKSTOP)
_REDUCE = np.int64(Policy.TIER_REDUCTION)
_PARTIAL = np.int64(Policy.PARTIAL_20_COOLDOWN)
_STEPS = np.int64(Policy.SMALL_STEPS)
_BLOCKS = np.int64(Policy.BLOCK_LIMITED)
_RAMP = np.int64(Policy.RAMP)


@kernel
def close(market, params, slot, first):
    """Serve an account that is due, by the policy of the venue.

    Args:
        market: The market record.
        params: Its parameters.
        slot: The account.
        first: Whether this is its first service.

    Returns:
        ``(verdict, price)``: DONE, PAUSE or SHARE; the price at which the rest is shared.
    """
    policy = params["liquidation"]["policy"]
    if policy == _REDUCE:
        return reduce_tier(market, params, slot)
    if policy == _PARTIAL:
        return close_in_parts(market, params, slot)
    if policy == _STEPS:
        return close_in_steps(market, params, slot, first)
    if policy == _BLOCKS:
        return close_in_blocks(market, params, slot)
    if policy == _RAMP:
        return close_on_ramp(market, params, slot, first)
    return close_at_bankruptcy(market, params, slot)


@kernel
def send(market, params, slot, qty, limit):
    """Send a forced IOC order that reduces an account's position."""
    side = BUY if market["accounts"][slot]["perp"] < 0 else SELL
    limit = playable(market, side, limit)
    place(market, params, PERP, slot, side, limit, min(qty, MAX_QTY), IOC, IS_FORCED)


@kernel
def close_at_bankruptcy(market, params, slot):
    """All at the bankruptcy price, then as far beyond it as the fund can pay.

    Sources: Binance FAQ "Liquidation Protocols" (IOC at the bankruptcy price, fund, ADL) and BitMEX
    "Liquidation" (the fund aggresses), both as restated in 2025.
    """
    account = market["accounts"][slot]
    cash = account["quote"]
    before = bankruptcy_price(account)
    send(market, params, slot, abs(account["perp"]), before)
    price = before
    if account["perp"] != 0:
        price = bankruptcy_price(account)
        money = purse(market, params, slot)
        if money > 0 and mul_div(price, params["liquidation"]["support"], RATE_ONE) > 0:
            limit = reach(market, params, slot, price, money)
            send(market, params, slot, abs(account["perp"]), limit)
    traded = abs(account["quote"] - cash)
    if account["perp"] != 0:
        return _share(market, slot, price, traded)
    settle(market, params, slot, before, traded)
    return DONE, price


@kernel
def reduce_tier(market, params, slot):
    """The least size that restores the margin; everything in the lowest bracket, or if due still.

    Source: Binance FAQ "Liquidation Protocols" (one large order that reduces margin usage without
    closing the whole position if possible).
    """
    account = market["accounts"][slot]
    margin = margin_of(market, params)
    mark = market["marks"]["mark"]
    size = abs(account["perp"])
    if tier_of(margin, size * mark) > 0:
        fee = np.float64(params["fees"]["liquidation"]) * _UNIT
        worth = np.float64(equity(account, mark) - _SPARE)
        lots = _whole(min_reduction_to_compliance(margin, worth, size, np.float64(mark), fee, 0.0))
        lots = max(lots, ONE)
        if lots < size:
            _send_and_settle(market, params, slot, lots, bankruptcy_price(account))
            if not is_liquidatable(account, margin, mark):
                return DONE, ZERO
    return close_at_bankruptcy(market, params, slot)


@kernel
def close_in_parts(market, params, slot):
    """A share of a large position first, the rest after a pause; the vault below the backstop.

    Source: Hyperliquid docs "Liquidations" (20 % above 100,000 USDC, 30 s, backstop at two thirds
    of the maintenance margin).
    """
    account = market["accounts"][slot]
    holder = market["holders"][slot]
    rules = params["liquidation"]
    mark = market["marks"]["mark"]
    size = abs(account["perp"])
    needed = maintenance_margin(margin_of(market, params), size * mark)
    stage = liquidation_stage(
        np.float64(equity(account, mark)),
        np.float64(needed),
        np.float64(rules["backstop"]) * _UNIT,
    )
    if stage == _BACKSTOP:
        if take_over(market, slot):
            return DONE, ZERO
        return _share(market, slot, bankruptcy_price(account), ZERO)
    pause = np.float64(rules["cooldown"])
    lots = partial_size(
        np.float64(size),
        np.float64(size * mark),
        np.float64(rules["threshold"]),
        np.float64(rules["share"]) * _UNIT,
        pause if holder["chunk"] != 0 else -1.0,
        pause,
    )
    holder["chunk"] = 1
    return _order_at_market(market, params, slot, _whole(lots))


@kernel
def close_in_steps(market, params, slot, first):
    """One small order a round, until the margin is restored.

    Source: Deribit support "Liquidations" (one round a second, 2025).
    """
    account = market["accounts"][slot]
    holder = market["holders"][slot]
    if equity(account, market["marks"]["mark"]) <= 0:
        return _share(market, slot, bankruptcy_price(account), ZERO)
    size = abs(account["perp"])
    if first:
        holder["chunk"] = mul_div_up(size, params["liquidation"]["share"], RATE_ONE)
    return _order_at_market(market, params, slot, min(size, holder["chunk"]))


@kernel
def close_in_blocks(market, params, slot):
    """A share a block at the fillable price; deleveraging of what is under water.

    Source: dYdX v4-chain 84d4664, ``x/clob/keeper/liquidations.go``.
    """
    account = market["accounts"][slot]
    rules = params["liquidation"]
    engine = market["engine"]
    mark = market["marks"]["mark"]
    now = market["clock"]["now"]
    if now - engine["block_start"] >= rules["cooldown"]:
        engine["block_start"] = now
        engine["block_paid"] = 0
    size = abs(account["perp"])
    lots = max(mul_div_up(size, rules["share"], RATE_ONE), -(-rules["threshold"] // mark))
    lots = min(lots, size, max(ONE, rules["block_notional"] // mark))
    needed = maintenance_margin(margin_of(market, params), size * mark)
    side = 1.0 if account["perp"] > 0 else -1.0
    price = fillable_price(
        side,
        np.float64(mark),
        np.float64(needed) / np.float64(size * mark),
        np.float64(equity(account, mark)),
        np.float64(needed),
        rules["adjustment"],
        rules["spread"],
    )
    allowed = min(purse(market, params, slot), rules["block_loss"] - engine["block_paid"])
    beyond = max(allowed, ZERO) // lots
    before = bankruptcy_price(account)
    if account["perp"] < 0:
        limit = min(np.int64(math.floor(price + _EXACT)), before + beyond)
    else:
        limit = max(np.int64(math.ceil(price - _EXACT)), before - beyond)
    _send_and_settle(market, params, slot, lots, limit)
    if account["perp"] != 0 and equity(account, mark) < 0:
        return _share(market, slot, bankruptcy_price(account), ZERO)
    return _verdict(market, params, slot)


@kernel
def close_on_ramp(market, params, slot, first):
    """A share, growing with time, of what restores the margin.

    Source: Drift protocol-v2 0ae3e3b, ``math/liquidation.rs``.
    """
    account = market["accounts"][slot]
    holder = market["holders"][slot]
    rules = params["liquidation"]
    mark = market["marks"]["mark"]
    if equity(account, mark) <= 0:
        return _share(market, slot, bankruptcy_price(account), ZERO)
    if first:
        holder["chunk"] = 0
    size = abs(account["perp"])
    shortage = _shortage(market, params, account)
    margin = margin_of(market, params)
    rate = margin["rate"][tier_of(margin, size * mark)]
    fee = params["fees"]["liquidation"]
    base = np.float64(size)  # where fees eat what closing frees only the whole position helps
    if rate + rules["buffer"] > rules["ramp_fee"] + fee:
        base = base_to_cover_shortage(
            np.float64(shortage),
            np.float64(rate + rules["buffer"]) * _UNIT,
            np.float64(rules["ramp_fee"]) * _UNIT,
            np.float64(fee) * _UNIT,
            np.float64(mark),
            1.0,
        )
        base = min(base, _HUGE)
    allowed = max_share_to_liquidate(
        np.float64(shortage),
        np.float64(market["clock"]["now"] - holder["started"]),
        rules["ramp_start"],
        np.float64(rules["ramp_time"]),
        np.float64(holder["chunk"]),
        np.float64(rules["ramp_small"]),
    )
    lots = max(ONE, _whole(min(allowed * base, np.float64(size))))
    wealth = account["quote"] + purse(market, params, slot)
    worst = np.float64(mark) * (np.float64(rules["ramp_fee"]) * _UNIT)
    if account["perp"] < 0:
        limit = min(np.int64(math.floor(mark + worst + _EXACT)), wealth // size)
    else:
        limit = max(np.int64(math.ceil(mark - worst - _EXACT)), -(wealth // size))
    _send_and_settle(market, params, slot, lots, limit)
    left = _shortage(market, params, account) if account["perp"] != 0 else ZERO
    holder["chunk"] += max(shortage - left, ZERO)
    return _verdict(market, params, slot)


@kernel
def _shortage(market, params, account):
    """Equity that an account lacks to its maintenance margin and the buffer, quanta."""
    mark = market["marks"]["mark"]
    notional = abs(account["perp"]) * mark
    wanted = maintenance_margin(margin_of(market, params), notional)
    wanted += mul_div_up(notional, params["liquidation"]["buffer"], RATE_ONE)
    return wanted - equity(account, mark)


@kernel(inline=True)
def _share(market, slot, price, traded):
    """Let the rest be shared at ``price``; ``traded`` has not been settled yet, quanta."""
    market["holders"][slot]["chunk"] = traded
    return SHARE, price


@kernel(inline=True)
def _whole(lots):
    """Whole lots that a real number of them takes."""
    return np.int64(math.ceil(lots - _EXACT))


@kernel
def _order_at_market(market, params, slot, lots):
    """Send an order as far from the mark as the money reaches."""
    mark = market["marks"]["mark"]
    limit = reach(market, params, slot, mark, purse(market, params, slot))
    _send_and_settle(market, params, slot, lots, limit)
    return _verdict(market, params, slot)


@kernel
def _send_and_settle(market, params, slot, lots, limit):
    """Send a forced order and settle it against the bankruptcy price before it."""
    account = market["accounts"][slot]
    before = bankruptcy_price(account)
    cash = account["quote"]
    send(market, params, slot, lots, limit)
    settle(market, params, slot, before, abs(account["quote"] - cash))


@kernel
def _verdict(market, params, slot):
    """Pause while the account is still due."""
    account = market["accounts"][slot]
    if is_liquidatable(account, margin_of(market, params), market["marks"]["mark"]):
        return PAUSE, ZERO
    return DONE, ZERO
