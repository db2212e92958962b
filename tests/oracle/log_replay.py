"""Books and ledger derived again from an opening record and the rows of the event log alone."""

import numpy as np

from squeezegym.codes import LogKind, OrderFlag, Status, Tif
from tests.kernels import BUY, SELL, read_side
from tests.oracle.naive_book import NaiveBook, Order
from tests.oracle.naive_ledger import NaiveLedger


class LogReplay:
    """Replays log rows over naive books and a naive ledger, checking every receipt.

    Args:
        opening: The market record where the log begins.
        fees: The fee rates (``params["fees"]``).
    """

    def __init__(self, opening, fees):
        self.ledger = NaiveLedger(fees["maker"], fees["taker"])
        accounts = opening["accounts"]
        for slot in range(len(accounts)):
            account = self.ledger.account(slot)
            for field in account:
                account[field] = int(accounts[field][slot])
        self.books = []
        for venue in range(2):
            record = opening["books"][venue]
            book = NaiveBook(capacity=len(record["orders"]))
            book.last = int(record["last"])
            for side in (BUY, SELL):
                for price, queue in read_side(record, side):
                    for order_id, qty, owner in queue:
                        book.add(Order(order_id, owner, side, price, qty))
            self.books.append(book)
        self.marks = []
        self.liquidations = []
        self.mark = int(opening["marks"]["mark"])
        self.time = int(opening["clock"]["now"])

    def feed(self, rows):
        for row in rows.tolist():
            self._row(dict(zip(rows.dtype.names, row, strict=True)))

    def _row(self, row):
        assert row["time"] >= self.time
        self.time = row["time"]
        kind = row["kind"]
        if kind == LogKind.ORDER:
            self._order(row)
        elif kind == LogKind.CANCEL:
            qty = self.books[row["book"]].cancel(row["order_id"])
            assert qty == row["qty"]
            assert row["status"] == (Status.CANCELLED if qty else Status.UNKNOWN_ORDER)
        elif kind == LogKind.TRANSFER:
            self.ledger.transfer(row["account"], row["other"], row["qty"])
        elif kind == LogKind.POSITION:
            self.ledger.move(0, row["account"], row["other"], row["price"], row["qty"])
        elif kind == LogKind.MARK:
            self.mark = row["price"]
            self.marks.append((row["time"], row["price"], row["qty"]))
        else:
            assert kind == LogKind.LIQUIDATION
            account = self.ledger.account(row["account"])
            assert account["perp"] == row["qty"]
            assert row["price"] == self.mark
            self.liquidations.append((row, dict(account)))

    def _order(self, row):
        book = self.books[row["book"]]
        ioc = row["tif"] == Tif.IOC
        fills = book.submit(
            row["order_id"], row["account"], row["side"], row["price"], row["qty"], ioc
        )
        filled = sum(fill.qty for fill in fills)
        assert filled == row["filled"]
        resting = row["order_id"] in book.orders if row["order_id"] else False
        if filled == row["qty"]:
            expected = Status.FILLED
        elif ioc:
            expected = Status.CANCELLED
        elif not resting:
            expected = Status.BOOK_FULL
        else:
            expected = Status.PARTIALLY_FILLED if filled else Status.RESTING
        assert row["status"] == expected
        assert resting == (row["order_id"] != 0)
        for fill in fills:
            self.ledger.fill(
                row["book"],
                row["account"],
                fill.maker,
                row["side"],
                fill.price,
                fill.qty,
                row["flags"] & OrderFlag.FORCED,
            )

    def assert_equals(self, record):
        """Compare both books, order by order, and every account with a market record."""
        for venue, book in enumerate(self.books):
            for side in (BUY, SELL):
                assert read_side(record["books"][venue], side) == book.side(side)
            assert int(record["books"][venue]["last"]) == book.last
        accounts = record["accounts"]
        for field in ("quote", "perp", "spot"):
            mine = [self.ledger.account(slot)[field] for slot in range(len(accounts))]
            np.testing.assert_array_equal(accounts[field], mine)
        assert self.ledger.sums() == (0, 0, 0)
