"""Round prices in literals: entries and take-profits at them, stops beyond; noise prices too."""

from collections import Counter

import numpy as np
import pytest

from squeezegym.batch import stream_seeds
from squeezegym.codes import FIRST_HOLDER_SLOT, NEVER, Account, Habit, OrderFlag, Source, Standing
from squeezegym.core.flow import noise_limit_order
from squeezegym.core.holders import holder_acts, open_holder
from squeezegym.core.liquidation import serve_engine
from squeezegym.core.rounds import draw_step, nearest_round, round_beyond, stop_price
from squeezegym.core.takeprofits import rest_take_profit
from squeezegym.core.triggers import check_mark, enlist, open_ladder
from squeezegym.errors import ConfigError
from squeezegym.scenario import Scenario
from tests.kernels import BUY, GTC, IOC, SELL, Exchange, from_python

pytestmark = [pytest.mark.nojit, pytest.mark.boundscheck]

SLOT = FIRST_HOLDER_SLOT
PRICE, DEPOSIT = 10_000, 5_000
HOLDERS = {
    "stop_out": 1.0,
    "capitulate": 1.0,
    "stop_low": 0.02,
    "stop_high": 0.02,
    "take_profit": 1.0,
    "take_low": 0.013,
    "take_high": 0.013,
    "cap": 0.01,
    "reaction": 100,
    "isolated": 1.0,
}


class Venue:
    """Two empty books, a margin of 1 %, round prices 100 ticks apart unless said otherwise."""

    def __init__(self, rounds=((100, 1.0),), **rules):
        self.exchange = Exchange(price=PRICE)
        self.market, self.params = self.exchange.market, self.exchange.params
        for name, value in {**HOLDERS, **rules}.items():
            self.params["holders"][name] = value
        people = self.params["population"]
        people["round"], people["round_weight"] = rounds[-1][0], 1.0
        for row, (step, weight) in enumerate(rounds):
            people["round"][row], people["round_weight"][row] = step, weight
        margin = self.params["margin"]
        margin["n_tiers"], margin["rate"][0], margin["initial"][0] = 1, 1_000_000, 2_000_000
        self.market["clock"]["rng"] = stream_seeds(1)
        self.market["clock"]["due"] = NEVER
        self.market["marks"]["mark"] = PRICE
        from_python(open_ladder)(self.market["ladder"], np.int64(PRICE), np.int64(0))

    @property
    def accounts(self):
        return self.market["accounts"]

    def open(self, lots, entry=PRICE, slot=SLOT):
        for name, value in (("perp", lots), ("quote", DEPOSIT - lots * entry)):
            self.accounts[name][slot] = value
            self.accounts[name][Account.OUTSIDE] -= value
        numbers = [np.int64(value) for value in (slot, entry, DEPOSIT)]
        from_python(open_holder)(self.market, self.params, *numbers)
        from_python(enlist)(self.market, self.params, numbers[0])
        from_python(rest_take_profit)(self.market, self.params, *numbers[:2])

    def orders(self):
        """Side, price, lots and flags of the orders that rest in the perp book."""
        rows = self.exchange.book()["orders"]
        fields = ("side", "price", "qty", "flags")
        return [tuple(int(row[f]) for f in fields) for row in rows if row["qty"]]

    def open_lots(self):
        return self.market["holders"]["open_lots"][SLOT].tolist()

    def take(self, side, price, qty):
        filled = self.exchange.place(side, price, qty, IOC, owner=Account.NOISE)[0]
        assert not self.accounts["quote"].sum() and not self.accounts["perp"].sum()
        return filled


@pytest.mark.parametrize(
    ("price", "step", "level"), [(10_049, 100, 10_000), (10_050, 100, 10_100), (49, 100, 0)]
)
def test_the_nearest_round_price(price, step, level):
    assert from_python(nearest_round)(float(price), float(step)) == level


@pytest.mark.parametrize(
    ("origin", "price", "above", "level"),
    [
        (10_010, 10_230, True, 10_200),
        (10_010, 10_020, True, 10_100),
        (10_010, 9_990, False, 10_000),
        (9_990, 9_980, False, 9_900),
        (10_000, 10_000, True, 10_100),
        (10_000, 10_000, False, 9_900),
    ],
)
def test_a_round_price_lies_on_its_side(origin, price, above, level):
    venue = Venue()
    call = from_python(round_beyond)
    assert call(venue.market, venue.params, float(origin), float(price), above) == level


def test_steps_are_drawn_by_their_weights():
    venue = Venue(rounds=((100, 0.5), (500, 0.8), (1_000, 1.0)))
    draws = [from_python(draw_step)(venue.market, venue.params) for _ in range(4_000)]
    shares = {step: count / 4_000 for step, count in Counter(draws).items()}
    for step, share in ((100, 0.5), (500, 0.3), (1_000, 0.2)):
        assert abs(shares[step] - share) < 0.03  # four deviations


@pytest.mark.parametrize(
    ("above", "low", "high"), [(True, 10_205.1, 10_215.3), (False, 9_785.3, 9_795.1)]
)
def test_a_stop_at_a_round_price_stands_5_to_15_bp_beyond(above, low, high):
    venue = Venue(snap=1.0, beyond_low=0.0005, beyond_high=0.0015)
    stop = 10_170.0 if above else 9_830.0
    call = from_python(stop_price)
    found = [call(venue.market, venue.params, 10_000.0, stop, above) for _ in range(300)]
    assert low <= min(found) < low + 1 and high - 1 < max(found) <= high


def test_the_share_of_stops_at_round_prices():
    venue = Venue(snap=0.4)
    call = from_python(stop_price)
    found = [call(venue.market, venue.params, 10_000.0, 10_170.0, True) for _ in range(2_000)]
    assert set(found) == {10_170.0, 10_200.0}
    assert abs(found.count(10_200.0) / 2_000 - 0.4) < 0.05  # mean 0.4, deviation 0.011


def test_a_stop_that_would_have_no_price_stays():
    venue = Venue(rounds=((5_000, 1.0),), snap=1.0)
    call = from_python(stop_price)
    assert call(venue.market, venue.params, 5_000.0, 4_900.0, False) == 4_900.0


def test_holders_stop_beyond_the_round_price():
    venue = Venue(snap=1.0, take_profit=0.0)
    venue.open(-10, entry=9_970)
    # A stop at 10,169.4 goes to 10,200.
    assert int(venue.market["holders"]["alarm"][SLOT]) == 10_200
    assert int(venue.accounts["habit"][SLOT]) == Habit.STOP_OUT


@pytest.mark.parametrize(
    ("lots", "entry", "snap", "order"),
    [
        (10, 10_000, 0.0, (SELL, 10_130, 10)),
        (-10, 10_000, 0.0, (BUY, 9_870, 10)),
        (10, 10_000, 1.0, (SELL, 10_100, 10)),
        (-10, 10_000, 1.0, (BUY, 9_900, 10)),
        (10, 9_000, 0.0, (SELL, 10_130, 10)),  # the mark is beyond the entry already
        (-10, 9_500, 0.0, (BUY, 9_377, 10)),  # 9,376.5
    ],
)
def test_a_take_profit_rests_where_the_position_gains(lots, entry, snap, order):
    venue = Venue(snap=snap)
    venue.open(lots, entry=entry)
    flags = int(OrderFlag.REDUCE_ONLY | OrderFlag.POST_ONLY)
    assert venue.orders() == [(*order, flags)]
    assert venue.open_lots() == ([0, 10] if lots > 0 else [10, 0])


def test_a_take_profit_that_would_trade_at_once_is_not_sent():
    venue = Venue()
    venue.exchange.place(BUY, 10_200, 5, GTC, owner=Account.MAKER)
    venue.open(10)
    assert [order[:2] for order in venue.orders()] == [(BUY, 10_200)]


def test_the_share_of_take_profits():
    venue = Venue(take_profit=0.3)
    for slot in range(SLOT, SLOT + 250):
        venue.open(10, slot=slot)
    assert 46 < len(venue.orders()) < 104  # mean 75, deviation 7.2


@pytest.mark.parametrize("lots", [10, -10])
def test_a_filled_take_profit_leaves_the_account_flat(lots):
    venue = Venue()
    venue.open(lots)
    side, price = (BUY, 10_130) if lots > 0 else (SELL, 9_870)
    cash = DEPOSIT - lots * PRICE
    assert venue.take(side, price, 4) == 4
    account = venue.accounts[SLOT]
    assert int(account["perp"]) == lots * 6 // 10
    assert int(account["quote"]) == cash + lots * 4 // 10 * price
    assert int(account["laddered"]) == Standing.IN_LADDER
    assert venue.take(side, price, 50) == 6
    assert (int(account["perp"]), int(account["laddered"])) == (0, Standing.FREE)
    assert int(account["quote"]) == DEPOSIT + 10 * abs(price - PRICE)
    assert (int(account["alarmed"]), int(venue.market["holders"]["alarm"][SLOT])) == (0, 0)
    assert venue.open_lots() == [0, 0] and venue.orders() == []
    ladder = venue.market["ladder"]
    assert not ladder["fine"].any()
    venue.market["marks"]["mark"] = 20_000 if lots < 0 else 100
    from_python(check_mark)(venue.market, venue.params)
    assert int(venue.market["engine"]["size"]) == 0


def test_a_fill_moves_the_trigger():
    venue = Venue(stop_out=0.0, capitulate=0.0)
    venue.open(10)
    assert int(venue.accounts["trigger"][SLOT]) == 9_596  # 95,000 / 9.9
    venue.take(BUY, 10_130, 4)
    # 95,000 less 40,520, over 5.94.
    assert int(venue.accounts["trigger"][SLOT]) == 9_171


def test_no_more_is_sold_than_the_position():
    venue = Venue()
    venue.open(10)
    for slot, lots in ((SLOT, -7), (Account.OUTSIDE, 7)):
        venue.accounts["perp"][slot] += lots
        venue.accounts["quote"][slot] -= lots * PRICE
    assert venue.take(BUY, 10_130, 10) == 3
    assert int(venue.accounts["perp"][SLOT]) == 0
    assert venue.orders() == [] and venue.open_lots() == [0, 0]


def test_a_stop_cancels_the_take_profit():
    venue = Venue()
    venue.open(10)
    venue.exchange.place(BUY, 9_800, 10, GTC, owner=Account.MAKER)
    venue.market["marks"]["mark"] = 9_800
    from_python(check_mark)(venue.market, venue.params)
    clock = venue.market["clock"]
    clock["now"] = clock["due"][Source.HOLDERS]
    from_python(holder_acts)(venue.market, venue.params)
    assert int(venue.accounts["perp"][SLOT]) == 0
    assert venue.orders() == [] and venue.open_lots() == [0, 0]


def test_a_liquidation_cancels_the_take_profit():
    venue = Venue(stop_out=0.0, capitulate=0.0)
    venue.open(10)
    venue.exchange.place(BUY, 9_500, 10, GTC, owner=Account.MAKER)
    venue.market["marks"]["mark"] = 9_550
    from_python(check_mark)(venue.market, venue.params)
    from_python(serve_engine)(venue.market, venue.params)
    assert int(venue.accounts["perp"][SLOT]) == 0
    assert venue.orders() == [] and venue.open_lots() == [0, 0]


def test_one_that_fills_before_the_engine_comes_leaves_it_nothing_to_do():
    venue = Venue(stop_out=0.0, capitulate=0.0)
    venue.open(10)
    venue.market["marks"]["mark"] = 9_550
    from_python(check_mark)(venue.market, venue.params)
    assert int(venue.accounts["laddered"][SLOT]) == Standing.IN_QUEUE
    venue.take(BUY, 10_130, 10)
    assert int(venue.accounts["laddered"][SLOT]) == Standing.IN_QUEUE
    from_python(serve_engine)(venue.market, venue.params)
    assert int(venue.accounts["laddered"][SLOT]) == Standing.FREE
    assert int(venue.market["score"]["liquidations"].sum()) == 0


def noise_prices(share, visits=1_200):
    """Where noise orders come to stand around 10,000 and 10,051."""
    venue = Venue()
    rules = venue.params["noise"]
    for name, value in (("limit_rate", 1.0), ("limit_distance", 60.0), ("slots", 200)):
        rules[name] = value
    rules["round_share"], rules["round"] = share, 100
    venue.exchange.place(BUY, 10_000, 1, GTC, owner=Account.MAKER)
    venue.exchange.place(SELL, 10_051, 1, GTC, owner=Account.MAKER)
    found = []
    for _ in range(visits):
        from_python(noise_limit_order)(venue.market, venue.params, np.int64(0))
        found += [(side, price) for side, price, *_ in venue.orders()[2:]]
        for order in venue.exchange.book()["orders"]:
            if order["qty"] and int(order["owner"]) == Account.NOISE:
                venue.exchange.cancel(int(order["id"]))
    return found


def test_noise_orders_stand_at_prices_that_end_in_00():
    plain, some, all_ = (noise_prices(share) for share in (0.0, 0.2, 1.0))
    assert all(price % 100 == 0 for _, price in all_)
    assert all(price <= 10_000 if side == BUY else price >= 10_100 for side, price in all_)
    assert len(plain) == len(some) == len(all_)
    moved = [(mine, other) for mine, other in zip(plain, some, strict=True) if mine != other]
    # Other draws stay: where a price was moved, it went to the nearest that does not cross.
    for (side, price), (_, other) in moved:
        assert other % 100 == 0
        assert abs(price - other) <= 50 or (side == SELL and other == 10_100)
    # Of the prices that were not round by chance a fifth has moved.
    odd = sum(price % 100 != 0 for _, price in plain)
    assert abs(len(moved) / odd - 0.2) < 0.05  # deviation 0.012


@pytest.mark.parametrize(
    ("section", "sentence"),
    [
        ({"population.rounds": []}, "rounds takes 1 to 4 pairs, got 0"),
        ({"population.rounds": [[0.0, 1.0]]}, r"pairs \(distance > 0, weight >= 0\), got \(0.0"),
        ({"population.rounds": [[10.0, 0.0]]}, "weights of rounds must not all be 0"),
        ({"population.rounds": [[4e4, 1.0]]}, r"40000 apart, more than half of contract.price"),
        ({"holders.take_profit_bps": [9.0, 5.0]}, r"take_profit_bps must be \(low, high\)"),
        ({"size_class": "small", "population.shorts": 240, "population.longs": 10,
          "holders.take_profit": 1.0, "noise.perp.slots": 256, "depth.perp.quotes": 64,
          "depth.spot.quotes": 64}, None),
        ({"holders.take_profit": 1.0, "depth.perp.quotes": 1000, "noise.perp.slots": 500},
         "and up to 1800 take-profits need more than the 3072 orders"),
    ],
)  # fmt: skip
def test_the_sections_say_what_is_wrong(section, sentence):
    if sentence is None:
        Scenario.load("short_squeeze", **section)
        return
    with pytest.raises(ConfigError, match=sentence):
        Scenario.load("short_squeeze", **section)


def test_the_defaults_are_those_of_the_survey():
    scenario = Scenario.load("short_squeeze")
    people = type(scenario.population).model_fields
    assert people["rounds"].default == ((100.0, 0.5), (500.0, 0.3), (1000.0, 0.2))
    assert people["snap"].default == 0.3 and scenario.holders.snap == 0.4
    changed = Scenario.load(scenario, **{"population.rounds": people["rounds"].default})
    rules = changed.pack()[0]["population"]
    assert rules["round"].tolist() == [1_000, 5_000, 10_000, 10_000]
    assert rules["round_weight"] == pytest.approx([0.5, 0.8, 1.0, 1.0])
