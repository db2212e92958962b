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
_HALF_STEP = 0.5 * _TO_UNIT  # keeps a uniform number off 0
_MAX_LOTS = np.float64(MAX_QTY)
_MAX_EXPONENT = 50.0


@kernel(inline=True)
def next_state(low, high):
    """Return 64 random bits of a stream's state, and the two words of the next one."""
    word = wrapping_add(low, high)
    high = high ^ low
    return (
        word,
        ((low << _A) | (low >> _A_BACK)) ^ high ^ (high << _B),
        (high << _C) | (high >> _C_BACK),
    )


@kernel(inline=True)
def next_word(rng, stream):
    """Return 64 random bits of ``rng[stream]`` and move the stream on."""
    word, rng[stream, 0], rng[stream, 1] = next_state(rng[stream, 0], rng[stream, 1])
    return word


@kernel(inline=True)
def to_unit(word):
    """Return 64 random bits as a uniform number in [0, 1)."""
    return np.float64(word >> _DROP) * _TO_UNIT


@kernel(inline=True)
def uniform(rng, stream):
    """Return a uniform number in [0, 1)."""
    return to_unit(next_word(rng, stream))


@kernel(inline=True)
def exponential(rng, stream):
    """Return an exponential number of mean 1."""
    return -math.log(1.0 - uniform(rng, stream))


@kernel
def normal_quantile(p):
    """Return the standard normal number below which a share ``p`` lies, to about 1e-16.

    Source: Wichura, "Algorithm AS 241: The percentage points of the normal distribution",
    Applied Statistics 37 (1988), PPND16.

    Args:
        p: In (0, 1).
    """
    q = p - 0.5
    if abs(q) <= 0.425:
        r = 0.180625 - q * q
        above = 2.5090809287301226727e3 * r + 3.3430575583588128105e4
        above = (above * r + 6.7265770927008700853e4) * r + 4.5921953931549871457e4
        above = (above * r + 1.3731693765509461125e4) * r + 1.9715909503065514427e3
        above = (above * r + 1.3314166789178437745e2) * r + 3.3871328727963666080e0
        below = 5.2264952788528545610e3 * r + 2.8729085735721942674e4
        below = (below * r + 3.9307895800092710610e4) * r + 2.1213794301586595867e4
        below = (below * r + 5.3941960214247511077e3) * r + 6.8718700749205790830e2
        below = (below * r + 4.2313330701600911252e1) * r + 1.0
        return q * above / below
    r = math.sqrt(-math.log(min(p, 1.0 - p)))
    if r <= 5.0:
        r -= 1.6
        above = 7.74545014278341407640e-4 * r + 2.27238449892691845833e-2
        above = (above * r + 2.41780725177450611770e-1) * r + 1.27045825245236838258e0
        above = (above * r + 3.64784832476320460504e0) * r + 5.76949722146069140550e0
        above = (above * r + 4.63033784615654529590e0) * r + 1.42343711074968357734e0
        below = 1.05075007164441684324e-9 * r + 5.47593808499534494600e-4
        below = (below * r + 1.51986665636164571966e-2) * r + 1.48103976427480074590e-1
        below = (below * r + 6.89767334985100004550e-1) * r + 1.67638483018380384940e0
        below = (below * r + 2.05319162663775882187e0) * r + 1.0
    else:
        r -= 5.0
        above = 2.01033439929228813265e-7 * r + 2.71155556874348757815e-5
        above = (above * r + 1.24266094738807843860e-3) * r + 2.65321895265761230930e-2
        above = (above * r + 2.96560571828504891230e-1) * r + 1.78482653991729133580e0
        above = (above * r + 5.46378491116411436990e0) * r + 6.65790464350110377720e0
        below = 2.04426310338993978564e-15 * r + 1.42151175831644588870e-7
        below = (below * r + 1.84631831751005468180e-5) * r + 7.86869131145613259100e-4
        below = (below * r + 1.48753612908506148525e-2) * r + 1.36929880922735805310e-1
        below = (below * r + 5.99832206555887937690e-1) * r + 1.0
    return math.copysign(above / below, q)


@kernel
def normal(rng, stream):
    """Return a standard normal number: one draw, by inversion."""
    return normal_quantile(max(to_unit(next_word(rng, stream)), _HALF_STEP))


@kernel(inline=True)
def whole_lots(size):
    """Round a quantity to whole lots, at most what an order can hold."""
    return np.int64(min(size, _MAX_LOTS) + 0.5)


@kernel
def lognormal_lots(unit, log_mean, log_sd):
    """Return the lognormal quantity below which a share ``unit`` in [0, 1) lies, at least 1 lot."""
    z = normal_quantile(max(unit, _HALF_STEP))
    size = math.exp(min(log_mean + log_sd * z, _MAX_EXPONENT))
    return max(np.int64(1), whole_lots(size))
