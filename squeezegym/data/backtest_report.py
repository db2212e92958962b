"""What a back-test of squeezes says: scores of every measure, their table, and a verdict."""

from __future__ import annotations

import polars as pl

from squeezegym.data.backtest import BASELINES, MEASURES, Score, score, walk_forward
from squeezegym.theory.bootstrap import Interval

HEAD = ("measure", "AUC as it stands", "AUC of the fitted curve", "Brier score", "skill")
ALL = "all baselines"


def scores(rows: pl.DataFrame, side: int, *, resamples: int = 2_000) -> list[Score]:
    """Score every measure and trivial baseline on the same rows, walk-forward.

    Args:
        rows: Of one or several coins, from `squeezegym.data.backtest.rows_of_candles`.
        side: +1 squeezes, -1 flushes.
        resamples: Of the intervals.

    Returns:
        Each measure, each baseline, the baselines together, and these with the chance.

    Raises:
        DataError: Too few rows or squeezes.
    """
    mine = rows.filter(pl.col("side") == side)
    named: list[tuple[str, list[str]]] = [(name, [name]) for name in (*MEASURES, *BASELINES)]
    named += [(ALL, list(BASELINES)), ("baselines and chance", [*BASELINES, "chance"])]
    return [
        score(
            name,
            walk_forward(mine, names),
            name if len(names) == 1 else None,
            resamples=resamples,
        )
        for name, names in named
    ]


def score_rows(found: list[Score]) -> list[tuple[str, ...]]:
    """Return the rows of a table with the columns ``HEAD``."""
    return [
        (
            s.name,
            "" if s.auc is None else _with(s.auc, s.interval),
            _with(s.fitted, s.fitted_interval),
            f"{s.brier:.4f}",
            f"{s.skill:+.1%}",
        )
        for s in found
    ]


def verdict(found: list[Score]) -> str:
    """Say whether the chance tells anything, and whether more than the trivial measures."""
    by_name = {s.name: s for s in found}
    chance = by_name["chance"]
    trivial = max((by_name[name] for name in BASELINES), key=_auc)
    low = chance.interval.low if chance.interval else 0.0
    tells = "tells something" if low > 0.5 else "is not shown to tell anything"
    better = "above" if low > _auc(trivial) else "not shown to be above"
    skill = "better" if chance.skill > 0 else "no better"
    return (
        f"The chance {tells} (AUC {_with(_auc(chance), chance.interval)}); it is {better}"
        f" the best of the trivial measures, {trivial.name} ({_auc(trivial):.2f}), and as a"
        f" probability {skill} than the rate of the past."
    )


def _auc(of: Score) -> float:
    return of.auc if of.auc is not None else of.fitted


def _with(estimate: float, interval: Interval | None) -> str:
    if interval is None:
        return f"{estimate:.2f}"
    return f"{estimate:.2f} ({interval.low:.2f} to {interval.high:.2f})"
