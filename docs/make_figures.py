"""Regenerate the pictures of the documentation: ``python docs/make_figures.py``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import gymnasium as gym
import numpy as np
from matplotlib.figure import Figure
from matplotlib.image import imsave

from squeezegym import Market
from squeezegym.envs.observation import INDEX
from squeezegym.view.figures import event_study, liquidation_frame, liquidation_map
from squeezegym.view.plots import halts, panels, phases, worlds

SEED = 5
HALT_SEED = 6
STUDY_SEEDS = 40
FRAME_SEED, FRAME_STEPS = 1, 2200
GRID = np.arange(-30.0, 61.0)  # s from ignition
HERE = Path(__file__).parent
IGNITED = {"catalyst.squeeze": 1.0, "catalyst.near_miss": 0.0}  # the metaorder is large enough

POLICIES = {
    "all at the bankruptcy price (Binance)": "ioc_at_bankruptcy",
    "a fifth, then a pause (Hyperliquid)": "partial_20_cooldown",
    "small steps (Deribit)": "small_steps",
    "growing share (Drift)": "ramp",
}
MARKS = {
    "median of three (Binance)": "binance",
    "index (dYdX v4)": "oracle",
    "last trade": "last",
    "fair price (BitMEX)": "funding_basis",
}
PROTECTIONS: dict[str, dict[str, Any]] = {
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
# Every rule of protection, each as it is seen best; where a squeeze has reloaders and a crowd.
CROWDED = {"reloaders.share": 0.8, "reloaders.delay_s": 5.0, "fomo.accounts": 200}
EVERY_RULE: dict[str, dict[str, Any]] = {
    "no rule": {},
    "limit bands, 1 %": {"limits": {"on": True, "band": 0.01}},
    "buy restriction from 150 s": {"buy_restriction": {"start_s": 150.0}},
    "short ban": {"short_ban": {"start_s": 0.0}},
    "uptick rule after a fall of 0.1 %": {"uptick_rule": {"trigger": "rule", "fall": 0.001}},
    "close-only from 150 s": {"close_only": {"start_s": 150.0}},
    "leverage cap 10 from 100 s": {"leverage_cap": {"start_s": 100.0, "leverage": 10.0}},
    "margins twice as high from 100 s": {"margin_hike": {"start_s": 100.0, "factor": 2.0}},
    "margin by open interest": {
        "open_interest_margin": {"start_s": 0.0, "lower_base": 1000.0, "upper_base": 4000.0}
    },
    "position limit 1 base": {"position_limit": {"start_s": 0.0, "most_base": 1.0}},
    "price band of 0.2 %": {"price_band": {"start_s": 0.0, "width": 0.002}},
    "circuit breaker, 1 % in an hour": {
        "circuit_breaker": {"start_s": 0.0, "variant": 0.01, "pause_s": 20.0}
    },
    "velocity halt, 0.5 % in a minute": {
        "velocity_halt": {"start_s": 0.0, "variant": 0.005, "pause_s": 20.0}
    },
    "cancel-only, 160 s to 175 s": {"cancel_only": {"start_s": 160.0, "end_s": 175.0}},
    "throttle, 2 accounts a second": {"liquidation_throttle": {"start_s": 0.0, "per_s": 2.0}},
    "half is absorbed": {"absorption": {"start_s": 0.0, "share": 0.5}},
    "funding every 10 s from 100 s": {"funding_change": {"start_s": 100.0, "interval_s": 10.0}},
    "trades of 15 s cancelled at 170 s": {
        "trade_cancellation": {"start_s": 170.0, "window_s": 15.0}
    },
    "batches of 1 s": {"batch_auction": {"start_s": 0.0, "interval_s": 1.0}},
}


def save(figure: Figure, name: str) -> None:
    """Write one picture."""
    figure.savefig(HERE / "images" / f"{name}.png")


def same_seed(
    scenario: str, rules: Mapping[str, Mapping[str, Any]], seed: int = SEED, seconds: float = 300
) -> dict[str, Any]:
    """Series of one seed under each set of changes, by label."""
    series = {}
    for label, changes in rules.items():
        market = Market(scenario, seed=seed, **{**IGNITED, **changes})
        market.run(seconds=seconds)
        series[label] = market.series()
    return series


def of_one(key: str, labels: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Rules that differ in one number, by label."""
    return {label: {key: value} for label, value in labels.items()}


def squeezes() -> None:
    """One seed with forced orders in the book, absorbed off-book, and without them."""
    labels = {
        "liquidations through the book": "book",
        "absorbed off-book": "absorber",
        "nobody liquidated": "off",
    }
    forced: dict[str, Literal["shorts", "longs"]] = {
        "short_squeeze": "shorts",
        "long_flush": "longs",
        "thin_alt": "shorts",
    }
    for scenario, liquidated in forced.items():
        series = same_seed(scenario, of_one("liquidation.destination", labels))
        title = f"{scenario}, seed {SEED}: one seed, three rules"
        save(worlds(series, title, liquidated), scenario)


def crossing() -> None:
    """The same seed with retail FOMO and without."""
    each: dict[str, dict[str, Any]] = {"as shipped": {}, "without FOMO": {"fomo.accounts": 0}}
    series = same_seed("round_number", each, seconds=1800)
    save(phases(series, f"round_number, seed {SEED}: squeeze, build-up, flush"), "round_number")


def equity() -> None:
    """The same seed as it is, without the buy restriction, and without pauses."""
    free = {"protection.buy_restriction.start_s": None}
    each: dict[str, dict[str, Any]] = {
        "pauses and buy restriction": {},
        "pauses alone": free,
        "neither": {**free, "protection.limits.on": False},
    }
    series = same_seed("equity_halt", each, HALT_SEED, 1800)
    title = f"equity_halt, seed {HALT_SEED}: one seed, three protections"
    save(halts(series, title), "equity_halt")


def rules() -> None:
    """One squeeze under the engines of four venues, four marks, and five protections."""
    protections = {
        label: {"protection": {"book": "perp", **rule}} for label, rule in PROTECTIONS.items()
    }
    for name, each, what in (
        ("policies", of_one("liquidation.policy", POLICIES), "four liquidation engines"),
        ("marks", of_one("marks.rule", MARKS), "four marks"),
        ("protections", protections, "five protections"),
    ):
        series = same_seed("short_squeeze", each)
        save(worlds(series, f"short_squeeze, seed {SEED}: one seed, {what}"), name)


def every_rule() -> None:
    """One squeeze under each rule of protection."""
    each = {
        label: {**CROWDED, "protection": {"book": "perp", **rule}}
        for label, rule in EVERY_RULE.items()
    }
    series = same_seed("short_squeeze", each)
    save(panels(series, f"short_squeeze, seed {SEED}, under every rule"), "every_rule")


def around_ignition() -> None:
    """What price does around ignition, with forced orders in the book and absorbed off-book."""
    rows = []
    for destination in ("book", "absorber"):
        for seed in range(STUDY_SEEDS):
            rule: dict[str, Any] = {"liquidation.destination": destination}
            market = Market("short_squeeze", seed=seed, **{**IGNITED, **rule})
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
    save(figure, "event_study")


def ahead() -> None:
    """The liquidation map of one market before its metaorder."""
    market = Market("short_squeeze", seed=SEED)
    market.run(60)
    mark = float(market.series()["mark"][-1])
    title = f"short_squeeze, seed {SEED}, after 60 s: what is liquidated where"
    save(liquidation_map(liquidation_frame(market), mark, title), "liquidation_map")


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
    squeezes()
    crossing()
    equity()
    rules()
    every_rule()
    around_ignition()
    ahead()
    frame()
