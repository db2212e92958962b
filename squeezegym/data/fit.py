"""A scenario fitted to captures: what likelihood gives, then moments matched by simulation.

First, from the recording alone: self-excitation by likelihood (`squeezegym.data.hawkes`) and the
depth profile as a power law. Then the numbers that no estimator gives directly, since populations
share in each of them, are moved until the simulated market has the recorded moments: trade rates,
volatility, depth, spread. What was moved, how far, and what still lies outside its interval is part
of the result.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from squeezegym.data.capture import Capture
from squeezegym.data.flow import NS_PER_S
from squeezegym.data.hawkes import HawkesFit, fit_hawkes
from squeezegym.data.moments import (
    MOMENTS,
    Watched,
    intervals,
    moments,
    watch_captures,
    watch_recording,
)
from squeezegym.errors import DataError
from squeezegym.parts import Keep, anew
from squeezegym.scenario import Scenario
from squeezegym.theory.bootstrap import Interval
from squeezegym.theory.recording import record

SECONDS = 120.0
WARMING_S = 30.0
STEP = 0.7  # of a knob, in logs of the moment; less in later rounds
CALM = 3.0  # times the trend at which makers of `from_data` begin to withdraw (assumed)
LARGEST = math.log(20)  # move of a knob, in logs
_QUIET: dict[str, Any] = {
    "catalyst.squeeze": 0.0,
    "catalyst.near_miss": 0.0,
    "episode.burn_in_s": WARMING_S,
    "makers.spot.near_bias": 4,  # spot stands on ticks ten times its own: its touch is kept up
    "value.perp_share": 0.7,  # the perp leads, as in the other scenarios
    "activity.log_sd": 0.3,  # slow common activity, which quick excitation does not give
}


@dataclass(frozen=True, slots=True)
class Profile:
    """Cumulative depth of the perp by distance, ``within_10bps (x / 10 bp) ^ exponent``.

    Attributes:
        within_10bps: Base, one side.
        exponent: Of the distance.
        interval: Its 95 % interval over samples of the book.
        error: Root mean square of the log error over bands.
    """

    within_10bps: float
    exponent: float
    interval: Interval
    error: float


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment of the recording and of the fitted market.

    Attributes:
        name: As in `squeezegym.data.moments.MOMENTS`.
        recorded: Of the recording.
        interval: Its 95 % interval.
        simulated: Of the fitted market, on seeds that were not used to fit it.
        inside: Whether that lies in the interval.
    """

    name: str
    recorded: float
    interval: Interval
    simulated: float
    inside: bool


@dataclass(frozen=True, eq=False, slots=True)
class Fit:
    """A fitted scenario and how good it is.

    Attributes:
        scenario: Complete, without a catalyst.
        hawkes: Self-excitation of each book's aggressor orders.
        profile: Depth of the perp.
        knobs: Factor by which each number was moved from what `from_data` measures.
        moments: Recorded beside simulated.
    """

    scenario: Scenario
    hawkes: dict[str, HawkesFit]
    profile: Profile
    knobs: dict[str, float]
    moments: tuple[Moment, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, ready for ``json.dumps``."""
        return {
            "digest": self.scenario.digest(),
            "hawkes": {book: asdict(fit) for book, fit in self.hawkes.items()},
            "profile": asdict(self.profile),
            "knobs": self.knobs,
            "moments": [asdict(moment) for moment in self.moments],
        }


Change = Callable[[Scenario, float], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Knob:
    """A number that is moved, the moment that it moves, and whether they rise together."""

    name: str
    moment: str
    sign: int
    change: Change | None = None

    def turned(self, scenario: Scenario, factor: float) -> dict[str, Any]:
        """Changes to a scenario that move the number by a factor."""
        if self.change is not None:
            return self.change(scenario, factor)
        value: Any = scenario
        for part in self.name.split("."):
            value = getattr(value, part)
        return {self.name: value * factor}


def _levels(scenario: Scenario, factor: float) -> dict[str, Any]:
    """Scale what makers quote on every level of the perp."""
    depth = scenario.depth.perp
    return {
        f"depth.perp.{side}": tuple((d, max(1.0, lots * factor), mark) for d, lots, mark in levels)
        for side, levels in (("bids", depth.bids), ("asks", depth.asks))
        if levels is not None
    }


KNOBS = (
    Knob("noise.perp.market_orders_per_s", "perp trade rate", 1),
    Knob("noise.spot.market_orders_per_s", "spot trade rate", 1),
    Knob("makers.perp.learning_bps_per_base", "perp volatility", 1),
    Knob("makers.spot.learning_bps_per_base", "spot volatility", 1),
    Knob("depth of the perp", "perp depth", 1, _levels),
    Knob("noise.perp.limit_visits_per_s", "perp spread", -1),
    Knob("makers.spot.visits_per_s", "spot spread", -1),
)


def fit_profile(capture: Capture) -> Profile:
    """Fit the depth profile of the samples of a book by least squares in logs, 1 to 50 bp.

    The interval is of blocks of 20 samples drawn with replacement.

    Raises:
        DataError: Fewer than 100 samples of the book.
    """
    bands = np.array([1.0, 2.0, 5.0, 10.0, 20.0, 50.0])
    rows = []
    for book in capture.depth_samples:
        sides = [
            np.searchsorted(np.abs(side[:, 0] / book.mid_ticks - 1), bands * 1e-4, side="right")
            for side in (book.bids, book.asks)
        ]
        sums = [np.append(0, np.cumsum(side[:, 1])) for side in (book.bids, book.asks)]
        rows.append(sum(s[k] for s, k in zip(sums, sides, strict=True)) / 2 * capture.lot_size)
    if len(rows) < 100:
        raise DataError(
            f"{capture.symbol}: {len(rows)} samples of the book are there, allowed are at least"
            " 100; record longer"
        )
    depth = np.array(rows)
    x = np.log(bands / 10)

    def slope(part: np.ndarray[Any, Any]) -> tuple[float, float, float]:
        y = np.log(np.maximum(part.mean(axis=0), 1e-9))
        found = np.polyfit(x, y, 1)
        error = float(np.sqrt(np.mean((np.polyval(found, x) - y) ** 2)))
        return float(found[0]), float(np.exp(found[1])), error

    rng = np.random.default_rng(0)
    count = len(depth) // 20
    drawn = []
    for _ in range(500):
        starts = rng.integers(0, len(depth) - 19, count)
        drawn.append(slope(depth[(starts[:, None] + np.arange(20)).ravel()])[0])
    low, high = np.quantile(drawn, [0.025, 0.975])
    exponent, level, error = slope(depth)
    return Profile(level, exponent, Interval(float(low), float(high)), error)


def work(seeds: int, rounds: int) -> float:
    """Market seconds that `fit` runs."""
    return seeds * SECONDS * (rounds + 2)


def fit(
    base: Scenario,
    perp: Capture,
    spot: Capture,
    *,
    seeds: Sequence[int] = range(1, 17),
    rounds: int = 20,
    seconds: float = SECONDS,
    threads: int | None = None,
    progress: Callable[[float], None] = lambda seconds: None,
    keep: Keep = anew,
) -> Fit:
    """Fit a scenario to two captures.

    Args:
        base: Scenario of the same captures, `squeezegym.data.from_data`.
        perp: The perp.
        spot: Spot of the same time.
        seeds: Markets of each round; the check at the end runs twice as many others.
        rounds: Rounds of simulation; the knob of spot's spread takes more than ten.
        seconds: Market time of each.
        threads: As of `squeezegym.batch.Batch`.
        progress: Told how many market seconds were run since it was told last.
        keep: Keeps the markets of each round.

    Raises:
        DataError: The captures are too short.
    """
    target = watch_captures(perp, spot)
    recorded, ends = moments([target]), intervals(target)
    hawkes = {"perp": _hawkes(perp), "spot": _hawkes(spot)}
    start = Scenario.load(base, **_QUIET, **_excited(base, hawkes))

    def run(scenario: Scenario, these: Sequence[int], long: float) -> dict[str, float]:
        recording = record(
            scenario, these, long, depth_s=1.0, threads=threads, progress=progress, keep=keep
        )
        stretches: list[Watched] = [watch_recording(recording, i) for i in range(len(these))]
        return moments(stretches)

    logs = np.zeros(len(KNOBS))
    signs = np.array([knob.sign for knob in KNOBS])
    tried = []
    for turn in range(rounds):
        found = run(_turned(start, logs), seeds, seconds)
        gaps = np.array([math.log(recorded[k.moment] / max(found[k.moment], 1e-12)) for k in KNOBS])
        step = np.clip(STEP / (1 + turn / 8) * signs * gaps, -0.7, 0.7)
        logs = np.clip(logs + step, -LARGEST, LARGEST)
        tried.append(logs)
    # Averaged over the later half: one round's best is best by its seeds as well.
    best = np.mean(tried[rounds // 2 :], axis=0)
    fitted = _turned(start, best)
    others = [seed + 1_000_000 + part for seed in seeds for part in (0, 500_000)]
    check = run(fitted, others, seconds)
    return Fit(
        scenario=fitted,
        hawkes=hawkes,
        profile=fit_profile(perp),
        knobs={knob.name: float(np.exp(log)) for knob, log in zip(KNOBS, best, strict=True)},
        moments=tuple(
            Moment(
                name,
                recorded[name],
                ends[name],
                check[name],
                ends[name].low <= check[name] <= ends[name].high,
            )
            for name in MOMENTS
        ),
    )


def _hawkes(capture: Capture) -> HawkesFit:
    trades = capture.trades
    new = np.ones(len(trades), bool)
    new[1:] = (np.diff(trades["time_ns"]) != 0) | (np.diff(trades["side"]) != 0)
    times = (trades["time_ns"][new] - capture.start_ns) / NS_PER_S
    return fit_hawkes(np.maximum.accumulate(np.maximum(times, 0.0)), capture.duration_s)


def _excited(base: Scenario, hawkes: dict[str, HawkesFit]) -> dict[str, Any]:
    """Self-excitation of the noise, quick as fitted, its norm at most that of exogenous flow."""
    changes: dict[str, Any] = {}
    for venue, found in hawkes.items():
        changes[f"noise.{venue}.branching"] = min(0.5, found.branching)
        changes[f"noise.{venue}.decay_per_s"] = found.decay
        # Makers take what was recorded for calm.
        calm = getattr(base.makers, venue).calm_trend_bps
        changes[f"makers.{venue}.calm_trend_bps"] = CALM * calm
    return changes


def _turned(start: Scenario, logs: np.ndarray[Any, Any]) -> Scenario:
    """Apply the knobs one after the other: two of them scale the same levels."""
    scenario = start
    for knob, log in zip(KNOBS, logs, strict=True):
        scenario = Scenario.load(scenario, **knob.turned(scenario, float(np.exp(log))))
    return scenario
