"""Two books and one arbitrageur with capital, for tests of one rule at a time."""

import numpy as np

from squeezegym.batch import stream_seeds
from squeezegym.codes import FIRST_HOLDER_SLOT, NEVER, Account, Source, Venue
from squeezegym.core.accounts import move_position
from squeezegym.core.arbitrageurs import arbitrageur_looks, open_arbitrageurs, serve_arbitrageur
from squeezegym.core.lending import open_lender
from squeezegym.core.triggers import delist, open_ladder
from tests.kernels import BUY, GTC, SELL, Exchange, from_python

SLOT = FIRST_HOLDER_SLOT  # the perp wallet; the coin wallet of a single arbitrageur is the next
COINS = SLOT + 1
PRICE = 10_000
PERP, SPOT = int(Venue.PERP), int(Venue.SPOT)
LATENCY = 700
RULES = {
    "rate": 1.0,
    "accounts": 1,
    "first": SLOT,
    "capital": 60_000,
    "initial": 20_000_000,  # five times levered
    "hurdle": 0.005,
    "lots_per_unit": 1_100.0,
    "max_lots": 50,
    "slippage": 0.001,
    "latency": LATENCY,
}
LENDER = {"supply": 100, "initial": 150_000_000, "liquidation": 110_000_000, "kink": 0.8}


class Pair:
    """Two books with a taker fee of 5 bp, a margin of 2 %, and one arbitrageur."""

    def __init__(self, supply=0, **rules):
        self.exchange = Exchange(price=PRICE, taker_fee=50_000)
        self.market, self.params = self.exchange.market, self.exchange.params
        for name, value in {**RULES, **rules}.items():
            self.params["arbitrage"][name] = value
        for name, value in {**LENDER, "supply": supply}.items():
            self.params["borrowing"][name] = value
        self.params["borrowing"]["accrual"] = 10**15
        self.params["borrowing"]["drop_at"] = NEVER
        margin = self.params["margin"]
        margin["n_tiers"], margin["rate"][0], margin["initial"][0] = 1, 1_000_000, 2_000_000
        self.market["clock"]["rng"] = stream_seeds(1)
        self.market["clock"]["due"] = NEVER
        self.market["marks"]["mark"] = self.market["marks"]["index"] = PRICE
        from_python(open_ladder)(self.market["ladder"], np.int64(PRICE), np.int64(0))
        for kernel in (open_lender, open_arbitrageurs):
            from_python(kernel)(self.market, self.params)

    @property
    def accounts(self):
        return self.market["accounts"]

    def quote(self, venue, side, price, qty):
        return self.exchange.place(side, price, qty, GTC, owner=Account.MAKER, venue=venue)[1]

    def touches(self, perp, spot, qty=50):
        """Let both books stand a tick wide around these prices, and nothing else."""
        for venue, middle in ((PERP, perp), (SPOT, spot)):
            for order in self.exchange.book(venue)["orders"]:
                if order["qty"]:
                    self.exchange.cancel(int(order["id"]), venue)
            self.quote(venue, BUY, middle - 1, qty)
            self.quote(venue, SELL, middle + 1, qty)

    def look(self):
        from_python(arbitrageur_looks)(self.market, self.params)
        self.check()

    def arrive(self):
        clock = self.market["clock"]
        clock["now"] = clock["due"][Source.ARBITRAGE_ORDERS]
        from_python(serve_arbitrageur)(self.market, self.params)
        self.check()

    def trade(self):
        self.look()
        self.arrive()

    def check(self):
        for field in ("quote", "spot", "perp"):
            assert not self.accounts[field].sum()
        assert int(self.accounts["spot"][COINS]) >= 0 and int(self.accounts["quote"][COINS]) >= 0

    @property
    def due(self):
        return int(self.market["clock"]["due"][Source.ARBITRAGE_ORDERS])

    def legs(self):
        """Perp lots, coins, coins owed."""
        debt = self.market["holders"]["debt"][COINS]
        return int(self.accounts["perp"][SLOT]), int(self.accounts["spot"][COINS]), int(debt)

    def cash(self):
        return int(self.accounts["quote"][SLOT]), int(self.accounts["quote"][COINS])

    def lose_perp(self, price):
        """Take the perp leg away at a price, as the liquidation engine does."""
        perp = int(self.accounts["perp"][SLOT])
        from_python(delist)(self.market, np.int64(SLOT), np.int64(perp < 0))
        buyer, seller = (SLOT, Account.ABSORBER) if perp < 0 else (Account.ABSORBER, SLOT)
        numbers = (np.int64(value) for value in (seller, buyer, price, abs(perp)))
        from_python(move_position)(self.market, *numbers)
