"""A learner's two moments: what it does at a decision, what it sees after it.

It acts on the last feed snapshot that arrived and on its own acks, never on the true book.
"""

import math

import numpy as np

from squeezegym._jit import kernel
from squeezegym.codes import (
    BUY,
    GTC,
    IOC,
    IS_POST_ONLY,
    IS_REDUCE_ONLY,
    NEVER,
    NO_ASK,
    ONE,
    PERP,
    RATE_ONE,
    SELL,
    SPOT,
    ZERO,
)
from squeezegym.core.arithmetic import coarse_log, mul_div_up
from squeezegym.core.coins import net_position, net_worth
from squeezegym.core.feed import HORIZONS, receive
from squeezegym.core.gateway import receive_acks, send
from squeezegym.core.margin import maintenance_margin, margin_of
from squeezegym.gatewaycodes import LEARNER_CANCEL, LEARNER_ORDER
from squeezegym.statuses import EXECUTION_UNKNOWN
from squeezegym.viewrecord import N_MEASURES

_TEN_BP = 1e-3
_SECOND = 1e9
_DEPTH_UNIT = 0.02  # share of the 10 bp depth at which a size reads log 2


@kernel
def act(market, params, seat, view):
    """Turn the action into messages: cancel what stands in the way, order the difference.

    Nothing new is sent before the acks of all earlier messages have arrived.
    """
    receive(market)
    receive_acks(market, seat)
    learner = market["learners"][seat]
    known = learner["known"]
    if known["liquidated"] != 0 or known["served"] < learner["sent"]:
        return
    rules = params["learners"][seat]
    snapshot = market["feed"]["seen"]
    if rules["quotes"] != 0:
        _quote(market, params, seat, view)
        return
    change = _target(params, rules, known, snapshot, view["target"]) - known["position"]
    side = BUY if change > 0 else SELL
    deadband = max(ONE, rules["limit"] // 50)
    if abs(change) < deadband:
        if known["order_qty"] > 0:
            send(market, params, seat, LEARNER_CANCEL, ZERO, ZERO, ZERO, GTC, ZERO, ZERO)
        return
    takes = view["aggression"] > 0.0
    price = _order_price(rules, snapshot, side, takes)
    if known["order_qty"] > 0:
        if (
            not takes
            and known["order_side"] == side
            and known["order_price"] == price
            and known["order_qty"] == abs(change)
        ):
            return
        own = known["order_side"]
        lots = known["order_qty"]
        send(market, params, seat, LEARNER_CANCEL, own, ZERO, lots, GTC, ZERO, ZERO)
    if price > 0:
        replaces = ONE if known["order_qty"] > 0 else ZERO
        flags = ZERO
        if rules["venue"] == PERP and (known["position"] < 0) == (side == BUY):
            if abs(change) <= abs(known["position"]):
                flags = IS_REDUCE_ONLY  # an overloaded venue still takes it
        tif = IOC if takes else GTC
        send(market, params, seat, LEARNER_ORDER, side, price, abs(change), tif, flags, replaces)


@kernel
def _quote(market, params, seat, view):
    """Rest one side of a pair of quotes: the bid of the account itself, or the ask of its hand.

    The target is the size in units of the limit, the aggression how near to the published mid; 1
    is there, or as near as the other side of the book lets it. Post-only. A quote that a fill has
    cut stays in the queue until half of it is gone.
    """
    learner = market["learners"][seat]
    known = learner["known"]
    rules = params["learners"][seat]
    snapshot = market["feed"]["seen"]
    side = BUY if learner["hand"] == 0 else SELL
    away = 0.5 * (1.0 - view["aggression"]) * rules["widest"]
    middle = _published_mid(snapshot, rules["venue"])
    opposite = np.int64(snapshot["price"][rules["venue"], ONE - side, 0])
    wanted = np.int64(abs(view["target"]) * np.float64(rules["limit"]))
    if side == BUY:
        wanted = min(wanted, _target(params, rules, known, snapshot, 1.0) - known["position"])
        price = max(np.int64(math.floor(middle * (1.0 - away))), ONE)
        price = min(price, opposite - ONE) if opposite > 0 else price
    else:
        wanted = min(wanted, known["position"] - _target(params, rules, known, snapshot, -1.0))
        price = min(np.int64(math.ceil(middle * (1.0 + away))), NO_ASK - ONE)
        price = max(price, opposite + ONE) if opposite > 0 else price
    standing = known["order_qty"]
    rests = wanted >= max(ONE, rules["limit"] // 50)
    if standing > 0:
        stays = known["order_price"] == price and standing <= wanted and 2 * standing > wanted
        if rests and stays:
            return
        send(market, params, seat, LEARNER_CANCEL, side, ZERO, standing, GTC, ZERO, ZERO)
    if rests and price > 0:
        replaces = ONE if standing > 0 else ZERO
        send(market, params, seat, LEARNER_ORDER, side, price, wanted, GTC, IS_POST_ONLY, replaces)


@kernel
def _target(params, rules, known, snapshot, action):
    """Target position in lots: the action times the limit, within the leverage cap.

    The cap refuses to add to a position; it does not take one away. On spot coins are bought with
    cash alone, and a loan must leave the initial margin level.
    """
    mark = snapshot["index"] if rules["venue"] == SPOT else snapshot["mark"]
    worth = known["quote"] + known["position"] * mark
    # Of each unit of notional: the margin, the taker fee, and what a capped order may overpay.
    fee = np.float64(params["fees"]["taker"][rules["venue"]]) / np.float64(RATE_ONE)
    margin = 1.0 / rules["leverage_cap"]
    if rules["venue"] == SPOT:
        level = np.float64(params["borrowing"]["initial"]) / np.float64(RATE_ONE)
        margin = 1.0 if action > 0.0 else max(margin, level - 1.0)
    cost = margin + fee + rules["cap"]
    affordable = np.float64(max(worth, ZERO)) / cost / np.float64(max(mark, ONE))
    target = action * np.float64(rules["limit"])
    highest = max(affordable, np.float64(known["position"]))
    lowest = min(-affordable, np.float64(known["position"]))
    target = min(max(target, lowest), highest)
    return np.int64(math.floor(target + 0.5))


@kernel
def _order_price(rules, snapshot, side, takes):
    """Limit price from the published book; 0 when the feed shows no price to go by."""
    venue = rules["venue"]
    own = np.int64(snapshot["price"][venue, side, 0])
    opposite = np.int64(snapshot["price"][venue, ONE - side, 0])
    if not takes:
        if own > 0:
            return own
        return opposite + (1 if side == SELL else -1) if opposite > 0 else ZERO
    reference = opposite if opposite > 0 else snapshot["last"][venue]
    slack = max(ONE, np.int64(np.float64(reference) * rules["cap"]))
    price = reference + slack if side == BUY else reference - slack
    return min(max(price, ONE), NO_ASK - 1)


@kernel
def report(market, params, seat, view):
    """Write the account and the observation into the view."""
    receive(market)
    receive_acks(market, seat)
    learner = market["learners"][seat]
    rules = params["learners"][seat]
    known = learner["known"]
    seen = market["feed"]["seen"]
    view["equity"] = net_worth(market, params, seat)
    view["position"] = net_position(market, params, seat)
    view["price_pnl"] = learner["price"]
    view["fees"] = learner["fees"]
    view["funding"] = learner["funding"]
    view["borrow"] = learner["borrow"]
    view["slippage"] = learner["slippage"]
    view["mark"] = market["marks"]["mark"]
    view["liquidated"] = learner["liquidated"]
    view["deleveraged"] = learner["deleveraged"]
    view["held"] = known["position"]
    view["reach"][0] = _target(params, rules, known, seen, -1.0)
    view["reach"][1] = _target(params, rules, known, seen, 1.0)
    view["waiting"] = learner["sent"] - known["served"]
    view["resting"] = known["order_qty"] if known["order_side"] == BUY else -known["order_qty"]
    view["measures"] = seen["measures"]
    view["ignited"] = 0 if market["score"]["ignition"] == NEVER else 1
    view["problems"] = market["clock"]["problems"]
    observe(market, params, seat, view["observation"])


@kernel(inline=True)
def _clip(x):
    return np.float32(min(max(x, -1.0), 1.0))


@kernel(inline=True)
def _size(lots, per_lot, scale):
    """Compress a quantity: log(1 + lots / 2 % of the 10 bp depth) / span, for 1 / span."""
    return _clip(coarse_log(1.0 + lots * per_lot) * scale)


@kernel
def observe(market, params, seat, out):
    """Write the observation; ``envs.observation.FEATURES`` is the table of its entries."""
    snapshot = market["feed"]["seen"]
    i = np.int64(0)
    for venue in range(2):
        i = _observe_book(params, snapshot, np.int64(venue), out, i)
    i = _observe_flow(params, snapshot, out, i)
    i = _observe_prices(market, params, seat, snapshot, out, i)
    i = _observe_venue(market, params, snapshot, out, i)
    _observe_self(market, params, seat, snapshot, out, i)


@kernel
def _observe_book(params, snapshot, venue, out, i):
    """Five levels of both sides, spread and imbalance of one book."""
    per_lot = 1.0 / (_DEPTH_UNIT * params["scale"]["depth"])
    middle = snapshot["mean"][0, venue]
    bid = np.float64(snapshot["price"][venue, BUY, 0])
    ask = np.float64(snapshot["price"][venue, SELL, 0])
    if bid > 0.0 and ask > 0.0:
        middle = 0.5 * (bid + ask)
    per_tick = 1.0 / (middle * _TEN_BP)
    total = 0.0
    signed = 0.0
    for side in range(2):
        for k in range(snapshot["price"].shape[2]):
            price = np.float64(snapshot["price"][venue, side, k])
            lots = np.float64(snapshot["qty"][venue, side, k])
            out[i] = _clip(abs(price - middle) * per_tick) if lots > 0.0 else 1.0
            out[i + 1] = _size(lots, per_lot, 1.0 / 6.0)
            i += 2
            total += lots
            signed += lots if side == BUY else -lots
    out[i] = _clip((ask - bid) * per_tick) if bid > 0.0 and ask > 0.0 else 1.0
    out[i + 1] = _clip(signed / total) if total > 0.0 else 0.0
    return i + 2


@kernel
def _observe_flow(params, snapshot, out, i):
    """Aggressor and forced volume, decayed over 1 s and 10 s."""
    per_lot = 1.0 / (_DEPTH_UNIT * params["scale"]["depth"])
    for h in range(2):
        for venue in range(2):
            for side in range(2):
                out[i] = _size(snapshot["taken"][h, venue, side], per_lot, 1.0 / 8.0)
                i += 1
    for h in range(2):
        for side in range(2):
            out[i] = _size(snapshot["forced"][h, side], per_lot, 1.0 / 8.0)
            i += 1
    return i


@kernel
def _published_mid(snapshot, venue):
    bid = np.float64(snapshot["price"][venue, BUY, 0])
    ask = np.float64(snapshot["price"][venue, SELL, 0])
    if bid > 0.0 and ask > 0.0:
        return 0.5 * (bid + ask)
    return np.float64(snapshot["last"][venue])


@kernel
def _observe_prices(market, params, seat, snapshot, out, i):
    """Trends, basis, premium, mark gap, open interest, their age, the gateway's last answer."""
    volatility = params["scale"]["volatility"]
    for venue in range(2):
        price = _published_mid(snapshot, np.int64(venue))
        for h in range(3):
            trend = math.log(price / snapshot["mean"][h, venue])
            out[i] = _clip(trend / (10.0 * volatility * math.sqrt(HORIZONS[h])))
            i += 1
    spot = _published_mid(snapshot, SPOT)
    index = np.float64(snapshot["index"])
    mark = np.float64(snapshot["mark"])
    home = params["scale"]["home"]
    perp = _published_mid(snapshot, PERP)
    if home == SPOT:  # no basis and no premium without a perp
        perp = spot
        index = spot
    out[i] = _clip((perp / spot - 1.0) / (5.0 * _TEN_BP))
    out[i + 1] = _clip((perp / index - 1.0) / (5.0 * _TEN_BP))
    out[i + 2] = _clip((np.float64(snapshot["last"][home]) / mark - 1.0) / (5.0 * _TEN_BP))
    opening = np.float64(max(market["learners"][seat]["opening_interest"], ONE))
    out[i + 3] = _clip(np.float64(snapshot["open_interest"]) / opening - 1.0)
    out[i + 4] = _clip(np.float64(market["clock"]["now"] - snapshot["sent"]) / _SECOND)
    out[i + 5] = _clip(np.float64(snapshot["queue"]) / _SECOND)
    heard = market["learners"][seat]["known"]["answer"]
    out[i + 6] = 1.0 if heard != 0 and heard != EXECUTION_UNKNOWN else 0.0
    out[i + 7] = 1.0 if heard == EXECUTION_UNKNOWN else 0.0
    return i + 8


@kernel
def _observe_venue(market, params, snapshot, out, i):
    """Funding, the lender, price bands, and each measure of protection that is in force."""
    rules = params["funding"]
    passed = (market["clock"]["now"] - rules["first"]) % rules["interval"]
    band = 5e1 * _TEN_BP
    middle = _published_mid(snapshot, params["scale"]["home"])
    lower = np.float64(snapshot["lower"])
    upper = np.float64(snapshot["upper"])
    out[i] = _clip(snapshot["funding"] / _TEN_BP)
    out[i + 1] = _clip(1.0 - np.float64(passed) / np.float64(rules["interval"]))
    out[i + 2] = _clip(snapshot["utilisation"])
    out[i + 3] = _clip(snapshot["borrow_rate"])
    out[i + 4] = _clip((1.0 - lower / middle) / band) if lower > 0.0 else 1.0
    out[i + 5] = _clip((upper / middle - 1.0) / band) if upper > 0.0 else 1.0
    for k in range(N_MEASURES):
        out[i + 6 + k] = np.float32((snapshot["measures"] >> k) & 1)
    return i + 6 + N_MEASURES


@kernel
def _observe_self(market, params, seat, snapshot, out, i):
    """The learner's own account and order, as its acks have told it, at the published mark."""
    learner = market["learners"][seat]
    rules = params["learners"][seat]
    known = learner["known"]
    limit = np.float64(rules["limit"])
    capital = np.float64(rules["capital"])
    on_spot = rules["venue"] == SPOT
    mark = snapshot["index"] if on_spot else snapshot["mark"]
    position = known["position"]
    worth = known["quote"] + position * mark
    entry_value = known["cost"] if position > 0 else -known["cost"]
    profit = np.float64(position * mark - entry_value)
    entry = np.float64(entry_value) / np.float64(max(abs(position) * mark, ONE))
    entry = (abs(entry) - 1.0) / (10.0 * _TEN_BP)
    if on_spot:  # assets must exceed the debt by this much of it; coins owned need none
        rate = params["borrowing"]["liquidation"] - RATE_ONE
        needed = mul_div_up(max(-position, ZERO) * mark, rate, RATE_ONE)
    else:
        needed = maintenance_margin(margin_of(market, params), abs(position) * mark)
    gap = (
        abs(np.float64(known["trigger"]) / np.float64(max(mark, ONE)) - 1.0)
        if position != 0
        else 1.0
    )
    resting = known["order_qty"] if known["order_side"] == BUY else -known["order_qty"]
    signed = np.float64(resting)  # of an integer, so that nothing is 0 and never -0
    away = 0.0
    if known["order_qty"] > 0:
        away = np.float64(known["order_price"]) / _published_mid(snapshot, rules["venue"]) - 1.0
    horizon = np.float64(rules["horizon"])
    out[i] = _clip(np.float64(position) / limit)
    out[i + 1] = _clip(np.float64(worth) / capital - 1.0)
    out[i + 2] = _clip(profit / capital)
    out[i + 3] = _clip(entry) if position != 0 else 0.0
    out[i + 4] = _clip(gap)
    out[i + 5] = _clip(np.float64(needed) / np.float64(max(worth, ONE)))
    out[i + 6] = _clip(signed / limit)
    out[i + 7] = _clip(away / _TEN_BP)
    out[i + 8] = _clip(0.25 * np.float64(learner["sent"] - known["served"]))
    out[i + 9] = _clip(1.0 - np.float64(market["clock"]["now"]) / horizon)
