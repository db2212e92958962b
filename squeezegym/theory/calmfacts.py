"""Rows of the calm market: each turns a recording into episodes and a statistic of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from squeezegym.codes import Venue
from squeezegym.theory.liquidity import depth_exponent
from squeezegym.theory.pooled import (
    counts_branching,
    cross_sums,
    lag_sums,
    pooled_autocorrelations,
    pooled_decay,
    size_exponent,
)
from squeezegym.theory.powerlaw import tail_index
from squeezegym.theory.recording import BANDS_BPS, Recording
from squeezegym.theory.returns import excess_kurtosis, volume_volatility
from squeezegym.theory.samples import BP, FloatArray

if TYPE_CHECKING:
    from squeezegym.theory.validate import Material

Episodes = tuple[Sequence[Any], Callable[[list[Any]], float]]
MEMORY_LAGS = range(5, 301)  # s
SIGN_LAGS = range(2, 101)  # orders
MINUTE = 60
LONG_S = 300
WINDOW_S = 10  # of the counts behind the branching ratio
LEAD_STEPS = 50


def every_second(recording: Recording) -> FloatArray:
    """Log mids of the perp once a second, (n, seconds)."""
    step = round(1 / recording.step_s)
    paths: FloatArray = np.log(recording.mids[Venue.PERP][:, step - 1 :: step])
    return paths


def over(paths: FloatArray, steps: int) -> FloatArray:
    """Overlapping returns of log paths over so many steps, (n, t - steps)."""
    return paths[:, steps:] - paths[:, :-steps]


def mean_of(values: list[Any]) -> float:
    """Mean of one number an episode."""
    return float(np.mean(values))


def median_of(values: list[Any]) -> float:
    """Median of one number an episode."""
    return float(np.median(values))


def pooled_tail(arrays: list[Any]) -> float:
    """Hill estimate over all episodes."""
    return tail_index(np.concatenate(arrays))


def pooled_kurtosis(arrays: list[Any]) -> float:
    """Excess kurtosis over all episodes."""
    return excess_kurtosis(np.concatenate(arrays))


def ratio_of_sums(pairs: list[Any]) -> float:
    """Sum of the first numbers over the sum of the second ones."""
    first, second = np.sum(pairs, axis=0)
    return float(first / second)


def counts(recording: Recording, window_s: float) -> FloatArray:
    """Aggressor orders of the perp in each window, (n, windows)."""
    seconds = recording.mids.shape[2] * recording.step_s
    edges = np.arange(0.0, seconds + 1e-9, window_s)
    times = [recording.of_market(i, Venue.PERP)["time"] for i in range(len(recording))]
    return np.array([np.histogram(t, edges)[0] for t in times], np.float64)


def branching(recording: Recording, window_s: float) -> list[float]:
    """Branching ratio of each episode."""
    return [counts_branching(row) for row in counts(recording, window_s)]


def _tail(got: Material) -> Episodes:
    return list(over(every_second(got.market), 1)), pooled_tail


def _kurtosis(got: Material) -> Episodes:
    return list(over(every_second(got.market), MINUTE)), pooled_kurtosis


def _memory(got: Material) -> Episodes:
    sizes = np.abs(over(every_second(got.market), 1))
    sums = lag_sums(list(sizes), MEMORY_LAGS, float(sizes.mean()))
    return sums, lambda drawn: pooled_decay(drawn, MEMORY_LAGS)


def _autocorrelation(got: Material) -> Episodes:
    sums = lag_sums(list(over(every_second(got.market), MINUTE)), [MINUTE], 0.0)
    return sums, lambda drawn: float(pooled_autocorrelations(drawn)[0])


def _signs(got: Material) -> Episodes:
    recording = got.market
    signs = [recording.of_market(i, Venue.PERP)["sign"] for i in range(len(recording))]
    sums = lag_sums(signs, SIGN_LAGS, 0.0)
    return sums, lambda drawn: pooled_decay(drawn, SIGN_LAGS)


def _volatility(got: Material) -> Episodes:
    squares = (over(every_second(got.market), 1) ** 2).mean(1)
    return list(squares), lambda drawn: math.sqrt(float(np.mean(drawn))) * BP


def signature(paths: FloatArray, short: int, long: int) -> list[tuple[float, float]]:
    """Realised variance a step at two scales, for each path."""
    scales = [(over(paths, steps) ** 2).mean(1) / steps for steps in (short, long)]
    return list(zip(*(scale.tolist() for scale in scales), strict=True))


def _signature(got: Material) -> Episodes:
    return signature(every_second(got.market), 1, LONG_S), ratio_of_sums


def _volume(got: Material) -> Episodes:
    recording = got.market
    paths = every_second(recording)[:, MINUTE - 1 :: MINUTE]
    moves = np.diff(paths, axis=1)
    edges = np.arange(1, paths.shape[1] + 1) * float(MINUTE)
    found = []
    for i, path in enumerate(moves):
        trades = recording.of_market(i, Venue.PERP)
        volume = np.histogram(trades["time"], edges, weights=trades["base"])[0]
        found.append(np.stack([volume, path]))
    return found, lambda drawn: volume_volatility(*np.concatenate(drawn, axis=1))


def _spread(got: Material) -> Episodes:
    return np.nanmean(got.market.spreads[Venue.PERP], axis=1).tolist(), mean_of


def _one_tick(got: Material) -> Episodes:
    return (got.market.spreads[Venue.PERP] == 1).mean(1).tolist(), mean_of


def _depth(got: Material) -> list[FloatArray]:
    return list(got.market.depth.mean((1, 3)))


def _depth_exponent(got: Material) -> Episodes:
    return _depth(got), lambda drawn: depth_exponent(BANDS_BPS, np.mean(drawn, axis=0))


def _depth_ratio(got: Material) -> Episodes:
    near, far = BANDS_BPS.index(10.0), BANDS_BPS.index(100.0)
    return [(depth[far], depth[near]) for depth in _depth(got)], ratio_of_sums


def impact(got: Material) -> Episodes:
    """Exponent of the impact of probe metaorders."""
    return list(got.impacts), lambda drawn: size_exponent(got.sizes, drawn)


def _lead_lag(got: Material) -> Episodes:
    fine = got.fine
    assert fine is not None
    moves = np.diff(np.log(fine.mids), axis=2)
    scale = np.sqrt((moves**2).mean(2, keepdims=True))  # so that no market outweighs the others
    perp, spot = moves / np.where(scale > 0, scale, 1.0)
    sums = [cross_sums(a, b, LEAD_STEPS) for a, b in zip(perp, spot, strict=True)]

    def peak(drawn: list[Any]) -> float:
        return float(np.argmax(np.sum(drawn, axis=0)) - LEAD_STEPS) * fine.step_s

    return sums, peak


def _funding(got: Material) -> Episodes:
    return (got.market.funding.mean(1) * BP).tolist(), mean_of


def _basis(recording: Recording) -> FloatArray:
    perp, spot = recording.mids
    deviations: FloatArray = (perp / spot - 1) * BP
    return deviations


def _mean_basis(got: Material) -> Episodes:
    return _basis(got.market).mean(1).tolist(), mean_of


def _half_life(got: Material) -> Episodes:
    basis = _basis(got.market)
    sums = lag_sums(list(basis), [1], float(basis.mean()))

    def half_life(drawn: list[Any]) -> float:
        return (
            -math.log(2) / math.log(float(pooled_autocorrelations(drawn)[0])) * (got.market.step_s)
        )

    return sums, half_life


def _branching(got: Material) -> Episodes:
    return branching(got.market, WINDOW_S), mean_of


CALM: tuple[tuple[str, str, str, Any], ...] = (
    ("volatility_bps", "volatility, bp", "root mean square of 1 s returns", _volatility),
    ("tail_index", "tail index of returns", "Hill, top 2 % of absolute 1 s returns", _tail),
    ("excess_kurtosis", "excess kurtosis", "overlapping 1 min returns", _kurtosis),
    (
        "absolute_decay",
        "memory of absolute returns",
        "decay exponent, 1 s, 5 to 300 s",
        _memory,
    ),
    ("return_autocorrelation", "returns autocorrelate", "1 min, lag 1 min", _autocorrelation),
    ("signature_ratio", "signature plot", "realised variance, 1 s over 5 min", _signature),
    ("sign_decay", "memory of sides", "decay exponent, lags 2 to 100 orders, perp", _signs),
    ("branching", "branching ratio", "1 - sqrt(mean / variance), counts in 10 s", _branching),
    ("volume_volatility", "volume with volatility", "rank correlation, 1 min", _volume),
    ("impact_exponent", "impact of metaorders", "log-log fit, 3 to 30 base in 30 s", impact),
    ("spread_ticks", "spread, ticks", "mean on a grid of 100 ms", _spread),
    ("one_tick_share", "spread of one tick", "share of the time", _one_tick),
    ("depth_exponent", "depth profile", "log-log slope, 10 to 200 bp", _depth_exponent),
    ("depth_ratio", "depth 100 bp over 10 bp", "ratio of means", _depth_ratio),
    ("lead_lag", "perp leads spot, s", "peak of the cross-correlation, 10 ms", _lead_lag),
    ("mean_basis_bps", "basis, bp", "mean", _mean_basis),
    ("basis_half_life", "half-life of the basis, s", "autoregression over 100 ms", _half_life),
    ("funding_bps", "funding, bp in 8 h", "mean predicted rate", _funding),
)
