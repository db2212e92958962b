"""Scenarios: frozen, validated models; TOML in, a params record out.

A scenario states every number of a market in the units people use (base coin, quote
currency, basis points, seconds). :meth:`Scenario.pack` lowers it to the record that kernels
read; :meth:`Scenario.dump` writes it back out complete, with :meth:`Scenario.digest` as its name.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import Field, ValidationError, model_validator

from squeezegym.crowd import Followers, Fomo, Reloaders, Snipers
from squeezegym.errors import ConfigError, did_you_mean
from squeezegym.gateways import Gateway, Transport, check_gateway
from squeezegym.guards import Guard
from squeezegym.liquidity import Depth, Makers, Noise
from squeezegym.magnitudes import check_capital, check_magnitude, check_rounds
from squeezegym.perpless import check_perpless, fill_perpless
from squeezegym.players import Game, check_players
from squeezegym.population import Holders, Population, Positions
from squeezegym.protections import Protection
from squeezegym.resources import resources
from squeezegym.rules import (
    Borrowing,
    Fees,
    Funding,
    LiquidationRules,
    Margin,
    Marks,
    Matching,
)
from squeezegym.sections import Contract, Episode, Frozen, Learner, Pair
from squeezegym.state import SizeClass
from squeezegym.traders import Activity, Arbitrage, Catalyst, Value

_INSTEAD = {"brackets": "table", "table": "brackets"}  # of [margin]: the later one replaces


class Scenario(Frozen):
    """Everything that defines a market, and the episode that a learner plays in it."""

    name: str = Field(description="Name, as in configs/scenarios/<name>.toml.")
    size_class: SizeClass = "default"
    contract: Contract
    episode: Episode
    depth: Pair[Depth]
    noise: Pair[Noise]
    makers: Pair[Makers]
    value: Value
    activity: Activity = Activity()
    catalyst: Catalyst
    arbitrage: Arbitrage
    marks: Marks
    funding: Funding = Funding()
    margin: Margin
    fees: Fees
    liquidation: LiquidationRules
    population: Population
    holders: Holders = Holders()
    positions: Positions | None = None
    borrowing: Borrowing = Borrowing()
    followers: Followers = Followers()
    snipers: Snipers = Snipers()
    fomo: Fomo = Fomo()
    reloaders: Reloaders = Reloaders()
    protection: Protection = Protection()
    guard: Guard | None = None
    """None: the section's defaults; asked only where the exchange is the learner."""
    matching: Matching = Matching()
    gateway: Gateway = Gateway()
    transport: Transport
    learner: Learner
    game: Game | None = None
    """None: no game; asked only where several learners play."""

    @model_validator(mode="before")
    @classmethod
    def _without_perp(cls, data: Any) -> Any:
        return fill_perpless(data)

    @model_validator(mode="after")
    def _fits(self) -> Scenario:
        from squeezegym.packing import check_capacity

        check_perpless(self)
        check_players(self)
        check_capacity(self)
        check_magnitude(self)
        check_capital(self)
        check_gateway(self)
        check_rounds(self)
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        # The generic sections have no importable name: pickle the plain data instead.
        return (Scenario.parse, (self.model_dump(mode="json"),))

    @classmethod
    def names(cls) -> list[str]:
        """Return the names of the shipped scenarios, sorted."""
        folder = resources() / "scenarios"
        return sorted(p.name[: -len(".toml")] for p in folder.iterdir() if p.name.endswith(".toml"))

    @classmethod
    def load(cls, scenario: str | Path | Scenario, **overrides: Any) -> Scenario:
        """Load a scenario by shipped name or TOML path, with dotted or nested overrides.

        Args:
            scenario: A shipped name such as ``"short_squeeze"``, a path ending in ``.toml``, or
                a scenario to vary.
            **overrides: Sections or fields to change: ``learner={"leverage_cap": 5}`` or
                ``**{"learner.leverage_cap": 5}``.

        Raises:
            ConfigError: Unknown name or key, or an impossible value.
        """
        if isinstance(scenario, Scenario):
            if not overrides:
                return scenario
            return cls.parse(_merge(scenario.model_dump(mode="json"), overrides))
        return cls.parse(_merge(_read(scenario), overrides))

    @classmethod
    def parse(cls, data: Mapping[str, Any]) -> Scenario:
        """Validate plain data; a :class:`ConfigError` names value, range and remedy."""
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            raise ConfigError(_explain(error)) from None

    def dump(self) -> dict[str, Any]:
        """Return the complete scenario as plain data, ready for JSON or TOML."""
        return self.model_dump(mode="json", exclude_none=True)

    def digest(self) -> str:
        """Return the first 16 hex digits of the SHA-256 of the canonical dump."""
        text = json.dumps(self.dump(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def pack(self) -> Any:
        """Lower the scenario to a (1,) array of the params record."""
        from squeezegym.packing import pack

        return pack(self)


def _read(scenario: str | Path) -> dict[str, Any]:
    """Read a scenario's TOML; one that ``extends`` a complete one states only what differs."""
    data = _read_one(scenario)
    base = data.pop("extends", None)
    if base is None:
        return data
    complete = _read_one(base)
    if "extends" in complete:
        raise ConfigError(
            f"scenario {str(scenario)!r} extends {base!r}, which itself extends another; "
            "extend a complete scenario"
        )
    return _merge(complete, data)


def _read_one(scenario: str | Path) -> dict[str, Any]:
    """Read one TOML file by shipped name or by path."""
    text = str(scenario)
    if text.endswith(".toml"):
        path: Any = Path(text)
        if not path.is_file():
            raise ConfigError(
                f"scenario file {text!r} does not exist; give the path of a TOML file"
            )
    else:
        path = resources() / "scenarios" / f"{text}.toml"
        if not path.is_file():
            names = Scenario.names()
            raise ConfigError(
                f"unknown scenario {text!r}{did_you_mean(text, names)}; "
                f"shipped: {', '.join(names)} (or give the path of a .toml file)"
            )
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"scenario {text!r} is not valid TOML: {error}") from None


def _merge(data: dict[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``data`` with overrides applied; unknown keys are left to validation."""
    merged = {k: dict(v) if isinstance(v, dict) else v for k, v in data.items()}
    for key, value in overrides.items():
        head, _, rest = key.partition(".")
        if rest:
            merged[head] = _merge(dict(merged.get(head) or {}), {rest: value})
        elif isinstance(value, Mapping) and isinstance(merged.get(head), dict):
            merged[head] = _merge(merged[head], value)
        else:
            merged[head] = value
        other = _INSTEAD.get(key)
        if other is not None and other not in overrides:
            merged.pop(other, None)
    return merged


def _explain(error: ValidationError) -> str:
    """Turn pydantic's findings into sentences with the value, what is allowed and a remedy."""
    sentences = []
    for finding in error.errors():
        path = ".".join(str(part) for part in finding["loc"])
        if finding["type"] == "extra_forbidden":
            *parents, key = finding["loc"]
            known = _known_keys(parents)
            where = ".".join(str(p) for p in parents) or "scenario"
            sentences.append(
                f"{where}: unknown key '{key}'{did_you_mean(str(key), known)}"
                f" (known: {', '.join(sorted(known))})"
            )
        elif finding["type"] == "missing":
            sentences.append(f"{path} is missing; add it to the scenario")
        else:
            message = finding["msg"].removeprefix("Value error, ")
            got = "" if isinstance(finding["input"], dict) else f", got {finding['input']!r}"
            sentences.append(f"{path or 'scenario'}: {message}{got}")
    return "; ".join(sentences)


def _known_keys(parents: list[Any]) -> list[str]:
    """Return the field names of the section that a path leads to."""
    model: Any = Scenario
    for part in parents:
        if get_origin(model) is dict:  # the name of an entry
            model = get_args(model)[1]
            continue
        field = getattr(model, "model_fields", {}).get(str(part))
        if field is None:
            return []
        model = field.annotation
        if get_origin(model) is dict:
            continue
        for candidate in getattr(model, "__args__", ()):
            if hasattr(candidate, "model_fields"):
                model = candidate
    return list(getattr(model, "model_fields", {}))
