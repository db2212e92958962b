"""Prices of the trades of a run, which its event log implies: level books, followed row by row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from squeezegym.codes import FIRST_HOLDER_SLOT, Account, LogKind, OrderFlag, Side, Venue

OWNERS = (
    *("agent" if pot is Account.LEARNER else pot.name.lower() for pot in Account),
    "holder",
    "liquidation engine",
    "auction",
)
"""Who sent the order behind a trade."""
_HOLDER, _ENGINE, _AUCTION = (OWNERS.index(n) for n in ("holder", "liquidation engine", "auction"))

TRADE_DTYPE = np.dtype(
    [
        ("time", "i8"),  # ns
        ("price", "f8"),  # ticks, mean of its fills; NaN where it is not known
        ("lots", "i8"),
        ("book", "u1"),  # codes.Venue
        ("side", "u1"),  # codes.Side of the aggressor
        ("owner", "u1"),  # index into OWNERS
    ]
)


@dataclass(frozen=True, slots=True)
class Orders:
    """The resting orders of both books at one moment."""

    time: int
    """ns."""
    books: tuple[Any, Any]
    """Order records."""


def trades(rows: Any, moments: Sequence[Orders]) -> Any:
    """Return every aggressor order that filled, and every auction that traded.

    The levels of both books are followed through the log and set right at each moment, because
    what self-trade prevention, bands and auctions take out of a book has no row of its own.

    Args:
        rows: Event-log rows, by time.
        moments: Resting orders, the first where the log begins.

    Returns:
        (n,) :data:`TRADE_DTYPE`, by time.
    """
    levels = _Levels()
    found = []
    later = iter(moments)
    levels.set_right(next(later))
    ahead = next(later, None)
    fields = ("time", "kind", "book", "side", "flags", "account", "price", "qty", "filled")
    for time, kind, book, side, flags, account, price, qty, filled, order_id in zip(
        *(rows[name].tolist() for name in (*fields, "order_id")), strict=True
    ):
        while ahead is not None and time > ahead.time:
            levels.set_right(ahead)
            ahead = next(later, None)
        if kind == LogKind.ORDER:
            if filled:
                owner = account if account < FIRST_HOLDER_SLOT else _HOLDER
                owner = _ENGINE if flags & OrderFlag.FORCED else owner
                found.append((time, levels.take(book, side, filled), filled, book, side, owner))
            if order_id:
                levels.add(book, side, price, qty - filled, order_id)
        elif kind == LogKind.CANCEL:
            levels.cancel(book, order_id, qty)
        elif kind == LogKind.UNCROSS and qty:
            found.append((time, float(price), qty, book, int(Side.BUY), _AUCTION))
    return np.array(found, TRADE_DTYPE)


class _Levels:
    """Lots by book, side and price, and where each order rests."""

    def __init__(self) -> None:
        self.lots: dict[tuple[int, int], dict[int, int]] = {}
        self.places: list[dict[int, tuple[int, int]]] = [{}, {}]

    def set_right(self, moment: Orders) -> None:
        """Take the levels from the books themselves."""
        for book, orders in zip(Venue, moment.books, strict=True):
            ids, prices = orders["id"].tolist(), orders["price"].tolist()
            sides = orders["side"].tolist()
            places = zip(sides, prices, strict=True)
            self.places[book] = dict(zip(ids, places, strict=True))
            for side in Side:
                mine = orders[orders["side"] == side]
                at, which = np.unique(mine["price"], return_inverse=True)
                lots = np.bincount(which, mine["qty"], len(at)).astype(np.int64)
                self.lots[book, side] = dict(zip(at.tolist(), lots.tolist(), strict=True))

    def add(self, book: int, side: int, price: int, lots: int, order_id: int) -> None:
        """Let an order rest."""
        level = self.lots[book, side]
        level[price] = level.get(price, 0) + lots
        self.places[book][order_id] = (side, price)

    def cancel(self, book: int, order_id: int, lots: int) -> None:
        """Take out what a cancel took out."""
        place = self.places[book].pop(order_id, None)
        if place is not None:
            self._reduce(self.lots[book, place[0]], place[1], lots)

    def take(self, book: int, side: int, lots: int) -> float:
        """Let an aggressor eat the other side, best first; return its mean price in ticks."""
        opposite = self.lots[book, 1 - side]
        best = min if side == Side.BUY else max
        paid, left = 0, lots
        while left and opposite:
            price = best(opposite)
            taken = min(left, opposite[price])
            self._reduce(opposite, price, taken)
            paid += taken * price
            left -= taken
        return paid / (lots - left) if left < lots else float("nan")

    @staticmethod
    def _reduce(level: dict[int, int], price: int, lots: int) -> None:
        left = level.get(price, 0) - lots
        if left > 0:
            level[price] = left
        else:
            level.pop(price, None)
