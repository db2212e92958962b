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

_CAPTURE = "BTCUSDT recorded on 8 August 2024"
_CRASH = "10 October 2025"

# By name of the estimator, in calm markets; in a squeeze the last ones, from `depth_loss` on.
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
        "volatility_bps": Target(0.8, 1.6, f"1 s, {_CAPTURE}, 1.2; a third either way, {_OWN}"),
        "return_autocorrelation": Target(
            -0.1, 0.1, f"1 min, Schnaubelt et al. 2019, JRFM 12:25, about 0; {_OWN}"
        ),
        "spread_ticks": Target(1.0, 1.5, f"time-weighted, {_CAPTURE}, 1.14; {_OWN}"),
        "one_tick_share": Target(0.9, 1.0, f"of the time, {_CAPTURE}, 0.99; {_OWN}"),
        "depth_exponent": Target(
            0.57, 0.77, f"Amberdata BTC/FDUSD, July and August 2025, 0.67; {_OWN}"
        ),
        "depth_ratio": Target(3.7, 5.9, f"100 bp over 10 bp, Amberdata 2025, 4.7; {_OWN}"),
        "lead_lag": Target(
            0.005, 1.0, "Robertson and Zhang 2025: futures lead at 1 s; the recording by 0.01 s"
        ),
        "funding_bps": Target(0.5, 1.5, f"8 h, Binance FAQ 360033525031, base 1 bp; {_OWN}"),
        "mean_basis_bps": Target(-10.0, 10.0, f"{_CAPTURE}, -3.7; a few percent a year; {_OWN}"),
        "basis_half_life": Target(0.1, 5.0, f"s, {_CAPTURE}, seconds or less; {_OWN}"),
        "branching": Target(
            0.6, 0.9, "Filimonov and Sornette 2012, arXiv:1201.3572, above 0.7; the recording 0.85"
        ),
        "depth_loss": Target(0.9, 1.0, "Kaiko, 13 October 2025, on 10 October: 90 % and more"),
        "squeeze_tail_index": Target(2.0, 3.0, f"fatter than in calm; {_OWN}"),
        "squeeze_autocorrelation": Target(
            0.0, 1.0, f"1 s, the minute from ignition: prices trend; no source, {_OWN}"
        ),
        "squeeze_signature": Target(
            0.0, 1.0, f"1 s over 15 s, the minute from ignition: prices trend; no source, {_OWN}"
        ),
        "squeeze_spread": Target(
            10.0, 1000.0, f"widest second over the median before; press reports of {_CRASH}"
        ),
        "squeeze_branching": Target(0.95, 1.0, f"near 1; {_OWN}"),
        "squeeze_impact": Target(
            0.8, 1.6, "frozen book: from 1 to 1 / 0.67, the inverse of the depth exponent"
        ),
        "squeeze_top_minute": Target(0.25, 0.45, f"Amberdata on {_CRASH}, 0.32; {_OWN}"),
        "squeeze_one_side": Target(0.8, 0.95, f"Amberdata on {_CRASH}, 0.84; {_OWN}"),
        "open_interest_drop": Target(0.1, 0.3, f"press on {_CRASH}, 0.186; {_OWN}"),
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
