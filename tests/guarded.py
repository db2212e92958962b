"""An exchange whose book is guarded by the rules of a scenario, for tests of one rule at a time."""

import numpy as np

from squeezegym.codes import NEVER, Account, LogKind, Source, Status, Venue
from squeezegym.core.accounts import change_perp, transfer
from squeezegym.core.protection import open_protection, watch
from squeezegym.measures import Cause, Measure, Rule
from squeezegym.packing_protection import pack_protection
from squeezegym.scenario import Scenario
from tests.kernels import BUY, GTC, IOC, SELL, Exchange, from_python

SECOND = 10**9
CENT = 0.01
MAKER, NOISE = int(Account.MAKER), int(Account.NOISE)


class Guarded(Exchange):
    """Two books and their accounts; time goes on by the looks of the venue alone.

    Args:
        price: Ticks of a cent.
        fees: Maker and taker fee rate, 1e-8.
        **rules: Fields of section ``protection``, dotted ones in a dict that is unpacked.
    """

    def __init__(self, price=1_000, fees=(0, 0), **rules):
        super().__init__(price, *fees)
        section = {f"protection.{name}": value for name, value in rules.items()}
        scenario = Scenario.load("calm", **section)
        self.venue = int(Venue[scenario.protection.book.upper()])
        contract = scenario.contract.model_copy(update={"price": price * CENT, "tick_size": CENT})
        pack_protection(scenario.model_copy(update={"contract": contract}), self.protection)
        self.market["log_on"] = 1
        self.market["clock"]["due"][:] = NEVER
        from_python(open_protection)(self.market, self.params)
        self.run(0)

    @property
    def protection(self):
        return self.params["protection"]

    @property
    def state(self):
        return self.market["protection"]

    @property
    def guarded_book(self):
        return self.book(self.venue)

    def run(self, seconds):
        """Serve the looks up to a time."""
        clock, until = self.market["clock"], round(seconds * SECOND)
        while clock["due"][Source.PROTECTION] <= until:
            clock["now"] = clock["due"][Source.PROTECTION]
            from_python(watch)(self.market, self.params)
        clock["now"] = until

    def send(self, side, price, qty, tif=GTC, owner=MAKER, flags=0):
        """Return ``(status, filled)`` as the log has them."""
        filled, _ = self.place(side, price, qty, tif, owner, self.venue, flags)
        row = self.rows(LogKind.ORDER)[-1]
        assert row["filled"] == filled
        return Status(int(row["status"])), filled

    def trade(self, price, qty=1):
        """Print a trade at a price."""
        self.send(SELL, price, qty)
        assert self.send(BUY, price, qty, IOC, NOISE) == (Status.FILLED, qty)

    def decide(self, rule, on=True, value=0.0):
        """Write to a lever, in the units of the record, and let the venue serve it now."""
        lever = self.state["levers"][int(Rule[rule.upper()])]
        lever["asked"], lever["value"] = 1 if on else -1, value
        clock = self.market["clock"]
        clock["due"][Source.PROTECTION] = clock["now"]
        self.run(int(clock["now"]) / SECOND)

    def rows(self, *kinds):
        rows = self.market["log"][: int(self.market["n_log"])]
        return rows[np.isin(rows["kind"], kinds)] if kinds else rows

    def measures(self):
        """Return every switch so far: time in seconds, measure, 1 on, 0 off or 2 said, cause."""
        return [
            (
                int(row["time"]) / SECOND,
                Measure(int(row["other"])).name,
                int(row["side"]),
                Cause(int(row["flags"])).name,
            )
            for row in self.rows(LogKind.MEASURE)
        ]

    def in_force(self, rule):
        return bool(int(self.state["measures"]) & Measure[rule.upper()])


def hold(market, slot, lots, price=1_000):
    """Give an account a perp position, against the outside."""
    call = from_python(change_perp)
    for owner, change in ((slot, lots), (int(Account.OUTSIDE), -lots)):
        call(market.market, np.int64(owner), np.int64(change), np.int64(price))


def fund(market, slot, quanta):
    from_python(transfer)(
        market.market, np.int64(int(Account.OUTSIDE)), np.int64(slot), np.int64(quanta)
    )


def quoted(**rules):
    """A guarded perp with a bid at 990 and an offer at 1,010."""
    market = Guarded(book="perp", **rules)
    market.send(BUY, 990, 50)
    market.send(SELL, 1_010, 50)
    return market


def clear(market):
    """Take every order out of the guarded book."""
    orders = market.guarded_book["orders"]
    for order_id in orders["id"][orders["qty"] != 0].tolist():
        market.cancel(order_id, market.venue)


def with_margin(market, rates=(0.01, 0.02), leverages=(50, 20), floors=(0, 100_000)):
    """One cheap and one dear bracket."""
    table = market.params["margin"]
    table["n_tiers"] = len(rates)
    deduction, previous = 0, 0
    for i, (rate, leverage, floor) in enumerate(zip(rates, leverages, floors, strict=True)):
        units = round(rate * 10**8)
        deduction += floor * (units - previous) // 10**8
        previous = units
        table["rate"][i], table["initial"][i] = units, 10**8 // leverage
        table["floor"][i], table["deduction"][i] = floor, deduction
    return market
