"""What the exchange sees of its own market: the record that a survey fills.

Units as in :mod:`squeezegym.state`; no dtype has padding.
"""

from __future__ import annotations

import numpy as np

from squeezegym.measures import N_RULES
from squeezegym.viewrecord import N_MEASURES

REACH = (1e-3, 2.5e-3, 5e-3, 1e-2, 2e-2, 4e-2)  # distances from the price, relative
N_REACH = len(REACH)
LEVERS_AT = 81 + N_MEASURES  # where the decisions begin in the observation
N_SEEN = LEVERS_AT + N_RULES

GUARD_DTYPE = np.dtype(
    [
        ("traded", "i8"),  # aggressor lots of both books so far
        ("liquidated", "i8"),  # lots taken by the engine or bought in so far
        ("deleveraged", "i8"),  # lots so far
        ("socialised", "i8"),  # quanta so far
        ("fund", "i8"),  # fund and vault at mark, quanta
        ("mark", "i8"),  # ticks
        ("fundamental", "f8"),  # ticks; for scoring, not for the observation
        ("halted", "i8"),  # 1: a book does not trade continuously
        ("interest", "i8", (2,)),  # lots of leveraged longs and shorts
        # Between one distance of REACH and the next, lots:
        ("forced", "i8", (2, N_REACH)),  # of longs below the mark, of shorts above it
        ("depth", "i8", (2, 2, N_REACH)),  # resting: book, side
        ("observation", "f4", (N_SEEN + N_SEEN % 2,)),  # an even number
    ],
    align=True,
)
