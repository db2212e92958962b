"""What must hold inside a book record after every message."""

import numpy as np

from squeezegym.codes import OrderFlag
from tests.kernels import BUY, SELL, read_side

NO_SLOT = np.iinfo(np.uint32).max
NO_BID, NO_ASK = 0, 2**31 - 1


def assert_sound(book):
    """Check pool, levels, bitmaps, far lists, window and best prices against each other."""
    orders = book["orders"]
    live = np.flatnonzero(orders["qty"])
    free = _free_slots(book)
    assert len(live) == int(book["live"])
    assert len(free) + len(live) == len(orders)
    assert not set(free) & set(live.tolist())
    seen = [_check_side(book, side) for side in (BUY, SELL)]
    assert sorted(seen[0] + seen[1]) == live.tolist()
    bids, asks = read_side(book, BUY), read_side(book, SELL)
    assert int(book["best_bid"]) == (bids[0][0] if bids else NO_BID)
    assert int(book["best_ask"]) == (asks[0][0] if asks else NO_ASK)
    assert int(book["best_bid"]) < int(book["best_ask"])
    for side in (bids, asks):
        for _, queue in side:
            ids = [order_id for order_id, _, _ in queue]
            assert ids == sorted(ids)  # the sequence stands in the id's high bits: FIFO
            assert all(qty > 0 for _, qty, _ in queue)
    levels = book["levels"]
    empty = levels["head"] == NO_SLOT
    assert (levels["tail"][empty] == NO_SLOT).all()
    assert not levels["qty"][empty].any()


def _free_slots(book):
    slots = []
    slot = int(book["free"])
    while slot != NO_SLOT:
        slots.append(slot)
        assert len(slots) <= len(book["orders"])
        assert int(book["orders"]["qty"][slot]) == 0
        slot = int(book["orders"]["next"][slot])
    return slots


def _check_side(book, side):
    """Check one side's queues, bitmaps and far list; return the slots that stand on it."""
    window = _check_window(book, side)
    slots, previous, prices = [], NO_SLOT, []
    base, n_levels = int(book["base"]), len(book["levels"])
    slot = int(book["waiting_head"][side])
    while slot != NO_SLOT:
        order = book["orders"][slot]
        assert int(order["flags"]) & OrderFlag.FAR
        assert int(order["side"]) == side
        assert int(order["prev"]) == previous
        price = int(order["price"])
        assert price < base if side == BUY else price >= base + n_levels
        prices.append(price)
        slots.append(slot)
        previous, slot = slot, int(order["next"])
    assert int(book["waiting_tail"][side]) == previous
    assert prices == sorted(prices, reverse=side == BUY)
    return window + slots


def _check_window(book, side):
    orders, levels = book["orders"], book["levels"]
    base, n_levels = int(book["base"]), len(levels)
    slots, occupied = [], []
    for place in np.flatnonzero(levels["head"] != NO_SLOT).tolist():
        slot = int(levels["head"][place])
        if int(orders["side"][slot]) != side:
            continue
        occupied.append(place)
        price = base + (place - base) % n_levels
        total, previous = 0, NO_SLOT
        while slot != NO_SLOT:
            order = orders[slot]
            assert int(order["price"]) == price
            assert int(order["side"]) == side
            assert not int(order["flags"]) & (OrderFlag.FAR | OrderFlag.CROSSED)
            assert int(order["prev"]) == previous
            assert int(order["id"]) & ((1 << 20) - 1) == slot
            total += int(order["qty"])
            slots.append(slot)
            previous, slot = slot, int(order["next"])
        assert int(levels["tail"][place]) == previous
        assert int(levels["qty"][place]) == total
    bits = np.unpackbits(book["fine"][side].view(np.uint8), bitorder="little")
    assert np.flatnonzero(bits).tolist() == occupied
    words = {place >> 6 for place in occupied}
    for block, word in enumerate(book["middle"][side].tolist()):
        assert word == sum(1 << (w & 63) for w in words if w >> 6 == block)
    assert int(book["top"][side]) == sum(1 << block for block in {w >> 6 for w in words})
    return slots
