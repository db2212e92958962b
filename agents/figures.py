"""One held-out episode as a picture."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gymnasium as gym
import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np

from agents.baselines import Policy
from agents.baselines.policy import Array

# Okabe and Ito's colours: told apart by colour-blind readers too.
_BLUE, _ORANGE, _GREEN, _RED, _BLACK = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#222222"
_EVERY = 5  # steps between two samples
_FIELDS = ("time", "perp", "spot", "mark", "shorts", "longs", "position", "pnl")


def record_episode(
    policy: Policy, env_id: str, env_kwargs: Mapping[str, Any], seed: int
) -> tuple[dict[str, Array], float | None]:
    """Play one episode and sample the market beside the learner.

    Returns:
        Series by name (seconds, quote, base coin, limits, percent of capital), and the time of
        ignition in seconds or None.
    """
    env = gym.make(env_id, **env_kwargs)
    inner: Any = env.unwrapped
    capital = inner.scenario.learner.capital_quote
    try:
        observation, info = env.reset(seed=seed)
        policy.reset(1)
        rows = [_sample(inner, info, capital)]
        done, step = False, 0
        while not done:
            action = policy.act(observation[None])[0]
            observation, _, terminated, truncated, info = env.step(action)
            done, step = terminated or truncated, step + 1
            if done or step % _EVERY == 0:
                rows.append(_sample(inner, info, capital))
        ignition: float | None = inner.sample()["ignition_s"]
    finally:
        env.close()
    series = {name: np.array([row[name] for row in rows]) for name in _FIELDS}
    return series, ignition


def _sample(env: Any, info: Mapping[str, Any], capital: float) -> dict[str, float]:
    """Return one row of the series, in people's units."""
    market = env.sample()
    return {
        **{name: market[name] for name in ("time", "perp", "spot", "mark")},
        "shorts": market["liquidated_shorts"],
        "longs": market["liquidated_longs"],
        "position": info["position"],
        "pnl": info["pnl"] / capital * 100,
    }


def draw_episode(
    series: Mapping[str, Array], ignition: float | None, title: str, path: Path
) -> None:
    """Draw prices, liquidations, position and PnL over one time axis."""
    figure, axes = plt.subplots(
        4, 1, figsize=(10, 9), sharex=True, height_ratios=(3, 1.4, 1.2, 1.4), layout="constrained"
    )
    prices, liquidations, position, pnl = axes
    time = series["time"]
    prices.plot(time, series["perp"], color=_BLUE, lw=1.4, label="perp mid")
    prices.plot(time, series["spot"], color=_ORANGE, lw=1.2, label="spot mid")
    prices.plot(time, series["mark"], color=_BLACK, lw=1.2, ls="--", label="mark")
    prices.set_ylabel("price (quote)")
    prices.ticklabel_format(axis="y", style="plain", useOffset=False)
    liquidations.plot(time, series["shorts"], color=_RED, lw=1.6, label="shorts bought back")
    liquidations.plot(time, series["longs"], color=_GREEN, lw=1.6, ls="--", label="longs sold")
    liquidations.set_ylabel("liquidated,\ncumulative (base)")
    position.axhline(0, color=_BLACK, lw=0.6)
    position.step(time, series["position"], where="post", color=_BLUE, lw=1.6)
    position.set_ylim(-1.1, 1.1)
    position.set_ylabel("agent's position\n(limits)")
    pnl.axhline(0, color=_BLACK, lw=0.6)
    pnl.plot(time, series["pnl"], color=_BLUE, lw=1.6)
    pnl.set_ylabel("agent's PnL\n(% of capital)")
    pnl.set_xlabel("time in the episode (s)")
    for axis in axes:
        axis.grid(alpha=0.3)
        axis.margins(x=0)
        if ignition is not None:
            axis.axvline(ignition, color=_RED, lw=1.2, ls=":", label="ignition")
    prices.legend(loc="best", frameon=False)
    liquidations.legend(loc="upper left", frameon=False)
    prices.set_title(title, loc="left")
    figure.savefig(path, dpi=120)
    plt.close(figure)
