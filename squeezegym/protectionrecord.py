"""The records of the venue's protection: what it has in force, and its rules in kernel units.

Units as in :mod:`squeezegym.state`; no dtype has padding.
"""

from __future__ import annotations

import numpy as np

N_PARTS = 10  # of the window of the reference price

PROTECTION_DTYPE = np.dtype(
    [
        ("guarded", "i8"),  # 1 + the book whose orders are checked; 0: none
        ("measures", "i8"),  # in force: bits of codes.Measure
        ("reference", "i8"),  # ticks
        ("referred_at", "i8"),  # time of its last change
        ("lower", "i8"),  # bands, ticks
        ("upper", "i8"),
        ("since", "i8"),  # beginning of the limit state; NEVER outside
        ("resumes", "i8"),  # end of the pause
        ("trigger", "i8"),  # band that led to the pause, ticks
        ("extensions", "i8"),  # of this pause
        ("pauses", "i8"),  # so far
        ("part", "i8", (N_PARTS,)),  # number of each part of the window, counted from time 0
        ("prints", "i8", (N_PARTS,)),  # trades in it
        ("total", "i8", (N_PARTS,)),  # sum of their prices, ticks
    ],
    align=True,
)

PROTECTION_PARAMS = np.dtype(
    [
        ("book", "i8"),
        ("limits", "i8"),  # 1: limit-up/limit-down
        ("band", "f8"),  # relative to the reference
        ("check", "i8"),  # between two looks at the touch
        ("part", "i8"),  # length of a part of the window
        ("update", "i8"),  # shortest time between two references
        ("step", "f8"),  # smallest change of the reference, relative
        ("limit", "i8"),  # longest limit state
        ("pause", "i8"),
        ("extension", "i8"),
        ("collar", "f8"),  # of an auction price around the trigger, relative
        ("extensions", "i8"),  # most of one pause
        ("start", "i8", (2,)),  # buy restriction, short ban; NEVER: none
        ("end", "i8", (2,)),
        ("learner", "i8"),  # 1: they hold for the learner
        ("followers", "i8"),  # 1: followers count as retail
    ],
    align=True,
)
