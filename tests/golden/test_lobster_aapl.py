"""LOBSTER's AAPL sample of 2012-06-21 through the order book, compared row by row.

What the two files determine. The book is 10 levels a side deep, so 999 rows are 19,980 cells
(row, side, level). LOBSTER leaves out every event beyond the tenth level, hence:

* The 20 cells of row 0 are what the book starts from. They are no test.
* Whenever a level inside the range goes, an eleventh comes in, whose orders no row has shown since
  it was last in range: 318 cells (142 bids, 176 asks). The file gives their quantity, the messages
  cannot. 306 of them are what they were when last seen; 12 are new or changed, and 2 more levels
  that were held out of range have gone when their price comes back: the rows of CHANGED_UNSEEN.
* The other 19,642 cells follow from the messages, and all of them are equal.

Were a level that comes into range not taken over, its cells would stay unknown until the level is
seen empty: 10,191 cells are free of such levels.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from squeezegym.codes import Side, Status
from squeezegym.data.lobster import Event, read_lobster, read_shown
from squeezegym.data.lobster_book import LobsterBook, rebuild
from squeezegym.orderbook import OrderBook

SHARED = Path(__file__).parents[2] / "../shared/data/lobster-aapl-l10"
MESSAGES = SHARED / "AAPL_2012-06-21_34200000_57600000_message_10.csv"
SHOWN = SHARED / "AAPL_2012-06-21_34200000_57600000_orderbook_10.csv"
ROWS, DEPTH = 999, 10
CHANGED_UNSEEN = {  # row (from 0): side, price in cents, order, its quantity from then on
    12: [(Side.SELL, 58765, "rest", 0)],
    47: [(Side.SELL, 58730, "rest", 200)],
    84: [(Side.SELL, 58707, "rest", 10)],
    146: [(Side.BUY, 58540, 13419503, 50)],
    149: [(Side.BUY, 58538, 3790155, 20), (Side.BUY, 58538, 4725582, 2)],
    150: [(Side.BUY, 58536, 12695153, 5)],
    234: [(Side.SELL, 58633, 16235607, 0)],
    296: [(Side.BUY, 58505, "rest", 1)],
    318: [(Side.BUY, 58504, "rest", 2)],
    440: [(Side.BUY, 58500, "rest", 4_897)],  # behind 100 shares that were there before
    487: [(Side.BUY, 58495, "rest", 50)],
    593: [(Side.SELL, 58657, "rest", 4)],
    616: [(Side.SELL, 58660, "rest", 80)],
    845: [(Side.BUY, 58499, 17478659, 0)],
}

pytestmark = pytest.mark.skipif(
    not SHARED.is_dir(), reason="the recorded data under ../shared is not here"
)


@pytest.fixture(scope="module")
def rebuilt() -> LobsterBook:
    return rebuild(MESSAGES, SHOWN)


@pytest.fixture(scope="module")
def shown() -> NDArray[np.int64]:
    return read_shown(SHOWN, ROWS)


def levels(book: OrderBook, side: Side) -> list[list[int]]:
    """The best levels of one side as the orderbook file shows them."""
    held = [[price, qty] for price, qty, _ in book.levels(DEPTH)[side]]
    return held + [[0, 0]] * (DEPTH - len(held))


def replay_by_row(rebuilt: LobsterBook) -> list[tuple[list[list[int]], list[list[int]]]]:
    """Bids and asks after every row, from one replay a row."""
    plan, book, after = rebuilt.plan, rebuilt.plan.new_book(), []
    ends = np.searchsorted(plan.row, np.arange(-1, ROWS), side="right")
    for start, end in zip([0, *ends[:-1]], ends, strict=True):
        book.replay(plan.messages[start:end])
        after.append((levels(book, Side.BUY), levels(book, Side.SELL)))
    return after[1:]


def range_entries(shown: NDArray[np.int64], side: Side) -> NDArray[np.bool_]:
    """Cells (row, level) whose price was beyond the worst level of the row before."""
    prices = shown[:, side, :, 0]
    worst = prices[:-1, -1:]
    beyond = prices[1:] < worst if side == Side.BUY else prices[1:] > worst
    return np.vstack([np.zeros((1, DEPTH), bool), beyond])


def test_every_cell_that_the_messages_determine_is_equal(
    rebuilt: LobsterBook, shown: NDArray[np.int64]
) -> None:
    assert shown.shape == (ROWS, 2, DEPTH, 2)
    assert (shown > 0).all()  # no missing level in this sample
    equal = (np.array(replay_by_row(rebuilt)) == shown).all(axis=3)
    taken = np.stack([range_entries(shown, side) for side in Side], axis=1)
    taken[0] = True  # row 0 is what the book started from

    assert [int(taken[1:, side].sum()) for side in Side] == [142, 176]
    assert (~taken).sum() == 19_642
    assert equal[~taken].all()
    assert equal[taken].all()  # by construction: 20 + 318 cells


def test_cells_free_of_levels_that_came_into_range(shown: NDArray[np.int64]) -> None:
    free = 0
    for side in Side:
        sign = -1 if side == Side.BUY else 1
        taken: set[int] = set()
        for row, entered in zip(
            shown[:, side, :, 0] * sign, range_entries(shown, side), strict=True
        ):
            taken |= set(row[entered].tolist())
            taken &= {*row.tolist(), *(price for price in taken if price > row[-1])}
            free += len(set(row.tolist()) - taken)
    assert free == 10_191


def test_the_levels_that_changed_out_of_range_are_listed(rebuilt: LobsterBook) -> None:
    plan = rebuilt.plan
    last_id = int(read_lobster(MESSAGES).rows["order_id"].max())
    found: dict[int, list[tuple[Side, int, int | str, int]]] = {}
    for i in np.flatnonzero(plan.supplied & (plan.row >= 0)):
        message = plan.messages[i]
        order: int | str = int(message["order_id"])
        order = "rest" if int(message["order_id"]) > last_id else order
        entry = (Side(message["side"]), int(message["price"]), order, int(message["qty"]))
        found.setdefault(int(plan.row[i]), []).append(entry)
    assert found == CHANGED_UNSEEN


def test_the_report_leaves_nothing_unexplained(rebuilt: LobsterBook) -> None:
    assert rebuilt.report == {
        "rows": {
            "NEW": 471,
            "PARTIAL_CANCEL": 0,
            "DELETE": 369,
            "EXECUTION": 98,
            "HIDDEN_EXECUTION": 61,
            "CROSS": 0,
            "HALT": 0,
        },
        "halts": [],
        "executions_matched": 98,
        "rejected": 0,
        "older_orders": 9,
        "levels_entered": 320,  # 318 cells and 2 levels that had gone
        "levels_entered_changed": 14,
        "unexpected": [],
    }
    # 20 messages set up the book, 15 follow changes out of range, 938 are rows of the file.
    plan = rebuilt.plan
    assert (len(plan.messages), (plan.row < 0).sum(), plan.supplied.sum()) == (973, 20, 35)


def test_every_execution_fills_the_named_order_in_its_turn(rebuilt: LobsterBook) -> None:
    rows = read_lobster(MESSAGES).rows
    named = rows[rows["type"] == Event.EXECUTION]
    tape = rebuilt.tape

    assert len(tape) == len(named) == 98
    for fill, event in (("maker_id", "order_id"), ("price", "price_ticks"), ("qty", "size")):
        assert tape[fill].tolist() == named[event].tolist()
    assert (rebuilt.receipts["status"][tape["message"]] == Status.FILLED).all()


def test_replay_in_one_go_ends_at_the_last_row(
    rebuilt: LobsterBook, shown: NDArray[np.int64]
) -> None:
    assert [levels(rebuilt.book, side) for side in Side] == shown[-1].tolist()


def test_without_the_orderbook_file_executions_match_and_old_levels_are_missing(
    shown: NDArray[np.int64],
) -> None:
    rebuilt = rebuild(MESSAGES)
    equal = (np.array(replay_by_row(rebuilt)) == shown).all(axis=3)

    assert rebuilt.report["executions_matched"] == 98
    assert (rebuilt.report["rejected"], rebuilt.report["unexpected"]) == (0, [])
    assert (rebuilt.plan.supplied.sum(), equal.sum()) == (9, 14_672)
