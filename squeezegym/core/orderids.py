"""Where an order stands, by the id that its sender chose.

Senders count upwards, so the low bits of an id nearly always find a free place of a direct map. An
order whose place is taken by another live one is displaced into a hash table (open addressing,
linear probing; an entry leaves by shifting back those behind it, so there are no tombstones).
Whatever the ids are, each costs a bounded number of look-ups.
"""

import numpy as np

from squeezegym._jit import kernel, prefetch, wrapping_mul
from squeezegym.codes import IS_DISPLACED, NO_SLOT

_MIX = np.uint64(0x9E3779B97F4A7C15)  # 2**64 / golden ratio
_HIGH = np.uint64(32)
_ONE = np.uint64(1)
_DISPLACED = np.uint16(IS_DISPLACED)


@kernel(inline=True)
def look_up(desk, order_id):
    """Return the slot of a live order, or NO_SLOT."""
    above = np.int64(desk["direct"][_near(desk, order_id)]["above"])
    if above != 0 and desk["book"]["orders"][above - 1]["id"] == order_id:
        return np.uint32(above - 1)
    if desk["displaced"] == 0:
        return NO_SLOT
    return _search(desk, order_id)


@kernel(inline=True)
def remember(desk, order_id, slot):
    """Note where a new order stands; its id must not be live."""
    entry = desk["direct"][_near(desk, order_id)]
    if entry["above"] == 0:
        entry["above"] = np.uint32(np.int64(slot) + 1)
    else:
        _displace(desk, order_id, slot)


@kernel(inline=True)
def forget(desk, order):
    """Drop the id of an order that is no longer live."""
    if order["flags"] & _DISPLACED == 0:
        desk["direct"][_near(desk, order["id"])]["above"] = 0
    else:
        _drop(desk, order["id"])


@kernel(inline=True)
def expect(desk, order_id):
    """Ask for the line where an id will be looked up, while other messages are served."""
    prefetch(desk["direct"][_near(desk, order_id)], 0, 1)


@kernel(inline=True)
def _near(desk, order_id):
    """Place of an id in the direct map."""
    return order_id & np.uint64(desk["direct"].shape[0] - 1)


@kernel(inline=True)
def _home(desk, order_id):
    """Place in the table where the search for an id begins."""
    return (wrapping_mul(order_id, _MIX) >> _HIGH) & np.uint64(desk["table"].shape[0] - 1)


@kernel
def _place(desk, order_id):
    """Return the place of an id in the table, or of the empty entry where it would go."""
    table = desk["table"]
    place = _home(desk, order_id)
    while table[place]["used"] != 0 and table[place]["id"] != order_id:
        place = (place + _ONE) & np.uint64(table.shape[0] - 1)
    return place


@kernel
def _search(desk, order_id):
    entry = desk["table"][_place(desk, order_id)]
    return entry["slot"] if entry["used"] != 0 else NO_SLOT


@kernel
def _displace(desk, order_id, slot):
    entry = desk["table"][_place(desk, order_id)]
    entry["id"] = order_id
    entry["slot"] = slot
    entry["used"] = 1
    desk["book"]["orders"][slot]["flags"] |= _DISPLACED
    desk["displaced"] += 1


@kernel
def _drop(desk, order_id):
    table = desk["table"]
    mask = np.uint64(table.shape[0] - 1)
    hole = _place(desk, order_id)
    place = (hole + _ONE) & mask
    while table[place]["used"] != 0:
        home = _home(desk, table[place]["id"])
        if ((place - home) & mask) >= ((place - hole) & mask):
            table[hole]["id"] = table[place]["id"]
            table[hole]["slot"] = table[place]["slot"]
            hole = place
        place = (place + _ONE) & mask
    table[hole]["used"] = 0
    desk["displaced"] -= 1
