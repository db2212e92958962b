"""Margin, funding and the engine under the rules that change them, in literals."""

import numpy as np
import pytest

from squeezegym.codes import (
    FIRST_HOLDER_SLOT,
    Account,
    Source,
    Status,
)
from squeezegym.core.exchange import margin_refusal
from squeezegym.core.fund import absorb
from squeezegym.core.marginrules import set_margin
from squeezegym.measures import Rule
from tests.guarded import MAKER, SECOND, fund, hold, quoted, with_margin
from tests.kernels import BUY, from_python

pytestmark = [pytest.mark.nojit, pytest.mark.boundscheck]

HOLDER = FIRST_HOLDER_SLOT
FUND, VAULT = (int(Account.FUND), int(Account.VAULT))
ACCEPTED = -1


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
