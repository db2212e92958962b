"""Rows of a squeeze, from the episodes that ignited."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from squeezegym.codes import Venue
from squeezegym.theory.calmfacts import (
    MINUTE,
    WINDOW_S,
    Episodes,
    branching,
    every_second,
    impact,
    mean_of,
    median_of,
    over,
    pooled_tail,
    ratio_of_sums,
    signature,
)
from squeezegym.theory.flow import liquidated_share, open_interest_drop
from squeezegym.theory.liquidity import depth_loss
from squeezegym.theory.pooled import lag_sums, pooled_autocorrelations
from squeezegym.theory.recording import Recording
from squeezegym.theory.samples import FloatArray

if TYPE_CHECKING:
    from squeezegym.theory.validate import Material

TREND_S = 15
LONGS, SHORTS = 0, 1  # of `Recording.liquidated`


def _ignited(recording: Recording) -> list[int]:
    return np.flatnonzero(np.isfinite(recording.ignition)).tolist()


def _of(recording: Recording, values: list[Any] | FloatArray) -> list[Any]:
    """Those of the episodes that ignited."""
    return [values[i] for i in _ignited(recording)]


def _minutes(recording: Recording) -> list[FloatArray]:
    """Log mids once a second in the minute from ignition; episodes that end before it left out."""
    paths, found = every_second(recording), []
    for i in _ignited(recording):
        start = int(recording.ignition[i])
        if start + MINUTE < paths.shape[1]:
            found.append(paths[i, start : start + MINUTE + 1])
    return found


def _calm_s(recording: Recording) -> int:
    """Seconds of an episode before any catalyst."""
    return max(1, int(recording.scenario.catalyst.start_s[0]))


def _tail(got: Material) -> Episodes:
    return _of(got.market, over(every_second(got.market), 1)), pooled_tail


def _autocorrelation(got: Material) -> Episodes:
    sums = lag_sums([np.diff(path) for path in _minutes(got.market)], [1], 0.0)
    return sums, lambda drawn: float(pooled_autocorrelations(drawn)[0])


def _signature(got: Material) -> Episodes:
    paths = _minutes(got.market)
    return (signature(np.array(paths), 1, TREND_S) if paths else []), ratio_of_sums


def _spread(got: Material) -> Episodes:
    recording = got.market
    step = round(1 / recording.step_s)
    calm = _calm_s(recording) * step
    widened = []
    for spreads in _of(recording, recording.spreads[Venue.PERP]):
        whole = len(spreads) // step * step
        seconds = np.nanmedian(spreads[:whole].reshape(-1, step), axis=1)
        widened.append(float(np.nanmax(seconds) / np.nanmedian(spreads[:calm])))
    return widened, median_of


def _depth(got: Material) -> Episodes:
    near = got.market.depth[:, :, 0, :].mean(2)
    before = round(_calm_s(got.market) / got.market.depth_step_s)
    return [depth_loss(row, before) for row in _of(got.market, near)], median_of


def _branching(got: Material) -> Episodes:
    return _of(got.market, branching(got.market, WINDOW_S)), mean_of


def _top_minute(got: Material) -> Episodes:
    recording = got.market
    times = (np.arange(recording.mids.shape[2]) + 1) * recording.step_s
    shares = []
    for taken in _of(recording, recording.liquidated.sum(0)):
        volumes = np.diff(taken, prepend=0.0)
        if volumes.any():
            shares.append(liquidated_share(times, volumes, MINUTE))
    return shares, median_of


def _one_side(got: Material) -> Episodes:
    last = got.market.liquidated[:, :, -1]
    return _of(got.market, list(zip(last[SHORTS], last.sum(0), strict=True))), ratio_of_sums


def _open_interest(got: Material) -> Episodes:
    drops = [open_interest_drop(row) for row in _of(got.market, got.market.open_interest)]
    return drops, median_of


SQUEEZE: tuple[tuple[str, str, str, Any], ...] = (
    ("squeeze_tail_index", "tail index of returns", "Hill, top 2 %, absolute 1 s returns", _tail),
    ("squeeze_autocorrelation", "returns autocorrelate", "1 s, lag 1 s", _autocorrelation),
    ("squeeze_signature", "signature plot", "realised variance, 1 s over 15 s", _signature),
    ("squeeze_spread", "spread widens", "widest second (median) over the calm, times", _spread),
    ("depth_loss", "depth within 10 bp lost", "1 - least over the calm median", _depth),
    ("squeeze_branching", "branching ratio", "as in calm, whole episodes", _branching),
    ("squeeze_impact", "impact, book not refilled", "log-log fit, 30 to 300 base", impact),
    ("squeeze_top_minute", "liquidated in the top minute", "share of the episode", _top_minute),
    ("squeeze_one_side", "liquidated on the squeezed side", "share of base", _one_side),
    ("open_interest_drop", "open interest falls", "largest fall, share", _open_interest),
)
