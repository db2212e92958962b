"""Margin levels, triggers, rates, loans and the lender's scenario section, in literals."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from squeezegym.accountrecord import ACCOUNT_DTYPE, BORROW_DTYPE
from squeezegym.codes import FIRST_HOLDER_SLOT, NEVER, Account
from squeezegym.core.borrow import (
    borrow_coins,
    borrow_rate,
    buy_in_trigger,
    list_borrower,
    repay_coins,
    utilisation,
)
from squeezegym.core.lending import open_lender
from squeezegym.core.margin import UNREACHABLE
from squeezegym.errors import ConfigError
from squeezegym.params import BORROWING_PARAMS
from squeezegym.scenario import Scenario
from tests.kernels import Exchange, from_python
from tests.oracle.naive_lender import is_callable

pytestmark = [pytest.mark.nojit, pytest.mark.boundscheck]

SLOT = FIRST_HOLDER_SLOT
LEVEL = 110_000_000


def account(quote, spot=0):
    record = np.zeros(1, ACCOUNT_DTYPE)[0]
    record["quote"], record["spot"] = quote, spot
    return record


def rules(**values):
    record = np.zeros(1, BORROWING_PARAMS)[0]
    defaults = {"supply": 1000, "base_rate": 0.02, "slope": 0.08, "steep": 3.0, "kink": 0.8}
    for name, value in {**defaults, **values}.items():
        record[name] = value
    return record


@pytest.mark.parametrize(
    ("use", "rate"),
    [
        (0.0, 2_000_000),
        (0.4, 6_000_000),
        (0.8, 10_000_000),
        (0.9, 160_000_000),
        (1.0, 310_000_000),
        (1 / 3, 5_333_333),  # 0.02 + 0.08 / 2.4, rounded once
    ],
)
def test_the_rate_has_a_kink(use, rate):
    assert int(from_python(borrow_rate)(rules(), use)) == rate


def test_without_supply_there_is_no_rate():
    assert int(from_python(borrow_rate)(rules(supply=0), 0.0)) == 0


@pytest.mark.parametrize(
    ("supply", "leaving", "lent", "use"),
    [(0, 0, 0, 0.0), (100, 0, 80, 0.8), (100, 20, 80, 1.0), (100, 60, 80, 1.0), (80, 80, 80, 1.0)],
)
def test_utilisation(supply, leaving, lent, use):
    record = np.zeros(1, BORROW_DTYPE)[0]
    record["supply"], record["leaving"], record["lent"] = supply, leaving, lent
    assert float(from_python(utilisation)(record)) == use


@pytest.mark.parametrize(
    ("quote", "spot", "debt", "trigger"),
    [
        (15_000, 0, 10, 1364),  # 3x at 1,000: called at 1,500 / 1.1 = 1,363.6
        (20_000, 0, 10, 1819),  # 2x: 1,818.2
        (11_000, 0, 10, 1000),  # at the level: called there, not one tick below
        (5_000, 10, 10, 5000),  # coins not sold yet: (5,000 + 10 M) / 10 M = 1.1
        (5_000, 11, 10, int(UNREACHABLE)),  # 1.1 in coins alone
        (0, 0, 10, 1),
        (0, 11, 10, 1),  # 1.1 at any index
        (0, 12, 10, int(UNREACHABLE)),
        (2**62, 0, 1, int(UNREACHABLE)),
        (5, 0, 0, int(UNREACHABLE)),
    ],
)
def test_trigger(quote, spot, debt, trigger):
    found = from_python(buy_in_trigger)(account(quote, spot), np.int64(debt), np.int64(LEVEL))
    assert int(found) == trigger


@given(
    quote=st.integers(0, 10**15),
    spot=st.integers(0, 10**6),
    debt=st.integers(1, 10**7),
    level=st.integers(100_000_001, 400_000_000),
)
def test_the_trigger_is_the_exact_boundary(quote, spot, debt, level):
    record = account(quote, spot)
    arguments = (np.int64(debt), np.int64(level))
    trigger = int(from_python(buy_in_trigger)(record, *arguments))
    for index in (trigger - 1, trigger):
        if 1 <= index < UNREACHABLE:
            assert is_callable(quote, spot, debt, level, index) == (index == trigger)
    assert 1 <= trigger <= UNREACHABLE


def bank(supply=100, price=1000, quote=5_000):
    """A lender at an index, and one holder with cash from outside."""
    found = Exchange(price=price)
    market, params = found.market, found.params
    section = rules(supply=supply, initial=150_000_000, liquidation=LEVEL, accrual=10**9)
    section["drop_at"] = NEVER
    params["borrowing"] = section
    market["marks"]["index"] = price
    from_python(open_lender)(market, params)
    market["accounts"]["quote"][SLOT] += quote
    market["accounts"]["quote"][Account.OUTSIDE] -= quote
    return found


def ask(found, qty):
    return int(from_python(borrow_coins)(found.market, found.params, np.int64(SLOT), np.int64(qty)))


def holdings(found):
    market = found.market
    return (
        int(market["accounts"]["spot"][SLOT]),
        int(market["holders"]["debt"][SLOT]),
        int(market["accounts"]["spot"][Account.LENDER]),
        int(market["borrow"]["lent"]),
    )


def test_a_loan_leaves_the_initial_level():
    # (5,000 + 10 x 1,000) / (10 x 1,000) = 1.5: ten lots, not eleven.
    found = bank()
    assert ask(found, 11) == 0
    assert ask(found, 10) == 10
    assert holdings(found) == (10, 10, 90, 10)
    assert ask(found, 1) == 0
    assert int(found.accounts["trigger"][SLOT]) == 5000


def test_a_loan_is_cut_at_the_free_coins():
    found = bank(supply=7)
    assert ask(found, 10) == 7
    assert holdings(found) == (7, 7, 0, 7)
    assert ask(found, 1) == 0


def test_who_may_not_borrow():
    found = bank()
    assert ask(found, 0) == 0 and ask(found, -3) == 0
    found.accounts["perp"][SLOT] = 1
    assert ask(found, 1) == 0
    found.accounts["perp"][SLOT] = 0
    found.market["holders"]["notice"][SLOT] = 5
    assert ask(found, 1) == 0
    found.market["holders"]["notice"][SLOT] = NEVER
    assert ask(found, 1) == 1


def test_repaying_is_cut_at_what_is_held_and_owed():
    found = bank()
    assert ask(found, 4) == 4
    call = from_python(repay_coins)
    assert int(call(found.market, found.params, np.int64(SLOT), np.int64(1))) == 1
    assert holdings(found) == (3, 3, 97, 3)
    assert int(call(found.market, found.params, np.int64(SLOT), np.int64(9))) == 3
    assert holdings(found) == (0, 0, 100, 0)
    assert int(found.accounts["laddered"][SLOT]) == 0
    assert int(found.market["borrow_ladder"]["nearest"][1]) == UNREACHABLE
    assert int(call(found.market, found.params, np.int64(SLOT), np.int64(9))) == 0


def test_a_sale_moves_the_trigger_once_it_is_listed_again():
    found = bank()
    ask(found, 10)
    for field, change in (("spot", -10), ("quote", 10 * 1000)):
        found.accounts[field][SLOT] += change
        found.accounts[field][Account.OUTSIDE] -= change
    from_python(list_borrower)(found.market, found.params, np.int64(SLOT))
    assert int(found.accounts["trigger"][SLOT]) == 1364
    assert int(found.market["borrow_ladder"]["nearest"][1]) == 1364


def test_units_are_lowered_exactly():
    packed = Scenario.load(
        "calm",
        **{
            "borrowing.accounts": 3,
            "borrowing.base": 2.5,
            "borrowing.supply_base": 4.0,
            "borrowing.supply_drop_share": 0.25,
            "borrowing.supply_drop_s": 2.0,
            "borrowing.interval_s": 0.0015,
        },
    ).pack()[0]["borrowing"]
    assert (int(packed["lots"]), int(packed["supply"])) == (2_500, 4_000)
    assert (int(packed["initial"]), int(packed["liquidation"])) == (150_000_000, 110_000_000)
    assert (int(packed["drop_at"]), int(packed["drop_share"])) == (2 * 10**9, 25_000_000)
    assert int(packed["accrual"]) == 2_000_000  # whole milliseconds
    assert packed["leverage"][:4].tolist() == [1.5, 2.0, 3.0, 3.0]
    off = Scenario.load("calm").pack()[0]["borrowing"]
    assert (int(off["supply"]), int(off["drop_at"])) == (0, int(NEVER))


SOME = {"accounts": 3, "base": 2.0, "supply_base": 4.0}


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"accounts": 3}, ["accounts=3", "base=0"]),
        ({**SOME, "base": 5.0}, ["base=5.0", "supply_base=4.0", "raise"]),
        ({**SOME, "liquidation_level": 1.5}, ["initial_level=1.5", "liquidation_level=1.5"]),
        ({**SOME, "leverage": [[3.1, 1]]}, ["at most 3", "3.1"]),
        ({**SOME, "leverage": [[1.0, 1]]}, ["above 1", "1.0"]),
        ({**SOME, "leverage": [[2, 0]]}, ["weights"]),
        ({**SOME, "leverage": []}, ["1 to 8", "0"]),
        ({**SOME, "kink": 1.0}, ["kink", "1.0"]),
        ({**SOME, "interval_s": 0.0}, ["interval_s", "0.001"]),
        ({**SOME, "supply_drop_share": 0.5, "recalls_per_s": 0.0}, ["recalls_per_s", "above 0"]),
        ({**SOME, "accounts": 300}, ["2100", "2048", "size_class"]),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, list) else None,
)
def test_an_impossible_section_is_named_with_its_range(values, words):
    with pytest.raises(ConfigError) as error:
        Scenario.load("short_squeeze", borrowing=values)
    for word in words:
        assert word in str(error.value)
