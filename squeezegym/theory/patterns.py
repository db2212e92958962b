"""Order and disorder of one series: entropy of signs and of patterns, and the arrow of time.

Entropies of short windows come out too low, and divergences too high, for series that have nothing
to show. Each is set against surrogates of the same window that have nothing to show for certain,
and what these show is taken off.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from squeezegym.arguments import integer
from squeezegym.errors import DataError
from squeezegym.theory.samples import FloatArray, finite, ordered, same_length

ORDER = 4  # ordinal patterns of four values, 24 of them
LEAST = 30
PSEUDOCOUNT = 0.5
Codes = NDArray[np.int64]


def sign_entropy(signs: ArrayLike) -> float:
    """Entropy of the sides of orders, bits an order: 1 for a fair coin, 0 for one side.

    The bias of a short window, ``1 / (2 n ln 2)`` downwards, is added back. Source: Miller 1955,
    "Note on the bias of information estimates".

    Args:
        signs: (n,) above 0 for a buy, below for a sell; zeros are left out. At least 30.

    Returns:
        Bits, 0..1 and a little above.
    """
    coded = _signs(signs)
    share = float(coded.mean())
    if share in (0.0, 1.0):
        return 0.0
    plain = -share * math.log2(share) - (1 - share) * math.log2(1 - share)
    return plain + 1 / (2 * len(coded) * math.log(2))


def block_entropy(signs: ArrayLike, length: int = 3, shuffles: int = 50, seed: int = 0) -> float:
    """Entropy of the next side when the last ones are known, bits an order.

    ``H(k + 1) - H(k)`` over blocks of ``k``; what shuffles of the window show below the entropy of
    single sides, which is theirs in truth, is added. Source: Shannon 1951, Bell System Technical
    Journal 30, 50.

    Args:
        signs: (n,) as of `sign_entropy`.
        length: Sides that are known, ``k``, 1..8.
        shuffles: How many shuffles are averaged.
        seed: Seed of the shuffles.

    Returns:
        Bits; near `sign_entropy` for sides without memory, below it with one.
    """
    coded = _signs(signs)
    k = integer("length", length, 1, 8)
    integer("shuffles", shuffles, 1, 100_000)
    random = np.random.default_rng(seed)
    surrogates = [_rate(random.permutation(coded), k) for _ in range(shuffles)]
    return _rate(coded, k) - float(np.mean(surrogates)) + sign_entropy(signs)


def permutation_entropy(
    values: ArrayLike, order: int = ORDER, shuffles: int = 50, seed: int = 0
) -> float:
    """Entropy of the order of successive values, relative to that of the same values shuffled.

    Source: Bandt and Pompe 2002, Physical Review Letters 88, 174102; equal values rank in order of
    time, which the shuffles share.

    Args:
        values: (n,) steps of a series, such as returns; at least 30.
        order: Values in a pattern, 2..6.
        shuffles: How many shuffles are averaged.
        seed: Seed of the shuffles.

    Returns:
        About 1 for independent values, down to 0 for one pattern throughout.
    """
    series = finite("values", values, LEAST)
    m = integer("order", order, 2, 6)
    integer("shuffles", shuffles, 1, 100_000)
    random = np.random.default_rng(seed)
    baseline = np.mean([_pattern_bits(random.permutation(series), m) for _ in range(shuffles)])
    # All values equal: one pattern, of them and of every shuffle.
    return float(_pattern_bits(series, m) / baseline) if baseline > 0 else 0.0


def irreversibility(
    values: ArrayLike, order: int = ORDER, surrogates: int = 50, seed: int = 0
) -> float:
    """How far a series differs from itself read backwards, bits a pattern.

    ``sum p(pattern) log2 [p(pattern) / p(reversed)]`` over ordinal patterns, half a count added to
    each, less the mean over surrogates in which stretches of two patterns' length are read
    backwards with chance one half, so that time has no direction. In a driven system it bounds the
    production of entropy from below. Sources: Roldán and Parrondo 2010, Physical Review Letters
    105, 150607; Zanin, Rodríguez-González, Menasalvas Ruiz and Papo 2018, Entropy 20, 665.

    Args:
        values: (n,) a series, such as prices; at least 30.
        order: Values in a pattern, 3..6.
        surrogates: How many are averaged.
        seed: Seed of the surrogates.

    Returns:
        Bits; about 0, on either side, for a series without an arrow of time.
    """
    series = finite("values", values, LEAST)
    m = integer("order", order, 3, 6)
    integer("surrogates", surrogates, 1, 100_000)
    forward, backward, cells = _ordinals(series, m)
    random = np.random.default_rng(seed)
    stretch = 2 * m
    turns = random.random((surrogates, -(-len(forward) // stretch))) < 0.5
    flipped = np.repeat(turns, stretch, axis=1)[:, : len(forward)]
    mean = np.mean(
        [
            _divergence(np.where(turn, backward, forward), np.where(turn, forward, backward), cells)
            for turn in flipped
        ]
    )
    return _divergence(forward, backward, cells) - float(mean)


def forced_work(
    times: ArrayLike, signed_base: ArrayLike, grid: ArrayLike, prices: ArrayLike
) -> FloatArray:
    """Work that forced orders have done on the book so far: ``sum base (p - p0)``.

    What they pay beyond the price before the first of them, as a driven system dissipates: it is
    what those who quote gain at first and what impact costs.

    Args:
        times: (m,) times of forced orders, s, in order.
        signed_base: (m,) base, above 0 for buying.
        grid: (t,) times of prices, s, in order; the first before the first order.
        prices: (t,) prices at these times, quote.

    Returns:
        (m,) quote, cumulated; a price is the last on the grid before the order's time.

    Raises:
        DataError: Series of unequal length, or orders before the grid.
    """
    if len(np.asarray(times)) == 0:
        return np.zeros(0)
    when, at = ordered("times", times), ordered("grid", grid)
    base, price = finite("signed_base", signed_base), finite("prices", prices)
    same_length(times=when, signed_base=base)
    same_length(grid=at, prices=price)
    place = np.searchsorted(at, when, side="right") - 1
    if place[0] < 0:
        raise DataError(f"times[0] is {when[0]:g}, before the grid at {at[0]:g}; start it earlier")
    reference = price[place[0]]
    done: FloatArray = np.cumsum(base * (price[place] - reference))
    return done


def _signs(signs: ArrayLike) -> Codes:
    """Sides as 0 and 1."""
    series = finite("signs", signs)
    coded: Codes = (series[series != 0] > 0).astype(np.int64)
    if len(coded) < LEAST:
        raise DataError(f"signs has {len(coded)} sides, allowed is at least {LEAST}; record longer")
    return coded


def _rate(coded: Codes, k: int) -> float:
    return _block(coded, k + 1) - _block(coded, k)


def _block(coded: Codes, k: int) -> float:
    """Entropy of blocks of ``k`` sides, bits."""
    return _bits(np.lib.stride_tricks.sliding_window_view(coded, k) @ (1 << np.arange(k)))


def _pattern_bits(series: FloatArray, m: int) -> float:
    """Entropy of ordinal patterns, bits."""
    windows = np.lib.stride_tricks.sliding_window_view(series, m)
    return _bits(np.argsort(windows, axis=1, kind="stable") @ m ** np.arange(m))


def _bits(words: Codes) -> float:
    counts = np.bincount(words)
    share = counts[counts > 0] / len(words)
    return -float(share @ np.log2(share))


def _ordinals(series: FloatArray, m: int) -> tuple[Codes, Codes, int]:
    """Code of each window's pattern and of the same read backwards, and how many codes there are.

    Equal values rank in order of time in both directions, so a flat stretch would read as a rise
    either way: such windows are left out.
    """
    windows = np.lib.stride_tricks.sliding_window_view(series, m)
    ranks = np.argsort(windows, axis=1, kind="stable")
    gaps = np.diff(np.take_along_axis(windows, ranks, axis=1), axis=1)
    ranks = ranks[(gaps > 0).all(axis=1)]
    if len(ranks) == 0:
        ranks = np.zeros((0, m), np.int64)
    base = m ** np.arange(m)
    return ranks @ base, (m - 1 - ranks) @ base, m**m


def _divergence(forward: Codes, backward: Codes, cells: int) -> float:
    """Divergence of two sets of patterns, over those that occur in either, bits."""
    one, other = (np.bincount(codes, minlength=cells) for codes in (forward, backward))
    seen = (one + other) > 0
    p, q = one[seen] + PSEUDOCOUNT, other[seen] + PSEUDOCOUNT
    return float((p / p.sum()) @ np.log2(p / p.sum() / (q / q.sum()))) if seen.any() else 0.0
