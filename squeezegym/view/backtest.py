"""Figures of a measure tested on the past: its calibration, and what it said through time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from squeezegym.data.backtest import Score
from squeezegym.data.backtest_report import ALL
from squeezegym.view.style import BLACK, BLUE, GREEN, ORANGE, VERMILION, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SIDES = ((1, VERMILION, "up"), (-1, BLUE, "down"))


def calibration_figure(by_side: Mapping[int, Sequence[Score]]) -> Figure:
    """Draw predicted against observed of the chance and of all baselines.

    Args:
        by_side: Scores of `squeezegym.data.backtest_report.scores` by side.

    Returns:
        The figure; the caller saves or closes it.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4), dpi=110, layout="constrained")
    panels = figure.subplots(1, len(by_side), squeeze=False)[0]
    for axes, (side, found) in zip(panels, by_side.items(), strict=True):
        for name, colour in (("chance", VERMILION), (ALL, GREEN)):
            curve = np.array(next(s.curve for s in found if s.name == name))
            error = np.abs(curve[:, 2:4].T - curve[:, 1])
            axes.errorbar(curve[:, 0], curve[:, 1], error, color=colour, marker="o", label=name)
        top = axes.get_ylim()[1]
        axes.plot([0, top], [0, top], color=ORANGE, lw=1, ls="--")
        axes.set(xlabel="predicted", ylabel="observed", title="squeezes" if side > 0 else "flushes")
        axes.legend(frameon=False)
        axes.grid(alpha=0.25)
    return figure


def chances_figure(
    at: Sequence[datetime],
    price: Sequence[float],
    chances: Mapping[str, Sequence[float]],
    onsets: Mapping[int, Sequence[datetime]],
) -> Figure:
    """Draw the change of price and the chances of 24 hours through time.

    Args:
        at: Moments.
        price: At each, quote; shown as its change since the first.
        chances: ``up`` and ``down``, the chance of a cascade at each.
        onsets: Beginnings of squeezes (+1) and flushes (-1), dotted.

    Returns:
        The figure; the caller saves or closes it.
    """
    figure, (above, below) = new_figure((1, 1), (9, 5))
    change = 100 * (np.asarray(price) / price[0] - 1)
    above.plot(at, change, color=BLACK, lw=1.2)
    above.set(ylabel="price since the start, %")
    for side, colour, name in _SIDES:
        below.plot(at, chances[name], color=colour, lw=1.2, label=f"cascade {name} in 24 h")
        for onset in onsets.get(side, ()):
            above.axvline(onset, color=colour, lw=1, ls=":")
            below.axvline(onset, color=colour, lw=1, ls=":")
    below.set(ylabel="chance", ylim=(0, None))
    below.legend(frameon=False)
    below.tick_params(axis="x", rotation=20)
    return figure
