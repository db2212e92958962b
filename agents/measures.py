"""One row an episode: what a policy earned, what it cost, and when it flipped."""

from __future__ import annotations

from dataclasses import dataclass
from math import nan
from typing import Any

import numpy as np

from agents.baselines.policy import Array
from agents.paths import PARTS, Paths
from squeezegym.envs.rows import FLIP_HOLD_NS, FLIP_POSITION
from squeezegym.units import SECOND

HOLD_S = FLIP_HOLD_NS / SECOND
OUT = 0.05
"""Position, in limits, below which a leg has ended and a policy counts as out of the market."""


@dataclass(frozen=True, slots=True)
class Episode:
    """What one policy did in one held-out episode."""

    policy: str
    seed: int
    pnl_percent: float
    """Of starting capital, after all costs."""
    liquidated: bool
    ignited: bool
    mean_abs_position: float
    """Position limits."""
    steps: int
    regime: str = ""
    """``squeeze`` or ``long flush`` if it ignited, else ``near-miss`` or ``nothing``."""
    multiple: float = 0.0
    """Size of the catalyst in ignition barriers."""
    drawdown_percent: float = 0.0
    """Largest fall of equity from an earlier high."""
    turnover: float = 0.0
    """Position traded, limits."""
    forced_base: float = 0.0
    """Liquidated on the side that the catalyst squeezes, all accounts."""
    catalyst_base: float = 0.0
    """Size of the catalyst."""
    inactive: bool = False
    """It did no more than leave what it began with."""
    price: float = 0.0
    """Parts of the PnL, percent of capital, like the next five."""
    fees: float = 0.0
    funding: float = 0.0
    borrow: float = 0.0
    slippage: float = 0.0
    liquidation: float = 0.0
    flipped: bool = False
    """After ignition it held a quarter of the limit on the catalyst's side for 5 s."""
    latency_s: float = nan
    """From ignition to the beginning of that."""
    false_flip: bool = False
    """The same without ignition, since the earliest time at which a catalyst may start."""
    leg_percent: float = 0.0
    """PnL from ignition until the flip's position is closed; 0 without a flip."""
    exit_after_top_s: float = nan
    """Of the flip's position, after the extreme of the price since ignition."""
    exit_short_of_top_bps: float = nan
    """Price at the exit, short of that extreme."""


def episodes(name: str, paths: Paths) -> list[Episode]:
    """Return the row of each episode."""
    return [_episode(name, paths, row) for row in range(len(paths.seeds))]


def first_held(held: Array, steps: int) -> int | None:
    """Return where the first run of at least ``steps`` True begins in (t,) bool, or None."""
    if len(held) < steps:
        return None
    runs = np.lib.stride_tricks.sliding_window_view(held, steps).all(axis=1)
    return int(runs.argmax()) if runs.any() else None


def regime_of(ignited: bool, multiple: float, side: int) -> str:
    """Name what kind of episode it was, by what came of it."""
    if ignited:
        return "squeeze" if side > 0 else "long flush"
    return "near-miss" if multiple > 0 else "nothing"


def _episode(name: str, paths: Paths, row: int) -> Episode:
    steps = int(paths.steps[row])
    position, pnl = paths.position[row, :steps], paths.pnl[row, :steps]
    ignition = float(paths.ignition_s[row])
    ignited = bool(np.isfinite(ignition))
    moves = np.abs(np.diff(position, prepend=paths.start[row]))
    begun = np.concatenate([[0.0], pnl])
    with_it = paths.side * position
    waiting = (with_it >= FLIP_POSITION) & (paths.times[:steps] >= paths.earliest_s)
    held = round(HOLD_S / paths.step_s)
    parts: dict[str, Any] = {part: float(paths.ends[part][row]) for part in PARTS}
    return Episode(
        policy=name,
        seed=paths.seeds[row],
        pnl_percent=float(pnl[-1]),
        liquidated=bool(paths.ends["liquidated"][row]),
        ignited=ignited,
        mean_abs_position=float(np.abs(position).mean()),
        steps=steps,
        regime=regime_of(ignited, float(paths.multiple[row]), paths.side),
        multiple=float(paths.multiple[row]),
        drawdown_percent=float((np.maximum.accumulate(begun) - begun).max()),
        turnover=float(moves.sum()),
        forced_base=float(paths.ends["forced"][row]),
        catalyst_base=float(paths.catalyst[row]),
        inactive=bool(moves.sum() <= abs(paths.start[row]) + OUT),
        **parts,
        false_flip=not ignited and first_held(waiting, held) is not None,
        **(_flip(paths, row, steps, ignition) if ignited else {}),
    )


def _flip(paths: Paths, row: int, steps: int, ignition: float) -> dict[str, Any]:
    """Return when a flip came, what its leg earned, and how its exit lay to the extreme."""
    times, with_it = paths.times[:steps], paths.side * paths.position[row, :steps]
    after = int(np.searchsorted(times, ignition))
    held = round(HOLD_S / paths.step_s)
    begin = first_held(with_it[after:] >= FLIP_POSITION, held)
    if begin is None:
        return {}
    begin += after
    out = np.flatnonzero(with_it[begin:] < OUT)
    leave = begin + int(out[0]) if len(out) else steps - 1
    worth = paths.side * paths.mid[row, after:steps]
    top = after + int(worth.argmax())
    before = paths.pnl[row, after - 1] if after > 0 else 0.0
    best, got = paths.mid[row, top], paths.mid[row, leave]
    return {
        "flipped": True,
        "latency_s": float(times[begin] - ignition),
        "leg_percent": float(paths.pnl[row, leave] - before),
        "exit_after_top_s": float(times[leave] - times[top]),
        "exit_short_of_top_bps": float(paths.side * (best - got) / best * 1e4),
    }
