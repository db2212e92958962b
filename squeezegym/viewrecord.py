"""The record through which a row is run: commands and actions in, a report of the learner out.

Units as in :mod:`squeezegym.state`; no dtype has padding.
"""

from __future__ import annotations

import numpy as np

from squeezegym.codes import Stream
from squeezegym.measures import Measure

N_MEASURES = len(Measure)  # bits of ``measures``, from the lowest
N_OBSERVATIONS = 86 + N_MEASURES

VIEW_DTYPE = np.dtype(
    [
        ("command", "i8"),  # bits of codes.Command, set by the caller
        ("until", "i8"),  # advance to this time
        ("target", "f8"),  # action: position in units of the limit, [-1, 1]
        ("aggression", "f8"),  # action: > 0 takes, otherwise posts at the touch
        ("has_action", "i8"),
        ("seeds", "u8", (len(Stream), 2)),  # stream states for a reset
        ("equity", "i8"),  # own equity at mark, quanta
        ("position", "i8"),  # lots
        ("price_pnl", "i8"),  # parts of the change of equity, quanta: see LEARNER_DTYPE
        ("fees", "i8"),
        ("funding", "i8"),
        ("borrow", "i8"),
        ("slippage", "i8"),
        ("mark", "i8"),
        ("liquidated", "i8"),
        ("deleveraged", "i8"),  # lots
        ("ignited", "i8"),  # 1 once the ignition barrier has been passed
        ("problems", "i8"),  # bits of codes.Problem
        ("held", "i8"),  # position that its acks have told it, lots
        ("reach", "i8", (2,)),  # lots that actions -1 and 1 would lead to
        ("waiting", "i8"),  # messages sent and not yet answered
        ("resting", "i8"),  # lots of its open order, signed
        ("measures", "i8"),  # of protection, as published: bits of measures.Measure
        ("observation", "f4", (N_OBSERVATIONS + N_OBSERVATIONS % 2,)),  # an even number
    ],
    align=True,
)
