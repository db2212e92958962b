"""``squeezegym.OrderBook`` against the naive one on random streams; no number may differ."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from squeezegym import MESSAGE_DTYPE, OrderBook
from squeezegym._jit import JIT_DISABLED
from squeezegym.codes import Side, Status, Tif
from squeezegym.errors import ConfigError
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

pytestmark = [pytest.mark.nojit, pytest.mark.boundscheck]

RULES = ("allow", "cancel_newest", "cancel_oldest", "cancel_both", "decrement")
STATES = ("open", "cancel_only", "halted", "auction")
FIELDS = ("kind", "side", "tif", "flags", "owner", "order_id", "price", "qty")
OWNERS = 6
NEVER_GIVEN = 2**64 - 3
LENGTH = 400 if JIT_DISABLED else 4000


def naive_book(self_trade, price_range=(100, 139), max_orders=1000):
    return NaiveOrderBook(price_range, max_orders, OWNERS, self_trade)


class Flow:
    """Random messages around a wandering centre, with the live ids of the naive book.

    Args:
        naive: The book that will get the messages.
        seed: Of the random numbers.
        spread: Standard deviation of the prices around the centre, in ticks.
        drift: Standard deviation of the centre's steps.
        far: Share of the prices that stand far away, at any order of magnitude.
        reduce: Share of the orders that are reduce-only.
        stride: Ids are multiples of this number, modulo 2**64.
        strict: Leave out what only a raw message can be: undefined codes and an id used twice.
    """

    def __init__(self, naive, seed, spread=6.0, drift=0.7, far=0.02, reduce=0.2, **ids):
        self.naive = naive
        self.draw = random.Random(seed)
        self.spread, self.drift, self.far, self.reduce = spread, drift, far, reduce
        self.stride, self.strict = ids.get("stride", 1), ids.get("strict", False)
        self.centre = sum(naive.price_range) // 2
        self.used = 0

    def take(self, n):
        """Yield messages; each looks at the naive book when it is asked for."""
        for _ in range(n):
            yield self.message()

    def message(self):
        undefined = 0 if self.strict else 4
        kind = self.draw.choices(
            (NEW, CANCEL, AMEND, CANCEL_ALL, self.draw.randint(4, 255)),
            (600, 70, 130, 2, undefined),
        )[0]
        message = {**dict.fromkeys(FIELDS, 0), "kind": kind, "owner": self.owner()}
        side = self.draw.randrange(2)
        if kind == NEW:
            message |= self.new(message["owner"], side)
        else:
            price = self.price(side) if self.draw.random() < 0.6 else 0
            message |= {"order_id": self.known_id(), "price": price, "qty": self.quantity()}
        return message

    def new(self, owner, side):
        codes = {
            "side": side,
            "tif": self.draw.choices((GTC, IOC, FOK), (75, 12, 13))[0],
            "flags": self.draw.choices((0, POST_ONLY), (85, 15))[0],
        }
        if self.draw.random() < self.reduce:
            codes["flags"] |= REDUCE_ONLY
            if self.draw.random() < 0.7:
                side = codes["side"] = int(self.naive.position(owner) > 0)
        if not self.strict and self.draw.random() < 0.01:
            codes[self.draw.choice(list(codes))] = self.draw.choice((4, 8, 16, 128, 255))
        price = 0 if self.draw.random() < 0.06 else self.price(side)
        return codes | {"order_id": self.new_id(), "price": price, "qty": self.quantity()}

    def owner(self):
        nobody = self.draw.random() < 0.01
        return self.draw.choice((OWNERS, 2**32 - 1)) if nobody else self.draw.randrange(OWNERS)

    def quantity(self):
        if self.draw.random() < 0.01:
            return self.draw.choice((0, -1, 2**32, 2**32 - 1, 2**63 - 1, -(2**63)))
        return self.draw.choice((1, 1, 2, 3, 5, 8, 13, 40))

    def price(self, side):
        low, high = self.naive.price_range
        if self.draw.random() < 0.01:
            return self.draw.choice((low - 1, high + 1, -5, 2**62))
        self.centre = min(max(low, self.centre + self.draw.gauss(0, self.drift)), high)
        away = self.draw.gauss(0.9, 1) * self.spread  # mostly on the passive side
        if self.draw.random() < self.far:
            away = (high - low) ** self.draw.random() * self.draw.choice((1, 1, 1, -1))
        price = self.centre - away if side == Side.BUY else self.centre + away
        return round(min(max(low, price), high)) or 1

    def new_id(self):
        if not self.strict and self.draw.random() < 0.05:
            return self.known_id()
        self.used += 1
        return self.used * self.stride % 2**64

    def known_id(self):
        """Return the id of a live order, sometimes of one that was or never will be."""
        if self.naive.live and self.draw.random() < 0.85:
            return self.draw.choice(list(self.naive.live))
        return max(1, self.used + 1 - self.draw.randrange(60)) * self.stride % 2**64


class Pair:
    """Both books; whatever they say is compared.

    Args:
        naive: The naive book; messages name its ids.
        ids: Passed to the fast book.
        renames: Whether the fast book chooses its ids itself.
    """

    def __init__(self, naive, ids="caller", renames=False):
        self.naive = naive
        self.fast = OrderBook(
            price_range=naive.price_range,
            max_orders=naive.max_orders,
            max_owners=naive.max_owners,
            self_trade=naive.self_trade,
            ids=ids,
        )
        self.renames = renames
        self.ids = {}  # naive id -> the fast book's
        self.counts = dict.fromkeys(Status, 0)
        self.sent = 0
        self.tape = []  # all rows that the fast book should have

    def fast_id(self, order_id):
        return self.ids.get(order_id, NEVER_GIVEN) if self.renames else order_id

    def ask_naive(self, message):
        result = self.naive.message(self.sent, **message)
        self.counts[result.status] += 1
        self.sent += 1
        return result

    def new_rows(self):
        """Return the naive tape since the last call, with the fast book's ids."""
        rows = [
            (message, self.fast_id(taker), self.fast_id(maker), *rest)
            for message, taker, maker, *rest in self.naive.tape[len(self.tape) :]
        ]
        self.tape += rows
        return rows

    def replay(self, messages):
        """Send messages as one chunk; a flow draws each when the naive book has the last."""
        first, sent, results = self.sent, [], []
        for message in messages:
            sent.append(tuple(message[name] for name in FIELDS))
            results.append((message, self.ask_naive(message)))
        rows = np.array(sent, dtype=[(name, "O") for name in FIELDS])
        rows["order_id"] = [self.fast_id(order_id) for order_id in rows["order_id"]]
        receipts, tape = self.fast.replay(rows.astype(MESSAGE_DTYPE))
        answers = receipts[["order_id", "status", "filled", "resting", "withdrawn"]].tolist()
        for (message, result), (order_id, *answer) in zip(results, answers, strict=True):
            assert tuple(answer) == result, (message, Status(answer[0]), result)
            if message["kind"] == NEW and self.renames:
                self.ids[message["order_id"]] = order_id
            elif message["kind"] != CANCEL_ALL:
                assert order_id == self.fast_id(message["order_id"])
        assert tape.tolist() == [(row[0] - first, *row[1:]) for row in self.new_rows()]

    def call(self, message):
        """Send one message through the method of its kind; the fast book chooses the ids."""
        opened = self.naive.live.get(message["order_id"])
        same_qty = opened is not None and opened.qty == message["qty"]
        result = self.ask_naive(message)
        order_id, owner = self.fast_id(message["order_id"]), message["owner"]
        price = message["price"] or None
        if message["kind"] == CANCEL_ALL:
            assert self.fast.cancel_all(owner) == result.withdrawn
            return
        if message["kind"] == NEW:
            receipt = self.submit(message, price)
        elif message["kind"] == AMEND:
            receipt = self.fast.amend(order_id, None if same_qty else message["qty"], price)
        else:
            receipt = self.fast.cancel(order_id)
        assert (receipt.status, receipt.filled, receipt.resting, receipt.withdrawn) == result
        rows = self.new_rows()
        assert receipt.fills == [(at, qty, maker) for _, _, _, at, qty, _, maker in rows]

    def submit(self, message, price):
        low, high = self.naive.price_range
        tif, cap = Tif(message["tif"]).name, None
        if message["tif"] != GTC and price is not None and low <= price <= high:
            price, cap = None, price  # a market order with this cap is the same
            tif = "FOK" if tif == "FOK" else "GTC"
        receipt = self.fast.submit(
            Side(message["side"]),
            message["qty"],
            price,
            tif=tif,
            post_only=bool(message["flags"] & POST_ONLY),
            reduce_only=bool(message["flags"] & REDUCE_ONLY),
            owner=message["owner"],
            price_cap=cap,
        )
        self.ids[message["order_id"]] = receipt.order_id
        return receipt

    def set_state(self, name, reference=None):
        """Change the state; a crossed book is uncrossed before it opens."""
        if name == "open" and self.naive.crossed:
            with pytest.raises(ConfigError, match="uncross"):
                self.fast.set_state(name)
            self.uncross(reference)
        self.naive.set_state(name)
        self.fast.set_state(name)

    def uncross(self, reference=None):
        price, volume, imbalance, _ = self.naive.uncross(reference)
        got = self.fast.uncross(reference)
        assert (got.price, got.volume, got.imbalance) == (price, volume, imbalance)
        rows = self.new_rows()
        assert got.fills == [(at, qty, buy, sell) for _, buy, sell, at, qty, *_ in rows]

    def compare(self):
        naive, fast = self.naive, self.fast
        assert fast.levels(10) == naive.levels(10)
        assert fast.orders() == [
            (self.fast_id(order_id), *rest) for order_id, *rest in naive.orders()
        ]
        for order_id in naive.live:
            assert fast.queue_ahead(self.fast_id(order_id)) == naive.queue_ahead(order_id)
        bids, asks = naive.levels(1)
        assert fast.best_bid == (bids[0][0] if bids else None)
        assert fast.best_ask == (asks[0][0] if asks else None)
        for owner in range(naive.max_owners):
            assert fast.position(owner) == naive.position(owner)
        assert {status: fast.counts().get(status, 0) for status in Status} == self.counts

    def compare_tapes(self):
        assert self.fast.tape().tolist() == self.tape


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
