"""Audit: does a policy itself ignite squeezes, or make them larger?

The same seeds are played with the policy and with one that stays out. Ignition itself is defined by
the demand of others, so what is compared is forced volume, and the index of the cascades: from
``E[V] = Q0 / (1 - R)`` (project's own reduced theory) ``R = 1 - Q0 / V`` with the catalyst ``Q0``
and all volume ``V``, the catalyst's and the forced one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from agents.baselines.policy import Array
from agents.estimates import Estimate, draws, estimate, mean
from agents.scores import ALONE, CASCADE


def audit(table: pl.DataFrame) -> dict[str, Any]:
    """Compare every policy with the one that stays out.

    Args:
        table: Episodes, as `agents.scores.frame` makes them; ``flat`` among the policies.

    Returns:
        By policy: forced volume it adds in episodes that ignite alone and in the others (base),
        share of the others with a cascade (half of the usual forced volume of a squeeze) with it
        and alone, and the index with it, alone and the difference.
    """
    alone = table.filter(pl.col("policy") == ALONE).select(
        "env_id",
        "seed",
        pl.col("ignited").alias("ignited_alone"),
        pl.col("forced_base").alias("forced_alone"),
    )
    told = {}
    for name in table["policy"].unique(maintain_order=True):
        if name != ALONE:
            mine = table.filter(pl.col("policy") == name)
            told[name] = _compared(mine.join(alone, on=("env_id", "seed"), maintain_order="left"))
    return told


def _compared(both: pl.DataFrame) -> dict[str, Any]:
    squeezes, others = both.filter("ignited_alone"), both.filter(~pl.col("ignited_alone"))
    found: dict[str, Any] = {}
    if len(squeezes):
        found["added_in_squeezes"] = _added(squeezes)._asdict()
        found |= _indices(squeezes)
    if len(others):
        found["added_elsewhere"] = _added(others)._asdict()
    if len(squeezes) and len(others):
        usual = CASCADE * float(np.median(_of(squeezes, "forced_alone")))
        for key, column in (("cascades", "forced_base"), ("cascades_alone", "forced_alone")):
            found[key] = estimate([_of(others, column) > max(usual, 1e-9)], mean)._asdict()
    return found


def _of(rows: pl.DataFrame, name: str) -> Array:
    values: Array = rows[name].to_numpy().astype(np.float64)
    return values


def _added(rows: pl.DataFrame) -> Estimate:
    return estimate([_of(rows, "forced_base") - _of(rows, "forced_alone")], mean)


def _indices(rows: pl.DataFrame) -> dict[str, Any]:
    """Return the index with the policy, alone, and the difference, by the same resamples."""
    first, forced, alone = (_of(rows, k) for k in ("catalyst_base", "forced_base", "forced_alone"))
    places = draws([len(first)])

    def index(volume: Array, drawn: Any) -> Any:
        begun = first[drawn].sum(axis=-1)
        return 1 - begun / np.maximum(begun + volume[drawn].sum(axis=-1), 1e-9)

    everyone = np.arange(len(first))
    values = {
        "index": (index(forced, everyone), index(forced, places)),
        "index_alone": (index(alone, everyone), index(alone, places)),
    }
    values["index_added"] = tuple(
        a - b for a, b in zip(values["index"], values["index_alone"], strict=True)
    )
    told = {}
    for name, (value, resampled) in values.items():
        low, high = np.quantile(resampled, [0.025, 0.975])
        told[name] = Estimate(float(value), float(low), float(high))._asdict()
    return told
