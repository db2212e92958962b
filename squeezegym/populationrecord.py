"""Who trades in a market, in kernel units: the background, the individual accounts, the crowd.

Units as in :mod:`squeezegym.params`; no dtype has padding.
"""

from __future__ import annotations

import numpy as np

from squeezegym.state import N_LEVERAGES, N_ROUNDS

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
        ("lots", "i8"),  # size of a squeeze's metaorder; 0: the range above
        ("waits", "i8"),  # whether it waits out pauses
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
        ("leverage_cap", "f8"),
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
