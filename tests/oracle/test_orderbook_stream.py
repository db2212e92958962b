"""``squeezegym.OrderBook`` against the naive one on random streams; no number may differ."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from squeezegym._jit import JIT_DISABLED
from squeezegym.codes import Status
from tests.oracle.naive_orderbook import (
    AMEND,
    CANCEL,
    CANCEL_ALL,
    FOK,
    GTC,
    IOC,
    NEW,
    POST_ONLY,
    REDUCE_ONLY,
    NaiveOrderBook,
)
from tests.oracle.orderbook_flow import FIELDS, OWNERS, Flow
from tests.oracle.orderbook_pair import Pair

pytestmark = [pytest.mark.nojit, pytest.mark.boundscheck]

RULES = ("allow", "cancel_newest", "cancel_oldest", "cancel_both", "decrement")
STATES = ("open", "cancel_only", "halted", "auction")
LENGTH = 400 if JIT_DISABLED else 4000


def naive_book(self_trade, price_range=(100, 139), max_orders=1000):
    return NaiveOrderBook(price_range, max_orders, OWNERS, self_trade)


def replayed(pair, flow, length, chunk):
    for start in range(0, length, chunk):
        pair.replay(flow.take(min(chunk, length - start)))
        pair.compare()
    pair.compare_tapes()


@pytest.mark.parametrize("self_trade", RULES)
@pytest.mark.parametrize(
    ("high", "max_orders", "reduce", "stride"),
    [(139, 1000, 0.2, 1), (119, 25, 0.2, 2**20), (159, 150, 0.6, 2**57 + 1)],
)
def test_replayed_in_chunks(self_trade, high, max_orders, reduce, stride):
    naive = naive_book(self_trade, (100, high), max_orders)
    pair = Pair(naive)
    flow = Flow(naive, seed=high, reduce=reduce, stride=stride)
    replayed(pair, flow, LENGTH, chunk=80)
    assert max_orders != 25 or pair.counts[Status.BOOK_FULL] > 0


@pytest.mark.parametrize("self_trade", RULES)
def test_replayed_one_by_one(self_trade):
    naive = naive_book(self_trade)
    replayed(Pair(naive), Flow(naive, seed=4), LENGTH // 10, chunk=1)


@pytest.mark.parametrize("self_trade", RULES)
@pytest.mark.parametrize("ids", ["caller", "book"])
def test_called_one_by_one(self_trade, ids):
    naive = naive_book(self_trade, max_orders=60)
    pair = Pair(naive, ids, renames=True)
    for i, message in enumerate(Flow(naive, seed=5, strict=True).take(LENGTH // 4)):
        pair.call(message)
        if i % 20 == 0:
            pair.compare()
    pair.compare()
    pair.compare_tapes()


@pytest.mark.parametrize("self_trade", RULES)
def test_replayed_where_the_book_chooses_the_ids(self_trade):
    naive = naive_book(self_trade, max_orders=60)
    pair = Pair(naive, ids="book", renames=True)
    replayed(pair, Flow(naive, seed=6, strict=True), LENGTH // 10, chunk=1)


def through_states(self_trade, seed, changes, max_orders=150, reduce=0.2):
    """Change the state again and again, with messages in between; return the pair."""
    naive = naive_book(self_trade, (100, 139), max_orders)
    pair, flow = Pair(naive), Flow(naive, seed, reduce=reduce)
    for _ in range(changes):
        reference = flow.draw.choice((None, 1, 110, 120, 121, 130, 10**6))
        pair.set_state(flow.draw.choices(STATES, (4, 1, 1, 4))[0], reference)
        pair.compare()
        pair.replay(flow.take(flow.draw.choice((1, 5, 30, 60))))
        pair.compare()
        if flow.draw.random() < 0.2:
            pair.uncross(reference)
            pair.compare()
    pair.compare_tapes()
    return pair


@pytest.mark.parametrize("self_trade", RULES)
@pytest.mark.parametrize("reduce", [0.2, 0.6])
def test_states_and_auctions(self_trade, reduce):
    pair = through_states(self_trade, 7, LENGTH // 40, reduce=reduce)
    assert any(message == -1 for message, *_ in pair.naive.tape)


def auction_order(draw, order_id):
    return {
        "kind": NEW,
        "side": draw.randrange(2),
        "tif": GTC,
        "flags": draw.choice((0, REDUCE_ONLY)),
        "owner": draw.randrange(4),
        "order_id": order_id,
        "price": draw.randint(100, 111),
        "qty": draw.randint(1, 4),
    }


@pytest.mark.parametrize("seed", range(10 if JIT_DISABLED else 60))
def test_small_auctions(seed):
    draw = random.Random(seed)
    pair = Pair(naive_book(draw.choice(RULES)))
    pair.set_state("auction")
    for auction in range(1, 10):
        pair.replay(auction_order(draw, 100 * auction + i) for i in range(draw.randint(2, 12)))
        pair.uncross(draw.choice((None, draw.randint(98, 113))))
        pair.compare()


def test_the_streams_meet_every_status():
    pairs = [through_states(rule, 9, 30, max_orders=40) for rule in RULES]
    # A book alone has no accounts.
    of_a_market = {status for status in Status if status >= Status.IN_LIQUIDATION}
    met = {status for status in Status if any(pair.counts[status] for pair in pairs)}
    assert met == set(Status) - of_a_market


# Without JIT it is the rolling of the long window that takes its time: fewer rules.
@pytest.mark.parametrize("self_trade", RULES[-2:] if JIT_DISABLED else RULES)
@pytest.mark.parametrize(
    ("start", "drift"), [(200_000, 900), (1_000_000_000, 20_000), (1_999_990_000, 900)]
)
def test_prices_wander_through_a_wide_range(self_trade, start, drift):
    naive = naive_book(self_trade, (1, 2_000_000_000))
    flow = Flow(naive, seed=10, spread=3 * drift, drift=drift, far=0.2)
    flow.centre = start
    replayed(Pair(naive), flow, LENGTH // 10 if JIT_DISABLED else LENGTH, chunk=40)


def messages_of(**fields):
    return st.fixed_dictionaries({name: fields.get(name, st.just(0)) for name in FIELDS})


IDS = st.integers(1, 7)
PRICES = st.integers(0, 9)  # 9 lies outside the range
QTYS = st.integers(0, 6)
PEOPLE = st.integers(0, 3)
STEPS = st.one_of(
    messages_of(
        side=st.integers(0, 1),
        tif=st.sampled_from((GTC, GTC, GTC, IOC, FOK)),
        flags=st.sampled_from((0, 0, 0, POST_ONLY, REDUCE_ONLY, POST_ONLY | REDUCE_ONLY)),
        owner=PEOPLE,
        order_id=IDS,
        price=PRICES,
        qty=QTYS,
    ),
    messages_of(kind=st.just(CANCEL), order_id=IDS),
    messages_of(kind=st.just(AMEND), order_id=IDS, price=PRICES, qty=QTYS),
    messages_of(kind=st.just(CANCEL_ALL), owner=PEOPLE),
    st.sampled_from(STATES),
    st.one_of(st.none(), st.integers(1, 9)),
)


def small_pair(self_trade, **how):
    return Pair(NaiveOrderBook((1, 8), 5, 3, self_trade), **how)


def run(pair, steps):
    """Messages are sent, words are states, anything else is the reference of an auction."""
    for step in steps:
        if isinstance(step, str):
            pair.set_state(step)
        elif not isinstance(step, dict):
            pair.uncross(step)
        elif not (pair.renames and step["kind"] == NEW and step["order_id"] in pair.naive.live):
            pair.replay([step])
        pair.compare()
    pair.compare_tapes()


@given(st.sampled_from(RULES), st.lists(STEPS, max_size=40))
def test_small_streams(self_trade, steps):
    run(small_pair(self_trade), steps)


@given(st.sampled_from(RULES), st.lists(STEPS, max_size=40))
def test_small_streams_where_the_book_chooses_the_ids(self_trade, steps):
    run(small_pair(self_trade, ids="book", renames=True), steps)
