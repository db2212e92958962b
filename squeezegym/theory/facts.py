"""A stylised fact: an estimate, its interval, and the range that published markets show."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from squeezegym.errors import ConfigError, DataError, did_you_mean
from squeezegym.theory.bootstrap import Interval

Verdict = Literal["inside", "outside", "wide"]


@dataclass(frozen=True, slots=True)
class Fact:
    """One estimate beside its target.

    Attributes:
        name: What was estimated.
        estimate: Point estimate.
        low: Lower end of its interval, same unit.
        high: Upper end.
        target_low: Lower end of the target; minus infinity if it has none.
        target_high: Upper end; infinity if it has none.
        source: Where the target comes from.

    Raises:
        DataError: An estimate or an end that is NaN or infinite, or ends in the wrong order.
        ConfigError: A target with its ends in the wrong order, or NaN.
    """

    name: str
    estimate: float
    low: float
    high: float
    target_low: float
    target_high: float
    source: str

    def __post_init__(self) -> None:
        """Check the numbers."""
        found = (self.estimate, self.low, self.high)
        if not all(map(math.isfinite, found)) or self.low > self.high:
            raise DataError(
                f"{self.name}: estimate {self.estimate:g} with the interval {self.low:g} to"
                f" {self.high:g}, allowed are finite numbers and low <= high; estimate it again"
            )
        if not self.target_low <= self.target_high:
            raise ConfigError(
                f"{self.name}: target_low must be at or below target_high, got"
                f" {self.target_low:g} and {self.target_high:g}"
            )

    @property
    def verdict(self) -> Verdict:
        """Whether the estimate meets the target.

        ``inside``: it lies in the target and its interval is no wider than the target. ``wide``:
        it lies in the target, but the interval is wider, so the sample is too small to tell.
        ``outside``: it does not lie in the target, however wide the interval.
        """
        if not self.target_low <= self.estimate <= self.target_high:
            return "outside"
        narrow = self.high - self.low <= self.target_high - self.target_low
        return "inside" if narrow else "wide"


@dataclass(frozen=True, slots=True)
class Target:
    """Range that an estimate should lie in.

    Attributes:
        low: Lower end.
        high: Upper end.
        source: Where it comes from, and whether the range stands there.
    """

    low: float
    high: float
    source: str


_OWN = "the range is this project's"

# By name of the estimator: calm markets, but for `depth_loss`.
TARGETS: Mapping[str, Target] = MappingProxyType(
    {
        "tail_index": Target(2.5, 4.0, f"Takaishi 2021, arXiv:2009.06874, about 3; {_OWN}"),
        "excess_kurtosis": Target(
            7.0, math.inf, f"1 min, Takaishi 2018, arXiv:1707.07618, far from normal; {_OWN}"
        ),
        "absolute_decay": Target(
            0.1, 0.4, f"Takaishi 2021, arXiv:2009.06874, two power laws; {_OWN}"
        ),
        "sign_decay": Target(0.4, 0.7, f"Gould et al. 2016, arXiv:1504.04354, about 0.6; {_OWN}"),
        "signature_ratio": Target(1.0, 2.0, f"1 s over 5 min; no source, {_OWN}"),
        "impact_exponent": Target(
            0.4,
            0.6,
            f"metaorders, Sato and Kanazawa 2024, arXiv:2411.13965, 0.489; Donier and Bonart 2014,"
            f" arXiv:1412.4503, 0.5 on Bitcoin; {_OWN}",
        ),
        "volume_volatility": Target(0.3, 0.7, f"no source, {_OWN}"),
        "depth_loss": Target(0.9, 1.0, "Kaiko, 13 October 2025, on 10 October: 90 % and more"),
    }
)


def against_target(name: str, estimate: float, interval: Interval) -> Fact:
    """Put an estimate beside the target of that name.

    Args:
        name: One of `TARGETS`.
        estimate: Point estimate.
        interval: Its interval.

    Returns:
        The fact.

    Raises:
        ConfigError: There is no target of that name.
    """
    if name not in TARGETS:
        raise ConfigError(
            f"name must be one of {', '.join(TARGETS)}, got {name!r}{did_you_mean(name, TARGETS)}"
        )
    target = TARGETS[name]
    return Fact(name, estimate, *interval, target.low, target.high, target.source)
