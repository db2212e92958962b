"""Figures (matplotlib), in colours that colour-blind readers tell apart (Okabe and Ito)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from squeezegym.codes import Measure

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


def halts(series: Mapping[str, Any], title: str) -> Figure:
    """Draw one stock under different protections: spot price above, short interest below.

    Pauses of the first world are shaded, and where its buy restriction begins a line stands.

    Args:
        series: Label to :meth:`squeezegym.market.Market.series` of that world.
        title: Title of the figure.

    Returns:
        The figure; the caller saves or closes it.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 5.4), dpi=110, layout="constrained")
    price, owed = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    for (label, rows), colour in zip(series.items(), (VERMILION, BLUE, GREEN), strict=False):
        price.plot(rows["time"], rows["spot"], label=label, color=colour, lw=1.3)
        owed.plot(rows["time"], rows["short_interest"] / 1e3, color=colour, lw=1.3)
    first = next(iter(series.values()))
    measures = first["measures"].astype(int)
    for axes in (price, owed):
        low, high = axes.get_ylim()
        paused = (measures & Measure.PAUSE) != 0
        axes.fill_between(first["time"], low, high, paused, color="0.85", lw=0, zorder=0)
        axes.set_ylim(low, high)
        restricted = first["time"][(measures & Measure.BUY_RESTRICTION) != 0]
        if len(restricted):
            axes.axvline(restricted[0], color=BLACK, lw=1, ls=":")
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    price.set(ylabel="price, quote", title=title, yscale="log", ylim=(15, None))
    price.set_yticks([20, 50, 100, 200, 400], ["20", "50", "100", "200", "400"])
    price.minorticks_off()
    price.legend(frameon=False, loc="upper left")
    owed.set(xlabel="time, s", ylabel="short interest,\nthousand shares")
    return figure
