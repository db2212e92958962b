"""The bands of limit-up/limit-down and their reference, in literals."""

import pytest

from squeezegym.codes import NEVER, LogKind, OrderFlag, Status
from squeezegym.protections import plan_band
from squeezegym.scenario import Scenario
from tests.kernels import BUY, IOC, SELL, read_side
from tests.unit.halted import HOLDER, MAKER, NOISE, SECOND, Halt

pytestmark = [pytest.mark.nojit, pytest.mark.boundscheck]


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
