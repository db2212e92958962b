"""Each rule that a venue can switch, in literals: what sets it off, what it does, when it ends."""

import numpy as np
import pytest

from squeezegym.codes import (
    FIRST_HOLDER_SLOT,
    Account,
    BookState,
    LogKind,
    OrderFlag,
    Problem,
    Source,
    Status,
)
from squeezegym.core.accounts import change_perp, pay, pay_by_force, transfer
from squeezegym.core.exchange import margin_refusal
from squeezegym.core.fund import absorb
from squeezegym.core.marginrules import set_margin
from squeezegym.core.unwinding import cancel_trades
from squeezegym.errors import ConfigError
from squeezegym.measures import RULE_NAMES, Measure, Rule
from squeezegym.scenario import Scenario
from tests.guarded import MAKER, NOISE, SECOND, Guarded
from tests.kernels import BUY, GTC, IOC, SELL, from_python, read_side

pytestmark = [pytest.mark.nojit, pytest.mark.boundscheck]

HOLDER = FIRST_HOLDER_SLOT
LEARNER, SNIPER, VENUE, FUND, VAULT = (
    int(Account[name]) for name in ("LEARNER", "SNIPER", "VENUE", "FUND", "VAULT")
)
ACCEPTED = -1


def hold(market, slot, lots, price=1_000):
    """Give an account a perp position, against the outside."""
    call = from_python(change_perp)
    for owner, change in ((slot, lots), (int(Account.OUTSIDE), -lots)):
        call(market.market, np.int64(owner), np.int64(change), np.int64(price))


def fund(market, slot, quanta):
    from_python(transfer)(
        market.market, np.int64(int(Account.OUTSIDE)), np.int64(slot), np.int64(quanta)
    )


def quoted(**rules):
    """A guarded perp with a bid at 990 and an offer at 1,010."""
    market = Guarded(book="perp", **rules)
    market.send(BUY, 990, 50)
    market.send(SELL, 1_010, 50)
    return market


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


# Halts


def test_a_circuit_breaker_stops_a_move_within_its_window_and_reopens_by_auction():
    market = quoted(circuit_breaker={"trigger": "rule", "variant": 0.1, "window_s": 100.0})
    market.trade(1_005)
    market.send(BUY, 1_104, 1)
    market.guarded_book["last"] = 1_005
    market.run(20)
    market.send(SELL, 1_010, 0)
    clear(market)
    market.trade(1_104)
    market.run(21)
    assert int(market.guarded_book["state"]) == BookState.OPEN  # 99 ticks
    market.trade(1_105)
    market.run(21)
    assert int(market.guarded_book["state"]) == BookState.AUCTION
    assert market.measures()[-1] == (21, "PAUSE", 1, "MOVED")
    market.send(BUY, 1_300, 4)
    market.send(SELL, 1_300, 4)
    market.run(140.9)
    assert int(market.guarded_book["state"]) == BookState.AUCTION
    market.run(141)  # two minutes, and no collar
    assert int(market.guarded_book["state"]) == BookState.OPEN
    assert int(market.guarded_book["last"]) == 1_300
    market.trade(1_399)
    market.run(142)
    assert int(market.guarded_book["state"]) == BookState.OPEN  # the window began anew


def clear(market):
    """Take every order out of the guarded book."""
    orders = market.guarded_book["orders"]
    for order_id in orders["id"][orders["qty"] != 0].tolist():
        market.cancel(order_id, market.venue)


def test_an_old_extreme_leaves_the_window():
    market = quoted(circuit_breaker={"trigger": "rule", "variant": 0.1, "window_s": 100.0})
    clear(market)
    market.trade(1_000)
    market.run(101)
    market.trade(1_060)
    market.run(150)
    market.trade(1_150)
    market.run(151)
    assert int(market.guarded_book["state"]) == BookState.OPEN
    market.trade(1_160)
    market.run(151)
    assert int(market.guarded_book["state"]) == BookState.AUCTION


def test_a_velocity_halt_widens_its_collar():
    rules = {"trigger": "rule", "variant": 0.02, "window_s": 10.0, "pause_s": 60.0}
    market = quoted(velocity_halt={**rules, "extension_s": 30.0, "collar": 0.01, "widen": 0.02})
    clear(market)
    market.trade(1_000)
    market.trade(980)
    market.run(0)
    assert int(market.guarded_book["state"]) == BookState.AUCTION
    assert int(market.state["trigger"]) == 980
    market.send(BUY, 1_005, 1)
    market.send(SELL, 1_005, 1)
    market.run(60)  # 25 ticks from 980, the collar is 9.8
    assert market.measures()[-1] == (60, "PAUSE", 1, "BEYOND_COLLAR")
    market.run(90)  # 29.4
    assert int(market.guarded_book["state"]) == BookState.OPEN
    assert int(market.guarded_book["last"]) == 1_005


def test_cancel_only_takes_cancels_alone():
    market = quoted()
    _, order_id = market.place(BUY, 980, 1, owner=HOLDER)
    market.decide("cancel_only")
    assert market.send(BUY, 985, 1) == (Status.CANCEL_ONLY, 0)
    assert market.cancel(order_id) == 1
    market.decide("cancel_only", on=False)
    assert market.send(BUY, 985, 1)[0] == Status.RESTING


def test_a_pause_outlasts_cancel_only_and_the_other_way_round():
    market = quoted(velocity_halt={"trigger": "rule", "pause_s": 60.0})
    clear(market)
    market.trade(1_000)
    market.trade(980)
    market.run(0)
    market.decide("cancel_only")
    assert int(market.guarded_book["state"]) == BookState.AUCTION
    market.run(60)
    assert int(market.guarded_book["state"]) == BookState.CANCEL_ONLY
    market.decide("cancel_only", on=False)
    assert int(market.guarded_book["state"]) == BookState.OPEN


def test_batches_collect_and_trade_at_one_price():
    market = Guarded(book="perp")
    market.decide("batch_auction", value=2.0)
    assert int(market.guarded_book["state"]) == BookState.AUCTION
    market.send(BUY, 1_010, 5)
    market.send(BUY, 1_006, 3, owner=NOISE)
    market.send(SELL, 1_004, 6)
    at_open = int(OrderFlag.AT_OPEN)
    market.send(SELL, 1_008, 1, owner=NOISE, flags=at_open)
    market.run(1.9)
    assert int(market.guarded_book["last"]) == 1_000
    market.run(2)
    assert int(market.guarded_book["last"]) == 1_004
    assert int(market.guarded_book["state"]) == BookState.AUCTION  # the next one collects
    assert [price for price, _ in read_side(market.guarded_book, BUY)] == [1_006]
    assert read_side(market.guarded_book, SELL) == []  # what was for the auction alone is gone
    market.send(SELL, 1_000, 2)
    market.run(4)
    assert int(market.accounts["perp"][NOISE]) == 3
    market.send(BUY, 1_000, 9)
    market.send(SELL, 1_000, 9)
    market.decide("batch_auction", on=False)
    assert int(market.guarded_book["state"]) == BookState.OPEN
    assert int(market.guarded_book["live"]) == 0


def test_forced_orders_trade_between_two_batches():
    market = Guarded(book="perp")
    market.decide("batch_auction", value=1.0)
    market.market["engine"]["size"] = 1
    clock = market.market["clock"]
    clock["now"] = clock["due"][Source.PROTECTION]
    from squeezegym.core.protection import watch

    from_python(watch)(market.market, market.params)
    assert int(market.guarded_book["state"]) == BookState.OPEN
    assert int(clock["due"][Source.ENGINE]) == int(clock["now"]) == SECOND
    assert int(clock["due"][Source.PROTECTION]) == SECOND  # after the engine, at the same time
    from_python(watch)(market.market, market.params)
    assert int(market.guarded_book["state"]) == BookState.AUCTION
    assert int(clock["due"][Source.ENGINE]) == np.iinfo(np.int64).max


# Margin and funding


def with_margin(market, rates=(0.01, 0.02), leverages=(50, 20), floors=(0, 100_000)):
    """One cheap and one dear bracket."""
    table = market.params["margin"]
    table["n_tiers"] = len(rates)
    deduction, previous = 0, 0
    for i, (rate, leverage, floor) in enumerate(zip(rates, leverages, floors, strict=True)):
        units = round(rate * 10**8)
        deduction += floor * (units - previous) // 10**8
        previous = units
        table["rate"][i], table["initial"][i] = units, 10**8 // leverage
        table["floor"][i], table["deduction"][i] = floor, deduction
    return market


def terms(market):
    table = market.market["terms"]["margin"]
    n = int(table["n_tiers"])
    return {f: table[f][:n].tolist() for f in ("rate", "initial", "deduction")}


def test_a_leverage_cap_asks_every_bracket_for_its_margin():
    market = with_margin(quoted(leverage_cap={"maintenance_share": 0.5}))
    market.decide("leverage_cap", value=25.0)
    assert terms(market) == {
        "rate": [2_000_000, 2_000_000],  # half of 4 %
        "initial": [4_000_000, 5_000_000],
        "deduction": [0, 0],
    }


def test_a_margin_hike_multiplies_both_margins():
    market = with_margin(quoted(margin_hike={"initial_ratio": 1.35}))
    market.decide("margin_hike", value=2.0)
    assert terms(market) == {
        "rate": [2_000_000, 4_000_000],
        "initial": [4_000_000, 10_000_000],
        "deduction": [0, 2_000],
    }
    market.decide("margin_hike", value=20.0)
    assert terms(market)["initial"] == [40_000_000, 100_000_000]
    assert terms(market)["rate"] == [20_000_000, 40_000_000]


def test_the_initial_margin_keeps_its_ratio_to_maintenance():
    market = with_margin(quoted(margin_hike={"initial_ratio": 3.0}), leverages=(50, 20))
    market.decide("margin_hike", value=1.0)
    assert terms(market)["initial"] == [3_000_000, 6_000_000]


def test_without_a_change_the_table_is_the_scenarios():
    market = with_margin(quoted())
    from_python(set_margin)(market.market, market.params)
    for name in ("rate", "initial", "deduction", "floor"):
        assert (market.market["terms"]["margin"][name] == market.params["margin"][name]).all()


def test_open_interest_raises_the_initial_margin():
    market = with_margin(quoted(open_interest_margin={"lower_base": 0.1, "upper_base": 0.3}))
    market.market["marks"]["mark"] = 1_000
    fund(market, HOLDER, 5_000)
    hold(market, MAKER, 200)  # half way from 100 to 300 lots: 2 % + 49 %
    market.decide("open_interest_margin")
    call = from_python(margin_refusal)

    def asked(qty):
        numbers = map(np.int64, (HOLDER, BUY, 1_000, qty))
        return int(call(market.market, market.params, *numbers))

    assert asked(9) == ACCEPTED  # 4,590 of 5,000
    assert asked(10) == Status.INSUFFICIENT_MARGIN  # 5,100
    market.decide("open_interest_margin", on=False)
    assert asked(10) == ACCEPTED


def test_a_shorter_funding_interval_and_a_wider_cap():
    market = quoted(funding_change={"cap": 0.04})
    funding, due = market.params["funding"], market.market["clock"]["due"]
    funding["interval"], funding["term"], funding["share"] = 800 * SECOND, 800_000, 1.0
    funding["cap"], funding["sample"], funding["first"] = 0.02, SECOND, 0
    market.market["terms"]["funding"] = funding
    due[Source.FUNDING] = 800 * SECOND
    market.run(100)
    market.decide("funding_change", value=0.5)
    in_force = market.market["terms"]["funding"]
    assert int(due[Source.FUNDING]) == 400 * SECOND
    assert [float(in_force[f]) for f in ("share", "cap")] == [0.5, 0.04]
    assert int(in_force["term"]) == 400_000
    market.decide("funding_change", value=0.1)
    assert int(due[Source.FUNDING]) == 100 * SECOND  # it has lasted 80 s already: at once
    market.decide("funding_change", on=False)
    assert int(due[Source.FUNDING]) == 800 * SECOND


# The liquidation engine


def test_the_vault_takes_a_share_as_far_as_the_fund_is_good_for_it():
    market = quoted()
    market.market["marks"]["mark"] = 1_000
    hold(market, HOLDER, -10, 900)
    fund(market, HOLDER, 1_100)
    fund(market, FUND, 4_500)
    market.state["value"][Rule.ABSORPTION] = 0.3
    call = from_python(absorb)
    call(market.market, market.params, np.int64(HOLDER))
    assert int(market.accounts["perp"][HOLDER]) == -7
    assert int(market.accounts["perp"][VAULT]) == -3
    call(market.market, market.params, np.int64(HOLDER))  # a lot more is worth what is left
    assert int(market.accounts["perp"][VAULT]) == -4
    assert int(market.market["score"]["taken_over"]) == 4
    assert int(market.accounts["quote"].sum()) == int(market.accounts["perp"].sum()) == 0


# Cancelled trades


def kept(fees=(20_000, 50_000)):
    """A perp whose fills are kept from 1 s on: positions of two holders, then trades."""
    market = Guarded(book="perp", fees=fees, trade_cancellation={"trigger": "agent"})
    market.state["n_fills"] = 0
    market.market["marks"]["mark"] = 1_000
    for slot in range(HOLDER, HOLDER + 4):
        fund(market, slot, 100_000)
    return market


def ledger(market):
    fields = ("quote", "perp", "cost", "fees")
    return {field: market.accounts[field].tolist() for field in fields}


def test_fills_and_fees_of_the_window_are_reversed_to_the_quantum():
    market = kept()
    market.send(SELL, 1_003, 7, owner=HOLDER)
    market.send(BUY, 1_003, 5, IOC, HOLDER + 1)
    market.run(10)
    before = ledger(market)
    market.run(11)
    market.send(SELL, 1_007, 9, owner=HOLDER + 2)
    market.send(BUY, 1_009, 11, IOC, HOLDER + 1)  # both makers, two prices
    market.send(BUY, 1_001, 3, owner=HOLDER)
    forced = int(OrderFlag.FORCED)
    market.send(SELL, 1_001, 2, IOC, HOLDER + 1, forced)
    assert ledger(market) != before
    market.decide("trade_cancellation", value=1.5)
    assert ledger(market) == before
    (row,) = market.rows(LogKind.UNWIND)
    assert (int(row["qty"]), int(row["filled"])) == (3, int(9.5 * SECOND))
    assert market.measures()[-1][1:] == ("TRADE_CANCELLATION", 1, "DECISION")
    market.decide("trade_cancellation", value=1.5)  # nothing is reversed twice
    assert ledger(market) == before
    market.decide("trade_cancellation", value=30.0)
    assert market.accounts["perp"].tolist() == [0] * len(market.accounts)
    assert int(market.accounts["quote"][HOLDER]) == 100_000
    assert int(market.accounts["quote"][VENUE]) == 0


def test_payments_of_liquidations_go_back_and_funding_stands():
    market = kept(fees=(0, 0))
    fund(market, FUND, 500)
    market.run(5)
    call = from_python(pay_by_force)
    call(market.market, np.int64(HOLDER), np.int64(FUND), np.int64(70))
    from_python(pay)(market.market, np.int64(HOLDER), np.int64(VENUE), np.int64(11))  # funding
    market.decide("trade_cancellation", value=1.0)
    assert int(market.accounts["quote"][FUND]) == 500
    assert int(market.accounts["quote"][HOLDER]) == 100_000 - 11


def test_a_fund_that_would_be_overdrawn_is_made_good_by_the_venue():
    market = kept(fees=(0, 0))
    market.run(5)
    call = from_python(pay_by_force)
    call(market.market, np.int64(HOLDER), np.int64(FUND), np.int64(70))
    from_python(pay)(market.market, np.int64(FUND), np.int64(HOLDER + 1), np.int64(70))
    market.decide("trade_cancellation", value=1.0)
    assert int(market.accounts["quote"][FUND]) == 0
    assert int(market.accounts["quote"][VENUE]) == -70


def test_a_window_with_more_fills_than_are_kept_is_refused_whole():
    market = kept()
    market.run(5)
    for _ in range(3):
        market.trade(1_000)
    market.state["n_fills"] += len(market.market["fills"])  # as if so many had come since
    market.market["fills"]["time"] = 5 * SECOND
    before = ledger(market)
    market.decide("trade_cancellation", value=1.0)
    assert ledger(market) == before
    assert market.measures()[-1][1:] == ("TRADE_CANCELLATION", 0, "FORGOTTEN")
    assert int(market.market["clock"]["problems"]) == Problem.FILLS_FORGOTTEN
    assert not market.in_force("trade_cancellation")


def test_fills_are_not_kept_where_no_trade_can_be_cancelled():
    market = Guarded(book="perp")
    market.trade(1_000)
    assert int(market.state["n_fills"]) == -1
    assert not market.market["fills"]["qty"].any()
    assert not from_python(cancel_trades)(market.market, market.params, np.int64(0))


def test_the_bits_are_those_of_the_rules():
    assert [Measure[rule.name] for rule in Rule] == [4 << rule for rule in Rule]
