"""Causes of a squeeze, taken away one at a time on the same seeds.

What is compared is said in `squeezegym.theory.paired`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from squeezegym.arguments import integer
from squeezegym.parts import Keep, anew
from squeezegym.scenario import Scenario
from squeezegym.theory.paired import Difference, paired
from squeezegym.theory.recording import KEEPS_UP, Recording, record
from squeezegym.theory.samples import FloatArray

IGNITED = {
    "catalyst.squeeze": 1.0,
    "catalyst.near_miss": 0.0,
    "learner.short_start": 0.0,
}
STEP_MS = 1000
AFTER_S = 30  # after a top: how much of it is given back
Progress = Callable[[float], None]


def highest(recording: Recording, book: int = 0) -> FloatArray:
    """Largest rise of a book over its price before any catalyst, %."""
    start = int(recording.scenario.catalyst.start_s[0]) - 5
    path = recording.mids[book]
    found: FloatArray = 100 * (path[:, start:].max(axis=1) / path[:, start] - 1)
    return found


def highest_spot(recording: Recording) -> FloatArray:
    """The same of the spot book."""
    return highest(recording, 1)


def given_back(recording: Recording) -> FloatArray:
    """Fall of the perp in the half minute after its highest price, %."""
    path = recording.mids[0]
    tops = path.argmax(axis=1)
    after = np.minimum(tops + AFTER_S, path.shape[1] - 1)
    rows = np.arange(len(path))
    found: FloatArray = 100 * (1 - path[rows, after] / path[rows, tops])
    return found


def longs_taken(recording: Recording) -> FloatArray:
    """Longs liquidated, base."""
    return recording.liquidated[0, :, -1]


def fall(recording: Recording) -> FloatArray:
    """Largest fall of the perp from a high before it, %."""
    path = recording.mids[0]
    found: FloatArray = 100 * (1 - (path / np.maximum.accumulate(path, axis=1)).min(axis=1))
    return found


def roughest(recording: Recording) -> FloatArray:
    """Largest move of the perp in one second, %."""
    found: FloatArray = 100 * np.abs(np.diff(np.log(recording.mids[0]), axis=1)).max(axis=1)
    return found


@dataclass(frozen=True, slots=True)
class Cause:
    """One cause, and what is looked at with it and without.

    Attributes:
        name: What is taken away, or put in.
        scenario: Shipped scenario; its metaorder is always drawn as a squeeze.
        outcome: What is measured, with its unit.
        measure: Takes a recording, returns one number a market.
        without: Overrides that take the cause away.
        present: Overrides with which it is there.
    """

    name: str
    scenario: str
    outcome: str
    measure: Callable[[Recording], FloatArray]
    without: Mapping[str, Any]
    present: Mapping[str, Any] = field(default_factory=dict)


CALM_MAKERS = {
    f"makers.{book}.{name}": value
    for book in ("perp", "spot")
    for name, value in (("withdrawal", 0.0), ("widening", 0.0), ("panic", 0.0))
}
ON_PERP = {"catalyst.perp_share": 1.0}
SNIPERS = {
    "snipers.looks_per_s": 20.0,
    "snipers.max_base": 400.0,
    "snipers.hold_s": 60.0,
    "snipers.leave_share": 0.2,
    "snipers.cap_bps": 100.0,
}
NO_FOMO = {"fomo.accounts": 0}
CAUSES = (
    Cause(
        "forced flow",
        "short_squeeze",
        "highest rise, %",
        highest,
        {"liquidation.destination": "absorber"},
    ),
    Cause(
        "arbitrage (metaorder on the perp)",
        "short_squeeze",
        "highest rise of spot, %",
        highest_spot,
        {**ON_PERP, "arbitrage.looks_per_s": 0.0},
        ON_PERP,
    ),
    Cause("makers who withdraw", "short_squeeze", "highest rise, %", highest, CALM_MAKERS),
    Cause("FOMO", "round_number", "highest rise, %", highest, NO_FOMO),
    Cause("FOMO", "round_number", "longs liquidated, base", longs_taken, NO_FOMO),
    Cause("FOMO", "round_number", "largest fall, %", fall, NO_FOMO),
    Cause("snipers", "short_squeeze", "highest rise, %", highest, {}, SNIPERS),
    Cause("overload", "short_squeeze", "largest move in 1 s, %", roughest, KEEPS_UP),
    Cause("snipers", "short_squeeze", f"given back in {AFTER_S} s, %", given_back, {}, SNIPERS),
)


@dataclass(frozen=True, slots=True)
class Effect:
    """What one cause adds.

    Attributes:
        cause: The cause.
        difference: Of the outcome with it and without.
    """

    cause: Cause
    difference: Difference


def causes(
    episodes: int = 100,
    *,
    seed: int = 1,
    threads: int | None = None,
    progress: Progress = lambda seconds: None,
    keep: Keep = anew,
) -> list[Effect]:
    """Run every cause with and without it on the same seeds.

    Args:
        episodes: Seeds of each, 5 and above.
        seed: The first.
        threads: As of `squeezegym.batch.Batch`.
        progress: Told how many market seconds were run since it was told last.
        keep: Keeps what is finished.

    Returns:
        One effect a cause and outcome.
    """
    first = integer("seed", seed, 0, 2**40)
    seeds = range(first, first + integer("episodes", episodes, 5, 1_000_000))
    known: dict[str, Recording] = {}

    def run(name: str, overrides: Mapping[str, Any]) -> Recording:
        scenario = Scenario.load(name, **{**IGNITED, **overrides})
        if scenario.digest() not in known:
            seconds = scenario.episode.horizon_s
            known[scenario.digest()] = record(
                scenario,
                seeds,
                seconds,
                step_ms=STEP_MS,
                depth_s=seconds,
                threads=threads,
                progress=progress,
                keep=keep,
            )
        return known[scenario.digest()]

    return [
        _effect(cause, run(cause.scenario, cause.present), run(cause.scenario, cause.without))
        for cause in CAUSES
    ]


def work(episodes: int) -> float:
    """Market seconds that `causes` will run, for a bar of progress."""
    runs = {
        (cause.scenario, tuple(sorted(overrides.items())))
        for cause in CAUSES
        for overrides in (cause.present, cause.without)
    }
    return episodes * sum(Scenario.load(name).episode.horizon_s for name, _ in runs)


def _effect(cause: Cause, present: Recording, without: Recording) -> Effect:
    return Effect(cause, paired(cause.measure(present), cause.measure(without)))
