"""A fast and a naive book that get the same messages; whatever they say is compared."""

import numpy as np
import pytest

from squeezegym import MESSAGE_DTYPE, OrderBook
from squeezegym.codes import Side, Status, Tif
from squeezegym.errors import ConfigError
from tests.oracle.naive_orderbook import AMEND, CANCEL_ALL, GTC, NEW, POST_ONLY, REDUCE_ONLY
from tests.oracle.orderbook_flow import FIELDS

NEVER_GIVEN = 2**64 - 3


class Pair:
    """Both books; whatever they say is compared.

    Args:
        naive: The naive book; messages name its ids.
        ids: Passed to the fast book.
        renames: Whether the fast book chooses its ids itself.
    """

    def __init__(self, naive, ids="caller", renames=False):
        self.naive = naive
        self.fast = OrderBook(
            price_range=naive.price_range,
            max_orders=naive.max_orders,
            max_owners=naive.max_owners,
            self_trade=naive.self_trade,
            ids=ids,
        )
        self.renames = renames
        self.ids = {}  # naive id -> the fast book's
        self.counts = dict.fromkeys(Status, 0)
        self.sent = 0
        self.tape = []  # all rows that the fast book should have

    def fast_id(self, order_id):
        return self.ids.get(order_id, NEVER_GIVEN) if self.renames else order_id

    def ask_naive(self, message):
        result = self.naive.message(self.sent, **message)
        self.counts[result.status] += 1
        self.sent += 1
        return result

    def new_rows(self):
        """Return the naive tape since the last call, with the fast book's ids."""
        rows = [
            (message, self.fast_id(taker), self.fast_id(maker), *rest)
            for message, taker, maker, *rest in self.naive.tape[len(self.tape) :]
        ]
        self.tape += rows
        return rows

    def replay(self, messages):
        """Send messages as one chunk; a flow draws each when the naive book has the last."""
        first, sent, results = self.sent, [], []
        for message in messages:
            sent.append(tuple(message[name] for name in FIELDS))
            results.append((message, self.ask_naive(message)))
        rows = np.array(sent, dtype=[(name, "O") for name in FIELDS])
        rows["order_id"] = [self.fast_id(order_id) for order_id in rows["order_id"]]
        receipts, tape = self.fast.replay(rows.astype(MESSAGE_DTYPE))
        answers = receipts[["order_id", "status", "filled", "resting", "withdrawn"]].tolist()
        for (message, result), (order_id, *answer) in zip(results, answers, strict=True):
            assert tuple(answer) == result, (message, Status(answer[0]), result)
            if message["kind"] == NEW and self.renames:
                self.ids[message["order_id"]] = order_id
            elif message["kind"] != CANCEL_ALL:
                assert order_id == self.fast_id(message["order_id"])
        assert tape.tolist() == [(row[0] - first, *row[1:]) for row in self.new_rows()]

    def call(self, message):
        """Send one message through the method of its kind; the fast book chooses the ids."""
        opened = self.naive.live.get(message["order_id"])
        same_qty = opened is not None and opened.qty == message["qty"]
        result = self.ask_naive(message)
        order_id, owner = self.fast_id(message["order_id"]), message["owner"]
        price = message["price"] or None
        if message["kind"] == CANCEL_ALL:
            assert self.fast.cancel_all(owner) == result.withdrawn
            return
        if message["kind"] == NEW:
            receipt = self.submit(message, price)
        elif message["kind"] == AMEND:
            receipt = self.fast.amend(order_id, None if same_qty else message["qty"], price)
        else:
            receipt = self.fast.cancel(order_id)
        assert (receipt.status, receipt.filled, receipt.resting, receipt.withdrawn) == result
        rows = self.new_rows()
        assert receipt.fills == [(at, qty, maker) for _, _, _, at, qty, _, maker in rows]

    def submit(self, message, price):
        low, high = self.naive.price_range
        tif, cap = Tif(message["tif"]).name, None
        if message["tif"] != GTC and price is not None and low <= price <= high:
            price, cap = None, price  # a market order with this cap is the same
            tif = "FOK" if tif == "FOK" else "GTC"
        receipt = self.fast.submit(
            Side(message["side"]),
            message["qty"],
            price,
            tif=tif,
            post_only=bool(message["flags"] & POST_ONLY),
            reduce_only=bool(message["flags"] & REDUCE_ONLY),
            owner=message["owner"],
            price_cap=cap,
        )
        self.ids[message["order_id"]] = receipt.order_id
        return receipt

    def set_state(self, name, reference=None):
        """Change the state; a crossed book is uncrossed before it opens."""
        if name == "open" and self.naive.crossed:
            with pytest.raises(ConfigError, match="uncross"):
                self.fast.set_state(name)
            self.uncross(reference)
        self.naive.set_state(name)
        self.fast.set_state(name)

    def uncross(self, reference=None):
        price, volume, imbalance, _ = self.naive.uncross(reference)
        got = self.fast.uncross(reference)
        assert (got.price, got.volume, got.imbalance) == (price, volume, imbalance)
        rows = self.new_rows()
        assert got.fills == [(at, qty, buy, sell) for _, buy, sell, at, qty, *_ in rows]

    def compare(self):
        naive, fast = self.naive, self.fast
        assert fast.levels(10) == naive.levels(10)
        assert fast.orders() == [
            (self.fast_id(order_id), *rest) for order_id, *rest in naive.orders()
        ]
        for order_id in naive.live:
            assert fast.queue_ahead(self.fast_id(order_id)) == naive.queue_ahead(order_id)
        bids, asks = naive.levels(1)
        assert fast.best_bid == (bids[0][0] if bids else None)
        assert fast.best_ask == (asks[0][0] if asks else None)
        for owner in range(naive.max_owners):
            assert fast.position(owner) == naive.position(owner)
        assert {status: fast.counts().get(status, 0) for status in Status} == self.counts

    def compare_tapes(self):
        assert self.fast.tape().tolist() == self.tape
