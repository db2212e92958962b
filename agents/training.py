"""Train PPO on a native batch of markets."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import configure
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.common.vec_env import VecEnv, VecEnvWrapper, VecMonitor

from agents.baselines.policy import Array
from agents.settings import PPOSettings
from squeezegym.envs.observation import INDEX

MENU = np.array(
    [(0, 0), (-1, 1), (0, 1), (1, 1), (-1, -1), (0, -1), (1, -1)],
    np.float32,
)
"""Choices of a decision, (target, aggression); the first one means: keep the last."""

KEEP = 0
_POSITION = INDEX["position"]
_LEAST_SPREAD = np.float32(0.01)
_WARM_UP = 300  # decisions from which the observations' statistics are taken


class DecisionMenu(VecEnvWrapper):
    """Let the learner choose from :data:`MENU` once every few steps.

    A Gaussian target, drawn anew ten times a second, pays fees for its own noise and learns
    only to stop. A choice that is kept until the next one explores with few, long trades.

    Args:
        venv: A batch that resets an ended row in the same step.
        decision_steps: Steps that a choice stands.
    """

    def __init__(self, venv: VecEnv, decision_steps: int) -> None:
        super().__init__(venv, action_space=spaces.Discrete(len(MENU)))
        self.decision_steps = decision_steps
        self._orders = np.zeros((venv.num_envs, 2), np.float32)

    def reset(self) -> Any:
        """Reset every row; until it chooses otherwise, it keeps what it starts with."""
        observations: Any = self.venv.reset()
        self._orders = standing_orders(observations)
        return observations

    def step_async(self, actions: Array) -> None:
        """Take the choices."""
        self._orders = choose(self._orders, actions)

    def step_wait(self) -> Any:
        """Run until the next decision; a row that ends waits for it as its episode began."""
        rewards = np.zeros(self.num_envs, np.float32)
        dones = np.zeros(self.num_envs, np.bool_)
        infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        for _ in range(self.decision_steps):
            observations, reward, done, info = self.venv.step(self._orders)
            rewards += np.where(dones, 0.0, reward)
            if done.any():
                for row in np.flatnonzero(done & ~dones):
                    infos[row] = info[row]
                dones |= done
                self._orders[done] = standing_orders(observations)[done]  # type: ignore[arg-type]
        return observations, rewards, dones, infos


class Standardise(BaseFeaturesExtractor):
    """Observations in units of their own spread, measured once before training.

    The statistics are buffers of the network, so they are saved and loaded with its weights.
    """

    def __init__(self, observation_space: spaces.Box) -> None:
        super().__init__(observation_space, features_dim=observation_space.shape[0])
        self.register_buffer("mean", torch.zeros(self.features_dim))
        self.register_buffer("scale", torch.ones(self.features_dim))

    def measure(self, observations: Array) -> None:
        """Take mean and spread from (n, features) observations."""
        self.mean = torch.as_tensor(observations.mean(axis=0))
        self.scale = torch.as_tensor(np.maximum(observations.std(axis=0), _LEAST_SPREAD))

    def forward(self, observations: torch.Tensor) -> torch.Tensor:
        """Return standardised observations, clipped to five spreads."""
        return torch.clamp((observations - self.mean) / self.scale, -5.0, 5.0)


def standing_orders(observations: Array) -> Array:
    """Return the (n, 2) actions that keep the positions of these observations."""
    orders = np.ones((len(observations), 2), np.float32)
    orders[:, 0] = observations[:, _POSITION]
    return orders


def choose(orders: Array, choices: Array) -> Array:
    """Return the orders after (n,) choices from the menu."""
    return np.where((choices == KEEP)[:, None], orders, MENU[choices])


class LearnedPolicy:
    """The trained network as a deterministic policy.

    The network gives each choice a probability per decision: a rate of trading, most often
    small. Its most likely choice would be "keep" for ever. So the policy trades at the median
    time at which a sampled one would have, towards the choice that weighs most until then.

    Args:
        model: Trained through :class:`DecisionMenu`.
        decision_steps: As in training.
    """

    def __init__(self, model: PPO, decision_steps: int) -> None:
        self.model = model
        self.decision_steps = decision_steps
        self.reset(0)

    def reset(self, rows: int) -> None:
        """Begin episodes."""
        self._step = 0
        self._orders = np.zeros((rows, 2), np.float32)
        self._waited = np.ones(rows)  # probability that a sampled policy has not traded yet
        self._weights = np.zeros((rows, len(MENU)))

    def act(self, observations: Array) -> Array:
        """Return the standing actions, decided anew every ``decision_steps`` calls."""
        if self._step == 0:
            self._orders = standing_orders(observations)
        if self._step % self.decision_steps == 0:
            self._orders = choose(self._orders, self._decide(observations))
        self._step += 1
        return self._orders

    def _decide(self, observations: Array) -> Array:
        with torch.no_grad():
            tensor = torch.as_tensor(observations, device=self.model.device)
            categorical: Any = self.model.policy.get_distribution(tensor).distribution
            trade = categorical.probs.cpu().numpy().astype(np.float64)
        trade[:, KEEP] = 0.0
        trade[np.abs(MENU[None, :, 0] - self._orders[:, None, 0]) < 1e-3] = 0.0
        self._weights += trade * self._waited[:, None]
        self._waited *= 1.0 - trade.sum(axis=1)
        due = self._waited <= 0.5
        choices = np.where(due, self._weights.argmax(axis=1), KEEP)
        self._waited[due] = 1.0
        self._weights[due] = 0.0
        return choices


class _Report(BaseCallback):
    """Progress bar with the time left, and an end to training that takes too long."""

    def __init__(self, total: int, time_limit_s: float, console: Console) -> None:
        super().__init__()
        self._total = total
        self._limit = time_limit_s
        self._bar = Progress(
            TextColumn("training"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[note]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=console,
        )

    def _on_training_start(self) -> None:
        self._begin = time.monotonic()
        self._task = self._bar.add_task("training", total=1.0, note="")
        self._bar.start()

    def _on_step(self) -> bool:
        spent = time.monotonic() - self._begin
        share = max(self.num_timesteps / self._total, spent / self._limit)
        self._bar.update(self._task, completed=min(1.0, share))
        return spent < self._limit

    def _on_rollout_end(self) -> None:
        recent = [float(episode["r"]) for episode in self.model.ep_info_buffer or ()]
        note = f"PnL {np.mean(recent):+.2f} %" if recent else ""
        self._bar.update(self._task, note=note)

    def close(self) -> None:
        """Take the bar down, whatever ended the training."""
        self._bar.stop()


def _survey(venv: VecEnv, seed: int) -> Array:
    """Return every tenth observation of an episode in which each row now and then trades."""
    random = np.random.default_rng(seed)
    venv.reset()
    seen = []
    for decision in range(_WARM_UP):
        trades = random.random(venv.num_envs) < 0.05
        choices = np.where(trades, random.integers(1, len(MENU), venv.num_envs), KEEP)
        observations: Any = venv.step(choices)[0]
        if decision % 10 == 0:
            seen.append(observations)
    return np.concatenate(seen)


def train(
    venv: VecEnv,
    settings: PPOSettings,
    *,
    decisions: int,
    time_limit_s: float,
    seed: int,
    log: Path,
    console: Console,
) -> PPO:
    """Train PPO and return the model.

    Args:
        venv: A seeded batch with the environment's own actions.
        settings: Of the learner.
        decisions: Decisions to train on, over all markets.
        time_limit_s: Training ends earlier once it has taken so long.
        seed: Of the network and of its exploration.
        log: Folder of the TensorBoard log.
        console: Where the progress bar goes.
    """
    torch.set_num_threads(settings.torch_threads)
    rollout = settings.n_steps * venv.num_envs
    decisions_venv = VecMonitor(DecisionMenu(venv, settings.decision_steps))
    model = PPO(
        "MlpPolicy",
        decisions_venv,
        n_steps=settings.n_steps,
        batch_size=max(1, rollout // settings.batches),
        n_epochs=settings.epochs,
        gamma=settings.gamma,
        gae_lambda=settings.gae_lambda,
        ent_coef=settings.entropy,
        learning_rate=lambda left: settings.learning_rate * (0.1 + 0.9 * left),
        target_kl=0.03,
        policy_kwargs={
            "net_arch": [settings.hidden, settings.hidden],
            "features_extractor_class": Standardise,
        },
        seed=seed,
        device="cpu",
    )
    extractor: Any = model.policy.features_extractor
    extractor.measure(_survey(decisions_venv, seed))
    with torch.no_grad():
        model.policy.action_net.bias[KEEP] = settings.keep_logit  # type: ignore[operator]
    logger = configure(str(log), ["tensorboard"])
    model.set_logger(logger)
    report = _Report(decisions, time_limit_s, console)
    try:
        model.learn(decisions, callback=report)
    finally:
        report.close()
        logger.close()
    return model
