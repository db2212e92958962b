"""Measure a recorded market: spread, flow, depth, volatility, and its basis to another one.

`measured` names every number with its unit and estimator; this module computes them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from squeezegym.data.capture import Capture, LevelArray, RecordArray
from squeezegym.data.depth import DEPTH_EXPONENT, ExtendedDepth, extend_depth, to_grid
from squeezegym.data.flow import NS_PER_S, measure_aggressors, measure_limits
from squeezegym.data.level2 import SAMPLE_REACH_BPS
from squeezegym.data.measured import (
    Depth,
    DepthBand,
    DepthBucket,
    MeasuredMarket,
    Returns,
    Spread,
)
from squeezegym.errors import DataError

__all__ = [
    "DEPTH_EXPONENT",
    "ExtendedDepth",
    "MeasuredMarket",
    "basis_ticks",
    "extend_depth",
    "measure",
    "to_grid",
]

BANDS_BPS = (1.0, 2.0, 5.0, 10.0, 25.0)
BUCKET_EDGES = tuple(m * 10**e for e in range(6) for m in (1, 2, 5))
LEAST_SECONDS = 2.0

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]


def measure(capture: Capture) -> MeasuredMarket:
    """Measure one capture.

    Args:
        capture: At least 2 s long, with at least 2 quotes and 2 trades.

    Returns:
        The numbers named in `squeezegym.data.measured`.

    Raises:
        DataError: The capture is too short to measure anything.
    """
    _check_length(capture)
    return MeasuredMarket(
        symbol=capture.symbol,
        market=capture.market,
        tick_size=capture.tick_size,
        lot_size=capture.lot_size,
        start_ns=capture.start_ns,
        duration_s=capture.duration_s,
        mid_ticks=capture.start.mid_ticks,
        spread=_spread(capture.tops),
        aggressors=measure_aggressors(capture),
        limits=measure_limits(capture),
        depth=_depth(capture),
        returns=_returns(capture.tops),
    )


def basis_ticks(perp: Capture, spot: Capture) -> float:
    """Median of perp mid minus spot mid over the time both were recorded, in ticks of the perp.

    Both mids are read every 100 ms: the last quote at or before each point.

    Args:
        perp: Capture of the perpetual.
        spot: Capture of the spot market, overlapping in time.

    Returns:
        Ticks of the perp's grid; positive when the perp stands above spot.

    Raises:
        DataError: The two captures have no common time.
    """
    start = max(perp.start_ns, spot.start_ns, *(int(c.tops["time_ns"][0]) for c in (perp, spot)))
    end = min(perp.end_ns, spot.end_ns)
    if end <= start:
        raise DataError(
            f"basis: {perp.symbol} was recorded from {perp.start_ns} to {perp.end_ns} ns and"
            f" {spot.symbol} from {spot.start_ns} to {spot.end_ns} ns, allowed are captures that"
            " overlap; pass captures of the same time."
        )
    times = np.arange(start, end, NS_PER_S // 10)
    quote = _mid_at(perp.tops, times) * perp.tick_size - _mid_at(spot.tops, times) * spot.tick_size
    return float(np.median(quote)) / perp.tick_size


def _check_length(capture: Capture) -> None:
    found = (round(capture.duration_s, 3), len(capture.tops), len(capture.trades))
    if found[0] < LEAST_SECONDS or min(found[1:]) < 2 or not capture.depth_samples:
        raise DataError(
            f"{capture.symbol}: the capture has {found[0]} s, {found[1]} quotes, {found[2]} trades"
            f" and {len(capture.depth_samples)} samples of the book, allowed is at least"
            f" {LEAST_SECONDS} s, 2, 2 and 1; record longer, with @bookTicker and @trade."
        )


def _spread(tops: RecordArray) -> Spread:
    spread = tops["ask_ticks"] - tops["bid_ticks"]
    lasted = np.diff(_times(tops)).astype(float)
    weights = lasted if lasted.any() else np.ones_like(lasted)
    return Spread(
        mean_ticks=float(spread.mean()),
        median_ticks=float(np.median(spread)),
        time_weighted_ticks=float(np.average(spread[:-1], weights=weights)),
    )


def _depth(capture: Capture) -> Depth:
    start, mid = capture.start, capture.start.mid_ticks
    reach = SAMPLE_REACH_BPS * 1e-4 * mid
    edges = [0, *(edge for edge in BUCKET_EDGES if edge <= reach)]
    bids = [_side_depth(s.bids, s.mid_ticks, start.bids, edges) for s in capture.depth_samples]
    asks = [_side_depth(s.asks, s.mid_ticks, start.asks, edges) for s in capture.depth_samples]
    bid, bid_covered, bid_share = _mean_covered(np.array(bids))
    ask, ask_covered, ask_share = _mean_covered(np.array(asks))
    n = len(BANDS_BPS)
    columns = list(zip(bid, ask, bid_covered, ask_covered, strict=True))
    bands = (
        DepthBand(bps, *columns[i], bid_share[i], ask_share[i]) for i, bps in enumerate(BANDS_BPS)
    )
    buckets = (DepthBucket(edges[i], edges[i + 1], *columns[n + i]) for i in range(len(edges) - 1))
    return Depth(
        snapshot_bid_bps=(mid - int(start.bids[-1, 0])) / mid * 1e4,
        snapshot_ask_bps=(int(start.asks[-1, 0]) - mid) / mid * 1e4,
        samples=len(capture.depth_samples),
        bands=tuple(bands),
        profile=tuple(buckets),
    )


def _side_depth(
    levels: LevelArray, mid: float, snapshot: LevelArray, edges: list[int]
) -> FloatArray:
    """Lots of one side in each band and bucket, and whether the snapshot covers it: (n, 2)."""
    sign = 1 if levels[0, 0] < mid else -1
    total = np.append(0, np.cumsum(levels[:, 1]))
    from_mid = sign * (mid - levels[:, 0])
    from_touch = np.abs(levels[:, 0] - levels[0, 0])
    band_ticks = np.array(BANDS_BPS) * 1e-4 * mid
    in_bands = total[np.searchsorted(from_mid, band_ticks, side="right")]
    in_buckets = np.diff(total[np.searchsorted(from_touch, edges, side="left")])
    last = sign * (mid - int(snapshot[-1, 0]))
    bucket_ends = np.array(edges[1:]) - 1 + from_mid[0]
    ends = np.append(band_ticks, bucket_ends)
    return np.stack([np.append(in_bands, in_buckets), ends <= last], axis=1).astype(float)


def _mean_covered(samples: FloatArray) -> tuple[list[float], list[float | None], list[float]]:
    """Means over all samples and over covered ones, and the covered share, of (t, n, 2)."""
    lots, covered = samples[..., 0], samples[..., 1]
    counts = covered.sum(axis=0)
    sums = (lots * covered).sum(axis=0)
    means = [float(s / c) if c else None for s, c in zip(sums, counts, strict=True)]
    return lots.mean(axis=0).tolist(), means, (counts / len(samples)).tolist()


def _returns(tops: RecordArray) -> Returns:
    one_s = _log_returns(tops, 1.0)
    mid = (tops["bid_ticks"] + tops["ask_ticks"]) / 2
    return Returns(
        volatility_1s=float(one_s.std()),
        variance_per_s_100ms=_variance_per_s(tops, 0.1),
        variance_per_s_1s=_variance_per_s(tops, 1.0),
        variance_per_s_10s=_variance_per_s(tops, 10.0),
        first_mid_ticks=float(mid[0]),
        last_mid_ticks=float(mid[-1]),
    )


def _variance_per_s(tops: RecordArray, step_s: float) -> float:
    """Realised variance of log returns over ``step_s``, per second; 0 without a whole step."""
    returns = _log_returns(tops, step_s)
    return float(returns @ returns) / (len(returns) * step_s) if len(returns) else 0.0


def _log_returns(tops: RecordArray, step_s: float) -> FloatArray:
    first, last = int(_times(tops)[0]), int(_times(tops)[-1])
    grid = np.arange(first, last + 1, int(step_s * NS_PER_S))
    return np.diff(np.log(_mid_at(tops, grid)))


def _mid_at(tops: RecordArray, times: IntArray) -> FloatArray:
    """Mid of the last quote at or before each time, ticks."""
    i_last = np.searchsorted(_times(tops), times, side="right") - 1
    mid: FloatArray = (tops["bid_ticks"][i_last] + tops["ask_ticks"][i_last]) / 2
    return mid


def _times(tops: RecordArray) -> IntArray:
    """Quote times made non-decreasing."""
    times: IntArray = np.maximum.accumulate(tops["time_ns"])
    return times
