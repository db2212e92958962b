"""The kernel's book against the naive one on long random streams."""

import random

import numpy as np
import pytest

from squeezegym.codes import OrderFlag, Problem, SelfTrade, Status, Tif
from tests.kernels import BUY, GTC, IOC, SELL, Exchange, read_book
from tests.oracle.book_checks import assert_sound
from tests.oracle.naive_ledger import NaiveLedger
from tests.oracle.naive_orderbook import CANCEL, NEW, NaiveOrderBook

OWNERS = (16, 17, 18, 19, 20)
CAPACITY = 1024  # orders of the small class
HIGHEST = 2**31 - 2
FLAGS = (int(OrderFlag.POST_ONLY), int(OrderFlag.REDUCE_ONLY))


class Pair:
    """One message at a time to both books; everything they say is compared."""

    def __init__(self, venue=0, price=10_000, rule=SelfTrade.ALLOW):
        maker_fee, taker_fee = 20_000, 50_000
        self.exchange = Exchange(price, maker_fee, taker_fee, rule)
        self.venue = venue
        self.naive = NaiveOrderBook((1, HIGHEST), CAPACITY, 100, rule.name.lower(), exempt=())
        self.naive.last = price
        self.ledger = NaiveLedger([maker_fee] * 2, [taker_fee] * 2)
        self.refused = 0
        self.retired = []

    @property
    def record(self):
        return self.exchange.book(self.venue)

    def order(self, owner, side, price, qty, tif=GTC, forced=0, flags=0):
        bits = flags | OrderFlag.FORCED * forced
        filled, order_id = self.exchange.place(side, price, qty, tif, owner, self.venue, bits)
        before = len(self.naive.tape)
        number = order_id or -len(self.retired) - 1  # what does not rest needs an id too
        answer = self.naive.message(0, NEW, number, side, price, qty, tif, flags, owner)
        assert (filled, order_id != 0) == (answer.filled, answer.resting > 0)
        for _, _, maker_id, at, lots, _, maker in self.naive.tape[before:]:
            self.ledger.fill(self.venue, owner, maker, side, at, lots, forced)
            if maker_id not in self.naive.live:
                self.retired.append(maker_id)
        self.refused += answer.status == Status.BOOK_FULL
        return order_id

    def cancel(self, order_id):
        order = self.naive.live.get(order_id)
        assert self.exchange.cancel(order_id, self.venue) == (order.qty if order else 0)
        self.naive.message(0, CANCEL, order_id, 0, 0, 0, 0, 0, 0)
        self.retired.append(order_id)

    def compare(self):
        assert_sound(self.record)
        bids, asks = read_book(self.record)
        assert bids == self.naive.queues_of(BUY)
        assert asks == self.naive.queues_of(SELL)
        assert int(self.record["last"]) == self.naive.last
        for slot in (*OWNERS, 2):
            for field, value in self.ledger.account(slot).items():
                assert int(self.exchange.accounts[field][slot]) == value


def message(draw, pair, centre, spread):
    """Send one random message near ``centre``."""
    owner = draw.choice(OWNERS)
    kind = draw.choices(["rest", "cancel", "take"], weights=[5, 4, 2])[0]
    side = draw.choice((BUY, SELL))
    price = min(max(1, centre + round(draw.gauss(0, spread))), HIGHEST)
    qty = draw.choice((1, 2, 5, 10, 100, 5000))
    if kind == "cancel":
        ids = list(pair.naive.live) if draw.random() < 0.8 else pair.retired[-50:]
        if ids:
            pair.cancel(draw.choice(ids))
    elif kind == "rest":
        pair.order(owner, side, price, qty, flags=draw.choice((0, 0, 0, *FLAGS)))
    else:
        tif = draw.choice((IOC, IOC, int(Tif.FOK)))
        pair.order(owner, side, draw.choice((price, 0)), qty, tif, draw.choice((0, 1)))


def stream(seed, n, step, spread, every, venue=0, start=10_000, rule=SelfTrade.ALLOW):
    draw = random.Random(seed)
    pair = Pair(venue, start, rule)
    centre = start
    for i in range(n):
        centre = min(max(1, centre + draw.randint(-step, step)), HIGHEST)
        message(draw, pair, centre, spread)
        if i % every == 0:
            pair.compare()
    pair.compare()
    return pair


@pytest.mark.nojit
@pytest.mark.boundscheck
def test_short_stream_after_every_message():
    stream(seed=1, n=250, step=20, spread=8, every=1)


@pytest.mark.parametrize("seed", range(3))
def test_calm_stream(seed):
    stream(seed, n=4000, step=1, spread=6, every=20, venue=seed % 2)


@pytest.mark.parametrize("rule", SelfTrade)
def test_self_trade_rules(rule):
    stream(int(rule), n=2000, step=1, spread=4, every=20, rule=rule)


@pytest.mark.parametrize("seed", range(4))
def test_price_wanders_far_beyond_the_window(seed):
    pair = stream(seed, n=4000, step=900, spread=2500, every=10, start=200_000)
    assert int(pair.record["sequence"]) > 1000


@pytest.mark.parametrize("start", [1, 40, HIGHEST - 40, HIGHEST])
def test_price_at_either_end_of_the_range(start):
    stream(seed=9, n=1500, step=300, spread=3000, every=10, start=start)


def test_price_jumps_to_and_fro():
    draw = random.Random(4)
    pair = Pair(price=50_000)
    for i in range(3000):
        message(draw, pair, draw.choice((1_000, 45_000, 50_000, 55_000, 2_000_000)), 1500)
        if i % 10 == 0:
            pair.compare()
    pair.compare()


def test_a_full_pool_refuses_visibly_and_goes_on():
    draw = random.Random(5)
    pair = Pair()
    for i in range(CAPACITY + 30):
        side = i % 2
        price = 10_000 + draw.randint(1, 6000) * (1 if side == SELL else -1)
        pair.order(draw.choice(OWNERS), side, price, 3)
    pair.compare()
    assert pair.refused == 30
    problems = pair.exchange.market["clock"]["problems"]
    assert int(problems) == Problem.BOOK_FULL
    assert int(pair.exchange.market["clock"]["problem_count"]) == 30
    for i in range(2500):  # stays near its limit
        if draw.random() < 0.6:
            side = draw.choice((BUY, SELL))
            price = 10_000 + draw.randint(-100, 6000) * (1 if side == SELL else -1)
            pair.order(draw.choice(OWNERS), side, price, draw.randint(1, 9))
        else:
            message(draw, pair, 10_000, 3000)
        if i % 25 == 0:
            pair.compare()
    assert pair.refused == int(pair.exchange.market["clock"]["problem_count"]) > 30


def test_a_sweep_of_a_thousand_orders():
    pair = Pair()
    for i in range(1000):
        pair.order(OWNERS[i % 5], SELL, 10_001 + i // 3, 1 + i % 4)
    total = sum(order.qty for order in pair.naive.live.values())
    pair.order(OWNERS[0], BUY, HIGHEST, total - 1, IOC)
    pair.compare()
    assert len(pair.naive.live) == 1
    pair.order(OWNERS[0], BUY, HIGHEST, 10, GTC)
    pair.compare()
    assert int(pair.record["best_bid"]) == HIGHEST


def test_a_sweep_through_the_far_list_keeps_its_queues():
    pair = Pair()
    for i in range(600):
        pair.order(OWNERS[i % 5], SELL, 10_001 + (i % 60) * 700, 2)
        pair.order(OWNERS[i % 5], BUY, max(1, 9_999 - (i % 60) * 160), 2) if i < 400 else None
    pair.compare()
    for qty in (1, 37, 200, 611, 3):
        pair.order(OWNERS[1], BUY, HIGHEST, qty, IOC)
        pair.compare()
        pair.order(OWNERS[2], SELL, 1, qty // 2 + 1, IOC)
        pair.compare()


def test_stale_and_absurd_ids_cancel_nothing():
    pair = Pair()
    first = pair.order(16, BUY, 9_990, 5)
    pair.cancel(first)
    second = pair.order(17, BUY, 9_990, 7)
    assert first & 0xFFFFF == second & 0xFFFFF  # the slot is used again
    for order_id in (0, first, second + (1 << 20), second ^ 1, 2**64 - 1, 5000):
        assert pair.exchange.cancel(order_id) == 0
    pair.compare()
    assert pair.exchange.cancel(second) == 7


def test_every_message_counts_as_an_event():
    pair = Pair()
    rng = np.random.default_rng(0)
    for i in range(50):
        pair.order(16, BUY, 9_000 + int(rng.integers(900)), 1)
        if i % 5 == 0:
            pair.cancel(12345)
    assert int(pair.exchange.market["clock"]["events"]) == 60
