"""The call auction: an uncross at one price, after which the ladder is whole again.

In an auction orders rest without matching. Those that cross the ladder wait in the crossed list of
their side, so the ladder itself is never crossed; an order in the list is older than any order of
the ladder at its price. The price is chosen as equity exchanges do (Nasdaq Rule 4752, Xetra T7
market model): largest executable volume, least imbalance, nearest to a reference.
"""

import numpy as np

from squeezegym._jit import entry, kernel
from squeezegym.codes import BUY, IS_REDUCE_ONLY, NO_ASK, NO_BID, NO_SLOT, ONE, SELL, ZERO
from squeezegym.core.book import improves, lead, unlink
from squeezegym.core.levels import in_window, prepend
from squeezegym.core.matching import cut_maker
from squeezegym.core.orderids import forget
from squeezegym.core.priority import first_order, reducible
from squeezegym.core.window import CROSSED, join, leave

_NO_MESSAGE = np.int64(-1)


@kernel(inline=True)
def reaches(side, price, limit):
    """Whether a price of ``side`` is at least as good as ``limit``."""
    return price >= limit if side == BUY else price <= limit


@kernel
def best_of(book, side):
    """Best price of a side, ladder and crossed list together, or NO_BID or NO_ASK."""
    best = book["best_bid"] if side == BUY else book["best_ask"]
    slot = book["waiting_head"][CROSSED + side]
    if slot != NO_SLOT:
        price = np.int64(book["orders"][slot]["price"])
        if reaches(side, price, best):
            return price
    return best


@kernel
def gather(book):
    """Bring every order that can trade in an uncross into the crossed lists.

    Returns:
        Whether there is any.
    """
    bid = best_of(book, BUY)
    ask = best_of(book, SELL)
    if bid == NO_BID or ask == NO_ASK or bid < ask:
        return False
    for side in range(2):
        limit = ask if side == BUY else bid
        place = book["waiting_head"][CROSSED + side]
        slot = first_order(book, side)
        while slot != NO_SLOT and reaches(side, np.int64(book["orders"][slot]["price"]), limit):
            unlink(book, slot)
            place = join(book, slot, CROSSED + side, place, False)
            slot = first_order(book, side)
    return True


@kernel
def lots_at(book, slot, price, step):
    """Sum the lots of one price in a sorted list, from ``slot`` on in the direction ``step``.

    Returns:
        ``(lots, slot)``: the lots, and the first order of another price.
    """
    total = ZERO
    while slot != NO_SLOT and np.int64(book["orders"][slot]["price"]) == price:
        total += np.int64(book["orders"][slot]["qty"])
        slot = book["orders"][slot]["next"] if step > 0 else book["orders"][slot]["prev"]
    return total, slot


@kernel
def price_at(book, slot):
    """Price of an order, or NO_ASK behind the end of a list."""
    return NO_ASK if slot == NO_SLOT else np.int64(book["orders"][slot]["price"])


@kernel
def ranks_before(volume, surplus, distance, best_volume, best_surplus, best_distance):
    """Whether a price is to be preferred: more volume, then less surplus, then nearer."""
    if volume != best_volume:
        return volume > best_volume
    if surplus != best_surplus:
        return surplus < best_surplus
    return distance < best_distance


@kernel
def clearing_price(book, reference):
    """Find the price of an uncross among all ticks between best ask and best bid.

    Supply and demand change only at prices with orders, so of the ticks between two of them the
    one nearest to the reference stands for all.

    Returns:
        ``(price, imbalance)``: ticks; lots bid at the price or above less lots offered at it or
        below.
    """
    ask = book["waiting_head"][CROSSED + SELL]
    price = price_at(book, ask)
    bid = book["waiting_tail"][CROSSED + BUY]
    while price_at(book, bid) < price:  # bids whose counterpart has been cancelled
        bid = book["orders"][bid]["prev"]
    demand = ZERO
    slot = bid
    while slot != NO_SLOT:
        demand += np.int64(book["orders"][slot]["qty"])
        slot = book["orders"][slot]["prev"]
    last = price_at(book, book["waiting_head"][CROSSED + BUY])
    supply = ZERO
    best = np.int64(-1)
    best_volume = np.int64(-1)
    imbalance = ZERO
    distance = ZERO
    while price <= last:
        added, ask = lots_at(book, ask, price, ONE)
        supply += added
        gone, bid = lots_at(book, bid, price, -ONE)
        behind = min(price_at(book, ask), price_at(book, bid))
        between = min(max(reference, price + 1), behind - 1)
        for look in range(2):
            candidate = price if look == 0 else between
            wanted = demand if look == 0 else demand - gone
            if candidate > last or (look == 1 and behind == price + 1):
                continue
            volume = min(wanted, supply)
            surplus = abs(wanted - supply)
            away = abs(candidate - reference)
            if ranks_before(volume, surplus, away, best_volume, abs(imbalance), distance):
                best, best_volume, imbalance, distance = candidate, volume, wanted - supply, away
        demand -= gone
        price = behind
    return best, imbalance


@kernel
def keep_reducing(desk, slot):
    """Cut a reduce-only order that is about to trade to its owner's position.

    Returns:
        Whether anything of it is left.
    """
    book = desk["book"]
    order = book["orders"][slot]
    if np.int64(order["flags"]) & IS_REDUCE_ONLY == 0:
        return True
    held = desk["positions"][np.int64(order["owner"])]
    excess = np.int64(order["qty"]) - reducible(np.int64(order["side"]), held)
    if excess > 0:
        book["expired"] += 1
        take_off(desk, slot, excess)
    return order["qty"] != 0


@kernel
def take_off(desk, slot, qty):
    """Take lots off an order, and forget its id when none are left."""
    cut_maker(desk["book"], slot, qty)
    if desk["book"]["orders"][slot]["qty"] == 0 and desk["by_id"] != 0:
        forget(desk, desk["book"]["orders"][slot])


@kernel
def trade_at(desk, tape, price):
    """Execute what crosses at one price, in price-time priority.

    Returns:
        The lots traded.
    """
    book = desk["book"]
    volume = ZERO
    while True:
        bid = book["waiting_head"][CROSSED + BUY]
        ask = book["waiting_head"][CROSSED + SELL]
        if bid == NO_SLOT or price_at(book, bid) < price or price_at(book, ask) > price:
            return volume
        if not keep_reducing(desk, bid) or not keep_reducing(desk, ask):
            continue
        buyer = book["orders"][bid]
        seller = book["orders"][ask]
        qty = min(np.int64(buyer["qty"]), np.int64(seller["qty"]))
        row = tape[desk["n_tape"]]
        row["message"] = _NO_MESSAGE
        row["taker_id"] = buyer["id"]
        row["maker_id"] = seller["id"]
        row["price"] = price
        row["qty"] = qty
        row["taker_owner"] = buyer["owner"]
        row["maker_owner"] = seller["owner"]
        desk["n_tape"] += 1
        desk["positions"][np.int64(buyer["owner"])] += qty
        desk["positions"][np.int64(seller["owner"])] -= qty
        volume += qty
        book["last"] = price
        take_off(desk, bid, qty)
        take_off(desk, ask, qty)


@kernel
def rejoin(book, side):
    """Put what is left in a crossed list back on the ladder, before the younger orders there."""
    slot = book["waiting_tail"][CROSSED + side]
    while slot != NO_SLOT:
        order = book["orders"][slot]
        before = order["prev"]
        price = np.int64(order["price"])
        leave(book, slot, side)
        if improves(book, side, price):
            lead(book, side, price)
        if in_window(book, price):
            prepend(book, slot, side, price, np.int64(order["qty"]))
        else:
            join(book, slot, side, book["waiting_head"][side], True)
        slot = before


@kernel
def clear(desk, tape, reference, result):
    """Uncross one book; see :func:`uncross`."""
    book = desk["book"]
    desk["n_tape"] = 0
    result[0] = ZERO
    result[1] = ZERO
    result[2] = ZERO
    # A second round is needed only where a reduce-only order was cut.
    while gather(book):
        price, imbalance = clearing_price(book, reference)
        if result[0] == 0:
            result[0] = price
            result[2] = imbalance
        result[1] += trade_at(desk, tape, price)
    for side in range(2):
        rejoin(book, np.int64(side))


@entry(seconds=3, ahead="warmup book")
def uncross(fingerprint):
    """Build the entry; the fingerprint of the sources is part of its cache key."""

    def uncross(desks, tape, reference, result):
        """Uncross every book at its clearing price and put the rest back on the ladder.

        Args:
            desks: (n,) ``desk_dtype`` of one class; ``n_tape`` of each tells the rows written.
            tape: (n, rows) ``TAPE_DTYPE``, written; as many rows as orders rest are enough.
            reference: (n,) prices that decide between equals, ticks.
            result: (n, 3) price (0: nothing crossed), lots traded, imbalance; written.
        """
        fingerprint  # noqa: B018  (a closure cell: part of numba's cache key)
        for row in range(desks.shape[0]):
            clear(desks[row], tape[row], reference[row], result[row])

    return uncross
