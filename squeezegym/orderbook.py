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
import operator
from collections.abc import Iterable, Mapping
from enum import IntEnum
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from squeezegym.bookrecord import (
    MAX_OWNERS,
    MESSAGE_DTYPE,
    RECEIPT_DTYPE,
    RESTING_DTYPE,
    TAPE_DTYPE,
    desk_dtype,
)
from squeezegym.codes import (
    NO_ASK,
    NO_BID,
    NO_SLOT,
    BookState,
    MessageKind,
    OrderFlag,
    SelfTrade,
    Side,
    Status,
    Tif,
)
from squeezegym.core.auction import uncross
from squeezegym.core.replay import replay
from squeezegym.core.views import find_order, list_orders
from squeezegym.errors import ConfigError, did_you_mean

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
_MAX_I8 = 2**63 - 1
_BUY, _SELL = int(Side.BUY), int(Side.SELL)

Rows = NDArray[Any]
CodeT = TypeVar("CodeT", bound=IntEnum)


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


class RestingOrder(NamedTuple):
    """One order in the book: ticks and open lots."""

    order_id: int
    side: Side
    price: int
    qty: int
    owner: int


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


class OrderBook:
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
        lowest, highest = _price_range(price_range)
        max_orders = _integer("max_orders", max_orders, 1, CLASSES[-1][1])
        self._desks = np.zeros(1, _class_of(highest - lowest + 1, max_orders))
        desk = self._desks[0]
        desk["lowest"], desk["highest"] = lowest, highest
        desk["max_orders"] = max_orders
        desk["owners"] = _integer("max_owners", max_owners, 1, MAX_OWNERS)
        desk["rule"] = code(SelfTrade, "self_trade", self_trade)
        desk["by_id"] = _choice("ids", ids, ("book", "caller"))
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
        message = self._one[0]
        message["kind"] = MessageKind.NEW
        message["side"] = code(Side, "side", side)
        message["tif"] = code(Tif, "tif", tif)
        if price_cap is not None:
            price, message["tif"] = self._capped(price, price_cap, message)
        message["flags"] = OrderFlag.POST_ONLY * bool(post_only)
        message["flags"] |= OrderFlag.REDUCE_ONLY * bool(reduce_only)
        message["owner"] = min(_whole("owner", owner), MAX_OWNERS)
        self._next_id = max(self._next_id, int(self._desks[0]["top_id"])) + 1
        message["order_id"] = self._next_id
        message["price"] = 0 if price is None else _limit(price)
        message["qty"] = _whole("qty", qty)
        return self._send()

    def cancel(self, order_id: int) -> Receipt:
        """Cancel a resting order; UNKNOWN_ORDER when it was filled, cancelled or never was."""
        self._one[0] = 0
        self._one[0]["kind"] = MessageKind.CANCEL
        self._one[0]["order_id"] = _id(order_id)
        return self._send()

    def amend(self, order_id: int, qty: int | None = None, price: int | None = None) -> Receipt:
        """Change a resting order.

        Fewer lots at the same price keep the place in the queue; anything else loses it, and the
        order may trade like a new one. A rejected amend leaves the order as it was.

        Args:
            order_id: The order.
            qty: New open quantity, lots; None keeps it.
            price: New limit, ticks; None keeps it.
        """
        message = self._one[0]
        self._one[0] = 0
        message["kind"] = MessageKind.AMEND
        message["order_id"] = _id(order_id)
        message["price"] = 0 if price is None else _limit(price)
        if qty is None:
            found = self._find(order_id)
            qty = found[1] if found else 1
        message["qty"] = _whole("qty", qty)
        return self._send()

    def cancel_all(self, owner: int) -> int:
        """Cancel every resting order of an owner; returns how many there were."""
        self._one[0] = 0
        self._one[0]["kind"] = MessageKind.CANCEL_ALL
        self._one[0]["owner"] = min(_whole("owner", owner), MAX_OWNERS)
        return self._send().withdrawn

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
        messages = _rows("messages", messages, MESSAGE_DTYPE, 0)
        n = len(messages)
        room = 2 * n + int(self._desks[0]["book"]["live"])
        given = tape is not None
        if receipts is None:
            receipts = np.empty(n, RECEIPT_DTYPE)
        if tape is None:
            tape = np.empty(room, TAPE_DTYPE)
        receipts = _rows("receipts", receipts, RECEIPT_DTYPE, n)[:n]
        tape = _rows("tape", tape, TAPE_DTYPE, room)
        replay(self._desks, messages[None], receipts[None], tape[None])
        tape = tape[: int(self._desks[0]["n_tape"])]
        self._keep(tape, n, copied=given)
        return receipts, tape

    # -- states and auction --------------------------------------------------------------------

    @property
    def state(self) -> str:
        """``"open"``, ``"cancel_only"``, ``"halted"`` or ``"auction"``."""
        return BookState(int(self._desks[0]["book"]["state"])).name.lower()

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
        prices = np.array([_whole("reference", reference)], np.int64)
        result = np.zeros((1, 3), np.int64)
        tape = np.empty(int(self._desks[0]["book"]["live"]), TAPE_DTYPE)
        uncross(self._desks, tape[None], prices, result)
        tape = tape[: int(self._desks[0]["n_tape"])]
        self._keep(tape, 0)
        price, volume, imbalance = result[0].tolist()
        rows = zip(*(tape[f].tolist() for f in ("price", "qty", "taker_id", "maker_id")), strict=True)
        return Uncross(price or None, volume, imbalance, list(rows))

    # -- views ---------------------------------------------------------------------------------

    @property
    def best_bid(self) -> int | None:
        """Best bid, ticks; None when there is none."""
        best = int(self._desks[0]["book"]["best_bid"])
        waiting = self._crossed(_BUY)
        return max(best, waiting or 0) if best != NO_BID or waiting else None

    @property
    def best_ask(self) -> int | None:
        """Best ask, ticks; None when there is none."""
        best = int(self._desks[0]["book"]["best_ask"])
        waiting = self._crossed(_SELL)
        return min(best, waiting or best) if best != NO_ASK or waiting else None

    @property
    def last(self) -> int | None:
        """Price of the last trade, ticks; None before the first."""
        return int(self._desks[0]["book"]["last"]) or None

    def levels(
        self, depth: int = 10
    ) -> tuple[list[tuple[int, int, int]], list[tuple[int, int, int]]]:
        """Level 2: ``(bids, asks)``, each ``[(price, qty, orders), ...]``, best price first."""
        depth = _whole("depth", depth)
        sides = []
        for side in (_BUY, _SELL):
            rows = self._side(side, depth)
            prices, starts, counts = np.unique(rows["price"], return_index=True, return_counts=True)
            order = np.argsort(starts)[: max(depth, 0)]
            lots = [int(rows["qty"][s : s + c].sum()) for s, c in zip(starts, counts, strict=True)]
            sides.append([(int(prices[i]), lots[i], int(counts[i])) for i in order])
        return sides[0], sides[1]

    def orders(self) -> list[RestingOrder]:
        """Level 3: every resting order; bids, then asks, by priority."""
        rows = [row for side in (_BUY, _SELL) for row in self._side(side, _MAX_I8).tolist()]
        return [RestingOrder(i, Side(side), price, qty, owner) for i, price, qty, owner, side in rows]

    def queue_ahead(self, order_id: int) -> int | None:
        """Lots that stand before an order at its price; None when no such order rests."""
        found = self._find(order_id)
        return found and found[0]

    def position(self, owner: int) -> int:
        """Net lots that an owner has bought here; negative when it sold more."""
        owners = int(self._desks[0]["owners"])
        return int(self._desks[0]["positions"][_integer("owner", owner, 0, owners - 1)])

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

    def counts(self) -> Mapping[Status, int]:
        """How many messages ended with each status."""
        counts = self._desks[0]["counts"].tolist()
        counts[Status.RESTING] = self._messages - sum(counts[1:])  # the kernel skips the usual one
        return {status: counts[status] for status in Status if counts[status]}

    @property
    def expired(self) -> int:
        """Resting reduce-only orders that were cut or cancelled when they were about to trade."""
        return int(self._desks[0]["book"]["expired"])

    def __len__(self) -> int:
        """Number of resting orders."""
        return int(self._desks[0]["book"]["live"])

    def __repr__(self) -> str:
        return (
            f"OrderBook({self.best_bid} / {self.best_ask}, {len(self)} orders, {self.state},"
            f" {self._messages} messages)"
        )

    def __deepcopy__(self, memo: dict[int, Any]) -> OrderBook:
        return self.copy()

    def copy(self) -> OrderBook:
        """Return an independent copy of the book."""
        twin = copy.copy(self)
        for name in ("_desks", "_one", "_answer", "_scratch"):
            setattr(twin, name, getattr(self, name).copy())
        if self._prints is not None:
            twin._prints = list(self._prints)
        return twin

    # -- inside --------------------------------------------------------------------------------

    def _send(self) -> Receipt:
        """Replay the one message that has been prepared."""
        room = int(self._desks[0]["book"]["live"]) + 2
        if len(self._scratch) < room:
            self._scratch = np.empty(2 * room, TAPE_DTYPE)
        replay(self._desks, self._one[None], self._answer[None], self._scratch[None])
        tape = self._scratch[: int(self._desks[0]["n_tape"])]
        order_id, filled, resting, status, withdrawn = self._answer[0].item()
        fills = []
        if len(tape):
            columns = (tape[f].tolist() for f in ("price", "qty", "maker_owner"))
            fills = list(zip(*columns, strict=True))
        self._keep(tape, 1, copied=True)
        return Receipt(order_id, Status(status), filled, resting, fills, withdrawn)

    def _keep(self, tape: Rows, n_messages: int, copied: bool = False) -> None:
        """Count messages and keep their trades; rows that will be overwritten are copied."""
        if self._prints is not None and len(tape):
            self._prints.append((self._messages, tape.copy() if copied else tape))
        self._messages += n_messages

    def _capped(self, price: int | None, cap: int, message: Any) -> tuple[int, Tif]:
        """Lower a capped market order to a limit order that does not rest."""
        if price is not None:
            raise ConfigError(
                f"price_cap={cap} is for market orders, got price={price} too; leave one of them out"
            )
        tif = Tif.FOK if message["tif"] == Tif.FOK else Tif.IOC
        return int(np.clip(_whole("price_cap", cap), 0, int(self._desks[0]["highest"]))), tif

    def _find(self, order_id: int) -> tuple[int, int] | None:
        """Return the lots ahead of a resting order and its own, or None."""
        row = np.empty(1, RESTING_DTYPE)
        ahead = int(find_order(self._desks, np.uint64(_id(order_id)), row))
        return None if ahead < 0 else (ahead, int(row[0]["qty"]))

    def _side(self, side: int, depth: int) -> Rows:
        """Resting orders of one side by priority, of its best levels only."""
        rows = np.empty(len(self), RESTING_DTYPE)
        n = list_orders(self._desks, np.int64(side), np.int64(depth), rows)
        rows = rows[: int(n)]
        if self._crossed(side) is not None:
            rows = rows[np.argsort(-rows["price"] if side == _BUY else rows["price"], kind="stable")]
        return rows

    def _crossed(self, side: int) -> int | None:
        """Best price of the orders of a side that cross the ladder, or None."""
        book = self._desks[0]["book"]
        slot = int(book["waiting_head"][2 + side])
        return None if slot == NO_SLOT else int(book["orders"]["price"][slot])


def code(enum: type[CodeT], name: str, value: Any) -> int:
    """Return the code of an enum's member or of its name in any case.

    Raises:
        ConfigError: There is no such member.
    """
    if isinstance(value, str):
        names = {member.name.lower(): member for member in enum}
        if value.lower() in names:
            return int(names[value.lower()])
        raise ConfigError(
            f"{name} must be one of {', '.join(names)}, got {value!r}{did_you_mean(value, names)}"
        )
    try:
        return int(enum(value))
    except ValueError:
        allowed = ", ".join(member.name.lower() for member in enum)
        raise ConfigError(f"{name} must be one of {allowed}, got {value!r}") from None


def _choice(name: str, value: str, allowed: Iterable[str]) -> int:
    """Return the index of a word among those allowed."""
    words = list(allowed)
    if value not in words:
        raise ConfigError(
            f"{name} must be one of {', '.join(words)}, got {value!r}{did_you_mean(value, words)}"
        )
    return words.index(value)


def _whole(name: str, value: Any) -> int:
    """Return a whole number that fits in a message; larger ones as the largest."""
    try:
        number = operator.index(value)
    except TypeError:
        raise ConfigError(f"{name} must be a whole number, got {value!r}") from None
    return max(-_MAX_I8, min(number, _MAX_I8))


def _integer(name: str, value: Any, least: int, most: int) -> int:
    """Return a whole number within bounds."""
    number = _whole(name, value)
    if not least <= number <= most:
        raise ConfigError(f"{name} must lie between {least:,} and {most:,}, got {value!r}")
    return number


def _limit(price: Any) -> int:
    """Return a limit price for a message, where 0 would mean a market order."""
    return _whole("price", price) or -1


def _id(order_id: Any) -> int:
    """Return an order id; what cannot be one as the largest, which nobody would choose."""
    try:
        number = operator.index(order_id)
    except TypeError:
        raise ConfigError(f"order_id must be a whole number, got {order_id!r}") from None
    return number if 0 <= number < 2**64 else 2**64 - 1


def _price_range(price_range: Any) -> tuple[int, int]:
    try:
        lowest, highest = (operator.index(price) for price in price_range)
    except (TypeError, ValueError):
        raise ConfigError(
            f"price_range must be two whole numbers (lowest, highest), got {price_range!r}"
        ) from None
    if not 1 <= lowest <= highest < NO_ASK:
        raise ConfigError(
            f"price_range must satisfy 1 <= lowest <= highest < {NO_ASK:,}, got {price_range!r}"
        )
    return lowest, highest


def _class_of(width: int, max_orders: int) -> np.dtype[Any]:
    """Smallest size class that holds a price range and so many orders."""
    fits = [size for size in CLASSES if size[0] >= width and size[1] >= max_orders]
    return desk_dtype(*(fits[0] if fits else CLASSES[-1]))


def _rows(name: str, rows: Any, dtype: np.dtype[Any], least: int) -> Rows:
    """Check an array of rows and return it contiguous."""
    if not isinstance(rows, np.ndarray) or rows.dtype != dtype or rows.ndim != 1:
        found = f"{rows.dtype}, {rows.ndim}-d" if isinstance(rows, np.ndarray) else type(rows)
        raise ConfigError(
            f"{name} must be a 1-d array of squeezegym.{name.rstrip('s').upper()}_DTYPE, got {found}"
        )
    if len(rows) < least:
        raise ConfigError(f"{name} must have at least {least:,} rows, got {len(rows):,}")
    return rows if name == "receipts" or name == "tape" else np.ascontiguousarray(rows)
