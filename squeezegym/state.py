"""The record of one market: dtypes with their units, and how they are allocated.

A market is one record of :func:`market_dtype`; a batch is an array of them. Copying,
saving, comparing and restoring a market are array operations; no dtype has padding, so equal
markets are equal bytes. Units: price in ticks,
quantity in lots, cash in quanta (1 quantum = 1 tick x 1 lot), time in nanoseconds since
the episode began (negative during burn-in).

A nested array's shape is part of numba's type, so capacities come in size classes: each
is one dtype, one compiled signature and one entry of the disk cache.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import numpy as np

from squeezegym.accountrecord import (
    ACCOUNT_DTYPE,
    ARBITRAGEUR_DTYPE,
    BORROW_DTYPE,
    CROWD_DTYPE,
    ENGINE_DTYPE,
    HOLDER_DTYPE,
    N_ARBITRAGEURS,
    ladder_dtype,
)
from squeezegym.bookrecord import LINE, book_dtype, zeros_on_lines
from squeezegym.codes import Source, Stream
from squeezegym.errors import ConfigError, did_you_mean
from squeezegym.gatewayrecord import (
    FEED_DTYPE,
    N_MESSAGES,
    SNAPSHOT_DTYPE,
    WAITING_DTYPE,
    gateway_dtype,
)
from squeezegym.protectionrecord import FILL_DTYPE, PROTECTION_DTYPE
from squeezegym.terms import TERMS_DTYPE
from squeezegym.viewrecord import VIEW_DTYPE

SizeClass = Literal["small", "default", "large"]

N_SOURCES = -(-len(Source) // 2) * 2  # searched in two halves; a place left over stays NEVER
N_STREAMS = len(Stream)
SEAT_STREAMS = (Stream.LEARNER, Stream.GATEWAY)  # of which every learner has its own
N_VENUES = 5  # spot venues of the index
N_BASIS = 30  # samples of the basis window
N_HISTORY = 256  # steps of the price history that the opening positions come from
N_LEVERAGES = 8  # rows of a leverage mix
N_ROUNDS = 4  # distances between round prices
N_AHEAD = 12  # visits of a step that a batch foresees


@dataclass(frozen=True, slots=True)
class Sizes:
    """Capacities of one size class.

    Args:
        accounts: Account slots, pots and pools among them.
        levels: Price levels in a book's rolling window; a power of two, at least 4,096.
        orders: Resting orders a book can hold.
        quotes: Maker quote slots of each book side.
        noise: Noise order slots of each book.
        buckets: Buckets of each side of the liquidation ladder: some for each account.
        log: Rows of the event log between two drains.
        fills: Perp fills that a cancellation of trades can reach back to.
        waiting: Messages that can wait before the matching engine.
    """

    accounts: int
    levels: int
    orders: int
    quotes: int
    noise: int
    buckets: int
    log: int
    fills: int
    waiting: int


SIZES: dict[str, Sizes] = {
    "small": Sizes(
        accounts=272,
        levels=4096,
        orders=1024,
        quotes=64,
        noise=256,
        buckets=4096,
        log=256,
        fills=1024,
        waiting=192,
    ),
    "default": Sizes(
        accounts=2064,
        levels=8192,
        orders=3072,  # every quote and noise order, and as many others as noise orders
        quotes=1024,
        noise=512,
        buckets=4096,
        log=256,
        fills=2048,
        waiting=192,
    ),
    "large": Sizes(
        accounts=100_016,
        levels=16384,
        orders=16384,
        quotes=4096,
        noise=2048,
        buckets=262_144,
        log=2048,
        fills=16384,
        waiting=1024,
    ),
}


def clock_dtype(seats: int = 1) -> np.dtype[Any]:
    """Return the dtype of the clock and the random streams of a market of so many learners."""
    return np.dtype(
        [
            ("now", "i8"),
            ("due", "i8", (N_SOURCES,)),  # next event of each source; NEVER when idle
            ("events", "i8"),  # messages that reached a matching engine
            ("problems", "i8"),  # bits of codes.Problem
            ("problem_count", "i8"),
            # Those of Stream, then two for each learner but the first.
            ("rng", "u8", (N_STREAMS + len(SEAT_STREAMS) * (seats - 1), 2)),
        ],
        align=True,
    )


MARKS_DTYPE = np.dtype(
    [
        ("mark", "i8"),  # ticks
        ("index", "i8"),  # ticks
        ("fundamental", "f8"),  # ticks; known to value traders and to scoring only
        ("fundamental_time", "i8"),
        ("venues", "f8", (N_VENUES,)),  # spot venues, ticks; the first is the spot book
        ("heard", "i8", (N_VENUES,)),  # time of each venue's last update
        ("weight", "f8", (N_VENUES,)),  # in the index; 0 without an update for too long
        ("basis", "f8", (N_BASIS,)),  # one sample a mark update, ticks
        ("n_basis", "i8"),
        ("basis_mean", "f8", (2,)),  # moving mean of mid minus index: numerator, denominator
        ("local_mean", "f8", (2,)),  # of the median of touch and last trade
        ("time", "i8"),
    ],
    align=True,
)

FUNDING_DTYPE = np.dtype(
    [
        ("premium", "f8"),  # last sample, relative
        ("total", "f8"),  # weighted sum of the interval's samples
        ("mass", "f8"),  # of their weights
        ("n_samples", "i8"),
        ("predicted", "f8"),  # rate of the interval, not rounded
        ("carry", "f8"),  # accrued and not yet paid, because the rate was rounded
        ("rate", "i8"),  # the predicted rate as published, 1e-8
        ("settled", "i8"),  # rate of the last payment, 1e-8
        ("owed", "i8"),  # by a long lot in that payment, 1e-8 quanta
        ("cursor", "i8"),  # next account slot of a payment under way; 0: none is
        ("n_paid", "i8"),  # payments so far
    ],
    align=True,
)

FLOW_DTYPE = np.dtype(
    [
        ("excitation", "f8", (2,)),  # self-excited part of the market-order intensity, 1/s
        ("excited_at", "i8", (2,)),
        ("sign", "i8", (2,)),  # last noise aggressor side; of the metaorder under way
        ("run_left", "i8", (2,)),  # orders of that metaorder still to come
        ("expected", "f8", (2,)),  # net flow of a trade that makers expect, as they learn from it
        ("news", "f8", (2,)),  # fast and slow part of the log of activity
        ("activity", "f8"),  # of noise flow, in its mean
        ("agitation", "f8"),  # volatility of the fundamental, in its root mean square
        ("reference", "f8", (2,)),  # makers' reference price, ticks
        ("trend", "f8", (2,)),  # fast minus slow reference, ticks
        ("slow", "f8", (2,)),
        ("seen_mid", "f8", (2,)),  # mid at the last look, ticks
        ("variance", "f8", (2,)),  # of the mid, ticks squared a second, exponentially weighted
        ("net", "i8", (2,)),  # net aggressor lots that makers have learnt from
        ("seen_at", "i8", (2,)),
        ("catalyst_left", "i8"),  # lots still to trade
        ("catalyst_end", "i8"),
        ("catalyst_size", "i8"),
        ("catalyst_multiple", "f8"),  # size in ignition barriers
    ],
    align=True,
)

SCORE_DTYPE = np.dtype(
    [
        ("barrier", "i8"),  # ignition barrier at the catalyst's start, lots; 0 before
        ("demand", "i8"),  # net exogenous aggressor lots since then, signed
        ("ignition", "i8"),  # time; NEVER before
        ("visible_n", "f8"),  # largest rho/lambda over the barrier's band
        ("liquidated", "i8", (2,)),  # lots of longs (0) and shorts (1) taken by the engine
        ("liquidations", "i8", (2,)),
        ("printed", "i8", (2,)),  # of them, lots that the public liquidation feed has carried
        ("deleveraged", "i8"),  # lots closed against other accounts
        ("taken_over", "i8"),  # lots that the vault took
        ("refused", "i8"),  # orders of individual accounts refused for want of margin
        ("socialised", "i8"),  # quanta of losses charged to other accounts
        ("loss_per_lot", "f8"),  # quanta a lot, cumulative
        ("deficit", "i8"),  # quanta that the fund paid
        ("taken", "i8", (2, 2)),  # aggressor lots by book and side
        ("open_interest", "i8"),  # sum of the long perp positions, lots
        ("bought_in", "i8"),  # lots of borrowed coins bought back by force
        ("buy_ins", "i8"),  # accounts
        ("written_off", "i8"),  # lots that the lender lost
    ],
    align=True,
)

ACK_DTYPE = np.dtype(
    [
        ("due", "i8"),
        ("served", "i8"),  # messages matched by then
        ("position", "i8"),  # lots
        ("quote", "i8"),
        ("cost", "i8"),
        ("trigger", "i8"),
        ("order_side", "i8"),
        ("order_price", "i8"),
        ("order_qty", "i8"),  # 0: no order rests
        ("liquidated", "i8"),  # 1 once the engine has closed the position
        ("answer", "i8"),  # codes.Status of what the gateway said to its last message; 0: nothing
    ],
    align=True,
)

LEARNER_DTYPE = np.dtype(
    [
        ("order_id", "u8"),  # resting order; 0: none
        ("known", ACK_DTYPE),  # what its own acks have told it
        ("n_acks", "i8"),
        ("liquidated", "i4"),  # 1 once the engine took it
        ("hand", "i4"),  # 1: a second order on the account of the learner before
        ("bought", "i8"),  # lots
        ("sold", "i8"),
        ("opening_interest", "i8"),  # open interest when the episode began, lots
        ("start_equity", "i8"),  # quanta, when the episode began
        ("changed", "i8"),  # 1: an ack is due to be sent
        ("sent", "i8"),  # messages
        ("served", "i8"),  # of them, matched or refused
        ("cancelled", "i8"),  # of its orders
        ("answer", "i8"),  # codes.Status with which the gateway met its last message; 0: matched
        ("carried", "i8"),  # lots that a cancelled order filled, signed, till its replacement
        ("tokens", "f8"),  # orders that the rate limit allows now
        ("refilled", "i8"),  # time of that
        ("price", "i8"),  # what marks moved its position's worth, quanta; since the episode began
        ("fees", "i8"),  # paid on its own trades
        ("funding", "i8"),  # received minus paid
        ("borrow", "i8"),  # paid to the lender
        ("slippage", "i8"),  # lost by its own fills, off the price they are valued at
        ("deleveraged", "i8"),  # lots closed against others' liquidations
        ("acks", ACK_DTYPE, (N_MESSAGES,)),
    ],
    align=True,
)

LOG_VERSION = 5
LOG_DTYPE = np.dtype(
    [
        ("time", "i8"),  # ns
        ("kind", "u1"),  # codes.LogKind
        ("book", "u1"),  # codes.Venue
        ("side", "u1"),  # codes.Side of an order
        ("tif", "u1"),
        ("status", "u2"),  # codes.Status of the receipt
        ("flags", "u2"),  # bits of codes.OrderFlag
        ("account", "u4"),  # owner, payer or seller
        ("other", "u4"),  # payee or buyer
        ("price", "i8"),  # ticks; a limit, a transfer price, or the mark
        ("qty", "i8"),  # lots; quanta for TRANSFER; the index for MARK
        ("filled", "i8"),  # lots
        ("order_id", "u8"),  # of the resting order; the trigger for LIQUIDATION; a reference
    ],
    align=True,
)


@cache
def market_dtype(size: SizeClass = "default", seats: int = 1) -> np.dtype[Any]:
    """Return the dtype of one market of a size class, with places for so many learners.

    The first learner's account is ``Account.LEARNER``; those of the others are the last ones.
    """
    if size not in SIZES:
        raise ConfigError(
            f"size_class must be one of {', '.join(SIZES)}, got {size!r}{did_you_mean(size, SIZES)}"
        )
    sizes = SIZES[size]
    accounts = sizes.accounts + seats // 2 * 2  # an even number
    head: list[Any] = [
        ("clock", clock_dtype(seats)),
        ("marks", MARKS_DTYPE),
        ("funding", FUNDING_DTYPE),
        ("flow", FLOW_DTYPE),
        ("score", SCORE_DTYPE),
        ("engine", ENGINE_DTYPE),
        ("crowd", CROWD_DTYPE),
        ("borrow", BORROW_DTYPE),
        ("n_log", "i8"),
        ("log_on", "i8"),
        ("gateway", gateway_dtype(seats)),
        ("learners", LEARNER_DTYPE, (seats,)),
        ("protection", PROTECTION_DTYPE),
        ("terms", TERMS_DTYPE),
        ("feed", FEED_DTYPE),
        ("quotes", "u8", (2, 2, sizes.quotes)),  # order ids: book, side, slot
        ("noise", "u8", (2, sizes.noise)),  # order ids: book, slot
        ("ladder", ladder_dtype(sizes.buckets)),
    ]
    tail: list[Any] = [
        ("accounts", ACCOUNT_DTYPE, (accounts,)),  # on cache lines, one each
        ("holders", HOLDER_DTYPE, (accounts,)),
        ("queue", "u4", (4, accounts)),  # fresh, waiting, reacting; order of an ADL
        ("arbitrageurs", ARBITRAGEUR_DTYPE, (N_ARBITRAGEURS,)),
        ("borrow_ladder", ladder_dtype(4096)),  # of borrowers, by index; shorts only
        ("recalled", "u4", (accounts,)),
        ("ranks", "f8", (accounts,)),  # scratch: scores of a deleveraging
        ("history", "f8", (3, N_HISTORY)),  # price, highest and lowest since, ticks
        ("books", book_dtype(sizes.levels, sizes.orders), (2,)),
        ("line", WAITING_DTYPE, (sizes.waiting,)),
        ("log", LOG_DTYPE, (sizes.log,)),
        ("fills", FILL_DTYPE, (sizes.fills,)),  # ring of what a cancellation of trades reverses
    ]
    fields = [*head, *_filler("gap", head), *tail]
    return np.dtype([*fields, *_filler("end", fields)], align=True)


def _filler(name: str, fields: list[Any]) -> list[Any]:
    """Bytes that carry a record to the next cache line; they stay zero."""
    missing = -np.dtype(fields, align=True).itemsize % LINE
    return [(name, "u8", (missing // 8,))] if missing else []


def _offset(dtype: np.dtype[Any], field: str) -> int:
    fields: Any = dtype.fields
    return int(fields[field][1])


# Bytes of a market that every step touches: `core.warming` asks for them ahead.
QUOTES_AT = np.int64(_offset(market_dtype("default"), "quotes"))
_FEED = _offset(market_dtype("default"), "feed")
_LEARNER = _offset(market_dtype("default"), "learners")
HOT_RANGES = (
    (0, _offset(market_dtype("default"), "gateway") + 128),
    (_LEARNER // LINE * LINE, _LEARNER + _offset(LEARNER_DTYPE, "acks") + 160),
    (_FEED // LINE * LINE, _FEED + _offset(FEED_DTYPE, "flying") + SNAPSHOT_DTYPE.itemsize),
)

# Scratch of a thread: what it asks for ahead. Machine addresses; no part of any market.
AHEAD_DTYPE = np.dtype(
    [
        ("n", "i8"),
        ("cursor", "i8"),
        ("lines", "i8", (512,)),
        ("n_slots", "i8", (4, 2, 2)),  # visits of a step: row, book, quotes or noise
        ("slots", "u4", (4, 2, 2, N_AHEAD)),
    ],
    align=True,
)


def allocate(n: int, size: SizeClass = "default", seats: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Allocate ``n`` empty markets and the views through which they are run.

    Returns:
        ``markets``: (n,) :func:`market_dtype`; ``views``: (n, seats) :data:`VIEW_DTYPE`.
    """
    return zeros_on_lines(n, market_dtype(size, seats)), np.zeros((n, seats), VIEW_DTYPE)
