"""The table of stylised facts of a calm scenario and of a squeeze: estimates beside targets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from squeezegym.arguments import integer
from squeezegym.errors import DataError
from squeezegym.parts import Keep, anew
from squeezegym.scenario import Scenario
from squeezegym.theory.bootstrap import Interval, episode_interval
from squeezegym.theory.calmfacts import CALM
from squeezegym.theory.facts import Fact, against_target
from squeezegym.theory.probe import ALONE, metaorder_impact
from squeezegym.theory.recording import Recording, record
from squeezegym.theory.samples import FloatArray, number
from squeezegym.theory.squeezefacts import SQUEEZE

CALM_S = 1800.0  # of one calm market
FINE_S = 60.0
FINE_MS = 10
PROBE_BASE = (3.0, 10.0, 30.0)
FROZEN_BASE = (30.0, 100.0, 300.0)
PROBES = 48
RESAMPLES = 500
Progress = Callable[[float], None]


@dataclass(frozen=True, eq=False, slots=True)
class Material:
    """What the rows are estimated from.

    Attributes:
        market: Recording of the scenario.
        fine: A short one on a fine grid; of the calm scenario only.
        impacts: (seeds, sizes) impact of probe metaorders, bp.
        sizes: Their sizes, base.
    """

    market: Recording
    fine: Recording | None
    impacts: FloatArray
    sizes: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table.

    Attributes:
        label: What is measured, in words.
        estimator: How, in words.
        scenario: Where.
        fact: The estimate beside its target; None if it could not be had.
        remark: Why not.
    """

    label: str
    estimator: str
    scenario: str
    fact: Fact | None
    remark: str = ""


def work(hours: float, episodes: int, squeeze: Scenario) -> float:
    """Market seconds that `validate` will run, for a bar of progress."""
    calm = calm_markets(hours)
    probes = 40 * PROBES * (2 + len(PROBE_BASE) + len(FROZEN_BASE))
    return calm * CALM_S + PROBES * FINE_S + episodes * squeeze.episode.horizon_s + probes


def calm_markets(hours: float) -> int:
    """Calm markets of half an hour that make so many hours, at least 5."""
    return max(5, round(number("hours", hours, 0.0, 1e5) * 3600 / CALM_S))


def validate(
    calm: Scenario,
    squeeze: Scenario,
    *,
    hours: float = 24.0,
    episodes: int = 200,
    seed: int = 1,
    threads: int | None = None,
    progress: Progress = lambda seconds: None,
    keep: Keep = anew,
) -> list[Row]:
    """Run both scenarios and measure every stylised fact.

    Args:
        calm: A market without a catalyst.
        squeeze: One whose episodes may squeeze.
        hours: Market time of the calm one, in markets of half an hour.
        episodes: Episodes of the other, each of its horizon.
        seed: Seeds from here on, 0 and above.
        threads: As of `squeezegym.batch.Batch`.
        progress: Told how many market seconds were run since it was told last.
        keep: Keeps what is finished.

    Returns:
        The rows, calm first.
    """
    seed = integer("seed", seed, 0, 2**40)
    integer("episodes", episodes, 5, 1_000_000)
    idle: dict[str, Any] = {"learner": {"short_start": 0.0}}
    calm, squeeze = Scenario.load(calm, **idle), Scenario.load(squeeze, **idle)
    probes = range(seed, seed + PROBES)
    common: dict[str, Any] = {"threads": threads, "progress": progress, "keep": keep}
    markets = range(seed, seed + calm_markets(hours))
    quiet = Material(
        record(calm, markets, CALM_S, **common),
        record(calm, probes, FINE_S, step_ms=FINE_MS, depth_s=FINE_S, **common),
        metaorder_impact(calm, probes, PROBE_BASE, **common),
        PROBE_BASE,
    )
    rows = _rows("calm", CALM, quiet)
    del quiet
    frozen = Scenario.load(calm, **ALONE)
    driven = Material(
        record(
            squeeze,
            range(seed, seed + episodes),
            squeeze.episode.horizon_s,
            depth_s=1.0,
            **common,
        ),
        None,
        metaorder_impact(frozen, probes, FROZEN_BASE, **common),
        FROZEN_BASE,
    )
    return rows + _rows("squeeze", SQUEEZE, driven)


Sample = Callable[[Material], tuple[Sequence[Any], Callable[[list[Any]], float]]]


def _rows(scenario: str, table: Sequence[tuple[str, str, str, Sample]], got: Material) -> list[Row]:
    """Estimate the rows of one scenario."""
    return [
        Row(label, estimator, scenario, *_estimate(name, sample, got))
        for name, label, estimator, sample in table
    ]


def _estimate(name: str, sample: Sample, got: Material) -> tuple[Fact | None, str]:
    """Estimate a fact and its interval, or say why there is none."""
    try:
        episodes, statistic = sample(got)
        if not len(episodes):
            raise DataError("no episode ignited; run more")
        estimate = statistic(list(episodes))
        interval = (
            episode_interval(episodes, statistic, resamples=RESAMPLES)
            if len(episodes) > 1
            else Interval(estimate, estimate)
        )
        return against_target(name, float(np.float64(estimate)), interval), ""
    except DataError as error:
        return None, str(error)
