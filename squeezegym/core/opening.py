"""The opening state of an episode: books, leveraged positions, learners, timers."""

import numpy as np

from squeezegym._jit import kernel
from squeezegym.codes import (
    FIRST_HOLDER,
    FUND,
    GTC,
    MAKER,
    NEVER,
    ONE,
    OUTSIDE,
    PERP,
    SELL,
    VAULT,
    ZERO,
    Source,
    Stream,
)
from squeezegym.core.accounts import move_position, open_accounts, transfer
from squeezegym.core.activity import change_activity
from squeezegym.core.arbitrageurs import open_arbitrageurs
from squeezegym.core.barrier import measure_barrier
from squeezegym.core.book import NO_ORDER, open_book
from squeezegym.core.borrowers import open_borrowers
from squeezegym.core.entries import draw_history, draw_sizes
from squeezegym.core.exchange import place
from squeezegym.core.feed import open_feed
from squeezegym.core.fifo import open_gateway
from squeezegym.core.flow import later, schedule_noise
from squeezegym.core.fomo import schedule_fomo
from squeezegym.core.funding import open_funding
from squeezegym.core.holders import open_holder
from squeezegym.core.liquidation import open_engine
from squeezegym.core.makers import quote_price
from squeezegym.core.marks import open_marks
from squeezegym.core.protection import open_protection
from squeezegym.core.rng import normal, uniform, whole_lots
from squeezegym.core.rounds import draw_step, nearest_round
from squeezegym.core.seating import open_learner, seed_streams
from squeezegym.core.takeprofits import rest_take_profit
from squeezegym.core.triggers import enlist, open_ladder

_OPENING = np.int64(Stream.OPENING)
_CATALYST_STREAM = np.int64(Stream.CATALYST)
_FOLLOWERS = np.int64(Source.FOLLOWERS)
_SNIPERS = np.int64(Source.SNIPERS)
_CATALYST_SOURCE = np.int64(Source.CATALYST)
_TRIES = 16


@kernel
def open_market(market, params, views):
    """Bring a market into its opening state at the start of the burn-in."""
    clock = market["clock"]
    clock["now"] = -params["scale"]["burn_in"]
    clock["events"] = 0
    clock["problems"] = 0
    clock["problem_count"] = 0
    seed_streams(clock["rng"], views)
    for source in range(clock["due"].shape[0]):
        clock["due"][source] = NEVER
    market["n_log"] = 0
    market["log_on"] = 0
    _open_score(market)
    market["protection"]["guarded"] = 0  # until the books are open
    _open_books(market, params)
    open_protection(market, params)
    open_accounts(market)
    open_engine(market, params)
    transfer(market, OUTSIDE, FUND, params["liquidation"]["fund"])
    transfer(market, OUTSIDE, VAULT, params["liquidation"]["vault"])
    open_funding(market, params)
    open_marks(market, params)
    _open_positions(market, params)
    open_borrowers(market, params)
    open_arbitrageurs(market, params)
    for seat in range(market["learners"].shape[0]):
        open_learner(market, params, np.int64(seat))
    _draw_catalyst(market, params)
    _start_flow(market, params)
    _open_crowd(market, params)
    clock["events"] = 0
    open_gateway(market, params)  # placing the opening quotes took no time
    open_feed(market, params)


@kernel
def _open_score(market):
    score = market["score"]
    score["barrier"] = 0
    score["demand"] = 0
    score["ignition"] = NEVER
    score["visible_n"] = 0.0
    score["deleveraged"] = 0
    score["taken_over"] = 0
    score["refused"] = 0
    score["socialised"] = 0
    score["loss_per_lot"] = 0.0
    score["deficit"] = 0
    score["open_interest"] = 0
    score["bought_in"] = 0
    score["buy_ins"] = 0
    score["written_off"] = 0
    for i in range(2):
        score["liquidated"][i] = 0
        score["liquidations"][i] = 0
        score["printed"][i] = 0
        for j in range(2):
            score["taken"][i, j] = 0
    market["gateway"]["waiting"] = 0
    market["gateway"]["service"] = 0


@kernel
def _open_crowd(market, params):
    """Nobody has followed, sniped, caught or lost anything yet."""
    crowd = market["crowd"]
    crowd["follower_left"] = 0
    crowd["follower_side"] = 0
    crowd["sniper_phase"] = 0
    crowd["sniper_side"] = 0
    crowd["sniper_since"] = 0
    crowd["sniper_peak"] = 0.0
    crowd["batches"][0] = 0
    crowd["batches"][1] = 0
    crowd["caught"] = 0
    crowd["infected"] = 0
    crowd["waiting"] = 0
    crowd["reloads"] = 0
    due = market["clock"]["due"]
    due[_FOLLOWERS] = later(market, np.int64(Stream.FOLLOWERS), params["followers"]["rate"])
    due[_SNIPERS] = later(market, np.int64(Stream.SNIPERS), params["snipers"]["rate"])
    schedule_fomo(market, params)


@kernel
def _open_books(market, params):
    """Put every maker quote at its place around the opening mids."""
    flow = market["flow"]
    for v in range(2):
        venue = np.int64(v)
        price = params["scale"]["price"]
        if venue == PERP:
            price += params["scale"]["basis"]
        middle = np.float64(price) + 0.5 * np.float64(params["scale"]["half_tick"][venue])
        book = market["books"][venue]
        rules = params["matching"]
        window = price - np.int64(book["levels"].shape[0]) // 2
        open_book(book, rules["lowest"], rules["highest"], window, rules["self_trade"])
        book["last"] = price
        flow["reference"][venue] = middle
        flow["slow"][venue] = middle
        flow["trend"][venue] = 0.0
        flow["net"][venue] = 0
        flow["seen_mid"][venue] = middle
        flow["variance"][venue] = 0.0
        flow["seen_at"][venue] = market["clock"]["now"]
        for slot in range(market["noise"].shape[1]):
            market["noise"][venue, slot] = NO_ORDER
        for side in range(2):
            for slot in range(market["quotes"].shape[2]):
                market["quotes"][venue, side, slot] = NO_ORDER
        for side in range(2):
            for slot in range(params["maker"][venue]["slots"][side]):
                at = quote_price(market, params, venue, np.int64(side), np.int64(slot), 1.0)
                qty = whole_lots(params["lots"][venue, side, slot])
                if qty > 0:
                    _, order_id = place(
                        market, params, venue, MAKER, np.int64(side), at, qty, GTC, ZERO
                    )
                    market["quotes"][venue, side, slot] = order_id
        market["books"][venue]["last"] = price


@kernel
def _open_positions(market, params):
    """Open the individual leveraged accounts against the outside, and ladder them."""
    price = market["marks"]["mark"]
    shift = np.int64(0)
    while (np.int64(market["ladder"]["heads"].shape[1]) << shift) < price // 2:
        shift += 1
    open_ladder(market["ladder"], price, shift)
    rules = params["population"]
    if rules["n_given"] > 0:
        for i in range(rules["n_given"]):
            _open_position(
                market,
                params,
                FIRST_HOLDER + i,
                params["given_lots"][i],
                params["given_entry"][i],
                params["given_deposit"][i],
            )
        return
    draw_history(market, params, np.float64(price), _OPENING)
    _open_side(market, params, FIRST_HOLDER, rules["shorts"], rules["short_lots"], np.int64(-1))
    _open_side(
        market,
        params,
        FIRST_HOLDER + rules["shorts"],
        rules["longs"],
        rules["long_lots"],
        np.int64(1),
    )


@kernel
def _open_side(market, params, first, count, lots, direction):
    """Open ``count`` accounts of one side with ``lots`` of open interest together."""
    if count == 0 or lots == 0:
        return
    rules = params["population"]
    total = draw_sizes(market, rules, first, count, _OPENING)
    clustered = 0.0
    in_cluster = (rules["cluster_side"] == SELL) == (direction < 0)
    wanted = rules["cluster_share"] * np.float64(lots) if in_cluster else 0.0
    for i in range(count):
        slot = first + i
        account = market["accounts"][slot]
        size = np.float64(account["cost"]) / total * np.float64(lots)
        account["cost"] = 0
        qty = max(np.int64(1), np.int64(size + 0.5))
        entry = 0.0
        leverage = 0.0
        if clustered < wanted:
            clustered += np.float64(qty)
            leverage = rules["cluster_leverage"]
            entry = _cluster_entry(market, params, direction, leverage)
        else:
            entry, leverage = _survivor(market, params, direction)
        ticks = max(np.int64(1), np.int64(entry + 0.5))
        leverage = min(leverage, rules["leverage_cap"])
        deposit = np.int64(np.float64(ticks * qty) / leverage) + 1
        _open_position(market, params, slot, direction * qty, ticks, deposit)


@kernel
def _margin_rate(params):
    return np.float64(params["margin"]["rate"][0]) * 1e-8


@kernel
def _cluster_entry(market, params, direction, leverage):
    """Entry of a position whose trigger lies in the cluster."""
    rules = params["population"]
    z = normal(market["clock"]["rng"], _OPENING)
    away = max(rules["cluster_distance"] + rules["cluster_width"] * z, 1e-3)
    side = -np.float64(direction)
    trigger = np.float64(market["marks"]["mark"]) * (1.0 + side * away)
    return trigger * (1.0 + side * _margin_rate(params)) / (1.0 + side / leverage)


@kernel
def _survivor(market, params, direction):
    """Entry and leverage of a position that the price history has not liquidated."""
    rules = params["population"]
    rng = market["clock"]["rng"]
    history = market["history"]
    n = history.shape[1]
    side = -np.float64(direction)
    rate = _margin_rate(params)
    for _ in range(_TRIES):
        age = np.int64(uniform(rng, _OPENING) * np.float64(n))
        entry = history[0, age]
        draw = uniform(rng, _OPENING)
        k = 0
        while k < rules["weight"].shape[0] - 1 and draw > rules["weight"][k]:
            k += 1
        leverage = rules["leverage"][k]
        if uniform(rng, _OPENING) < rules["snap"]:
            entry = nearest_round(entry, draw_step(market, params))
        trigger = entry * (1.0 + side / leverage) / (1.0 + side * rate)
        if direction < 0 and trigger > history[1, age] * (1.0 + rate):
            return entry, leverage
        if direction > 0 and trigger < history[2, age] * (1.0 - rate):
            return entry, leverage
    return history[0, 0], 1.5


@kernel
def _open_position(market, params, slot, lots, entry, deposit):
    """Open one position against the outside at its entry price, with its deposit."""
    transfer(market, OUTSIDE, slot, deposit)
    if lots > 0:
        move_position(market, OUTSIDE, slot, entry, lots)
    else:
        move_position(market, slot, OUTSIDE, entry, -lots)
    open_holder(market, params, slot, entry, deposit)
    enlist(market, params, slot)
    rest_take_profit(market, params, slot, entry)


@kernel
def _draw_catalyst(market, params):
    """Draw when the catalyst starts and how large it will be, in ignition barriers.

    The size refers to the barrier of the opening state, so that it is the same whatever the
    rules do with the accounts before it starts; or it is one for all.
    """
    rules = params["catalyst"]
    rng = market["clock"]["rng"]
    flow = market["flow"]
    start = uniform(rng, _CATALYST_STREAM)
    kind = uniform(rng, _CATALYST_STREAM)
    size = uniform(rng, _CATALYST_STREAM)
    span = np.float64(rules["start_max"] - rules["start_min"])
    multiple = 0.0
    if kind < rules["squeeze"]:
        multiple = rules["squeeze_low"] + (rules["squeeze_high"] - rules["squeeze_low"]) * size
    elif kind < rules["squeeze"] + rules["near_miss"]:
        multiple = rules["near_low"] + (rules["near_high"] - rules["near_low"]) * size
    barrier, _ = measure_barrier(market, params, rules["side"])
    lots = np.int64(multiple * np.float64(barrier))
    if kind < rules["squeeze"] and rules["lots"] > 0:
        lots = rules["lots"]
        multiple = np.float64(lots) / np.float64(barrier)
    flow["catalyst_multiple"] = multiple
    flow["catalyst_left"] = 0
    flow["catalyst_size"] = lots
    flow["catalyst_end"] = 0
    due = NEVER
    if rules["rate"] > 0.0:
        due = rules["start_min"] + np.int64(start * span)
    market["clock"]["due"][_CATALYST_SOURCE] = due


@kernel
def _start_flow(market, params):
    """Time the first event of every population."""
    clock = market["clock"]
    flow = market["flow"]
    change_activity(market, params, ONE)
    for v in range(2):
        venue = np.int64(v)
        flow["excitation"][venue] = 0.0
        flow["sign"][venue] = ZERO
        flow["run_left"][venue] = 0
        flow["expected"][venue] = 0.0
        schedule_noise(market, params, venue)
        clock["due"][np.int64(Source.LIMIT_PERP) + venue] = later(
            market, np.int64(Stream.LIMIT_PERP) + venue, params["noise"][venue]["limit_rate"]
        )
        clock["due"][np.int64(Source.MAKER_PERP) + venue] = later(
            market, np.int64(Stream.MAKER_PERP) + venue, params["maker"][venue]["visit_rate"]
        )
    clock["due"][np.int64(Source.VALUE)] = later(
        market, np.int64(Stream.VALUE), params["value"]["rate"]
    )
    clock["due"][np.int64(Source.ARBITRAGE)] = later(
        market, np.int64(Stream.ARBITRAGE), params["arbitrage"]["rate"]
    )
