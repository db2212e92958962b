"""Flow of a recorded market: aggressor orders from prints, limit orders from level-2 changes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from squeezegym.data.capture import Capture, RecordArray
from squeezegym.data.measured import Aggressors, LimitFlow

NEAR_BPS = 10.0
TAIL_SHARE = 0.05
TAIL_LEAST = 10
COUNT_WINDOW_S = 10.0
NS_PER_S = 1_000_000_000

IntArray = NDArray[np.int64]


class _Orders(NamedTuple):
    """Aggressor orders in the order of their first print."""

    time_ns: IntArray
    side: IntArray
    lots: IntArray


def _merge_prints(trades: RecordArray) -> _Orders:
    """Join prints of one side with the same exchange time into one aggressor order."""
    keys = np.stack([trades["time_ns"], trades["side"]], axis=1)
    _, first, group = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    lots = np.zeros(len(first), np.int64)
    np.add.at(lots, group.reshape(-1), trades["qty_lots"])
    order = np.argsort(first)
    first = first[order]
    return _Orders(trades["time_ns"][first], trades["side"][first].astype(np.int64), lots[order])


def measure_aggressors(capture: Capture) -> Aggressors:
    """Measure the market flow from the prints."""
    trades, seconds = capture.trades, capture.duration_s
    orders = _merge_prints(trades)
    logs = np.log(orders.lots)
    notional = float(trades["price_ticks"].astype(float) @ trades["qty_lots"].astype(float))
    notional *= capture.tick_size * capture.lot_size / seconds
    traded = int(trades["qty_lots"].sum())
    return Aggressors(
        orders=len(orders.lots),
        orders_per_s=len(orders.lots) / seconds,
        prints_per_s=len(trades) / seconds,
        mean_lots=float(orders.lots.mean()),
        log_mean=float(logs.mean()),
        log_sd=float(logs.std()),
        hill_exponent=_hill(orders.lots),
        buy_share=float((orders.side > 0).mean()),
        buy_lots_share=int(trades["qty_lots"][trades["side"] > 0].sum()) / traded,
        lots_per_s=traded / seconds,
        notional_per_s=None if capture.market == "cm" else notional,
        sign_autocorrelation=_lag_one(orders.side),
        branching_ratio=_branching_ratio(orders.time_ns, capture.start_ns, capture.end_ns),
    )


def _hill(lots: IntArray) -> float | None:
    """Hill estimator over the largest 5 % of the sizes."""
    if len(lots) < 2 * TAIL_LEAST:
        return None
    k = max(TAIL_LEAST, int(TAIL_SHARE * len(lots)))
    tail = np.sort(lots)[-k - 1 :]
    total = float(np.log(tail[1:] / tail[0]).sum())
    return k / total if total > 0 else None


def _lag_one(signs: IntArray) -> float:
    """Lag-1 autocorrelation; 0 for a constant series."""
    centred = signs - signs.mean()
    power = float(centred @ centred)
    return float(centred[1:] @ centred[:-1]) / power if power else 0.0


def _branching_ratio(time_ns: IntArray, start_ns: int, end_ns: int) -> float:
    """Estimate from the dispersion of counts in whole windows of 10 s; 0 with fewer than 2."""
    window = int(COUNT_WINDOW_S * NS_PER_S)
    n_windows = (end_ns - start_ns) // window
    if n_windows < 2:
        return 0.0
    slots = (time_ns - start_ns) // window
    counts = np.bincount(slots[(slots >= 0) & (slots < n_windows)], minlength=n_windows)
    mean, variance = float(counts.mean()), float(counts.var(ddof=1))
    return 1.0 - float(np.sqrt(mean / variance)) if variance > mean else 0.0


def measure_limits(capture: Capture) -> LimitFlow:
    """Measure the limit flow from the changes of levels: lower bounds."""
    changes, diffs, start = capture.changes, capture.diffs, capture.start
    seconds = max((int(diffs["time_ns"][-1]) - start.time_ns) / NS_PER_S, 1e-3)
    delta = changes["delta_lots"]
    explained = _explained_by_trades(capture)
    added, cancelled = np.maximum(delta, 0), np.maximum(-delta - explained, 0)
    touch = diffs[changes["i_diff"]]
    mid = (touch["bid_ticks"] + touch["ask_ticks"]) / 2
    is_near = np.abs(changes["price_ticks"] - mid) <= mid * NEAR_BPS * 1e-4
    near_added, near_cancelled = added[is_near], cancelled[is_near]
    traded = int(capture.trades["qty_lots"][_inside(capture)].sum())
    return LimitFlow(
        diffs_per_s=len(diffs) / seconds,
        adds_per_s=np.count_nonzero(added) / seconds,
        cancels_per_s=np.count_nonzero(cancelled) / seconds,
        near_adds_per_s=np.count_nonzero(near_added) / seconds,
        near_cancels_per_s=np.count_nonzero(near_cancelled) / seconds,
        add_mean_lots=float(near_added.sum() / max(np.count_nonzero(near_added), 1)),
        cancel_mean_lots=float(near_cancelled.sum() / max(np.count_nonzero(near_cancelled), 1)),
        trade_lots_explained_share=int(explained.sum()) / traded if traded else 0.0,
        update_ids_per_s=(int(diffs["update_id"][-1]) - start.update_id) / seconds,
        quotes_per_s=len(capture.tops) / capture.duration_s,
    )


def _inside(capture: Capture) -> NDArray[np.bool_]:
    """Trades between the snapshot and the last diff."""
    time_ns = capture.trades["time_ns"]
    last_ns = int(capture.diffs["time_ns"][-1])
    inside: NDArray[np.bool_] = (time_ns > capture.start.time_ns) & (time_ns <= last_ns)
    return inside


def _explained_by_trades(capture: Capture) -> IntArray:
    """Lots of each level decrease that trades explain: same book side, price and diff interval.

    A trade belongs to the first diff whose time is not before its own.
    """
    changes, trades = capture.changes, capture.trades[_inside(capture)]
    i_diff = np.searchsorted(capture.diffs["time_ns"], trades["time_ns"], side="left")
    of_trades = np.stack([i_diff, -trades["side"], trades["price_ticks"]], axis=1)
    of_changes = np.stack([changes["i_diff"], changes["side"], changes["price_ticks"]], axis=1)
    both = np.concatenate([of_trades, of_changes])
    order = np.lexsort(both.T)
    is_new = np.append(True, (np.diff(both[order], axis=0) != 0).any(axis=1))[: len(both)]
    group = np.empty(len(both), np.int64)
    group[order] = np.cumsum(is_new) - 1
    traded = np.zeros(len(both), np.int64)
    np.add.at(traded, group[: len(trades)], trades["qty_lots"])
    decrease = np.maximum(-changes["delta_lots"], 0)
    explained: IntArray = np.minimum(decrease, traded[group[len(trades) :]])
    return explained
