"""What the players of a game see and do: the spaces of each role, and their actions as orders.

A player's first entries are those of the single learner's observation
(:data:`squeezegym.envs.observation.FEATURES`); a second order or a second wallet adds its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from gymnasium import spaces

from squeezegym.envs.observation import FEATURES, Feature, box_of
from squeezegym.errors import ConfigError
from squeezegym.players import Player

N_OWN = 10  # last entries of the observation: what a learner's acks say of its account and order
N_ACTIONS = 3  # numbers of the longest action
_OWN = len(FEATURES) - N_OWN
# Of a second order only itself; of a second wallet everything but the time left.
_MORE = {"maker": range(_OWN + 6, _OWN + 9), "arbitrageur": range(_OWN, _OWN + 9)}
_PREFIX = {"maker": "ask", "arbitrageur": "spot"}
ACTIONS = {
    "squeezer": ("target", "aggression"),
    "short_seller": ("target", "aggression"),
    "sniper": ("target", "aggression"),
    "maker": ("bid", "ask", "size"),
    "arbitrageur": ("basis", "aggression"),
}
"""Names of the numbers of an action, by role."""


def features(role: str) -> list[Feature]:
    """Return the table of a role's observation."""
    more = [FEATURES[i] for i in _MORE.get(role, ())]
    return [*FEATURES, *(replace(f, name=f"{_PREFIX[role]}_{f.name}") for f in more)]


N_FEATURES = max(len(features(role)) for role in ACTIONS)


def observation_space(player: Player) -> spaces.Box:
    """Return the box of a player's observation."""
    return box_of(features(player.role))


def action_space(player: Player) -> spaces.Box:
    """Return the box of a player's action; a short seller's target ends at 0."""
    high = np.ones(len(ACTIONS[player.role]), np.float32)
    if player.role == "short_seller":
        high[0] = 0.0
    return spaces.Box(-np.ones_like(high), high, dtype=np.float32)


def observe(player: Player, views: Any, out: Any) -> None:
    """Write what a player sees.

    Args:
        player: Who.
        views: (n, seats) ``VIEW_DTYPE`` of its accounts and orders.
        out: (n, entries) float32, at least those of its table.
    """
    n = len(FEATURES)
    out[:, :n] = views["observation"][:, 0, :n]
    for i, at in enumerate(_MORE.get(player.role, ())):
        out[:, n + i] = views["observation"][:, 1, at]


def write_orders(player: Player, actions: Any, views: Any) -> None:
    """Write a player's actions into its views.

    Args:
        player: Who.
        actions: (n, 3) float64 in [-1, 1]; what its role does not use is ignored.
        views: (n, seats) ``VIEW_DTYPE``.
    """
    if player.role == "maker":
        views["target"][:] = 0.5 * (1.0 + actions[:, 2:])
        views["aggression"][:] = actions[:, :2]
        return
    target = actions[:, 0]
    if player.role == "short_seller":
        target = np.minimum(target, 0.0)
    views["target"][:, 0] = -target if player.role == "arbitrageur" else target
    views["target"][:, 1:] = target[:, None]
    views["aggression"][:] = actions[:, 1:2]


def read_actions(actions: Any, acting: Any, players: Mapping[str, Player]) -> Any:
    """Check the actions of a batch and return them clipped.

    Args:
        actions: (n, players, 3) numbers; infinities are clipped.
        acting: (n, players) bool; the actions of others are ignored.
        players: All of them, in their order; numbers that a role does not use are ignored.

    Returns:
        (n, players, 3) float64 in [-1, 1], 0 for what is ignored.

    Raises:
        ConfigError: Wrong shape, not numbers, or NaN.
    """
    shape = (*acting.shape, N_ACTIONS)
    try:
        actions = np.asarray(actions, np.float64)
    except (TypeError, ValueError):
        raise ConfigError(
            f"actions must be numbers in [-1, 1] of shape {shape} (markets, players, numbers), "
            f"got {actions!r}"
        ) from None
    if actions.shape != shape:
        raise ConfigError(
            f"actions must have shape {shape} (markets, players, numbers), got {actions.shape}"
        )
    sizes = np.array([len(ACTIONS[player.role]) for player in players.values()])
    used = acting[:, :, None] & (np.arange(N_ACTIONS) < sizes[:, None])
    wrong = np.isnan(actions) & used
    if wrong.any():
        row, player = (int(i) for i in np.argwhere(wrong)[0, :2])
        raise ConfigError(
            f"action of {list(players)[player]} in market {row} is "
            f"{actions[row, player, : sizes[player]].tolist()}: NaN is not a position; send "
            "numbers in [-1, 1] (a diverged policy is the usual cause)"
        )
    return np.where(used, np.clip(actions, -1.0, 1.0), 0.0)


def read_named(actions: Any, agents: list[str], players: Mapping[str, Player]) -> Any:
    """Check the actions of the agents of one market and return them as a batch of one.

    Args:
        actions: An action for every agent of ``agents``.
        agents: Who acts.
        players: All players, in their order.

    Returns:
        (1, players, 3) float64, not clipped; what an action lacks is 0.

    Raises:
        ConfigError: An agent too many or too few, a wrong shape, or not numbers.
    """
    if not isinstance(actions, Mapping):
        raise ConfigError(
            f"actions must map each agent to its action, got {type(actions).__name__}; "
            f"agents: {', '.join(agents)}"
        )
    missing = [agent for agent in agents if agent not in actions]
    surplus = [agent for agent in actions if agent not in agents]
    if missing or surplus:
        raise ConfigError(
            f"actions must name exactly the live agents {agents}; missing {missing}, "
            f"unknown or gone {surplus}"
        )
    read = np.zeros((1, len(players), N_ACTIONS))
    for i, (name, player) in enumerate(players.items()):
        if name in actions:
            read[0, i, : len(ACTIONS[player.role])] = _numbers(name, player, actions[name])
    return read


def _numbers(name: str, player: Player, action: Any) -> Any:
    """Return one agent's action as an array of its numbers."""
    wanted = ACTIONS[player.role]
    try:
        numbers = np.asarray(action, np.float64)
    except (TypeError, ValueError):
        numbers = None
    if numbers is None or numbers.shape != (len(wanted),):
        got = repr(action) if numbers is None else f"shape {numbers.shape}"
        raise ConfigError(
            f"action of {name} must be {len(wanted)} numbers in [-1, 1] ({', '.join(wanted)}), "
            f"got {got}"
        )
    return numbers
