"""Kernels for tests: helpers made callable from Python, and two books to send messages to."""

import inspect
from functools import cache

import numba
import numpy as np

from squeezegym._jit import JIT_DISABLED
from squeezegym.codes import (
    FIRST_HOLDER_SLOT,
    LEARNER,
    NO_ASK,
    SelfTrade,
    Side,
    Tif,
)
from squeezegym.core.accounts import open_accounts
from squeezegym.core.book import open_book
from squeezegym.core.exchange import place, withdraw
from squeezegym.market import Market
from squeezegym.params import params_dtype
from squeezegym.state import market_dtype

BUY, SELL = int(Side.BUY), int(Side.SELL)
GTC, IOC = int(Tif.GTC), int(Tif.IOC)


@cache
def from_python(kernel):
    """Return ``kernel`` as a function Python can call (kernels carry no Python wrapper)."""
    if JIT_DISABLED:
        return kernel
    names = ", ".join(f"a{i}" for i in range(len(inspect.signature(kernel.py_func).parameters)))
    namespace = {"kernel": kernel}
    exec(f"def call({names}):\n    return kernel({names})\n", namespace)
    return numba.njit(error_model="numpy")(namespace["call"])


@numba.njit(error_model="numpy")
def _open(market, price, rule):
    open_accounts(market)
    for venue in range(2):
        book = market["books"][venue]
        base = price - np.int64(book["levels"].shape[0]) // 2
        open_book(book, np.int64(1), NO_ASK - np.int64(1), base, rule)
        book["last"] = price


@numba.njit(error_model="numpy")
def _place(market, params, venue, owner, side, price, qty, tif, flags):
    return place(market, params, venue, owner, side, price, qty, tif, flags)


@numba.njit(error_model="numpy")
def _withdraw(market, params, venue, order_id):
    return withdraw(market, params, venue, order_id)


class Exchange:
    """Two empty books of the small class, and the accounts behind them."""

    def __init__(self, price=10_000, maker_fee=0, taker_fee=0, rule=SelfTrade.ALLOW):
        self.market = np.zeros(1, market_dtype("small"))[0]
        self.params = np.zeros(1, params_dtype("small"))[0]
        self.params["fees"]["maker"] = maker_fee
        self.params["fees"]["taker"] = taker_fee
        _open(self.market, np.int64(price), np.int64(rule))

    @property
    def accounts(self):
        return self.market["accounts"]

    def book(self, venue=0):
        return self.market["books"][venue]

    def place(self, side, price, qty, tif=GTC, owner=FIRST_HOLDER_SLOT, venue=0, flags=0):
        """Return ``(filled, order id)``."""
        integers = (venue, owner, side, price, qty, tif, flags)
        filled, order_id = _place(self.market, self.params, *map(np.int64, integers))
        return int(filled), int(order_id)

    def cancel(self, order_id, venue=0):
        return int(_withdraw(self.market, self.params, np.int64(venue), np.uint64(order_id)))


def read_side(book, side):
    """Read one side as ``[(price, [(id, qty, owner), ...]), ...]``, best price and oldest first.

    It walks the linked lists of the record, so it reads what the kernel would match.
    """
    orders, levels = book["orders"], book["levels"]
    none = np.iinfo(np.uint32).max
    base, n_levels = int(book["base"]), len(levels)
    window = []
    for place_ in np.flatnonzero(levels["head"] != none).tolist():
        slot = int(levels["head"][place_])
        if int(orders["side"][slot]) != side:
            continue
        queue = []
        while slot != none:
            queue.append(slot)
            slot = int(orders["next"][slot])
        window.append((base + (place_ - base) % n_levels, queue))
    window.sort(reverse=side == BUY)
    slot = int(book["waiting_head"][side + 2])  # of an auction: older than the ladder's at a price
    crossed = {}
    while slot != none:
        crossed.setdefault(int(orders["price"][slot]), []).append(slot)
        slot = int(orders["next"][slot])
    for price, queue in window:
        crossed.setdefault(price, []).extend(queue)
    slot = int(book["waiting_head"][side])
    while slot != none:
        crossed.setdefault(int(orders["price"][slot]), []).append(slot)
        slot = int(orders["next"][slot])
    fields = ("id", "qty", "owner")
    by_price = sorted(crossed.items(), reverse=side == BUY)
    return [(p, [tuple(int(orders[f][s]) for f in fields) for s in queue]) for p, queue in by_price]


def read_book(book):
    """Read both sides: bids, asks."""
    return read_side(book, BUY), read_side(book, SELL)


# A market of few accounts whose shorts stand dense above the price.
SMALL = {
    "size_class": "small",
    "population.shorts": 120,
    "population.longs": 80,
    "episode.burn_in_s": 2.0,
    "catalyst.start_s": [2.0, 2.0],
    "catalyst.duration_s": 10.0,
    "catalyst.orders_per_s": 50.0,
    "catalyst.squeeze": 1.0,
    "catalyst.near_miss": 0.0,
    "catalyst.squeeze_size": [8.0, 8.0],
    "gateway.utilisation": 0.12,
    "gateway.surge": 0.0,
    "gateway.shed_delay_ms": 0.0,
    "transport.feed_stretch": 1.0,
}


# Nothing moves but what a test moves.
QUIET = {
    f"{section}.{venue}.{field}": 0.0
    for venue in ("perp", "spot")
    for section, field in (
        ("noise", "market_orders_per_s"),
        ("noise", "limit_visits_per_s"),
        ("makers", "visits_per_s"),
    )
} | {"value.decisions_per_s": 0.0, "catalyst.orders_per_s": 0.0, "arbitrage.looks_per_s": 0.0}


# A market that moves by its book alone: makers wait for their visits, activity is constant, and
# the matching engine takes no time.
PLAIN = {
    f"makers.{venue}.{field}": value
    for venue in ("perp", "spot")
    for field, value in {
        "visits_per_s": 55.0,
        "learning_bps_per_base": 0.3,
        "learning_power": 1.0,
        "foresight": 0.0,
        "panic": 0.0,
        "alert": 0,
        "memory_s": 5.0,
        "calm_trend_bps": 8.0,
        "withdrawal": 1.0,
        "floor": 0.25,
    }.items()
} | {
    "noise.perp.run_tail": 0.0,
    "noise.spot.run_tail": 0.0,
    "activity.log_sd": 0.0,
    "value.threshold_bps": 1.0,
    "value.base_per_bp": 0.8,
    "value.power": 1.0,
    "value.perp_share": 0.0,
    "gateway.utilisation": 0.0,
}


def same(mine, other):
    """Equal bytes; a plain bool, because a diff of megabytes would take for ever."""
    return bool(mine.tobytes() == other.tobytes())


def small_market(seed=7, log=False, **overrides):
    """Return a small market; keys may be written with ``__`` for the dot."""
    changes = {key.replace("__", "."): value for key, value in overrides.items()}
    return Market("short_squeeze", seed=seed, log=log, **{**SMALL, **changes})


def integers(record):
    """Return every integer of a record as one flat list of (path, array)."""
    found = []

    def walk(path, value):
        if value.dtype.names:
            for name in value.dtype.names:
                walk(f"{path}.{name}", value[name])
        else:
            found.append((path, np.array(value)))

    walk("", record)
    return found


LEARNER_SLOT = int(LEARNER)
