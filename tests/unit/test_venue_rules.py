"""When a rule is in force, and what restrictions and bands do to an order, in literals."""

import numpy as np
import pytest

from squeezegym.codes import (
    FIRST_HOLDER_SLOT,
    Account,
    LogKind,
    OrderFlag,
    Source,
    Status,
)
from squeezegym.errors import ConfigError
from squeezegym.measures import RULE_NAMES, Measure, Rule
from squeezegym.scenario import Scenario
from tests.guarded import MAKER, NOISE, SECOND, Guarded, hold, quoted
from tests.kernels import BUY, GTC, IOC, SELL

pytestmark = [pytest.mark.nojit, pytest.mark.boundscheck]

HOLDER = FIRST_HOLDER_SLOT
LEARNER, SNIPER = (int(Account.LEARNER), int(Account.SNIPER))


# When a rule is in force


def test_a_schedule_switches_a_rule_at_its_times():
    market = quoted(close_only={"start_s": 10.0, "end_s": 20.0})
    market.run(30)
    assert market.measures() == [
        (10, "CLOSE_ONLY", 1, "SCHEDULE"),
        (20, "CLOSE_ONLY", 0, "SCHEDULE"),
    ]


def test_notice_is_given_and_then_the_rule_holds():
    market = quoted(leverage_cap={"start_s": 10.0, "notice_s": 60.0})
    market.run(69)
    assert market.measures() == [(10, "LEVERAGE_CAP", 2, "SCHEDULE")]
    assert not market.in_force("leverage_cap")
    market.run(70)
    assert market.measures()[1:] == [(70, "LEVERAGE_CAP", 1, "NOTICE_OVER")]
    assert int(market.rows(LogKind.MEASURE)[-1]["filled"]) == 10 * 10**8  # its value


def test_an_announcement_can_be_taken_back():
    market = quoted(leverage_cap={"notice_s": 60.0})
    market.decide("leverage_cap")
    market.run(30)
    market.decide("leverage_cap", on=False)
    market.run(100)
    assert [row[2] for row in market.measures()] == [2, 0]


def test_a_move_switches_a_rule_for_as_long_as_it_lasts():
    market = quoted(short_ban={"trigger": "rule", "move": -0.05, "lasts_s": 20.0})
    market.send(SELL, 990, 50, IOC, NOISE)
    market.send(BUY, 951, 1)
    market.send(SELL, 951, 1, IOC, NOISE)
    market.run(5)
    assert not market.in_force("short_ban")  # 4.9 %
    market.send(BUY, 950, 1)
    market.send(SELL, 950, 1, IOC, NOISE)
    market.run(5.1)
    assert market.measures() == [(5.1, "SHORT_BAN", 1, "MOVED")]
    market.trade(980)
    market.run(30)
    assert market.measures()[1:] == [(25.1, "SHORT_BAN", 0, "LASTED")]


def test_a_rule_without_a_move_holds_from_the_opening():
    assert quoted(position_limit={"trigger": "rule"}).in_force("position_limit")


def test_a_decision_changes_the_value_of_a_rule_in_force():
    market = quoted()
    market.decide("liquidation_throttle", value=2.0)
    market.decide("liquidation_throttle", value=5.0)
    market.decide("liquidation_throttle", on=False)
    assert [row[1:3] for row in market.measures()] == [
        ("LIQUIDATION_THROTTLE", 1),
        ("LIQUIDATION_THROTTLE", 1),
        ("LIQUIDATION_THROTTLE", 0),
    ]
    assert [int(row["filled"]) // 10**8 for row in market.rows(LogKind.MEASURE)[:2]] == [2, 5]


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"move": 0.1}, r"move and lasts_s belong to trigger 'rule', got 'schedule'"),
        ({"trigger": "agent", "start_s": 1.0}, r"start_s=1\.0 belongs to trigger 'schedule'"),
        ({"trigger": "rule", "move": 0.0}, r"move must lie between 0 and 10 .* got 0\.0"),
    ],
)
def test_a_trigger_takes_its_own_fields(fields, sentence):
    with pytest.raises(ConfigError, match=sentence):
        Scenario.load("calm", protection={"short_ban": fields})


@pytest.mark.parametrize("fields", [{"start_s": 0.0}, {"trigger": "rule"}])
def test_there_must_be_trades_to_cancel(fields):
    rules = {"book": "perp", "trade_cancellation": fields}
    with pytest.raises(ConfigError, match="no trade has been made by then"):
        Scenario.load("calm", protection=rules)


def test_trades_of_coins_cannot_be_cancelled():
    with pytest.raises(ConfigError, match="trade_cancellation needs book = 'perp', got 'spot'"):
        Scenario.load("calm", protection={"trade_cancellation": {"trigger": "agent"}})


def test_every_rule_is_off_and_unknown_to_the_clock_by_default():
    rules = Scenario.load("calm").pack()[0]["protection"]
    assert (rules["start"] == np.iinfo(np.int64).max).all()
    assert int(rules["watches"]) == int(rules["remembers"]) == 0
    market = Guarded()
    assert int(market.market["clock"]["due"][Source.PROTECTION]) == np.iinfo(np.int64).max
    assert set(RULE_NAMES) <= set(type(Scenario.load("calm").protection).model_fields)


# Restrictions on orders


def test_the_uptick_rule_holds_for_the_day_and_the_next():
    market = quoted(day_s=100.0, uptick_rule={"trigger": "rule"})
    market.run(40)
    market.trade(1_000)
    market.send(SELL, 990, 50, IOC, NOISE)
    market.trade(901)
    market.run(50)
    assert not market.in_force("uptick_rule")  # 9.9 %
    market.send(BUY, 900, 5)
    market.send(SELL, 900, 1, IOC, NOISE)
    market.run(51)
    assert market.in_force("uptick_rule")
    refused = (Status.UPTICK_ONLY, 0)
    for slot in (HOLDER, LEARNER, SNIPER):
        assert market.send(SELL, 900, 1, IOC, slot) == refused
        assert market.send(SELL, 0, 1, IOC, slot) == refused
    assert market.send(SELL, 901, 1, GTC, HOLDER) == (Status.RESTING, 0)
    assert market.send(SELL, 900, 1, IOC, MAKER)[1] == 1
    hold(market, HOLDER, 2)
    assert market.send(SELL, 900, 2, IOC, HOLDER)[1] == 2  # no short sale
    market.run(199)
    assert market.in_force("uptick_rule")
    market.run(200.1)
    assert not market.in_force("uptick_rule")


def test_the_close_is_the_last_price_of_the_day_before():
    market = quoted(day_s=100.0, uptick_rule={"trigger": "rule"})
    market.run(50)
    market.trade(1_005)
    market.run(100)
    assert int(market.state["close"]) == 1_005


def test_close_only_lets_nobody_open_but_makers_and_background():
    market = quoted()
    market.decide("close_only")
    for side, price in ((BUY, 1_010), (SELL, 990)):
        for slot in (HOLDER, LEARNER, SNIPER):
            assert market.send(side, price, 1, IOC, slot) == (Status.CLOSING_ONLY, 0)
        assert market.send(side, price, 1, IOC, NOISE)[1] == 1
    hold(market, HOLDER, 3)
    assert market.send(SELL, 990, 4, IOC, HOLDER) == (Status.CLOSING_ONLY, 0)
    assert market.send(SELL, 990, 3, IOC, HOLDER)[1] == 3
    market.decide("close_only", on=False)
    assert market.send(BUY, 1_010, 1, IOC, HOLDER)[1] == 1


def test_a_position_limit_counts_open_orders():
    market = quoted()
    market.decide("position_limit", value=5.0)
    assert market.send(BUY, 980, 2, GTC, HOLDER)[0] == Status.RESTING
    assert market.send(BUY, 1_010, 4, IOC, HOLDER) == (Status.POSITION_LIMITED, 0)
    assert market.send(BUY, 1_010, 3, IOC, HOLDER)[1] == 3
    assert market.send(SELL, 990, 9, IOC, HOLDER) == (Status.POSITION_LIMITED, 0)
    assert market.send(SELL, 990, 8, IOC, HOLDER)[1] == 8  # from 3 long to 5 short
    assert market.send(BUY, 1_010, 20, IOC, NOISE)[1] == 20
    forced = int(OrderFlag.FORCED)
    assert market.send(SELL, 990, 6, IOC, HOLDER, forced)[1] == 6


# Price bands


@pytest.mark.parametrize(("venue", "price"), [("perp", "mark"), ("spot", "index")])
def test_limits_beyond_a_price_band_are_refused_and_market_orders_end_there(venue, price):
    market = Guarded(book=venue, price_band={"width": 0.05, "down": 0.02})
    market.market["marks"][price] = 1_000
    market.send(SELL, 1_060, 5)
    market.decide("price_band")
    assert market.send(BUY, 1_051, 1) == (Status.BEYOND_BAND, 0)
    assert market.send(SELL, 979, 1) == (Status.BEYOND_BAND, 0)
    assert market.send(BUY, 980, 1)[0] == Status.RESTING
    market.send(SELL, 1_050, 2)
    assert market.send(BUY, 0, 5, IOC, NOISE) == (Status.CANCELLED, 2)
    assert int(market.rows(LogKind.ORDER)[-1]["price"]) == 1_050
    market.market["marks"][price] = 1_020  # the band goes with it
    assert market.send(BUY, 0, 9, IOC, NOISE) == (Status.CANCELLED, 5)


def test_a_band_around_the_last_price():
    market = Guarded(price_band={"width": 0.05, "around": "last"})
    market.decide("price_band")
    market.trade(1_040)
    assert market.send(BUY, 1_093, 1) == (Status.BEYOND_BAND, 0)
    assert market.send(BUY, 1_092, 1)[0] == Status.RESTING


def test_the_bits_are_those_of_the_rules():
    assert [Measure[rule.name] for rule in Rule] == [4 << rule for rule in Rule]


def test_durations_go_by_the_compressed_clock_and_times_do_not():
    rules = {
        "short_ban": {"trigger": "rule", "move": 0.1, "lasts_s": 50.0},
        "leverage_cap": {"start_s": 30.0, "notice_s": 60.0},
        "trade_cancellation": {"trigger": "agent", "window_s": 20.0},
        "book": "perp",
        "day_s": 1_000.0,
    }
    overrides = {"protection": rules, "episode.clock_compression": 10.0}
    packed = Scenario.load("calm", **overrides).pack()[0]["protection"]
    assert int(packed["lasts"][Rule.SHORT_BAN]) == 5 * SECOND
    assert int(packed["notice"][Rule.LEVERAGE_CAP]) == 6 * SECOND
    assert int(packed["start"][Rule.LEVERAGE_CAP]) == 30 * SECOND
    assert float(packed["value"][Rule.TRADE_CANCELLATION]) == 2.0
    assert int(packed["day"]) == 100 * SECOND
    assert packed["pause"].tolist() == [30 * SECOND, 12 * SECOND, 12 * SECOND]
    assert packed["move_part"].tolist() == [36 * SECOND, SECOND * 6 // 10]
