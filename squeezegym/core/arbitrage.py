"""The spot-perp link as a pool: it sells the dear book and buys the cheap one on outside credit.

Arbitrageurs with capital of their own take its place in :mod:`squeezegym.core.arbitrageurs`.
"""

import numpy as np

from squeezegym._jit import kernel
from squeezegym.codes import (
    ARBITRAGE,
    BUY,
    IOC,
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
from squeezegym.core.marks import mid
from squeezegym.gatewaycodes import PAIR
from squeezegym.measures import DISCONTINUOUS

_SOURCE = np.int64(Source.ARBITRAGE)
_STREAM = np.int64(Stream.ARBITRAGE)


@kernel
def arbitrage_look(market, params):
    """Trade the basis beyond its fair value and the cost of both legs, within capital.

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
    perp = mid(market["books"][PERP])
    spot = mid(market["books"][SPOT])
    basis = perp / spot - 1.0 - rules["fair_basis"]
    excess = abs(basis) - rules["threshold"]
    if excess <= 0.0:
        return
    qty = min(np.int64(excess * rules["lots_per_unit"]) + 1, rules["max_lots"])
    side = BUY if basis > 0 else SELL
    reach = np.int64(spot * (1.0 + excess) if basis > 0 else spot * (1.0 - excess))
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
