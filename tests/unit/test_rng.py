import math

import numpy as np
import pytest
import scipy.special

from squeezegym.batch import stream_seeds
from squeezegym.codes import MAX_QTY, Stream
from squeezegym.core.rng import (
    exponential,
    lognormal_lots,
    next_word,
    normal,
    normal_quantile,
    uniform,
)
from tests.kernels import from_python

pytestmark = [pytest.mark.nojit, pytest.mark.boundscheck]
MASK = 2**64 - 1


def rotated(word, bits):
    return ((word << bits) | (word >> (64 - bits))) & MASK


class Xoroshiro128Plus:
    """Blackman and Vigna's public-domain C code (2018 constants), in Python integers."""

    def __init__(self, low, high):
        self.state = [int(low), int(high)]

    def next(self):
        low, high = self.state
        word = (low + high) & MASK
        high ^= low
        self.state = [rotated(low, 24) ^ high ^ ((high << 16) & MASK), rotated(high, 37)]
        return word


def streams(seed=5):
    return stream_seeds(seed).copy()


def test_words_equal_the_reference():
    rng = streams()
    draw = from_python(next_word)
    for stream in (0, 3, len(Stream) - 1):
        reference = Xoroshiro128Plus(*rng[stream])
        assert [int(draw(rng, stream)) for _ in range(300)] == [
            reference.next() for _ in range(300)
        ]
        assert [int(word) for word in rng[stream]] == reference.state


def test_known_words_of_a_small_state():
    rng = np.array([[1, 2]], np.uint64)
    assert int(from_python(next_word)(rng, 0)) == 3
    # high ^= low -> 3; low = rotl(1, 24) ^ 3 ^ (3 << 16); high = rotl(3, 37)
    assert [int(word) for word in rng[0]] == [(1 << 24) ^ 3 ^ (3 << 16), 3 << 37]


def test_extreme_words_stay_in_the_unit_interval():
    draw = from_python(uniform)
    highest = np.array([[MASK, 0]], np.uint64)
    assert draw(highest, 0) == 1.0 - 2.0**-53
    lowest = np.array([[0, 0]], np.uint64)
    assert draw(lowest, 0) == 0.0
    highest = np.array([[MASK, 0]], np.uint64)
    assert math.isfinite(from_python(exponential)(highest, 0))


def test_a_draw_moves_only_its_own_stream():
    rng = streams()
    before = rng.copy()
    from_python(normal)(rng, 4)
    others = [i for i in range(len(rng)) if i != 4]
    np.testing.assert_array_equal(rng[others], before[others])
    assert (rng[4] != before[4]).any()


def test_a_normal_makes_one_draw():
    rng = streams()
    reference = Xoroshiro128Plus(*rng[1])
    from_python(normal)(rng, 1)
    reference.next()
    assert [int(word) for word in rng[1]] == reference.state


def test_normal_quantile_equals_scipy():
    quantile = from_python(normal_quantile)
    shares = np.concatenate([np.linspace(0.001, 0.999, 999), 2.0 ** -np.arange(2, 55)])
    shares = np.concatenate([shares, 1.0 - 2.0 ** -np.arange(2, 54)])
    found = np.array([quantile(p) for p in shares])
    np.testing.assert_allclose(found, scipy.special.ndtri(shares), rtol=2e-14, atol=1e-15)


def test_no_word_makes_an_infinite_normal():
    for low, high in ((0, 0), (MASK, 0)):
        rng = np.array([[low, high]], np.uint64)
        assert abs(from_python(normal)(rng, 0)) < 9


def test_moments():
    rng = streams(9)
    n = 4000
    u = np.array([from_python(uniform)(rng, 0) for _ in range(n)])
    e = np.array([from_python(exponential)(rng, 1) for _ in range(n)])
    z = np.array([from_python(normal)(rng, 2) for _ in range(n)])
    assert 0 <= u.min() and u.max() < 1
    assert abs(u.mean() - 0.5) < 5 / math.sqrt(12 * n)
    assert abs(e.mean() - 1.0) < 5 / math.sqrt(n)
    assert abs(z.mean()) < 5 / math.sqrt(n)
    assert abs(z.var() - 1.0) < 5 * math.sqrt(2 / n)
    counts = np.bincount((u * 16).astype(int), minlength=16)
    assert ((counts - n / 16) ** 2 / (n / 16)).sum() < 45  # chi-square, 15 degrees, p < 1e-4


def test_streams_differ_and_are_uncorrelated():
    rng = streams(3)
    assert len({tuple(state) for state in rng.tolist()}) == len(Stream)
    n = 1000
    draws = np.array([[from_python(uniform)(rng, s) for _ in range(n)] for s in range(len(rng))])
    correlation = np.corrcoef(draws) - np.eye(len(rng))
    assert np.abs(correlation).max() < 5 / math.sqrt(n)


def test_seeds_do_not_depend_on_anything_but_seed_and_stream():
    assert (stream_seeds(1) == stream_seeds(1)).all()
    assert (stream_seeds(1) != stream_seeds(2)).all()
    state = np.random.SeedSequence(8, spawn_key=(3,)).generate_state(2, np.uint64)
    np.testing.assert_array_equal(stream_seeds(8)[3], state)


def test_lots_are_at_least_one_and_rounded():
    lots = from_python(lognormal_lots)
    assert lots(0.5, -20.0, 0.0) == 1
    assert lots(0.5, math.log(7.4), 0.0) == 7
    assert lots(0.5, math.log(7.6), 0.0) == 8
    assert lots(0.9772498680518208, 1.0, 1.0) == 20  # exp(1 + 2)
    assert lots(0.0, 3.0, 50.0) == 1
    assert lots(1.0 - 2.0**-53, 3.0, 50.0) == MAX_QTY
