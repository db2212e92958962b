"""Figures of runs: one episode, the same seed under different rules, a squeeze and its flush."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from squeezegym.measures import Measure
from squeezegym.view.style import (
    BLACK,
    BLUE,
    CYCLE,
    DASHES,
    GREEN,
    GREY,
    ORANGE,
    SKY,
    VERMILION,
    grid_of_axes,
    new_figure,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from squeezegym.view.recorder import Replay


def episode(run: Replay, title: str | None = None) -> Figure:
    """Draw a recorded run: prices, forced orders, and what its agent did, if it has one.

    Args:
        run: As :func:`squeezegym.view.runs.record_episode` or ``record_market`` returns it.
        title: Of the figure; default the run's.

    Returns:
        The figure; the caller saves or closes it.
    """
    rows, about = run.frames, run.about
    heights = (3, 1.4, 1.2, 1.4) if about["agent"] else (3, 1.4)
    figure, axes = new_figure(heights, (10, 2.25 * len(heights)))
    time = rows["time"]
    if about["perp"]:
        axes[0].plot(time, rows["perp"], color=BLUE, lw=1.4, label="perp mid")
        axes[0].plot(time, rows["mark"], color=BLACK, lw=1.1, ls="--", label="mark")
    axes[0].plot(time, rows["spot"], color=ORANGE, lw=1.2, label="spot mid")
    axes[0].set_ylabel("price, quote")
    axes[0].ticklabel_format(axis="y", style="plain", useOffset=False)
    forced = {"shorts bought back": "liquidated_shorts", "longs sold": "liquidated_longs"}
    if not about["perp"]:
        forced = {"loans bought in": "bought_in"}
    for (label, name), colour, dash in zip(forced.items(), (VERMILION, SKY), DASHES, strict=False):
        axes[1].plot(time, rows[name], color=colour, lw=1.5, ls=dash, label=label)
    axes[1].set_ylabel("forced orders\nso far, base")
    if about["agent"]:
        axes[2].axhline(0, color=BLACK, lw=0.6)
        axes[2].step(time, rows["position"], where="post", color=GREEN, lw=1.5)
        axes[2].set_ylabel("agent's position,\nbase")
        axes[3].axhline(0, color=BLACK, lw=0.6)
        gain = rows["equity"] - rows["equity"][0]
        axes[3].plot(time, 100 * gain / about["capital"], color=GREEN, lw=1.5)
        axes[3].set_ylabel("agent's PnL,\n% of capital")
    ignited = about["ignition"]["ignition_s"]
    for each in axes:
        each.margins(x=0)
        if ignited is not None:
            each.axvline(ignited, color=VERMILION, lw=1.1, ls=":", label="ignition")
    axes[0].legend(loc="best", frameon=False)
    axes[1].legend(*_but_last(axes[1], ignited is not None), loc="upper left", frameon=False)
    axes[-1].set_xlabel("time in the episode, s")
    axes[0].set_title(title or str(about["title"]), loc="left")
    return figure


def _but_last(axes: Any, leave_out: bool) -> tuple[list[Any], list[str]]:
    """Handles and labels of a legend, without that of the last line."""
    handles, labels = axes.get_legend_handles_labels()
    return (handles[:-1], labels[:-1]) if leave_out else (handles, labels)


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
    figure, (price, forced) = new_figure((3, 1))
    for (label, rows), colour, dash in zip(series.items(), CYCLE, DASHES, strict=False):
        style = {"color": colour, "lw": 1.3, "ls": dash}
        price.plot(rows["time"], rows["perp"], label=label, **style)
        forced.plot(rows["time"], rows[f"liquidated_{liquidated}"], **style)
    price.set(ylabel="perp mid, quote", title=title)
    price.legend(frameon=False, loc="best")
    forced.set(xlabel="time, s", ylabel=f"{liquidated}\nliquidated, base")
    return figure


def panels(series: Mapping[str, Any], title: str, wide: int = 3) -> Figure:
    """Draw one seed under many rules, a panel each beside the world without any.

    Args:
        series: Label to :meth:`squeezegym.market.Market.series` of that world; the first is the one
            without a rule, which every panel shows in grey.
        title: Title of the figure.
        wide: Panels in a row.

    Returns:
        The figure; the caller saves or closes it.
    """
    base, *labels = series
    rows = -(-len(labels) // wide)
    figure, axes = grid_of_axes(rows, wide, (4.0 * wide, 2.0 * rows + 0.6))
    for each, label in zip(axes, labels, strict=False):
        for name, colour, width in ((base, GREY, 1.6), (label, VERMILION, 1.1)):
            each.plot(series[name]["time"], series[name]["mark"], color=colour, lw=width)
        each.set_title(label, fontsize=9, loc="left")
        each.tick_params(labelsize=8)
    for each in axes[len(labels) :]:
        each.set_visible(False)
    figure.suptitle(title)
    figure.supxlabel("time, s", fontsize=9)
    figure.supylabel(f"mark, quote (grey: {base})", fontsize=9)
    return figure


def phases(series: Mapping[str, Any], title: str) -> Figure:
    """Draw a squeeze, the crowd that follows and its flush: price, liquidations, funding, interest.

    Args:
        series: Label to :meth:`squeezegym.market.Market.series` of that world.
        title: Title of the figure.

    Returns:
        The figure; the caller saves or closes it.
    """
    figure, (price, forced, funding, interest) = new_figure((3, 1.2, 1, 1), (9, 7.2))
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
    figure, (price, owed) = new_figure((3, 1))
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
    price.set(ylabel="price, quote", title=title, yscale="log", ylim=(15, None))
    price.set_yticks([20, 50, 100, 200, 400], ["20", "50", "100", "200", "400"])
    price.minorticks_off()
    price.legend(frameon=False, loc="upper left")
    owed.set(xlabel="time, s", ylabel="short interest,\nthousand shares")
    return figure
