"""Change one rule of the venue and compare the same markets, seed by seed.

    python examples/change_one_rule.py --seeds 20
    python examples/change_one_rule.py --key liquidation.policy --value small_steps

Every population draws from its own stream, so the two markets of a seed differ by the rule and by
what follows from it, not by luck.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import tyro

from squeezegym import Market


@dataclasses.dataclass(frozen=True)
class Settings:
    """The rise of price under two rules."""

    key: str = "liquidation.policy"
    """Field of the scenario."""
    value: str = "small_steps"
    """What it is in the second market."""
    scenario: str = "short_squeeze"
    """Of both."""
    seeds: int = 20
    """Markets of each kind."""
    seconds: float = 300.0
    """Market time of each."""


def rise(scenario: str, seed: int, seconds: float, **changes: object) -> float:
    """Return the highest perp price over the first one, in percent."""
    # Every episode a squeeze: else most of the seeds compare two calm markets.
    ignited = {"catalyst.squeeze": 1.0, "catalyst.near_miss": 0.0}
    market = Market(scenario, seed=seed, **{**ignited, **changes})
    market.run(seconds)
    price = market.series()["perp"]
    return float(100 * (price.max() / price[0] - 1))


def main(settings: Settings) -> None:
    """Run both, and print the paired difference."""
    name, seconds, seeds = settings.scenario, settings.seconds, range(settings.seeds)
    before = np.array([rise(name, seed, seconds) for seed in seeds])
    change = {settings.key: settings.value}
    after = np.array([rise(name, seed, seconds, **change) for seed in seeds])
    difference = after - before
    rng = np.random.default_rng(0)
    means = rng.choice(difference, (4000, len(difference))).mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    print(f"{name}: rise {before.mean():.2f} %; with {settings.key}={settings.value} ", end="")
    print(f"{after.mean():.2f} %")
    print(f"paired difference {difference.mean():+.2f}, 95 % interval {low:+.2f} to {high:+.2f}")


if __name__ == "__main__":
    main(tyro.cli(Settings))
