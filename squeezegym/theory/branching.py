"""Estimators of the branching ratio from data, each with its standard error.

A cascade is a branching process with the ratio ``n``: what one forced order forces on average.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from squeezegym.arguments import integer
from squeezegym.errors import DataError
from squeezegym.theory.flow import step_ratio
from squeezegym.theory.samples import FloatArray, finite, not_negative, number, ordered, same_length

GROUPS = 20


class Estimate(NamedTuple):
    """An estimate and its standard error."""

    value: float
    error: float


def hawkes_branching(times: ArrayLike, window_s: float, end_s: float | None = None) -> Estimate:
    """Branching ratio of events, ``1 - 1 / sqrt(F)`` with ``F`` the variance of counts over mean.

    In windows of length ``T`` the ratio ``F`` falls short of its limit by ``c / T``, so counts
    in windows of ``T`` and ``2 T`` give the limit as ``2 F(2T) - F(T)``. What is left is of the
    order of ``exp(-T / memory)``: windows should be 10 and more times the memory ``1 / (beta
    (1 - n))``. Source: Hardiman and Bouchaud 2014, arXiv:1403.5227; the limit is Richardson's.

    Args:
        times: (n,) times of events, s, in order.
        window_s: ``T``, above 0.
        end_s: End of the record that starts at 0; the last event if left out.

    Returns:
        The ratio, 0 for Poisson events, and its jackknife error over stretches of the record.

    Raises:
        DataError: Fewer than 40 double windows in the record.
    """
    series = ordered("times", times)
    number("window_s", window_s, 0.0, math.inf)
    end = float(series[-1]) if end_s is None else float(end_s)
    n = int(end / (2 * window_s))
    if n < 2 * GROUPS:
        raise DataError(
            f"the record holds {n} windows of twice {window_s:g} s, allowed is at least"
            f" {2 * GROUPS}; record longer or take shorter windows"
        )
    edges = np.arange(2 * n + 1) * window_s
    counts = np.diff(np.searchsorted(series, edges)).astype(np.float64).reshape(n, 2)

    def ratio(rows: FloatArray) -> float:
        fine, coarse = _fano(rows.ravel()), _fano(rows.sum(axis=1))
        return _from_fano(2 * coarse - fine)

    return _jackknife(ratio, counts)


def fano_branching(counts: ArrayLike) -> Estimate:
    """Branching ratio ``1 - 1 / sqrt(F)`` of counts in windows far longer than a cascade.

    Args:
        counts: (n,) events in each window, 0 and above; at least 40.
    """
    return _jackknife(
        lambda rows: _from_fano(_fano(rows)), not_negative("counts", counts, 2 * GROUPS)
    )


def size_branching(sizes: ArrayLike, seeds: float) -> Estimate:
    """Branching ratio ``1 - m / <N>`` of cascades with known starts: maximum likelihood.

    Its error is ``m sd(N) / (<N>^2 sqrt(cascades))``. Source: the mean of the law of Borel and
    Tanner (`cascades.borel_tanner`).

    Args:
        sizes: (n,) sizes of cascades, what started them included, above 0; at least 2.
        seeds: What started each, ``m``, in the same unit.
    """
    size = finite("sizes", sizes, 2)
    number("seeds", seeds, 0.0, math.inf)
    mean = float(size.mean())
    if mean <= 0:
        raise DataError(f"the mean size is {mean:g}, allowed is above 0; pass sizes with the start")
    error = seeds * float(size.std(ddof=1)) / (mean**2 * math.sqrt(len(size)))
    return Estimate(1 - seeds / mean, error)


def step_branching(forced: ArrayLike, exogenous: ArrayLike, groups: int = GROUPS) -> Estimate:
    """Branching ratio of successive forced steps: `flow.step_ratio` with its error.

    The error is a jackknife over stretches of successive steps, each of which keeps the step
    before it.

    Args:
        forced: (n,) as of `flow.step_ratio`; at least twice as many steps as groups.
        exogenous: (n,) likewise.
        groups: Stretches, 2 and above.
    """
    steps = not_negative("forced", forced, 2)
    others = finite("exogenous", exogenous, 2)
    same_length(forced=steps, exogenous=others)
    value = step_ratio(steps, others)
    pairs = np.column_stack([steps[1:], steps[:-1] + others[:-1]])
    error = _jackknife(_ratio, pairs, groups).error
    return Estimate(value, error)


def _ratio(pairs: FloatArray) -> float:
    above, below = pairs.sum(axis=0)
    if below <= 0:
        raise DataError("a stretch of steps has no volume before it; take fewer groups")
    return float(above / below)


def _fano(counts: FloatArray) -> float:
    mean = float(counts.mean())
    if mean == 0:
        raise DataError("a stretch of the record has no events; record longer")
    return float(counts.var(ddof=1)) / mean


def _from_fano(fano: float) -> float:
    """Branching ratio of a ratio of variance to mean; 0 below that of Poisson events."""
    return 1 - 1 / math.sqrt(max(1.0, fano))


def _jackknife(
    statistic: Callable[[FloatArray], float], rows: FloatArray, groups: int = GROUPS
) -> Estimate:
    """Estimate, its bias taken off, and standard error, by leaving out a stretch at a time.

    Source: Quenouille 1956, Biometrika 43, 353; Tukey 1958.
    """
    groups = integer("groups", groups, 2, 1_000_000)
    if len(rows) < 2 * groups:
        raise DataError(
            f"there are {len(rows)} rows, allowed is at least {2 * groups}; record longer"
        )
    parts = np.array_split(np.arange(len(rows)), groups)
    found = np.array([statistic(np.delete(rows, part, axis=0)) for part in parts])
    whole = statistic(rows)
    error = math.sqrt((groups - 1) * float(found.var()))
    return Estimate(groups * whole - (groups - 1) * float(found.mean()), error)
