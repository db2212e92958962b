"""Entrants and the contagion in literals: what an entry costs, and the chain's probabilities."""

import math

import numpy as np
import pytest

from squeezegym.batch import stream_seeds
from squeezegym.codes import FIRST_HOLDER_SLOT, NEVER, Account, Source, Standing
from squeezegym.core.entrants import enter
from squeezegym.core.fomo import schedule_fomo, spread
from squeezegym.core.triggers import open_ladder
from tests.kernels import BUY, GTC, SELL, Exchange, from_python

pytestmark = [pytest.mark.nojit, pytest.mark.boundscheck]

SLOT = FIRST_HOLDER_SLOT
PRICE = 10_000
FOMO = {
    "accounts": 200,
    "first": SLOT,
    "seed": 0.1,
    "contact": 0.0,
    "recovery": 0.0,
    "horizon": 2,
    "full": 0.01,
    "leverage": 10.0,
    "weight": 1.0,
    "smallest": 4.0,
    "tail": 1.5,
    "largest": 4.0,
    "cap": 0.01,
}


class Street:
    """Two books, a margin of 1 % that asks for 2 % at least, a taker fee of 5 bp."""

    def __init__(self, draws=1, initial=2_000_000, **rules):
        self.exchange = Exchange(price=PRICE, taker_fee=50_000)
        self.market, self.params = self.exchange.market, self.exchange.params
        for name, value in {**FOMO, **rules}.items():
            self.params["fomo"][name] = value
        margin = self.params["margin"]
        margin["n_tiers"], margin["rate"][0], margin["initial"][0] = 1, 1_000_000, initial
        self.market["clock"]["rng"] = stream_seeds(draws)
        self.market["clock"]["due"] = NEVER
        self.market["marks"]["mark"] = PRICE
        self.market["feed"]["seen"]["price"][0, :, 0] = PRICE
        self.rise(0.01)
        from_python(open_ladder)(self.market["ladder"], np.int64(PRICE), np.int64(0))

    @property
    def accounts(self):
        return self.market["accounts"]

    @property
    def chain(self):
        return int(self.market["crowd"]["caught"]), int(self.market["crowd"]["infected"])

    def rise(self, rise):
        mean = self.market["feed"]["seen"]["mean"]
        mean[:, 0] = PRICE
        mean[0, 0] = PRICE * (1 + rise)

    def quote(self, side, price, qty):
        self.exchange.place(side, price, qty, GTC, owner=Account.MAKER)

    def enter(self, side, qty, leverage, cap=0.01):
        call = from_python(enter)
        call(self.market, self.params, np.int64(SLOT), np.int64(side), np.int64(qty), leverage, cap)
        assert self.accounts["quote"].sum() == self.accounts["perp"].sum() == 0

    def spread(self):
        from_python(spread)(self.market, self.params)


@pytest.mark.parametrize(("side", "price", "beyond"), [(BUY, 10_010, 10_101), (SELL, 9_990, 9_899)])
def test_a_position_keeps_its_margin_at_its_own_entry(side, price, beyond):
    street = Street()
    street.quote(1 - side, price, 6)
    street.quote(1 - side, beyond, 10)  # a tick beyond 1 % of the mark
    street.enter(side, 10, 10.0)
    account = street.accounts[SLOT]
    sign = 1 if side == BUY else -1
    assert (int(account["perp"]), int(account["cost"])) == (6 * sign, 6 * price)
    # A tenth of 6 x 10,010 (9,990), with a loss of 60 against the mark that was paid in too.
    assert int(account["quote"]) + 6 * sign * PRICE == 6 * price // 10
    assert int(account["fees"]) == (31 if side == BUY else 30)  # 5 bp of 60,060: 30.03
    assert int(account["laddered"]) == Standing.IN_LADDER
    assert int(street.market["holders"]["initial"][SLOT]) == 10_000_000
    assert int(street.accounts["quote"][Account.OUTSIDE]) < 0


def test_an_entry_better_than_the_mark_keeps_its_gain():
    street = Street()
    street.quote(SELL, 9_900, 10)
    street.enter(BUY, 10, 10.0)
    # Paid in 10,000 + 1,000 + 51; 9,900 and a fee of 50 (49.5) of it are needed.
    assert int(street.accounts["quote"][SLOT]) == 9_900 - 99_000
    assert int(street.accounts["quote"][SLOT]) + 10 * PRICE == 9_900 + 1_000


def test_without_a_published_touch_nothing_is_paid_or_sent():
    street = Street()
    street.market["feed"]["seen"]["price"] = 0
    street.quote(SELL, 5, 10)
    street.enter(BUY, 10, 10.0)
    assert not street.accounts["quote"].any() and not street.accounts["perp"].any()


def test_a_book_far_above_the_mark_costs_its_open_loss():
    street = Street()
    street.market["feed"]["seen"]["price"] = 10_500
    street.quote(SELL, 10_500, 10)
    street.enter(BUY, 10, 10.0)
    # A tenth of 105,000 and the 5,000 that the mark lies below the entry.
    assert int(street.accounts["quote"][SLOT]) == 10_500 + 5_000 - 105_000


@pytest.mark.parametrize("found", [False, True])
def test_a_refused_order_or_one_that_finds_nothing_returns_the_deposit(found):
    street = Street(initial=11_000_000 if found else 2_000_000)  # ten times needs 10 %
    if found:
        street.quote(SELL, PRICE, 10)
    street.enter(BUY, 10, 10.0)
    account = street.accounts[SLOT]
    assert [int(account[name]) for name in ("quote", "perp", "fees", "laddered")] == [0] * 4
    assert int(street.market["score"]["refused"]) == found


def test_who_is_infected_buys_once_in_the_next_slot():
    street = Street()
    street.quote(SELL, PRICE, 6)
    for _ in range(3):
        street.spread()  # at full appetite every candidate is an infection
    assert street.chain == (3, 3)
    assert street.accounts["perp"][SLOT : SLOT + 4].tolist() == [4, 2, 0, 0]
    assert not street.accounts["quote"].sum() and not street.accounts["perp"].sum()
    assert int(street.market["clock"]["due"][Source.FOMO]) > 0


@pytest.mark.parametrize(("rise", "low", "high"), [(-0.01, 0, 0), (0.0, 0, 0), (0.005, 70, 130)])
def test_appetite_thins_the_chain(rise, low, high):
    street = Street(accounts=200)
    street.rise(rise)
    for _ in range(200):
        street.spread()
    assert low <= street.chain[0] <= high  # mean 100, deviation 7


def test_a_horizon_is_its_row_of_the_means():
    street = Street(horizon=1)
    street.market["feed"]["seen"]["mean"][1, 0] = PRICE * 1.01
    street.spread()
    assert street.chain == (0, 0)


def test_sizes_are_pareto_and_leverage_is_drawn_from_the_mix():
    street = Street(smallest=10.0, largest=1_000.0)
    street.params["fomo"]["leverage"][:] = 20.0
    street.params["fomo"]["leverage"][0] = 5.0
    street.params["fomo"]["weight"][0] = 0.25
    street.quote(SELL, PRICE, 1_000_000)
    for _ in range(200):
        street.spread()
    sizes = street.accounts["perp"][SLOT : SLOT + 200]
    assert sizes.min() == 10 and sizes.max() <= 1_000
    assert 13 < np.median(sizes) < 19  # 10 x 2 ** (2 / 3) = 15.9
    rates = street.market["holders"]["initial"][SLOT : SLOT + 200].tolist()
    assert set(rates) == {20_000_000, 5_000_000}
    assert 30 < rates.count(20_000_000) < 70  # mean 50, deviation 6


def test_when_all_have_recovered_nothing_is_due():
    street = Street(accounts=2, recovery=1.0)
    for _ in range(4):
        street.spread()
    assert street.chain == (2, 0)
    assert int(street.market["clock"]["due"][Source.FOMO]) == NEVER
    street.params["fomo"]["accounts"] = 0
    from_python(schedule_fomo)(street.market, street.params)
    assert int(street.market["clock"]["due"][Source.FOMO]) == NEVER


def test_contagion_ends_at_its_final_size():
    # Susceptible at the end: s = s0 exp(-2 (1 - s)) with s0 = 0.95, at a contact of twice the
    # recovery (Kermack and McKendrick, 1927).
    left = 0.5
    for _ in range(100):
        left = 0.95 * math.exp(-2.0 * (1.0 - left))
    sizes = []
    for seed in range(30):
        street = Street(draws=seed, seed=0.0, contact=2.0, recovery=1.0)
        street.market["crowd"]["caught"] = street.market["crowd"]["infected"] = 10
        while street.chain[1] > 0:
            street.spread()
        sizes.append(street.chain[0] / 200)
    assert abs(np.mean(sizes) - (1.0 - left)) < 0.03  # deviation 0.06 a run
