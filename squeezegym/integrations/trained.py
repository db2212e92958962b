"""Trained policies that act: in one market or in a batch, most likely or at random."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray

from squeezegym.envs.action import MENU as ENV_MENU
from squeezegym.envs.action import action_space
from squeezegym.envs.observation import observation_space
from squeezegym.errors import DataError
from squeezegym.integrations.decisions import (
    KEEP,
    MENU,
    Standardise,
    choose,
    standing_orders,
)
from squeezegym.integrations.policyfile import PolicySpec, read_policy, write_policy

Array = NDArray[Any]
_TARGETS: dict[str, Array] = {"menu": MENU[:, 0], "masked": ENV_MENU[:, 0]}
_KINDS = {"maskable_ppo": "masked", "sac": "box"}


def action_kind(algorithm: str) -> str:
    """Return what an algorithm chooses: ``menu``, ``masked`` (the environment's) or ``box``."""
    return _KINDS.get(algorithm, "menu")


def policy_kwargs(spec: PolicySpec) -> dict[str, Any]:
    """Return the network of a policy as stable-baselines3 takes it."""
    kwargs: dict[str, Any] = {
        "net_arch": list(spec.hidden),
        "features_extractor_class": Standardise,
        "features_extractor_kwargs": {"blind": spec.blind},
    }
    if spec.algorithm == "recurrent_ppo":
        kwargs["lstm_hidden_size"] = spec.lstm
    return kwargs


def acting_part(algorithm: str, policy: Any) -> Any:
    """Return the module of a stable-baselines3 policy that decides."""
    if algorithm == "sac":
        return policy.actor
    return policy.quantile_net if algorithm == "qr_dqn" else policy


def save_policy(path: Path, spec: PolicySpec, policy: Any) -> str:
    """Write the acting part of a stable-baselines3 policy; return the SHA-256 of the file."""
    state = acting_part(spec.algorithm, policy).state_dict()
    return write_policy(path, spec, {k: v.detach().cpu().numpy() for k, v in state.items()})


def load_policy(path: str | Path, *, deterministic: bool = True, seed: int = 0) -> TrainedPolicy:
    """Load a policy that :func:`save_policy` wrote, without unpickling anything.

    Args:
        path: A ``policy.zip``.
        deterministic: As of :class:`TrainedPolicy`.
        seed: As of :class:`TrainedPolicy`.

    Raises:
        DataError: What is in the file cannot be loaded safely, or does not fit.
    """
    spec, weights = read_policy(path)
    with torch.random.fork_rng(devices=[]):  # building draws initial weights
        network = _build(spec)
    try:
        network.load_state_dict({k: torch.from_numpy(v) for k, v in weights.items()})
    except (RuntimeError, TypeError) as error:
        reason = str(error).strip().splitlines()[-1].strip()
        raise DataError(
            f"policy file {str(path)!r} holds weights of another network than its policy.json "
            f"describes ({reason}); train it again"
        ) from None
    return TrainedPolicy(spec, network, deterministic=deterministic, seed=seed)


def _build(spec: PolicySpec) -> Any:
    """Return the network of a policy, with initial weights."""
    from sb3_contrib.common.maskable.policies import MaskableActorCriticPolicy
    from sb3_contrib.common.recurrent.policies import RecurrentActorCriticPolicy
    from sb3_contrib.qrdqn.policies import QRDQNPolicy
    from stable_baselines3.common.policies import ActorCriticPolicy
    from stable_baselines3.sac.policies import SACPolicy

    classes: dict[str, Any] = {
        "ppo": ActorCriticPolicy,
        "recurrent_ppo": RecurrentActorCriticPolicy,
        "qr_dqn": QRDQNPolicy,
        "maskable_ppo": MaskableActorCriticPolicy,
        "sac": SACPolicy,
    }
    choices: dict[str, spaces.Space[Any]] = {
        "menu": spaces.Discrete(len(MENU)),
        "masked": action_space("masked"),
        "box": action_space(),
    }
    actions = choices[action_kind(spec.algorithm)]
    policy = classes[spec.algorithm](
        observation_space(), actions, lambda _: 0.0, **policy_kwargs(spec)
    )
    policy.set_training_mode(False)
    return acting_part(spec.algorithm, policy)


class TrainedPolicy:
    """A trained network as a rule for many markets at once.

    A categorical network gives each choice a probability per decision: a rate of trading, most
    often small. Its most likely choice would be "keep" for ever. So a deterministic one trades at
    the median time at which a sampled one would have, towards the choice that weighs most until
    then. Quantile networks are greedy in either way.

    Args:
        spec: What the network needs to act.
        network: The acting part of a stable-baselines3 policy.
        deterministic: Else draw from the network's distribution.
        seed: Of those draws; they begin anew with each :meth:`reset`.
    """

    def __init__(
        self, spec: PolicySpec, network: Any, *, deterministic: bool = True, seed: int = 0
    ) -> None:
        self.spec = spec
        self.network = network
        self.deterministic = deterministic
        self.seed = seed
        self.kind = action_kind(spec.algorithm)
        self.actions = "masked" if self.kind == "masked" else "continuous"
        """Action set of the environment that it acts in."""
        self.reset(0)

    def reset(self, rows: int) -> None:
        """Begin episodes in ``rows`` markets."""
        self._random = np.random.default_rng(self.seed)
        self._step = 0
        self._orders = np.zeros((rows, 2), np.float32)
        self._waited = np.ones(rows)  # probability that a sampled policy has not traded yet
        self._weights = np.zeros((rows, len(_TARGETS.get(self.kind, ()))))
        self._memory: Any = None

    def act(self, observations: Array, masks: Array | None = None) -> Array:
        """Return the actions of one step, decided anew every ``decision_steps`` calls.

        Args:
            observations: (rows, features).
            masks: (rows, 11) bool of the environment's menu, for a policy that takes them.

        Returns:
            (rows, 2) float32 target and aggression; for the environment's menu (rows,) choices.
        """
        if self._step == 0:
            self._orders = standing_orders(observations)
        due = self._step % self.spec.decision_steps == 0
        self._step += 1
        if self.kind == "masked":
            return self._choices(observations, masks) if due else np.full(len(observations), KEEP)
        if due and self.kind == "box":
            self._orders = self._mean(observations)
        elif due:
            self._orders = choose(self._orders, self._choices(observations, None))
        return self._orders

    def _mean(self, observations: Array) -> Array:
        """Return the (rows, 2) actions of an actor with continuous ones."""
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(self._random.integers(2**31)))
            tensor = torch.as_tensor(observations)
            return np.asarray(self.network(tensor, deterministic=self.deterministic).numpy())

    def _choices(self, observations: Array, masks: Array | None) -> Array:
        """Return the (rows,) choices of one decision."""
        with torch.no_grad():
            tensor = torch.as_tensor(observations)
            if self.spec.algorithm == "qr_dqn":
                return np.asarray(self.network(tensor).mean(dim=1).argmax(dim=1).numpy())
            probabilities = self._distribution(tensor, masks).probs.numpy().astype(np.float64)
        if not self.deterministic:
            drawn = self._random.random(len(observations))[:, None]
            below = probabilities.cumsum(axis=1) <= drawn * probabilities.sum(axis=1)[:, None]
            return np.asarray(np.minimum(below.sum(axis=1), probabilities.shape[1] - 1))
        return self._most_likely(probabilities, observations)

    def _distribution(self, tensor: torch.Tensor, masks: Array | None) -> Any:
        """Return the categorical distribution over the choices."""
        if self.spec.algorithm == "recurrent_ppo":
            if self._memory is None:
                shape = (1, len(tensor), self.spec.lstm)
                self._memory = (torch.zeros(shape), torch.zeros(shape))
            starts = torch.full((len(tensor),), float(self._step == 1))
            found, self._memory = self.network.get_distribution(tensor, self._memory, starts)
            return found.distribution
        if self.kind == "masked":
            return self.network.get_distribution(tensor, action_masks=masks).distribution
        return self.network.get_distribution(tensor).distribution

    def _most_likely(self, probabilities: Array, observations: Array) -> Array:
        """Return choices at the median time of trading."""
        held = self._orders[:, 0]
        if self.kind == "masked":
            held = standing_orders(observations)[:, 0]
        trade = probabilities.copy()
        trade[:, KEEP] = 0.0
        trade[np.abs(_TARGETS[self.kind][None, :] - held[:, None]) < 1e-3] = 0.0
        self._weights += trade * self._waited[:, None]
        self._waited *= 1.0 - trade.sum(axis=1)
        due = self._waited <= 0.5
        choices = np.where(due, self._weights.argmax(axis=1), KEEP)
        self._waited[due] = 1.0
        self._weights[due] = 0.0
        return choices
