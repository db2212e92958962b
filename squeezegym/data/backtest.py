"""Does the measure of proximity come before squeezes? Walk-forward, purged, beside trivial ones.

Every few hours each coin has a row: what each measure said from data known by then, and whether a
squeeze (`squeezegym.data.labels`) began within the next 24 hours. A logistic curve turns a measure
into a probability; it is fitted on the past alone, without the rows whose 24 hours reach into the
test and without a day more (purge and embargo: Lopez de Prado 2018, Advances in Financial Machine
Learning, chapter 7).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from squeezegym.data.chain import chances, survival_weights, wilson
from squeezegym.data.history import Moment, follow_candles, hourly
from squeezegym.data.labels import Labels, find_squeezes
from squeezegym.data.liquidation_map import Brackets, FloatArray
from squeezegym.data.proximity import DAY_S, barrier_sd, folds
from squeezegym.errors import DataError
from squeezegym.theory.bootstrap import Interval, episode_interval

HORIZON_H = 24
EMBARGO_H = 24
WEEK_H = 168
MEASURES = ("chance", "barrier", "index", "near")
"""Chance of a cascade in 24 h; barrier in standard deviations (negative: nearer is higher); largest
and nearest ratio of forced demand to depth. The first is the measure under test."""
BASELINES = ("interest", "funding", "past return", "volatility")
"""Change of the open interest (or its stand-in) and return over 24 h, last funding rate, and
volatility."""
_FARTHEST = 1e3  # barrier of a draw without a cascade
_STEP_S = 60.0
_FOLDS = 8
_LEAST_BEGUN = 3  # positive rows from which a curve is fitted


@dataclass(frozen=True, slots=True)
class Score:
    """How well a measure ranks the hours before squeezes.

    Attributes:
        name: Of the measure.
        auc: Chance that the measure is higher in a row before a squeeze than in one that is not, as
            it stands; .5 tells nothing. None of several measures together.
        interval: Its 95 % interval, bootstrap over weeks.
        fitted: The same of the predicted probability, rows of one stretch compared with each other:
            across stretches the rate of the past alone ranks, and ranks badly.
        fitted_interval: Its interval.
        brier: Mean squared error of the probabilities.
        skill: Share by which it is below that of the rate of the past alone; negative is worse.
        curve: Fifths of the predicted probability: predicted, observed, its interval, rows.
    """

    name: str
    auc: float | None
    interval: Interval | None
    fitted: float
    fitted_interval: Interval
    brier: float
    skill: float
    curve: tuple[tuple[float, float, float, float, int], ...]


def rows_of_candles(
    candles: pl.DataFrame,
    brackets: Brackets,
    *,
    funding: pl.DataFrame | None = None,
    every: int = 6,
    draws: int = 32,
    paths: int = 512,
    seed: int = 0,
    progress: Callable[[float], None] = lambda hours: None,
) -> pl.DataFrame:
    """Measure one coin every few hours, each from what was known by then.

    Args:
        candles: Of one symbol, an hour or shorter, in order.
        brackets: Of the venue.
        funding: Funding rates of the symbol, if known.
        every: Hours between rows.
        draws: Draws of the map.
        paths: Paths of the chance.
        seed: Of both.
        progress: Told how many hours of data were done since it was told last.

    Returns:
        ``at``, ``symbol``, ``side`` (+1 squeezes, -1 flushes), ``begins`` (the label) and a column
        for each measure and baseline; rows whose label is not known are left out.
    """
    hours = hourly(candles)
    labels = {side: find_squeezes(hours, side) for side in (1, -1)}
    soon = {side: of_side.within(HORIZON_H) for side, of_side in labels.items()}
    close = np.log(hours["close"].to_numpy())
    place = {at: i for i, at in enumerate(hours["known_at"].to_list())}
    found: list[dict[str, Any]] = []
    before: list[float] = []
    for moment in follow_candles(candles, brackets, every=every, draws=draws, seed=seed):
        i = place[moment.at]
        before.append(moment.interest)
        progress(every)
        if not _is_known(labels[1], i):
            continue
        back = before[-1 - HORIZON_H // every] if len(before) > HORIZON_H // every else before[0]
        measures = _measures(moment, paths, seed)
        rate = _last_rate(funding, moment.at)
        found += [
            {
                "at": moment.at,
                "symbol": hours["symbol"][0],
                "side": side,
                "begins": bool(soon[side][i]),
                **measures[side],
                "interest": moment.interest / back - 1,
                "past return": side * (close[i] - close[i - HORIZON_H]),
                "volatility": moment.impact.volatility,
                "funding": side * rate,
            }
            for side in (1, -1)
        ]
    return pl.DataFrame(found)


def _is_known(labels: Labels, i: int) -> bool:
    """Whether the next 24 hours are there and all have a label."""
    ahead = labels.known[i : i + HORIZON_H]
    return len(ahead) == HORIZON_H and bool(ahead.all())


def _measures(moment: Moment, paths: int, seed: int) -> dict[int, dict[str, float]]:
    waiting, impact = moment.waiting, moment.impact
    weights = survival_weights(waiting, impact, 24.0, paths=paths, step_s=_STEP_S, seed=seed)
    both = chances(
        waiting, impact, DAY_S, paths=paths, weights=weights, step_s=_STEP_S, seed=seed + 1
    )
    measures = {}
    for side, chance, found in zip((1, -1), both, folds(waiting, impact), strict=True):
        sds = np.minimum(barrier_sd(found, impact), _FARTHEST)
        measures[side] = {
            "chance": chance.probability,
            "barrier": -float(np.log1p(sds) @ weights),
            "index": float(found.index @ weights),
            "near": float(found.near @ weights),
        }
    return measures


def _last_rate(funding: pl.DataFrame | None, at: Any) -> float:
    """Last funding rate known; not a number where there is none."""
    if funding is None:
        return math.nan
    known = funding.filter(pl.col("known_at") <= at)["rate"]
    return float(known[-1]) if len(known) else math.nan


def walk_forward(rows: pl.DataFrame, names: Sequence[str], *, folds: int = _FOLDS) -> pl.DataFrame:
    """Predict each stretch of time from curves fitted on the past, purged.

    Args:
        rows: Of several coins, from `rows_of_candles`.
        names: Measures of one logistic curve; several make one with a weight each.
        folds: Stretches; the first is never predicted.

    Returns:
        The predicted rows with ``p``, ``base`` (the rate of the past alone) and ``stretch``.
    """
    ordered = rows.sort("at")
    times = ordered["at"].dt.epoch("ns").to_numpy()
    edges = np.linspace(times[0], times[-1] + 1, folds + 1)
    gap = (HORIZON_H + EMBARGO_H) * 3_600 * 10**9
    values = ordered.select(names).to_numpy().astype(float)
    begins = ordered["begins"].to_numpy()
    p, base = np.full(len(ordered), np.nan), np.full(len(ordered), np.nan)
    stretch = np.digitize(times, edges[1:-1])
    for start, end in pairwise(edges[1:]):
        past, now = times < start - gap, (times >= start) & (times < end)
        if begins[past].sum() < _LEAST_BEGUN or not now.any():
            continue
        base[now] = begins[past].mean()
        p[now] = _logistic(values[past], begins[past], values[now])
    predicted = ordered.with_columns(
        pl.Series("p", p), pl.Series("base", base), pl.Series("stretch", stretch)
    )
    return predicted.filter(pl.col("p").is_not_nan())


def _logistic(
    values: FloatArray, begins: NDArray[np.bool_], ahead: FloatArray, ridge: float = 1.0
) -> FloatArray:
    """Fit a logistic curve on standardised measures and predict; a missing one counts as mean."""
    from scipy.optimize import minimize
    from scipy.special import expit, log_expit

    with np.errstate(invalid="ignore"):
        known = np.isfinite(values)
        count = np.maximum(known.sum(axis=0), 1)
        mean = np.where(known, values, 0).sum(axis=0) / count
        sd = np.sqrt(np.where(known, (values - mean) ** 2, 0).sum(axis=0) / count)
    sd[sd == 0] = 1.0

    def design(of: FloatArray) -> FloatArray:
        scaled = np.clip(np.nan_to_num((of - mean) / sd), -5, 5)
        return np.column_stack([np.ones(len(of)), scaled])

    x, sign = design(values), np.where(begins, 1.0, -1.0)

    def loss(beta: FloatArray) -> float:
        return float(-log_expit(sign * (x @ beta)).sum() + ridge / 2 * (beta[1:] @ beta[1:]))

    fitted = minimize(loss, np.zeros(x.shape[1]), method="BFGS").x
    predicted: FloatArray = expit(design(ahead) @ fitted)
    return predicted


def auc(begins: NDArray[np.bool_], scores: FloatArray) -> float:
    """Area under the receiver operating characteristic; .5 where one class is missing."""
    from scipy.stats import rankdata

    hits = int(begins.sum())
    if hits in (0, len(begins)):
        return 0.5
    ranks = rankdata(scores)[begins].sum()
    return float((ranks - hits * (hits + 1) / 2) / (hits * (len(begins) - hits)))


def auc_within(begins: NDArray[np.bool_], scores: FloatArray, group: NDArray[np.int64]) -> float:
    """The same over pairs of one group; .5 where no group has both classes."""
    total, pairs = 0.0, 0
    for one in np.unique(group):
        rows = group == one
        hits = int(begins[rows].sum())
        count = hits * (int(rows.sum()) - hits)
        total += auc(begins[rows], scores[rows]) * count
        pairs += count
    return total / pairs if pairs else 0.5


def score(
    name: str, predicted: pl.DataFrame, measure: str | None = None, *, resamples: int = 2_000
) -> Score:
    """Score predictions of `walk_forward`.

    Args:
        name: Of the score.
        predicted: The rows.
        measure: Column of the measure, where it is one.
        resamples: Of the intervals.

    Raises:
        DataError: Nothing was predicted, or no squeeze is in it.
    """
    if predicted.is_empty() or not predicted["begins"].any():
        raise DataError(
            f"{name}: {len(predicted)} rows are predicted, allowed are some with a squeeze among"
            " them; pass a longer history"
        )
    begins, p = predicted["begins"].to_numpy(), predicted["p"].to_numpy()
    stretch = predicted["stretch"].to_numpy()
    weeks = (predicted["at"].dt.epoch("s") // (WEEK_H * 3_600)).to_numpy()
    blocks = [np.flatnonzero(weeks == week) for week in np.unique(weeks)]

    def interval(statistic: Callable[[NDArray[np.int64]], float]) -> Interval:
        return episode_interval(
            blocks, lambda drawn: statistic(np.concatenate(drawn)), resamples=resamples
        )

    def fitted(rows: NDArray[np.int64]) -> float:
        return auc_within(begins[rows], p[rows], stretch[rows])

    every = np.arange(len(predicted))
    alone: tuple[float | None, Interval | None] = (None, None)
    if measure is not None:
        values = np.nan_to_num(predicted[measure].to_numpy().astype(float))
        alone = auc(begins, values), interval(lambda rows: auc(begins[rows], values[rows]))
    brier = float(np.mean((p - begins) ** 2))
    rate = float(np.mean((predicted["base"].to_numpy() - begins) ** 2))
    skill = 1 - brier / rate
    return Score(name, *alone, fitted(every), interval(fitted), brier, skill, _curve(begins, p))


def _curve(
    begins: NDArray[np.bool_], p: FloatArray
) -> tuple[tuple[float, float, float, float, int], ...]:
    points = []
    for rows in np.array_split(np.argsort(p, kind="stable"), 5):
        hits = int(begins[rows].sum())
        low, high = wilson(hits, len(rows))
        points.append((float(p[rows].mean()), hits / len(rows), low, high, len(rows)))
    return tuple(points)
