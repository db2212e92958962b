"""Loans, fees and buy-ins of drawn streams agree with plain Python, account by account."""

from collections import Counter

import numpy as np
import pytest

from squeezegym.codes import FIRST_HOLDER_SLOT, NEVER, Account, Source
from squeezegym.core.borrow import borrow_coins, list_borrower, repay_coins
from squeezegym.core.buyin import check_index
from squeezegym.core.lending import open_lender, serve_lender
from tests.kernels import BUY, GTC, IOC, SELL, Exchange, from_python
from tests.oracle.naive_desk import NaiveDesk
from tests.property.borrow_checks import (
    assert_borrowers_sound,
    assert_lender_sound,
    assert_nobody_is_left_out,
    line_slots,
)

HOLDERS = tuple(range(FIRST_HOLDER_SLOT, FIRST_HOLDER_SLOT + 24))
MAKER_FEE = 20_000
RULES = {
    "supply": 5_000,
    "initial": 150_000_000,
    "liquidation": 110_000_000,
    "interval": 1_000,
    "pause": 5_000,
    "fee": 2_000_000,
    "base_rate": 0.5,
    "slope": 2.0,
    "steep": 30.0,
    "kink": 0.8,
    "accrual": 3_600 * 10**9,
    "term": 3_600_000,
    "drop_at": NEVER,
}


class Pair:
    """The kernels' market and the naive one, driven together."""

    def __init__(self, seed, fund):
        self.draw = np.random.default_rng(seed)
        self.real = Exchange(price=1_000, maker_fee=(MAKER_FEE, MAKER_FEE), taker_fee=(0, 0))
        self.market, self.params = self.real.market, self.real.params
        for name, value in RULES.items():
            self.params["borrowing"][name] = value
        accounts = self.market["accounts"]
        for slot in (*HOLDERS, Account.FUND):
            quote = fund if slot == Account.FUND else int(self.draw.integers(0, 200_000))
            accounts["quote"][slot] += quote
            accounts["quote"][Account.OUTSIDE] -= quote
        self.market["marks"]["index"] = 1_000
        from_python(open_lender)(self.market, self.params)
        self.rules = self.params["borrowing"]
        slots = [*HOLDERS, *(int(account) for account in Account)]
        pairs = {
            slot: (int(accounts["quote"][slot]), int(accounts["spot"][slot])) for slot in slots
        }
        self.naive = NaiveDesk(self.rules, MAKER_FEE, pairs)
        self.naive.index = 1_000
        self.spent = {}
        self.resting = []
        self.done = Counter()

    def call(self, kernel, *arguments):
        return from_python(kernel)(self.market, self.params, *map(np.int64, arguments))

    def step(self):
        name = self.draw.choice(("loan", "repay", "sale", "move", "accrue", "asks", "serve"))
        getattr(self, name)()
        self.compare()

    def loan(self):
        slot, qty = int(self.draw.choice(HOLDERS)), int(self.draw.integers(-2, 400))
        expected = 0 if slot in line_slots(self.market) else self.naive.borrow(slot, qty)
        assert int(self.call(borrow_coins, slot, qty)) == expected
        self.done["granted" if expected else "refused"] += 1

    def repay(self):
        slot, qty = int(self.draw.choice(HOLDERS)), int(self.draw.integers(0, 300))
        assert int(self.call(repay_coins, slot, qty)) == self.naive.repay(slot, qty)

    def sale(self):
        """Sell all coins to a noise bid."""
        slot = int(self.draw.choice(HOLDERS))
        qty = int(self.market["accounts"]["spot"][slot])
        if qty == 0:
            return
        price = self.naive.index - int(self.draw.integers(1, 20))
        self.clear()
        self.real.place(BUY, price, qty, GTC, owner=Account.NOISE, venue=1)
        assert self.real.place(SELL, price, qty, IOC, owner=slot, venue=1)[0] == qty
        self.call(list_borrower, slot)
        self.naive.trade(slot, Account.NOISE, price, qty)
        fee = -(-price * qty * MAKER_FEE // 10**8)
        self.naive.pay(Account.NOISE, Account.VENUE, fee)

    def move(self):
        """Change the index by up to an eighth, and check it."""
        index = int(self.naive.index * self.draw.uniform(0.9, 1.125))
        index = min(max(index, 200), 5_000)
        self.naive.index = index
        self.market["marks"]["index"] = index
        self.call(check_index)
        assert_nobody_is_left_out(self.market, self.rules)

    def accrue(self):
        self.naive.accrue()
        borrow = self.market["borrow"]
        now = self.market["clock"]["now"]
        borrow["due"][0] = now
        rounds = 0
        while rounds == 0 or borrow["cursor"] != 0:
            self.market["borrow"]["due"][4] = NEVER  # only the accrual
            self.call(serve_lender)
            rounds += 1
        assert rounds <= 2
        assert int(borrow["due"][0]) == now + RULES["accrual"]
        self.done["accruals"] += 1

    def clear(self):
        for order_id in self.resting:
            self.real.cancel(order_id, venue=1)
        self.resting, self.naive.asks = [], []

    def asks(self):
        """Put fresh asks around the index, or none."""
        self.clear()
        levels = {}
        for _ in range(int(self.draw.integers(0, 12))):
            price = int(self.naive.index * self.draw.uniform(0.97, 1.3)) + 1
            qty = int(self.draw.integers(1, 120))
            _, order_id = self.real.place(SELL, price, qty, GTC, owner=Account.MAKER, venue=1)
            self.resting.append(order_id)
            levels.setdefault(price, []).append(qty)
        self.naive.asks = [[price, qty] for price in sorted(levels) for qty in levels[price]]

    def serve(self):
        """Serve the desk's next account, whenever its turn comes."""
        borrow, clock = self.market["borrow"], self.market["clock"]
        waiting = line_slots(self.market)
        if not waiting:
            return
        ready = self.market["holders"]["ready"]
        borrow["due"][0] = NEVER
        heads = [int(slot) for slot in borrow["heads"] if int(slot) in waiting]
        turn = min(heads, key=lambda slot: int(ready[slot]))
        clock["now"] = max(int(clock["due"][Source.BORROW]), int(clock["now"]))
        self.call(serve_lender)
        left = self.naive.buy_in(turn, self.spent.get(turn, 0))
        self.spent[turn] = left or 0
        assert (left is not None) == (turn in line_slots(self.market))
        self.done["again" if left is not None else "closed"] += 1

    def compare(self):
        market, naive = self.market, self.naive
        for slot, pair in naive.accounts.items():
            account = market["accounts"][slot]
            assert [int(account["quote"]), int(account["spot"])] == pair, slot
            assert int(market["holders"]["debt"][slot]) == naive.debt(slot)
        score = market["score"]
        mine = (naive.bought_in, naive.written_off, naive.deficit)
        assert mine == tuple(int(score[f]) for f in ("bought_in", "written_off", "deficit"))
        assert sum(q for q, _ in naive.accounts.values()) == 0
        assert sum(s for _, s in naive.accounts.values()) == 0
        assert_lender_sound(market)
        assert_borrowers_sound(market, self.rules)


@pytest.mark.nojit
@pytest.mark.boundscheck
@pytest.mark.parametrize("fund", [0, 7_000, 10**9])
@pytest.mark.parametrize("seed", range(3))
def test_a_drawn_stream_agrees_account_by_account(seed, fund):
    pair = Pair(seed, fund)
    for _ in range(600):
        pair.step()
    assert {"granted", "refused", "accruals"} <= set(pair.done)


@pytest.mark.parametrize("fund", [0, 7_000, 10**9])
def test_long_streams_close_in_every_way(fund):
    done, lost = Counter(), 0
    for seed in range(10, 13):
        pair = Pair(seed, fund)
        for _ in range(2_000):
            pair.step()
        done += pair.done
        lost += pair.naive.written_off
    assert done["again"] and done["closed"] > 20
    assert (lost > 0) == (fund < 10**9)
