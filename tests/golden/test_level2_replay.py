"""A recorded level-2 book held in the order book: one order a level, every shared quote equal.

The snapshot becomes new orders, each diff cancels of the levels that go, then amends of those that
change, then new orders for those that come: so nothing may cross in between. Where Binance's
``bookTicker`` names the update id of a diff, both touches must be the same price and size.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from squeezegym.codes import MAX_QTY, MessageKind, Side, Status
from squeezegym.data.binance_raw import read_capture
from squeezegym.data.capture import Book, Capture
from squeezegym.data.level2 import Diff, Level2Book
from squeezegym.data.text import RAW_SCALE
from squeezegym.orderbook import MESSAGE_DTYPE, OrderBook

SHARED = Path(__file__).parents[2] / "../shared/data/binance-raw-2024-08-08"
FILES = {
    "usdm": ["usdm_btcusdt_20240808.gz"],
    "spot": ["spot_btcusdt_20240808.gz", "spot_btcusdt_20240809.gz"],
    "cm": ["cm_btcusd_perp_20240808.gz"],
}
NEW, CANCEL, AMEND = (int(k) for k in (MessageKind.NEW, MessageKind.CANCEL, MessageKind.AMEND))
BUY, SELL = int(Side.BUY), int(Side.SELL)
QUOTE = ["bid_ticks", "bid_lots", "ask_ticks", "ask_lots"]

Levels = dict[int, int]  # lots by order id, which is twice the price in ticks and the side
Message = tuple[int, ...]

pytestmark = pytest.mark.skipif(
    not SHARED.is_dir(), reason="the recorded data under ../shared is not here"
)


def read(market: str, monkeypatch: pytest.MonkeyPatch) -> tuple[Capture, list[Diff]]:
    """Read a capture, and listen to the diffs that its book applies, in raw units."""
    diffs: list[Diff] = []
    apply = Level2Book.apply

    def listen(book: Level2Book, diff: Diff) -> None:
        applied = book.applied
        apply(book, diff)
        diffs.extend([diff] * (book.applied - applied))

    monkeypatch.setattr(Level2Book, "apply", listen)
    return read_capture([SHARED / name for name in FILES[market]]), diffs


def levels_of(capture: Capture, diff: Diff) -> Levels:
    """Return the new sizes of a diff in ticks and lots; what is named twice as named last."""
    tick, lot = (round(size * RAW_SCALE) for size in (capture.tick_size, capture.lot_size))
    sides = ((BUY, diff.bids), (SELL, diff.asks))
    return {2 * (p // tick) + side: q // lot for side, levels in sides for p, q in levels}


def start_of(book: Book) -> Levels:
    return {
        2 * price + side: lots
        for side, levels in ((BUY, book.bids), (SELL, book.asks))
        for price, lots in levels.tolist()
    }


def messages_to(standing: Levels, targets: Mapping[int, int]) -> list[Message]:
    """Bring standing levels to their new sizes: cancels, then amends, then new orders."""
    rows: dict[int, list[Message]] = {CANCEL: [], AMEND: [], NEW: []}
    for order_id, lots in targets.items():
        before = standing.pop(order_id, 0)
        if lots:
            standing[order_id] = lots
        if lots != before:
            kind = CANCEL if not lots else AMEND if before else NEW
            price, side = divmod(order_id, 2)
            rows[kind].append((kind, side, 0, 0, 0, order_id, price, lots))
    return rows[CANCEL] + rows[AMEND] + rows[NEW]


def touch(book: OrderBook) -> list[int]:
    """Best bid and ask, each with its lots."""
    bids, asks = book.levels(1)
    assert (bids[0][0], asks[0][0]) == (book.best_bid, book.best_ask)
    return [*bids[0][:2], *asks[0][:2]]


def level2(book: OrderBook) -> tuple[list[list[int]], list[list[int]]]:
    bids, asks = book.levels(len(book))
    assert all(orders == 1 for *_, orders in bids + asks)
    return [[p, q] for p, q, _ in bids], [[p, q] for p, q, _ in asks]


def replay(book: OrderBook, rows: list[Message]) -> NDArray[np.int64]:
    """Replay messages, none of which may be refused or trade; returns how many of each kind."""
    messages = np.array(rows, MESSAGE_DTYPE)
    receipts, tape = book.replay(messages)
    cancelled = messages["kind"] == CANCEL
    assert len(tape) == 0
    assert (receipts["status"] == np.where(cancelled, Status.CANCELLED, Status.RESTING)).all()
    assert (receipts["resting"] == messages["qty"]).all()
    return np.bincount(messages["kind"], minlength=3)


@pytest.mark.parametrize(
    ("market", "shared_ids", "added", "cancelled", "amended"),
    [
        ("usdm", 629, 87_820, 78_224, 240_638),
        ("spot", 1_072, 121_242, 116_309, 32_625),
        ("cm", 1_124, 88_461, 86_228, 75_426),
    ],
)
def test_touch_equals_every_quote_of_the_same_update(
    market: str,
    shared_ids: int,
    added: int,
    cancelled: int,
    amended: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    capture, diffs = read(market, monkeypatch)
    targets = [start_of(capture.start), *(levels_of(capture, diff) for diff in diffs)]
    ids = [capture.start.update_id, *(diff.final_id for diff in diffs)]
    named = [order_id for target in targets for order_id in target]
    quotes = dict(zip(capture.tops["update_id"].tolist(), capture.tops, strict=True))
    assert max(max(target.values(), default=0) for target in targets) <= MAX_QTY
    book = OrderBook((min(named) // 2, max(named) // 2), max_orders=16_384)
    standing: Levels = {}
    waiting: list[Message] = []
    sent = np.zeros(3, np.int64)
    compared = 0

    for update_id, target in zip(ids, targets, strict=True):
        waiting += messages_to(standing, target)
        if update_id in quotes:
            sent += replay(book, waiting)
            waiting = []
            assert touch(book) == [int(quotes[update_id][name]) for name in QUOTE]
            compared += 1
    sent += replay(book, waiting)

    assert compared == shared_ids
    assert len(diffs) == capture.checks.diffs_applied
    assert len(book) == len(standing)
    assert level2(book) == (capture.end.bids.tolist(), capture.end.asks.tolist())
    assert book.counts() == {Status.RESTING: added + amended, Status.CANCELLED: cancelled}
    assert dict(enumerate(sent.tolist())) == {NEW: added, CANCEL: cancelled, AMEND: amended}
