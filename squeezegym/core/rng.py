"""Random numbers: one xoroshiro128+ stream for each population and purpose.

A stream is two 64-bit words inside the market record, so a trajectory depends neither on
the batch nor on threads, and switching one population off leaves the noise of the others
as it was. Algorithm: Blackman and Vigna, "Scrambled linear pseudorandom number
generators" (2018), constants 24, 16, 37.
"""

import math

import numpy as np

from squeezegym._jit import kernel, wrapping_add
from squeezegym.codes import MAX_QTY

_A = np.uint64(24)
_A_BACK = np.uint64(40)
_B = np.uint64(16)
_C = np.uint64(37)
_C_BACK = np.uint64(27)
_DROP = np.uint64(11)
_TO_UNIT = 1.0 / (1 << 53)
_TWO_PI = 2.0 * math.pi
_MAX_LOTS = np.float64(MAX_QTY)
_MAX_EXPONENT = 50.0


@kernel(inline=True)
def next_word(rng, stream):
    """Return 64 random bits of ``rng[stream]`` and move the stream on."""
    low = rng[stream, 0]
    high = rng[stream, 1]
    word = wrapping_add(low, high)
    high = high ^ low
    rng[stream, 0] = ((low << _A) | (low >> _A_BACK)) ^ high ^ (high << _B)
    rng[stream, 1] = (high << _C) | (high >> _C_BACK)
    return word


@kernel(inline=True)
def uniform(rng, stream):
    """Return a uniform number in [0, 1)."""
    return np.float64(next_word(rng, stream) >> _DROP) * _TO_UNIT


@kernel(inline=True)
def exponential(rng, stream):
    """Return an exponential number of mean 1."""
    return -math.log(1.0 - uniform(rng, stream))


@kernel
def normal(rng, stream):
    """Return a standard normal number (Box-Muller, one of the pair: two draws always)."""
    radius = math.sqrt(2.0 * exponential(rng, stream))
    return radius * math.cos(_TWO_PI * uniform(rng, stream))


@kernel(inline=True)
def whole_lots(size):
    """Round a quantity to whole lots, at most what an order can hold."""
    return np.int64(min(size, _MAX_LOTS) + 0.5)


@kernel
def lognormal_lots(rng, stream, log_mean, log_sd):
    """Return a lognormal quantity, at least 1 lot."""
    size = math.exp(min(log_mean + log_sd * normal(rng, stream), _MAX_EXPONENT))
    return max(np.int64(1), whole_lots(size))
