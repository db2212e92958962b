"""Forced demand against depth: the ignition barrier of a state.

Quasi-static law of a squeeze: with depth ``S(p)`` and forced demand ``D(p)`` cumulated from the
present price, exogenous demand ignites a cascade once it exceeds ``max_p (S(p) - D(p))``.
This is the project's own reduced model of a cascade as a busy period, not a published one.
"""

import numpy as np

from squeezegym._jit import kernel
from squeezegym.codes import BUY, NO_SLOT, PERP, SELL, SPOT
from squeezegym.core.ladder import next_occupied
from squeezegym.core.levels import in_window
from squeezegym.core.triggers import LONGS, SHORTS

_BAND = np.int64(16)  # buckets over which rho and lambda are compared


@kernel
def depth_between(book, side, low, high):
    """Lots of one side resting at prices low..high, both included, ticks."""
    total = np.int64(0)
    mask = np.int64(book["levels"].shape[0] - 1)
    base = book["base"]
    last = base + mask
    price = max(low, base)
    while price <= min(high, last):
        place = price & mask
        found = next_occupied(book, side, place)
        if found < 0:
            found = next_occupied(book, side, np.int64(0))
        if found < 0:
            break
        step = (found - place) & mask
        price += step
        if price > min(high, last):
            break
        total += book["levels"][found]["qty"]
        price += 1
    if not in_window(book, low) or not in_window(book, high):
        slot = book["waiting_head"][side]
        while slot != NO_SLOT:
            order = book["orders"][slot]
            if order["price"] >= low and order["price"] <= high:
                total += np.int64(order["qty"])
            slot = order["next"]
    return total


@kernel
def bucket_lots(market, ladder, holders, bucket):
    """Lots of the accounts in one bucket of a ladder: positions, or coins owed."""
    total = np.int64(0)
    slot = ladder["heads"][holders, bucket]
    while slot != NO_SLOT:
        account = market["accounts"][slot]
        total += abs(account["perp"]) + market["holders"][slot]["debt"]
        slot = account["next"]
    return total


@kernel
def measure_barrier(market, params, side):
    """Measure the ignition barrier: over both books, or without a perp over the lender's debts.

    Args:
        market: The market record.
        params: Its parameters.
        side: BUY for a rise through the shorts, SELL for a fall through the longs.

    Returns:
        ``(barrier, visible_n)``: the ignition barrier in lots over both books, at least 1, and
        the largest ratio of forced demand to depth over a band of 16 buckets.
    """
    if params["scale"]["home"] == SPOT:
        return _walk(market, market["borrow_ladder"], side, False)
    return _walk(market, market["ladder"], side, True)


@kernel
def _walk(market, ladder, side, on_perp):
    """Walk away from the mark and compare depth with forced demand."""
    n_buckets = np.int64(ladder["heads"].shape[1])
    width = np.int64(1) << ladder["shift"]
    mark = market["marks"]["mark"]
    bucket = (mark - ladder["base"]) >> ladder["shift"]
    holders = SHORTS if side == BUY else LONGS
    resting = SELL if side == BUY else BUY
    shift = market["marks"]["index"] - mark
    depth = np.int64(0)
    forced = np.int64(0)
    barrier = np.int64(1)
    band_depth = np.int64(0)
    band_forced = np.int64(0)
    steps = np.int64(0)
    worst = 0.0
    while bucket > 0 and bucket < n_buckets - 1:
        low = ladder["base"] + (bucket << ladder["shift"])
        high = low + width - 1
        here = depth_between(market["books"][SPOT], resting, low + shift, high + shift)
        if on_perp:
            here += depth_between(market["books"][PERP], resting, low, high)
        lots = bucket_lots(market, ladder, holders, bucket)
        depth += here
        forced += lots
        band_depth += here
        band_forced += lots
        barrier = max(barrier, depth - forced)
        steps += 1
        if steps % _BAND == 0:
            if band_depth > 0:
                worst = max(worst, np.float64(band_forced) / np.float64(band_depth))
            elif steps > 4 * _BAND:
                break  # the books end here
            band_depth = np.int64(0)
            band_forced = np.int64(0)
        bucket += 1 if side == BUY else -1
    return barrier, worst
