"""Actions: a target position and how to get there, as two numbers or as a choice from a menu."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces

from squeezegym.errors import ConfigError, did_you_mean
from squeezegym.measures import Measure

ACTION_SETS = ("continuous", "discrete", "masked")
N_ACTIONS = 2  # target position, aggression
KEEP = 0
_TARGETS = (-1.0, -0.5, 0.0, 0.5, 1.0)
MENU = np.array(
    [(0.0, -1.0), *[(target, how) for how in (1.0, -1.0) for target in _TARGETS]], np.float64
)
"""Choices of the discrete actions, (target, aggression); the first one means: keep the last."""


def check_action_set(actions: str) -> str:
    """Return ``actions`` if it names an action set, else raise ConfigError."""
    if actions not in ACTION_SETS:
        raise ConfigError(
            f"actions must be one of {', '.join(ACTION_SETS)}, got {actions!r}"
            f"{did_you_mean(actions, ACTION_SETS)}"
        )
    return actions


def action_space(actions: str = "continuous") -> spaces.Box | spaces.Discrete:
    """Return the box of (target position in limits, aggression), or the choices of the menu."""
    if actions == "continuous":
        return spaces.Box(-1.0, 1.0, (N_ACTIONS,), np.float32)
    return spaces.Discrete(len(MENU))


def read_box(actions: Any, rows: Any) -> Any:
    """Check continuous actions and return them as orders.

    Args:
        actions: (n, 2) target and aggression; infinities are clipped, NaN is refused.
        rows: (n,) bool; the actions of other rows are ignored.

    Returns:
        (n, 2) float64 in [-1, 1].

    Raises:
        ConfigError: Wrong shape, not numbers, or NaN.
    """
    try:
        actions = np.asarray(actions, np.float64)
    except (TypeError, ValueError):
        raise ConfigError(
            f"action must be {N_ACTIONS} numbers in [-1, 1] (target position, aggression), "
            f"got {actions!r}"
        ) from None
    if actions.shape != (len(rows), N_ACTIONS):
        wanted = f"({N_ACTIONS},)" if len(rows) == 1 else f"({len(rows)}, {N_ACTIONS})"
        got = actions.shape[1:] if len(rows) == 1 and actions.ndim > 1 else actions.shape
        raise ConfigError(
            f"action must have shape {wanted} (target position, aggression), got {got}"
        )
    wrong = np.isnan(actions).any(1) & rows
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise ConfigError(
            f"action of row {row} is {actions[row].tolist()}: NaN is not a position; send numbers "
            "in [-1, 1] (a diverged policy is the usual cause)"
        )
    return np.clip(actions, -1.0, 1.0)


def read_menu(choices: Any, rows: Any, standing: Any) -> Any:
    """Check choices from the menu and return them as orders.

    Args:
        choices: (n,) whole numbers below the menu's length.
        rows: (n,) bool; the choices of other rows are ignored.
        standing: (n, 2) orders that "keep" goes on with.

    Returns:
        (n, 2) float64 in [-1, 1].

    Raises:
        ConfigError: Wrong shape, not whole numbers, or no such choice.
    """
    choices = check_choices(choices, rows, len(MENU))
    chosen = np.where(rows, choices, KEEP)
    return np.where((chosen == KEEP)[:, None], standing, MENU[chosen])


def check_choices(choices: Any, rows: Any, n: int) -> Any:
    """Return the choices of a menu of ``n`` as an array, those of the rows marked checked.

    Raises:
        ConfigError: Wrong shape, not whole numbers, or no such choice.
    """
    choices = np.asarray(choices)
    most = n - 1
    if choices.shape != (len(rows),) or choices.dtype.kind not in "iu":
        shape = "()" if len(rows) == 1 else f"({len(rows)},)"
        raise ConfigError(
            f"action must be a whole number 0 to {most} of shape {shape}, got {choices.tolist()!r}"
        )
    wrong = ((choices < 0) | (choices > most)) & rows
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise ConfigError(f"action of row {row} must be 0 to {most}, got {choices[row]}")
    return choices


def masks(views: Any, standing: Any, limit: int, *, guarded: bool, restricted: bool) -> Any:
    """Return which choices of the menu would do something that the venue allows.

    All of it is what the learner knows: its acks and the published snapshot. "Keep" is always
    allowed, and alone while messages are unanswered, for nothing is sent before their answers.

    Args:
        views: (n,) ``VIEW_DTYPE``.
        standing: (n, 2) orders that "keep" goes on with.
        limit: Lots at action 1.
        guarded: Whether protection guards the learner's book.
        restricted: Whether its restrictions on opening hold for the learner.

    Returns:
        (n, 11) bool.
    """
    held = views["held"][:, None]
    lots = MENU[None, :, 0] * limit
    low, high = views["reach"][:, :1], views["reach"][:, 1:]
    allowed = (lots >= low - 0.5) & (lots <= high + 0.5)
    deadband = max(1, limit // 50)
    done = (views["resting"] == 0) & (abs(standing[:, 0] * limit - views["held"]) < deadband)
    allowed &= ~(done[:, None] & (abs(lots - held) < deadband))
    measures = views["measures"][:, None] if guarded else np.zeros((len(views), 1), np.int64)
    if restricted:
        short_ban = measures & (Measure.SHORT_BAN | Measure.CLOSE_ONLY) != 0
        buy_restriction = measures & (Measure.BUY_RESTRICTION | Measure.CLOSE_ONLY) != 0
        allowed &= ~(short_ban & (lots < np.minimum(held, 0) - 0.5))
        allowed &= ~(buy_restriction & (lots > np.maximum(held, 0) + 0.5))
    allowed &= ~((measures & Measure.PAUSE != 0) & (MENU[None, :, 1] > 0.0))
    allowed &= measures & Measure.CANCEL_ONLY == 0
    allowed &= ((views["waiting"] == 0) & (views["liquidated"] == 0))[:, None]
    allowed[:, KEEP] = True
    return allowed
