"""Which market a command is about: the options that several commands share."""

from __future__ import annotations

import dataclasses
import os
import tomllib
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from squeezegym.errors import ConfigError

if TYPE_CHECKING:
    from squeezegym.scenario import Scenario

# Several words after one option, and the option several times.
_Words = Annotated[tuple[tuple[str, ...], ...], tyro.conf.UseAppendAction]


@dataclasses.dataclass(frozen=True)
class MarketOptions:
    """What a named market starts from, and what is changed in it.

    Attributes:
        book: from_data: raw capture of the perp (Binance USD-M websocket lines, plain or gzip);
            several files of one recording in order.
        spot: from_data: raw capture of spot from the same time. Without it the spot book is placed
            by the basis.
        positions: from_data: leveraged positions, JSON or CSV with side, size, entry_price and
            leverage or liquidation_price.
        open_interest: from_data: open interest (base); half of each side is drawn as leveraged
            accounts, with the scenario's leverage mix. Not together with positions.
        changes: Changes to the scenario, values as in TOML: learner.leverage_cap=5
            liquidation.destination='"off"' (quotes may be left out).
    """

    book: _Words = ()
    spot: _Words = ()
    positions: str | None = None
    open_interest: float | None = None
    changes: Annotated[_Words, tyro.conf.arg(name="set", metavar="[KEY=VALUE ...]")] = ()

    def data(self) -> dict[str, Any]:
        """Return the arguments of ``from_data`` that were given."""
        given: dict[str, Any] = {
            "book": _joined(self.book),
            "spot": _joined(self.spot),
            "positions": self.positions,
            "open_interest": self.open_interest,
        }
        return {key: value for key, value in given.items() if value is not None}

    def load_named(self, name: str, *, bare: bool = False) -> Scenario:
        """Load a scenario by name or path, with the changes.

        Args:
            name: Shipped name or path of a .toml file.
            bare: Allow ``from_data`` without data: the base that data is laid over.
        """
        from squeezegym.envs.loading import load_scenario
        from squeezegym.scenario import Scenario

        data = self.data()
        if bare and not data:
            loaded = Scenario.load(name)
        else:
            loaded = load_scenario(name, None, data)
        return changed(loaded, chain.from_iterable(self.changes))

    def notes(self) -> tuple[str, ...]:
        """Return what was done to recorded data, one sentence each."""
        if not self.book:
            return ()
        from squeezegym.data.from_data import describe_data

        return describe_data(**self.data())


@dataclasses.dataclass(frozen=True)
class ScenarioChoice(MarketOptions):
    """Which market: a shipped scenario, a TOML file, or one that starts from recorded data.

    Attributes:
        scenario: Shipped name (see `squeezegym list`) or path of a .toml file. Default: from_data
            with a book, short_squeeze otherwise.
    """

    scenario: str | None = None

    def load(self, *, bare: bool = False) -> Scenario:
        """Load the scenario with its changes, as :meth:`load_named`."""
        name = self.scenario or ("from_data" if self.data() else "short_squeeze")
        return self.load_named(name, bare=bare)


def changed(scenario: Scenario, changes: Iterable[str]) -> Scenario:
    """Return a scenario with changes ``KEY=VALUE``."""
    return type(scenario).load(scenario, **overrides(changes, scenario.dump()))


def _joined(groups: Sequence[Sequence[str]]) -> str | None:
    """Join file names as ``from_data`` takes them."""
    names = list(chain.from_iterable(groups))
    for name in names:
        if os.pathsep in name:
            raise ConfigError(f"a file name must not hold {os.pathsep!r}, got {name!r}")
    return os.pathsep.join(names) or None


def overrides(
    changes: Iterable[str], known: dict[str, Any], option: str = "--set"
) -> dict[str, Any]:
    """Read ``key=value`` pairs; a value that is not TOML is taken as text."""
    found = {}
    for change in changes:
        key, equals, text = change.partition("=")
        if not equals or not key.strip():
            raise ConfigError(
                f"{option} takes KEY=VALUE such as learner.leverage_cap=5, got {change!r}"
            )
        try:
            value = tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            value = text
        section: Any = known
        for part in key.strip().split(".")[:-1]:
            section = section.get(part, {})
            if not isinstance(section, dict):
                raise ConfigError(f"{option} {change}: '{part}' is a value and has no keys")
        found[key.strip()] = value
    return found
