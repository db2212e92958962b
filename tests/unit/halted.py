"""A spot book under limit-up/limit-down, for tests of one rule at a time."""

import numpy as np

from squeezegym.codes import (
    FIRST_HOLDER_SLOT,
    NEVER,
    Account,
    Cause,
    LogKind,
    Measure,
    Source,
    Status,
)
from squeezegym.core.protection import open_protection, watch
from tests.kernels import BUY, GTC, IOC, SELL, Exchange, from_python

SECOND = 10**9
SPOT = 1
MAKER, NOISE = int(Account.MAKER), int(Account.NOISE)
HOLDER = FIRST_HOLDER_SLOT
RULES = {
    "book": SPOT,
    "limits": 1,
    "band": 0.05,
    "check": SECOND,
    "day": 23_400 * SECOND,
    "part": 30 * SECOND,
    "update": 30 * SECOND,
    "step": 0.01,
    "limit": 15 * SECOND,
    "pause": 300 * SECOND,
    "extension": 300 * SECOND,
    "collar": 0.05,
    "widen": 0.05,
    "extensions": 2,
    "start": NEVER,
    "end": NEVER,
    "learner": 1,
    "followers": 1,
}


class Halt:
    """A spot book around 1,000 ticks, guarded; time goes on by the looks of the venue."""

    def __init__(self, price=1_000, **rules):
        self.exchange = Exchange(price=price)
        self.market, self.params = self.exchange.market, self.exchange.params
        for name, value in {**RULES, **rules}.items():
            self.params["protection"][name] = value
        self.market["log_on"] = 1
        self.market["clock"]["due"][:] = NEVER
        from_python(open_protection)(self.market, self.params)
        self.run(0)

    @property
    def state(self):
        return self.market["protection"]

    @property
    def book(self):
        return self.exchange.book(SPOT)

    def place(self, side, price, qty, tif=GTC, owner=MAKER, flags=0):
        """Return ``(status, filled)`` as the log has them."""
        filled, _ = self.exchange.place(side, price, qty, tif, owner, SPOT, flags)
        row = self.rows(LogKind.ORDER)[-1]
        assert row["filled"] == filled
        return Status(int(row["status"])), filled

    def trade(self, price, qty=1):
        """Print a trade at a price."""
        self.place(SELL, price, qty)
        assert self.place(BUY, price, qty, IOC, NOISE) == (Status.FILLED, qty)

    def rows(self, *kinds):
        rows = self.market["log"][: int(self.market["n_log"])]
        return rows[np.isin(rows["kind"], kinds)] if kinds else rows

    def run(self, until):
        """Serve the looks up to a time in seconds."""
        clock = self.market["clock"]
        while clock["due"][Source.PROTECTION] <= until * SECOND:
            clock["now"] = clock["due"][Source.PROTECTION]
            from_python(watch)(self.market, self.params)
        clock["now"] = until * SECOND

    def measures(self):
        """Return every switch so far: time in seconds, measure, on, cause."""
        return [
            (
                int(row["time"]) / SECOND,
                Measure(int(row["other"])).name,
                bool(row["side"]),
                Cause(int(row["flags"])).name,
            )
            for row in self.rows(LogKind.MEASURE)
        ]


def stand_at_the_band(halt, qty=10):
    halt.place(BUY, 1_050, qty)
