"""What environments make of the keyword arguments that they share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from gymnasium.vector import AutoresetMode

from squeezegym import GAMES
from squeezegym.errors import ConfigError, did_you_mean
from squeezegym.scenario import Scenario

_DATA_KEYS = ("book", "spot", "positions", "open_interest")


def load_scenario(
    scenario: str | Scenario,
    horizon_s: float | None,
    data: dict[str, Any],
    changes: Mapping[str, Any] = MappingProxyType({}),
) -> Scenario:
    """Return the scenario that an environment's keyword arguments ask for.

    Args:
        scenario: Shipped name, TOML path or scenario object; ``"from_data"`` with data files
            builds one from them.
        horizon_s: Episode length instead of the scenario's, seconds.
        data: ``book``, ``spot``, ``positions``, ``open_interest`` of ``from_data``.
        changes: What the environment changes in any scenario.

    Raises:
        ConfigError: Unknown scenario or argument, or an impossible value.
        DataError: A data file is missing or damaged.
    """
    for key in data:
        if key not in _DATA_KEYS:
            known = ("scenario", "horizon_s", "threads", "render_mode", "actions", *_DATA_KEYS)
            raise ConfigError(
                f"unknown argument '{key}'{did_you_mean(key, known)} (known: {', '.join(known)})"
            )
    data = {key: value for key, value in data.items() if value is not None}
    overrides = dict(changes)
    if horizon_s is not None:
        overrides["episode.horizon_s"] = horizon_s
    if scenario != "from_data":
        if data:
            raise ConfigError(
                f"{', '.join(data)} belong to scenario 'from_data', got scenario {scenario!r}"
            )
        return Scenario.load(scenario, **overrides)
    from squeezegym.data.from_data import scenario_from_data

    return Scenario.load(scenario_from_data(**data), **overrides)


def autoreset(
    num_envs: int, mode: str | AutoresetMode, allowed: Iterable[AutoresetMode] = AutoresetMode
) -> AutoresetMode:
    """Return the mode in which a batch of so many markets begins its next episodes.

    Raises:
        ConfigError: No market, or a mode that is not allowed.
    """
    if num_envs < 1:
        raise ConfigError(f"num_envs must be >= 1, got {num_envs}")
    modes = {member.value: member for member in allowed}
    for name, member in modes.items():
        if mode in (name, member):
            return member
    known = ", ".join(f"'{name}'" for name in modes)
    raise ConfigError(f"autoreset_mode must be one of {known}, got {mode!r}")


def game_arguments(env_id: str, kwargs: dict[str, Any]) -> dict[str, Any]:
    """Return keyword arguments with the scenario of a game's id.

    Raises:
        ConfigError: An unknown id.
    """
    if env_id not in GAMES:
        raise ConfigError(
            f"unknown game {env_id!r}{did_you_mean(env_id, GAMES)}; known: {', '.join(GAMES)}"
        )
    return {"scenario": GAMES[env_id], **kwargs}
