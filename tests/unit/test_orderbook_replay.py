"""Replayed messages: receipts, ids, tape and buffers."""

import numpy as np
import pytest

from squeezegym import RECEIPT_DTYPE, TAPE_DTYPE, OrderBook
from squeezegym.codes import MessageKind, Side, Status
from tests.unit.orderbooks import book, messages

pytestmark = [pytest.mark.nojit, pytest.mark.boundscheck]


def test_replay_answers_every_message():
    made = OrderBook(price_range=(1, 4_000), max_orders=100)
    new, cancel, amend = MessageKind.NEW, MessageKind.CANCEL, MessageKind.AMEND
    receipts, tape = made.replay(
        messages(
            (new, 70, Side.SELL, 100, 5, 1),
            (new, 71, Side.SELL, 101, 5, 2),
            (new, 70, Side.SELL, 102, 5, 1),
            (new, 72, Side.BUY, 101, 7, 3),
            (amend, 71, 0, 0, 2, 0),
            (cancel, 70, 0, 0, 0, 0),
            (cancel, 71, 0, 0, 0, 0),
            (9, 0, 0, 0, 0, 0),
        )
    )
    assert [Status(s).name for s in receipts["status"]] == [
        "RESTING",
        "RESTING",
        "DUPLICATE_ORDER",
        "FILLED",
        "RESTING",
        "UNKNOWN_ORDER",
        "CANCELLED",
        "BAD_MESSAGE",
    ]
    assert receipts["filled"].tolist() == [0, 0, 0, 7, 0, 0, 0, 0]
    assert receipts["resting"].tolist() == [5, 5, 0, 0, 2, 0, 0, 0]
    assert tape.tolist() == [(3, 72, 70, 100, 5, 3, 1), (3, 72, 71, 101, 2, 3, 2)]
    assert (receipts.dtype, tape.dtype) == (RECEIPT_DTYPE, TAPE_DTYPE)


def test_submitted_ids_lie_beyond_replayed_ones():
    made = OrderBook(price_range=(1, 4_000), max_orders=100)
    made.replay(messages((0, 500, Side.BUY, 10, 1, 0), (0, 2**63 + 5, Side.BUY, 11, 1, 0)))
    assert made.submit("buy", 1, 12).order_id == 501
    assert made.cancel(2**63 + 5).status is Status.CANCELLED


def test_ids_chosen_by_the_book_name_the_order():
    made = OrderBook(price_range=(1, 4_000), max_orders=100, ids="book")
    receipts, _ = made.replay(messages((0, 7, Side.SELL, 100, 5, 0), (0, 7, Side.BUY, 100, 8, 0)))
    first, second = receipts["order_id"].tolist()
    assert first != second
    assert made.tape()[["taker_id", "maker_id"]].tolist() == [(second, first)]
    assert made.cancel(first).status is Status.UNKNOWN_ORDER
    assert made.cancel(second).status is Status.CANCELLED
    again = made.submit("buy", 1, 50).order_id
    assert again not in (first, second)
    assert made.cancel(second).status is Status.UNKNOWN_ORDER


def test_the_tape_counts_messages_from_the_first():
    made = book(asks=[(100, [5])])
    made.submit("buy", 1, 100)
    made.replay(messages((0, 90, Side.BUY, 50, 1, 0), (0, 91, Side.BUY, 100, 1, 0)))
    assert made.tape()["message"].tolist() == [1, 3]
    assert OrderBook(price_range=(1, 9), max_orders=9).tape().tolist() == []


def test_buffers_are_written_in_place():
    made = OrderBook(price_range=(1, 4_000), max_orders=100)
    rows = messages((0, 1, Side.SELL, 100, 5, 0), (0, 2, Side.BUY, 100, 2, 0))
    receipts, tape = np.zeros(2, RECEIPT_DTYPE), np.zeros(9, TAPE_DTYPE)
    got, traded = made.replay(rows, receipts=receipts, tape=tape)
    assert np.shares_memory(got, receipts) and np.shares_memory(traded, tape)
    tape[:] = 0  # what the book keeps is its own
    assert made.tape()["qty"].tolist() == [2]
