"""Paired differences: the same seeds under two rules.

Streams of random numbers belong to populations, so two runs that differ in one rule meet the same
noise: the difference of a seed's two runs is the effect, and its spread over seeds the interval.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from squeezegym.theory.bootstrap import Interval, episode_interval
from squeezegym.theory.samples import FloatArray


@dataclass(frozen=True, slots=True)
class Difference:
    """What one rule adds to an outcome.

    Attributes:
        with_rule: Mean outcome with it.
        without: Mean outcome without it.
        mean: Mean of the paired differences.
        interval: Its 95 % bootstrap interval over seeds.
        size: Mean over the standard deviation of the differences (Cohen's d of paired samples,
            ``d_z``); NaN where all are equal.
    """

    with_rule: float
    without: float
    mean: float
    interval: Interval
    size: float


def paired(with_rule: FloatArray, without: FloatArray) -> Difference:
    """Compare two samples of the same seeds.

    Args:
        with_rule: (n,) outcomes, 5 and above.
        without: (n,) outcomes of the same seeds.
    """
    differences = with_rule - without
    spread = float(differences.std(ddof=1))
    return Difference(
        float(with_rule.mean()),
        float(without.mean()),
        float(differences.mean()),
        episode_interval(differences.tolist(), lambda chosen: float(np.mean(chosen))),
        float(differences.mean()) / spread if spread > 0 else float("nan"),
    )
