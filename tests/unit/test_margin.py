"""Margins, triggers and bankruptcy prices, in the numbers of BTCUSDT (October 2024)."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from squeezegym.accountrecord import ACCOUNT_DTYPE
from squeezegym.core.margin import (
    UNREACHABLE,
    bankruptcy_price,
    initial_margin,
    is_liquidatable,
    liquidation_price,
    liquidation_trigger,
    maintenance_margin,
    oi_scaled_initial_margin,
    tier_of,
)
from squeezegym.params import MARGIN_PARAMS
from squeezegym.scenario import Scenario
from tests.kernels import from_python

pytestmark = [pytest.mark.nojit, pytest.mark.boundscheck]

QUANTA = 10_000  # of one USDT: tick 0.1, lot 0.001
RATE_ONE = 10**8


def btc_table():
    return Scenario.load("short_squeeze").pack()[0]["margin"]


def account(perp, quote):
    record = np.zeros(1, ACCOUNT_DTYPE)[0]
    record["perp"] = perp
    record["quote"] = quote
    return record


def position(lots, entry, margin):
    """An isolated position: entry in ticks, margin in quanta."""
    return account(lots, margin - lots * entry)


def test_the_packed_table_is_the_venues():
    table = btc_table()
    assert int(table["n_tiers"]) == 12
    # Rates and maintenance amounts ("cum") as the venue prints them.
    rates = (0.4, 0.5, 0.65, 1, 2, 2.5, 5, 10, 12.5, 15, 25, 50)
    assert table["rate"][:12].tolist() == [round(rate * 1_000_000) for rate in rates]
    cum = (0, 50, 950, 11_450, 131_450, 481_450, 2_981_450, 14_481_450, 26_481_450, 41_481_450)
    cum = (*cum, 121_481_450, 421_481_450)
    assert table["deduction"][:12].tolist() == [usdt * QUANTA for usdt in cum]


@pytest.mark.parametrize(
    ("notional", "margin"),
    [
        (0, 0),
        (10_000, 40),
        (49_999, 199.996),
        (50_000, 200),
        (599_999, 2_949.995),
        (600_000, 2_950),
        (2_000_000, 12_050),
        (3_000_000, 18_550),
        (12_000_000, 108_550),
        (70_000_000, 1_268_550),
        (100_000_000, 2_018_550),
        (230_000_000, 8_518_550),
        (480_000_000, 33_518_550),
        (1_500_000_000, 328_518_550),
    ],
)
def test_maintenance_margin(notional, margin):
    found = from_python(maintenance_margin)(btc_table(), notional * QUANTA)
    assert int(found) == round(margin * QUANTA)


def test_maintenance_margin_rounds_up():
    assert int(from_python(maintenance_margin)(btc_table(), 1)) == 1
    assert int(from_python(maintenance_margin)(btc_table(), 250)) == 1
    assert int(from_python(maintenance_margin)(btc_table(), 251)) == 2


@pytest.mark.parametrize(
    ("notional", "tier"),
    [(0, 0), (49_999, 0), (50_000, 1), (600_000, 2), (1_199_999_999, 10), (10**11, 11)],
)
def test_a_tier_begins_at_its_floor(notional, tier):
    assert int(from_python(tier_of)(btc_table(), notional * QUANTA)) == tier


@pytest.mark.parametrize(
    ("notional", "asked", "margin"),
    [
        (0, 0, 0),
        (10_000, 0, 80),  # 125x
        (10_000, 10_000_000, 1_000),  # the account's own 10x asks for more
        (10_000, 700_000, 80),  # 142x is more than the bracket allows
        (50_000, 0, 500),  # a tier step: 100x on the whole position
        (600_000, 0, 8_000.0040),  # 75x: 1.3333334 %
        (1_500_000_000, 0, 1_500_000_000),
        (1_500_000_000, 10_000_000, 1_500_000_000),
    ],
)
def test_initial_margin(notional, asked, margin):
    found = from_python(initial_margin)(btc_table(), notional * QUANTA, asked)
    assert int(found) == round(margin * QUANTA)


def test_initial_margin_rounds_up():
    assert int(from_python(initial_margin)(btc_table(), 1, 0)) == 1
    assert int(from_python(initial_margin)(btc_table(), 125, 0)) == 1
    assert int(from_python(initial_margin)(btc_table(), 126, 0)) == 2


@pytest.mark.parametrize(
    ("base", "interest", "lower", "upper", "rate"),
    [
        (200_000, 1_234_567, 1_000_000, 2_000_000, 387_653),  # 387,653.6
        (200_000, 1_000_000, 1_000_000, 2_000_000, 200_000),
        (200_000, 0, 1_000_000, 2_000_000, 200_000),
        (200_000, 1_500_000, 1_000_000, 2_000_000, 600_000),
        (200_000, 2_000_000, 1_000_000, 2_000_000, 1_000_000),
        (200_000, 10**15, 1_000_000, 2_000_000, 1_000_000),
        (200_000, 10**15, 0, 0, 200_000),  # no caps
        (1_000_000, 1_500_000, 1_000_000, 2_000_000, 1_000_000),
        (50_000, 3 * 10**17, 10**17, 5 * 10**17, 525_000),  # beyond 64 bits on the way
    ],
)
def test_oi_scaled_initial_margin(base, interest, lower, upper, rate):
    scaled = from_python(oi_scaled_initial_margin)
    assert int(scaled(*map(np.int64, (base, interest, lower, upper)))) == rate


@pytest.mark.parametrize(
    ("lots", "entry", "margin", "price"),
    [
        (-10_000, 590_000, 59_000, 645_752.608_047_690_1),  # tier 2 at the price, not the entry's
        (1_000, 600_000, 6_000, 542_211.055_276_381_9),
        (-1_000, 600_000, 0, 597_512.437_810_945_3),  # no equity: (60,000 + 50) / 1.005
        (0, 600_000, 100, 0.0),
        (1_000, 600_000, 70_000, -100_401.606_425_702_8),  # above zero no price reaches it
    ],
)
def test_liquidation_price(lots, entry, margin, price):
    record = position(lots, entry, margin * QUANTA)
    found = from_python(liquidation_price)(record["quote"], record["perp"], btc_table())
    assert float(found) == pytest.approx(price, rel=1e-12)


def test_trigger_of_a_short_that_crosses_a_tier_upwards():
    # 10 BTC short at 59,000 with 59,000 margin: tier 3 at the trigger. The exact price is
    # 64,575.26, the entry's tier would say 64,582.09.
    short = position(-10_000, 590_000, 59_000 * QUANTA)
    assert int(from_python(liquidation_trigger)(short, btc_table())) == 645_753


def test_trigger_of_a_long():
    # 1 BTC long at 60,000, 10x: tier 2 from 50,000 up. LP = (6,000 + 50 - 60,000) / (0.005 - 1).
    long = position(1_000, 600_000, 6_000 * QUANTA)
    assert int(from_python(liquidation_trigger)(long, btc_table())) == 542_211  # 54,221.105


def test_worked_short_of_the_2020_faq():
    # 0.005 BTC short at 9,451.53 with 10.72 + 0.47 - 1.3 of margin: 11,383.99. Ticks of 0.01.
    table = np.zeros(1, MARGIN_PARAMS)[0]
    table["n_tiers"] = 1
    table["rate"][0] = 400_000
    short = position(-5, 945_153, 989_000)  # lots of 0.001: 1 quantum = 1e-5
    assert int(from_python(liquidation_trigger)(short, table)) == 1_138_400


def test_triggers_that_no_price_reaches():
    trigger = from_python(liquidation_trigger)
    assert int(trigger(account(0, 5), btc_table())) == 0
    assert int(trigger(position(1_000, 600_000, 600_000_000), btc_table())) == 0  # unlevered
    assert int(trigger(account(1_000, 5), btc_table())) == 0
    rich = account(-1, 2**31 * 2)
    assert int(trigger(rich, btc_table())) == UNREACHABLE


def test_a_short_at_one_times_lasts_beyond_1_9_times_entry():
    short = position(-1_000, 600_000, 600_000_000)
    assert int(from_python(liquidation_trigger)(short, btc_table())) > 1.9 * 600_000


@pytest.mark.parametrize(
    ("lots", "entry", "margin", "price"),
    [
        (-10, 1_000, 1_000, 1_100),  # E + margin / q
        (-10, 1_000, 1_009, 1_100),  # 1,100.9: rounded down, so that a fill leaves no debt
        (10, 1_000, 1_000, 900),
        (10, 1_000, 1_009, 900),  # 899.1: rounded up
        (10, 1_000, 1_010, 899),
        (10, 1_000, 12_000, 0),
        (-3, 1_000, -3_500, 0),
    ],
)
def test_bankruptcy_price(lots, entry, margin, price):
    assert int(from_python(bankruptcy_price)(position(lots, entry, margin))) == price


@st.composite
def margin_tables(draw):
    """A table as the packing lowers it: rising floors and rates, continuous margin."""
    n = draw(st.integers(1, 12))
    floors = [0, *sorted(draw(st.sets(st.integers(1, 10**13), min_size=n - 1, max_size=n - 1)))]
    rates = sorted(draw(st.lists(st.integers(10_000, 60_000_000), min_size=n, max_size=n)))
    table = np.zeros(1, MARGIN_PARAMS)[0]
    table["n_tiers"] = n
    deduction = previous = 0
    for i in range(n):
        deduction += floors[i] * (rates[i] - previous) // RATE_ONE
        previous = rates[i]
        table["floor"][i] = floors[i]
        table["rate"][i] = rates[i]
        table["deduction"][i] = deduction
    return table


@st.composite
def positions(draw):
    lots = draw(st.integers(1, 2_000_000)) * draw(st.sampled_from((-1, 1)))
    entry = draw(st.integers(1, 2_000_000))
    margin = round(abs(lots) * entry / draw(st.floats(0.5, 150.0)))
    return position(lots, entry, margin)


def naive_margin(table, notional):
    tiers = range(int(table["n_tiers"]))
    tier = max(i for i in tiers if i == 0 or notional >= int(table["floor"][i]))
    return -(-notional * int(table["rate"][tier]) // RATE_ONE) - int(table["deduction"][tier])


@given(table=margin_tables(), notional=st.integers(0, 10**14))
def test_margin_equals_the_formula(table, notional):
    assert int(from_python(maintenance_margin)(table, notional)) == naive_margin(table, notional)


@given(table=margin_tables(), record=positions(), mark=st.integers(1, 2**31 - 2))
def test_liquidatable_is_equity_at_or_below_maintenance(table, record, mark):
    quote, perp = int(record["quote"]), int(record["perp"])
    naive = quote + perp * mark <= naive_margin(table, abs(perp) * mark)
    assert bool(from_python(is_liquidatable)(record, table, mark)) == naive


@given(table=margin_tables(), record=positions())
def test_the_trigger_is_the_exact_boundary(table, record):
    hit = from_python(is_liquidatable)
    trigger = int(from_python(liquidation_trigger)(record, table))
    if int(record["perp"]) < 0:
        if trigger == UNREACHABLE:
            assert not hit(record, table, UNREACHABLE - 1)
        else:
            assert hit(record, table, trigger)
            assert trigger == 1 or not hit(record, table, trigger - 1)
    elif trigger == 0:
        assert not hit(record, table, 1)
    else:
        assert hit(record, table, trigger)
        assert trigger == UNREACHABLE - 1 or not hit(record, table, trigger + 1)


def naive_trigger(table, quote, perp):
    """The boundary by halving the range of all prices, in Python's integers."""

    def hit(mark):
        return quote + perp * mark <= naive_margin(table, abs(perp) * mark)

    lowest, highest = 1, int(UNREACHABLE) - 1
    nearest, farthest = (lowest, highest) if perp < 0 else (highest, lowest)
    if hit(nearest):
        return nearest
    if not hit(farthest):
        return int(UNREACHABLE) if perp < 0 else 0
    safe, hits = nearest, farthest
    while abs(hits - safe) > 1:
        middle = (safe + hits) // 2
        safe, hits = (safe, middle) if hit(middle) else (middle, hits)
    return hits


@given(table=margin_tables(), record=positions())
def test_the_trigger_is_the_one_found_by_halving(table, record):
    naive = naive_trigger(table, int(record["quote"]), int(record["perp"]))
    assert int(from_python(liquidation_trigger)(record, table)) == naive


@given(table=margin_tables(), record=positions())
def test_the_price_across_tiers_is_the_trigger_before_rounding(table, record):
    price = float(from_python(liquidation_price)(record["quote"], record["perp"], table))
    trigger = int(from_python(liquidation_trigger)(record, table))
    if 1 < trigger < UNREACHABLE - 1:
        # The margin is rounded up, and a deduction down: a few quanta over a few lots.
        assert abs(price - trigger) <= 1 + 20 / abs(int(record["perp"])) + 1e-6


@given(record=positions())
def test_a_fill_at_the_bankruptcy_price_leaves_no_debt_and_one_tick_worse_does(record):
    quote, perp = int(record["quote"]), int(record["perp"])
    price = int(from_python(bankruptcy_price)(record))
    assume(price > 0)
    assert quote + perp * price >= 0
    worse = price + 1 if perp < 0 else price - 1
    assert quote + perp * worse < 0
