"""The legs of an arbitrage, and the cash between an arbitrageur's two wallets.

Coins are bought with cash and sold from stock or from a loan; either is cut to what the capital
carries together with the margin of the perp leg that follows. Amounts that only cut are rounded up
to the quantum a lot. Wallets pay each other in the log.
"""

import numpy as np

from squeezegym._jit import kernel
from squeezegym.codes import (
    BUY,
    IN_BUY_IN,
    IOC,
    NO_ASK,
    NO_BID,
    ONE,
    PERP,
    RATE_ONE,
    SELL,
    SPOT,
    ZERO,
)
from squeezegym.core.accounts import equity, pay
from squeezegym.core.arithmetic import mul_div_up
from squeezegym.core.borrow import borrow_coins, list_borrower, repay_coins
from squeezegym.core.exchange import coin_cost, place
from squeezegym.core.fund import playable
from squeezegym.core.margin import margin_of, tier_of
from squeezegym.core.triggers import LONGS, SHORTS, delist, enlist


@kernel
def margin_room(market, params, slot, lots):
    """What the perp wallet may spend, and what another lot of its leg asks for, in quanta.

    Args:
        market: The market record.
        params: Its parameters.
        slot: The perp wallet.
        lots: By which its position may grow: they decide the bracket.

    Returns:
        ``(room, lot, cost)``: equity at mark less the initial margin of the position, which may be
        below 0; the initial margin of a lot; what opening it may cost besides, slippage and fee.
    """
    account = market["accounts"][slot]
    margin = margin_of(market, params)
    mark = market["marks"]["mark"]
    size = abs(account["perp"])
    asked = np.int64(market["holders"][slot]["initial"])
    rate = max(margin["initial"][tier_of(margin, (size + lots) * mark)], asked)
    lot = -(-mark * rate // RATE_ONE)
    cost = np.int64(np.float64(mark) * params["arbitrage"]["slippage"]) + 1
    cost -= -mark * params["fees"]["taker"][PERP] // RATE_ONE
    return equity(account, mark) - size * lot, lot, cost


@kernel
def leg_of(market, params, slot, alone):
    """The perp order that hedges ``alone`` lots of coins, cut to what the margin carries.

    Returns:
        ``(qty, side, limit)``: lots, 0 where nothing can be sent; within the slippage of the touch.
    """
    account = market["accounts"][slot]
    book = market["books"][PERP]
    mark = market["marks"]["mark"]
    side = SELL if alone > 0 else BUY
    touch = book["best_bid"] if alone > 0 else book["best_ask"]
    if alone == 0 or touch == NO_BID or touch == NO_ASK:
        return ZERO, side, ZERO
    slack = np.int64(np.float64(touch) * params["arbitrage"]["slippage"]) + 1
    limit = playable(market, side, touch - slack if alone > 0 else touch + slack)
    qty = abs(alone)
    if account["perp"] != 0 and (account["perp"] > 0) == (alone > 0):
        return min(qty, abs(account["perp"])), side, limit  # what reduces needs no margin
    room, lot, _ = margin_room(market, params, slot, qty)
    lot += max(mark - limit if alone > 0 else limit - mark, ZERO)
    lot -= -limit * params["fees"]["taker"][PERP] // RATE_ONE
    return min(qty, max(room, ZERO) // lot), side, limit


@kernel
def pay_for_coins(market, params, slot, coins, qty, limit):
    """Bring the cash of a purchase into the coin wallet.

    Returns:
        Lots that both wallets pay for at the limit, fee and the margin of the hedge included; what
        a debt is bought back with needs no hedge.
    """
    wallet = market["accounts"][coins]
    price = coin_cost(params, limit, ONE)
    room, lot, cost = margin_room(market, params, slot, qty)
    each = price
    if market["holders"][coins]["debt"] == 0:
        each += lot + cost
    qty = min(qty, (wallet["quote"] + max(room, ZERO)) // each)
    pay(market, slot, coins, max(coin_cost(params, limit, qty) - wallet["quote"], ZERO))
    return qty


@kernel
def fetch_coins(market, params, slot, coins, qty):
    """Borrow what a sale lacks, against cash of the perp wallet.

    Returns:
        Lots that the coin wallet can sell.
    """
    wallet = market["accounts"][coins]
    rules = params["borrowing"]
    short = qty - wallet["spot"]
    if short > 0 and rules["supply"] > 0:
        index = market["marks"]["index"]
        covered = mul_div_up(index, rules["initial"], RATE_ONE)  # assets that a lot of debt needs
        debt = market["holders"][coins]["debt"]
        spare = wallet["quote"] + wallet["spot"] * index - debt * covered
        room, lot, cost = margin_room(market, params, slot, short)
        each = covered - index + lot + cost
        short = min(short, max(spare + max(room, ZERO), ZERO) // each)
        if short > 0:
            pay(market, slot, coins, max(short * (covered - index) - spare, ZERO))
            borrow_coins(market, params, coins, short)
    return min(qty, wallet["spot"])


@kernel
def trade_legs(market, params, slot, coins, qty, limit):
    """Trade coins, signed, then the perp leg of all that stand alone; coins owed go back at once.

    What either book leaves open waits for the next look.
    """
    wallet = market["accounts"][coins]
    holder = market["holders"][coins]
    side = BUY if qty > 0 else SELL
    if wallet["laddered"] == IN_BUY_IN:
        qty = ZERO
    if qty > 0:
        qty = pay_for_coins(market, params, slot, coins, qty, limit)
    elif qty < 0:
        qty = fetch_coins(market, params, slot, coins, -qty)
    if qty > 0:
        place(market, params, SPOT, coins, side, limit, qty, IOC, ZERO)
        if holder["debt"] > 0:
            repay_coins(market, params, coins, wallet["spot"])
    alone = wallet["spot"] - holder["debt"] + market["accounts"][slot]["perp"]
    qty, side, limit = leg_of(market, params, slot, alone)
    if qty > 0:
        place(market, params, PERP, slot, side, limit, qty, IOC, ZERO)


@kernel
def share_cash(market, params, slot, coins):
    """Leave the coin wallet the cash that its debt asks for, and the perp wallet all other.

    The perp wallet gives no more than its margin leaves it. Both go back to their ladders; a coin
    wallet that is being bought in keeps what it has.
    """
    account = market["accounts"][slot]
    wallet = market["accounts"][coins]
    delist(market, slot, LONGS if account["perp"] > 0 else SHORTS)
    if wallet["laddered"] != IN_BUY_IN:
        index = market["marks"]["index"]
        owed = market["holders"][coins]["debt"] * index
        needed = mul_div_up(owed, params["borrowing"]["initial"], RATE_ONE)
        missing = max(needed - wallet["spot"] * index, ZERO) - wallet["quote"]
        if missing > 0:
            room, _, _ = margin_room(market, params, slot, ZERO)
            pay(market, slot, coins, min(missing, max(room, ZERO)))
        else:
            pay(market, coins, slot, -missing)
        list_borrower(market, params, coins)
    enlist(market, params, slot)
