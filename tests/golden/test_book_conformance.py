"""Edge cases that every price-time book must satisfy: the report of each, line by line.

The cases report what happened, in lines that say who was accepted, filled, cancelled or refused.
Here these lines are derived from what the book answers, and compared in order. No case amends an
order to fewer lots at the same price, the one change that keeps the place in the queue here while
the cases send every amended order to the back.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from squeezegym.codes import MessageKind, Side, Status, Tif
from squeezegym.orderbook import MESSAGE_DTYPE, OrderBook

CASES = Path(__file__).parents[2] / "../shared/golden/book_conformance.json"
N_CASES = 34
NOBODY = 2**63 + 12_345  # an id that no order has
KIND = {"new": MessageKind.NEW, "cancel": MessageKind.CANCEL, "amend": MessageKind.AMEND}
SIDE = {"buy": Side.BUY, "sell": Side.SELL}
TIF = {"gtc": Tif.GTC, "ioc": Tif.IOC}
RESTS = (Status.RESTING, Status.PARTIALLY_FILLED)

pytestmark = pytest.mark.skipif(
    not CASES.is_file(), reason="the conformance cases under ../shared are not here"
)


def expanded(items: list[Any]) -> list[Any]:
    """Write out ``{"from", "to", "item"}``: ``$i`` is the number, ``$i-1`` the one before."""

    def fill(item: Any, i: int) -> Any:
        if isinstance(item, list):
            return [fill(part, i) for part in item]
        if item == "$i":
            return i
        return item.replace("$i-1", str(i - 1)).replace("$i", str(i)) if "$" in str(item) else item

    rows = []
    for item in items:
        if isinstance(item, dict):
            rows += [fill(item["item"], i) for i in range(item["from"], item["to"] + 1)]
        else:
            rows.append(item)
    return rows


def read_cases() -> dict[str, dict[str, Any]]:
    if not CASES.is_file():
        return {}
    return {case["name"]: case for case in json.loads(CASES.read_text("utf-8"))["cases"]}


ALL = read_cases()
each_case = pytest.mark.parametrize("name", ALL or ["absent"])
_EMPTY: dict[tuple[int, str], OrderBook] = {}


class Case:
    """One case: its messages and its report; for each id its last side, limit and book's id."""

    def __init__(self, name: str) -> None:
        self.messages = expanded(ALL[name]["messages"])
        self.expected = expanded(ALL[name]["expected"])
        self.best = ALL[name]["best"]
        prices = [m[4] for m in self.messages if len(m) > 2]
        self.lowest = max(1, max(prices, default=1) - 2_000)
        self.side: dict[int, int] = {}
        self.price: dict[int, int] = {}
        self.book_id: dict[int, int] = {}

    def book(self, ids: str = "caller") -> OrderBook:
        """Return an empty book of the smallest class around the prices of the case."""
        key = (self.lowest, ids)
        if key not in _EMPTY:
            _EMPTY[key] = OrderBook((self.lowest, self.lowest + 4_000), 6_000, ids=ids)
        return _EMPTY[key].copy()

    def row(self, message: list[Any], order_id: int) -> tuple[int, ...]:
        """Return a message as a row of MESSAGE_DTYPE."""
        kind, _, *rest = message
        if kind == "cancel":
            return (KIND[kind], 0, 0, 0, 0, order_id, 0, 0)
        side, qty, price = rest[:3]
        tif = TIF[rest[3]] if kind == "new" else 0
        return (KIND[kind], SIDE[side], tif, 0, 0, order_id, price, qty)

    def report(self, seq: int, status: Status, resting: int, fills: list[Any]) -> list[str]:
        """Write the lines of message ``seq`` from its answer; fills are price, qty, maker."""
        kind, order_id, *rest = self.messages[seq]
        taken = [f"1,{seq},{price},{qty},{maker},{order_id}" for price, qty, maker in fills]
        if status == Status.UNKNOWN_ORDER:
            assert not fills
            return [f"{4 if kind == 'cancel' else 5},{seq},{order_id}"]
        if kind == "cancel":
            assert (status, resting, fills) == (Status.CANCELLED, 0, [])
            return [f"2,{seq},{self.side[order_id]:d},{order_id},{self.price[order_id]}"]
        side, qty, price = SIDE[rest[0]], rest[1], rest[2]
        self.side[order_id], self.price[order_id] = side, price
        left = qty - sum(fill[1] for fill in fills)
        assert resting == (left if status in RESTS else 0)
        assert (status == Status.FILLED) == (left == 0)
        if kind == "amend":
            assert status in (*RESTS, Status.FILLED)
            return [*taken, f"3,{seq},{side:d},{order_id},{price},{qty}"]
        lines = [f"0,{seq},{side:d},{order_id},{price},{qty}", *taken]
        if status == Status.CANCELLED:
            assert rest[3] == "ioc"
            lines.append(f"2,{seq},{side:d},{order_id},{price}")
        return lines

    def by_replay(self, book: OrderBook, ids: str) -> tuple[list[str], list[Any]]:
        """Replay message after message; returns the report and the best prices after each."""
        lines, best = [], []
        case_id: dict[int, int] = {}
        for seq, message in enumerate(self.messages):
            order_id = message[1]
            sent = order_id if ids == "caller" else self.book_id.get(order_id, NOBODY)
            receipts, tape = book.replay(np.array([self.row(message, sent)], MESSAGE_DTYPE))
            answer = receipts[0]
            assert answer["filled"] == tape["qty"].sum() and answer["withdrawn"] == 0
            if ids == "caller":
                assert answer["order_id"] == order_id
            elif message[0] == "new":
                self.book_id[order_id] = int(answer["order_id"])
            case_id[int(answer["order_id"])] = order_id
            assert {case_id[i] for i in tape["taker_id"].tolist()} <= {order_id}
            fills = [(p, q, case_id[i]) for p, q, i in tape[["price", "qty", "maker_id"]].tolist()]
            lines += self.report(seq, Status(answer["status"]), int(answer["resting"]), fills)
            best.append([book.best_bid, book.best_ask])
        return lines, best

    def check_best(self, best: list[Any]) -> None:
        if self.best is not None:
            assert best == self.best


@pytest.mark.nojit
def test_cases_are_all_there_and_none_shrinks_an_order_in_place() -> None:
    assert len(ALL) == N_CASES
    for name in ALL:
        price: dict[int, int] = {}
        for kind, order_id, *rest in expanded(ALL[name]["messages"]):
            if kind == "amend" and order_id in price:
                assert rest[2] != price[order_id]
            if kind != "cancel":
                price[order_id] = rest[2]


@pytest.mark.nojit
@pytest.mark.boundscheck
@each_case
def test_replay_reports_what_the_case_expects(name: str) -> None:
    case = Case(name)
    book = case.book()

    lines, best = case.by_replay(book, "caller")

    assert lines == case.expected
    case.check_best(best)


@pytest.mark.nojit
@pytest.mark.boundscheck
@each_case
def test_one_replay_of_all_messages_is_the_same(name: str) -> None:
    case = Case(name)
    messages = np.array([case.row(m, m[1]) for m in case.messages], MESSAGE_DTYPE)
    whole, stepwise = case.book(), case.book()

    receipts, tape = whole.replay(messages)
    single = [stepwise.replay(messages[i : i + 1])[0] for i in range(len(messages))]

    assert np.concatenate(single).tobytes() == receipts.tobytes()
    assert stepwise.tape().tobytes() == whole.tape().tobytes() == tape.tobytes()
    assert stepwise.orders() == whole.orders()
    assert stepwise.counts() == whole.counts()


@pytest.mark.nojit
@pytest.mark.boundscheck
@each_case
def test_replay_with_ids_of_the_book_reports_the_same(name: str) -> None:
    case = Case(name)
    book = case.book("book")

    lines, best = case.by_replay(book, "book")

    assert lines == case.expected
    case.check_best(best)


@pytest.mark.nojit
@pytest.mark.boundscheck
@each_case
def test_single_calls_report_the_same(name: str) -> None:
    case = Case(name)
    book = case.book()
    case_id: dict[int, int] = {}
    lines, best = [], []
    n_before = 0

    for seq, (kind, order_id, *rest) in enumerate(case.messages):
        known = case.book_id.get(order_id, NOBODY)
        if kind == "new":
            side, qty, price, tif = rest
            answer = book.submit(side, qty, price, tif.upper())
            case.book_id[order_id] = answer.order_id
            case_id[answer.order_id] = order_id
        elif kind == "amend":
            answer = book.amend(known, qty=rest[1], price=rest[2])
        else:
            answer = book.cancel(known)
        trades = answer.fills and book.tape()[n_before:]
        n_before += len(trades)
        fills = [(int(t["price"]), int(t["qty"]), case_id[int(t["maker_id"])]) for t in trades]
        assert answer.fills == [(price, qty, 0) for price, qty, _ in fills]
        assert answer.filled == sum(fill[1] for fill in fills)
        lines += case.report(seq, answer.status, answer.resting, fills)
        best.append([book.best_bid, book.best_ask])

    assert lines == case.expected
    case.check_best(best)


@pytest.mark.slow
@pytest.mark.parametrize("ids", ["caller", "book"])
def test_the_widest_window_takes_the_price_ceiling(ids: str) -> None:
    case = Case("wide_in_domain_price_ceiling")

    lines, best = case.by_replay(OrderBook((1, 262_144), ids=ids), ids)

    assert lines == case.expected
    case.check_best(best)
