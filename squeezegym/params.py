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
from squeezegym.protectionrecord import PROTECTION_PARAMS
from squeezegym.state import N_LEVERAGES, N_ROUNDS, N_VENUES, SIZES, SizeClass
from squeezegym.terms import FUNDING_PARAMS as FUNDING_PARAMS
from squeezegym.terms import MARGIN_PARAMS as MARGIN_PARAMS

NOISE_PARAMS = np.dtype(
    [
        ("market_rate", "f8"),  # exogenous aggressor orders, 1/s
        ("branching", "f8"),  # norm of their self-excitation kernel, < 1
        ("decay", "f8"),  # of the kernel, 1/s
        ("ceiling", "f8"),  # of the intensity, 1/s
        ("persistence", "f8"),  # probability of repeating the last side
        ("split", "f8"),  # share of orders that are pieces of metaorders
        ("run_tail", "f8"),  # Pareto exponent of a metaorder's orders; 0: there are none
        ("longest", "f8"),  # most orders of a metaorder
        ("market_log_mean", "f8"),  # log lots
        ("market_log_sd", "f8"),
        ("market_max", "i8"),  # lots
        ("market_cap", "f8"),  # price cap beyond the touch, relative
        ("limit_rate", "f8"),  # visits of a noise order slot: a new order or a cancel, 1/s
        ("limit_log_mean", "f8"),
        ("limit_log_sd", "f8"),
        ("limit_distance", "f8"),  # mean distance from the own touch, ticks
        ("improve", "f8"),  # probability of improving the touch by a tick
        ("slots", "i8"),
        ("round_share", "f8"),  # probability of standing at a round price
        ("round", "i8"),  # ticks between them
    ],
    align=True,
)

MAKER_PARAMS = np.dtype(
    [
        ("visit_rate", "f8"),  # visits of a quote slot, 1/s
        ("near_bias", "i8"),  # power that draws visits towards the touch, >= 1
        ("learning", "f8"),  # move of the reference for a net aggressor lot, ticks
        ("concavity", "f8"),  # power of the net flow in that move, 0..1
        ("widest", "f8"),  # largest stretch
        ("panic", "f8"),  # power of the depth withdrawn in what a lot teaches
        ("foresight", "f8"),  # share of the expected flow that teaches nothing
        ("recall", "f8"),  # weight of the last flow in the expected one
        ("reaction", "i8"),  # from a trade, or a repaired touch, to the next visit
        ("alert", "i8"),  # stale quotes withdrawn at a visit, at most
        ("memory", "f8"),  # relaxation of the reference price towards the mid, 1/s
        ("slow_memory", "f8"),  # of the slow reference, 1/s
        ("tolerance", "f8"),  # relative distance error that a quote may keep
        ("calm_trend", "f8"),  # |trend| that makers take for calm, ticks
        ("withdrawal", "f8"),  # exponent of depth against trend beyond calm
        ("floor", "f8"),  # smallest share of depth that stays
        ("variance_memory", "f8"),  # of the mid's variance, 1/s
        ("calm_volatility", "f8"),  # ticks per square-root second; 0: makers do not look at it
        ("skew", "f8"),  # of all quotes for a lot of inventory, ticks
        ("patience", "f8"),  # probability that a filled quote is not refilled at a visit
        ("widening", "f8"),  # distance stretch for a unit of trend beyond calm
        ("size_spread", "f8"),  # half width of a quote's relative size
        ("slots", "i8", (2,)),  # quotes of each side
    ],
    align=True,
)

VALUE_PARAMS = np.dtype(
    [
        ("rate", "f8"),  # decisions, 1/s
        ("threshold", "f8"),  # |mispricing| below which they wait, relative
        ("lots_per_unit", "f8"),  # lots for a unit of relative mispricing, to the power
        ("power", "f8"),
        ("max_lots", "i8"),
        ("volatility", "f8"),  # of the fundamental, per square-root second
        ("drift", "f8"),  # of the fundamental, 1/s
        ("perp_share", "f8"),  # of decisions that look at the perp
        ("basis", "f8"),  # of the perp that they take for fair, relative
    ],
    align=True,
)

ACTIVITY_PARAMS = np.dtype(
    [
        ("interval", "i8"),  # between two moves; NEVER: activity is constant
        ("keep", "f8", (2,)),  # of the fast and the slow part over an interval
        ("sd", "f8", (2,)),  # of the two parts
        ("shift", "f8"),  # of the log of flow, so that its mean is 1
        ("power", "f8"),  # of the fundamental's volatility in activity
        ("power_shift", "f8"),  # of its log, so that its mean square is 1
    ],
    align=True,
)

CATALYST_PARAMS = np.dtype(
    [
        ("side", "i8"),
        ("start_min", "i8"),
        ("start_max", "i8"),
        ("duration", "i8"),
        ("rate", "f8"),  # child orders, 1/s
        ("perp_share", "f8"),
        ("cap", "f8"),  # price cap of a child order beyond the touch, relative
        ("squeeze", "f8"),  # probabilities of the three kinds of episode
        ("near_miss", "f8"),
        ("squeeze_low", "f8"),  # size range in ignition barriers
        ("squeeze_high", "f8"),
        ("near_low", "f8"),
        ("near_high", "f8"),
    ],
    align=True,
)

ARBITRAGE_PARAMS = np.dtype(
    [
        ("rate", "f8"),  # looks, 1/s
        ("threshold", "f8"),  # |basis| that pays, relative
        ("lots_per_unit", "f8"),  # lots for a unit of relative basis beyond it
        ("max_lots", "i8"),  # of one trade
        ("max_position", "i8"),  # lots on the perp leg
        ("fair_basis", "f8"),  # relative
        ("accounts", "i8"),  # arbitrageurs with wallets of their own; 0: the pool
        ("first", "i8"),  # slot of their first perp wallet; their coin wallets follow
        ("capital", "i8"),  # of each, quanta
        ("initial", "i8"),  # initial margin rate that they ask of themselves, 1e-8
        ("hurdle", "f8"),  # basis that opens a trade: fees of both legs and slippage too, relative
        ("unwind", "f8"),  # basis at which a trade is closed, relative
        ("funding_weight", "f8"),  # of the predicted rate in the fair basis
        ("slippage", "f8"),  # reach of a leg beyond its touch, relative
        ("rebate", "i8"),  # share of the fees that the venue pays back, 1e-8
        ("latency", "i8"),
    ],
    align=True,
)

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

HOLDER_PARAMS = np.dtype(
    [
        ("isolated", "f8"),  # share of accounts whose free cash is out of reach
        ("wallet", "f8"),  # free cash in deposits
        ("top_up", "f8"),  # cumulative shares of the habits
        ("stop_out", "f8"),
        ("capitulate", "f8"),
        ("stop_low", "f8"),  # distance of a stop from the entry, relative
        ("stop_high", "f8"),
        ("take_profit", "f8"),  # share of accounts
        ("take_low", "f8"),  # distance of a take-profit from the entry, relative
        ("take_high", "f8"),
        ("snap", "f8"),  # share of stops and take-profits at round prices
        ("beyond_low", "f8"),  # of a stop beyond its round price, relative
        ("beyond_high", "f8"),
        ("alarm", "f8"),  # equity in maintenance margins at which a holder acts
        ("restore", "f8"),  # to which it tops up
        ("resolve", "f8"),  # probability of capitulating at a reaction
        ("cap", "f8"),  # of a closing order beyond the mark, relative
        ("reaction", "i8"),
    ],
    align=True,
)

POPULATION_PARAMS = np.dtype(
    [
        ("shorts", "i8"),  # individual accounts
        ("longs", "i8"),
        ("short_lots", "i8"),  # their open interest
        ("long_lots", "i8"),
        ("n_given", "i8"),  # positions taken from data instead
        ("size_tail", "f8"),  # Pareto exponent
        ("largest", "f8"),  # share of the open interest
        ("history_volatility", "f8"),  # relative, a step of the price history
        ("leverage", "f8", (N_LEVERAGES,)),
        ("weight", "f8", (N_LEVERAGES,)),  # cumulative
        ("cluster_share", "f8"),  # of the shorts' (longs') lots
        ("cluster_side", "i8"),  # SELL: shorts cluster above; BUY: longs below
        ("cluster_distance", "f8"),  # of its centre from the price, relative
        ("cluster_width", "f8"),  # sd, relative
        ("cluster_leverage", "f8"),
        ("snap", "f8"),  # share of entries at round prices
        ("round", "i8", (N_ROUNDS,)),  # ticks between round prices
        ("round_weight", "f8", (N_ROUNDS,)),  # cumulative
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

FOLLOWER_PARAMS = np.dtype(
    [
        ("rate", "f8"),  # looks, 1/s; 0: none
        ("horizon", "i8"),  # row of the published sums
        ("imbalance", "f8"),  # |buys - sells| over their sum that they follow
        ("least", "f8"),  # |buys - sells| below which they do not, decayed lots
        ("slice", "i8"),  # lots
        ("slices", "i8"),  # of each leg
        ("interval", "i8"),  # between two slices
        ("cap", "f8"),  # beyond the published touch, relative
        ("pause", "i8"),  # after a programme
    ],
    align=True,
)

SNIPER_PARAMS = np.dtype(
    [
        ("rate", "f8"),  # looks, 1/s; 0: none
        ("horizon", "i8"),  # row of the published sums
        ("trigger", "f8"),  # forced flow that draws them in, decayed lots
        ("max_lots", "i8"),
        ("leave", "f8"),  # share of the peak at which they leave
        ("hold", "i8"),  # longest stay
        ("cap", "f8"),  # beyond the published touch, relative
    ],
    align=True,
)

FOMO_PARAMS = np.dtype(
    [
        ("accounts", "i8"),  # 0: none
        ("first", "i8"),  # their first slot
        ("seed", "f8"),  # rate at which one joins by itself, 1/s
        ("contact", "f8"),  # by contagion when all are infected, 1/s
        ("recovery", "f8"),  # 1/s
        ("horizon", "i8"),  # row of the published means
        ("full", "f8"),  # return at which appetite is whole, relative
        ("leverage", "f8", (N_LEVERAGES,)),
        ("weight", "f8", (N_LEVERAGES,)),  # cumulative
        ("smallest", "f8"),  # lots
        ("tail", "f8"),  # Pareto exponent of sizes
        ("largest", "f8"),  # lots
        ("cap", "f8"),  # beyond the published touch, relative
    ],
    align=True,
)

RELOADER_PARAMS = np.dtype(
    [
        ("share", "f8"),  # of lost shorts that are opened again; 0: none
        ("delay", "f8"),  # mean, s
        ("leverage", "f8"),
        ("above", "f8"),  # of the new price over the one at which it was lost, relative
        ("cap", "f8"),  # beyond the published touch, relative
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
