"""Event study: what a policy holds around ignition, against worlds without forced orders.

The same seed with liquidations absorbed off-book has the same metaorder and the same noise, but
no cascade. What a policy holds more in the one than in the other is its answer to the cascade.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from agents.baselines.policy import Array, Policy
from agents.estimates import draws, estimate, mean
from agents.evaluate import resolve_environment
from agents.paths import Paths, follow, joined

WINDOW_S = 60
ABSORBED = ('liquidation.destination="absorber"',)


def around(paths: Paths, times: Array) -> Array:
    """Return positions around the given times of some episodes.

    Args:
        paths: Episodes.
        times: (n,) seconds.

    Returns:
        (n, 121) position in limits at -60..60 s; NaN before an episode and after its end.
    """
    offsets = np.arange(-WINDOW_S, WINDOW_S + 1)
    columns = np.round((times[:, None] + offsets) / paths.step_s).astype(np.int64) - 1
    there = (columns >= 0) & (columns < paths.steps[:, None])
    rows = np.arange(len(times))[:, None]
    taken = paths.position[rows, np.clip(columns, 0, paths.position.shape[1] - 1)]
    return np.where(there, taken, np.nan)


def study(
    policies: Mapping[str, Policy], env_id: str, seeds: Sequence[int], changes: Sequence[str] = ()
) -> dict[str, Any]:
    """Play policies with and without forced orders and compare what they hold around ignition.

    Args:
        policies: By name; trainings of one kind are episodes of one sample.
        env_id: Registered id.
        seeds: Episodes; those that ignite are compared.
        changes: To the scenario in both worlds.

    Returns:
        Plain data: ``offsets`` (s), means ``with_forced`` and ``absorbed``, their ``difference``
        with ``low`` and ``high`` (95 %, by episodes), and ``after_less_before``: the difference
        half a minute to a minute after ignition less that in the minute before, with interval.
    """
    with_forced, absorbed = [], []
    for policy in policies.values():
        real = _played(policy, env_id, changes, seeds)
        other = _played(policy, env_id, (*changes, *ABSORBED), seeds)
        ignited = np.isfinite(real.ignition_s)
        times = np.where(ignited, real.ignition_s, 0.0)
        with_forced.append(around(real, times)[ignited])
        absorbed.append(around(other, times)[ignited])
    return compare(np.concatenate(with_forced), np.concatenate(absorbed))


def compare(with_forced: Array, absorbed: Array) -> dict[str, Any]:
    """Compare (n, 121) positions of the same episodes in two worlds, as `study` says."""
    whole = np.isfinite(with_forced).all(axis=1) & np.isfinite(absorbed).all(axis=1)
    real, other = with_forced[whole], absorbed[whole]
    told: dict[str, Any] = {"episodes": len(real), "cut_off": int((~whole).sum())}
    if not len(real):
        return told
    difference = real - other
    resampled = np.stack([difference[rows].mean(axis=0) for rows in draws([len(real)], 1000)])
    low, high = np.quantile(resampled, [0.025, 0.975], axis=0)
    after = difference[:, WINDOW_S + 30 :].mean(axis=1)
    before = difference[:, :WINDOW_S].mean(axis=1)
    curves = {
        "offsets": np.arange(-WINDOW_S, WINDOW_S + 1),
        "with_forced": real.mean(axis=0),
        "absorbed": other.mean(axis=0),
        "difference": difference.mean(axis=0),
        "low": low,
        "high": high,
    }
    told |= {name: values.tolist() for name, values in curves.items()}
    told["after_less_before"] = estimate([after - before], mean)._asdict()
    return told


def _played(policy: Policy, env_id: str, changes: Sequence[str], seeds: Sequence[int]) -> Paths:
    kwargs = resolve_environment(env_id, changes)
    return joined(list(follow(policy, env_id, kwargs, seeds)))


def draw(studies: Mapping[str, dict[str, Any]], path: Path) -> None:
    """Draw the mean positions around ignition, one panel a kind of policy."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    shown = {name: found for name, found in studies.items() if found["episodes"]}
    figure, panels = plt.subplots(
        1,
        max(1, len(shown)),
        figsize=(5 * max(1, len(shown)), 3.6),
        sharey=True,
        squeeze=False,
        layout="constrained",
    )
    for panel, (name, found) in zip(panels[0], shown.items(), strict=False):
        panel.plot(found["offsets"], found["with_forced"], color="#D55E00", label="forced orders")
        panel.plot(found["offsets"], found["absorbed"], color="#0072B2", ls="--", label="absorbed")
        panel.plot(found["offsets"], found["difference"], color="#222222", lw=1, label="difference")
        panel.fill_between(
            found["offsets"], found["low"], found["high"], color="#222222", alpha=0.2
        )
        panel.axvline(0, color="#D55E00", lw=0.8, ls=":")
        panel.axhline(0, color="#222222", lw=0.5)
        panel.set_title(f"{name} (n = {found['episodes']})", fontsize=10)
        panel.set_xlabel("seconds since ignition")
    panels[0][0].set_ylabel("mean position, limits")
    panels[0][0].legend(frameon=False, fontsize=8)
    figure.savefig(path, dpi=110)
    plt.close(figure)
