"""The records of accounts, and of those who keep watch on them: ladder, engine, lender, crowd.

Units as in :mod:`squeezegym.state`; no dtype has padding.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

N_BORROW_TIMERS = 5  # accrual, recall, end of a notice, supply, buy-in

ACCOUNT_DTYPE = np.dtype(
    [
        ("quote", "i8"),  # cash balance, quanta; fills move q*p here
        ("perp", "i8"),  # signed position, lots
        ("spot", "i8"),  # coins, lots
        ("cost", "i8"),  # cost of the open perp position, quanta; derives the entry price
        ("fees", "i8"),  # paid so far, quanta
        ("trigger", "i8"),  # mark at which equity <= maintenance margin, ticks
        ("bucket", "i4"),  # of the ladder; outside it, lots of the short that is being lost
        ("next", "u4"),  # in a bucket or a line
        ("prev", "u4"),
        ("kind", "u1"),
        ("alarmed", "u1"),  # 1: its trigger may be the alarm of its holder; 2: who is about to act
        ("laddered", "u1"),  # codes.Standing
        ("habit", "u1"),  # codes.Habit of its holder
    ],
    align=True,
)

HOLDER_DTYPE = np.dtype(  # what an account needs seldom, beside its hot line
    [
        ("wallet", "i8"),  # its share of the WALLETS pot, quanta; 0 under cross margin
        ("debt", "i8"),  # coins owed to the lender, lots
        ("ready", "i8"),  # time of its next turn with the engine or the lender's desk, or to reload
        ("notice", "i8"),  # time at which a recall runs out or its holder acts; NEVER: neither
        ("started", "i8"),  # time of its first service by the engine; NEVER outside
        ("chunk", "i8"),  # lots of one step, or quanta: margin freed, traded unsettled, spent
        ("alarm", "u4"),  # mark at which its holder acts, ticks; 0: none
        ("initial", "u4"),  # initial margin rate that its leverage asks for, 1e-8
        ("open_lots", "u4", (2,)),  # resting on the perp book, by side
    ],
    align=True,
)


@cache
def ladder_dtype(buckets: int) -> np.dtype[Any]:
    """Return the dtype of a ladder of trigger prices.

    Args:
        buckets: Buckets of each side; a power of two, 4,096 to 262,144.
    """
    return np.dtype(
        [
            ("base", "i8"),  # price at bucket 0, ticks
            ("shift", "i8"),  # a bucket is 2**shift ticks wide
            ("nearest", "i8", (2,)),  # nearest trigger of longs (0) and shorts (1), ticks
            ("top", "u8", (2,)),
            ("middle", "u8", (2, buckets // 4096)),
            ("fine", "u8", (2, buckets // 64)),
            ("heads", "u4", (2, buckets)),
        ],
        align=True,
    )


CROWD_DTYPE = np.dtype(
    [
        ("follower_left", "i8"),  # slices still to trade, of both legs; 0: they watch
        ("follower_side", "i8"),  # of the first leg
        ("sniper_phase", "i8"),  # 0 watching, 1 in, 2 leaving
        ("sniper_side", "i8"),
        ("sniper_since", "i8"),  # time they went in
        ("sniper_peak", "f8"),  # largest published forced flow since, decayed lots
        ("batches", "i8", (2,)),  # uncross of the last batch that followers and snipers joined
        ("caught", "i8"),  # accounts that FOMO has reached so far
        ("infected", "i8"),  # of them, those who still spread it
        ("waiting", "i8"),  # slot of the next holder to reload, by ``next``; 0: nobody
        ("reloads", "i8"),  # shorts opened again so far
    ],
    align=True,
)

N_ARBITRAGEURS = 48
ARBITRAGEUR_DTYPE = np.dtype(  # its order under way
    [
        ("due", "i8"),  # arrival at the books; NEVER: none is under way
        ("limit", "u4"),  # of the spot leg, ticks
        ("qty", "i4"),  # of the spot leg, signed lots; 0: the perp leg alone
    ],
    align=True,
)

RING_DTYPE = np.dtype([("head", "i8"), ("size", "i8")], align=True)

ENGINE_DTYPE = np.dtype(
    [
        ("head", "i8"),  # ring of accounts that the engine has not served yet
        ("size", "i8"),
        ("cool_head", "i8"),  # ring of accounts that wait for their next turn
        ("cool_size", "i8"),
        ("react_head", "i8"),  # ring of accounts whose holders are about to act
        ("react_size", "i8"),
        ("fresh_at", "i8"),  # the head of the first ring may be served from here on
        ("free_at", "i8"),  # end of the pause after the last service
        ("serving", "i8"),  # ring whose head goes on at once: 1 fresh, 2 waiting; 0 none; 3 in line
        ("cursor", "i8"),  # slot or rank at which a shared remainder goes on
        ("ranked", "i8"),  # accounts that are still in line for a deleveraging
        ("fund_peak", "i8"),  # quanta
        ("fund_off", "i8"),  # 1: after a drawdown the fund supports nobody
        ("block_start", "i8"),
        ("block_paid", "i8"),  # quanta that the fund paid in this block
        ("window_end", "i8", (2,)),  # of the running liquidation print, by side of the position
        ("pending", "i8", (2,)),  # lots of that print
    ],
    align=True,
)

BORROW_DTYPE = np.dtype(
    [
        ("supply", "i8"),  # the lender's coins, lent and free, lots
        ("leaving", "i8"),  # of the lent ones, withdrawn as soon as they are back
        ("lent", "i8"),
        ("rate", "i8"),  # of the accrual under way, a year, 1e-8
        ("cursor", "i8"),  # next slot of the accrual under way; 0: none
        ("first", "i8"),  # slots between which debts were ever owed
        ("last", "i8"),
        ("busy_until", "i8"),  # the next buy-in is not before this time
        ("due", "i8", (N_BORROW_TIMERS,)),
        ("heads", "u4", (2,)),  # lines before a buy-in and before another try, by ``next``
        ("tails", "u4", (2,)),
        ("notices", RING_DTYPE),  # ring of borrowers under notice, in ``recalled``
    ],
    align=True,
)
