"""Trading pauses and how they reopen, in literals."""

import pytest

from squeezegym.codes import NEVER, Account, BookState, LogKind, Measure, OrderFlag, Source, Status
from squeezegym.core.buyin import reschedule
from tests.kernels import BUY, GTC, IOC, SELL, from_python, read_side
from tests.unit.halted import HOLDER, MAKER, NOISE, SECOND, SPOT, Halt, stand_at_the_band

pytestmark = [pytest.mark.nojit, pytest.mark.boundscheck]

PAUSED = int(Measure.PAUSE)


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
