"""Regenerate the pictures of the documentation: ``python docs/make_figures.py``."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import gymnasium as gym
import numpy as np
from matplotlib.image import imsave

from squeezegym import Market
from squeezegym.envs.observation import INDEX
from squeezegym.view.figures import event_study, liquidation_frame, liquidation_map
from squeezegym.view.plots import halts, phases, worlds

SEED = 5
HALT_SEED = 6
STUDY_SEEDS = 40
FRAME_SEED, FRAME_STEPS = 1, 2200
GRID = np.arange(-30.0, 61.0)  # s from ignition
HERE = Path(__file__).parent


def run(scenario: str, seed: int, seconds: float, **changes: Any) -> Any:
    """Series of one market whose metaorder is large enough."""
    ignited = {"catalyst.squeeze": 1.0, "catalyst.near_miss": 0.0}
    market = Market(scenario, seed=seed, **{**ignited, **changes})
    market.run(seconds=seconds)
    return market.series()


def three_rules(scenario: str, liquidated: Literal["shorts", "longs"]) -> None:
    """The same seed with forced orders in the book, absorbed off-book, and without them."""
    series = {
        label: run(scenario, SEED, 300, **{"liquidation.destination": destination})
        for label, destination in (
            ("liquidations through the book", "book"),
            ("absorbed off-book", "absorber"),
            ("nobody liquidated", "off"),
        )
    }
    figure = worlds(series, f"{scenario}, seed {SEED}: one seed, three rules", liquidated)
    figure.savefig(HERE / "images" / f"{scenario}.png")


def crossing() -> None:
    """The same seed with retail FOMO and without."""
    series = {
        "as shipped": run("round_number", SEED, 1800),
        "without FOMO": run("round_number", SEED, 1800, **{"fomo.accounts": 0}),
    }
    figure = phases(series, f"round_number, seed {SEED}: squeeze, build-up, flush")
    figure.savefig(HERE / "images" / "round_number.png")


def equity() -> None:
    """The same seed as it is, without the buy restriction, and without pauses."""
    free = {"protection.buy_restriction.start_s": None}
    series = {
        "pauses and buy restriction": run("equity_halt", HALT_SEED, 1800),
        "pauses alone": run("equity_halt", HALT_SEED, 1800, **free),
        "neither": run("equity_halt", HALT_SEED, 1800, **{**free, "protection.limits.on": False}),
    }
    figure = halts(series, f"equity_halt, seed {HALT_SEED}: one seed, three protections")
    figure.savefig(HERE / "images" / "equity_halt.png")


def policies() -> None:
    """The same seed under the engines of four venues."""
    labels = {
        "all at the bankruptcy price (Binance)": "ioc_at_bankruptcy",
        "a fifth, then a pause (Hyperliquid)": "partial_20_cooldown",
        "small steps (Deribit)": "small_steps",
        "growing share (Drift)": "ramp",
    }
    series = {
        label: run("short_squeeze", SEED, 300, **{"liquidation.policy": policy})
        for label, policy in labels.items()
    }
    figure = worlds(series, f"short_squeeze, seed {SEED}: one seed, four liquidation engines")
    figure.savefig(HERE / "images" / "policies.png")


def mark_rules() -> None:
    """The same seed under four marks."""
    labels = {
        "median of three (Binance)": "binance",
        "index (dYdX v4)": "oracle",
        "last trade": "last",
        "fair price (BitMEX)": "funding_basis",
    }
    series = {
        label: run("short_squeeze", SEED, 300, **{"marks.rule": rule})
        for label, rule in labels.items()
    }
    figure = worlds(series, f"short_squeeze, seed {SEED}: one seed, four marks")
    figure.savefig(HERE / "images" / "marks.png")


def protections() -> None:
    """The same seed under rules by which a venue protects its perp."""
    rules: dict[str, dict[str, Any]] = {
        "no rule": {},
        "liquidation throttle, 2 accounts a second": {
            "liquidation_throttle": {"start_s": 0.0, "per_s": 2.0}
        },
        "velocity halt at 0.5 % in a minute": {
            "velocity_halt": {"start_s": 0.0, "variant": 0.005, "pause_s": 20.0}
        },
        "the vault absorbs half of a position": {"absorption": {"start_s": 0.0, "share": 0.5}},
        "price band of 0.2 % around the mark": {"price_band": {"start_s": 0.0, "width": 0.002}},
    }
    series = {
        label: run("short_squeeze", SEED, 300, protection={"book": "perp", **rule})
        for label, rule in rules.items()
    }
    figure = worlds(series, f"short_squeeze, seed {SEED}: one seed, five protections")
    figure.savefig(HERE / "images" / "protections.png")


def around_ignition() -> None:
    """What price does around ignition, with forced orders in the book and absorbed off-book."""
    rows = []
    for destination in ("book", "absorber"):
        for seed in range(STUDY_SEEDS):
            ignited = {"catalyst.squeeze": 1.0, "catalyst.near_miss": 0.0}
            rule = {"liquidation.destination": destination}
            market = Market("short_squeeze", seed=seed, **{**ignited, **rule})
            market.run(300)
            event, series = market.ignition()["ignition_s"], market.series()
            if event is None or not 30 < event < 210:
                continue
            at = np.searchsorted(series["time"], event + GRID)
            price = series["perp"][np.minimum(at, len(series) - 1)]
            start = series["perp"][np.searchsorted(series["time"], event)]
            rows.append((destination, seed, 1e4 * (price / start - 1)))
    n = len(GRID)
    frame = {
        "group": np.repeat([f"forced orders: {row[0]}" for row in rows], n),
        "event": np.repeat([row[1] for row in rows], n),
        "time": np.tile(GRID, len(rows)),
        "value": np.concatenate([row[2] for row in rows]),
    }
    title = f"short_squeeze, seeds 0 to {STUDY_SEEDS - 1}: price around ignition"
    figure = event_study(frame, title, "perp mid over that at ignition, bp", "ignition")
    figure.savefig(HERE / "images" / "event_study.png")


def ahead() -> None:
    """The liquidation map of one market before its metaorder."""
    market = Market("short_squeeze", seed=SEED)
    market.run(60)
    mark = float(market.series()["mark"][-1])
    title = f"short_squeeze, seed {SEED}, after 60 s: what is liquidated where"
    figure = liquidation_map(liquidation_frame(market), mark, title)
    figure.savefig(HERE / "images" / "liquidation_map.png")


def frame() -> None:
    """What ``render_mode="rgb_array"`` shows in the middle of a squeeze."""
    env = gym.make("squeezegym/ShortSqueeze-v0", render_mode="rgb_array")
    observation, _ = env.reset(seed=FRAME_SEED)
    target = -0.5
    for _ in range(FRAME_STEPS):
        if observation[INDEX["forced_bought_1s"]] > 0.2:
            target = 1.0
        observation, *_ = env.step(np.array([target, 1.0], np.float32))
    imsave(HERE / "images" / "frame.png", env.render())


if __name__ == "__main__":
    (HERE / "images").mkdir(exist_ok=True)
    three_rules("short_squeeze", "shorts")
    three_rules("long_flush", "longs")
    three_rules("thin_alt", "shorts")
    crossing()
    equity()
    policies()
    mark_rules()
    protections()
    around_ignition()
    ahead()
    frame()
