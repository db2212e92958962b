"""What is asked of trained policies, what was found, and what keeps them from the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from agents.baselines import BASELINES
from agents.baselines.policy import Array
from agents.estimates import estimate, improvement, mean
from agents.scores import REGIMES

BETTER = 0.75
"""Probability of improvement over every scripted policy (Agarwal et al., NeurIPS 2021)."""
CAPTURE = 0.6
"""Share of what the oracle's flips earn."""
FALSE_FLIPS = 0.05
"""Share of the seeds without a squeeze, near-misses among them, at most."""
_BPS = 100.0  # of a percent


class Claim(NamedTuple):
    """One thing that is asked, and what was found."""

    policy: str
    asked: str
    against: str
    """The scripted policy that comes nearest; empty where nothing is compared."""
    found: Mapping[str, float]
    """``value`` with ``low`` and ``high``."""
    reached: bool
    unit: str = ""
    """``bp`` of capital, or a share."""


def claims(scores: Mapping[str, Any], ours: Sequence[str]) -> list[Claim]:
    """Return what became of every claim.

    Args:
        scores: As `agents.scores.score` returns.
        ours: Names of the trained policies.
    """
    policies = scores["policies"]
    scripted = [name for name in BASELINES if name in policies]
    told = []
    for name, least in rivals(scores, ours).items():
        groups, better = policies[name], scores["improvement"][name]
        best = max(scripted, key=lambda other: policies[other]["all"]["iqm"]["value"])
        rival, earned = policies[best]["all"]["iqm"], groups["all"]["iqm"]
        told += [
            Claim(
                name,
                f"IQM above {rival['value']:.0f} bp, the best scripted one",
                best,
                earned,
                earned["value"] > rival["value"],
                "bp",
            ),
            Claim(
                name,
                f"earns more than each scripted one with probability above {BETTER:g}",
                least,
                better[least],
                better[least]["value"] > BETTER,
            ),
        ]
        capture = groups.get("squeeze", groups.get("long flush", {})).get("capture")
        false = groups["all"].get("matched_false_flips")
        if capture:
            asked = f"captures {CAPTURE:g} of the oracle's flips or more"
            told.append(Claim(name, asked, "", capture, capture["value"] >= CAPTURE))
        if false:
            asked = (
                f"false flips on at most {FALSE_FLIPS:.0%} of the matched seeds without a squeeze"
            )
            told.append(Claim(name, asked, "", false, false["value"] <= FALSE_FLIPS))
    return told


def rivals(scores: Mapping[str, Any], ours: Sequence[str]) -> dict[str, str]:
    """Return the scripted policy that is hardest to beat for each of ours.

    Args:
        scores: As `agents.scores.score` returns.
        ours: Names of the trained policies.
    """
    scripted = [name for name in BASELINES if name in scores["policies"]]
    better = scores["improvement"]
    return {name: min(scripted, key=lambda other: better[name][other]["value"]) for name in ours}


def against(table: pl.DataFrame, name: str, rival: str) -> dict[str, Any]:
    """Take the comparison with a rival apart.

    Args:
        table: Episodes of both on the same seeds, as `agents.scores.frame` makes them.
        name: Of the policy.
        rival: Of the other one.

    Returns:
        ``rival``, and by regime ``episodes``, ``better`` (probability of earning more) and
        ``more``: the median of what it earns more in an episode, bp.
    """
    other = table.filter(pl.col("policy") == rival)
    mine = table.filter(pl.col("policy") == name).join(
        other.select("env_id", "seed", pl.col("pnl_percent").alias("other")),
        on=("env_id", "seed"),
        maintain_order="left_right",
    )
    regimes = {regime: mine.filter(pl.col("regime") == regime) for regime in REGIMES}
    return {
        "rival": rival,
        **{regime: _against(rows) for regime, rows in regimes.items() if len(rows)},
    }


def _against(rows: pl.DataFrame) -> dict[str, Any]:
    mine, other = (rows[name].to_numpy() for name in ("pnl_percent", "other"))
    return {
        "episodes": len(rows),
        "better": improvement([mine], [other])._asdict(),
        "more": float(np.median(mine - other)) * _BPS,
    }


def false_flips(
    table: pl.DataFrame, quiet: pl.DataFrame, ours: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """Return what false flips earn: mean PnL of the episodes with one, and of the like without.

    Args:
        table: Episodes.
        quiet: Seeds without a squeeze, as `agents.scores.quiet_seeds` returns.
        ours: Names of policies.

    Returns:
        By policy and regime without ignition: ``episodes``, and estimates ``with`` and
        ``without``, bp; None where there are none.
    """
    told: dict[str, dict[str, Any]] = {}
    matched = table.join(quiet, on=("env_id", "seed"), how="semi")
    for name in ours:
        told[name] = {}
        for regime in ("near-miss", "nothing"):
            rows = matched.filter((pl.col("policy") == name) & (pl.col("regime") == regime))
            if len(rows):
                told[name][regime] = {
                    "episodes": len(rows),
                    "with": _earned(rows.filter("false_flip")),
                    "without": _earned(rows.filter(~pl.col("false_flip"))),
                }
    return told


def _earned(rows: pl.DataFrame) -> dict[str, float] | None:
    values: Array = rows["pnl_percent"].to_numpy() * _BPS
    return estimate([values], mean)._asdict() if len(values) else None
