"""Scores of policies by regime, from their episodes: everything that the results table says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import polars as pl

from agents.baselines.policy import Array
from agents.estimates import Estimate, estimate, improvement, iqm, mean, ratio
from agents.measures import Episode
from agents.paths import PARTS

REGIMES = ("squeeze", "long flush", "near-miss", "nothing")
ORACLE = "clairvoyant flip"
"""Against which the capture ratio is measured."""
ALONE = "flat"
"""The policy that leaves the market alone."""
CASCADE = 0.5
"""Share of the usual forced volume of a squeeze that makes a cascade."""
ALONE = "flat"
"""The policy that leaves the market alone."""
CASCADE = 0.5
"""Share of the usual forced volume of a squeeze that makes a cascade."""
IDLE_SHARE = 0.95
"""A policy that is inactive in so many episodes does nothing."""
_BPS = 100.0  # of a percent


def frame(episodes: Sequence[Episode], env_id: str, run: int = 0) -> pl.DataFrame:
    """Return episodes as a table, one row each.

    Args:
        episodes: Of one policy or several.
        env_id: Where they were played.
        run: Training seed, where several trainings make one policy of the table.
    """
    rows = pl.DataFrame([asdict(episode) for episode in episodes], infer_schema_length=None)
    return rows.with_columns(env_id=pl.lit(env_id), run=pl.lit(run))


def score(table: pl.DataFrame) -> dict[str, Any]:
    """Return the scores of every policy in every regime as plain data.

    Args:
        table: Episodes of all policies, as `frame` makes it; all played the same seeds.

    Returns:
        ``policies``: name to regime (and ``all``) to scores, bp of capital where not said
        otherwise; ``improvement``: name to other name to the probability that it earns more in the
        same episode; ``idle``: names of policies that do nothing. False flips are told twice:
        among the episodes that did not ignite with the policy in them, and, where the table has
        `ALONE`, as ``matched_false_flips`` among the seeds that `quiet_seeds` names.
    """
    table = _matched(table)
    names = table["policy"].unique(maintain_order=True).to_list()
    by_name = {name: table.filter(pl.col("policy") == name) for name in names}
    oracle = by_name.get(ORACLE)
    return {
        "policies": {
            name: {
                group: _scores(rows, oracle)
                for group, rows in {"all": mine, **_regimes(mine)}.items()
            }
            for name, mine in by_name.items()
        },
        "improvement": {
            name: {
                other: _better(mine, theirs)._asdict()
                for other, theirs in by_name.items()
                if other != name
            }
            for name, mine in by_name.items()
        },
        "idle": [
            name for name, rows in by_name.items() if _column(rows, "inactive").mean() >= IDLE_SHARE
        ],
    }


def usual_forced(alone: pl.DataFrame) -> float:
    """Return the median forced volume of the squeezes of a market left alone, base; 0 for none."""
    volumes = alone.filter("ignited")["forced_base"]
    return float(np.median(volumes.to_numpy())) if len(volumes) else 0.0


def quiet_seeds(table: pl.DataFrame) -> pl.DataFrame:
    """Return the seeds on which a market left alone has no squeeze, the same for all policies.

    It neither ignites nor has a cascade: noise alone can set one off.

    Args:
        table: Episodes; those of `ALONE` decide.

    Returns:
        ``env_id`` and ``seed``.
    """
    parts = [table.clear().select("env_id", "seed")]
    for _, alone in table.filter(pl.col("policy") == ALONE).group_by("env_id"):
        cascade = CASCADE * usual_forced(alone)
        calm = pl.col("forced_base") < cascade if cascade > 0 else pl.lit(value=True)
        parts.append(alone.filter(~pl.col("ignited") & calm).select("env_id", "seed"))
    return pl.concat(parts)


def _matched(table: pl.DataFrame) -> pl.DataFrame:
    """Say in a column ``quiet`` which episodes are of `quiet_seeds`."""
    quiet = quiet_seeds(table).unique().with_columns(quiet=pl.lit(value=True))
    joined = table.join(quiet, on=("env_id", "seed"), how="left", maintain_order="left")
    return joined.with_columns(pl.col("quiet").fill_null(value=False))


def _regimes(rows: pl.DataFrame) -> dict[str, pl.DataFrame]:
    parts = {name: rows.filter(pl.col("regime") == name) for name in REGIMES}
    return {name: part for name, part in parts.items() if len(part)}


def _strata(rows: pl.DataFrame) -> list[Array]:
    """Return PnL in bp of capital, one array a scenario, regime and training."""
    return [_column(part, "pnl_percent") * _BPS for part in _parts(rows)]


def _parts(rows: pl.DataFrame) -> list[pl.DataFrame]:
    ordered = rows.sort("env_id", "regime", "run", "seed")
    return ordered.partition_by("env_id", "regime", "run", maintain_order=True)


def _better(mine: pl.DataFrame, theirs: pl.DataFrame) -> Estimate:
    """Return the probability of earning more; of several trainings every pair is compared."""
    other = theirs.select("env_id", "seed", pl.col("pnl_percent").alias("other"))
    both = _parts(mine.join(other, on=("env_id", "seed"), maintain_order="left_right"))
    return improvement(
        [_column(part, "pnl_percent") for part in both], [_column(part, "other") for part in both]
    )


def _column(rows: pl.DataFrame, name: str) -> Array:
    found: Array = rows[name].to_numpy().astype(np.float64)
    return found


def _scores(rows: pl.DataFrame, oracle: pl.DataFrame | None) -> dict[str, Any]:
    """Return the scores of one policy in one regime, or over all."""
    strata = _strata(rows)
    pnl = np.concatenate(strata)
    spread = float(pnl.std(ddof=1)) if len(pnl) > 1 else 0.0
    return {
        "episodes": len(pnl),
        "iqm": estimate(strata, iqm)._asdict(),
        "mean": estimate(strata, mean)._asdict(),
        "sharpe": float(pnl.mean()) / spread if spread > 0 else None,
        "drawdown": float(_column(rows, "drawdown_percent").mean()) * _BPS,
        "parts": {part: float(_column(rows, part).mean()) * _BPS for part in PARTS},
        "liquidated": float(_column(rows, "liquidated").mean()),
        "position": float(_column(rows, "mean_abs_position").mean()),
        "turnover": float(_column(rows, "turnover").mean()),
        "inactive": float(_column(rows, "inactive").mean()),
        **_flips(rows, oracle),
    }


def _flips(rows: pl.DataFrame, oracle: pl.DataFrame | None) -> dict[str, Any]:
    """Return what is said of flips: among the episodes that ignited, and among the others."""
    ignited, quiet = rows.filter(pl.col("ignited")), rows.filter(~pl.col("ignited"))
    told: dict[str, Any] = {}
    matched = rows.filter("quiet")
    if len(matched):
        told["matched_false_flips"] = estimate([_column(matched, "false_flip")], mean)._asdict()
    if len(quiet):
        told["false_flips"] = estimate([_column(quiet, "false_flip")], mean)._asdict()
    if not len(ignited):
        return told
    told["flipped"] = estimate([_column(ignited, "flipped")], mean)._asdict()
    flipped = ignited.filter(pl.col("flipped"))
    for name in ("latency_s", "exit_after_top_s", "exit_short_of_top_bps"):
        values = _column(flipped, name)
        told[name] = np.quantile(values, [0.25, 0.5, 0.75]).tolist() if len(values) else None
    if oracle is not None:
        found = _capture(ignited, oracle)
        told["capture"] = None if found is None else found._asdict()
    return told


def _capture(ignited: pl.DataFrame, oracle: pl.DataFrame) -> Estimate | None:
    """Return what the flips' legs earned, over what the oracle's earned in the same episodes."""
    both = ignited.join(oracle.select("env_id", "seed", "leg_percent"), on=("env_id", "seed"))
    return ratio(_column(both, "leg_percent"), _column(both, "leg_percent_right"))
