"""The indicator that tells each position how near it stands to being deleveraged."""

import numpy as np

from squeezegym._jit import entry, kernel
from squeezegym.codes import ZERO
from squeezegym.core.deleveraging import light
from squeezegym.core.ranking import take_best
from squeezegym.core.remainder import rank_side
from squeezegym.core.triggers import RANKED


@kernel
def light_side(market, params, perp, lights):
    """Write the lights of the positions that oppose one of ``perp`` lots."""
    size = rank_side(market, params, perp, market["marks"]["mark"])
    order = market["queue"][RANKED]
    total = ZERO
    for i in range(size):
        total += abs(market["accounts"][order[i]]["perp"])
    ahead = ZERO
    for left in range(size, 0, -1):
        slot = take_best(market["ranks"], order, np.int64(left))
        ahead += abs(market["accounts"][slot]["perp"])
        lights[slot] = np.uint8(light(ahead, total))


@entry(seconds=5)
def adl_lights(fingerprint):
    """Build the entry; the fingerprint of the sources is part of its cache key."""

    def adl_lights(markets, params, lights):
        """Write the place of every individual account in the queue of its side.

        Args:
            markets: (n,) ``market_dtype`` of one size class; scratch fields change.
            params: (1,) ``params_dtype`` of the same size class.
            lights: (n, accounts) uint8, zeros; 1 (next) to 5 for accounts that can be deleveraged.
        """
        fingerprint  # noqa: B018  (a closure cell: part of numba's cache key)
        for row in range(markets.shape[0]):
            light_side(markets[row], params[0], np.int64(-1), lights[row])
            light_side(markets[row], params[0], np.int64(1), lights[row])

    return adl_lights
