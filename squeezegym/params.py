"""The params record: everything a kernel may know about a scenario, in kernel units.

``Scenario.pack()`` lowers a validated scenario to one such record, shared by the markets of a
batch. Units as in :mod:`squeezegym.state`: ticks, lots, quanta, nanoseconds; rates of fees and
margin are integers in units of 1e-8, intensities are per second.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from squeezegym.gatewayrecord import FEED_PARAMS, GATEWAY_PARAMS
from squeezegym.populationrecord import (
    ACTIVITY_PARAMS,
    ARBITRAGE_PARAMS,
    CATALYST_PARAMS,
    FOLLOWER_PARAMS,
    FOMO_PARAMS,
    HOLDER_PARAMS,
    MAKER_PARAMS,
    NOISE_PARAMS,
    POPULATION_PARAMS,
    RELOADER_PARAMS,
    SNIPER_PARAMS,
    VALUE_PARAMS,
)
from squeezegym.protectionrecord import PROTECTION_PARAMS
from squeezegym.state import N_LEVERAGES, N_VENUES, SIZES, SizeClass
from squeezegym.terms import FUNDING_PARAMS as FUNDING_PARAMS
from squeezegym.terms import MARGIN_PARAMS as MARGIN_PARAMS

MARK_PARAMS = np.dtype(
    [
        ("interval", "i8"),
        ("rule", "i8"),  # codes.MarkRule
        ("basis_samples", "i8"),
        ("basis_memory", "f8"),  # of the moving means, s
        ("local_memory", "f8"),
        ("index_rule", "i8"),  # codes.IndexRule
        ("outlier", "f8"),  # deviation from the median that drops a venue, relative
        ("band", "f8"),  # to which the clamped index holds a venue, relative
        ("stale", "i8"),  # time without an update that drops a venue
        ("frozen_from", "i8"),
        ("frozen", "i8", (N_VENUES,)),  # 1: sends no update from then on
        ("skew", "f8", (N_VENUES,)),  # relative
        ("weight", "f8", (N_VENUES,)),
        ("follow", "f8", (N_VENUES,)),  # how fast a venue follows the spot book, 1/s
        ("noise", "f8", (N_VENUES,)),  # relative, per update
    ],
    align=True,
)

FEE_PARAMS = np.dtype(
    [("maker", "i8", (2,)), ("taker", "i8", (2,)), ("liquidation", "i8")], align=True
)

LIQUIDATION_PARAMS = np.dtype(
    [
        ("destination", "i8"),  # codes.Liquidation
        ("policy", "i8"),  # codes.Policy
        ("remainder", "i8"),  # codes.Remainder
        ("ranking", "i8"),  # codes.Ranking
        ("latency", "i8"),
        ("interval", "i8"),  # between two services
        ("cooldown", "i8"),  # between two services of one account; length of a block
        ("fund", "i8"),  # opening balances, quanta
        ("vault", "i8"),
        ("support", "i8"),  # how far beyond bankruptcy or mark an order may reach, 1e-8
        ("fund_cap", "i8"),  # largest notional that the fund supports, 1e-8 of itself; 0: any
        ("drawdown", "i8"),  # of the fund from its peak that switches it off, 1e-8; 0: never
        ("recovery", "i8"),  # share of the peak that switches it on again, 1e-8
        ("share", "i8"),  # of the position in one order, 1e-8
        ("threshold", "i8"),  # notional below which it is closed at once; least order, quanta
        ("backstop", "i8"),  # share of the maintenance margin below which the vault takes it, 1e-8
        ("block_notional", "i8"),  # of one account in a block, quanta
        ("block_loss", "i8"),  # of the fund in a block, quanta
        ("spread", "f8"),  # of the fillable price, in maintenance margins
        ("adjustment", "f8"),  # how fast it moves with missing equity
        ("ramp_start", "f8"),  # share allowed at once
        ("ramp_time", "i8"),  # until everything is allowed
        ("ramp_small", "i8"),  # shortage below which everything is allowed, quanta
        ("ramp_fee", "i8"),  # discount of an order from the mark, 1e-8
        ("buffer", "i8"),  # margin to restore beyond maintenance, of notional, 1e-8
        ("prints", "i8"),  # window of one public print; 0: all are carried
        ("unit", "i8"),  # one unit of quote, quanta
    ],
    align=True,
)

BORROWING_PARAMS = np.dtype(
    [
        ("accounts", "i8"),  # borrowers at the opening
        ("lots", "i8"),  # that they owe together
        ("supply", "i8"),  # the lender's coins, lots; 0: no spot margin
        ("leverage", "f8", (N_LEVERAGES,)),  # assets over equity
        ("weight", "f8", (N_LEVERAGES,)),  # cumulative
        ("initial", "i8"),  # margin level that a loan must leave, 1e-8
        ("liquidation", "i8"),  # margin level at which it is bought in, 1e-8
        ("latency", "i8"),
        ("interval", "i8"),  # between two buy-ins
        ("pause", "i8"),  # before another try
        ("fee", "i8"),  # of a bought-in notional, 1e-8
        ("base_rate", "f8"),  # a year
        ("slope", "f8"),  # rise of the rate up to the kink
        ("steep", "f8"),  # from the kink to full utilisation
        ("kink", "f8"),
        ("accrual", "i8"),  # whole milliseconds, in ns
        ("term", "i8"),  # for which one charge is, ms
        ("recall_at", "f8"),  # utilisation
        ("recall_rate", "f8"),  # 1/s
        ("notice", "i8"),
        ("drop_at", "i8"),  # NEVER: the supply does not shrink
        ("drop_share", "i8"),  # 1e-8
    ],
    align=True,
)

LEARNER_PARAMS = np.dtype(
    [
        ("venue", "i8"),  # book that it trades
        ("limit", "i8"),  # position at action 1, lots
        ("capital", "i8"),  # quanta
        ("short_start", "f8"),  # probability of opening short
        ("start_low", "f8"),  # opening short in units of the limit
        ("start_high", "f8"),
        ("entry_spread", "f8"),  # entry below the price at most, relative
        ("leverage_cap", "f8"),  # notional over equity that an order may reach
        ("cap", "f8"),  # price cap of an aggressive order, relative
        ("latency", "i8"),  # each way
        ("jitter", "f8"),  # mean of an exponential on top, or median of a lognormal, ns
        ("jitter_sd", "f8"),  # of its log; 0: exponential
        ("horizon", "i8"),
        ("hand", "i8"),  # 1: a second order on the account of the learner before
        ("quotes", "i8"),  # 1: its actions are quotes: size and distance of a resting order
        ("widest", "f8"),  # distance of a quote from the published mid at most, relative
    ],
    align=True,
)

MATCHING_PARAMS = np.dtype(
    [
        ("self_trade", "i8"),  # codes.SelfTrade
        ("lowest", "i8"),  # prices that both books accept, ticks, both included
        ("highest", "i8"),
    ],
    align=True,
)

SCALE_PARAMS = np.dtype(
    [
        ("price", "i8"),  # opening price of the spot book, ticks
        ("basis", "i8"),  # perp minus spot at the opening, ticks
        ("half_tick", "i8", (2,)),  # 1: the mid lies half a tick above the price
        ("home", "i8"),  # book of crowd and barrier: PERP, or SPOT where the perp is off
        ("depth", "f8"),  # lots within 10 bp of one side of it
        ("volatility", "f8"),  # relative, per square-root second
        ("burn_in", "i8"),
    ],
    align=True,
)


@cache
def params_dtype(size: SizeClass = "default", seats: int = 1) -> np.dtype[Any]:
    """Return the dtype of the params record for markets of a size class and so many learners."""
    sizes = SIZES[size]
    return np.dtype(
        [
            ("scale", SCALE_PARAMS),
            ("noise", NOISE_PARAMS, (2,)),
            ("maker", MAKER_PARAMS, (2,)),
            ("value", VALUE_PARAMS),
            ("activity", ACTIVITY_PARAMS),
            ("catalyst", CATALYST_PARAMS),
            ("arbitrage", ARBITRAGE_PARAMS),
            ("marks", MARK_PARAMS),
            ("funding", FUNDING_PARAMS),
            ("margin", MARGIN_PARAMS),
            ("fees", FEE_PARAMS),
            ("liquidation", LIQUIDATION_PARAMS),
            ("population", POPULATION_PARAMS),
            ("holders", HOLDER_PARAMS),
            ("borrowing", BORROWING_PARAMS),
            ("followers", FOLLOWER_PARAMS),
            ("snipers", SNIPER_PARAMS),
            ("fomo", FOMO_PARAMS),
            ("reloaders", RELOADER_PARAMS),
            ("protection", PROTECTION_PARAMS),
            ("learners", LEARNER_PARAMS, (seats,)),
            ("matching", MATCHING_PARAMS),
            ("feed", FEED_PARAMS),
            ("gateway", GATEWAY_PARAMS),
            # The makers' depth profile: distance from the touch (ticks) and lots of each quote.
            ("distance", "f8", (2, 2, sizes.quotes)),
            ("lots", "f8", (2, 2, sizes.quotes)),
            # Positions from data: signed lots, entry price (ticks), deposit (quanta).
            ("given_lots", "i8", (sizes.accounts,)),
            ("given_entry", "i8", (sizes.accounts,)),
            ("given_deposit", "i8", (sizes.accounts,)),
        ],
        align=True,
    )
