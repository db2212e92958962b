"""What the results page is made of: which trainings, how many episodes, and what they cost."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from agents.evaluate import resolve_environment
from agents.scores import ORACLE
from agents.settings import Training, load
from agents.train import POLICY

MAIN = ("ppo", "recurrent_ppo")
"""Trainings whose policies stand on the results page."""
RETRAINED = ("no_liquidations", "no_memory", "no_caution", "never_flat")
"""Trainings that lack something of the first."""
LABELS = {
    "ppo": "PPO",
    "recurrent_ppo": "RecurrentPPO",
    "no_liquidations": "PPO, no liquidation feed",
    "no_memory": "PPO, no memory",
    "no_caution": "PPO, no caution",
    "never_flat": "PPO, never flat",
}
ENV_ID = "squeezegym/ShortSqueeze-v0"
HELD_OUT = 1_000_000
TRIPS = 27
"""Episodes that both oracles together play for one."""
_LEAST_ROWS = 64  # a batch of fewer takes as long
# Environment steps of the market alone that a step of training costs, by algorithm; rough.
_COST = {"ppo": 2.0, "recurrent_ppo": 20.0}


@dataclass(frozen=True, slots=True)
class Plan:
    """Sizes of a reproduction."""

    runs: Mapping[str, int]
    """Training seeds by training."""
    changes: Mapping[str, object]
    """Of every training: settings that differ from its file."""
    episodes: int
    """Held-out episodes of the main table; about a sixth near-misses, a quarter nothing."""
    fewer: int
    """Held-out episodes of everything else."""
    foreseen: int = 1000
    """Of the main table's episodes those that the oracle of flips plays: it tries many trips."""
    world: tuple[str, ...] = ()
    """Changes to the scenario everywhere."""
    effort: float = 1.0
    """Share of the steps of PPO, which are most of the time."""
    short: bool = False

    def settings(self, name: str, seed: int) -> Training:
        """Return the settings of one training."""
        changed = {**self.changes, "changes": self.world, "seed": seed}
        settings = load(name).model_copy(update=changed)
        if settings.learner.algorithm != "ppo":
            return settings
        return settings.model_copy(update={"steps": max(1, round(settings.steps * self.effort))})

    def seeds(self, *, fewer: bool = False, policy: str = "", times: int = 1) -> range:
        """Return the held-out seeds of a policy, far above every training seed."""
        count = self.fewer * times if fewer else self.episodes
        if policy == ORACLE:
            count = min(count, self.foreseen)
        return range(HELD_OUT, HELD_OUT + count)


FULL = Plan(
    runs={"ppo": 5, "recurrent_ppo": 3, **dict.fromkeys(RETRAINED, 3), "never_flat": 1},
    changes={},
    episodes=3000,
    fewer=500,
)
SHORT = Plan(
    runs=dict.fromkeys((*MAIN, *RETRAINED), 1),
    changes={"steps": 40_000, "num_envs": 8},
    episodes=16,
    fewer=8,
    world=(
        "episode.horizon_s=150.0",
        "episode.burn_in_s=5.0",
        "catalyst.start_s=[62.0, 66.0]",
        "catalyst.duration_s=10.0",
    ),
    short=True,
)
"""A smoke run of every stage: its numbers mean nothing."""


def run_folder(out: Path, name: str, seed: int) -> Path:
    """Return where a training is kept."""
    return out / "train" / f"{name}-{seed}"


def policy_file(out: Path, name: str, seed: int) -> Path:
    """Return where a trained policy is kept."""
    return run_folder(out, name, seed) / POLICY


def steps_per_second() -> float:
    """Measure how many environment steps a second this machine makes, policy aside."""
    import gymnasium as gym
    import numpy as np

    envs = gym.make_vec(ENV_ID, 64, autoreset_mode="NextStep", **resolve_environment(ENV_ID, ()))
    try:
        envs.reset(seed=0)
        actions = np.zeros((64, 2), np.float32)
        began = time.perf_counter()
        for _ in range(100):
            envs.step(actions)
        return 100 * 64 / (time.perf_counter() - began)
    finally:
        envs.close()


def predicted_steps(plan: Plan) -> dict[str, float]:
    """Return what each stage costs, in environment steps of the market alone; rough."""
    from agents.baselines import BASELINES
    from agents.worlds import evaluations, unseen

    episode = resolve_environment(ENV_ID, plan.world)["scenario"].episode
    length = 1000 * episode.horizon_s / episode.step_ms
    main, fewer = (length * max(n, _LEAST_ROWS) for n in (plan.episodes, plan.fewer))
    trained = sum(plan.runs[name] for name in MAIN)
    retrained = sum(plan.runs[name] for name in ("ppo", *RETRAINED))
    return {
        "train": sum(_training(plan, name) * runs for name, runs in plan.runs.items()),
        "evaluate": main * (trained + len(BASELINES))
        + length * len(plan.seeds(policy=ORACLE)) * TRIPS,
        "events": fewer * 2 * trained,
        "ablations": fewer * (trained * len(evaluations()) + retrained),
        "unseen": fewer * (trained + 2) * sum(world.times for world in unseen()),
        "limits": fewer * (plan.runs["no_caution"] + plan.runs["never_flat"]),
        "audit": 0.0,
        "page": 0.0,
        "models": 0.0,
    }


def _training(plan: Plan, name: str) -> float:
    """Return what one training costs: its steps, and the episode that is looked at before."""
    settings = plan.settings(name, 0)
    looked_at = 3000 * max(settings.num_envs, _LEAST_ROWS)
    wide = max(1.0, _LEAST_ROWS / settings.num_envs)
    return looked_at + settings.steps * wide * _COST.get(settings.learner.algorithm, 2.0)
