"""Every rule of protection, switched on and off at random times: conserved, sound, replayable."""

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from squeezegym.codes import NO_ASK, PROBLEM_TEXT, BookState, LogKind, Measure, Problem
from squeezegym.levers import LEVERS
from squeezegym.measures import RULE_NAMES, Rule
from tests.kernels import same, small_market
from tests.oracle.log_replay import LogReplay
from tests.property.ladder_checks import assert_conserved, assert_ladder_sound, is_liquidatable

# Values at which each rule bites within seconds.
VALUES = {
    "leverage_cap": (3.0, 20.0),
    "margin_hike": (1.5, 20.0),
    "open_interest_margin": (400.0, 2_000.0),
    "position_limit": (0.5, 5.0),
    "price_band": (0.0005, 0.01),
    "circuit_breaker": (0.001, 0.01),
    "velocity_halt": (0.0005, 0.005),
    "liquidation_throttle": (1.0, 100.0),
    "absorption": (0.1, 1.0),
    "funding_change": (1.0, 8.0),
    "trade_cancellation": (0.5, 4.0),
    "batch_auction": (0.05, 1.0),
}
RULED = {
    "protection.book": "perp",
    "protection.trade_cancellation.trigger": "agent",
    "protection.circuit_breaker.pause_s": 2.0,
    "protection.velocity_halt.pause_s": 1.0,
    "protection.velocity_halt.extension_s": 1.0,
    "protection.limits.band": 0.004,
    "protection.limits.limit_s": 1.0,
    "protection.limits.pause_s": 2.0,
    "protection.limits.extension_s": 1.0,
    "protection.leverage_cap.notice_s": 0.7,
    "funding.interval_s": 10.0,
    "funding.first_s": 5.0,
    "followers.looks_per_s": 2.0,
    "snipers.looks_per_s": 2.0,
    "fomo.accounts": 40,
    "fomo.seeds_per_s": 0.01,
    "fomo.return_bps": 5.0,
    "reloaders.share": 0.5,
    "holders.take_profit": 0.5,
    "holders.top_up": 0.2,
    "holders.stop_out": 0.2,
    "holders.capitulate": 0.2,
}


def ruled(seed=5, log=True, **overrides):
    return small_market(seed=seed, log=log, **{**RULED, **overrides})


def margin_in_force(market):
    changed = Measure.LEVERAGE_CAP | Measure.MARGIN_HIKE
    if int(market.record["protection"]["measures"]) & changed:
        return market.record["terms"]["margin"]
    return market._batch.params[0]["margin"]


class Checked:
    """A market that is checked, and derived from its log, whenever it has run."""

    def __init__(self, market):
        self.market = market
        self.replay = LogReplay(market.opening.record[0], market._batch.params[0]["fees"])
        self.read = 0

    def run(self, seconds):
        market, record = self.market, self.market.record
        taken = len(self.replay.liquidations)
        margin = margin_in_force(market).copy()
        market.run(seconds)
        rows = market.log()
        self.replay.feed(rows[self.read :])
        self.read = len(rows)
        self.replay.assert_equals(record)
        assert self.replay.measures == int(record["protection"]["measures"])
        assert_conserved(record)
        assert_ladder_sound(record, margin_in_force(market))
        for book in record["books"]:
            bid, ask = int(book["best_bid"]), int(book["best_ask"])
            assert bid < ask or ask == NO_ASK
            crossed = (book["waiting_head"][2:] != 2**32 - 1).any()
            assert not crossed or int(book["state"]) == BookState.AUCTION
        if same(margin, margin_in_force(market)):
            for row, account in self.replay.liquidations[taken:]:
                assert is_liquidatable(margin, account["quote"], account["perp"], row["price"])
        assert set(market.problems()) <= {PROBLEM_TEXT[p] for p in ALLOWED}


ALLOWED = (Problem.INTENSITY_CEILING, Problem.FILLS_FORGOTTEN)
switches = st.lists(
    st.tuples(
        st.floats(0.05, 1.5),  # seconds before it
        st.sampled_from(RULE_NAMES),
        st.booleans(),
        st.floats(0.0, 1.0),  # place within the values
    ),
    min_size=3,
    max_size=10,
)


def pull(market, rule, on, share):
    low, high = VALUES.get(rule, (0.0, 0.0))
    market.protect(rule, on, low + share * (high - low) if rule in VALUES else None)


@settings(max_examples=12, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(
    seed=st.integers(0, 2**32),
    limits=st.booleans(),
    side=st.sampled_from(("buy", "sell")),
    fund=st.sampled_from((0.0, 1e5)),
    steps=switches,
)
def test_everything_holds_whatever_is_switched_and_when(seed, limits, side, fund, steps):
    market = ruled(
        seed,
        **{
            "protection.limits.on": limits,
            "catalyst.side": side,
            "population.cluster_side": "shorts" if side == "buy" else "longs",
            "liquidation.fund_quote": fund,
        },
    )
    checked = Checked(market)
    for wait, rule, on, share in steps:
        checked.run(wait)
        pull(market, rule, on, share)
    checked.run(1.0)


@pytest.mark.parametrize("rule", RULE_NAMES)
def test_each_rule_is_in_force_published_and_ended(rule):
    market = ruled()
    checked = Checked(market)
    checked.run(2.0)
    pull(market, rule, True, 0.5)
    checked.run(3.0)
    measure = Measure[rule.upper()]
    rows = [row for row in checked.replay.protection if row["other"] == measure]
    assert rows and int(market.record["protection"]["measures"]) & measure
    assert int(market.record["feed"]["seen"]["measures"]) & measure
    pull(market, rule, False, 0.5)
    checked.run(3.0)
    ended = not int(market.record["protection"]["measures"]) & measure
    assert ended == (rule != "trade_cancellation")


def test_every_rule_at_once():
    market = ruled(seed=9, **{"protection.limits.on": True})
    checked = Checked(market)
    for rule in RULE_NAMES:
        checked.run(0.4)
        pull(market, rule, True, 0.5)
    for rule in RULE_NAMES:
        checked.run(0.4)
        pull(market, rule, False, 0.5)
    checked.run(5.0)
    kinds = {row["kind"] for row in checked.replay.protection}
    assert kinds >= {LogKind.MEASURE, LogKind.BANDS, LogKind.UNCROSS, LogKind.UNWIND}


def test_a_lever_takes_any_number_that_is_written_to_it():
    market = ruled(log=False)
    levers = market.record["protection"]["levers"]
    for value in (np.nan, np.inf, -np.inf, -1.0, 1e-300, 1e300):
        levers["asked"], levers["value"] = 1, value
        market.record["clock"]["due"][22] = market.record["clock"]["now"]
        market.run(0.3)
        assert_conserved(market.record)
        assert np.isfinite(market.record["protection"]["value"]).all()


def test_levers_are_those_of_the_table():
    assert set(VALUES) == {rule.name.lower() for rule in LEVERS}
    assert [rule.name.lower() for rule in Rule] == list(RULE_NAMES)
    assert all(int(Measure[rule.name]) == 4 << rule for rule in Rule)
