"""Arbitrageurs with capital: what each sees, when it trades the basis, and how it gets out.

Each has two wallets, as venues keep them: a perp wallet with its capital, in the liquidation ladder
like anyone's, and a coin wallet that buys, holds, borrows and sells coins. What a look decides
arrives at the books one latency later, the spot leg first (:mod:`squeezegym.core.legs`). Capital
bounds the trade and losses eat it, so the link between the books can run dry. Source: Shleifer and
Vishny, "The limits of arbitrage", Journal of Finance 52 (1997); the rules are ours.
"""

import numpy as np

from squeezegym._jit import kernel
from squeezegym.codes import (
    BUY,
    IN_QUEUE,
    IOC,
    NEVER,
    NO_ASK,
    NO_BID,
    ONE,
    OUTSIDE,
    PERP,
    RATE_ONE,
    SELL,
    SPOT,
    VENUE,
    ZERO,
    Source,
    Stream,
)
from squeezegym.core.accounts import pay, transfer
from squeezegym.core.arithmetic import mul_div
from squeezegym.core.book import NO_ORDER
from squeezegym.core.fifo import is_busy, join_line
from squeezegym.core.flow import later
from squeezegym.core.legs import leg_of, share_cash, trade_legs
from squeezegym.core.rng import uniform
from squeezegym.core.triggers import LONGS, SHORTS, delist
from squeezegym.gatewaycodes import LEGS
from squeezegym.measures import DISCONTINUOUS

_LOOKS = np.int64(Source.ARBITRAGE)
_ORDERS = np.int64(Source.ARBITRAGE_ORDERS)
_STREAM = np.int64(Stream.ARBITRAGE)
_MOST_LOTS = np.int64(2**31 - 1)  # that an order under way holds
IN_LINE = NEVER - ONE  # due time of an order that waits before the matching engine


@kernel
def open_arbitrageurs(market, params):
    """Give each arbitrageur its share of the capital."""
    rules = params["arbitrage"]
    for i in range(rules["accounts"]):
        slot = rules["first"] + i
        transfer(market, OUTSIDE, slot, rules["capital"])
        market["holders"][slot]["initial"] = np.uint32(rules["initial"])
        order = market["arbitrageurs"][i]
        order["due"] = NEVER
        order["limit"] = 0
        order["qty"] = 0


@kernel
def arbitrageur_looks(market, params):
    """Let one of them look at both touches; what it decides is under way for a latency.

    Who has an order under way, or is before the liquidation engine, does nothing. A leg that stands
    alone comes first: the perp hedges it as far as the margin reaches, and what no margin carries,
    after a liquidation all of it, is traded away on the spot book.
    """
    rules = params["arbitrage"]
    clock = market["clock"]
    clock["due"][_LOOKS] = later(market, _STREAM, rules["rate"])
    i = np.int64(uniform(clock["rng"], _STREAM) * np.float64(rules["accounts"]))
    slot = rules["first"] + i
    coins = slot + rules["accounts"]
    order = market["arbitrageurs"][i]
    account = market["accounts"][slot]
    if order["due"] != NEVER or account["laddered"] >= IN_QUEUE:
        return
    if market["protection"]["measures"] & DISCONTINUOUS != 0:
        return  # one leg could not trade
    wallet = market["accounts"][coins]
    debt = market["holders"][coins]["debt"]
    if wallet["quote"] != 0 or debt != 0:
        share_cash(market, params, slot, coins)
    held = wallet["spot"] - debt
    alone = held + account["perp"]
    qty = ZERO
    limit = ZERO
    if alone == 0:
        qty, limit = _decide(market, params, held)
        if qty == 0:
            return
    elif leg_of(market, params, slot, alone)[0] == 0:
        qty, limit = _trade_away(market, params, -alone)
    order["qty"] = np.int32(min(max(qty, -_MOST_LOTS), _MOST_LOTS))
    order["limit"] = np.uint32(limit)
    order["due"] = clock["now"] + rules["latency"]
    clock["due"][_ORDERS] = min(clock["due"][_ORDERS], order["due"])


@kernel
def _decide(market, params, held):
    """Spot lots to trade, signed, and their limit; 0 lots while neither direction pays.

    A trade that adds to ``held`` (coins less debt) must clear the hurdle, one that reduces it the
    unwinding basis, both at prices that stand in the books; size and reach grow with the excess. A
    long perp leg pays the funding that is to come, so the fair basis is lower by it.
    """
    rules = params["arbitrage"]
    perp = market["books"][PERP]
    spot = market["books"][SPOT]
    perp_bid = perp["best_bid"]
    perp_ask = perp["best_ask"]
    bid = spot["best_bid"]
    ask = spot["best_ask"]
    if perp_bid == NO_BID or perp_ask == NO_ASK or bid == NO_BID or ask == NO_ASK:
        return ZERO, ZERO
    fair = rules["fair_basis"] - rules["funding_weight"] * market["funding"]["predicted"]
    dear = np.float64(perp_bid) / np.float64(ask) - 1.0 - fair
    cheap = fair - (np.float64(perp_ask) / np.float64(bid) - 1.0)
    dear -= rules["hurdle"] if held >= 0 else -rules["unwind"]
    cheap -= rules["hurdle"] if held <= 0 else -rules["unwind"]
    buys = dear > cheap
    excess = dear if buys else cheap
    if excess <= 0.0 or (not buys and held <= 0 and params["borrowing"]["supply"] == 0):
        return ZERO, ZERO
    qty = np.int64(min(excess * rules["lots_per_unit"], np.float64(rules["max_lots"]))) + 1
    qty = min(qty, rules["max_lots"])
    if held != 0 and (held < 0) == buys:
        qty = min(qty, abs(held))
    if buys:
        return qty, min(np.int64(np.float64(ask) * (1.0 + excess)), spot["highest"])
    return -qty, max(np.int64(np.float64(bid) * (1.0 - excess)), spot["lowest"])


@kernel
def _trade_away(market, params, qty):
    """Spot lots, signed, at most one trade's, and a limit as far beyond the touch as a leg goes."""
    rules = params["arbitrage"]
    spot = market["books"][SPOT]
    touch = spot["best_ask"] if qty > 0 else spot["best_bid"]
    if touch == NO_ASK or touch == NO_BID:
        return ZERO, ZERO
    slack = np.int64(np.float64(touch) * rules["slippage"]) + 1
    most = max(rules["max_lots"], ONE)
    if qty > 0:
        return min(qty, most), min(touch + slack, spot["highest"])
    return max(qty, -most), max(touch - slack, spot["lowest"])


@kernel
def serve_arbitrageur(market, params):
    """The earliest order arrives: it trades, stands in line before a busy engine, or is refused."""
    rules = params["arbitrage"]
    i = _earliest(market, rules)
    order = market["arbitrageurs"][i]
    if is_busy(market):
        slot = rules["first"] + i
        qty = np.int64(order["qty"])
        limit = np.int64(order["limit"])
        side = BUY if qty > 0 else SELL
        if join_line(
            market, params, LEGS, SPOT, slot, side, limit, abs(qty), IOC, ZERO, NO_ORDER, i
        ):
            order["due"] = IN_LINE
        else:
            order["due"] = NEVER
            order["qty"] = 0
            order["limit"] = 0
    else:
        trade_order(market, params, i)
    market["clock"]["due"][_ORDERS] = market["arbitrageurs"][_earliest(market, rules)]["due"]


@kernel
def trade_order(market, params, i):
    """Match the order of an arbitrageur: coins first, then the perp leg; share its cash anew.

    An order whose arbitrageur has meanwhile come before the liquidation engine comes to nothing,
    the spot leg of one whose debt is being bought in likewise.
    """
    rules = params["arbitrage"]
    order = market["arbitrageurs"][i]
    qty = np.int64(order["qty"])
    limit = np.int64(order["limit"])
    order["due"] = NEVER
    order["qty"] = 0
    order["limit"] = 0
    market["clock"]["due"][_ORDERS] = market["arbitrageurs"][_earliest(market, rules)]["due"]
    slot = rules["first"] + i
    coins = slot + rules["accounts"]
    account = market["accounts"][slot]
    wallet = market["accounts"][coins]
    if account["laddered"] >= IN_QUEUE:
        return
    delist(market, slot, LONGS if account["perp"] > 0 else SHORTS)
    fees = account["fees"] + wallet["fees"]
    trade_legs(market, params, slot, coins, qty, limit)
    fees = account["fees"] + wallet["fees"] - fees
    back = mul_div(fees, rules["rebate"], RATE_ONE)
    pay(market, VENUE, slot, back)
    account["fees"] -= back
    share_cash(market, params, slot, coins)


@kernel
def _earliest(market, rules):
    """Index of the order that arrives first; of those of one time the first arbitrageur's."""
    first = ZERO
    for i in range(1, rules["accounts"]):
        if market["arbitrageurs"][i]["due"] < market["arbitrageurs"][first]["due"]:
            first = np.int64(i)
    return first
