"""Figures (matplotlib), in colours that colour-blind readers tell apart (Okabe and Ito)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
BLUE, VERMILION, PURPLE = "#0072B2", "#D55E00", "#CC79A7"
_CYCLE = (VERMILION, SKY, BLACK, GREEN, PURPLE)
_DASHES = ("-", "-", (0, (4, 3)), "-.", ":")  # worlds that coincide stay visible


def worlds(series: Mapping[str, Any], title: str) -> Figure:
    """Draw the same seed under different rules: perp price above, forced volume below.

    Args:
        series: Label to :meth:`squeezegym.market.Market.series` of that world.
        title: Title of the figure.

    Returns:
        The figure; the caller saves or closes it.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 5.4), dpi=110, layout="constrained")
    price, forced = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    for (label, rows), colour, dash in zip(series.items(), _CYCLE, _DASHES, strict=False):
        style = {"color": colour, "lw": 1.3, "ls": dash}
        price.plot(rows["time"], rows["perp"], label=label, **style)
        forced.plot(rows["time"], rows["liquidated_shorts"], **style)
    price.set(ylabel="perp mid, quote", title=title)
    price.legend(frameon=False, loc="upper left")
    forced.set(xlabel="time, s", ylabel="shorts\nliquidated, base")
    for axes in (price, forced):
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    return figure
