"""Books and ledger derived again from an opening record and the rows of the event log alone."""

from math import floor

import numpy as np

from squeezegym.codes import (
    NEVER,
    Account,
    BookState,
    Cause,
    LogKind,
    Measure,
    OrderFlag,
    OwnerKind,
    SelfTrade,
    Status,
    Venue,
)
from tests.kernels import BUY, SELL, read_side
from tests.oracle.naive_ledger import RATE_ONE, NaiveLedger, ceil_rate
from tests.oracle.naive_lender import NaiveLender, is_callable
from tests.oracle.naive_orderbook import CANCEL, NEW, NaiveOrderBook, Order

GATEWAY_REFUSALS = {Status.OVERLOADED, Status.QUEUE_FULL, Status.RATE_LIMITED}
BEFORE_THE_BOOK = GATEWAY_REFUSALS | {  # decided from line, account and mark
    Status.INSUFFICIENT_MARGIN,
    Status.IN_LIQUIDATION,
    Status.NO_COINS,
    Status.BUY_RESTRICTED,
    Status.SHORT_BANNED,
    Status.UPTICK_ONLY,
    Status.CLOSING_ONLY,
    Status.POSITION_LIMITED,
}
HOPELESS = {Status.BAD_QUANTITY, Status.PRICE_OUT_OF_RANGE}
RULES = OrderFlag.POST_ONLY | OrderFlag.REDUCE_ONLY
LENDER_ROWS = {LogKind.COINS, LogKind.BUY_IN, LogKind.RECALL, LogKind.WRITE_OFF}
PROTECTION_ROWS = {LogKind.MEASURE, LogKind.BANDS, LogKind.UNCROSS, LogKind.UNWIND}
ANNOUNCED = 2  # in ``side`` of a MEASURE row
AGAIN = {Measure.PAUSE, Measure.TRADE_CANCELLATION}  # measures that may begin twice


class Positions(dict):
    """Perp positions of the ledger, with the fills of the message that is being matched."""

    def __init__(self, ledger):
        super().__init__()
        self.ledger = ledger

    def __missing__(self, owner):
        return self.ledger.account(owner)["perp"]


class LogReplay:
    """Replays log rows over naive books and a naive ledger, checking every receipt.

    Args:
        opening: The market record where the log begins.
        fees: The fee rates (``params["fees"]``).
        borrowing: The lender's rules (``params["borrowing"]``); without them no fee is derived.
    """

    def __init__(self, opening, fees, borrowing=None):
        self.ledger = NaiveLedger(fees["maker"], fees["taker"])
        accounts = opening["accounts"]
        for slot in range(len(accounts)):
            account = self.ledger.account(slot)
            for field in account:
                account[field] = int(accounts[field][slot])
        self.books = []
        self.waiting = []  # of each book: ids of orders that wait for an auction or at a band
        guarded = int(opening["protection"]["guarded"])
        self.bands = {}
        if guarded and int(opening["protection"]["upper"]):
            self.bands[guarded - 1] = tuple(
                int(opening["protection"][end]) for end in ("lower", "upper")
            )
        self.measures = int(opening["protection"]["measures"])
        self.protection = []
        self.fills = []  # on the perp: time, fees or other payments, (seller, buyer, price, lots)
        self.unwound = 0
        self.banded, self.width = 0, 0.0  # book and width of a price band around the mark
        for venue in range(2):
            record = opening["books"][venue]
            book = NaiveOrderBook(
                (int(record["lowest"]), int(record["highest"])),
                len(record["orders"]),
                len(accounts),
                SelfTrade(int(record["self_trade"])).name.lower(),
                exempt=np.flatnonzero(accounts["kind"] < OwnerKind.LEARNER).tolist(),
            )
            book.last = int(record["last"])
            book.state = BookState(int(record["state"])).name.lower()
            live = record["orders"][record["orders"]["qty"] != 0]
            flags = dict(zip(live["id"].tolist(), live["flags"].tolist(), strict=True))
            for side in (BUY, SELL):
                for price, queue in read_side(record, side):
                    for order_id, qty, owner in queue:
                        rules = flags[order_id] & RULES
                        book.add(Order(order_id, owner, side, price, qty, rules))
            self.waiting.append({i for i, f in flags.items() if f & OrderFlag.AT_OPEN})
            self.books.append(book)
        self.books[Venue.PERP].positions = Positions(self.ledger)
        self.unnamed = 0
        self.marks = []
        self.liquidations = []
        self.mark = int(opening["marks"]["mark"])
        self.index = int(opening["marks"]["index"])
        debts = opening["holders"]["debt"]
        self.lender = NaiveLender(
            borrowing,
            int(opening["borrow"]["supply"]),
            int(opening["borrow"]["leaving"]),
            {slot: int(debts[slot]) for slot in np.flatnonzero(debts).tolist()},
        )
        self.accrual = int(opening["borrow"]["due"][0]) if borrowing is not None else int(NEVER)
        self.drop = int(opening["borrow"]["due"][3]) if borrowing is not None else int(NEVER)
        self.fees = {}
        self.n_fees = 0
        self.buy_ins = []
        self.notices = {  # slot to the end of its last notice
            slot: int(time)
            for slot, time in enumerate(opening["holders"]["notice"])
            if time < NEVER
        }
        self.written_off = 0
        self.time = int(opening["clock"]["now"])

    def feed(self, rows):
        for row in rows.tolist():
            self._row(dict(zip(rows.dtype.names, row, strict=True)))

    def _row(self, row):
        assert row["time"] >= self.time
        self.time = row["time"]
        kind = row["kind"]
        self._lender_clock(row)
        if kind == LogKind.ORDER:
            self._order(row)
        elif row["status"] in GATEWAY_REFUSALS and kind == LogKind.CANCEL:
            assert row["qty"] == 0
        elif kind == LogKind.CANCEL:
            book = self.books[row["book"]]
            order = book.live.get(row["order_id"])
            assert row["qty"] == (order.qty if order else 0)
            answer = book.message(0, CANCEL, row["order_id"], 0, 0, 0, 0, 0, 0)
            assert row["status"] == answer.status
        elif kind == LogKind.TRANSFER:
            self._transfer(row)
        elif kind == LogKind.POSITION:
            move = (row["account"], row["other"], row["price"], row["qty"])
            self.ledger.move(Venue.PERP, *move)
            self._keep(row, [], move)
        elif kind == LogKind.MARK:
            self.mark, self.index = row["price"], row["qty"]
            self.marks.append((row["time"], row["price"], row["qty"]))
        elif kind in LENDER_ROWS:
            self._lender_row(row)
        elif kind in PROTECTION_ROWS:
            self._protection_row(row)
        else:
            assert kind == LogKind.LIQUIDATION
            account = self.ledger.account(row["account"])
            assert account["perp"] == row["qty"]
            assert row["price"] == self.mark
            self.liquidations.append((row, dict(account)))

    def _protection_row(self, row):
        """Follow what the venue does to a book: its state, its bands, its auction."""
        book = self.books[row["book"]]
        self.protection.append(row)
        if row["kind"] == LogKind.MEASURE:
            self._measure(row)
            book.set_state(self._state())
        elif row["kind"] == LogKind.BANDS:
            lower, upper = self.bands[row["book"]] = row["price"], row["qty"]
            self._expel(row["book"])
            for order in [*book.live.values()]:
                if order.price > upper if order.side == BUY else order.price < lower:
                    book._remove(order)
        elif row["kind"] == LogKind.UNWIND:
            self._unwind(row)
        else:
            self._uncross(row)

    def _uncross(self, row):
        book = self.books[row["book"]]
        book.tape.clear()
        book.positions.clear()
        done = book.uncross(row["order_id"])
        assert (row["price"], row["qty"]) == (done.price or 0, done.volume)
        for _, _, _, price, qty, buyer, seller in book.tape:
            self.ledger.move(row["book"], seller, buyer, price, qty)
            fee = ceil_rate(price * qty, self.ledger.maker[row["book"]])
            fees = [(owner, Account.VENUE, fee) for owner in (buyer, seller)]
            for payment in fees:
                self.ledger.transfer(*payment)
            self._keep(row, fees, (seller, buyer, price, qty))
        book.positions.clear()
        self._expel(row["book"])

    def _keep(self, row, payments, move=None):
        """Keep what a cancellation of trades may have to reverse."""
        if row["book"] == Venue.PERP and row["time"] >= 0:
            self.fills.append((row["time"], payments, move))

    def _measure(self, row):
        measure, on = row["other"], bool(self.measures & row["other"])
        if row["side"] == ANNOUNCED or row["flags"] == Cause.FORGOTTEN:
            return
        self.measures = self.measures & ~measure | measure * row["side"]
        if measure == Measure.PRICE_BAND and row["side"]:
            self.banded, self.width = row["book"], row["filled"] / RATE_ONE
        again = measure in AGAIN or row["flags"] == Cause.DECISION
        assert again or row["side"] != on or row["flags"] == Cause.NOTICE_OVER

    def _state(self):
        """What a book does follows from the measures in force."""
        if self.measures & Measure.PAUSE:
            return "auction"
        if self.measures & Measure.CANCEL_ONLY:
            return "cancel_only"
        return "auction" if self.measures & Measure.BATCH_AUCTION else "open"

    def _unwind(self, row):
        """Reverse the fills of the window, and what liquidations paid in it."""
        since, n = row["filled"], 0
        for fill in reversed(self.fills):
            if fill[0] < since:
                break
            n += 1
            _, payments, move = fill
            for payer, payee, quanta in payments:
                self.ledger.transfer(payee, payer, quanta)
            if move is not None:
                seller, buyer, price, qty = move
                self.ledger.move(Venue.PERP, buyer, seller, price, qty)
        assert row["qty"] == n
        del self.fills[len(self.fills) - n :]
        self.unwound += n

    def _bands(self, venue):
        lower, upper = self.bands.get(venue, (0, 2**31))
        if self.measures & Measure.PRICE_BAND and venue == self.banded:
            reference = float(self.mark if venue == Venue.PERP else self.index)
            away = self.width * reference
            lower = max(lower, floor(reference - away + 0.5), 1)
            upper = min(upper, floor(reference + away + 0.5))
        return lower, upper

    def _expel(self, venue):
        book = self.books[venue]
        for order_id in self.waiting[venue]:
            if order_id in book.live:
                book._remove(book.live[order_id])
        self.waiting[venue].clear()

    def _lender_clock(self, row):
        """Derive the fees of an accrual from the state before its first payment."""
        paid = row["kind"] == LogKind.TRANSFER and row["other"] == Account.LENDER
        left = row["kind"] == LogKind.COINS and row["other"] == Account.OUTSIDE
        while True:
            accrues = row["time"] > self.accrual or (row["time"] == self.accrual and paid)
            shrinks = row["time"] > self.drop or (row["time"] == self.drop and left)
            if accrues and not (shrinks and self.drop < self.accrual):
                assert not self.fees  # of the accrual before
                self.fees = self.lender.fees(
                    self.index, lambda slot: self.ledger.account(slot)["quote"]
                )
                self.n_fees += len(self.fees)
                self.accrual += int(self.lender.rules["accrual"])
            elif shrinks:
                self.drop = int(NEVER)
                self.lender.shrink()
            else:
                return

    def _transfer(self, row):
        if row["other"] == Account.LENDER and row["account"] in self.fees:
            assert row["qty"] == self.fees.pop(row["account"])
        self.ledger.transfer(row["account"], row["other"], row["qty"])
        if row["flags"] & OrderFlag.FORCED:
            self._keep(row, [(row["account"], row["other"], row["qty"])])

    def _lender_row(self, row):
        if row["kind"] == LogKind.COINS:
            for slot, qty in ((row["account"], -row["qty"]), (row["other"], row["qty"])):
                self.ledger.account(slot)["spot"] += qty
            self.lender.coins(row["account"], row["other"], row["qty"])
        elif row["kind"] == LogKind.BUY_IN:
            self._buy_in(row)
        elif row["kind"] == LogKind.RECALL:
            assert (row["qty"], row["price"]) == (self.lender.debts[row["account"]], self.index)
            self.notices[row["account"]] = self.time + int(self.lender.rules["notice"])
        else:
            assert row["kind"] == LogKind.WRITE_OFF
            self.lender.write_off(row["account"], row["qty"])
            self.written_off += row["qty"]

    def _buy_in(self, row):
        slot = row["account"]
        account, debt = self.ledger.account(slot), self.lender.debts[slot]
        assert (row["qty"], row["price"]) == (debt, self.index)
        called = row["order_id"] > 0
        if called:
            level = int(self.lender.rules["liquidation"])
            assert row["price"] >= row["order_id"]
            for index, expected in ((row["order_id"], True), (row["order_id"] - 1, False)):
                hit = is_callable(account["quote"], account["spot"], debt, level, index or 1)
                assert hit == (expected or index == 0)
        else:
            assert row["time"] >= self.notices[slot]
        self.buy_ins.append((row["time"], slot, called))

    def _order(self, row):
        if row["status"] in BEFORE_THE_BOOK:
            assert (row["filled"], row["order_id"]) == (0, 0)
            return
        book = self.books[row["book"]]
        lower, upper = self._bands(row["book"])
        beyond = row["price"] > upper if row["side"] == BUY else 0 < row["price"] < lower
        if row["status"] == Status.BEYOND_BAND:
            assert beyond and (row["filled"], row["order_id"]) == (0, 0)
            return
        assert not beyond or book.state != "open" or row["status"] in HOPELESS
        if row["flags"] & OrderFlag.AT_OPEN and row["order_id"]:
            self.waiting[row["book"]].add(row["order_id"])
        book.positions.clear()
        before = len(book.tape)
        self.unnamed -= 1  # what does not rest needs an id too
        answer = book.message(
            0,
            NEW,
            row["order_id"] or self.unnamed,
            row["side"],
            row["price"],
            row["qty"],
            row["tif"],
            row["flags"] & ~(OrderFlag.FORCED | OrderFlag.AT_OPEN),
            row["account"],
        )
        assert (row["status"], row["filled"]) == (answer.status, answer.filled)
        assert (answer.resting > 0) == (row["order_id"] != 0)
        for _, _, _, price, qty, _, maker in book.tape[before:]:
            taker, side = row["account"], row["side"]
            forced = row["flags"] & OrderFlag.FORCED
            fees = self.ledger.fill(row["book"], taker, maker, side, price, qty, forced)
            parties = (maker, taker) if side == BUY else (taker, maker)
            self._keep(row, fees, (*parties, price, qty))

    def assert_equals(self, record):
        """Compare both books, order by order, and every account with a market record."""
        for venue, book in enumerate(self.books):
            for side in (BUY, SELL):
                assert read_side(record["books"][venue], side) == book.queues_of(side)
            assert int(record["books"][venue]["last"]) == book.last
        accounts = record["accounts"]
        for field in ("quote", "perp", "spot"):
            mine = [self.ledger.account(slot)[field] for slot in range(len(accounts))]
            np.testing.assert_array_equal(accounts[field], mine)
        assert self.ledger.sums() == (0, 0, 0)
        debts = [self.lender.debts.get(slot, 0) for slot in range(len(accounts))]
        np.testing.assert_array_equal(record["holders"]["debt"], debts)
        borrow = record["borrow"]
        mine = (self.lender.supply, self.lender.leaving, self.lender.lent, self.lender.free)
        held = int(accounts["spot"][Account.LENDER])
        assert mine == (*(int(borrow[f]) for f in ("supply", "leaving", "lent")), held)
