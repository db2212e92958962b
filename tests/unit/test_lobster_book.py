"""Events of LOBSTER become messages, and the levels after each are those recorded."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from squeezegym.codes import MessageKind, Side, Tif
from squeezegym.data.lobster_book import LobsterBook, rebuild
from tests.unit.lobster_files import write

BUY, SELL = Side.BUY, Side.SELL
NEW, CANCEL, AMEND = MessageKind.NEW, MessageKind.CANCEL, MessageKind.AMEND
GTC, IOC = Tif.GTC, Tif.IOC
NO_ASK, NO_BID = "9999999999,0", "-9999999999,0"


def replayed(tmp_path: Path, events: Sequence[str], shown: Sequence[str] = ()) -> LobsterBook:
    """Rebuild from events without their time and, if given, the lines of the orderbook file."""
    lines = [f"34{200 + i // 1000}.{i % 1000:03d},{event}" for i, event in enumerate(events)]
    messages = write(tmp_path / "message.csv", lines)
    return rebuild(messages, write(tmp_path / "orderbook.csv", shown) if shown else None)


def sent(rebuilt: LobsterBook) -> list[tuple[int, ...]]:
    """Row, kind, side, time in force, id, price, quantity of every message."""
    names = ["kind", "side", "tif", "order_id", "price", "qty"]
    columns = [rebuilt.plan.row, *(rebuilt.plan.messages[name] for name in names)]
    return list(zip(*(column.tolist() for column in columns), strict=True))


def test_each_type_of_event_becomes_its_message(tmp_path: Path) -> None:
    rebuilt = replayed(
        tmp_path,
        [
            "1,11,10,1000000,1",
            "1,12,20,1000000,1",
            "1,13,30,1000100,-1",
            "2,12,5,1000000,1",
            "4,11,4,1000000,1",
            "5,0,50,1000050,1",
            "4,11,6,1000000,1",
            "3,13,30,1000100,-1",
            "6,-1,900,1000000,-1",
            "7,0,0,-1,-1",
        ],
    )

    assert sent(rebuilt) == [
        (0, NEW, BUY, GTC, 11, 10_000, 10),
        (1, NEW, BUY, GTC, 12, 10_000, 20),
        (2, NEW, SELL, GTC, 13, 10_001, 30),
        (3, AMEND, BUY, GTC, 12, 10_000, 15),
        (4, NEW, SELL, IOC, 14, 10_000, 4),
        (6, NEW, SELL, IOC, 15, 10_000, 6),
        (7, CANCEL, SELL, GTC, 13, 10_001, 0),
    ]
    assert rebuilt.tape[["taker_id", "maker_id", "price", "qty"]].tolist() == [
        (14, 11, 10_000, 4),
        (15, 11, 10_000, 6),
    ]
    assert rebuilt.book.levels(2) == ([(10_000, 15, 1)], [])
    report = rebuilt.report
    assert list(report["rows"].values()) == [3, 1, 1, 2, 1, 1, 1]
    assert report["halts"] == [(10, -1)]
    assert (report["executions_matched"], report["rejected"], report["unexpected"]) == (2, 0, [])


def test_a_file_without_an_event_of_the_visible_book_leaves_the_first_row(tmp_path: Path) -> None:
    rebuilt = replayed(tmp_path, ["6,-1,900,1000000,-1"])
    assert (len(rebuilt.plan.messages), len(rebuilt.receipts)) == (0, 0)
    assert rebuilt.book.levels(1) == ([], [])

    rebuilt = replayed(tmp_path, ["6,-1,900,1000000,-1"], ["1000100,4,1000000,5"])
    assert sent(rebuilt) == [
        (-1, NEW, BUY, GTC, 1, 10_000, 5),
        (-1, NEW, SELL, GTC, 2, 10_001, 4),
    ]


def test_older_orders_stand_in_front_in_the_order_of_their_execution(tmp_path: Path) -> None:
    rebuilt = replayed(
        tmp_path,
        ["1,50,5,1000000,1", "3,7,10,1000000,1", "4,9,20,1000000,1", "4,8,30,1000000,1"],
        [
            f"{NO_ASK},1000000,105",
            f"{NO_ASK},1000000,95",
            f"{NO_ASK},1000000,75",
            f"{NO_ASK},1000000,45",
        ],
    )

    # 105 shares less the 5 of the first event; 60 have a name later, 40 never.
    assert sent(rebuilt)[:5] == [
        (-1, NEW, BUY, GTC, 9, 10_000, 20),
        (-1, NEW, BUY, GTC, 8, 10_000, 30),
        (-1, NEW, BUY, GTC, 7, 10_000, 10),
        (-1, NEW, BUY, GTC, 51, 10_000, 40),
        (0, NEW, BUY, GTC, 50, 10_000, 5),
    ]
    assert rebuilt.plan.supplied.tolist() == [True] * 4 + [False] * 4
    assert (rebuilt.report["older_orders"], rebuilt.report["executions_matched"]) == (3, 2)
    assert rebuilt.book.levels(1) == ([(10_000, 45, 2)], [])


@pytest.mark.parametrize(
    ("event", "after", "before"),
    [
        ("1,50,5,1000000,1", 15, 10),
        ("2,50,5,1000000,1", 15, 20),
        ("3,50,5,1000000,1", 15, 20),
        ("4,50,5,1000000,1", 15, 20),
        ("5,50,5,1000000,1", 15, 15),
    ],
)
def test_the_book_starts_before_the_first_event(
    tmp_path: Path, event: str, after: int, before: int
) -> None:
    rebuilt = replayed(tmp_path, [event], [f"{NO_ASK},1000000,{after}"])
    plan = rebuilt.plan

    assert plan.messages["qty"][plan.row == -1].sum() == before
    assert rebuilt.book.levels(1)[0][0][:2] == (10_000, after)
    assert rebuilt.report["unexpected"] == []


def test_a_level_that_changed_out_of_range_is_taken_over_when_it_returns(tmp_path: Path) -> None:
    # One level is recorded. While 100.01 is the best bid, one share of the older order goes.
    rebuilt = replayed(
        tmp_path,
        ["1,50,6,1000000,1", "1,51,1,1000100,1", "3,51,1,1000100,1", "3,50,6,1000000,1"],
        [
            f"{NO_ASK},1000000,10",
            f"{NO_ASK},1000100,1",
            f"{NO_ASK},1000000,9",
            f"{NO_ASK},1000000,3",
        ],
    )

    assert sent(rebuilt) == [
        (-1, NEW, BUY, GTC, 52, 10_000, 4),
        (0, NEW, BUY, GTC, 50, 10_000, 6),
        (1, NEW, BUY, GTC, 51, 10_001, 1),
        (2, CANCEL, BUY, GTC, 51, 10_001, 0),
        (2, AMEND, BUY, GTC, 52, 10_000, 3),
        (3, CANCEL, BUY, GTC, 50, 10_000, 0),
    ]
    assert rebuilt.plan.supplied.tolist() == [True, False, False, False, True, False]
    counts = [rebuilt.report[f"levels_{name}"] for name in ("entered", "entered_changed")]
    assert (counts, rebuilt.report["unexpected"]) == ([1, 1], [])


def test_a_level_comes_into_range_with_named_orders_and_one_that_went_is_cancelled(
    tmp_path: Path,
) -> None:
    # When 100.01 goes, 100.00 has gone as well and 99.99 shows 5 shares, 2 of them order 20.
    rebuilt = replayed(
        tmp_path,
        ["1,50,6,1000000,1", "1,51,1,1000100,1", "3,51,1,1000100,1", "4,20,2,999900,1"],
        [
            f"{NO_ASK},1000000,6",
            f"{NO_ASK},1000100,1",
            f"{NO_ASK},999900,5",
            f"{NO_ASK},999900,3",
        ],
    )

    assert sorted(sent(rebuilt)[3:]) == [
        (2, NEW, BUY, GTC, 20, 9_999, 2),
        (2, NEW, BUY, GTC, 52, 9_999, 3),
        (2, CANCEL, BUY, GTC, 50, 10_000, 0),
        (3, NEW, SELL, IOC, 53, 9_999, 2),
    ]
    assert (rebuilt.report["executions_matched"], rebuilt.report["unexpected"]) == (1, [])
    assert rebuilt.plan.peak == 3


def test_an_execution_out_of_turn_is_taken_from_the_named_order(tmp_path: Path) -> None:
    rebuilt = replayed(
        tmp_path,
        [
            "1,1,5,1000000,1",
            "1,2,5,1000000,1",
            "1,3,5,999900,1",
            "4,2,2,1000000,1",
            "4,2,3,1000000,1",
            "4,3,5,999900,1",
        ],
    )

    assert sent(rebuilt)[3:] == [
        (3, AMEND, BUY, GTC, 2, 10_000, 3),
        (4, CANCEL, BUY, GTC, 2, 10_000, 0),
        (5, CANCEL, BUY, GTC, 3, 9_999, 0),
    ]
    assert (rebuilt.report["executions_matched"], len(rebuilt.tape)) == (0, 0)
    assert rebuilt.book.levels(1) == ([(10_000, 5, 1)], [])


@pytest.mark.parametrize(
    "event", ["2,1,9,1000000,1", "3,1,4,1000000,1", "4,1,9,1000000,1", "3,99,3,1000000,1"]
)
def test_an_event_that_takes_what_is_not_there_is_listed(tmp_path: Path, event: str) -> None:
    shown = [f"{NO_ASK},1000000,5", f"{NO_ASK},1000000,2"]
    rebuilt = replayed(tmp_path, ["1,1,5,1000000,1", event], shown)

    assert (rebuilt.report["unexpected"], rebuilt.report["rejected"]) == ([2], 0)
    assert rebuilt.book.levels(1)[0][0][:2] == (10_000, 2)  # as recorded
    without = replayed(tmp_path, ["1,1,5,1000000,1", event])
    assert without.report["unexpected"] == ([] if ",99," in event else [2])


def test_a_level_larger_than_its_events_say_gets_an_order_without_an_id(tmp_path: Path) -> None:
    shown = [f"{NO_ASK},1000000,7", f"{NO_ASK},1000000,9", f"{NO_ASK},{NO_BID}"]
    events = ["1,1,5,1000000,1", "2,1,1,1000000,1", "3,1,9,1000000,1"]
    rebuilt = replayed(tmp_path, events, shown)

    assert sent(rebuilt)[:4] == [
        (-1, NEW, BUY, GTC, 2, 10_000, 2),
        (0, NEW, BUY, GTC, 1, 10_000, 5),
        (1, AMEND, BUY, GTC, 1, 10_000, 4),
        (1, NEW, BUY, GTC, 3, 10_000, 3),
    ]
    assert rebuilt.report["unexpected"] == [2, 3]
    assert rebuilt.book.levels(1) == ([], [])


def test_an_orderbook_file_may_show_fewer_levels_than_the_events_reach(tmp_path: Path) -> None:
    rebuilt = replayed(
        tmp_path,
        ["1,1,5,1000100,1", "1,2,6,1000000,1", "1,3,7,1000000,1", "3,1,5,1000100,1"],
        [f"{NO_ASK},1000100,5"] * 3 + [f"{NO_ASK},1000000,13"],
    )

    assert not rebuilt.plan.supplied.any()
    assert rebuilt.book.levels(1) == ([(10_000, 13, 2)], [])
    assert rebuilt.report["levels_entered_changed"] == 0


def test_without_an_orderbook_file_only_named_older_orders_are_there(tmp_path: Path) -> None:
    rebuilt = replayed(
        tmp_path,
        ["1,50,5,1000000,1", "2,9,1,1000000,1", "4,9,2,1000000,1", "4,50,5,1000000,1"],
    )

    assert sent(rebuilt) == [
        (-1, NEW, BUY, GTC, 9, 10_000, 3),
        (0, NEW, BUY, GTC, 50, 10_000, 5),
        (1, AMEND, BUY, GTC, 9, 10_000, 2),
        (2, NEW, SELL, IOC, 51, 10_000, 2),
        (3, NEW, SELL, IOC, 52, 10_000, 5),
    ]
    assert (rebuilt.report["older_orders"], rebuilt.report["executions_matched"]) == (1, 2)


def test_without_an_orderbook_file_orders_that_would_cross_are_stale(tmp_path: Path) -> None:
    # Each event proves that what it would meet has gone unseen, and that what it names is there.
    rebuilt = replayed(
        tmp_path, ["1,1,5,1000100,1", "1,2,5,1000100,-1", "3,8,3,1000200,1", "3,9,4,1000000,-1"]
    )

    assert sent(rebuilt) == [
        (-1, NEW, BUY, GTC, 8, 10_002, 3),
        (0, NEW, BUY, GTC, 1, 10_001, 5),
        (1, CANCEL, BUY, GTC, 8, 10_002, 0),
        (1, CANCEL, BUY, GTC, 1, 10_001, 0),
        (1, NEW, SELL, GTC, 2, 10_001, 5),
        (2, CANCEL, SELL, GTC, 2, 10_001, 0),
        (2, NEW, BUY, GTC, 8, 10_002, 3),
        (2, CANCEL, BUY, GTC, 8, 10_002, 0),
        (3, NEW, SELL, GTC, 9, 10_000, 4),
        (3, CANCEL, SELL, GTC, 9, 10_000, 0),
    ]
    assert (rebuilt.report["rejected"], rebuilt.report["unexpected"]) == (0, [])


Levels = list[tuple[int, int]]


class Exchange:
    """A whole book of orders; writes down what LOBSTER would: events within ``depth`` levels."""

    def __init__(self, seed: int, depth: int, warm_up: int) -> None:
        self.rng, self.depth, self.quiet = random.Random(seed), depth, warm_up
        self.book: tuple[dict[int, dict[int, int]], ...] = ({}, {})
        self.middle, self.last_id = 10_000, 0
        self.events: list[str] = []
        self.shown: list[list[Levels]] = []

    def view(self) -> list[Levels]:
        sides = (sorted(self.book[BUY], reverse=True), sorted(self.book[SELL]))
        return [
            [(price, sum(self.book[side][price].values())) for price in prices[: self.depth]]
            for side, prices in enumerate(sides)
        ]

    def change(self, event: int, side: int, price: int, order: int, size: int) -> None:
        before, level = self.view(), self.book[side].setdefault(price, {})
        level[order] = level.get(order, 0) + (size if event == 1 else -size)
        if not level[order]:
            del level[order]
        if not level:
            del self.book[side][price]
        if self.view() != before and not self.quiet:
            self.events.append(f"{event},{order},{size},{price * 100},{1 - 2 * side}")
            self.shown.append(self.view())

    def submit(self) -> None:
        side, size = self.rng.randint(0, 1), self.rng.randint(1, 9)
        price = self.middle + (2 * side - 1) * self.rng.randint(-1, 8)
        while size and (opposite := self.view()[1 - side]):
            best = opposite[0][0]
            if (best > price) if side == BUY else (best < price):
                break
            maker, rests = next(iter(self.book[1 - side][best].items()))
            self.change(4, 1 - side, best, maker, min(size, rests))
            size -= min(size, rests)
        self.last_id += self.rng.randint(1, 3)
        if size:
            self.change(1, side, price, self.last_id, size)

    def step(self) -> None:
        self.middle += self.rng.choice((-3, -1, 1, 3)) if self.rng.random() < 0.03 else 0
        orders = [
            (side, price, order, rests)
            for side, levels in enumerate(self.book)
            for price, level in levels.items()
            for order, rests in level.items()
        ]
        if len(orders) < 4 or self.rng.random() < 0.5:
            self.submit()
        else:
            side, price, order, rests = self.rng.choice(orders)
            part = rests > 1 and self.rng.random() < 0.2
            self.change(2 if part else 3, side, price, order, rests - 1 if part else rests)
        self.quiet = max(0, self.quiet - 1)

    def lines(self) -> list[str]:
        out = []
        for bids, asks in self.shown:
            cells = []
            for i in range(self.depth):
                cells.append(f"{asks[i][0] * 100},{asks[i][1]}" if i < len(asks) else NO_ASK)
                cells.append(f"{bids[i][0] * 100},{bids[i][1]}" if i < len(bids) else NO_BID)
            out.append(",".join(cells))
        return out


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("depth", "whole"), [(1, False), (3, False), (40, True)])
def test_a_simulated_session_is_rebuilt_row_by_row(
    tmp_path: Path, seed: int, depth: int, whole: bool
) -> None:
    exchange = Exchange(seed, depth, warm_up=60)
    for _ in range(460):
        exchange.step()
    rebuilt = replayed(tmp_path, exchange.events, exchange.lines())
    plan, book = rebuilt.plan, rebuilt.plan.new_book()

    book.replay(plan.messages[plan.row == -1])
    for row, shown in enumerate(exchange.shown):
        book.replay(plan.messages[plan.row == row])
        assert [[level[:2] for level in side] for side in book.levels(depth)] == shown
    report = rebuilt.report
    executions = report["rows"]["EXECUTION"]
    assert executions > 10
    assert report["rejected"] == 0
    if whole:  # every level recorded: nothing changes unseen
        assert (report["executions_matched"], report["unexpected"]) == (executions, [])
        assert (report["levels_entered"], (plan.supplied & (plan.row >= 0)).sum()) == (0, 0)
    else:  # orders that came or shrank unseen may stand in the wrong place of a queue
        assert report["executions_matched"] > 0.9 * executions
        assert len(report["unexpected"]) < 0.03 * len(exchange.events)
        assert np.bincount(plan.row[plan.row >= 0]).max() > 1
