"""The learner on the spot book in literals: loans behind a sale, what it may buy, its buy-in."""

import numpy as np
import pytest

from squeezegym.codes import NEVER, Account, LogKind, Source, Status
from squeezegym.core.buyin import check_index
from squeezegym.core.coins import locate, net_position, net_worth, square_coins
from squeezegym.core.gateway import execute
from squeezegym.core.lending import open_lender, serve_lender
from squeezegym.core.seating import close_out
from squeezegym.errors import ConfigError
from squeezegym.gatewaycodes import LEARNER_ORDER
from squeezegym.scenario import Scenario
from tests.kernels import BUY, GTC, IOC, SELL, Exchange, from_python

pytestmark = [pytest.mark.nojit, pytest.mark.boundscheck]

SPOT = 1
LEARNER = int(Account.LEARNER)
SECOND = 10**9
BORROWING = {
    "supply": 100,
    "initial": 150_000_000,
    "liquidation": 130_000_000,
    "kink": 0.8,
    "accrual": 3_600 * SECOND,
    "term": 3_600_000,
    "drop_at": NEVER,
}


class Trader:
    """A learner with 10,000 quanta at an index of 1,000, and a lender of 100 coins."""

    def __init__(self, quote=10_000):
        self.exchange = Exchange(price=1_000)
        self.market, self.params = self.exchange.market, self.exchange.params
        for name, value in BORROWING.items():
            self.params["borrowing"][name] = value
        self.params["learners"]["venue"] = SPOT
        self.params["margin"]["n_tiers"] = 1
        self.market["marks"]["index"] = self.market["marks"]["mark"] = 1_000
        self.market["log_on"] = 1
        from_python(open_lender)(self.market, self.params)
        self.account["quote"] += quote

    @property
    def account(self):
        return self.market["accounts"][LEARNER]

    @property
    def debt(self):
        return int(self.market["holders"]["debt"][LEARNER])

    def maker(self, side, price, qty):
        self.exchange.place(side, price, qty, owner=Account.MAKER, venue=SPOT)

    def send(self, side, price, qty, tif=IOC):
        """Let an order arrive; return its status."""
        integers = (LEARNER, LEARNER_ORDER, side, price, qty, tif, 0, 0)
        from_python(execute)(self.market, self.params, *map(np.int64, integers))
        rows = self.market["log"][: int(self.market["n_log"])]
        row = rows[rows["kind"] == LogKind.ORDER][-1]
        from_python(square_coins)(self.market, self.params, np.int64(0))
        return Status(int(row["status"]))

    def state(self):
        """Return cash, coins, debt, position and worth."""
        call = (self.market, self.params, np.int64(0))
        return (
            int(self.account["quote"]),
            int(self.account["spot"]),
            self.debt,
            int(from_python(net_position)(*call)),
            int(from_python(net_worth)(*call)),
        )


def test_a_sale_borrows_what_it_lacks():
    trader = Trader()
    trader.maker(BUY, 990, 10)
    assert trader.send(SELL, 990, 4) == Status.FILLED
    assert trader.state() == (10_000 + 3_960, 0, 4, -4, 9_960)
    assert int(trader.account["cost"]) == 3_960
    assert int(trader.account["trigger"]) == 2_685  # 13,960 / (1.3 x 4) = 2,684.6


def test_coins_that_no_sale_needs_go_back_at_once():
    trader = Trader()
    trader.maker(BUY, 990, 1)
    assert trader.send(SELL, 990, 4) == Status.CANCELLED
    assert trader.state()[1:4] == (0, 1, -1)
    assert trader.send(SELL, 1_100, 5, GTC) == Status.RESTING
    assert trader.state()[1:4] == (5, 6, -1)  # they wait in the order


def test_a_purchase_pays_the_debt_back_first():
    trader = Trader()
    trader.maker(BUY, 1_000, 4)
    trader.send(SELL, 1_000, 4)
    trader.maker(SELL, 1_010, 10)
    assert trader.send(BUY, 1_010, 3) == Status.FILLED
    assert trader.state()[1:4] == (0, 1, -1)
    assert int(trader.account["cost"]) == 1_000
    assert trader.send(BUY, 1_010, 3) == Status.FILLED
    assert trader.state()[1:4] == (2, 0, 2)
    assert int(trader.account["cost"]) == 2_020
    assert trader.state()[4] == 14_000 - 6 * 1_010 + 2 * 1_000


def test_a_loan_must_leave_the_initial_level():
    trader = Trader()
    trader.maker(BUY, 1_000, 50)
    assert trader.send(SELL, 1_000, 21) == Status.NO_COINS
    assert trader.state()[2] == 0
    assert trader.send(SELL, 1_000, 20) == Status.FILLED  # (10,000 + 20,000) / 20,000


def test_a_finite_lender_cuts_a_sale():
    trader = Trader(quote=1_000_000)
    trader.maker(BUY, 1_000, 200)
    assert trader.send(SELL, 1_000, 150) == Status.FILLED
    assert trader.state()[2] == 100
    assert trader.send(SELL, 1_000, 1) == Status.NO_COINS


def test_coins_are_bought_with_cash():
    trader = Trader()
    trader.maker(SELL, 1_000, 20)
    assert trader.send(BUY, 1_000, 10) == Status.INSUFFICIENT_MARGIN  # a quantum a fill more
    assert trader.send(BUY, 1_000, 9) == Status.FILLED
    assert trader.state()[:4] == (1_000, 9, 0, 9)


def test_the_index_calls_a_short_and_the_desk_liquidates_it():
    trader = Trader()
    trader.maker(BUY, 1_000, 4)
    trader.send(SELL, 1_000, 4)
    trader.send(BUY, 900, 1, GTC)
    trader.maker(SELL, 2_700, 10)
    trader.market["marks"]["index"] = 2_693  # 14,000 / (1.3 x 4) = 2,692.3
    from_python(check_index)(trader.market, trader.params)
    assert trader.send(BUY, 2_700, 1) == Status.IN_LIQUIDATION
    trader.market["clock"]["now"] = trader.market["clock"]["due"][Source.BORROW]
    from_python(serve_lender)(trader.market, trader.params)
    assert trader.state()[:4] == (14_000 - 4 * 2_700, 0, 0, 0)
    assert int(trader.market["learners"][0]["liquidated"]) == 1
    assert int(trader.market["learners"][0]["changed"]) == 1
    assert int(trader.exchange.book(SPOT)["best_bid"]) == 0  # its own order is gone


def test_the_end_closes_longs_and_shorts():
    trader = Trader()
    trader.maker(SELL, 1_000, 5)
    trader.send(BUY, 1_000, 5)
    trader.maker(BUY, 980, 50)
    from_python(close_out)(trader.market, trader.params, np.int64(0))
    assert trader.state() == (9_900, 0, 0, 0, 9_900)
    trader.send(SELL, 980, 5)
    trader.maker(SELL, 1_010, 50)
    from_python(close_out)(trader.market, trader.params, np.int64(0))
    assert trader.state() == (9_900 - 150, 0, 0, 0, 9_750)


def test_the_end_buys_back_as_far_as_the_cash_reaches():
    trader = Trader()
    trader.maker(BUY, 1_000, 10)
    trader.send(SELL, 1_000, 10)
    trader.maker(SELL, 2_500, 50)
    from_python(close_out)(trader.market, trader.params, np.int64(0))
    assert trader.state()[:4] == (20_000, 0, 10, -10)  # 25,000 would be asked


def test_locate_asks_for_no_more_than_the_sale():
    trader = Trader()
    call = (trader.market, trader.params, np.int64(LEARNER))
    assert int(from_python(locate)(*call, np.int64(7))) == 7
    assert int(from_python(locate)(*call, np.int64(5))) == 5
    assert trader.debt == 7


PERPLESS = {
    "flow on the perp book": {"noise.perp.limit_visits_per_s": 1.0},
    "arbitrage.looks_per_s=20.0": {"arbitrage.looks_per_s": 20.0},
    "marks.rule='binance'": {"marks.rule": "binance"},
    "funding.rule='okx'": {"funding.rule": "okx"},
    "a population": {"population.shorts": 3},
    "catalyst.perp_share=0.5": {"catalyst.perp_share": 0.5},
    "snipers.looks_per_s=1.0": {"snipers.looks_per_s": 1.0},
    "reloaders.share=0.5": {"reloaders.share": 0.5},
    "leverage of fomo": {"fomo.leverage": [[2, 1]]},
    "learner.venue='perp'": {"learner.venue": "perp"},
    "protection.book='perp'": {"protection.book": "perp"},
}


@pytest.mark.parametrize("overrides", PERPLESS.values(), ids=PERPLESS)
def test_what_needs_a_perp_is_refused_in_one_sentence(overrides, request):
    got = request.node.callspec.id
    with pytest.raises(ConfigError) as error:
        Scenario.load("equity_halt", **overrides)
    assert f"{got}" in str(error.value) and "contract.perp is false; " in str(error.value)


def test_a_short_start_on_spot_needs_a_lender():
    with pytest.raises(ConfigError, match=r"short_start=0\.5 on the spot book needs coins"):
        Scenario.load("calm", **{"learner.venue": "spot"})
