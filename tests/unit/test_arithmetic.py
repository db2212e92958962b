import math

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from squeezegym._jit import (
    from_bits,
    leading_bit,
    mul_high,
    to_bits,
    trailing_zeros,
    wrapping_add,
    wrapping_mul,
)
from squeezegym.core.arithmetic import coarse_log, mul_div, mul_div_up
from tests.kernels import from_python

pytestmark = [pytest.mark.nojit, pytest.mark.boundscheck]

BIG = 2**63 - 1
number = st.one_of(st.integers(0, BIG), st.integers(0, 10**6), st.integers(BIG - 10, BIG))
divisor = st.one_of(st.integers(1, BIG), st.integers(1, 10**9), st.integers(BIG - 10, BIG))


@given(a=number, b=number, c=divisor)
@example(a=BIG, b=BIG, c=BIG)
@example(a=BIG, b=BIG - 1, c=BIG)
@example(a=2**32, b=2**31, c=1 << 40)  # product is exactly 2**63
@example(a=2**32, b=2**32, c=2**62)  # product is exactly 2**64
@example(a=0, b=BIG, c=1)
@example(a=10**8 + 1, b=10**12, c=10**8)
def test_quotients_are_exact_in_both_roundings(a, b, c):
    assume(-(-a * b // c) <= BIG)
    assert int(from_python(mul_div)(a, b, c)) == a * b // c
    assert int(from_python(mul_div_up)(a, b, c)) == -(-a * b // c)


def test_worked_quotients():
    down, up = from_python(mul_div), from_python(mul_div_up)
    assert (int(down(10, 3, 4)), int(up(10, 3, 4))) == (7, 8)
    assert (int(down(10, 4, 4)), int(up(10, 4, 4))) == (10, 10)
    # A fee of 5 bp on 61,837.6 x 20 BTC, quanta of 1e-4 quote.
    assert int(up(12_367_520_000, 50_000, 10**8)) == 6_183_760
    assert int(up(12_367_520_001, 50_000, 10**8)) == 6_183_761


@given(a=st.integers(0, 2**64 - 1), b=st.integers(0, 2**64 - 1))
def test_words_wrap(a, b):
    # Halves below 2**63 reach numba as int64; the kernels must read them as words.
    a, b = a >> 1, b >> 1
    assert int(from_python(wrapping_add)(a, b)) == (a + b) % 2**64
    assert int(from_python(wrapping_mul)(a, b)) == (a * b) % 2**64
    assert int(from_python(mul_high)(a, b)) == (a * b) >> 64


@given(word=st.integers(1, 2**63 - 1))
def test_bits(word):
    assert int(from_python(leading_bit)(word)) == word.bit_length() - 1
    assert int(from_python(trailing_zeros)(word)) == (word & -word).bit_length() - 1


@given(x=st.floats(2.0**-1022, 1e300))
@example(x=1.0)
@example(x=2.0 - 2.0**-52)
def test_the_coarse_logarithm_is_close(x):
    assert abs(from_python(coarse_log)(x) - math.log(x)) < 2e-7


def test_bits_of_a_float():
    bits, number = from_python(to_bits), from_python(from_bits)
    assert int(bits(1.0)) == 1023 << 52
    assert float(number(np.uint64(0xC004 << 48))) == -2.5
