"""Insurance fund and vault in literals: when they pay, what they pay, and who is told."""

import numpy as np
import pytest

from squeezegym.codes import FIRST_HOLDER_SLOT, Account
from squeezegym.core.fund import purse, reach, settle, take_over, watch_fund
from tests.kernels import Exchange, from_python

pytestmark = [pytest.mark.nojit, pytest.mark.boundscheck]

SLOT = FIRST_HOLDER_SLOT
MARK = 10_000
PERCENT = 1_000_000


@pytest.fixture
def exchange():
    made = Exchange(price=MARK)
    made.market["marks"]["mark"] = MARK
    return made


def hold(exchange, quote, perp=0, slot=SLOT):
    exchange.accounts["quote"][slot], exchange.accounts["perp"][slot] = quote, perp


def holds(exchange, slot=SLOT):
    return int(exchange.accounts["quote"][slot]), int(exchange.accounts["perp"][slot])


def test_a_drawdown_switches_the_fund_off_until_it_has_recovered(exchange):
    rules = exchange.params["liquidation"]
    rules["drawdown"], rules["recovery"] = 30 * PERCENT, 90 * PERCENT
    engine, seen = exchange.market["engine"], []
    for fund in (1_000, 700, 699, 700, 900, 901, 2_000, 1_400, 1_399, 1_800, 1_801):
        hold(exchange, fund, slot=Account.FUND)
        from_python(watch_fund)(exchange.market, exchange.params)
        seen.append(int(engine["fund_off"]))
    assert seen == [0, 0, 1, 1, 1, 0, 0, 0, 1, 1, 0]
    assert int(engine["fund_peak"]) == 2_000


@pytest.mark.parametrize(
    ("fund", "cap", "off", "money"),
    [
        (100_000, 1, 0, 100_000),  # ten lots at mark: all that it holds, and no more
        (99_999, 1, 0, 0),
        (50_000, 2, 0, 50_000),
        (49_999, 0, 0, 49_999),
        (100_000, 1, 1, 0),
    ],
)
def test_the_fund_stands_behind_no_position_beyond_its_cap(exchange, fund, cap, off, money):
    exchange.params["liquidation"]["fund_cap"] = cap * 100 * PERCENT
    exchange.market["engine"]["fund_off"] = off
    hold(exchange, 0, -10)
    hold(exchange, fund, slot=Account.FUND)
    assert int(from_python(purse)(exchange.market, exchange.params, np.int64(SLOT))) == money


@pytest.mark.parametrize(
    ("quote", "perp", "support", "limit"),
    [
        (104_009, -10, 10, 10_500),  # as far as 105,009 quanta go
        (104_009, -10, 3, 10_300),  # 3 % beyond the reference
        (-96_001, 10, 10, 9_501),
        (-96_001, 10, 3, 9_700),
    ],
)
def test_an_order_reaches_as_far_as_money_and_patience(exchange, quote, perp, support, limit):
    exchange.params["liquidation"]["support"] = support * PERCENT
    hold(exchange, quote, perp)
    values = (np.int64(value) for value in (SLOT, MARK, 1_000))
    assert int(from_python(reach)(exchange.market, exchange.params, *values)) == limit


@pytest.mark.parametrize(
    ("quote", "perp", "fund", "left", "fund_left", "absorbed"),
    [
        (500, 0, 0, 487, 13, 0),  # 1.25 % of 1,001 is 12.5, rounded up
        (5, 0, 0, 0, 5, 0),
        (100_020, -10, 7, 100_007, 20, 0),  # of what is left at its bankruptcy price
        (-30, 0, 40, 0, 10, 0),
        (-30, 0, 20, 0, 0, 10),
        (99_970, -10, 20, 99_990, 0, 0),  # the rest is still to be shared
    ],
)
def test_what_is_left_pays_the_fee_and_what_is_missing_the_fund(
    exchange, quote, perp, fund, left, fund_left, absorbed
):
    exchange.params["fees"]["liquidation"] = 1_250_000
    hold(exchange, quote, perp)
    hold(exchange, fund, slot=Account.FUND)
    values = (np.int64(value) for value in (SLOT, MARK, 1_001))
    from_python(settle)(exchange.market, exchange.params, *values)
    assert holds(exchange) == (left, perp)
    assert holds(exchange, Account.FUND)[0] == fund_left
    assert holds(exchange, Account.ABSORBER)[0] == -absorbed
    paid = max(fund - fund_left, 0)
    assert int(exchange.accounts["fees"][SLOT]) == max(fund_left - fund, 0)
    assert int(exchange.market["score"]["deficit"]) == paid
    assert int(exchange.market["engine"]["block_paid"]) == paid


@pytest.mark.parametrize(
    ("quote", "perp", "vault", "after"),
    [
        (99_500, -10, 499, None),  # it would be 1 short of solvent
        (99_500, -10, 500, (100_000, -10)),
        (-99_000, 10, 0, (-99_000, 10)),
        (-100_300, 10, 1_000, (-99_300, 10)),
    ],
)
def test_the_vault_takes_what_leaves_it_solvent(exchange, quote, perp, vault, after):
    hold(exchange, quote, perp)
    hold(exchange, vault, slot=Account.VAULT)
    took = bool(from_python(take_over)(exchange.market, np.int64(SLOT)))
    assert took == (after is not None)
    assert holds(exchange) == ((0, 0) if took else (quote, perp))
    assert holds(exchange, Account.VAULT) == (after or (vault, 0))
    assert int(exchange.market["score"]["taken_over"]) == 10 * took
