"""The desk and the lender's clock in literals: who pays, what is tried again, what is lost."""

import numpy as np
import pytest

from squeezegym.codes import FIRST_HOLDER_SLOT, NEVER, Account, Source
from squeezegym.core.borrow import lend, list_borrower, repay_coins
from squeezegym.core.buyin import check_index
from squeezegym.core.lending import open_lender, serve_lender
from tests.kernels import GTC, SELL, Exchange, from_python
from tests.property.borrow_checks import assert_lender_sound, line_slots, notice_slots

pytestmark = [pytest.mark.nojit, pytest.mark.boundscheck]

SLOT = FIRST_HOLDER_SLOT
SECOND = 10**9
RULES = {
    "supply": 100,
    "initial": 150_000_000,
    "liquidation": 110_000_000,
    "latency": 10,
    "interval": 20,
    "pause": 500,
    "fee": 2_000_000,  # 2 %
    "base_rate": 0.1,
    "kink": 0.8,
    "accrual": 3_600 * SECOND,
    "term": 3_600_000,
    "recall_at": 0.5,
    "notice": 60 * SECOND,
    "drop_at": NEVER,
}
ACCRUAL, RECALL, NOTICE, DROP = range(4)


class Desk:
    """A lender of 100 coins at an index of 1,000; borrowers have sold all they owe."""

    def __init__(self, fund=0, **rules):
        self.exchange = Exchange(price=1_000)
        self.market, self.params = self.exchange.market, self.exchange.params
        for name, value in {**RULES, **rules}.items():
            self.params["borrowing"][name] = value
        self.market["marks"]["index"] = 1_000
        from_python(open_lender)(self.market, self.params)
        self.give(Account.FUND, fund)

    def give(self, slot, quote):
        self.market["accounts"]["quote"][slot] += quote
        self.market["accounts"]["quote"][Account.OUTSIDE] -= quote

    def owe(self, debt, quote, slot=SLOT, spot=0):
        """Let an account owe coins of which it has sold all but ``spot``."""
        from_python(lend)(self.market, np.int64(slot), np.int64(debt))
        self.market["accounts"]["spot"][slot] -= debt - spot
        self.market["accounts"]["spot"][Account.OUTSIDE] += debt - spot
        self.give(slot, quote)
        from_python(list_borrower)(self.market, self.params, np.int64(slot))

    def index(self, price):
        self.market["marks"]["index"] = price
        from_python(check_index)(self.market, self.params)

    def ask(self, price, qty):
        self.exchange.place(SELL, price, qty, GTC, owner=Account.MAKER, venue=1)

    def serve(self):
        """Serve the lender's next event at its time."""
        clock = self.market["clock"]
        clock["now"] = clock["due"][Source.BORROW]
        from_python(serve_lender)(self.market, self.params)
        assert_lender_sound(self.market)
        return int(clock["now"])

    def state(self, slot=SLOT):
        """Return cash, debt, and whether it waits for the desk."""
        market = self.market
        cash = int(market["accounts"]["quote"][slot])
        return cash, int(market["holders"]["debt"][slot]), slot in line_slots(market)

    def quote(self, slot):
        return int(self.market["accounts"]["quote"][slot])

    def score(self, *names):
        return tuple(int(self.market["score"][name]) for name in names)


def test_a_called_debt_is_bought_back_and_pays_the_fee():
    desk = Desk()
    desk.owe(10, 15_000)  # called from 1,364 up
    desk.ask(1_365, 6)
    desk.ask(1_370, 20)
    desk.index(1_363)
    assert not line_slots(desk.market)
    desk.index(1_364)
    assert desk.serve() == 10
    # 6 x 1,365 + 4 x 1,370 = 13,670; two percent of it is 273.4.
    assert desk.state() == (15_000 - 13_670 - 274, 0, False)
    assert desk.quote(Account.FUND) == 274
    assert desk.score("buy_ins", "bought_in", "written_off", "deficit") == (1, 10, 0, 0)
    assert int(desk.market["accounts"]["spot"][Account.LENDER]) == 100
    assert int(desk.market["clock"]["due"][Source.BORROW]) == RULES["accrual"]


def test_the_fee_takes_at_most_what_is_left():
    desk = Desk()
    desk.owe(10, 15_000)
    desk.ask(1_499, 10)
    desk.index(1_400)
    desk.serve()
    assert desk.state() == (0, 0, False)
    assert desk.quote(Account.FUND) == 10


def test_own_coins_go_back_first():
    desk = Desk()
    desk.owe(10, 5_000, spot=8)
    desk.ask(1_000, 10)
    desk.index(1_700)  # (5,000 + 8 x 1,700) / 17,000 = 1.094
    desk.serve()
    assert desk.score("bought_in") == (2,)
    assert desk.state() == (5_000 - 2_000 - 40, 0, False)


def test_the_fund_pays_what_is_overdrawn():
    desk = Desk(fund=1_000)
    desk.owe(10, 15_000)
    desk.ask(1_600, 10)
    desk.index(1_550)
    desk.serve()
    assert desk.state() == (0, 0, False)
    assert desk.quote(Account.FUND) == 0
    assert desk.score("bought_in", "deficit") == (10, 1_000)


def test_a_bankrupt_debt_buys_what_its_money_is_worth_and_the_lender_loses_the_rest():
    desk = Desk(fund=999)
    desk.owe(10, 15_000)
    desk.ask(1_600, 10)  # 15,999 buy nine lots and leave 1,599
    desk.index(1_600)
    desk.serve()
    assert desk.score("bought_in", "written_off", "deficit") == (9, 1, 0)
    assert desk.state() == (0, 0, False)
    assert desk.quote(Account.FUND) == 999
    assert desk.quote(Account.LENDER) == 600
    borrow = desk.market["borrow"]
    assert (int(borrow["supply"]), int(borrow["lent"])) == (99, 0)


def test_a_solvent_debt_waits_for_a_book_that_sells():
    desk = Desk()
    desk.owe(10, 15_000)
    desk.ask(1_490, 4)
    desk.index(1_450)
    assert desk.serve() == 10
    assert desk.state() == (15_000 - 5_960, 6, True)
    assert desk.serve() == 10 + 500
    assert desk.state() == (9_040, 6, True)
    desk.ask(1_500, 6)
    assert desk.serve() == 10 + 1_000
    assert desk.state() == (0, 0, False)  # 40 of the fee of 300
    assert desk.score("buy_ins", "bought_in") == (1, 10)


def test_the_rest_of_a_debt_that_has_recovered_returns_to_the_ladder():
    desk = Desk()
    desk.owe(10, 15_000)
    desk.ask(1_490, 4)
    desk.index(1_450)
    desk.serve()
    desk.index(1_200)  # 9,040 / 7,200 = 1.256
    desk.serve()
    assert desk.state() == (9_040, 6, False)
    assert int(desk.market["accounts"]["trigger"][SLOT]) == 1_370  # 9,040 / 6.6 = 1,369.7
    assert int(desk.market["accounts"]["laddered"][SLOT]) == 10


def test_a_second_buy_in_pays_no_fee_on_the_first():
    desk = Desk()
    desk.owe(10, 15_000)
    desk.ask(1_490, 4)
    desk.index(1_450)
    desk.serve()
    desk.index(1_200)
    desk.serve()
    desk.index(1_370)
    desk.ask(1_380, 6)
    desk.serve()
    assert desk.state() == (9_040 - 8_280 - 166, 0, False)  # 2 % of 8,280 is 165.6
    assert desk.score("buy_ins", "bought_in") == (2, 10)


def test_the_desk_takes_one_account_an_interval():
    desk = Desk()
    for slot in (SLOT, SLOT + 1, SLOT + 2):
        desk.owe(10, 15_000, slot)
    desk.ask(1_400, 100)
    desk.index(1_400)
    assert [desk.serve() for _ in range(3)] == [10, 30, 50]
    assert desk.score("buy_ins") == (3,)


def test_first_tries_come_before_others_at_the_same_time():
    desk = Desk()
    desk.owe(10, 15_000)
    desk.owe(10, 16_060, SLOT + 1)  # called from 1,460 up
    desk.index(1_450)
    assert desk.serve() == 10
    desk.market["clock"]["now"] = 500
    desk.index(1_460)
    desk.ask(1_470, 10)
    assert desk.serve() == 510
    assert [desk.state(slot)[1:] for slot in (SLOT, SLOT + 1)] == [(10, True), (0, False)]


def test_a_fee_is_rounded_up_once():
    desk = Desk()
    desk.owe(7, 15_000)
    assert desk.serve() == 3_600 * SECOND
    # 7 x 1,000 x 10 % / 8,760 hours = 0.08 quanta.
    assert (desk.quote(SLOT), desk.quote(Account.LENDER)) == (14_999, 1)
    desk = Desk(base_rate=100.0)
    desk.owe(70, 150_000)
    desk.serve()
    # 70,000 x 10,000 % / 8,760 = 799.09.
    assert (desk.quote(SLOT), desk.quote(Account.LENDER)) == (149_200, 800)
    desk = Desk(base_rate=100.0)
    desk.owe(70, 30, spot=70)
    desk.serve()
    assert (desk.quote(SLOT), desk.quote(Account.LENDER)) == (0, 30)


def test_an_accrual_goes_on_over_several_events_at_one_time():
    desk = Desk(supply=1_000)
    slots = range(SLOT, SLOT + 40)
    for slot in slots:
        desk.owe(1, 5_000, slot)
    times = [desk.serve() for _ in range(4)]
    assert times == [3_600 * SECOND] * 3 + [7_200 * SECOND]
    assert all(desk.quote(slot) in (4_998, 4_999) for slot in slots)
    assert desk.quote(Account.LENDER) == 40 + 16


def test_a_recall_gives_notice_and_then_buys_in():
    desk = Desk(recall_rate=1.0)
    desk.owe(60, 600_000)  # ten times its debt, far from any trigger
    desk.ask(1_001, 60)
    desk.params["borrowing"]["accrual"] = desk.market["borrow"]["due"][ACCRUAL] = NEVER
    named = desk.serve()
    assert notice_slots(desk.market) == [SLOT]
    assert int(desk.market["holders"]["notice"][SLOT]) == named + 60 * SECOND
    desk.market["borrow"]["due"][RECALL] = NEVER
    desk.market["clock"]["due"][Source.BORROW] = named + 60 * SECOND
    assert desk.serve() == named + 60 * SECOND
    assert desk.state()[2]
    desk.serve()
    assert desk.state()[1:] == (0, False)
    assert int(desk.market["holders"]["notice"][SLOT]) == NEVER
    assert desk.score("buy_ins", "bought_in") == (1, 60)


def test_nobody_is_called_twice():
    desk = Desk(recall_rate=1.0)
    desk.owe(60, 600_000)
    named = desk.serve()
    assert desk.serve() > named
    assert notice_slots(desk.market) == [SLOT]
    assert int(desk.market["holders"]["notice"][SLOT]) == named + 60 * SECOND


def test_everybody_who_owes_can_be_called():
    desk = Desk(recall_rate=1.0)
    for slot in (SLOT, SLOT + 7):
        desk.owe(40, 400_000, slot)
    desk.serve()
    desk.serve()
    assert sorted(notice_slots(desk.market)) == [SLOT, SLOT + 7]


def test_who_waits_for_the_desk_is_not_called():
    desk = Desk(recall_rate=1.0)
    desk.owe(60, 66_000)  # at the level, and able to pay once somebody sells
    desk.index(1_000)
    assert desk.serve() < RULES["latency"]
    assert notice_slots(desk.market) == []
    assert int(desk.market["holders"]["notice"][SLOT]) == NEVER


def test_a_notice_to_whom_has_repaid_ends_without_a_buy_in():
    desk = Desk(recall_rate=1.0)
    desk.owe(60, 600_000, spot=60)
    named = desk.serve()
    assert notice_slots(desk.market) == [SLOT]
    borrow = desk.market["borrow"]
    borrow["due"][RECALL] = borrow["due"][ACCRUAL] = NEVER
    from_python(repay_coins)(desk.market, desk.params, np.int64(SLOT), np.int64(60))
    desk.market["clock"]["due"][Source.BORROW] = named + 60 * SECOND
    desk.serve()
    assert notice_slots(desk.market) == []
    assert int(desk.market["holders"]["notice"][SLOT]) == NEVER  # it may borrow again
    assert desk.state() == (600_000, 0, False)
    assert desk.score("buy_ins") == (0,)


def test_nothing_is_recalled_at_or_below_the_threshold():
    desk = Desk(recall_rate=1.0)
    desk.owe(50, 600_000)
    desk.serve()
    assert notice_slots(desk.market) == []


def test_a_shrinking_supply_lets_free_coins_go_first():
    desk = Desk(drop_at=SECOND, drop_share=60_000_000)
    desk.owe(70, 100_000)
    assert desk.serve() == SECOND
    borrow = desk.market["borrow"]
    assert [int(borrow[f]) for f in ("supply", "leaving", "lent")] == [70, 30, 70]
    desk.ask(1_300, 70)
    desk.index(1_300)
    desk.serve()
    assert [int(borrow[f]) for f in ("supply", "leaving", "lent")] == [40, 0, 0]
    assert int(desk.market["accounts"]["spot"][Account.LENDER]) == 40


def test_a_supply_that_must_leave_is_called_whatever_the_threshold():
    desk = Desk(drop_at=SECOND, drop_share=60_000_000, recall_at=1.0)
    desk.owe(70, 700_000)
    desk.market["borrow"]["due"][RECALL] = 2 * SECOND
    assert [desk.serve(), desk.serve()] == [SECOND, 2 * SECOND]
    assert notice_slots(desk.market) == [SLOT]


def test_a_lost_debt_cannot_leave_any_more():
    desk = Desk(drop_at=SECOND, drop_share=60_000_000)
    desk.owe(50, 500)
    desk.owe(20, 100_000, SLOT + 1)
    desk.serve()
    borrow = desk.market["borrow"]
    assert [int(borrow[f]) for f in ("supply", "leaving", "lent")] == [70, 30, 70]
    desk.index(1_000)
    desk.serve()
    assert desk.score("written_off") == (50,)
    assert [int(borrow[f]) for f in ("supply", "leaving", "lent")] == [20, 20, 20]
