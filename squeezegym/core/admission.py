"""What the venue's protection asks of an order: its price bands, its restrictions on opening."""

import math

import numpy as np

from squeezegym._jit import kernel
from squeezegym.codes import (
    BUY,
    FIRST_HOLDER,
    FOLLOWER,
    GTC,
    IOC,
    IS_AT_OPEN,
    IS_FORCED,
    IS_REDUCE_ONLY,
    KIND_LEARNER,
    NO_ASK,
    ONE,
    PERP,
    SELL,
    SNIPER,
    STATE_AUCTION,
    ZERO,
    Source,
)
from squeezegym.measures import (
    ABOVE_BID_ONLY,
    BANDED,
    BATCHING,
    BREAKER_ARMED,
    BUYING_RESTRICTED,
    CIRCUIT_BREAKER,
    IN_PAUSE,
    ONLY_CLOSING,
    POSITION_LIMIT,
    POSITIONS_CAPPED,
    PRICE_BAND,
    SHORTING_BANNED,
    VELOCITY_WATCHED,
)
from squeezegym.statuses import (
    ACCEPTED,
    BEYOND_BAND,
    BUY_RESTRICTED,
    CLOSING_ONLY,
    POSITION_LIMITED,
    SHORT_BANNED,
    UPTICK_ONLY,
)

_PROTECTION = np.int64(Source.PROTECTION)
_RESTRICTIONS = (
    BUYING_RESTRICTED | SHORTING_BANNED | ABOVE_BID_ONLY | ONLY_CLOSING | POSITIONS_CAPPED
)
_FIRST_MOVE = CIRCUIT_BREAKER
_MOVES = BREAKER_ARMED | VELOCITY_WATCHED


@kernel
def admission(market, params, venue, owner, side, price, qty, tif, flags):
    """Return why protection refuses an order on the guarded book, and the limit it may trade at.

    A limit order beyond the band is refused; what trades at once trades up to the band. Forced
    orders keep to the bands but not to the restrictions, and an auction has no bands.

    Args:
        market: The market record.
        params: Its parameters.
        venue: The guarded book.
        owner: Account slot.
        side: BUY or SELL.
        price: Limit, ticks; 0 for a market order.
        qty: Lots.
        tif: GTC, IOC or FOK.
        flags: Bits of ``OrderFlag``.

    Returns:
        ``(status, price)``.
    """
    measures = market["protection"]["measures"]
    if flags & IS_FORCED == 0 and measures & _RESTRICTIONS != 0:
        status = _restriction(market, params, venue, owner, side, price, qty)
        if status != ACCEPTED:
            return status, price
    if np.int64(market["books"][venue]["state"]) == STATE_AUCTION:
        return ACCEPTED, price
    if params["protection"]["limits"] == 0 and measures & BANDED == 0:
        return ACCEPTED, price
    lower, upper = bands(market, params, venue)
    band = upper if side == BUY else lower
    if price != 0 and (price <= band if side == BUY else price >= band):
        return ACCEPTED, price
    if tif == GTC and price != 0:
        return BEYOND_BAND, price
    return ACCEPTED, band


@kernel
def _restriction(market, params, venue, owner, side, price, qty):
    """Return why an owner may not send an order, or ACCEPTED.

    Makers and the background, pools that stand for many traders, know the position limit no more
    than the rules on opening and on short sales. The order of the rules is that of their bits.
    """
    rules = params["protection"]
    measures = market["protection"]["measures"]
    account = market["accounts"][owner]
    held = account["perp"] if venue == PERP else account["spot"] - market["holders"][owner]["debt"]
    change = qty if side == BUY else -qty
    individual = owner >= FIRST_HOLDER
    if account["kind"] == KIND_LEARNER:
        individual = rules["learner"] != 0
    trades = individual or owner == FOLLOWER or owner == SNIPER
    opens = abs(held + change) > abs(held) or (held + change > 0) != (held > 0)
    opens = opens and held + change != 0
    if measures & BUYING_RESTRICTED != 0 and side == BUY and opens and held + qty > 0:
        if is_retail(params, owner, account["kind"], individual):
            return BUY_RESTRICTED
    if not trades:
        return ACCEPTED
    if side == SELL and held - qty < 0:
        if measures & SHORTING_BANNED != 0:
            return SHORT_BANNED
        if measures & ABOVE_BID_ONLY != 0 and at_or_below_bid(market["books"][venue], price):
            return UPTICK_ONLY
    if measures & ONLY_CLOSING != 0 and opens:
        return CLOSING_ONLY
    if measures & POSITIONS_CAPPED != 0 and exceeds_limit(market, venue, owner, side, held, qty):
        return POSITION_LIMITED
    return ACCEPTED


@kernel
def is_retail(params, owner, kind, individual):
    """Whether a buy restriction is for an owner: whom FOMO reaches, learners, followers.

    Source: brokers' "position closing only" of 2021-01-28. The short ban exempts the pools as the
    SEC's emergency order of 2008-09-18 exempted market makers.
    """
    if not individual:
        return owner == FOLLOWER and params["protection"]["followers"] != 0
    fomo = params["fomo"]
    return kind == KIND_LEARNER or (fomo["accounts"] > 0 and owner >= fomo["first"])


@kernel
def at_or_below_bid(book, price):
    """Whether a short sale would be priced at the best bid or below; an auction has no bid.

    Source: SEC Rule 201 (Regulation SHO), 2010-02-26: only above the national best bid.
    """
    if np.int64(book["state"]) == STATE_AUCTION:
        return False
    return price <= book["best_bid"]


@kernel
def exceeds_limit(market, venue, owner, side, held, qty):
    """Whether position, open orders of the side and an order would exceed the position limit."""
    reached = held + qty if side == BUY else qty - held
    if venue == PERP and market["accounts"][owner]["kind"] >= KIND_LEARNER:
        reached += np.int64(market["holders"][owner]["open_lots"][side])
    return np.float64(reached) > market["protection"]["value"][POSITION_LIMIT]


@kernel
def band_around(reference, below, above):
    """Lower and upper end of a band, to the tick: ``reference - below`` and ``+ above``."""
    price = np.float64(reference)
    lower = max(np.int64(math.floor(price - below + 0.5)), ONE)
    return lower, min(np.int64(math.floor(price + above + 0.5)), NO_ASK - 1)


@kernel
def bands(market, params, venue):
    """Bands of the guarded book: those of limit-up/limit-down, and the one around mark or last.

    Source of the latter: Binance exchangeInfo, filter PERCENT_PRICE and marketTakeBound, 2025; the
    London Metal Exchange reopened nickel within 5 % of the last close, 2022-03-16.
    """
    state = market["protection"]
    rules = params["protection"]
    lower = state["lower"] if rules["limits"] != 0 else ONE
    upper = state["upper"] if rules["limits"] != 0 else NO_ASK - 1
    if state["measures"] & BANDED != 0:
        reference = market["marks"]["mark"] if venue == PERP else market["marks"]["index"]
        if rules["by_last"] != 0:
            reference = market["books"][venue]["last"]
        width = state["value"][PRICE_BAND] * np.float64(reference)
        low, high = band_around(reference, width * rules["band_down"], width)
        lower = max(lower, low)
        upper = min(upper, high)
    return lower, upper


@kernel(inline=True)
def banded(market, params, venue, side, price):
    """Hold a limit within the bands of the guarded book: makers know where it may stand."""
    state = market["protection"]
    if state["guarded"] != venue + 1:
        return price
    if params["protection"]["limits"] == 0 and state["measures"] & BANDED == 0:
        return price
    lower, upper = bands(market, params, venue)
    return min(price, upper) if side == BUY else max(price, lower)


@kernel
def collects_batch(market, venue):
    """Whether a book collects orders for an auction that is one of many."""
    if market["protection"]["measures"] & (BATCHING | IN_PAUSE) != BATCHING:
        return False
    return np.int64(market["books"][venue]["state"]) == STATE_AUCTION


@kernel
def join_batch(market, venue, owner, side, price, qty, flags):
    """Turn an order for now into one that waits for the uncross of the batch, where that will do.

    Followers, snipers and learners can wait, and holders who reduce their position; who needs an
    answer at once is refused like anyone in an auction.

    Returns:
        ``(price, tif, flags)`` of the order.
    """
    held = market["accounts"][owner]["perp"]
    more = IS_AT_OPEN
    if market["accounts"][owner]["kind"] == KIND_LEARNER:
        waits = True
    elif owner >= FIRST_HOLDER:
        more |= IS_REDUCE_ONLY
        waits = venue == PERP and (qty <= held if side == SELL else qty <= -held)
    else:
        waits = owner == FOLLOWER or owner == SNIPER
    if not waits or not collects_batch(market, venue):
        return price, IOC, flags
    book = market["books"][venue]
    if price == 0:
        price = book["highest"] if side == BUY else book["lowest"]
    return price, GTC, flags | more


@kernel
def note_print(market, params, price):
    """Take a trade into the windows of prices: one a message, at its last price.

    A move that a halt is for lets the venue look at once.
    """
    state = market["protection"]
    now = market["clock"]["now"]
    if state["measures"] & _MOVES != 0:
        for kind in range(2):
            part = now // params["protection"]["move_part"][kind]
            row = state["moves"][kind, part % np.int64(state["moves"].shape[1])]
            if row["part"] != part:
                row["part"] = part
                row["low"] = np.int32(price)
                row["high"] = np.int32(price)
            row["low"] = min(row["low"], np.int32(price))
            row["high"] = max(row["high"], np.int32(price))
            if moved_too_far(market, params, np.int64(kind), price) != 0:
                market["clock"]["due"][_PROTECTION] = now
    part = now // params["protection"]["part"]
    place = part % np.int64(state["part"].shape[0])
    if state["part"][place] != part:
        state["part"][place] = part
        state["prints"][place] = 0
        state["total"][place] = 0
    state["prints"][place] += 1
    state["total"][place] += price


@kernel
def moved_too_far(market, params, kind, price):
    """Limit price that a trade has reached, ticks; 0 within the limits or while nobody watches.

    Source: CME "Dynamic circuit breakers" FAQ (low of the rolling window plus, high minus a variant
    that is a share of the settlement price, rounded down to the tick).

    Args:
        market: The market record.
        params: Its parameters.
        kind: 0 circuit breaker, 1 velocity halt.
        price: Of the last trade, ticks.
    """
    state = market["protection"]
    rule = _FIRST_MOVE + kind
    if state["measures"] & (BREAKER_ARMED << kind) == 0:
        return ZERO
    n = np.int64(state["moves"].shape[1])
    oldest = market["clock"]["now"] // params["protection"]["move_part"][kind] - n
    low = price
    high = price
    for i in range(n):
        row = state["moves"][kind, i]
        if row["part"] > oldest:
            low = min(low, np.int64(row["low"]))
            high = max(high, np.int64(row["high"]))
    return limit_of_move(low, high, price, state["value"][rule] * np.float64(state["close"]))


@kernel
def limit_of_move(low, high, price, variant):
    """Limit that a price has reached: ``low + variant`` or ``high - variant``; 0 in between."""
    variant = max(np.int64(math.floor(variant)), ONE)
    if price >= low + variant:
        return low + variant
    return max(high - variant, ONE) if price <= high - variant else ZERO


@kernel
def mean_print(market, params):
    """Mean price of the trades in the window, ticks, to a tenth of its length; 0 without any."""
    state = market["protection"]
    n = np.int64(state["part"].shape[0])
    oldest = market["clock"]["now"] // params["protection"]["part"] - n
    total = ZERO
    prints = ZERO
    for i in range(n):
        if state["part"][i] > oldest:
            total += state["total"][i]
            prints += state["prints"][i]
    if prints == 0:
        return ZERO
    return np.int64(math.floor(np.float64(total) / np.float64(prints) + 0.5))
