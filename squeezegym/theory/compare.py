"""Exchange rules compared: the same seeds under each, outcome by outcome.

What is compared is said in `squeezegym.theory.paired`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from squeezegym.arguments import integer
from squeezegym.codes import Venue
from squeezegym.errors import ConfigError, did_you_mean
from squeezegym.parts import Keep, anew
from squeezegym.resources import resources
from squeezegym.scenario import Scenario
from squeezegym.theory.paired import Difference, paired
from squeezegym.theory.recording import Recording, record
from squeezegym.theory.samples import BP, FloatArray

STEP_MS = 1000
Progress = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Rule:
    """One set of rules.

    Attributes:
        name: What tables and figures call it.
        changes: Overrides of the scenario; none: the scenario as it is.
    """

    name: str
    changes: Mapping[str, Any]

    @classmethod
    def names(cls) -> list[str]:
        """Return the names of the shipped rules, sorted."""
        folder = resources() / "rules"
        return sorted(p.name[: -len(".toml")] for p in folder.iterdir() if p.name.endswith(".toml"))

    @classmethod
    def load(cls, rule: str) -> Rule:
        """Load a rule by shipped name or by the path of a TOML file of changes.

        Raises:
            ConfigError: There is none, or it is not TOML.
        """
        named = not rule.endswith(".toml")
        path: Any = resources() / "rules" / f"{rule}.toml" if named else Path(rule)
        if not path.is_file():
            names = cls.names()
            raise ConfigError(
                f"there is no rule {rule!r}{did_you_mean(rule, names)}; shipped: "
                f"{', '.join(names)} (or give the path of a .toml file)"
            )
        try:
            changes = tomllib.loads(path.read_text(encoding="utf-8"))
        except tomllib.TOMLDecodeError as error:
            raise ConfigError(f"rule {rule!r} is not valid TOML: {error}") from None
        return cls(rule if named else path.stem, changes)


@dataclass(frozen=True, slots=True)
class Outcome:
    """One number a market, read off its recording.

    Attributes:
        name: What it is, with its unit.
        measure: Takes a recording, returns (n,) numbers.
    """

    name: str
    measure: Callable[[Recording], FloatArray]


def traded(recording: Recording) -> FloatArray:
    """Volume of both books, auctions included, base."""
    trades = recording.trades
    taken = np.bincount(trades["market"], trades["base"], len(recording)).astype(np.float64)
    return taken + recording.crossed


def highest(recording: Recording) -> FloatArray:
    """Largest rise of the home book over its first price, %."""
    path = _path(recording)
    found: FloatArray = 100 * (path.max(axis=1) / path[:, 0] - 1)
    return found


def lowest(recording: Recording) -> FloatArray:
    """Largest fall of the home book below its first price, %."""
    path = _path(recording)
    found: FloatArray = 100 * (1 - path.min(axis=1) / path[:, 0])
    return found


def volatility(recording: Recording) -> FloatArray:
    """Root mean square return of the home book over a second in which it trades, bp.

    The jump over a pause counts, its time does not: a price that must stand still is not calm.
    """
    returns = np.diff(np.log(_path(recording)), axis=1)
    open_s = recording.step_s * (~recording.paused[_home(recording), :, 1:]).sum(axis=1)
    found: FloatArray = BP * np.sqrt((returns**2).sum(axis=1) / np.maximum(open_s, 1.0))
    return found


def fund_loss(recording: Recording) -> FloatArray:
    """Fall of the insurance fund, thousand quote; below zero where it gained."""
    return (recording.fund[:, 0] - recording.fund[:, -1]) / 1e3


def dislocation(recording: Recording) -> FloatArray:
    """Mean distance of the mark from the fundamental price, bp."""
    away = np.abs(recording.mark / recording.fundamental - 1)
    found: FloatArray = BP * away.mean(axis=1)
    return found


def minutes_paused(recording: Recording) -> FloatArray:
    """Time in which a book did not trade continuously, minutes."""
    found: FloatArray = recording.paused.any(axis=0).sum(axis=1) * recording.step_s / 60
    return found


def spread(recording: Recording) -> FloatArray:
    """Mean spread of the home book while both sides stand, bp of its mid."""
    home = _home(recording)
    with np.errstate(invalid="ignore"):
        relative = recording.spreads[home] / recording.mids[home]
    found: FloatArray = BP * np.nanmean(relative, axis=1)
    return found


OUTCOMES = (
    Outcome("traded volume, base", traded),
    Outcome("highest rise, %", highest),
    Outcome("largest fall, %", lowest),
    Outcome("volatility, bp a root second", volatility),
    Outcome("mean spread, bp", spread),
    Outcome("shorts liquidated, base", lambda recording: recording.liquidated[1, :, -1]),
    Outcome("longs liquidated, base", lambda recording: recording.liquidated[0, :, -1]),
    Outcome("loss of the fund, thousand quote", fund_loss),
    Outcome("accounts below zero, thousand quote", lambda recording: recording.shortfall / 1e3),
    Outcome("deleveraged, base", lambda recording: recording.deleveraged),
    Outcome("mark from fundamental, bp", dislocation),
    Outcome("paused, minutes", minutes_paused),
)
"""What `compare` looks at."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Rules beside the first of them.

    Attributes:
        scenario: The scenario before any change.
        rules: The rules, the first of which the others are compared with.
        seeds: Seeds of each.
        differences: Rule's name and outcome's name to the paired difference.
        values: Rule's name and outcome's name to the (n,) outcomes themselves.
        paths: Rule's name to (n, t) mid of the home book relative to its first, %.
        step_s: Step of the paths, s.
    """

    scenario: Scenario
    rules: tuple[Rule, ...]
    seeds: range
    differences: Mapping[tuple[str, str], Difference]
    values: Mapping[tuple[str, str], FloatArray]
    paths: Mapping[str, FloatArray]
    step_s: float


def compare(
    scenario: Scenario,
    rules: Sequence[Rule],
    episodes: int = 100,
    *,
    seed: int = 1,
    outcomes: Sequence[Outcome] = OUTCOMES,
    threads: int | None = None,
    progress: Progress = lambda seconds: None,
    keep: Keep = anew,
) -> Comparison:
    """Run a scenario under each rule on the same seeds, each to the end of its episode.

    Args:
        scenario: The market.
        rules: Two and more; the others are compared with the first.
        episodes: Seeds of each, 5 and above.
        seed: The first.
        outcomes: What is looked at.
        threads: As of `squeezegym.batch.Batch`.
        progress: Told how many market seconds were run since it was told last.
        keep: Keeps what is finished.

    Raises:
        ConfigError: Fewer than two rules, a name twice, or an impossible scenario.
    """
    names = [rule.name for rule in rules]
    if len(set(names)) < max(2, len(names)):
        raise ConfigError(
            f"rules to compare must be two or more with different names, got {', '.join(names)}"
        )
    first = integer("seed", seed, 0, 2**62)
    seeds = range(first, first + integer("episodes", episodes, 5, 1_000_000))
    under = {rule.name: Scenario.load(scenario, **rule.changes) for rule in rules}
    values: dict[tuple[str, str], FloatArray] = {}
    paths = {}
    for name, changed in under.items():
        recording = record(
            changed,
            seeds,
            changed.episode.horizon_s,
            step_ms=STEP_MS,
            depth_s=changed.episode.horizon_s,
            threads=threads,
            progress=progress,
            keep=keep,
        )
        values |= {(name, outcome.name): outcome.measure(recording) for outcome in outcomes}
        path = _path(recording)
        paths[name] = 100 * (path / path[:, :1] - 1)
    differences = {
        (name, outcome.name): paired(values[name, outcome.name], values[names[0], outcome.name])
        for name in names[1:]
        for outcome in outcomes
    }
    return Comparison(scenario, tuple(rules), seeds, differences, values, paths, STEP_MS / 1000)


def work(scenario: Scenario, rules: Sequence[Rule], episodes: int) -> float:
    """Market seconds that `compare` will run, for a bar of progress."""
    return episodes * len(rules) * scenario.episode.horizon_s


def _home(recording: Recording) -> Venue:
    """The book whose price counts: the perp, or spot in a market without one."""
    return Venue.PERP if recording.scenario.contract.perp else Venue.SPOT


def _path(recording: Recording) -> FloatArray:
    found: FloatArray = recording.mids[_home(recording)]
    return found
