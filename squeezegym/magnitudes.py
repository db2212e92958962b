"""Numbers that a market's integers hold: refused by name before a kernel would wrap around."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from squeezegym.sections import LARGEST_QUANTA, Learner
from squeezegym.units import quanta

if TYPE_CHECKING:
    from squeezegym.scenario import Scenario

_SECONDS = 1e9  # 31 years; a clock of nanoseconds ends after 292


def check_magnitude(scenario: Scenario) -> None:
    """Raise ValueError for an amount, a size or a time beyond what a market can count.

    Amounts of quote and sizes of base, at the opening price, may reach 1e17 quanta, times 1e9 s.
    """
    quote = LARGEST_QUANTA * scenario.contract.tick_size * scenario.contract.lot_size
    limits = {
        "_quote": quote,
        "_base": quote / scenario.contract.price,
        "_ms": 1000 * _SECONDS,
        "_s": _SECONDS,
    }
    for name, value in _numbers("", scenario):
        for unit, largest in limits.items():
            if name.endswith(unit) and not name.endswith("_per_s") and abs(value) > largest:
                raise ValueError(
                    f"{name}={value:g} is more than a market can count; "
                    f"{largest:g} at most, or a coarser tick_size and lot_size"
                    if unit in ("_quote", "_base")
                    else f"{name}={value:g} is longer than a market can run; {largest:g} at most"
                )


def check_capital(scenario: Scenario) -> None:
    """Raise ValueError for a capital below the smallest amount that a market counts, one quantum.

    Rewards and observations are shares of it.
    """
    least = scenario.contract.tick_size * scenario.contract.lot_size
    owners: dict[str, tuple[Learner, int]] = {"learner": (scenario.learner, 1)}
    if scenario.game is not None:
        for name, player in scenario.game.players.items():
            owners[f"game.players.{name}"] = (player, sum(not seat.hand for seat in player.seats))
    for name, (learner, wallets) in owners.items():
        if quanta(scenario, learner.capital_quote / wallets) < 1:
            raise ValueError(
                f"{name}.capital_quote={learner.capital_quote:g} is less than a market can count; "
                f"{least * wallets:g} at least, or a finer tick_size or lot_size"
            )


def check_rounds(scenario: Scenario) -> None:
    """Raise ValueError for round prices so far apart that the nearest one may be 0."""
    price = scenario.contract.price
    for step, _ in scenario.population.rounds:
        if step > price / 2:
            raise ValueError(
                f"population.rounds has round prices {step:g} apart, more than half of "
                f"contract.price={price:g}; take distances that fit the price"
            )


def _numbers(path: str, section: BaseModel) -> Iterator[tuple[str, float]]:
    """Yield every number of a section and of those in it, with its dotted name."""
    for name in type(section).model_fields:
        value: Any = getattr(section, name)
        if isinstance(value, BaseModel):
            yield from _numbers(f"{path}{name}.", value)
            continue
        if isinstance(value, dict):
            for key, entry in value.items():
                yield from _numbers(f"{path}{name}.{key}.", entry)
            continue
        for number in value if isinstance(value, tuple) else (value,):
            if isinstance(number, (int, float)):
                yield f"{path}{name}", number
