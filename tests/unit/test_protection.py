"""Limit-up/limit-down, buy restriction and short ban in literals, one rule after the other."""

import numpy as np
import pytest

from squeezegym.codes import (
    FIRST_HOLDER_SLOT,
    NEVER,
    Account,
    BookState,
    Cause,
    LogKind,
    Measure,
    OrderFlag,
    Source,
    Status,
)
from squeezegym.core.accounts import move_position
from squeezegym.core.buyin import reschedule
from squeezegym.core.protection import open_protection, watch
from squeezegym.errors import ConfigError
from squeezegym.measures import N_RULES, Rule
from squeezegym.protections import plan_band
from squeezegym.scenario import Scenario
from tests.kernels import BUY, GTC, IOC, SELL, Exchange, from_python, read_side

pytestmark = [pytest.mark.nojit, pytest.mark.boundscheck]

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
PAUSED = int(Measure.PAUSE)


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


@pytest.mark.parametrize(
    ("price", "tier", "band"),
    [
        (20.0, "tier_1", 0.05),
        (20.0, "tier_2", 0.10),
        (3.0, "tier_1", 0.20),
        (0.75, "tier_2", 0.20),
        (0.5, "tier_1", 0.75),
        (0.1, "tier_1", 0.75),
    ],
)
def test_the_band_follows_the_table_of_the_plan(price, tier, band):
    assert plan_band(price, tier) == pytest.approx(band)


@pytest.mark.parametrize(
    ("price", "lower", "upper"), [(1_000, 950, 1_050), (1_010, 960, 1_061), (7, 7, 7)]
)
def test_bands_are_rounded_to_the_tick(price, lower, upper):
    halt = Halt(price=price)
    assert (int(halt.state["lower"]), int(halt.state["upper"])) == (lower, upper)


def test_a_limit_order_beyond_the_band_is_refused():
    halt = Halt()
    assert halt.place(BUY, 1_051, 5) == (Status.BEYOND_BAND, 0)
    assert halt.place(SELL, 949, 5) == (Status.BEYOND_BAND, 0)
    assert int(halt.book["live"]) == 0
    assert halt.place(BUY, 1_050, 5) == (Status.RESTING, 0)
    assert halt.place(SELL, 1_200, 5) == (Status.RESTING, 0)  # far offers may stand


@pytest.mark.parametrize("price", [1_100, 0])
def test_what_trades_at_once_trades_up_to_the_band(price):
    halt = Halt()
    halt.place(SELL, 1_050, 3)
    halt.place(SELL, 1_051, 3)
    assert halt.place(BUY, price, 5, IOC, NOISE) == (Status.CANCELLED, 3)
    assert int(halt.rows(LogKind.ORDER)[-1]["price"]) == 1_050
    halt.place(BUY, 950, 2)
    halt.place(BUY, 949, 2)
    assert halt.place(SELL, 900 if price else 0, 5, IOC, NOISE) == (Status.CANCELLED, 2)


def test_a_forced_order_keeps_to_the_band():
    halt = Halt()
    halt.place(SELL, 1_050, 3)
    halt.place(SELL, 1_051, 3)
    forced = int(OrderFlag.FORCED)
    assert halt.place(BUY, 1_100, 5, IOC, HOLDER, forced) == (Status.CANCELLED, 3)


def test_the_other_book_is_free():
    halt = Halt()
    halt.exchange.place(SELL, 2_000, 1, owner=MAKER)
    assert halt.exchange.place(BUY, 3_000, 1, IOC, NOISE)[0] == 1


def test_the_reference_moves_by_a_percent_and_after_its_time():
    halt = Halt()
    halt.run(5)
    halt.trade(1_009)
    halt.run(40)
    assert int(halt.state["reference"]) == 1_000  # 0.9 %
    halt.trade(1_013)
    halt.run(50)
    assert int(halt.state["reference"]) == 1_011  # the mean of both, 1.1 %
    assert (int(halt.state["lower"]), int(halt.state["upper"])) == (960, 1_062)
    halt.trade(1_049)
    halt.trade(1_049)
    changed = int(halt.state["referred_at"]) // SECOND
    halt.run(changed + 29)
    assert int(halt.state["reference"]) == 1_011
    halt.run(changed + 30)
    assert int(halt.state["reference"]) == 1_030


def test_old_trades_leave_the_window():
    halt = Halt(step=0.05)
    halt.run(10)
    halt.trade(960)
    halt.run(310)  # the tenth part after the one of the trade
    halt.trade(1_020)
    halt.params["protection"]["step"] = 0.01
    halt.run(311)
    assert int(halt.state["reference"]) == 1_020


def test_new_bands_cancel_what_rests_beyond_them():
    halt = Halt()
    halt.place(BUY, 951, 2)
    halt.place(SELL, 1_060, 2)
    for price in (955, 956, 957):
        halt.trade(price)
    halt.run(31)
    assert (int(halt.state["lower"]), int(halt.state["upper"])) == (908, 1_004)
    halt.place(BUY, 1_003, 1)
    halt.place(BUY, 1_002, 1)
    halt.params["protection"]["step"] = 0.0
    halt.state["prints"][:], halt.state["total"][:] = 1, 950
    halt.run(62)
    assert (int(halt.state["lower"]), int(halt.state["upper"])) == (903, 998)
    assert [price for price, _ in read_side(halt.book, BUY)] == [951]


def stand_at_the_band(halt, qty=10):
    halt.place(BUY, 1_050, qty)


def test_fifteen_seconds_at_the_band_pause_the_book():
    halt = Halt()
    halt.run(10)
    stand_at_the_band(halt)
    halt.run(25)
    assert int(halt.book["state"]) == BookState.OPEN
    halt.run(26)
    assert int(halt.book["state"]) == BookState.AUCTION
    assert halt.measures() == [
        (11, "LIMIT_STATE", True, "BID_AT_UPPER_BAND"),
        (26, "LIMIT_STATE", False, "LIMIT_STATE_LASTED"),
        (26, "PAUSE", True, "LIMIT_STATE_LASTED"),
    ]
    assert int(halt.state["measures"]) == PAUSED
    assert int(halt.state["pauses"]) == 1


def test_an_offer_at_the_lower_band_pauses_too():
    halt = Halt()
    halt.run(10)
    halt.place(SELL, 950, 1)
    halt.run(26)
    assert halt.measures()[0] == (11, "LIMIT_STATE", True, "ASK_AT_LOWER_BAND")
    assert int(halt.book["state"]) == BookState.AUCTION


def test_a_touch_that_leaves_the_band_ends_the_limit_state():
    halt = Halt()
    halt.run(10)
    stand_at_the_band(halt)
    halt.run(20)
    halt.place(SELL, 1_050, 10, IOC, NOISE)
    halt.run(40)
    assert halt.measures()[1:] == [(21, "LIMIT_STATE", False, "TOUCH_LEFT_BAND")]
    assert int(halt.book["state"]) == BookState.OPEN
    stand_at_the_band(halt)
    halt.run(55)  # the fifteen seconds begin anew
    assert int(halt.book["state"]) == BookState.OPEN


def paused(**rules):
    """A book that pauses from 16 s to 316 s, with a bid of 10 at the band of 1,050."""
    halt = Halt(**rules)
    stand_at_the_band(halt)
    halt.run(16)
    assert int(halt.book["state"]) == BookState.AUCTION
    return halt


def test_a_pause_collects_orders_and_reopens_at_the_auction_price():
    halt = paused()
    assert halt.place(BUY, 1_050, 1, IOC, NOISE) == (Status.AUCTION, 0)
    waiting = int(OrderFlag.AT_OPEN)
    assert halt.place(BUY, 1_090, 6, GTC, NOISE, waiting) == (Status.RESTING, 0)
    assert halt.place(SELL, 1_070, 4, GTC, MAKER) == (Status.RESTING, 0)
    halt.run(315)
    assert int(halt.book["last"]) == 1_000
    halt.run(316)
    assert int(halt.book["state"]) == BookState.OPEN
    # Four lots cross between 1,070 and 1,090; the bid has two left over: the tick that is nearest
    # to the band that led to the pause.
    assert int(halt.book["last"]) == 1_070
    assert int(halt.state["reference"]) == 1_070
    assert (int(halt.state["lower"]), int(halt.state["upper"])) == (1_017, 1_124)
    assert read_side(halt.book, BUY)[0][0] == 1_050  # the rest of 1,090 was for the auction alone
    uncross = halt.rows(LogKind.UNCROSS)[0]
    assert [int(uncross[f]) for f in ("price", "qty", "order_id")] == [1_070, 4, 1_050]
    assert halt.measures()[-1] == (316, "PAUSE", False, "REOPENED")
    accounts = halt.market["accounts"]
    assert (int(accounts["spot"][NOISE]), int(accounts["quote"][NOISE])) == (4, -4_280)


def test_both_sides_of_an_auction_pay_the_maker_fee():
    halt = Halt()
    halt.params["fees"]["maker"][SPOT], halt.params["fees"]["taker"][SPOT] = 10_000, 90_000
    stand_at_the_band(halt)
    halt.run(16)
    halt.place(SELL, 1_050, 10, GTC, NOISE)
    halt.run(316)
    assert int(halt.market["accounts"]["quote"][Account.VENUE]) == 2 * 2  # 10,500 x 1 bp is 1.05


def test_without_a_cross_the_book_reopens_at_the_middle():
    halt = paused()
    halt.place(SELL, 1_061, 1)
    halt.run(316)
    assert int(halt.book["state"]) == BookState.OPEN
    assert int(halt.state["reference"]) == 1_056  # 1,055.5
    assert int(halt.book["last"]) == 1_000


def test_a_price_beyond_the_collars_extends_the_pause_and_widens_them():
    halt = paused()
    halt.place(BUY, 1_200, 5, GTC, NOISE)  # 14 % above the band
    halt.place(SELL, 1_200, 5)
    halt.run(316)
    assert int(halt.book["state"]) == BookState.AUCTION
    assert halt.measures()[-1] == (316, "PAUSE", True, "BEYOND_COLLAR")
    assert int(halt.state["extensions"]) == 1
    halt.run(616)  # collars of 10 %
    assert int(halt.book["state"]) == BookState.AUCTION
    halt.run(916)  # and no third extension
    assert int(halt.book["state"]) == BookState.OPEN
    assert int(halt.book["last"]) == 1_200
    assert int(halt.state["pauses"]) == 1


def test_a_price_within_the_widened_collars_reopens():
    halt = paused()
    halt.place(BUY, 1_120, 5, GTC, NOISE)  # 6.7 % above the band
    halt.place(SELL, 1_120, 5)
    halt.run(315)
    halt.run(316)
    assert int(halt.book["state"]) == BookState.AUCTION
    halt.run(616)
    assert int(halt.book["last"]) == 1_120


def test_trades_before_a_pause_do_not_move_the_reference_after_it():
    halt = Halt()
    for _ in range(5):
        halt.trade(1_000)
    stand_at_the_band(halt)
    halt.run(16)
    halt.place(SELL, 1_050, 10)
    halt.run(400)
    assert int(halt.state["reference"]) == 1_050


def test_forced_orders_wait_for_the_end_of_a_pause():
    halt = paused()
    market = halt.market
    market["borrow"]["due"][:] = NEVER
    market["borrow"]["heads"][:] = market["borrow"]["tails"][:] = HOLDER
    market["accounts"]["next"][HOLDER] = 2**32 - 1
    market["holders"]["ready"][HOLDER] = 20 * SECOND
    halt.params["borrowing"]["supply"] = 1
    from_python(reschedule)(market)
    assert int(market["clock"]["due"][Source.BORROW]) == NEVER
    halt.run(316)
    assert int(market["clock"]["due"][Source.BORROW]) == 316 * SECOND


def scheduled(*rules, start=10, end=20, **more):
    """Rules that hold for ten seconds, without limit-up/limit-down."""
    times = {"start": np.full(N_RULES, NEVER), "end": np.full(N_RULES, NEVER)}
    for rule in rules:
        times["start"][rule], times["end"][rule] = start * SECOND, end * SECOND
    return {"limits": 0, **times, **more}


RESTRICTED = scheduled(Rule.BUY_RESTRICTION)
BANNED = scheduled(Rule.SHORT_BAN)


def own(halt, slot, coins):
    halt.market["accounts"]["spot"][slot] += coins
    halt.market["accounts"]["spot"][Account.OUTSIDE] -= coins


def restricted(rules, **more):
    halt = Halt(**{**rules, **more})
    halt.params["fomo"]["accounts"], halt.params["fomo"]["first"] = 2, HOLDER + 1
    halt.place(SELL, 1_010, 50)
    halt.place(BUY, 990, 50)
    halt.run(10)
    return halt


def test_a_buy_restriction_is_for_retail_and_for_its_time():
    halt = restricted(RESTRICTED)
    assert halt.measures() == [(10, "BUY_RESTRICTION", True, "SCHEDULE")]
    refused, filled = (Status.BUY_RESTRICTED, 0), (Status.FILLED, 1)
    assert halt.place(BUY, 1_010, 1, IOC, HOLDER + 1) == refused
    assert halt.place(BUY, 1_010, 1, IOC, HOLDER) == filled  # a borrower
    for account in ("NOISE", "CATALYST", "SNIPER"):
        assert halt.place(BUY, 1_010, 1, IOC, Account[account]) == filled
    for account in ("LEARNER", "FOLLOWER"):
        assert halt.place(BUY, 1_010, 1, IOC, Account[account]) == refused
    own(halt, HOLDER + 1, 5)
    assert halt.place(SELL, 990, 5, IOC, HOLDER + 1) == (Status.FILLED, 5)
    halt.run(20)
    assert halt.measures()[1:] == [(20, "BUY_RESTRICTION", False, "SCHEDULE")]
    assert halt.place(BUY, 1_010, 1, IOC, HOLDER + 1) == filled


def test_a_restricted_short_may_close_but_not_turn():
    halt = restricted(RESTRICTED)
    halt.market["holders"]["debt"][Account.LEARNER] = 5
    assert halt.place(BUY, 1_010, 6, IOC, Account.LEARNER) == (Status.BUY_RESTRICTED, 0)
    assert halt.place(BUY, 1_010, 5, IOC, Account.LEARNER) == (Status.FILLED, 5)


def test_learner_and_followers_can_be_left_out():
    halt = restricted(RESTRICTED, learner=0, followers=0)
    for account in ("LEARNER", "FOLLOWER"):
        assert halt.place(BUY, 1_010, 1, IOC, Account[account]) == (Status.FILLED, 1)


def test_a_short_ban_is_for_all_but_the_makers_and_the_background():
    halt = restricted(BANNED)
    assert halt.measures() == [(10, "SHORT_BAN", True, "SCHEDULE")]
    for slot in (HOLDER, Account.LEARNER, Account.FOLLOWER, Account.SNIPER):
        assert halt.place(SELL, 990, 1, IOC, slot) == (Status.SHORT_BANNED, 0)
        own(halt, slot, 3)
        assert halt.place(SELL, 990, 4, IOC, slot) == (Status.SHORT_BANNED, 0)
        assert halt.place(SELL, 990, 3, IOC, slot) == (Status.FILLED, 3)
    for slot in (Account.MAKER, Account.NOISE, Account.VALUE):
        assert halt.place(SELL, 990, 1, IOC, slot) == (Status.FILLED, 1)


def test_a_ban_on_the_perp_looks_at_the_perp_position():
    halt = Halt(**{**BANNED, "book": 0})
    halt.exchange.place(BUY, 990, 50, owner=MAKER)
    halt.run(10)
    assert halt.exchange.place(SELL, 990, 1, IOC, HOLDER)[0] == 0
    outside = np.int64(Account.OUTSIDE)
    from_python(move_position)(halt.market, outside, np.int64(HOLDER), np.int64(1_000), np.int64(2))
    assert halt.exchange.place(SELL, 990, 2, IOC, HOLDER)[0] == 2


def test_forced_orders_know_no_restriction():
    halt = restricted(RESTRICTED)
    forced = int(OrderFlag.FORCED)
    assert halt.place(BUY, 1_010, 1, IOC, HOLDER + 1, forced) == (Status.FILLED, 1)


def test_a_schedule_ends_before_it_begins_is_one_clear_sentence():
    with pytest.raises(ConfigError, match=r"end_s=5\.0 needs a start_s before it, got 10\.0"):
        Scenario.load(
            "calm", **{"protection.short_ban.start_s": 10.0, "protection.short_ban.end_s": 5.0}
        )


def test_the_section_is_lowered_with_its_clock_compressed():
    rules = Scenario.load("equity_halt").pack()[0]["protection"]
    assert [int(rules[f]) / SECOND for f in ("limit", "update", "part")] == [
        1.5,
        3.0,
        3.0,
    ]
    assert [int(rules[f][0]) / SECOND for f in ("pause", "extension")] == [30.0, 30.0]
    assert float(rules["band"]) == 0.05
    assert rules["start"][:2].tolist() == [1_000 * SECOND, int(NEVER)]  # times are no durations
    off = Scenario.load("calm").pack()[0]["protection"]
    assert int(off["limits"]) == 0 and (off["start"] == int(NEVER)).all()
