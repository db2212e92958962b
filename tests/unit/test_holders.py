"""Holders in literals: what they own, when they are alarmed, and what each habit does about it."""

import numpy as np
import pytest

from squeezegym.batch import stream_seeds
from squeezegym.codes import FIRST_HOLDER_SLOT, NEVER, Account, Habit, Source, Standing
from squeezegym.core.holders import holder_acts, open_holder
from squeezegym.core.triggers import check_mark, enlist, open_ladder
from tests.kernels import BUY, GTC, SELL, Exchange, from_python

pytestmark = [pytest.mark.nojit, pytest.mark.boundscheck]

SLOT = FIRST_HOLDER_SLOT
SHORT, LONG = -10, 10  # lots, from 10,000 ticks
PRICE, DEPOSIT, REACTION = 10_000, 5_000, 700
RULES = {
    "isolated": 1.0,
    "wallet": 1.2,
    "stop_low": 0.02,
    "stop_high": 0.02,
    "alarm": 2.0,
    "restore": 4.0,
    "resolve": 1.0,
    "cap": 0.01,
    "reaction": REACTION,
}
IDLE, ARMED, ACTING = range(3)
UNALARMED = 0


def shares(habit):
    """Cumulative shares of the habits when everybody has this one."""
    order = (Habit.TOP_UP, Habit.STOP_OUT, Habit.CAPITULATE)
    return dict(
        zip(
            ("top_up", "stop_out", "capitulate"),
            (float(h >= habit > 0) for h in order),
            strict=True,
        )
    )


class Venue:
    """Two empty books and a margin of 1 %; a short is bankrupt at 10,500 and taken at 10,396."""

    def __init__(self, habit, **rules):
        self.exchange = Exchange(price=PRICE)
        self.market, self.params = self.exchange.market, self.exchange.params
        for name, value in {**RULES, **shares(habit), **rules}.items():
            self.params["holders"][name] = value
        margin = self.params["margin"]
        margin["n_tiers"], margin["rate"][0], margin["initial"][0] = 1, 1_000_000, 2_000_000
        self.market["clock"]["rng"] = stream_seeds(1)
        self.market["clock"]["due"] = NEVER
        self.market["marks"]["mark"] = PRICE
        from_python(open_ladder)(self.market["ladder"], np.int64(PRICE), np.int64(0))

    @property
    def accounts(self):
        return self.market["accounts"]

    def open(self, lots, slot=SLOT):
        for name, value in (("perp", lots), ("quote", DEPOSIT - lots * PRICE)):
            self.accounts[name][slot] = value
            self.accounts[name][Account.OUTSIDE] -= value
        arguments = (np.int64(value) for value in (slot, PRICE, DEPOSIT))
        from_python(open_holder)(self.market, self.params, *arguments)
        from_python(enlist)(self.market, self.params, np.int64(slot))

    def mark(self, mark, now=0):
        self.market["clock"]["now"] = now
        self.market["marks"]["mark"] = mark
        from_python(check_mark)(self.market, self.params)

    def act(self):
        """Let the next holder act at its time."""
        clock = self.market["clock"]
        clock["now"] = clock["due"][Source.HOLDERS]
        from_python(holder_acts)(self.market, self.params)
        assert not self.accounts["quote"].sum() and not self.accounts["perp"].sum()

    @property
    def due(self):
        return int(self.market["clock"]["due"][Source.HOLDERS])

    def state(self, slot=SLOT):
        """Return quote, wallet, alarm, whether it is armed, trigger."""
        account, holder = self.accounts[slot], self.market["holders"][slot]
        assert account["laddered"] == Standing.IN_LADDER
        values = account["quote"], holder["wallet"], holder["alarm"], account["alarmed"]
        return (*map(int, values), int(account["trigger"]))

    def wallets(self):
        return int(self.accounts["quote"][Account.WALLETS])


def test_isolated_holders_keep_their_cash_and_cross_ones_post_it():
    venue = Venue(Habit.TOP_UP)
    venue.open(SHORT)
    # 105,000 - 10 M = 2 x 0.1 M at 10,294.1, and = 0.1 M at 10,396.04.
    assert venue.state() == (105_000, 6_000, 10_294, ARMED, 10_294)
    assert venue.wallets() == 6_000
    assert int(venue.market["holders"]["initial"][SLOT]) == 5_000_000
    venue = Venue(Habit.TOP_UP, isolated=0.0)
    venue.open(SHORT)
    assert venue.state() == (111_000, 0, 10_882, ARMED, 10_882)
    assert venue.wallets() == 0


@pytest.mark.parametrize(
    ("habit", "lots", "alarm", "trigger"),
    [
        (Habit.SIT, SHORT, UNALARMED, 10_396),
        (Habit.SIT, LONG, UNALARMED, 9_596),  # 95,000 / 9.9, with the margin rounded up
        (Habit.TOP_UP, LONG, 9_694, 9_694),  # 95,000 / 9.8
        (Habit.STOP_OUT, SHORT, 10_200, 10_200),
        (Habit.STOP_OUT, LONG, 9_800, 9_800),
        (Habit.CAPITULATE, SHORT, 10_294, 10_294),
    ],
)
def test_each_habit_has_its_alarm(habit, lots, alarm, trigger):
    venue = Venue(habit)
    venue.open(lots)
    armed = IDLE if alarm == UNALARMED else ARMED
    assert venue.state()[2:] == (alarm, armed, trigger)
    assert int(venue.accounts["habit"][SLOT]) == habit


def test_a_stop_beyond_the_liquidation_comes_too_late():
    venue = Venue(Habit.STOP_OUT, stop_low=0.05, stop_high=0.05)
    venue.open(SHORT)
    assert venue.state()[2:] == (10_500, ARMED, 10_396)
    venue.mark(10_396)
    assert int(venue.accounts["laddered"][SLOT]) == Standing.IN_QUEUE
    assert venue.due == NEVER


def test_the_alarm_lies_in_the_bracket_of_the_liquidation():
    venue = Venue(Habit.TOP_UP)
    margin = venue.params["margin"]
    margin["n_tiers"], margin["floor"][1] = 2, 50_000
    margin["rate"][1], margin["deduction"][1] = 2_000_000, 500
    venue.open(SHORT)
    # 105,000 - 10 M = 2 (0.2 M - 500) at 10,192.3.
    assert venue.state()[2] == 10_192


def test_a_mark_beyond_both_goes_to_the_engine():
    venue = Venue(Habit.TOP_UP)
    venue.open(SHORT)
    venue.mark(10_396)
    assert int(venue.accounts["laddered"][SLOT]) == Standing.IN_QUEUE
    assert int(venue.market["engine"]["react_size"]) == 0


def test_between_alarm_and_act_only_the_liquidation_counts():
    venue = Venue(Habit.TOP_UP)
    venue.open(SHORT)
    venue.mark(10_293, now=90)
    assert venue.due == NEVER
    venue.mark(10_294, now=100)
    assert venue.due == 100 + REACTION
    assert venue.state() == (105_000, 6_000, 10_294, ACTING, 10_396)
    venue.mark(10_395, now=200)
    assert int(venue.market["engine"]["react_size"]) == 1
    venue.mark(10_396, now=300)
    assert int(venue.accounts["laddered"][SLOT]) == Standing.IN_QUEUE
    venue.act()  # the engine has it: too late
    assert int(venue.accounts["quote"][SLOT]) == 105_000
    assert int(venue.accounts["alarmed"][SLOT]) == ARMED  # for what the engine leaves
    assert venue.due == NEVER


def test_holders_act_in_the_order_of_their_alarms():
    venue = Venue(Habit.TOP_UP)
    venue.open(SHORT)
    venue.open(-9, slot=SLOT + 1)  # 95,000 / 9.18: alarmed at 10,349
    venue.mark(10_300, now=100)
    venue.mark(10_350, now=250)
    wallets = venue.market["holders"]["wallet"]
    assert venue.due == 100 + REACTION
    venue.act()
    assert wallets[SLOT] < wallets[SLOT + 1] == 6_000
    assert venue.due == 250 + REACTION
    venue.act()
    assert wallets[SLOT + 1] < 6_000
    assert venue.due == NEVER


def test_a_top_up_restores_the_margin_from_the_wallet():
    venue = Venue(Habit.TOP_UP)
    venue.open(SHORT)
    venue.mark(10_300)
    venue.act()
    # Equity of 2,000 to four times the margin of 1,030; 107,120 / 10.2 = 10,501.96.
    assert venue.state() == (105_000 + 2_120, 6_000 - 2_120, 10_502, ARMED, 10_502)
    assert venue.wallets() == 3_880


def test_a_top_up_takes_what_the_wallet_has_and_then_nothing_alarms():
    venue = Venue(Habit.TOP_UP, wallet=0.2)
    venue.open(SHORT)
    venue.mark(10_300)
    venue.act()
    assert venue.state() == (106_000, 0, UNALARMED, IDLE, 10_495)
    assert venue.wallets() == 0


def test_a_mark_that_has_come_back_costs_no_top_up():
    venue = Venue(Habit.TOP_UP)
    venue.open(SHORT)
    venue.mark(10_294)
    venue.mark(10_050)
    venue.act()  # equity 4,500, and four times the margin is 4,020
    assert venue.state() == (105_000, 6_000, 10_294, ARMED, 10_294)


def test_a_cross_account_has_no_wallet_to_pay_from():
    venue = Venue(Habit.TOP_UP, isolated=0.0)
    venue.open(SHORT)
    venue.mark(10_900)
    venue.act()
    quote, *rest = venue.state()
    assert (quote, rest[:3]) == (111_000, [0, UNALARMED, IDLE])


@pytest.mark.parametrize(
    ("lots", "mark", "prices"),
    [(SHORT, 10_200, (10_302, 10_303)), (LONG, 9_800, (9_702, 9_701))],
    ids=["short", "long"],
)
def test_a_stop_closes_within_its_cap_and_is_armed_for_the_rest(lots, mark, prices):
    venue = Venue(Habit.STOP_OUT)
    venue.open(lots)
    side = SELL if lots < 0 else BUY
    for price in prices:  # the second is a tick beyond 1 % of the mark
        venue.exchange.place(side, price, 4, GTC, owner=Account.MAKER)
    venue.mark(mark)
    venue.act()
    assert int(venue.accounts["perp"][SLOT]) == lots * 6 // 10
    assert venue.state()[2:] == (mark, ARMED, mark)
    assert venue.due == NEVER
    venue.exchange.place(side, mark, 50, GTC, owner=Account.MAKER)
    venue.mark(mark)
    venue.act()
    assert int(venue.accounts["perp"][SLOT]) == 0
    assert int(venue.accounts["laddered"][SLOT]) == Standing.FREE
    assert int(venue.accounts["alarmed"][SLOT]) == IDLE
    assert int(venue.market["holders"]["alarm"][SLOT]) == UNALARMED


def test_a_stop_needs_no_resolve():
    venue = Venue(Habit.STOP_OUT, resolve=0.0)
    venue.open(SHORT)
    venue.exchange.place(SELL, 10_200, 10, GTC, owner=Account.MAKER)
    venue.mark(10_200)
    venue.act()
    assert int(venue.accounts["perp"][SLOT]) == 0


def closes(resolve, times):
    """How often a holder before an empty book sends an order, in so many reactions."""
    venue = Venue(Habit.CAPITULATE, resolve=resolve)
    venue.open(SHORT)
    for _ in range(times):
        venue.mark(10_300)
        venue.act()
        assert venue.state() == (105_000, 6_000, 10_294, ARMED, 10_294)
    return int(venue.market["clock"]["events"])


def test_a_holder_gives_up_with_its_probability_at_each_reaction():
    assert closes(0.0, 50) == 0
    assert closes(1.0, 50) == 50
    assert 70 < closes(0.25, 400) < 130  # mean 100, deviation 8.7
