"""Reloaders in literals: who comes back, when, with what."""

import numpy as np
import pytest

from squeezegym.batch import stream_seeds
from squeezegym.codes import FIRST_HOLDER_SLOT, NEVER, Account, Habit, Source, Standing
from squeezegym.core.holders import holder_acts
from squeezegym.core.liquidation import serve_engine
from squeezegym.core.lostshorts import lose_short, remember_short
from squeezegym.core.reloaders import reload
from squeezegym.core.triggers import check_mark, enlist, open_ladder
from tests.kernels import BUY, GTC, SELL, Exchange, from_python

pytestmark = [pytest.mark.nojit, pytest.mark.boundscheck]

SLOT = FIRST_HOLDER_SLOT
PRICE = 10_000
RULES = {"share": 1.0, "delay": 30.0, "leverage": 5.0, "above": 0.01, "cap": 0.01}


class Desk:
    """Two books and a margin of 1 %; whoever is alarmed closes at once."""

    def __init__(self, draws=1, **rules):
        self.exchange = Exchange(price=PRICE)
        self.market, self.params = self.exchange.market, self.exchange.params
        for name, value in {**RULES, **rules}.items():
            self.params["reloaders"][name] = value
        self.params["holders"]["cap"] = 0.01
        self.params["holders"]["resolve"] = 1.0
        self.params["holders"]["capitulate"] = 1.0
        self.params["liquidation"]["recovery"] = 100_000_000
        margin = self.params["margin"]
        margin["n_tiers"], margin["rate"][0], margin["initial"][0] = 1, 1_000_000, 2_000_000
        self.market["clock"]["rng"] = stream_seeds(draws)
        self.market["clock"]["due"] = NEVER
        self.market["holders"]["started"] = NEVER
        from_python(open_ladder)(self.market["ladder"], np.int64(PRICE), np.int64(0))

    @property
    def accounts(self):
        return self.market["accounts"]

    def quote(self, side, price, qty):
        self.exchange.place(side, price, qty, GTC, owner=Account.MAKER)

    def open(self, perp, quote, slot=SLOT, stop=0):
        account = self.accounts[slot]
        for name, value in (("perp", perp), ("quote", quote)):
            account[name] = value
            self.accounts[name][Account.OUTSIDE] -= value
        account["cost"] = abs(perp) * PRICE
        if stop:
            self.market["holders"]["alarm"][slot] = stop
            account["habit"], account["alarmed"] = Habit.STOP_OUT, 1
        from_python(enlist)(self.market, self.params, np.int64(slot))

    def mark(self, mark, now):
        self.market["clock"]["now"] = now
        self.market["marks"]["mark"] = mark
        self.market["feed"]["seen"]["price"][0, :, 0] = mark
        from_python(check_mark)(self.market, self.params)

    def serve(self, source, kernel):
        clock = self.market["clock"]
        clock["now"] = clock["due"][source]
        from_python(kernel)(self.market, self.params)
        assert not self.accounts["quote"].sum() and not self.accounts["perp"].sum()
        return int(clock["now"])

    @property
    def due(self):
        return int(self.market["clock"]["due"][Source.RELOADERS])

    def line(self):
        """Slots in the order of their tries, with their times."""
        found, slot = [], int(self.market["crowd"]["waiting"])
        while slot:
            found.append((slot, int(self.market["holders"]["ready"][slot])))
            slot = int(self.accounts["next"][slot])
        return found


def stopped(**rules):
    """A short of ten lots that its stop at 10,200 has just closed."""
    desk = Desk(**rules)
    desk.open(-10, 105_000, stop=10_200)
    desk.quote(SELL, 10_200, 10)
    desk.mark(10_200, now=1_000)
    desk.serve(Source.HOLDERS, holder_acts)
    assert int(desk.accounts["perp"][SLOT]) == 0
    return desk


def test_a_stopped_short_comes_back_higher_up_with_its_lots_and_a_fresh_deposit():
    desk = stopped()
    assert desk.line() == [(SLOT, desk.due)] and desk.due > 1_000
    left = int(desk.accounts["quote"][SLOT])
    assert left == 105_000 - 102_000
    desk.quote(BUY, 10_302, 4)
    desk.quote(BUY, 10_250, 20)
    desk.mark(10_301, now=2_000)  # 1 % above the stop is 10,302
    first = desk.serve(Source.RELOADERS, reload)
    assert int(desk.accounts["perp"][SLOT]) == 0
    assert desk.line() == [(SLOT, desk.due)] and desk.due > first
    desk.mark(10_302, now=first)
    desk.serve(Source.RELOADERS, reload)
    account = desk.accounts[SLOT]
    cost = 4 * 10_302 + 6 * 10_250
    assert (int(account["perp"]), int(account["cost"])) == (-10, cost)
    # A fifth of the entry, the loss against the mark paid in too, beside what was left.
    assert int(account["quote"]) - 10 * 10_302 == left + -(-cost // 5)
    assert int(account["laddered"]) == Standing.IN_LADDER
    assert int(account["alarmed"]) == int(desk.market["holders"]["alarm"][SLOT]) == 0
    assert int(desk.market["crowd"]["reloads"]) == 1
    assert (desk.line(), desk.due) == ([], NEVER)


def test_a_liquidated_short_comes_back():
    desk = Desk()
    desk.open(-10, 104_000)
    desk.quote(SELL, 10_300, 10)
    desk.mark(10_300, now=1_000)
    desk.serve(Source.ENGINE, serve_engine)
    assert [slot for slot, _ in desk.line()] == [SLOT]
    assert (int(desk.accounts["trigger"][SLOT]), int(desk.accounts["bucket"][SLOT])) == (10_300, 10)


def test_a_long_does_not():
    desk = Desk()
    desk.open(10, -96_000)
    desk.quote(BUY, 9_700, 10)
    desk.mark(9_690, now=1_000)
    desk.serve(Source.ENGINE, serve_engine)
    assert int(desk.accounts["perp"][SLOT]) == 0
    assert (desk.line(), desk.due) == ([], NEVER)


def test_what_is_left_of_a_short_has_not_been_lost():
    desk = Desk()
    desk.open(-10, 105_000, stop=10_200)
    desk.quote(SELL, 10_200, 9)
    desk.mark(10_200, now=1_000)
    desk.serve(Source.HOLDERS, holder_acts)
    assert int(desk.accounts["perp"][SLOT]) == -1
    assert (desk.line(), desk.due) == ([], NEVER)


def test_without_a_share_nobody_draws_or_waits():
    desk = Desk(share=0.0)
    before = desk.market["clock"]["rng"].copy()
    desk.open(-10, 105_000, stop=10_200)
    desk.quote(SELL, 10_200, 10)
    desk.mark(10_200, now=1_000)
    bucket = int(desk.accounts["bucket"][SLOT])
    desk.serve(Source.HOLDERS, holder_acts)
    assert int(desk.accounts["perp"][SLOT]) == 0
    assert int(desk.accounts["bucket"][SLOT]) == bucket
    assert (desk.line(), desk.due) == ([], NEVER)
    np.testing.assert_array_equal(desk.market["clock"]["rng"], before)


def lose(desk, slot, lots=5):
    arguments = (desk.market, desk.params, np.int64(slot))
    desk.accounts["perp"][slot] = -lots
    from_python(remember_short)(*arguments)
    desk.accounts["perp"][slot] = 0
    from_python(lose_short)(*arguments)


def test_the_line_stands_in_the_order_of_exponential_tries():
    desk = Desk()
    for slot in range(SLOT, SLOT + 200):
        lose(desk, slot)
    line = desk.line()
    assert sorted(slot for slot, _ in line) == list(range(SLOT, SLOT + 200))
    times = [time for _, time in line]
    assert times == sorted(times) and desk.due == times[0]
    assert 24e9 < np.mean(times) < 36e9  # mean 30 s, deviation 2.1


def test_a_share_of_them_comes_back():
    desk = Desk(share=0.25)
    for slot in range(SLOT, SLOT + 200):
        lose(desk, slot)
    assert 30 < len(desk.line()) < 70  # mean 50, deviation 6


@pytest.mark.parametrize("margin", [2_000_000, 21_000_000])
def test_who_is_refused_or_finds_no_bid_gives_up(margin):
    desk = stopped(above=0.0)
    desk.params["margin"]["initial"][0] = margin
    desk.market["accounts"]["quote"][Account.OUTSIDE] += desk.accounts["quote"][SLOT]
    desk.market["accounts"]["quote"][SLOT] = 0
    if margin > 20_000_000:
        desk.quote(BUY, 10_200, 10)
    desk.serve(Source.RELOADERS, reload)
    account = desk.accounts[SLOT]
    assert [int(account[name]) for name in ("perp", "quote", "laddered")] == [0] * 3
    assert int(desk.market["crowd"]["reloads"]) == 0
    assert (desk.line(), desk.due) == ([], NEVER)


def test_an_act_that_is_still_to_come_goes_first():
    desk = stopped(above=0.0)
    desk.quote(BUY, 10_200, 10)
    desk.accounts["alarmed"][SLOT] = 2
    desk.serve(Source.RELOADERS, reload)
    assert int(desk.accounts["perp"][SLOT]) == 0
    assert [slot for slot, _ in desk.line()] == [SLOT]
