"""The records of the venue's protection: what it has in force, and its rules in kernel units.

Units as in :mod:`squeezegym.state`; no dtype has padding.
"""

from __future__ import annotations

import numpy as np

from squeezegym.measures import N_RULES

N_PARTS = 10  # of a window of prices
N_HALTS = 3  # kinds of pauses: limit state, circuit breaker, velocity halt

LEVER_DTYPE = np.dtype(
    [
        ("asked", "i8"),  # 1: on, -1: off; 0: nothing; 2: on, and announced
        ("value", "f8"),  # of codes of measures.Rule, in the units of squeezegym.levers; 0: as set
    ],
    align=True,
)

MOVE_DTYPE = np.dtype(  # a part of the window of a halt
    [("part", "i8"), ("low", "i4"), ("high", "i4")],  # counted from time 0; ticks
    align=True,
)

FILL_DTYPE = np.dtype(
    [
        ("time", "i8"),
        ("qty", "i8"),  # lots; of a payment quanta
        ("price", "u4"),  # ticks; 0: a payment
        ("what", "u4"),  # bits of core.fills
        ("seller", "u4"),  # or payer
        ("buyer", "u4"),  # or payee
    ],
    align=True,
)

PROTECTION_DTYPE = np.dtype(
    [
        ("guarded", "i8"),  # 1 + the book whose orders are checked; 0: none
        ("measures", "i8"),  # in force: bits of measures.Measure
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
        ("looked", "i8"),  # time of the last look
        ("close", "i8"),  # last price of the day before, ticks; the opening price on the first
        ("day", "i8"),  # number of the present one, from 0
        ("halt", "i8"),  # kind of the present pause
        ("batch", "i8"),  # time of the next uncross of a batch; 0: the book closes again at once
        ("n_fills", "i8"),  # written to ``fills`` in this episode
        ("crossed", "i8"),  # lots that changed hands in auctions since the opening
        ("value", "f8", (N_RULES,)),  # of each rule, as in force
        ("until", "i8", (N_RULES,)),  # end of the notice, or of the rule; NEVER: none
        ("levers", LEVER_DTYPE, (N_RULES,)),
        ("moves", MOVE_DTYPE, (2, N_PARTS)),  # of the circuit breaker and the velocity halt
    ],
    align=True,
)

PROTECTION_PARAMS = np.dtype(
    [
        ("book", "i8"),
        ("limits", "i8"),  # 1: limit-up/limit-down
        ("band", "f8"),  # relative to the reference
        ("most", "f8"),  # ticks that it comprises at most; 0: any
        ("closing", "i8"),  # end of the day in which it is twice as wide; 0: never
        ("check", "i8"),  # between two looks at the touch
        ("part", "i8"),  # length of a part of the window
        ("update", "i8"),  # shortest time between two references
        ("step", "f8"),  # smallest change of the reference, relative
        ("limit", "i8"),  # longest limit state
        ("pause", "i8", (N_HALTS,)),
        ("extension", "i8", (N_HALTS,)),
        ("collar", "f8", (N_HALTS,)),  # of an auction price around the trigger, relative
        ("widen", "f8", (N_HALTS,)),  # of the collar with each extension
        ("extensions", "i8", (N_HALTS,)),  # most of one pause
        ("move_part", "i8", (2,)),  # length of a part of each window of moves
        ("day", "i8"),
        ("source", "i8", (N_RULES,)),  # measures.Trigger
        ("start", "i8", (N_RULES,)),  # NEVER: none
        ("end", "i8", (N_RULES,)),
        ("move", "f8", (N_RULES,)),  # 0: in force from the opening
        ("lasts", "i8", (N_RULES,)),  # NEVER: until the end
        ("notice", "i8", (N_RULES,)),
        ("value", "f8", (N_RULES,)),  # unless a decision brings another
        ("range", "f8", (N_RULES, 2)),  # to which that is clipped
        ("watches", "i8"),  # 1: a rule waits for a move
        ("maintenance", "i8"),  # share of the capped initial margin, 1e-8
        ("ratio", "i8"),  # of initial to maintenance margin after a hike, 1e-8
        ("lower_interest", "i8"),  # lots
        ("band_down", "f8"),  # width of a price band below its reference, over that above
        ("by_last", "i8"),  # 1: it lies around the last price
        ("funding_cap", "f8"),  # 0: as it was
        ("remembers", "i8"),  # 1: fills are kept for a cancellation of trades
        ("learner", "i8"),  # 1: restrictions and bans hold for the learner
        ("followers", "i8"),  # 1: followers count as retail
    ],
    align=True,
)
