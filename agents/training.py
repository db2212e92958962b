"""Train a policy on a native batch of markets."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from stable_baselines3.common.callbacks import BaseCallback, CallbackList
from stable_baselines3.common.logger import configure
from stable_baselines3.common.vec_env import VecEnv, VecMonitor

from agents import checkpoint
from agents.baselines.policy import Array
from agents.caution import Cautious
from agents.metrics import Metrics
from agents.settings import Learner
from squeezegym.integrations.decisions import (
    FLAT,
    KEEP,
    DecisionMenu,
    Decisions,
    MaskedDecisions,
    Standardise,
)
from squeezegym.integrations.policyfile import PolicySpec
from squeezegym.integrations.trained import action_kind, policy_kwargs

_NEVER = -50.0  # logit of a choice that is left out
_WARM_UP = 300  # decisions from which the observations' statistics are taken


@dataclass(frozen=True, slots=True)
class Trained:
    """What a training leaves."""

    model: Any
    spec: PolicySpec
    curve: list[dict[str, float]]
    """Means over the episodes that ended between two reports."""
    finished: bool
    """Whether all steps were made before the time limit."""


@dataclass(frozen=True, slots=True)
class Checkpoints:
    """Where a training leaves its state, and how often."""

    path: Path
    """An ``.npz`` file; a training that finds it there goes on from it."""
    every: int
    """Decisions over all markets."""
    saved: Callable[[Any, int], None] = lambda model, decisions: None
    """Called after each, with the model and the decisions so far."""


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
            TimeRemainingColumn(elapsed_when_finished=False),
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


class _Saver(BaseCallback):
    """Checkpoints between two rollouts."""

    def __init__(self, checkpoints: Checkpoints, metrics: Metrics) -> None:
        super().__init__()
        self._checkpoints = checkpoints
        self._metrics = metrics

    def _on_training_start(self) -> None:
        self._last = self.model.num_timesteps

    def _on_rollout_start(self) -> None:
        decisions = self.model.num_timesteps
        if decisions - self._last >= self._checkpoints.every:
            self._last = decisions
            checkpoint.save(self._checkpoints.path, self.model, self._metrics.state)
            self._checkpoints.saved(self.model, decisions)

    def _on_step(self) -> bool:
        return True


def train(
    venv: VecEnv,
    settings: Learner,
    spec: PolicySpec,
    *,
    decisions: int,
    seed: int,
    log: Path,
    console: Console,
    time_limit_s: float = float("inf"),
    checkpoints: Checkpoints | None = None,
) -> Trained:
    """Train and return the model; go on from the checkpoint if there is one.

    Args:
        venv: A seeded batch with the actions that the algorithm takes.
        settings: Of the learner.
        spec: Of the policy.
        decisions: Decisions to train on, over all markets.
        seed: Of the network and of its exploration.
        log: Folder of the TensorBoard log.
        console: Where the progress bar goes.
        time_limit_s: Training ends earlier once it has taken so long.
        checkpoints: Where the state is left; None: nowhere.
    """
    torch.set_num_threads(settings.torch_threads)
    batch: VecEnv = VecMonitor(_decisions(venv, settings))
    if settings.caution > 0:
        batch = Cautious(batch, venv, settings.caution)
    model = make_model(settings, spec, batch, decisions, seed)
    metrics = Metrics()
    if checkpoints and checkpoints.path.exists():
        metrics.state = checkpoint.restore(checkpoints.path, model)
    else:
        _begin(model, batch, settings, seed)
    logger = configure(str(log), ["tensorboard"])
    model.set_logger(logger)
    report = _Report(decisions, time_limit_s, console)
    callbacks: list[BaseCallback] = [report, metrics]
    if checkpoints:
        callbacks.append(_Saver(checkpoints, metrics))
    left = decisions - model.num_timesteps
    try:
        # The state of the generators is set: nothing may be drawn before the first rollout.
        model.learn(left, CallbackList(callbacks), reset_num_timesteps=False)
    finally:
        report.close()
        logger.close()
    return Trained(model, spec, metrics.curve, model.num_timesteps >= decisions)


def _decisions(venv: VecEnv, settings: Learner) -> Decisions:
    kinds: dict[str, type[Decisions]] = {
        "menu": DecisionMenu,
        "masked": MaskedDecisions,
        "box": Decisions,
    }
    return kinds[action_kind(settings.algorithm)](venv, settings.decision_steps)


def make_model(
    settings: Learner, spec: PolicySpec, batch: VecEnv, decisions: int, seed: int
) -> Any:
    """Return the algorithm with its initial network."""
    shared: dict[str, Any] = {
        "env": batch,
        "gamma": settings.gamma,
        "learning_rate": lambda left: (
            settings.learning_rate * (settings.final_rate + (1 - settings.final_rate) * left)
        ),
        "policy_kwargs": policy_kwargs(spec),
        "seed": seed,
        "device": "cpu",
    }
    if settings.algorithm in ("qr_dqn", "sac"):
        return _off_policy(settings, shared, decisions)
    return _on_policy(settings, shared, batch.num_envs)


def _on_policy(settings: Learner, shared: dict[str, Any], num_envs: int) -> Any:
    from sb3_contrib import MaskablePPO, RecurrentPPO
    from stable_baselines3 import PPO

    own = settings.on_policy
    classes: dict[str, tuple[Any, str]] = {
        "ppo": (PPO, "MlpPolicy"),
        "recurrent_ppo": (RecurrentPPO, "MlpLstmPolicy"),
        "maskable_ppo": (MaskablePPO, "MlpPolicy"),
    }
    algorithm, policy = classes[settings.algorithm]
    return algorithm(
        policy,
        **shared,
        n_steps=own.n_steps,
        batch_size=max(1, own.n_steps * num_envs // own.batches),
        n_epochs=own.epochs,
        gae_lambda=own.gae_lambda,
        ent_coef=own.entropy,
        target_kl=own.target_kl,
    )


def _off_policy(settings: Learner, shared: dict[str, Any], decisions: int) -> Any:
    from sb3_contrib import QRDQN
    from stable_baselines3 import SAC

    own = settings.off_policy
    rest: dict[str, Any] = {
        **shared,
        "buffer_size": own.buffer,
        "batch_size": own.batch,
        "learning_starts": own.starts,
        "train_freq": 1,
        "gradient_steps": own.gradient_steps,
    }
    if settings.algorithm == "sac":
        return SAC("MlpPolicy", **rest)
    num_envs = shared["env"].num_envs
    return QRDQN(
        "MlpPolicy",
        **rest,
        exploration_fraction=own.explore,
        exploration_final_eps=own.explore_final,
        target_update_interval=max(own.target_interval, num_envs),
    )


def _begin(model: Any, batch: VecEnv, settings: Learner, seed: int) -> None:
    """Give the network its statistics and its head start, and the markets their first episodes."""
    observations = _survey(batch, seed)
    for module in model.policy.modules():
        if isinstance(module, Standardise):
            module.measure(observations)
    if settings.algorithm in ("ppo", "recurrent_ppo", "maskable_ppo"):
        with torch.no_grad():
            model.policy.action_net.bias[KEEP] = settings.on_policy.keep_logit
            if settings.never_flat:
                model.policy.action_net.bias[FLAT] = _NEVER
    model._last_obs = None  # so that learning begins with a reset


def _survey(venv: VecEnv, seed: int) -> Array:
    """Return every tenth observation of an episode in which each row now and then trades."""
    random = np.random.default_rng(seed)
    venv.reset()
    seen = []
    for decision in range(_WARM_UP):
        observations: Any = venv.step(_now_and_then(venv, random))[0]
        if decision % 10 == 0:
            seen.append(observations)
    return np.concatenate(seen)


def _now_and_then(venv: VecEnv, random: np.random.Generator) -> Array:
    """Return random actions: of a menu mostly "keep"."""
    space: Any = venv.action_space
    if not hasattr(space, "n"):
        return random.uniform(-1, 1, (venv.num_envs, 2)).astype(np.float32)
    trades = random.random(venv.num_envs) < 0.05
    return np.where(trades, random.integers(1, space.n, venv.num_envs), KEEP)
