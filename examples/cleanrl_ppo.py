"""PPO in one file, in the manner of CleanRL: everything that happens stands here, in order.

Usage:
    python examples/cleanrl_ppo.py                                # about two minutes
    python examples/cleanrl_ppo.py --total-timesteps 20000 --num-envs 8 --num-steps 64
    python examples/cleanrl_ppo.py --env-id squeezegym/CalmDiscrete-v0

It takes the ids with a menu of actions, and nothing of this package but the environment. The batch
resets a row in the step in which its episode ends (``SameStep``): the row's last observation is in
``infos["final_obs"]``.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import gymnasium as gym
import numpy as np
import torch
import tyro
from torch import nn
from torch.distributions import Categorical

import squeezegym  # noqa: F401  (registers the ids)


@dataclass
class Args:
    """Settings of a run."""

    env_id: str = "squeezegym/ShortSqueezeDiscrete-v0"
    """Registered environment with discrete actions."""
    seed: int = 1
    """Of environment, network and exploration."""
    total_timesteps: int = 1_000_000
    """Steps over all markets."""
    num_envs: int = 64
    """Markets of the batch."""
    num_steps: int = 256
    """Steps of each market between two updates."""
    horizon_s: float | None = None
    """Length of an episode instead of the scenario's."""
    learning_rate: float = 7e-4
    """Of Adam; falls to 0 in a line."""
    gamma: float = 0.998
    """Discount of a step."""
    gae_lambda: float = 0.95
    """Mixing of advantage estimates."""
    minibatches: int = 8
    """Of an update."""
    epochs: int = 4
    """Passes over the data of an update."""
    clip: float = 0.2
    """Largest relative change of a probability that is rewarded."""
    entropy: float = 0.003
    """Weight of the entropy bonus."""
    keep_logit: float = 4.0
    """Head start of choice 0, "keep", so that exploration does not pay fees at every step."""


class Agent(nn.Module):
    """A policy and a value, two layers each."""

    def __init__(self, features: int, choices: int, keep_logit: float) -> None:
        super().__init__()

        def network(outputs: int) -> nn.Sequential:
            layers = [nn.Linear(features, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh()]
            return nn.Sequential(*layers, nn.Linear(64, outputs))

        self.actor = network(choices)
        self.critic = network(1)
        with torch.no_grad():
            self.actor[-1].weight *= 0.01
            self.actor[-1].bias[0] = keep_logit

    def value(self, observations: torch.Tensor) -> torch.Tensor:
        """Return the (n,) values."""
        return self.critic(observations).squeeze(-1)

    def policy(self, observations: torch.Tensor) -> Categorical:
        """Return the distribution over choices."""
        return Categorical(logits=self.actor(observations))


def main(args: Args) -> list[float]:
    """Train, print one line an update, and return the mean returns that it printed."""
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    kwargs = {} if args.horizon_s is None else {"horizon_s": args.horizon_s}
    envs = gym.make_vec(args.env_id, args.num_envs, autoreset_mode="SameStep", **kwargs)
    envs = gym.wrappers.vector.RecordEpisodeStatistics(envs)
    features, choices = envs.single_observation_space.shape[0], int(envs.single_action_space.n)
    agent = Agent(features, choices, args.keep_logit)
    optimizer = torch.optim.Adam(agent.parameters(), lr=args.learning_rate, eps=1e-5)

    shape = (args.num_steps, args.num_envs)
    observations = torch.zeros((*shape, features))
    actions = torch.zeros(shape, dtype=torch.int64)
    logprobs, rewards, values, nexts = (torch.zeros(shape) for _ in range(4))
    ends = torch.zeros(shape)

    seen = torch.as_tensor(envs.reset(seed=args.seed)[0])
    updates = max(1, args.total_timesteps // (args.num_steps * args.num_envs))
    returns: list[float] = []
    printed: list[float] = []
    began = time.perf_counter()
    for update in range(updates):
        optimizer.param_groups[0]["lr"] = args.learning_rate * (1 - update / updates)
        with torch.no_grad():
            for step in range(args.num_steps):
                policy = agent.policy(seen)
                observations[step], values[step] = seen, agent.value(seen)
                actions[step] = policy.sample()
                logprobs[step] = policy.log_prob(actions[step])
                after, reward, terminated, truncated, infos = envs.step(actions[step].numpy())
                seen = torch.as_tensor(after)
                rewards[step] = torch.as_tensor(reward)
                ends[step] = torch.as_tensor(terminated | truncated)
                nexts[step] = agent.value(seen)
                if "final_obs" in infos:  # the value behind an end is that of the last observation
                    rows = np.flatnonzero(infos["_final_obs"])
                    last = torch.as_tensor(np.stack(infos["final_obs"][rows]))
                    nexts[step, rows] = agent.value(last) * torch.as_tensor(~terminated[rows])
                    returns += infos["episode"]["r"][rows].tolist()

            advantages = torch.zeros(shape)
            carried = torch.zeros(args.num_envs)
            for step in reversed(range(args.num_steps)):
                surprise = rewards[step] + args.gamma * nexts[step] - values[step]
                going_on = args.gamma * args.gae_lambda * (1 - ends[step])
                advantages[step] = carried = surprise + going_on * carried

        data = [x.flatten(0, 1) for x in (observations, actions, logprobs, advantages, values)]
        targets = data[3] + data[4]
        for _ in range(args.epochs):
            for part in torch.randperm(len(targets)).chunk(args.minibatches):
                seen_part, action, old_logprob, advantage, _ = (x[part] for x in data)
                policy = agent.policy(seen_part)
                ratio = (policy.log_prob(action) - old_logprob).exp()
                advantage = (advantage - advantage.mean()) / (advantage.std() + 1e-8)
                gain = torch.min(
                    ratio * advantage, ratio.clamp(1 - args.clip, 1 + args.clip) * advantage
                ).mean()
                value_loss = 0.5 * (agent.value(seen_part) - targets[part]).square().mean()
                loss = value_loss - gain - args.entropy * policy.entropy().mean()
                optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(agent.parameters(), 0.5)
                optimizer.step()

        if returns:
            steps = (update + 1) * args.num_steps * args.num_envs
            printed.append(float(np.mean(returns[-100:])))
            speed = steps / (time.perf_counter() - began)
            print(f"{steps:>10,} steps  {speed:>8,.0f}/s  mean PnL {printed[-1]:+.3f} %")
    envs.close()
    return printed


if __name__ == "__main__":
    main(tyro.cli(Args))
