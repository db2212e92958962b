"""The insurance fund and the vault: what they may pay, and how a forced close is settled."""

import math

import numpy as np

from squeezegym._jit import kernel
from squeezegym.codes import (
    ABSORBER,
    BUY,
    FUND,
    NO_ASK,
    ONE,
    PERP,
    RATE_ONE,
    VAULT,
    ZERO,
)
from squeezegym.core.accounts import equity, move_position, pay_by_force
from squeezegym.core.arithmetic import mul_div, mul_div_up
from squeezegym.core.margin import bankruptcy_price
from squeezegym.measures import ABSORPTION


@kernel
def watch_fund(market, params):
    """Switch the fund off after a drawdown from its peak, and on again when it has recovered.

    Source: CoinCatch "Auto-deleveraging" (off at -30 %, on above 90 % of the peak).
    """
    engine = market["engine"]
    rules = params["liquidation"]
    fund = market["accounts"][FUND]["quote"]
    engine["fund_peak"] = max(engine["fund_peak"], fund)
    if rules["drawdown"] == 0:
        return
    peak = engine["fund_peak"]
    if fund < peak - mul_div(peak, rules["drawdown"], RATE_ONE):
        engine["fund_off"] = 1
    elif fund > mul_div(peak, rules["recovery"], RATE_ONE):
        engine["fund_off"] = 0


@kernel
def purse(market, params, slot):
    """Quanta with which the fund stands behind the position of an account.

    Nothing while it is switched off, or for a position beyond its cap. Source of the cap: Binance
    FAQ "Insurance fund" (2020 text: the fund holds no notional above its own size).
    """
    if market["engine"]["fund_off"] != 0:
        return ZERO
    fund = market["accounts"][FUND]["quote"]
    cap = params["liquidation"]["fund_cap"]
    if cap > 0:
        notional = abs(market["accounts"][slot]["perp"]) * market["marks"]["mark"]
        if notional > mul_div(fund, cap, RATE_ONE):
            return ZERO
    return fund


@kernel
def reach(market, params, slot, reference, money):
    """Worst limit of an order that closes an account: as far as money and patience reach.

    Args:
        market: The market record.
        params: Its parameters.
        slot: The account; it has a position.
        reference: Price beyond which it may go by ``support`` at most, ticks.
        money: What the fund adds to the account's own cash, quanta.
    """
    account = market["accounts"][slot]
    slack = mul_div(reference, params["liquidation"]["support"], RATE_ONE)
    wealth = account["quote"] + money
    perp = account["perp"]
    if perp < 0:
        return min(wealth // (-perp), reference + slack)
    return max(-(wealth // perp), reference - slack)


@kernel(inline=True)
def playable(market, side, price):
    """Clip a limit that lies beyond the perp book's range, where it can cap nothing."""
    book = market["books"][PERP]
    if side == BUY:
        return min(max(price, ONE), book["highest"])
    return max(min(price, NO_ASK - 1), book["lowest"])


@kernel
def settle(market, params, slot, price, traded):
    """Settle what forced orders made of an account against its bankruptcy price before them.

    What is left at that price pays the liquidation fee, at most itself; what is missing the fund
    pays. With the position closed this is the account's cash, whatever the price.

    Args:
        market: The market record.
        params: Its parameters.
        slot: The account.
        price: Bankruptcy price before the orders, ticks.
        traded: Notional of the orders, quanta.
    """
    account = market["accounts"][slot]
    left = account["quote"] + account["perp"] * price
    if left >= 0:
        fee = min(mul_div_up(traded, params["fees"]["liquidation"], RATE_ONE), left)
        pay_by_force(market, slot, FUND, fee)
        account["fees"] += fee
        return
    from_fund = min(-left, market["accounts"][FUND]["quote"])
    pay_by_force(market, FUND, slot, from_fund)
    market["score"]["deficit"] += from_fund
    market["engine"]["block_paid"] += from_fund
    if account["perp"] == 0:  # off-book at mark the absorber stands in for the venue
        pay_by_force(market, ABSORBER, slot, -left - from_fund)


@kernel
def absorb(market, params, slot):
    """Let the vault take a share of a position at mark, as far as it and the fund are good for it.

    Their worth covers the notional that the vault then holds. Source: Binance FAQ "Insurance fund"
    (2020 text: it takes positions, up to a notional of its own size); the share is ours.
    """
    account = market["accounts"][slot]
    vault = market["accounts"][VAULT]
    mark = market["marks"]["mark"]
    worth = equity(vault, mark) + market["accounts"][FUND]["quote"]
    room = max(worth, ZERO) // mark - abs(vault["perp"])
    size = np.float64(abs(account["perp"])) * market["protection"]["value"][ABSORPTION]
    lots = min(np.int64(math.floor(size)), room)
    if lots <= 0:
        return
    before = bankruptcy_price(account)
    if account["perp"] < 0:
        move_position(market, VAULT, slot, mark, lots)
    else:
        move_position(market, slot, VAULT, mark, lots)
    market["score"]["taken_over"] += lots
    settle(market, params, slot, before, lots * mark)


@kernel
def take_over(market, slot):
    """Let the vault take position and cash of an account, if it stays solvent with them.

    Source: Hyperliquid docs "Liquidations" (backstop liquidation by the liquidator vault).

    Returns:
        Whether it did.
    """
    account = market["accounts"][slot]
    mark = market["marks"]["mark"]
    if equity(market["accounts"][VAULT], mark) + equity(account, mark) < 0:
        return False
    market["score"]["taken_over"] += abs(account["perp"])
    if account["perp"] < 0:
        move_position(market, VAULT, slot, mark, -account["perp"])
    else:
        move_position(market, slot, VAULT, mark, account["perp"])
    if account["quote"] >= 0:
        pay_by_force(market, slot, VAULT, account["quote"])
    else:
        pay_by_force(market, VAULT, slot, -account["quote"])
    return True
