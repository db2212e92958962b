"""What the next markets of a batch will touch, asked for while the present one still runs.

In a batch the cache is the limit, not the instructions: a market's lines have left it by the time
its turn comes round again, and each line that has to be waited for costs as much as an event. Which
slots a market will visit follows from its random streams, so they can be asked for: in four
stages, each of which reads what the one before asked for. Processors drop requests that come too
fast, so they are listed first and a few go out with each event. Nothing here changes a market.
"""

import math

import numpy as np

from squeezegym._jit import address_of, kernel, prefetch_address
from squeezegym.codes import (
    ARBITRAGE,
    BUY,
    LEARNER,
    MAKER,
    NO_ASK,
    NO_BID,
    NO_SLOT,
    NOISE,
    ONE,
    PERP,
    SELL,
    VALUE,
    VENUE,
    ZERO,
    Command,
    Stream,
)
from squeezegym.core.book import SLOT_MASK
from squeezegym.core.levels import in_window, next_level
from squeezegym.core.rng import next_state, to_unit
from squeezegym.state import HOT_RANGES, LINE, N_AHEAD, QUOTES_AT

_LIMIT_STREAM = np.int64(Stream.LIMIT_PERP)
_MAKER_STREAM = np.int64(Stream.MAKER_PERP)
_WATCH_STREAM = np.int64(Stream.WATCH_PERP)
_RUN = np.int64(Command.RUN)
_QUOTE = np.int64(0)
_NOISE = np.int64(1)
_MOST = np.int64(N_AHEAD)
_MARGIN = 1.3  # visits looked ahead over their mean: few steps have more
_ALERTS = 2.0  # visits that a trade sets off, about
_SECONDS = 1e-9
_ID = np.int64(8)  # bytes of an order id, and of a word of a bitmap
_BITMAPS = np.int64(128)  # byte of a book at which the words of its bitmaps begin
_STAGES = np.int64(4)
_LINES = np.int64(4)  # of levels on each side of the touch


@kernel
def forget(ahead):
    """Begin a batch: nothing is known of any row."""
    for row in range(ahead["n_slots"].shape[0]):
        for venue in range(2):
            for kind in range(2):
                ahead["n_slots"][row, venue, kind] = 0


@kernel
def list_ahead(markets, views, params, ahead, row):
    """List the heads four rows ahead, levels and ids three, orders two, their queues one."""
    n = markets.shape[0]
    ahead["n"] = 0
    ahead["cursor"] = 0
    if row + 1 < n and views[row + 1, 0]["command"] == _RUN:
        _list_sweep(markets[row + 1], views[row + 1, 0], params[0], ahead)
        _list_queues(markets[row + 1], ahead, (row + 1) % _STAGES)
    if row + 2 < n and views[row + 2, 0]["command"] == _RUN:
        _list_reach(markets[row + 2], views[row + 2, 0], params[0], ahead)
        _list_orders(markets[row + 2], ahead, (row + 2) % _STAGES)
    if row + 3 < n and views[row + 3, 0]["command"] == _RUN:
        _list_visits(markets[row + 3], views[row + 3, 0], params[0], ahead, (row + 3) % _STAGES)
    if row + 4 < n:
        _list_head(markets[row + 4], ahead)


@kernel
def ask(ahead, most):
    """Ask for the next lines of the list."""
    end = min(ahead["cursor"] + most, ahead["n"])
    for i in range(ahead["cursor"], end):
        prefetch_address(ahead["lines"][i])
    ahead["cursor"] = end


@kernel(inline=True)
def _want(ahead, address):
    """List a line; what a full list leaves out is only slower."""
    n = ahead["n"]
    if n < ahead["lines"].shape[0]:
        ahead["lines"][n] = address
        ahead["n"] = n + 1


@kernel
def _list_head(market, ahead):
    """The lines that every step touches."""
    start = address_of(market)
    for i in range(len(HOT_RANGES)):
        for offset in range(HOT_RANGES[i][0], HOT_RANGES[i][1], LINE):
            _want(ahead, start + offset)
    for venue in range(2):
        start = address_of(market["books"][venue])
        for offset in range(0, 192, LINE):
            _want(ahead, start + offset)
    accounts = market["accounts"]
    _want(ahead, address_of(accounts[VENUE]))
    _want(ahead, address_of(accounts[NOISE]))
    _want(ahead, address_of(accounts[MAKER]))
    _want(ahead, address_of(accounts[VALUE]))
    _want(ahead, address_of(accounts[ARBITRAGE]))
    _want(ahead, address_of(accounts[LEARNER]))
    _want(ahead, address_of(market["holders"][LEARNER]))


@kernel(inline=True)
def _takes(view):
    """Whether the learner will send an order that may go deep."""
    return view["has_action"] != 0 and view["aggression"] > 0.0


@kernel(inline=True)
def _opposite(market, view, params):
    """Side that its order would meet."""
    wanted = view["target"] * np.float64(params["learners"][0]["limit"])
    return SELL if wanted > np.float64(market["accounts"][LEARNER]["perp"]) else BUY


@kernel
def _list_reach(market, view, params, ahead):
    """The levels behind the touch that a large order of the learner can reach."""
    if not _takes(view):
        return
    book = market["books"][PERP]
    mask = np.int64(book["levels"].shape[0] - 1)
    side = _opposite(market, view, params)
    for k in range(_LINES, 3 * _LINES):
        price = book["best_ask"] + 4 * k if side == SELL else book["best_bid"] - 4 * k
        _want(ahead, address_of(book["levels"][price & mask]))


@kernel
def _list_sweep(market, view, params, ahead):
    """The first orders of the levels that it can reach."""
    if not _takes(view):
        return
    book = market["books"][PERP]
    orders = book["orders"]
    last = np.int64(orders.shape[0] - 1)
    mask = np.int64(book["levels"].shape[0] - 1)
    side = _opposite(market, view, params)
    price = book["best_ask"] if side == SELL else book["best_bid"]
    for _ in range(8):
        if price == NO_ASK or price == NO_BID or not in_window(book, price):
            return
        _want(ahead, address_of(orders[np.int64(book["levels"][price & mask]["head"]) & last]))
        price = next_level(book, side, price)


@kernel
def _list_visits(market, view, params, ahead, row):
    """Write down which slots the step will visit; list their ids and the levels."""
    seconds = np.float64(view["until"] - market["clock"]["now"]) * _SECONDS
    for v in range(2):
        venue = np.int64(v)
        book = market["books"][venue]
        mask = np.int64(book["levels"].shape[0] - 1)
        for k in range(_LINES):
            _want(ahead, address_of(book["levels"][(book["best_bid"] - 4 * k) & mask]))
            _want(ahead, address_of(book["levels"][(book["best_ask"] + 4 * k) & mask]))
        _list_bit(book, ahead, BUY, book["best_bid"] & mask)
        _list_bit(book, ahead, SELL, book["best_ask"] & mask)
        _want(
            ahead,
            address_of(book["orders"][np.int64(book["free"]) & (book["orders"].shape[0] - 1)]),
        )
        _list_quotes(market, params, ahead, row, venue, seconds)
        _list_noise(market, params, ahead, row, venue, seconds)


@kernel
def _visits(rate, seconds):
    return min(np.int64(_MARGIN * rate * seconds) + ONE, _MOST)


@kernel
def _list_quotes(market, params, ahead, row, venue, seconds):
    """Both quotes at the touch, the visits that are due, and those that trades will set off."""
    rules = params["maker"][venue]
    ahead["n_slots"][row, venue, _QUOTE] = 0
    _list_quote(market, params, ahead, row, venue, BUY, ZERO)
    _list_quote(market, params, ahead, row, venue, SELL, ZERO)
    n = _visits(rules["visit_rate"], seconds)
    _list_drawn(market, params, ahead, row, venue, _MAKER_STREAM + venue, n, ONE)
    if rules["alert"] > 0:
        n = _visits(_ALERTS * params["noise"][venue]["market_rate"], seconds)
        _list_drawn(market, params, ahead, row, venue, _WATCH_STREAM + venue, n, ZERO)


@kernel
def _list_drawn(market, params, ahead, row, venue, stream, n, waits):
    """Repeat the draws of :func:`squeezegym.core.flow.maker_visit`; ``waits`` draws come first."""
    rules = params["maker"][venue]
    low = market["clock"]["rng"][stream, 0]
    high = market["clock"]["rng"][stream, 1]
    for _ in range(n):
        for _ in range(waits):
            _, low, high = next_state(low, high)
        word, low, high = next_state(low, high)
        side = np.int64(to_unit(word) < 0.5)
        word, low, high = next_state(low, high)
        draw = to_unit(word)
        near = draw
        for _ in range(rules["near_bias"] - 1):
            near *= draw
        _, low, high = next_state(low, high)  # the size
        slot = np.int64(near * np.float64(rules["slots"][side]))
        _list_quote(market, params, ahead, row, venue, side, slot)


@kernel
def _list_quote(market, params, ahead, row, venue, side, slot):
    """Write a slot down; list its id, the level where its quote should stand and its bit."""
    n = ahead["n_slots"][row, venue, _QUOTE]
    if n == _MOST:
        return
    ahead["n_slots"][row, venue, _QUOTE] = n + 1
    book = market["books"][venue]
    width = np.int64(market["quotes"].shape[2])
    ahead["slots"][row, venue, _QUOTE, n] = side * width + slot
    _want(ahead, address_of(market) + QUOTES_AT + _ID * ((2 * venue + side) * width + slot))
    distance = params["distance"][venue, side, slot]
    reference = market["flow"]["reference"][venue]
    price = np.int64(reference - distance if side == BUY else reference + distance)
    _list_level(book, ahead, side, price & np.int64(book["levels"].shape[0] - 1))


@kernel
def _list_noise(market, params, ahead, row, venue, seconds):
    """Repeat the draws of :func:`squeezegym.core.flow.noise_limit_order`."""
    rules = params["noise"][venue]
    book = market["books"][venue]
    mask = np.int64(book["levels"].shape[0] - 1)
    width = np.int64(market["noise"].shape[1])
    low = market["clock"]["rng"][_LIMIT_STREAM + venue, 0]
    high = market["clock"]["rng"][_LIMIT_STREAM + venue, 1]
    first = address_of(market) + QUOTES_AT
    first += _ID * (4 * np.int64(market["quotes"].shape[2]) + venue * width)
    n = _visits(rules["limit_rate"], seconds)
    ahead["n_slots"][row, venue, _NOISE] = n
    for i in range(n):
        _, low, high = next_state(low, high)  # the wait
        word, low, high = next_state(low, high)
        slot = np.int64(to_unit(word) * np.float64(rules["slots"]))
        word, low, high = next_state(low, high)
        side = np.int64(to_unit(word) < 0.5)
        word, low, high = next_state(low, high)
        away = np.int64(-math.log(1.0 - to_unit(word)) * rules["limit_distance"])
        price = book["best_bid"] - away if side == BUY else book["best_ask"] + away
        _list_level(book, ahead, side, price & mask)
        for _ in range(2):  # improvement, size
            _, low, high = next_state(low, high)
        ahead["slots"][row, venue, _NOISE, i] = slot
        _want(ahead, first + _ID * slot)


@kernel(inline=True)
def _list_level(book, ahead, side, place):
    """A level and the word with its bit."""
    _want(ahead, address_of(book["levels"][place]))
    _list_bit(book, ahead, side, place)


@kernel(inline=True)
def _list_bit(book, ahead, side, place):
    words = np.int64(book["fine"].shape[1])
    at = _BITMAPS + 2 * _ID * np.int64(book["middle"].shape[1])
    _want(ahead, address_of(book) + at + _ID * (side * words + (place >> 6)))


@kernel
def _list_orders(market, ahead, row):
    """The ids have arrived: list the orders that stand in the slots, and at the touch."""
    width = np.int64(market["quotes"].shape[2])
    for venue in range(2):
        book = market["books"][venue]
        orders = book["orders"]
        last = np.int64(orders.shape[0] - 1)
        mask = np.int64(book["levels"].shape[0] - 1)
        for price in (book["best_bid"], book["best_ask"]):
            _want(ahead, address_of(orders[np.int64(book["levels"][price & mask]["head"]) & last]))
        for kind in range(2):
            for i in range(ahead["n_slots"][row, venue, kind]):
                at = np.int64(ahead["slots"][row, venue, kind, i])
                if kind == 0:
                    side = np.int64(at >= width)
                    standing = market["quotes"][venue, side, at - side * width]
                else:
                    standing = market["noise"][venue, at]
                slot = np.int64(standing & SLOT_MASK) & last
                ahead["slots"][row, venue, kind, i] = slot
                _want(ahead, address_of(orders[slot]))


@kernel
def _list_queues(market, ahead, row):
    """The orders have arrived: list their levels and their neighbours in the queue."""
    for venue in range(2):
        book = market["books"][venue]
        orders = book["orders"]
        last = np.int64(orders.shape[0] - 1)
        mask = np.int64(book["levels"].shape[0] - 1)
        free = orders[np.int64(book["free"]) & last]
        _want(ahead, address_of(orders[np.int64(free["next"]) & last]))
        for kind in range(2):
            for i in range(ahead["n_slots"][row, venue, kind]):
                order = orders[np.int64(ahead["slots"][row, venue, kind, i])]
                side = np.int64(order["side"]) & 1
                _list_level(book, ahead, side, np.int64(order["price"]) & mask)
                if order["prev"] != NO_SLOT:
                    _want(ahead, address_of(orders[np.int64(order["prev"]) & last]))
                if order["next"] != NO_SLOT:
                    _want(ahead, address_of(orders[np.int64(order["next"]) & last]))
