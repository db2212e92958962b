import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from squeezegym.core.ladder import next_occupied, occupy, previous_occupied, vacate
from squeezegym.state import SIZES as SIZE_CLASSES
from tests.kernels import from_python

pytestmark = [pytest.mark.nojit, pytest.mark.boundscheck]

SIZES = (4096, 8192, 16384)


def ladder(levels):
    dtype = np.dtype(
        [
            ("top", "u8", (2,)),
            ("middle", "u8", (2, max(1, levels // 4096))),
            ("fine", "u8", (2, levels // 64)),
        ]
    )
    return np.zeros(1, dtype)[0]


def occupied(record, side):
    bits = np.unpackbits(record["fine"][side].view(np.uint8), bitorder="little")
    return set(np.flatnonzero(bits).tolist())


def assert_summaries_agree(record):
    for side in range(2):
        words = np.flatnonzero(record["fine"][side])
        middle = np.zeros_like(record["middle"][side])
        for word in words.tolist():
            middle[word >> 6] |= np.uint64(1) << np.uint64(word & 63)
        np.testing.assert_array_equal(record["middle"][side], middle)
        top = sum(1 << block for block in np.flatnonzero(middle).tolist())
        assert int(record["top"][side]) == top


def assert_searches_agree(record, side, places, levels):
    up, down = from_python(next_occupied), from_python(previous_occupied)
    probes = {0, levels - 1, *places}
    probes |= {min(p + 1, levels - 1) for p in places} | {max(p - 1, 0) for p in places}
    for place in probes:
        assert int(up(record, side, place)) == min((p for p in places if p >= place), default=-1)
        assert int(down(record, side, place)) == max((p for p in places if p <= place), default=-1)


@given(data=st.data(), levels=st.sampled_from(SIZES))
def test_searches_equal_a_set(data, levels):
    # Corners of words and blocks come up often.
    corner = st.builds(
        lambda base, off: min(max(base + off, 0), levels - 1),
        st.sampled_from([*range(0, levels + 1, 4096), 64, 128, 4032]),
        st.integers(-2, 2),
    )
    place = st.one_of(st.integers(0, levels - 1), corner)
    steps = data.draw(st.lists(st.tuples(st.integers(0, 1), place, st.booleans()), max_size=12))
    record = ladder(levels)
    naive = (set(), set())
    put, take = from_python(occupy), from_python(vacate)
    for side, where, adds in steps:
        if adds:
            put(record, side, where)
            naive[side].add(where)
        else:
            take(record, side, where)
            naive[side].discard(where)
    assert_summaries_agree(record)
    for side in range(2):
        assert occupied(record, side) == naive[side]
        assert_searches_agree(record, side, naive[side], levels)


def test_an_empty_ladder_has_nothing():
    record = ladder(4096)
    for place in (0, 63, 64, 4095):
        assert int(from_python(next_occupied)(record, 0, place)) == -1
        assert int(from_python(previous_occupied)(record, 1, place)) == -1


@pytest.mark.parametrize("levels", SIZES)
def test_a_full_ladder_is_emptied_from_both_ends(levels):
    record = ladder(levels)
    put, take = from_python(occupy), from_python(vacate)
    for place in range(0, levels, 37):
        put(record, 1, place)
    places = list(range(0, levels, 37))
    while places:
        assert int(from_python(next_occupied)(record, 1, 0)) == places[0]
        assert int(from_python(previous_occupied)(record, 1, levels - 1)) == places[-1]
        take(record, 1, places.pop(0))
        if places:
            take(record, 1, places.pop())
    assert_summaries_agree(record)
    assert not record["top"].any()


@pytest.mark.parametrize("size", SIZE_CLASSES)
def test_the_liquidation_ladder_fits_the_bitmaps(size):
    # One bit of the top word for each middle word.
    buckets = SIZE_CLASSES[size].buckets
    assert buckets & (buckets - 1) == 0
    assert 4096 <= buckets <= 64 * 4096
