"""Transfer of information from one series to another, free of the bias of short windows."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from squeezegym.arguments import integer
from squeezegym.theory.samples import finite, same_length

STATES = 3


def thirds(values: ArrayLike) -> NDArray[np.int64]:
    """Sort values into down, flat and up, coded 0, 1, 2.

    Flat is the third of them that is nearest to 0; where more of them are 0, these.

    Args:
        values: (n,) finite numbers, such as returns.
    """
    series = finite("values", values)
    edge = np.quantile(np.abs(series), 1 / STATES)
    moved = (np.abs(series) >= edge) & (series != 0)
    codes: NDArray[np.int64] = 1 + np.sign(series).astype(np.int64) * moved
    return codes


def transfer_entropy(
    source: ArrayLike, target: ArrayLike, shuffles: int = 50, seed: int = 0
) -> float:
    """Bits that the last step of one series adds to what another says of its own next step.

    ``sum p(y', y, x) log2 [p(y' | y, x) / p(y' | y)]`` over :func:`thirds`, less its mean over
    shuffles of the source: in a short window the plain sum is far above 0 for series that have
    nothing to do with each other. Source: Schreiber 2000, Physical Review Letters 85, 461; the
    shuffles: Marschinski and Kantz 2002, European Physical Journal B 30, 275.

    Args:
        source: (n,) steps of the series that may inform, such as 1-second returns.
        target: (n,) steps of the other one at the same times.
        shuffles: How many shuffles are averaged.
        seed: Seed of the shuffles.

    Returns:
        Bits a step; about 0, on either side, without transfer.

    Raises:
        DataError: Arrays of unequal length, shorter than 30, or not finite.
        ConfigError: ``shuffles`` is not 1 to 100,000.
    """
    steps = finite("source", source, 30)
    answers = finite("target", target, 30)
    same_length(source=steps, target=answers)
    integer("shuffles", shuffles, 1, 100_000)
    x, y = thirds(steps), thirds(answers)
    random = np.random.default_rng(seed)
    baseline = [_bits(random.permutation(x), y) for _ in range(shuffles)]
    return _bits(x, y) - float(np.mean(baseline))


def _bits(x: NDArray[np.int64], y: NDArray[np.int64]) -> float:
    """Transfer entropy of two coded series, as it comes."""
    cells = (y[1:] * STATES + y[:-1]) * STATES + x[:-1]
    joint = np.bincount(cells, minlength=STATES**3).reshape(STATES, STATES, STATES) / len(cells)
    with np.errstate(divide="ignore", invalid="ignore"):
        given_both = joint / joint.sum(axis=0)
        given_own = joint.sum(axis=2) / joint.sum(axis=(0, 2))
        terms = joint * np.log2(given_both / given_own[:, :, None])
    return float(np.nansum(terms))
