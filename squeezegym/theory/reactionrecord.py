"""Records of the reduced model: what a path is set up with, what it is in, what it leaves."""

from __future__ import annotations

import numpy as np

SETUP_DTYPE = np.dtype(
    [
        ("demand", "f8"),  # exogenous buying, base
        ("demand_s", "f8"),  # its duration; 0: at once
        ("demand_perp", "f8"),  # share on the perp
        ("queued", "f8"),  # base in the engine at the start
        ("size", "f8"),  # mean size of an account, base
        ("random_sizes", "f8"),  # 1: exponential sizes
        ("engine_s", "f8"),  # mean wait of an account in the engine
        ("cap", "f8"),  # of the engine, base a second
        ("lasting", "f8"),  # share of an impact that stays
        ("refill", "f8"),  # rate at which the rest of it goes, 1/s
        ("weight", "f8"),  # of the perp in the mark
        ("arbitrage", "f8"),  # base a second for a unit of basis
        ("capital", "f8"),  # largest position of arbitrage, base
        ("withdrawal", "f8"),  # s per unit of price
        ("trend_s", "f8"),  # memory of makers
        ("pool", "f8"),  # base of those who may join
        ("contagion", "f8"),  # base that join per unit of price
        ("fomo_s", "f8"),  # mean wait of those who have joined
        ("threshold", "f8"),  # forced flow that snipers follow, base a second
        ("followers", "f8"),  # base that they buy for each forced one
        ("hold_s", "f8"),
        ("reload", "f8"),  # share of the liquidated who sell again
        ("reload_width", "f8"),  # mean distance of their triggers above the mark
        ("most", "f8"),  # forced base at which a path has run away
        ("horizon_s", "f8"),
        ("leap", "f8"),  # share of the fastest time constant that a leap may take; 0: exact
    ]
)
PATH_DTYPE = np.dtype(
    [
        ("forced", "f8"),  # base bought by the engine
        ("accounts", "i8"),  # of them
        ("exogenous", "f8"),  # base
        ("joined", "f8"),  # base bought by contagion
        ("followed", "f8"),  # base bought by snipers
        ("perp", "f8"),  # displacement at the end
        ("spot", "f8"),
        ("top", "f8"),  # highest mark
        ("time", "f8"),  # of the end, s
        ("backlog", "f8"),  # longest queue before the engine, base
        ("work", "f8"),  # sum of forced base times displacement of the perp
        ("events", "i8"),
        ("ran_away", "?"),
    ]
)
STATE_DTYPE = np.dtype(
    [
        ("waiting", "i8"),  # orders of the exogenous demand that are still to come
        ("pending", "i8"),  # accounts in the engine
        ("units", "i8"),  # of the impact that will go
        ("susceptible", "i8"),
        ("infected", "i8"),  # have joined, not bought yet
        ("held", "i8"),  # by snipers
        ("reloaded", "i8"),  # shorts opened again
        ("stays", "f8"),  # net base taken from the perp's book for good
        ("goes", "f8"),  # and for a while
        ("taken", "f8"),  # from spot's
        ("position", "f8"),  # of arbitrage, base of spot
        ("trend", "f8"),  # price a second
        ("time", "f8"),
    ]
)
SERIES = ("perp", "spot", "top", "pending", "forced", "joined")
"""Columns of a sampled path."""
