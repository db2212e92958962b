"""The engine at its edges, in literals: bounds met exactly, and what it tells the learner."""

import numpy as np
import pytest

from squeezegym.codes import (
    FIRST_HOLDER_SLOT,
    NEVER,
    Account,
    Liquidation,
    Policy,
    Remainder,
    Source,
    Standing,
)
from squeezegym.core.liquidation import flush_prints, serve_engine
from squeezegym.core.triggers import check_mark, delist, enlist, open_ladder
from tests.kernels import BUY, GTC, LEARNER_SLOT, SELL, Exchange, from_python

pytestmark = [pytest.mark.nojit, pytest.mark.boundscheck]

SLOT = FIRST_HOLDER_SLOT
PRICE = 10_000
ALL = 100_000_000
SHORT_QUOTE = 104_000  # of ten lots: bankrupt at 10,400


class Engine:
    """Two empty books, a margin of 1 %, an immediate engine without fees."""

    def __init__(self, **rules):
        self.exchange = Exchange(price=PRICE)
        self.market, self.params = self.exchange.market, self.exchange.params
        for name, value in {"recovery": ALL, "share": ALL, **rules}.items():
            self.params["liquidation"][name] = value
        margin = self.params["margin"]
        margin["n_tiers"], margin["rate"][0], margin["initial"][0] = 1, 1_000_000, 2_000_000
        self.market["clock"]["due"] = NEVER
        self.market["holders"]["started"] = NEVER
        from_python(open_ladder)(self.market["ladder"], np.int64(PRICE), np.int64(0))

    @property
    def accounts(self):
        return self.market["accounts"]

    def open(self, perp, quote, slot=SLOT):
        for name, value in (("perp", perp), ("quote", quote)):
            self.accounts[name][slot] = value
            self.accounts[name][Account.OUTSIDE] -= value
        self.accounts["cost"][slot] = abs(perp) * PRICE
        if slot != LEARNER_SLOT:
            from_python(enlist)(self.market, self.params, np.int64(slot))

    def ask(self, price, qty):
        self.exchange.place(SELL, price, qty, GTC, owner=Account.MAKER)

    def mark(self, mark, now=0):
        self.market["clock"]["now"] = now
        self.market["marks"]["mark"] = mark
        from_python(check_mark)(self.market, self.params)

    def serve(self):
        """Serve the engine's next event at its time."""
        clock = self.market["clock"]
        clock["now"] = clock["due"][Source.ENGINE]
        from_python(serve_engine)(self.market, self.params)
        assert not self.accounts["quote"].sum() and not self.accounts["perp"].sum()
        return int(clock["now"])

    def serve_all(self):
        events = 0
        while int(self.market["clock"]["due"][Source.ENGINE]) != NEVER:
            self.serve()
            events += 1
        return events

    def state(self, slot=SLOT):
        return tuple(int(self.accounts[name][slot]) for name in ("quote", "perp", "laddered"))


def test_whoever_leaves_the_ladder_is_no_longer_the_nearest():
    engine = Engine()
    engine.open(-10, SHORT_QUOTE)
    engine.open(-10, SHORT_QUOTE - 100, SLOT + 1)
    nearest = engine.market["ladder"]["nearest"]
    # 104,000 / 10.1 = 10,297.03 and 103,900 / 10.1 = 10,287.13; the margin is
    # rounded up, which alone moves the first of them down.
    assert int(nearest[1]) == 10_288
    from_python(delist)(engine.market, np.int64(SLOT + 1), np.int64(1))
    assert int(nearest[1]) == 10_297


@pytest.mark.parametrize(
    ("now", "after"), [(999, (SHORT_QUOTE, -10, Standing.WAITING)), (1_000, (0, 0, Standing.FREE))]
)
def test_a_block_begins_when_the_last_one_is_over(now, after):
    engine = Engine(
        policy=Policy.BLOCK_LIMITED,
        cooldown=1_000,
        block_notional=10**9,
        block_loss=1_000,
        spread=10.0,
        adjustment=1.0,
    )
    engine.open(-10, SHORT_QUOTE)
    engine.open(0, 1_000, Account.FUND)
    engine.market["engine"]["block_paid"] = 1_000  # of the block that began at 0
    engine.ask(10_450, 10)  # 50 ticks beyond bankruptcy cost the fund 500
    engine.mark(10_400, now)
    engine.serve()
    # Without equity, but not below: in a block that has spent its loss it waits.
    assert engine.state() == after
    assert int(engine.accounts["quote"][Account.FUND]) == (500 if after[1] == 0 else 1_000)


def test_an_order_in_a_block_has_a_least_size():
    engine = Engine(
        policy=Policy.BLOCK_LIMITED,
        share=ALL // 10,
        threshold=41_000,  # 3.96 lots at mark
        cooldown=1_000,
        block_notional=10**9,
        spread=10.0,
        adjustment=1.0,
    )
    engine.open(-10, SHORT_QUOTE)
    engine.ask(10_350, 10)
    engine.mark(10_350)
    engine.serve()
    assert engine.state()[1:] == (-6, Standing.WAITING)


@pytest.mark.parametrize(
    ("perp", "quote", "mark", "asks"),
    [(-10, SHORT_QUOTE, 10_300, (10_300, 10_301)), (10, -96_000, 9_695, (9_695, 9_694))],
    ids=["short", "long"],
)
def test_the_fillable_price_is_rounded_towards_the_mark(perp, quote, mark, asks):
    # Missing equity of 3 % of the margin moves it by a third of a tick.
    engine = Engine(
        policy=Policy.BLOCK_LIMITED,
        cooldown=1_000,
        block_notional=10**9,
        spread=0.1,
        adjustment=1.0,
    )
    engine.open(perp, quote)
    for price in asks:
        side = SELL if perp < 0 else BUY
        engine.exchange.place(side, price, 4, GTC, owner=Account.MAKER)
    engine.mark(mark)
    engine.serve()
    assert engine.state()[1] == perp * 6 // 10


@pytest.mark.parametrize("policy", [Policy.SMALL_STEPS, Policy.RAMP])
def test_without_equity_the_rest_is_shared_and_the_book_left_alone(policy):
    engine = Engine(policy=policy, cooldown=1_000, ramp_start=1.0, ramp_time=1)
    engine.open(-10, SHORT_QUOTE)
    engine.ask(10_400, 10)
    engine.mark(10_400)
    engine.serve()
    assert engine.state() == (0, 0, Standing.FREE)
    assert engine.exchange.book()["best_ask"] == 10_400
    assert int(engine.market["score"]["deleveraged"]) == 10


def test_a_ramp_restores_the_buffer_too():
    engine = Engine(policy=Policy.RAMP, ramp_start=1.0, ramp_time=1, buffer=1_000_000)
    engine.open(-1_000, 10_400_000)
    engine.ask(10_320, 1_000)
    engine.mark(10_320)
    engine.serve()
    # Margin and buffer of 103,200 each, equity of 80,000: 126,400 / 206.4 = 612.4 lots.
    assert engine.state()[1:] == (-387, Standing.IN_LADDER)


def test_a_reduction_leaves_more_than_the_margin():
    engine = Engine(policy=Policy.TIER_REDUCTION)
    margin = engine.params["margin"]
    margin["n_tiers"], margin["floor"][1] = 2, 5_000_000
    margin["rate"][1], margin["deduction"][1], margin["initial"][1] = 2_000_000, 50_000, 4_000_000
    # Equity is the margin of 600 lots, 123,840 - 50,000, at which they are due still.
    engine.open(-1_000, 10_320_000 + 73_840)
    engine.ask(10_320, 1_000)
    engine.mark(10_320)
    engine.serve()
    assert engine.state()[1:] == (-599, Standing.IN_LADDER)


@pytest.mark.parametrize(
    ("perp", "quote", "mark", "left", "fee"),
    [(-10, SHORT_QUOTE, 10_350, 396, 104), (10, -96_000, 9_650, 403, 97)],
    ids=["short", "long"],
)
def test_the_absorber_takes_a_position_at_mark(perp, quote, mark, left, fee):
    engine = Engine(destination=Liquidation.ABSORBER)
    engine.params["fees"]["liquidation"] = 100_000
    engine.open(perp, quote)
    engine.mark(mark)
    engine.serve()
    assert engine.state() == (left, 0, Standing.FREE)
    assert engine.state(Account.ABSORBER)[:2] == (-perp * mark, perp)
    assert engine.state(Account.FUND)[0] == fee


def test_nobody_is_taken_when_it_is_off():
    engine = Engine(destination=Liquidation.OFF)
    engine.open(-10, SHORT_QUOTE)
    engine.open(-10, SHORT_QUOTE, LEARNER_SLOT)
    engine.mark(10_600)
    assert engine.state() == (SHORT_QUOTE, -10, Standing.IN_LADDER)
    assert engine.state(LEARNER_SLOT) == (SHORT_QUOTE, -10, Standing.FREE)
    assert int(engine.market["clock"]["due"][Source.ENGINE]) == NEVER


@pytest.mark.parametrize("remainder", [Remainder.ADL, Remainder.PRO_RATA])
@pytest.mark.parametrize(("quote", "left"), [(-104_000, (0, 0)), (-104_001, (-104_001, 10))])
def test_a_counterparty_needs_no_equity_at_the_price_of_the_closing(remainder, quote, left):
    engine = Engine(remainder=remainder)
    engine.open(-10, SHORT_QUOTE)
    engine.open(10, quote, SLOT + 1)
    engine.mark(10_600)
    engine.serve()
    assert engine.state()[:2] == (0, 0)
    assert engine.state(SLOT + 1)[:2] == left


def test_a_deleveraged_learner_is_told():
    engine = Engine()
    engine.open(-10, SHORT_QUOTE)
    engine.open(25, -200_000, LEARNER_SLOT)
    engine.mark(10_600)
    engine.serve()
    assert engine.state(LEARNER_SLOT)[1] == 15
    assert int(engine.market["learners"][0]["changed"]) == 1
    assert int(engine.market["learners"][0]["liquidated"]) == 0


def test_a_shared_loss_is_charged_by_size_and_counted_once():
    engine = Engine(remainder=Remainder.SOCIALISED)
    engine.open(-10, SHORT_QUOTE)
    engine.open(30, -200_000, LEARNER_SLOT)
    for slot in range(SLOT + 1, SLOT + 36):
        engine.open(2, -18_000, slot)
    engine.mark(10_605)  # 205 ticks beyond bankruptcy: 2,050 quanta on 100 lots
    engine.market["learners"][0]["changed"] = 0
    assert engine.serve_all() == 3  # 36 accounts, 16 an event
    assert engine.state() == (0, 0, Standing.FREE)
    assert engine.state(Account.VAULT)[1] == -10
    assert engine.state(LEARNER_SLOT) == (-200_615, 30, Standing.FREE)
    assert [engine.state(slot) for slot in range(SLOT + 1, SLOT + 36)] == [
        (-18_041, 2, Standing.IN_LADDER)
    ] * 35
    assert int(engine.accounts["trigger"][SLOT + 1]) == 9_112  # 18,041 / 1.98 = 9,111.6
    score = engine.market["score"]
    assert int(score["socialised"]) == 2_050
    assert float(score["loss_per_lot"]) == pytest.approx(20.5)
    assert int(score["taken_over"]) == 10
    assert int(engine.market["learners"][0]["changed"]) == 1


@pytest.mark.parametrize(("paid", "charged"), [(2_000, 50), (2_050, 0)])
def test_the_fund_pays_before_anybody_is_charged(paid, charged):
    engine = Engine(remainder=Remainder.SOCIALISED)
    engine.open(-10, SHORT_QUOTE)
    engine.open(0, paid, Account.FUND)
    engine.open(25, -200_000, SLOT + 1)
    engine.mark(10_605)
    engine.serve_all()
    assert engine.state(SLOT + 1)[0] == -200_000 - charged
    assert engine.state(Account.FUND)[0] == 0
    assert int(engine.market["score"]["deficit"]) == paid
    assert int(engine.market["engine"]["block_paid"]) == paid


def test_a_learner_that_recovers_keeps_its_rest_and_is_not_called_liquidated():
    engine = Engine(policy=Policy.SMALL_STEPS, share=ALL // 10, cooldown=1_000, support=ALL // 10)
    engine.open(-10, SHORT_QUOTE, LEARNER_SLOT)
    engine.ask(10_330, 20)
    engine.mark(10_320)
    engine.serve()
    assert engine.state(LEARNER_SLOT) == (SHORT_QUOTE - 10_330, -9, Standing.WAITING)
    engine.mark(10_000, 500)
    assert engine.serve() == 1_000
    assert engine.state(LEARNER_SLOT) == (SHORT_QUOTE - 10_330, -9, Standing.FREE)
    assert int(engine.market["learners"][0]["liquidated"]) == 0
    # Due again, it closes by itself before its turn: this time the engine takes nothing.
    engine.params["liquidation"]["latency"] = 100
    engine.mark(10_400, 2_000)
    assert engine.exchange.place(BUY, 10_330, 9, owner=LEARNER_SLOT)[0] == 9
    assert engine.serve() == 2_100
    assert engine.state(LEARNER_SLOT)[1:] == (0, Standing.FREE)
    assert int(engine.market["learners"][0]["liquidated"]) == 0


def test_a_taken_learner_has_no_order_any_more():
    engine = Engine()
    engine.open(-10, SHORT_QUOTE, LEARNER_SLOT)
    _, order_id = engine.exchange.place(BUY, 9_000, 3, GTC, owner=LEARNER_SLOT)
    assert order_id != 0
    engine.market["learners"][0]["order_id"] = order_id
    engine.mark(10_400)
    engine.serve()
    assert int(engine.market["learners"][0]["order_id"]) == 0
    assert int(engine.market["learners"][0]["liquidated"]) == 1
    assert not (engine.exchange.book()["orders"]["qty"] != 0).any()


def test_the_latest_print_of_a_window_is_published_at_its_end():
    engine = Engine(prints=1_000, interval=400)
    engine.open(-10, 103_000)
    engine.open(-4, 41_600, SLOT + 1)
    engine.ask(10_300, 50)
    engine.mark(10_300)
    assert [engine.serve(), engine.serve()] == [0, 400]
    score, seen = engine.market["score"], []
    assert int(score["liquidated"][1]) == 14
    for now in (999, 1_000):
        engine.market["clock"]["now"] = now
        from_python(flush_prints)(engine.market)
        seen.append(int(score["printed"][1]))
    assert seen == [0, 4]
