"""A drawn case played by the naive engine, and by the kernel's beside it."""

from dataclasses import asdict
from functools import cache
from importlib import import_module
from random import Random

import numpy as np

from squeezegym.codes import Source
from tests.kernels import from_python, read_side, small_market
from tests.oracle.engine_draws import FEW_ORDERS, MS, PRICE
from tests.oracle.naive_accounts import (
    FRESH,
    FUND,
    LEARNER,
    MAKER,
    OUTSIDE,
    REMAINDER,
    SELL,
    VAULT,
    is_individual,
)
from tests.oracle.naive_engine import NaiveEngine
from tests.oracle.naive_ledger import BUY
from tests.oracle.naive_orderbook import CANCEL, GTC

ENGINE = int(Source.ENGINE)
NEVER = np.iinfo(np.int64).max
PERP = np.int64(0)
MANY_EVENTS = 5_000
KERNELS = {
    "exchange": ("place", "withdraw"),
    "triggers": ("enlist", "delist", "check_mark"),
    "liquidation": ("serve_engine",),
}


def naive(case):
    """Return the naive engine at the opening of a case."""
    maker, taker, liquidation = case.fees
    engine = NaiveEngine(case.rules, case.brackets, liquidation, maker, taker)
    engine.open(FUND, case.rules.fund)
    engine.open(VAULT, case.rules.vault)
    for slot, (lots, entry, deposit) in case.holders.items():
        engine.open(slot, deposit - lots * entry, lots, abs(lots) * entry)
    quote, perp = engine.accounts.sums()
    engine.open(OUTSIDE, -quote, -perp)
    engine.fund_peak = case.rules.fund
    return engine


class Alone:
    """Stands in for the kernel: agrees with everything, takes accounts in any order."""

    def __init__(self, case, oracle):
        self.oracle = oracle
        self.random = Random(case.seed)
        self.n_orders = 0

    def place(self, owner, side, price, qty):
        self.n_orders += 1
        return None, self.n_orders

    def cancel(self, order_id):
        pass

    def set_mark(self, mark, now):
        slots = self.oracle.set_mark(mark, now)
        self.random.shuffle(slots)
        return slots

    def serve(self, now):
        pass

    def agree(self):
        assert self.oracle.accounts.sums() == (0, 0)


class Kernel:
    """The kernel's market in the state of a case, and what must be equal."""

    def __init__(self, case, oracle):
        self.oracle = oracle
        opening, params = _opening()
        self.record = np.array([opening])[0]
        self.params = np.array([params])[0]
        self.kernels = _kernels()
        self._pack(case)
        self._open(case)

    def _pack(self, case):
        for name, value in asdict(case.rules).items():
            self.params["liquidation"][name] = value
        fees, margin = self.params["fees"], self.params["margin"]
        fees["maker"], fees["taker"], fees["liquidation"] = case.fees
        margin["n_tiers"] = len(case.brackets)
        for i, bracket in enumerate(case.brackets):
            for name, value in asdict(bracket).items():
                margin[name][i] = value

    def _open(self, case):
        accounts = self.record["accounts"]
        for slot, account in self.oracle.accounts.by_slot.items():
            for name in ("quote", "perp", "cost"):
                accounts[name][slot] = getattr(account, name)
        self.record["engine"]["fund_peak"] = case.rules.fund
        for slot in case.holders:
            self.kernels["enlist"](self.record, self.params, np.int64(slot))

    def place(self, owner, side, price, qty):
        """Return lots filled and the order's id."""
        arguments = (PERP, owner, side, price, qty, GTC, 0)
        filled, order_id = self.kernels["place"](
            self.record, self.params, *(np.int64(argument) for argument in arguments)
        )
        if owner == LEARNER:
            self.record["learners"][0]["order_id"] = order_id
        return int(filled), int(order_id)

    def cancel(self, order_id):
        self.kernels["withdraw"](self.record, self.params, PERP, np.uint64(order_id))

    def set_mark(self, mark, now):
        """Return the accounts that the new mark takes, in the order of the queue."""
        before = len(self.queue(0))
        self.record["clock"]["now"] = now
        self.record["marks"]["mark"] = mark
        self.kernels["check_mark"](self.record, self.params)
        return self.queue(0)[before:]

    def serve(self, now):
        assert int(self.record["clock"]["due"][ENGINE]) == now
        self.record["clock"]["now"] = now
        self.kernels["serve_engine"](self.record, self.params)

    def queue(self, which):
        """Return the slots of the fresh (0) or cooling (1) queue, the next one first."""
        engine, ring = self.record["engine"], self.record["queue"][which]
        head, size = (("head", "size"), ("cool_head", "cool_size"))[which]
        places = (int(engine[head]) + np.arange(int(engine[size]))) % len(ring)
        return ring[places].tolist()

    def agree(self):
        """Check everything that the page speaks of."""
        record, oracle = self.record, self.oracle
        self._agree_on_accounts()
        self._agree_on_queues()
        due = oracle.due()
        assert int(record["clock"]["due"][ENGINE]) == (NEVER if due is None else due)
        for side in (BUY, SELL):
            mine, theirs = read_side(record["books"][0], side), oracle.book.queues_of(side)
            assert mine == theirs, (mine[:3], theirs[:3])
        score = record["score"]
        assert int(score["deficit"]) == oracle.deficit
        assert int(score["deleveraged"]) == oracle.deleveraged
        assert score["liquidated"].tolist() == oracle.liquidated
        assert score["liquidations"].tolist() == oracle.liquidations

    def _agree_on_queues(self):
        """An account whose remainder runs is at the head of either: the page does not say."""
        running = [
            slot
            for slot, account in self.oracle.accounts.by_slot.items()
            if account.state == REMAINDER
        ]
        waiting = [[s for s in self.queue(which) if s not in running] for which in range(2)]
        fresh = [slot for slot in self.oracle.fresh if slot not in running]
        assert waiting == [fresh, self.oracle.cooling]

    def _agree_on_accounts(self):
        accounts, oracle = self.record["accounts"], self.oracle
        assert oracle.accounts.sums() == (0, 0)
        assert (int(accounts["quote"].sum()), int(accounts["perp"].sum())) == (0, 0)
        columns = {name: accounts[name].tolist() for name in ("quote", "perp", "cost", "laddered")}
        for slot, account in oracle.accounts.by_slot.items():
            kernel = tuple(columns[name][slot] for name in ("quote", "perp"))
            assert kernel == (account.quote, account.perp), f"account {slot}"
            if is_individual(slot):
                assert columns["cost"][slot] == account.cost, f"cost of account {slot}"
                held = max(columns["laddered"][slot], FRESH - 1)
                assert held == max(account.state, FRESH - 1), f"state of account {slot}"


def play(case, side=Alone):
    """Play a case on the oracle and on ``side``; return the oracle as it is at the end."""
    oracle = naive(case)
    other = side(case, oracle)
    if case.quote is not None:
        _place(oracle, other, LEARNER, *case.quote)
    other.agree()
    now = 0
    for wait, mark, orders, empties in case.steps:
        now += wait * MS
        _serve_until(now, oracle, other)
        if empties:
            _empty(oracle, other)
        for order in orders[: max(0, FEW_ORDERS - len(oracle.book.live))]:
            _place(oracle, other, MAKER, *order)
        taken = other.set_mark(mark, now)
        oracle.set_mark(mark, now)
        oracle.take(taken)
        other.agree()
    return oracle


def _place(oracle, other, *order):
    """Place an order on both; the margin check before a trade, which may refuse it, is not ours."""
    filled, order_id = other.place(*order)
    if not (filled or order_id):
        return  # refused for want of margin, which is not the engine's business
    assert oracle.place(*order, order_id) == filled or filled is None


def _empty(oracle, other):
    """Cancel the makers' orders."""
    for order in list(oracle.book.live.values()):
        if order.owner == MAKER:
            other.cancel(order.id)
            oracle.book.message(0, CANCEL, order.id, 0, 0, 0, 0, 0, MAKER)


def _serve_until(now, oracle, other):
    for _ in range(MANY_EVENTS):
        due = oracle.due()
        if due is None or due > now:
            return
        other.serve(due)
        oracle.serve(due)
        other.agree()
    raise AssertionError("the engine finds no end")


@cache
def _kernels():
    return {
        name: from_python(getattr(import_module(f"squeezegym.core.{module}"), name))
        for module, names in KERNELS.items()
        for name in names
    }


@cache
def _opening():
    """Return record and params of a market with an empty perp book and empty accounts."""
    market = small_market(
        **{
            "contract.price": PRICE / 10,
            "contract.basis_bps": 0.0,
            "episode.burn_in_s": 0.0,
            "learner.short_start": 0.0,
            "liquidation.fund_quote": 0.0,
            "positions": {
                "lots": (1, -1),
                "entry_ticks": (PRICE,) * 2,
                "deposit_quanta": (PRICE,) * 2,
            },
        }
    )
    record, params = market.record, market._batch.params[0]
    accounts = record["accounts"]
    for slot in np.flatnonzero(accounts["laddered"]):
        side = np.int64(accounts["perp"][slot] < 0)
        _kernels()["delist"](record, np.int64(slot), side)
    for name in ("quote", "perp", "cost"):
        accounts[name] = 0
    book = record["books"][0]
    for side in (BUY, SELL):
        for _, queue in read_side(book, side):
            for order_id, _, _ in queue:
                _kernels()["withdraw"](record, params, PERP, np.uint64(order_id))
    return record, params
