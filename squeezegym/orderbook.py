"""The order book alone: a complete matching engine for people who want only that.

::

    from squeezegym import OrderBook

    book = OrderBook(price_range=(1, 65_536))
    book.submit("sell", qty=30, price=101, owner=1)
    book.submit("buy", qty=50, price=102, owner=2)
    # Receipt(order_id=2, status=PARTIALLY_FILLED, filled=30, resting=20, fills=[(101, 30, 1)])

Prices are integer ticks, quantities integer lots. A rejected order is data: a receipt with its
:class:`~squeezegym.codes.Status`, nothing filled and nothing resting. Exceptions are for
arguments that cannot mean anything.
"""

from __future__ import annotations

import copy
from typing import NamedTuple

import numpy as np

from squeezegym.arguments import (
    Rows,
    choice,
    code,
    integer,
    limit_price,
    order_number,
    owner_number,
    price_bounds,
    rows_of,
    whole,
)
from squeezegym.bookrecord import (
    MAX_OWNERS,
    MESSAGE_DTYPE,
    RECEIPT_DTYPE,
    TAPE_DTYPE,
    allocate_desks,
)
from squeezegym.bookview import BookView, RestingOrder
from squeezegym.codes import BookState, MessageKind, OrderFlag, SelfTrade, Side, Status, Tif
from squeezegym.core.auction import uncross
from squeezegym.core.replay import replay
from squeezegym.errors import ConfigError

__all__ = [
    "MESSAGE_DTYPE",
    "RECEIPT_DTYPE",
    "TAPE_DTYPE",
    "OrderBook",
    "Receipt",
    "RestingOrder",
    "Uncross",
]

CLASSES = ((4_096, 8_192), (65_536, 16_384), (65_536, 65_536), (262_144, 1_048_575))
"""Size classes (price levels, orders): each is compiled once and cached."""


_NEW, _CANCEL, _AMEND, _CANCEL_ALL = map(int, MessageKind)
_POST_ONLY, _REDUCE_ONLY = int(OrderFlag.POST_ONLY), int(OrderFlag.REDUCE_ONLY)
_IOC = int(Tif.IOC)
_STATUSES = tuple(Status)


class Receipt(NamedTuple):
    """Answer to one message.

    Attributes:
        order_id: Id of the order.
        status: What became of it.
        filled: Lots filled at once.
        resting: Lots that now rest in the book.
        fills: ``(price, qty, maker_owner)`` of every fill, in order; ticks and lots.
        withdrawn: Resting orders of the same owner that self-trade prevention cancelled or cut.
    """

    order_id: int
    status: Status
    filled: int
    resting: int
    fills: list[tuple[int, int, int]]
    withdrawn: int = 0


class Uncross(NamedTuple):
    """Result of an auction.

    Attributes:
        price: Clearing price, ticks; None when nothing crossed.
        volume: Lots traded.
        imbalance: Lots bid at the price or above less lots offered at it or below.
        fills: ``(price, qty, buy_order_id, sell_order_id)`` of every fill, in order.
    """

    price: int | None
    volume: int
    imbalance: int
    fills: list[tuple[int, int, int, int]]


def class_of(width: int, max_orders: int) -> tuple[int, int]:
    """Return the smallest size class that holds a price range and so many orders."""
    fits = [size for size in CLASSES if size[0] >= width and size[1] >= max_orders]
    return fits[0] if fits else CLASSES[-1]


class OrderBook(BookView):
    """Limit order book with price-time priority.

    Args:
        price_range: Lowest and highest price it accepts, ticks, both included; at least 1. Within
            262,144 ticks the window is fixed; it rolls with the touch of a wider range.
        max_orders: Orders that may rest at once, at most 1,048,575.
        max_owners: Owners are numbered 0 to ``max_owners`` - 1, at most 65,536. Owner 0 is nobody
            in particular: self-trade prevention does not apply to it.
        self_trade: What happens when an order meets a resting order of its owner: ``"allow"``,
            ``"cancel_newest"``, ``"cancel_oldest"``, ``"cancel_both"`` or ``"decrement"``.
        ids: Who chooses the ids in :meth:`replay`: the ``"caller"``, or the ``"book"``, whose ids
            tell where the order stands and spare the look-up.
        keep_tape: Keep all trades for :meth:`tape`.

    Raises:
        ConfigError: An argument is out of range or unknown.
    """

    def __init__(
        self,
        price_range: tuple[int, int] = (1, 65_536),
        max_orders: int = 16_384,
        *,
        max_owners: int = MAX_OWNERS,
        self_trade: str = "cancel_newest",
        ids: str = "caller",
        keep_tape: bool = True,
    ) -> None:
        lowest, highest = price_bounds(price_range)
        max_orders = integer("max_orders", max_orders, 1, CLASSES[-1][1])
        self._desks = allocate_desks(1, *class_of(highest - lowest + 1, max_orders))
        desk = self._desks[0]
        desk["lowest"], desk["highest"] = lowest, highest
        desk["max_orders"] = max_orders
        desk["owners"] = integer("max_owners", max_owners, 1, MAX_OWNERS)
        desk["rule"] = code(SelfTrade, "self_trade", self_trade)
        desk["by_id"] = choice("ids", ids, ("book", "caller"))
        self._next_id = 0
        self._messages = 0
        self._prints: list[tuple[int, Rows]] | None = [] if keep_tape else None
        self._one = np.zeros(1, MESSAGE_DTYPE)
        self._answer = np.zeros(1, RECEIPT_DTYPE)
        self._scratch = np.zeros(0, TAPE_DTYPE)
        replay(self._desks, self._one[None, :0], self._answer[None, :0], self._scratch[None])

    # -- messages ------------------------------------------------------------------------------

    def submit(
        self,
        side: str | Side,
        qty: int,
        price: int | None = None,
        tif: str | Tif = "GTC",
        post_only: bool = False,
        reduce_only: bool = False,
        owner: int = 0,
        price_cap: int | None = None,
    ) -> Receipt:
        """Send a new order.

        Args:
            side: ``"buy"`` or ``"sell"``.
            qty: Lots.
            price: Limit, ticks; None is a market order, whose rest is cancelled.
            tif: ``"GTC"``, ``"IOC"`` or ``"FOK"``.
            post_only: Refuse it if it reaches the best price of the other side.
            reduce_only: It may only reduce the owner's :meth:`position`: its quantity is cut to
                the position, and again whenever the resting order is about to trade.
            owner: Whose order it is.
            price_cap: Worst price of a market order, ticks.

        Returns:
            The receipt; its ``order_id`` names the order in :meth:`cancel` and :meth:`amend`.

        Raises:
            ConfigError: Side or tif is unknown, a number is not whole, or a cap is given with
                a price.
        """
        number, force = code(Side, "side", side), code(Tif, "tif", tif)
        if price_cap is not None:
            price = self._capped(number, price, price_cap)
            force = max(force, _IOC)
        flags = _POST_ONLY * bool(post_only) | _REDUCE_ONLY * bool(reduce_only)
        limit = 0 if price is None else limit_price(price)
        lots, owner = whole("qty", qty), owner_number(owner)
        self._next_id = max(self._next_id, int(self._desks["top_id"][0])) + 1
        return self._send((_NEW, number, force, flags, owner, self._next_id, limit, lots))

    def cancel(self, order_id: int) -> Receipt:
        """Cancel a resting order; UNKNOWN_ORDER when it was filled, cancelled or never was."""
        return self._send((_CANCEL, 0, 0, 0, 0, order_number(order_id), 0, 0))

    def amend(self, order_id: int, qty: int | None = None, price: int | None = None) -> Receipt:
        """Change a resting order.

        Fewer lots at the same price keep the place in the queue; anything else loses it, and the
        order may trade like a new one. A rejected amend leaves the order as it was.

        Args:
            order_id: The order.
            qty: New open quantity, lots; None keeps it.
            price: New limit, ticks; None keeps it.
        """
        if qty is None:
            found = self._find(order_id)
            qty = found[1] if found else 1
        limit = 0 if price is None else limit_price(price)
        lots = whole("qty", qty)
        return self._send((_AMEND, 0, 0, 0, 0, order_number(order_id), limit, lots))

    def cancel_all(self, owner: int) -> int:
        """Cancel every resting order of an owner; returns how many there were."""
        return self._send((_CANCEL_ALL, 0, 0, 0, owner_number(owner), 0, 0, 0)).withdrawn

    def replay(
        self, messages: Rows, *, receipts: Rows | None = None, tape: Rows | None = None
    ) -> tuple[Rows, Rows]:
        """Serve many messages in one compiled loop.

        Args:
            messages: (m,) :data:`MESSAGE_DTYPE`. With ``ids="caller"`` a new order's ``order_id``
                is any number that no live order has; with ``ids="book"`` it is ignored and the
                receipt tells the id that cancels and amends must name.
            receipts: (m,) :data:`RECEIPT_DTYPE` to write into, instead of a new array.
            tape: :data:`TAPE_DTYPE` rows to write into, at least 2 m and one for every order that
                rests before; the book does not keep these trades.

        Returns:
            ``(receipts, tape)``: a receipt for each message, and a row for each fill in order.

        Raises:
            ConfigError: An array has another dtype, or too few rows.
        """
        messages = np.ascontiguousarray(rows_of("messages", messages, MESSAGE_DTYPE, 0))
        n = len(messages)
        room = 2 * n + int(self._desks[0]["book"]["live"])
        given = tape is not None
        if receipts is None:
            receipts = np.empty(n, RECEIPT_DTYPE)
        if tape is None:
            tape = np.empty(room, TAPE_DTYPE)
        receipts = rows_of("receipts", receipts, RECEIPT_DTYPE, n)[:n]
        tape = rows_of("tape", tape, TAPE_DTYPE, room)
        replay(self._desks, messages[None], receipts[None], tape[None])
        tape = tape[: int(self._desks[0]["n_tape"])]
        self._keep(tape, n, copied=given)
        return receipts, tape

    # -- states and auction --------------------------------------------------------------------

    def set_state(self, state: str | BookState) -> None:
        """Change the trading state.

        ``"cancel_only"`` takes cancels, ``"halted"`` nothing at all; in an ``"auction"`` orders
        rest without matching until :meth:`uncross`.

        Raises:
            ConfigError: The state is unknown, or a crossed book is to be opened.
        """
        number = code(BookState, "state", state)
        if number == BookState.OPEN:
            bid, ask = self.best_bid, self.best_ask
            if bid is not None and ask is not None and bid >= ask:
                raise ConfigError(
                    f"the book is crossed: best bid {bid} must be below best ask {ask} to open it;"
                    " uncross() first"
                )
            self.uncross()
        self._desks[0]["book"]["state"] = number

    def uncross(self, reference: int | None = None) -> Uncross:
        """Trade everything that crosses at one price, in price-time priority.

        The price has the largest executable volume; of several the one with the least imbalance,
        then the one nearest to the reference, then the lower. Self-trade prevention does not
        apply. The state stays as it is.

        Args:
            reference: Ticks; None is the last trade's price, or the middle of the touch.
        """
        if reference is None:
            reference = self.last or ((self.best_bid or 0) + (self.best_ask or 0)) // 2
        prices = np.array([whole("reference", reference)], np.int64)
        result = np.zeros((1, 3), np.int64)
        tape = np.empty(int(self._desks[0]["book"]["live"]), TAPE_DTYPE)
        uncross(self._desks, tape[None], prices, result)
        tape = tape[: int(self._desks[0]["n_tape"])]
        self._keep(tape, 0)
        price, volume, imbalance = result[0].tolist()
        rows = zip(
            *(tape[f].tolist() for f in ("price", "qty", "taker_id", "maker_id")), strict=True
        )
        return Uncross(price or None, volume, imbalance, list(rows))

    def tape(self) -> Rows:
        """Every trade so far: :data:`TAPE_DTYPE`, ``message`` counted from the book's first.

        Raises:
            ConfigError: The book was made with ``keep_tape=False``.
        """
        if self._prints is None:
            raise ConfigError("this book keeps no tape; make it with keep_tape=True")
        parts = []
        for start, rows in self._prints:
            part = rows.copy()
            part["message"] += np.where(part["message"] >= 0, start, 0)
            parts.append(part)
        return np.concatenate(parts) if parts else np.empty(0, TAPE_DTYPE)

    def __repr__(self) -> str:
        return (
            f"OrderBook({self.best_bid} / {self.best_ask}, {len(self)} orders, {self.state},"
            f" {self._messages} messages)"
        )

    def copy(self) -> OrderBook:
        """Return an independent copy of the book."""
        return copy.deepcopy(self)

    def __copy__(self) -> OrderBook:
        return copy.deepcopy(self)

    # -- inside --------------------------------------------------------------------------------

    def _send(self, message: tuple[int, ...]) -> Receipt:
        """Replay one message, given in the order of the fields of MESSAGE_DTYPE."""
        room = min(self._messages, int(self._desks["max_orders"][0])) + 2  # orders at most
        if len(self._scratch) < room:
            self._scratch = np.empty(2 * room, TAPE_DTYPE)
        self._one[0] = message
        replay(self._desks, self._one[None], self._answer[None], self._scratch[None])
        order_id, filled, resting, status, withdrawn = self._answer.item()
        fills = []
        n = int(self._desks["n_tape"][0])
        if n:
            tape = self._scratch[:n]
            columns = (tape[f].tolist() for f in ("price", "qty", "maker_owner"))
            fills = list(zip(*columns, strict=True))
            self._keep(tape, 0, copied=True)
        self._messages += 1
        return Receipt(order_id, _STATUSES[status], filled, resting, fills, withdrawn)

    def _keep(self, tape: Rows, n_messages: int, copied: bool = False) -> None:
        """Count messages and keep their trades; rows that will be overwritten are copied."""
        if self._prints is not None and len(tape):
            self._prints.append((self._messages, tape.copy() if copied else tape))
        self._messages += n_messages

    def _capped(self, side: int, price: int | None, cap: int) -> int:
        """Lower a capped market order to a limit order; a cap beyond the range caps nothing."""
        if price is not None:
            raise ConfigError(
                f"price_cap={cap} is for market orders, got price={price} too; leave one out"
            )
        worst = whole("price_cap", cap)
        if side == Side.BUY:
            return min(worst, int(self._desks["highest"][0]))
        return max(worst, int(self._desks["lowest"][0]))
