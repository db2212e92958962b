"""Occupancy bitmaps of three levels: the nearest occupied place in three word scans.

A ladder is any record with the fields ``fine``, ``middle`` and ``top``: one bit a place, one
bit a fine word, one bit a middle word, for each of two sides. The price ladder of a book and
the liquidation ladder share it.
"""

import numpy as np

from squeezegym._jit import kernel, leading_bit, trailing_zeros

_ONE = np.uint64(1)
_ALL = np.uint64(2**64 - 1)
_WORD = np.int64(63)
NOWHERE = np.int64(-1)  # no occupied place in that direction


@kernel(inline=True)
def occupy(ladder, side, place):
    """Mark a place as occupied."""
    word = place >> 6
    ladder["fine"][side, word] |= _ONE << np.uint64(place & _WORD)
    ladder["middle"][side, word >> 6] |= _ONE << np.uint64(word & _WORD)
    ladder["top"][side] |= _ONE << np.uint64(word >> 6)


@kernel(inline=True)
def vacate(ladder, side, place):
    """Mark a place as empty."""
    word = place >> 6
    rest = ladder["fine"][side, word] & ~(_ONE << np.uint64(place & _WORD))
    ladder["fine"][side, word] = rest
    if rest == 0:
        block = word >> 6
        rest = ladder["middle"][side, block] & ~(_ONE << np.uint64(word & _WORD))
        ladder["middle"][side, block] = rest
        if rest == 0:
            ladder["top"][side] &= ~(_ONE << np.uint64(block))


@kernel(inline=True)
def vacate_near(ladder, side, place, upwards):
    """Mark a place as empty, and look for the next occupied one in its word.

    Returns:
        That place, above or below, or NOWHERE: then it is in another word, if there is one.
    """
    word = place >> 6
    bit = place & _WORD
    rest = ladder["fine"][side, word] & ~(_ONE << np.uint64(bit))
    # The direction alternates at random: both searches are cheaper than a branch guessed wrong.
    above = rest & (_ALL << np.uint64(bit))
    below = rest & (_ALL >> np.uint64(_WORD - bit))
    ahead = above if upwards else below
    if ahead == 0:
        vacate(ladder, side, place)
        return NOWHERE
    ladder["fine"][side, word] = rest
    up = trailing_zeros(ahead)
    down = leading_bit(ahead)
    return (word << 6) + (up if upwards else down)


@kernel
def next_occupied(ladder, side, place):
    """Return the lowest occupied place at or above ``place``, or NOWHERE."""
    word = place >> 6
    bits = ladder["fine"][side, word] & (_ALL << np.uint64(place & _WORD))
    if bits != 0:
        return (word << 6) + trailing_zeros(bits)
    return _next_word(ladder, side, word + 1)


@kernel
def _next_word(ladder, side, word):
    n_blocks = ladder["middle"].shape[1]
    block = word >> 6
    if block >= n_blocks:
        return NOWHERE
    bits = ladder["middle"][side, block] & (_ALL << np.uint64(word & _WORD))
    if bits == 0:
        block += 1
        if block >= n_blocks:
            return NOWHERE
        blocks = ladder["top"][side] & (_ALL << np.uint64(block))
        if blocks == 0:
            return NOWHERE
        block = trailing_zeros(blocks)
        bits = ladder["middle"][side, block]
    word = (block << 6) + trailing_zeros(bits)
    return (word << 6) + trailing_zeros(ladder["fine"][side, word])


@kernel
def previous_occupied(ladder, side, place):
    """Return the highest occupied place at or below ``place``, or NOWHERE."""
    word = place >> 6
    bits = ladder["fine"][side, word] & (_ALL >> np.uint64(_WORD - (place & _WORD)))
    if bits != 0:
        return (word << 6) + leading_bit(bits)
    return _previous_word(ladder, side, word - 1)


@kernel
def _previous_word(ladder, side, word):
    if word < 0:
        return NOWHERE
    block = word >> 6
    bits = ladder["middle"][side, block] & (_ALL >> np.uint64(_WORD - (word & _WORD)))
    if bits == 0:
        if block == 0:
            return NOWHERE
        blocks = ladder["top"][side] & (_ALL >> np.uint64(64 - block))
        if blocks == 0:
            return NOWHERE
        block = leading_bit(blocks)
        bits = ladder["middle"][side, block]
    word = (block << 6) + leading_bit(bits)
    return (word << 6) + leading_bit(ladder["fine"][side, word])
