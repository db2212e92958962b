"""Actions of the exchange: how far each lever is pulled, as numbers or as a choice from a menu."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium import spaces

from squeezegym.envs.action import check_action_set, check_choices
from squeezegym.errors import ConfigError
from squeezegym.guards import STEPS, Guard
from squeezegym.levers import LEVERS, lever_unit
from squeezegym.measures import N_RULES, RULE_NAMES, Rule
from squeezegym.scenario import Scenario

ACTIONS = ("continuous", "discrete")


@dataclass(frozen=True, slots=True)
class Grip:
    """What the first and the last step of a lever mean; those between lie in equal ratios.

    Args:
        gentle: Value of step 1.
        strict: Value of step 8.
        unit: Of both.
    """

    gentle: float
    strict: float
    unit: str


_DEPTH = "of the depth within 10 bp"
GRIPS: dict[Rule, Grip] = {
    Rule.LEVERAGE_CAP: Grip(50.0, 5.0, "notional over margin"),
    Rule.MARGIN_HIKE: Grip(1.1, 3.0, "of both margins"),
    Rule.OPEN_INTEREST_MARGIN: Grip(100.0, 5.0, _DEPTH),
    Rule.POSITION_LIMIT: Grip(2.0, 0.02, _DEPTH),
    Rule.PRICE_BAND: Grip(0.05, 0.002, "of the reference"),
    Rule.CIRCUIT_BREAKER: Grip(0.1, 0.01, "of the previous close"),
    Rule.VELOCITY_HALT: Grip(0.05, 0.005, "of the previous close"),
    Rule.LIQUIDATION_THROTTLE: Grip(10.0, 0.2, "accounts a second"),
    Rule.ABSORPTION: Grip(0.1, 1.0, "of a position"),
    Rule.FUNDING_CHANGE: Grip(0.5, 0.05, "of the funding interval"),
    Rule.BATCH_AUCTION: Grip(0.1, 2.0, "s"),
}
"""Levers with a value; the others are on or off."""

PRESETS: tuple[dict[Rule, int], ...] = (
    {},
    {Rule.LIQUIDATION_THROTTLE: 3},
    {Rule.LIQUIDATION_THROTTLE: 6},
    {Rule.PRICE_BAND: 8},
    {Rule.VELOCITY_HALT: 6},
    {Rule.ABSORPTION: 8},
    {Rule.LEVERAGE_CAP: 6},
    {Rule.SHORT_BAN: STEPS},
    {Rule.BATCH_AUCTION: 5},
    {Rule.CANCEL_ONLY: STEPS},
    {Rule.LIQUIDATION_THROTTLE: 3, Rule.ABSORPTION: 5, Rule.PRICE_BAND: 6},
)
"""Choices of the discrete actions: the rules in force and their steps; all others are off."""

_MENU = np.zeros((len(PRESETS), N_RULES), np.int64)
for _row, _preset in zip(_MENU, PRESETS, strict=True):
    for _rule, _step in _preset.items():
        _row[_rule] = _step


def check_actions(actions: str) -> str:
    """Return ``actions`` if the exchange can act by it, else raise ConfigError."""
    if check_action_set(actions) not in ACTIONS:
        raise ConfigError(
            f"actions of the exchange must be one of {', '.join(ACTIONS)}, got {actions!r}: "
            "every lever can be pulled at any time, so there is nothing to mask"
        )
    return actions


def action_space(guard: Guard, actions: str) -> spaces.Box | spaces.Discrete:
    """Return the box of the levers, or the choices of the menu."""
    if actions == "continuous":
        return spaces.Box(-1.0, 1.0, (len(guard.levers),), np.float32)
    return spaces.Discrete(len(PRESETS))


def lever_values(scenario: Scenario) -> Any:
    """Return (rules, steps + 1) values as the record takes them; 0 for on or off."""
    home = scenario.depth.perp if scenario.contract.perp else scenario.depth.spot
    values = np.zeros((N_RULES, STEPS + 1))
    for rule, grip in GRIPS.items():
        unit = lever_unit(scenario, rule)
        if grip.unit == _DEPTH:
            unit *= home.within_10bps_base
        if rule == Rule.FUNDING_CHANGE:
            unit = 1.0
        for step in range(1, STEPS + 1):
            share = (step - 1) / (STEPS - 1)
            values[rule, step] = unit * grip.gentle * (grip.strict / grip.gentle) ** share
    return values


def read_levers(actions: Any, rows: Any, guard: Guard) -> Any:
    """Check continuous actions and return how far each lever is pulled.

    Args:
        actions: (n, levers) numbers; infinities are clipped, NaN is refused.
        rows: (n,) bool; the actions of other rows are ignored.
        guard: Which levers there are.

    Returns:
        (n, rules) steps, 0 (off) to 8.

    Raises:
        ConfigError: Wrong shape, not numbers, or NaN.
    """
    width = len(guard.levers)
    try:
        actions = np.asarray(actions, np.float64)
    except (TypeError, ValueError):
        raise ConfigError(
            f"action must be {width} numbers in [-1, 1], one a lever, got {actions!r}"
        ) from None
    if actions.shape != (len(rows), width):
        wanted = f"({width},)" if len(rows) == 1 else f"({len(rows)}, {width})"
        got = actions.shape[1:] if len(rows) == 1 and actions.ndim > 1 else actions.shape
        raise ConfigError(f"action must have shape {wanted}, one number a lever, got {got}")
    wrong = np.isnan(actions).any(1) & rows
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise ConfigError(
            f"action of row {row} is {actions[row].tolist()}: NaN pulls no lever; send numbers in "
            "[-1, 1] (a diverged policy is the usual cause)"
        )
    pulled = np.ceil(np.clip(np.where(rows[:, None], actions, 0.0), 0.0, 1.0) * STEPS)
    steps = np.zeros((len(rows), N_RULES), np.int64)
    for place, name in enumerate(guard.levers):
        rule = Rule[name.upper()]
        found = pulled[:, place].astype(np.int64)
        steps[:, rule] = found if rule in GRIPS else np.where(found > 0, STEPS, 0)
    return steps


def read_presets(choices: Any, rows: Any) -> Any:
    """Check choices from the menu and return how far each lever is pulled.

    Args:
        choices: (n,) whole numbers below the menu's length.
        rows: (n,) bool; the choices of other rows are ignored.

    Returns:
        (n, rules) steps, 0 (off) to 8.

    Raises:
        ConfigError: Wrong shape, not whole numbers, or no such choice.
    """
    choices = check_choices(choices, rows, len(PRESETS))
    return _MENU[np.where(rows, choices, 0)]


def table() -> str:
    """Return what the steps of each lever mean, as Markdown."""
    lines = ["| lever | first step | last step | unit |", "|---|---|---|---|"]
    for rule in Rule:
        if rule == Rule.TRADE_CANCELLATION:
            continue
        grip = GRIPS.get(rule)
        cells = "on | on | " if grip is None else f"{grip.gentle:g} | {grip.strict:g} | {grip.unit}"
        lines.append(f"| `{RULE_NAMES[rule]}` | {cells} |")
    return "\n".join(lines)


def menu() -> str:
    """Return the choices of the discrete actions as Markdown."""
    lines = ["| choice | in force, with their steps |", "|---|---|"]
    for choice, preset in enumerate(PRESETS):
        parts = [
            f"`{RULE_NAMES[rule]}` {step}" if rule in GRIPS else f"`{RULE_NAMES[rule]}`"
            for rule, step in preset.items()
        ]
        lines.append(f"| {choice} | {', '.join(parts) or 'nothing'} |")
    return "\n".join(lines)


if set(GRIPS) != set(LEVERS) - {Rule.TRADE_CANCELLATION}:
    raise ImportError("every lever with a value needs its grip")
