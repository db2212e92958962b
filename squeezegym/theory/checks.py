"""A prediction beside its measurement, and the statistics that measure it."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from squeezegym.parts import Keep
from squeezegym.theory.bootstrap import Interval
from squeezegym.theory.facts import Fact
from squeezegym.theory.reduced import Reactions, reduced_paths
from squeezegym.theory.samples import FloatArray

Z = 1.959964  # of a 95 % interval
_RESAMPLES = 400
SHARES = np.linspace(0.88, 1.12, 13)  # of a predicted threshold, at which runaways are counted


@dataclass(frozen=True, slots=True)
class Check:
    """One prediction beside its measurement.

    Attributes:
        row: Of the protocol, such as V1.
        what: The prediction, in words.
        how: The simulation, in words.
        expected: What theory says.
        fact: The measurement; its target is the tolerance around what was expected.
    """

    row: str
    what: str
    how: str
    expected: float
    fact: Fact


def check(
    row: str,
    what: str,
    how: str,
    expected: float,
    measured: tuple[float, Interval],
    tolerance: tuple[float, float],
) -> Check:
    """Put a measurement beside a prediction.

    Args:
        row: As of `Check`, like the next three.
        what: In words.
        how: In words.
        expected: What theory says.
        measured: Estimate and interval.
        tolerance: Ends of the range that agrees.
    """
    estimate, interval = measured
    return Check(row, what, how, expected, Fact(what, estimate, *interval, *tolerance, how))


def kept(keep: Keep, what: tuple[Any, ...], rows: Callable[[], Iterable[Check]]) -> list[Check]:
    """Run some rows as a part of a long run.

    Args:
        keep: Keeps the part.
        what: As of `squeezegym.parts.Keep`.
        rows: Runs them.
    """
    part = keep(what, lambda: {"rows": json.dumps([asdict(row) for row in rows()])})
    return [Check(**{**row, "fact": Fact(**row["fact"])}) for row in json.loads(str(part["rows"]))]


def within(expected: float, relative: float = 0.0, absolute: float = 0.0) -> tuple[float, float]:
    """Range around what is expected."""
    half = relative * abs(expected) + absolute
    return expected - half, expected + half


def mean_of(values: FloatArray, scale: float = 1.0) -> tuple[float, Interval]:
    """Mean of independent values times a scale, with its normal 95 % interval."""
    middle = float(values.mean()) * scale
    half = Z * float(values.std(ddof=1)) * abs(scale) / math.sqrt(len(values))
    return middle, Interval(middle - half, middle + half)


def share_of(hits: int, trials: int) -> tuple[float, Interval]:
    """Share of trials, with Wilson's 95 % interval."""
    from scipy.stats import binomtest

    found = binomtest(hits, trials).proportion_ci(method="wilson")
    return hits / trials, Interval(float(found.low), float(found.high))


def midpoint(xs: FloatArray, hits: FloatArray, trials: int) -> tuple[float, Interval]:
    """Where a share crosses one half, in a line between points, with a resampled interval.

    Args:
        xs: (n,) increasing settings.
        hits: (n,) how many of the trials ran away at each.
        trials: At each.

    Returns:
        The crossing; an end of the settings where there is none.
    """

    def crossing(shares: FloatArray) -> float:
        rising = np.maximum.accumulate(shares) + 1e-9 * np.arange(len(shares))
        return float(np.interp(0.5, rising, xs))

    random = np.random.default_rng(0)
    drawn = [crossing(random.binomial(trials, hits / trials) / trials) for _ in range(_RESAMPLES)]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return crossing(hits / trials), Interval(float(low), float(high))


def edge(
    build: Callable[[float], Reactions], paths: int, multiple: float, seed: int
) -> tuple[float, Interval]:
    """Share of a predicted threshold at which half of the chains run away.

    Args:
        build: Reactions at a share of the threshold.
        paths: At each of `SHARES`.
        multiple: Forced over exogenous base that counts as running away.
        seed: Of the first share.
    """
    hits = []
    for i, share in enumerate(SHARES):
        reactions = build(float(share))
        found, _ = reduced_paths(
            reactions,
            paths,
            seed=seed + i,
            most=multiple * reactions.demand,
            horizon_s=1e5,
            leap=0.03,
        )
        hits.append(int(found["ran_away"].sum()))
    return midpoint(SHARES, np.array(hits, np.float64), paths)


def plane_midpoint(rows: list[dict[str, Any]]) -> tuple[float, Interval]:
    """Index at which half of a plane's paths run away: a logistic in its log, by likelihood."""
    from scipy.optimize import minimize
    from scipy.special import expit

    logs = np.log(np.maximum([row["index"] for row in rows], 1e-6))
    shares = np.array([row["ran_away"] for row in rows])

    def fit(weights: FloatArray) -> float:
        def loss(x: FloatArray) -> float:
            p = np.clip(expit(math.exp(x[1]) * (logs - x[0])), 1e-9, 1 - 1e-9)
            return -float(weights @ (shares * np.log(p) + (1 - shares) * np.log(1 - p)))

        starts = [(x, 2.0) for x in (-0.5, 0.0, 0.5)]
        best = min(
            (minimize(loss, start, method="Nelder-Mead") for start in starts),
            key=lambda found: float(found.fun),
        )
        return math.exp(float(best.x[0]))

    random = np.random.default_rng(0)
    drawn = [
        fit(
            np.bincount(random.integers(0, len(rows), len(rows)), minlength=len(rows)).astype(
                np.float64
            )
        )
        for _ in range(60)
    ]
    return fit(np.ones(len(rows))), Interval(*np.quantile(drawn, [0.025, 0.975]).tolist())


def count(paths: int, effort: float) -> int:
    """Paths at an effort, 20 at least."""
    return max(20, round(paths * effort))
