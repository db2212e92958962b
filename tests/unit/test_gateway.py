"""The gateway in literals: who waits for what, what is refused, what the learner hears of it."""

import numpy as np
import pytest

from squeezegym.codes import FIRST_HOLDER_SLOT, Account, LogKind, Source, Status
from squeezegym.envs.observation import INDEX
from squeezegym.errors import ConfigError
from squeezegym.gateways import calm_messages_per_s, service_time
from squeezegym.scenario import Scenario
from tests.kernels import BUY, GTC, IOC, LEARNER_SLOT, QUIET, SELL, _place, small_market

MS = 1_000_000
PENDING = 1
SERVICE = 10 * MS


class Venue:
    """A market in which nothing happens by itself, whose engine takes 10 ms for a message."""

    def __init__(self, **overrides):
        quiet = {
            **QUIET,
            "noise.perp.slots": 1,
            "makers.perp.alert": 0,
            "makers.spot.alert": 0,
            "gateway.service_us": SERVICE / 1000,
            "gateway.unknown_after_ms": 0.0,
            "learner.short_start": 0.0,
            "learner.latency_ms": 1.0,
            "learner.jitter_ms": 0.0,
        }
        self.market = small_market(log=True, **{**quiet, **overrides})
        self.market.run(0.2)

    @property
    def record(self):
        return self.market.record

    @property
    def now(self):
        return int(self.record["clock"]["now"])

    @property
    def gateway(self):
        return self.record["gateway"]

    def order(self, side, price, qty, tif=GTC, owner=Account.VALUE):
        """Match an order at once, as the venue's own are: it occupies the engine."""
        values = (0, owner, side, price, qty, tif, 0)
        _, order_id = _place(
            self.record, self.market._batch.params[0], *(np.int64(v) for v in values)
        )
        return int(order_id)

    def occupy(self, messages):
        """Keep the engine busy for so many service times."""
        for _ in range(messages):
            self.order(BUY, 600_000, 1)

    def visit(self, source=Source.LIMIT_PERP):
        """Let a population act now."""
        self.record["clock"]["due"][source] = self.now
        self.run_ms(0.001)

    def act(self, target, aggression=1.0):
        view = self.market._batch.views[0]
        view["target"], view["aggression"], view["has_action"] = target, aggression, 1
        self.run_ms(0.001)

    def run_ms(self, milliseconds):
        self.market.run(milliseconds / 1000)

    def rows(self, kind=LogKind.ORDER, owner=None):
        rows = self.market.log()
        rows = rows[rows["kind"] == kind]
        return rows if owner is None else rows[rows["account"] == owner]

    def sees(self, name):
        self.market._run_until(self.now)
        return float(self.market._batch.views[0]["observation"][INDEX[name]])


def test_a_message_that_finds_the_engine_idle_is_matched_at_once():
    venue = Venue()
    venue.act(0.5)
    venue.run_ms(1.1)
    (row,) = venue.rows(owner=LEARNER_SLOT)
    assert row["filled"] == row["qty"] > 0
    assert int(venue.gateway["busy_until"]) == int(row["time"]) + SERVICE
    assert int(venue.gateway["served"]) == 0


def test_others_wait_their_turn_first_come_first_served():
    venue = Venue()
    venue.occupy(3)
    free = int(venue.gateway["busy_until"])
    venue.visit()
    venue.act(0.5)
    venue.run_ms(20)
    assert int(venue.gateway["waiting"]) == 2
    assert len(venue.rows(owner=LEARNER_SLOT)) == len(venue.rows(owner=Account.NOISE)) == 0
    venue.run_ms(30)
    assert [int(row["time"]) for row in venue.rows(owner=Account.NOISE)] == [free]
    assert [int(row["time"]) for row in venue.rows(owner=LEARNER_SLOT)] == [free + SERVICE]
    assert int(venue.gateway["served"]) == 2


def test_a_slot_waits_for_the_id_of_its_order_and_is_left_alone_meanwhile():
    venue = Venue()
    slots = venue.record["noise"]
    venue.occupy(2)
    for _ in range(3):
        venue.visit()
        assert int(slots[0, 0]) == PENDING and int(venue.gateway["waiting"]) == 1
    venue.run_ms(25)
    standing = venue.market.orders(0)
    assert int(slots[0, 0]) in standing["id"][standing["owner"] == Account.NOISE]


def test_a_quote_that_finds_the_touch_moved_stands_behind_it():
    venue = Venue()
    orders = venue.market.orders(0)
    for order in orders[orders["side"] == SELL]:
        venue.order(BUY, int(order["price"]), int(order["qty"]), IOC)
    venue.run_ms(2000)
    venue.occupy(2)
    for _ in range(40):
        venue.visit(Source.MAKER_PERP)
    head, waiting = int(venue.gateway["head"]), int(venue.gateway["waiting"])
    line = venue.record["line"][head : head + waiting]
    asks = line["price"][line["side"] == SELL]
    bid = int(asks.max()) + 1
    venue.order(BUY, bid, 50)
    before = len(venue.rows(owner=Account.MAKER))
    venue.run_ms(1000)
    quotes = venue.rows(owner=Account.MAKER)[before:]
    sold = quotes[quotes["side"] == SELL]
    assert len(sold) == len(asks) and (sold["status"] == Status.RESTING).all()
    assert (sold["price"] == bid + 1).all()


def test_a_cancel_that_comes_after_the_fill_finds_nothing():
    venue = Venue()
    venue.visit()
    order_id = int(venue.record["noise"][0, 0])
    (order,) = venue.market.orders(0)[venue.market.orders(0)["id"] == order_id]
    venue.occupy(3)
    venue.visit()
    assert int(venue.record["noise"][0, 0]) == PENDING
    venue.order(1 - int(order["side"]), int(order["price"]), 10**6, IOC)
    venue.run_ms(60)
    cancel = venue.rows(LogKind.CANCEL)[-1]
    assert (int(cancel["order_id"]), int(cancel["qty"])) == (order_id, 0)
    assert cancel["status"] == Status.UNKNOWN_ORDER
    assert int(venue.record["noise"][0, 0]) == 0


@pytest.mark.parametrize(
    ("exempt", "reducing"), [("binance", True), ("bitmex", False), ("nobody", False)]
)
def test_an_overloaded_venue_takes_what_its_rule_exempts(exempt, reducing):
    venue = Venue(**{"gateway.exempt": exempt, "gateway.shed_waiting": 1})
    venue.act(0.5)
    venue.run_ms(30)
    held = int(venue.record["accounts"]["perp"][LEARNER_SLOT])
    assert held > 0
    venue.occupy(4)
    venue.visit()
    venue.act(1.0)
    venue.run_ms(3)
    row = venue.rows(owner=LEARNER_SLOT)[-1]
    assert (row["status"], row["filled"]) == (Status.OVERLOADED, 0)
    assert venue.gateway["refused"].tolist() == [1, 0, 0]
    assert (venue.sees("refused"), venue.sees("unknown")) == (1.0, 0.0)
    venue.act(0.25)
    venue.run_ms(100)
    left = int(venue.record["accounts"]["perp"][LEARNER_SLOT])
    assert left == (pytest.approx(held / 2, rel=0.1) if reducing else held)
    assert venue.sees("refused") == (0.0 if reducing else 1.0)


def test_a_full_line_takes_nobody():
    venue = Venue(**{"gateway.queue_bound": 1, "gateway.shed_waiting": 0})
    venue.occupy(3)
    venue.visit()
    venue.act(0.5)
    venue.run_ms(3)
    assert venue.rows(owner=LEARNER_SLOT)[-1]["status"] == Status.QUEUE_FULL
    assert venue.gateway["refused"].tolist() == [0, 1, 0]


def test_an_order_whose_cancel_was_refused_does_not_come_on_top():
    venue = Venue(**{"gateway.queue_bound": 1, "gateway.shed_waiting": 0})
    venue.act(0.5, -1.0)
    venue.run_ms(30)
    mine = int(venue.record["learners"][0]["order_id"])
    assert mine != 0
    venue.occupy(2)
    venue.visit()
    venue.act(1.0, -1.0)
    venue.run_ms(100)
    orders = venue.market.orders(0)
    assert orders["id"][orders["owner"] == LEARNER_SLOT].tolist() == [mine]


def test_the_rate_limit_is_a_bucket_of_orders_and_cancels_are_free():
    venue = Venue(
        **{"gateway.orders_per_s": 10.0, "gateway.order_burst": 2.0, "gateway.service_us": 0.0}
    )
    statuses = []
    for target in (0.2, 0.4, 0.6, 0.6, 0.8):
        venue.act(target)
        venue.run_ms(10)
        statuses.append(Status(int(venue.rows(owner=LEARNER_SLOT)[-1]["status"])))
    filled, limited = Status.FILLED, Status.RATE_LIMITED
    assert statuses == [filled, filled, limited, limited, limited]
    assert venue.sees("refused") == 1.0
    venue.run_ms(100)
    venue.act(0.6)
    venue.run_ms(10)
    assert venue.rows(owner=LEARNER_SLOT)[-1]["status"] == filled
    assert venue.sees("refused") == 0.0


def test_execution_is_unknown_until_the_truth_comes():
    venue = Venue(**{"gateway.unknown_after_ms": 20.0})
    venue.occupy(10)
    venue.act(0.5)
    venue.run_ms(20)
    assert (venue.sees("unknown"), venue.sees("position")) == (0.0, 0.0)
    venue.run_ms(5)
    assert (venue.sees("unknown"), venue.sees("position")) == (1.0, 0.0)
    venue.act(-0.5)
    venue.run_ms(50)
    assert int(venue.record["learners"][0]["sent"]) == 1  # it sends nothing before it knows
    assert (venue.sees("unknown"), venue.sees("position")) == (1.0, 0.0)
    venue.run_ms(50)
    assert venue.sees("unknown") == 0.0 and venue.sees("position") > 0.4


@pytest.mark.parametrize("liquidations", ["priority", "queue"])
def test_forced_orders_wait_where_the_scenario_says_so(liquidations):
    venue = Venue(**{"gateway.liquidations": liquidations, "gateway.service_us": 10_000.0})
    venue.market.change_margin(brackets=[[0.0, 0.4]])
    venue.market.run(1.0 - venue.market.time + 0.001)
    due = int(venue.record["clock"]["due"][Source.ENGINE])
    assert venue.now < due < 10**18
    venue.occupy(10)
    free = int(venue.gateway["busy_until"])
    venue.run_ms(1000)
    first = venue.rows(LogKind.LIQUIDATION)[0]
    assert int(first["account"]) >= FIRST_HOLDER_SLOT
    assert int(first["time"]) == (free if liquidations == "queue" else due)


def test_the_service_time_follows_from_the_utilisation():
    calm = Scenario.load("calm")
    rate = calm_messages_per_s(calm)
    assert service_time(calm) == pytest.approx(0.14 / rate)
    half = Scenario.load(calm, **{"gateway.utilisation": 0.06})
    assert service_time(half) == pytest.approx(0.06 / rate)
    stated = Scenario.load(calm, **{"gateway.messages_per_s": 100.0})
    assert service_time(stated) == pytest.approx(0.0014)
    assert service_time(Scenario.load(calm, **{"gateway.service_us": 0.0})) == 0.0


def test_latencies_are_lognormal_by_distance():
    for access, median, late in (("colocated", 0.5, 2.0), ("retail", 15.0, 60.0)):
        venue = Venue(**{"learner.access": access, "gateway.service_us": 0.0})
        sent = []
        for k in range(300):
            sent.append(venue.now)
            venue.act(0.1 if k % 2 else 0.2, -1.0)
            venue.run_ms(400)
        rows = venue.rows(owner=LEARNER_SLOT)
        assert len(rows) == len(sent)
        travel = (rows["time"] - np.array(sent)) / MS
        # An order travels behind the cancel of the one before: the later of two.
        spread = np.log(late / median) / 2.326
        drawn = median * np.exp(spread * np.random.default_rng(1).normal(size=(2, 10**5)))
        assert np.median(travel) == pytest.approx(np.median(drawn.max(0)), rel=0.15)
        assert np.quantile(travel, 0.9) == pytest.approx(np.quantile(drawn.max(0), 0.9), rel=0.25)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"gateway.queue_bound": 191}, "queue_bound must be 1 to 190 in size_class 'default'"),
        ({"gateway.retail_ms": (20.0, 10.0)}, "retail_ms takes a median and a larger 99th"),
        ({"gateway.utilisation": 1.0}, "gateway.utilisation"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(changes, sentence):
    with pytest.raises(ConfigError, match=sentence):
        Scenario.load("calm", **changes)
