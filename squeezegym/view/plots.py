"""Figures (matplotlib), in colours that colour-blind readers tell apart (Okabe and Ito)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from squeezegym.measures import Measure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
BLUE, VERMILION, PURPLE = "#0072B2", "#D55E00", "#CC79A7"
_CYCLE = (VERMILION, SKY, BLACK, GREEN, PURPLE)
_DASHES = ("-", "-", (0, (4, 3)), "-.", ":")  # worlds that coincide stay visible


def worlds(
    series: Mapping[str, Any], title: str, liquidated: Literal["shorts", "longs"] = "shorts"
) -> Figure:
    """Draw the same seed under different rules: perp price above, forced volume below.

    Args:
        series: Label to :meth:`squeezegym.market.Market.series` of that world.
        title: Title of the figure.
        liquidated: The side whose forced volume is drawn.

    Returns:
        The figure; the caller saves or closes it.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 5.4), dpi=110, layout="constrained")
    price, forced = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    for (label, rows), colour, dash in zip(series.items(), _CYCLE, _DASHES, strict=False):
        style = {"color": colour, "lw": 1.3, "ls": dash}
        price.plot(rows["time"], rows["perp"], label=label, **style)
        forced.plot(rows["time"], rows[f"liquidated_{liquidated}"], **style)
    price.set(ylabel="perp mid, quote", title=title)
    price.legend(frameon=False, loc="best")
    forced.set(xlabel="time, s", ylabel=f"{liquidated}\nliquidated, base")
    for axes in (price, forced):
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def phases(series: Mapping[str, Any], title: str) -> Figure:
    """Draw a squeeze, the crowd that follows and its flush: price, liquidations, funding, interest.

    Args:
        series: Label to :meth:`squeezegym.market.Market.series` of that world.
        title: Title of the figure.

    Returns:
        The figure; the caller saves or closes it.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 7.2), dpi=110, layout="constrained")
    price, forced, funding, interest = figure.subplots(
        4, 1, sharex=True, height_ratios=(3, 1.2, 1, 1)
    )
    for (label, rows), colour in zip(series.items(), (VERMILION, BLUE), strict=False):
        style = {"color": colour, "lw": 1.3}
        price.plot(rows["time"], rows["perp"], label=label, **style)
        forced.plot(rows["time"], rows["liquidated_shorts"], label="shorts", **style)
        forced.plot(rows["time"], rows["liquidated_longs"], label="longs", ls="--", **style)
        funding.plot(rows["time"], 100 * rows["funding_rate"], **style)
        interest.plot(rows["time"], rows["open_interest"], **style)
    price.set(ylabel="perp mid, quote", title=title)
    price.legend(frameon=False, loc="best")
    lines = forced.get_lines()[:2]
    forced.legend(lines, ["shorts", "longs"], frameon=False, loc="best")
    forced.set(ylabel="liquidated,\nbase")
    funding.set(ylabel="predicted\nfunding, %")
    interest.set(xlabel="time, s", ylabel="open\ninterest, base")
    for axes in (price, forced, funding, interest):
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
