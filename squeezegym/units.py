"""From the units people use to those of a kernel: ticks, lots, quanta, nanoseconds, 1e-8."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from squeezegym.scenario import Scenario

BP = 1e-4
MS = 1_000_000
SECOND = 1_000_000_000
RATE = 100_000_000


def lots(scenario: Scenario, base: float) -> float:
    """Lots of an amount of coins, not rounded."""
    return base / scenario.contract.lot_size


def ticks(scenario: Scenario, quote: float) -> float:
    """Ticks of a price, not rounded."""
    return quote / scenario.contract.tick_size


def quanta(scenario: Scenario, quote: float) -> int:
    """Quanta of an amount of quote currency, rounded."""
    return round(quote / (scenario.contract.tick_size * scenario.contract.lot_size))


def slow(scenario: Scenario, seconds: float) -> int:
    """Nanoseconds of a slow rule: the one place where the clock of an episode is compressed."""
    return max(1, round(seconds * SECOND / scenario.episode.clock_compression))


def pack_mix(mix: tuple[tuple[float, float], ...], target: Any) -> None:
    """Write a leverage mix as a table of cumulative weights, filled up with its last row."""
    leverage = np.array([pair[0] for pair in mix])
    weight = np.array([pair[1] for pair in mix])
    target["leverage"] = leverage[-1]
    target["weight"] = 1.0
    target["leverage"][: len(leverage)] = leverage
    target["weight"][: len(leverage)] = np.cumsum(weight) / weight.sum()


def pack_rounds(scenario: Scenario, target: Any) -> None:
    """Write the distances of round prices, ticks, as a table like that of a leverage mix."""
    mix = scenario.population.rounds
    steps = [max(1, round(ticks(scenario, step))) for step, _ in mix]
    weight = np.array([pair[1] for pair in mix])
    target["round"] = steps[-1]
    target["round_weight"] = 1.0
    target["round"][: len(steps)] = steps
    target["round_weight"][: len(steps)] = np.cumsum(weight) / weight.sum()
