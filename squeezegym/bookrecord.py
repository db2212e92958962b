"""The record of one order book, and the rows that go into it and come out.

Units: price in ticks, quantity in lots. Every dtype is free of padding, so equal books are equal
bytes. A market holds two book records; a stand-alone :class:`squeezegym.orderbook.OrderBook` one.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from squeezegym.codes import Status

LEVEL_DTYPE = np.dtype([("head", "u4"), ("tail", "u4"), ("qty", "i8")], align=True)

ORDER_DTYPE = np.dtype(
    [
        ("id", "u8"),
        ("price", "u4"),
        ("qty", "u4"),  # open lots; 0: the slot is free
        ("prev", "u4"),
        ("next", "u4"),
        ("owner", "u4"),
        ("side", "u2"),
        ("flags", "u2"),  # bits of codes.OrderFlag
    ],
    align=True,
)

MESSAGE_DTYPE = np.dtype(
    [
        ("kind", "u1"),  # codes.MessageKind
        ("side", "u1"),  # codes.Side
        ("tif", "u1"),  # codes.Tif
        ("flags", "u1"),  # POST_ONLY and REDUCE_ONLY of codes.OrderFlag
        ("owner", "u4"),
        ("order_id", "u8"),
        ("price", "i8"),  # ticks; 0: a market order, or an amend that keeps the price
        ("qty", "i8"),  # lots; of an amend the new open quantity
    ],
    align=True,
)

RECEIPT_DTYPE = np.dtype(
    [
        ("order_id", "u8"),
        ("filled", "i8"),  # lots
        ("resting", "i8"),  # lots
        ("status", "u4"),  # codes.Status
        ("withdrawn", "u4"),  # orders of the same owner cancelled or cut on the way
    ],
    align=True,
)

TAPE_DTYPE = np.dtype(
    [
        ("message", "i8"),  # index of the message that traded; -1: an uncross
        ("taker_id", "u8"),  # of an uncross: the buyer's order
        ("maker_id", "u8"),  # of an uncross: the seller's order
        ("price", "i8"),  # ticks
        ("qty", "i8"),  # lots
        ("taker_owner", "u4"),
        ("maker_owner", "u4"),
    ],
    align=True,
)

RESTING_DTYPE = np.dtype(
    [("order_id", "u8"), ("price", "i8"), ("qty", "i8"), ("owner", "u4"), ("side", "u4")],
    align=True,
)

DIRECT_DTYPE = np.dtype([("above", "u4")])  # slot + 1; 0: none
ID_DTYPE = np.dtype([("id", "u8"), ("slot", "u4"), ("used", "u4")], align=True)


@cache
def book_dtype(levels: int, orders: int) -> np.dtype[Any]:
    """Return the dtype of one order book.

    Args:
        levels: Price levels in its window; a power of two, 4,096 to 262,144.
        orders: Orders that may rest at once.
    """
    return np.dtype(
        [
            ("best_bid", "i8"),  # ticks; NO_BID when the side is empty
            ("best_ask", "i8"),  # ticks; NO_ASK when the side is empty
            ("base", "i8"),  # lowest price of the window
            ("lowest", "i8"),  # price range that the book accepts, both included
            ("highest", "i8"),
            ("free", "u4"),  # head of the free list
            ("live", "u4"),  # resting orders
            ("last", "i8"),  # price of the last trade, ticks
            ("sequence", "u8"),  # ids given by the book so far
            ("expired", "i8"),  # reduce-only orders cancelled or cut when they were about to trade
            ("state", "u4"),  # codes.BookState
            ("self_trade", "u4"),  # codes.SelfTrade
            # Sorted lists beside the ladder, by side: 0, 1 beyond the window; 2, 3 crossed.
            ("waiting_head", "u4", (4,)),
            ("waiting_tail", "u4", (4,)),
            ("top", "u8", (2,)),  # occupancy bitmap, coarsest level, by side
            ("middle", "u8", (2, max(1, levels // 4096))),
            ("fine", "u8", (2, levels // 64)),
            ("orders", ORDER_DTYPE, (orders,)),
            ("levels", LEVEL_DTYPE, (levels,)),
        ],
        align=True,
    )


MAX_OWNERS = 65_536  # owners that a stand-alone book can tell apart
LINE = 64  # bytes of a cache line


@cache
def desk_dtype(levels: int, orders: int) -> np.dtype[Any]:
    """Return the dtype of a stand-alone book: the book, the ids of its orders, positions."""
    capacity = 1 << (orders - 1).bit_length()
    return np.dtype(
        [
            ("book", book_dtype(levels, orders)),
            ("is_open", "i8"),  # 0: the next call opens it, with what follows
            ("lowest", "i8"),  # ticks
            ("highest", "i8"),
            ("max_orders", "i8"),
            ("rule", "i8"),  # codes.SelfTrade
            ("by_id", "i8"),  # 1: senders choose the ids of their orders; 0: the book does
            ("owners", "i8"),  # owners are numbered 0 to owners - 1
            ("n_tape", "i8"),  # rows written to the tape of a replay
            ("top_id", "i8"),  # largest id below 2**63 that has rested
            ("displaced", "i8"),  # live ids that stand in the table
            ("counts", "i8", (len(Status),)),  # receipts by status
            ("positions", "i8", (MAX_OWNERS,)),  # net lots bought
            ("direct", DIRECT_DTYPE, (4 * capacity,)),  # where ids stand, by their low bits
            ("table", ID_DTYPE, (2 * capacity,)),
        ],
        align=True,
    )


def allocate_desks(n: int, levels: int, orders: int) -> np.ndarray:
    """Allocate ``n`` empty desks so that no order lies on two cache lines."""
    return zeros_on_lines(n, desk_dtype(levels, orders))


def zeros_on_lines(n: int, dtype: np.dtype[Any]) -> np.ndarray:
    """Allocate ``n`` zero records; the first begins on a cache line."""
    room = np.zeros(n * dtype.itemsize + LINE, np.uint8)
    start = -room.ctypes.data % LINE
    return room[start : start + n * dtype.itemsize].view(dtype)
