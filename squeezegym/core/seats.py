"""Which learner an account belongs to, and which account a learner has.

The first learner has the account ``LEARNER``, the others the last accounts of a market, in their
order. A hand is the record of a second order: it shares the account of the learner before it.
"""

import numpy as np

from squeezegym._jit import kernel
from squeezegym.codes import KIND_LEARNER, LEARNER, ONE, ZERO
from squeezegym.state import N_STREAMS

_OWN_STREAMS = np.int64(N_STREAMS)


@kernel(inline=True)
def is_learner(market, slot):
    """Whether an account is a learner's."""
    return market["accounts"][slot]["kind"] == KIND_LEARNER


@kernel(inline=True)
def seat_of(market, slot):
    """Which learner an account is of."""
    before = np.int64(market["accounts"].shape[0] - market["learners"].shape[0])
    return ZERO if slot == LEARNER else slot - before


@kernel(inline=True)
def account_of(market, seat):
    """Account slot of a learner."""
    before = np.int64(market["accounts"].shape[0] - market["learners"].shape[0])
    own = seat - market["learners"][seat]["hand"]
    return LEARNER if own == 0 else own + before


@kernel(inline=True)
def stream_of(seat, stream, which):
    """Random stream of a learner: the market's for the first, one of its own for any other."""
    return stream if seat == 0 else _OWN_STREAMS + 2 * (seat - ONE) + which


@kernel
def forget_orders(market, slot):
    """No order of a learner's account rests any more."""
    learners = market["learners"]
    seat = seat_of(market, slot)
    learners[seat]["order_id"] = 0
    if seat + 1 < learners.shape[0] and learners[seat + 1]["hand"] != 0:
        learners[seat + 1]["order_id"] = 0


@kernel
def tell(market, slot):
    """Let the next acks of an account say that it has changed, if it is a learner's."""
    if not is_learner(market, slot):
        return
    learners = market["learners"]
    seat = seat_of(market, slot)
    learners[seat]["changed"] = 1
    if seat + 1 < learners.shape[0] and learners[seat + 1]["hand"] != 0:
        learners[seat + 1]["changed"] = 1
