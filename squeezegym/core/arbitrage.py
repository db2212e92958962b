"""The spot-perp link as a pool: it sells the dear book and buys the cheap one on outside credit.

Arbitrageurs with capital of their own take its place in :mod:`squeezegym.core.arbitrageurs`.
"""

import numpy as np

from squeezegym._jit import kernel
from squeezegym.codes import (
    ARBITRAGE,
    BUY,
    IOC,
    NO_ASK,
    NO_BID,
    ONE,
    PERP,
    SELL,
    SPOT,
    ZERO,
    Source,
    Stream,
)
from squeezegym.core.arbitrageurs import arbitrageur_looks
from squeezegym.core.book import NO_ORDER
from squeezegym.core.exchange import place
from squeezegym.core.fifo import is_busy, join_line
from squeezegym.core.flow import later
from squeezegym.gatewaycodes import PAIR
from squeezegym.measures import DISCONTINUOUS

_SOURCE = np.int64(Source.ARBITRAGE)
_STREAM = np.int64(Stream.ARBITRAGE)


@kernel
def arbitrage_look(market, params):
    """Trade the basis at prices that stand, beyond its fair value and the cost of both legs.

    The spot leg goes first, as deep as the excess basis pays for; the perp leg hedges what it
    filled, so a thin book leaves the arbitrageur with less, never with a leg it did not choose.
    """
    rules = params["arbitrage"]
    if rules["accounts"] > 0:
        arbitrageur_looks(market, params)
        return
    market["clock"]["due"][_SOURCE] = later(market, _STREAM, rules["rate"])
    if market["protection"]["measures"] & DISCONTINUOUS != 0:
        return  # one leg could not trade
    perp = market["books"][PERP]
    spot = market["books"][SPOT]
    bid = spot["best_bid"]
    ask = spot["best_ask"]
    if perp["best_bid"] == NO_BID or perp["best_ask"] == NO_ASK or bid == NO_BID or ask == NO_ASK:
        return
    dear = np.float64(perp["best_bid"]) / np.float64(ask) - 1.0 - rules["fair_basis"]
    cheap = rules["fair_basis"] - (np.float64(perp["best_ask"]) / np.float64(bid) - 1.0)
    side = BUY if dear > cheap else SELL
    excess = max(dear, cheap) - rules["threshold"]
    if excess <= 0.0:
        return
    qty = min(np.int64(excess * rules["lots_per_unit"]) + 1, rules["max_lots"])
    touch = np.float64(ask if side == BUY else bid)
    reach = np.int64(touch * (1.0 + excess) if side == BUY else touch * (1.0 - excess))
    if is_busy(market):
        join_line(
            market, params, PAIR, SPOT, ARBITRAGE, side, reach, qty, IOC, ZERO, NO_ORDER, ZERO
        )
    else:
        trade_pair(market, params, side, reach, qty)


@kernel
def trade_pair(market, params, side, reach, qty):
    """Trade coins up to a limit, as far as capital allows, and hedge what was filled."""
    held = market["accounts"][ARBITRAGE]["perp"]
    most = params["arbitrage"]["max_position"]
    qty = min(qty, most + held if side == BUY else most - held)
    if qty <= 0:
        return
    filled, _ = place(market, params, SPOT, ARBITRAGE, side, reach, qty, IOC, ZERO)
    if filled > 0:
        other = ONE - side
        place(market, params, PERP, ARBITRAGE, other, ZERO, filled, IOC, ZERO)
