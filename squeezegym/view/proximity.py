"""The map of liquidations over price against the book: a figure, and a page that stands alone."""

from __future__ import annotations

import html
import io
from typing import TYPE_CHECKING

import numpy as np

from squeezegym.data.impact import Impact
from squeezegym.data.liquidation_map import WIDTH, LiquidationMap
from squeezegym.data.proximity import Proximity, Range, SideProximity
from squeezegym.view.style import BLUE, VERMILION

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_REACH = 0.12  # log price shown on either side
_PER = 5  # buckets of one bar
_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;
color:#1a1a1a;background:#fff}
table{border-collapse:collapse}td,th{padding:.25rem .8rem;text-align:right;
border-bottom:1px solid #ccc}td:first-child,th:first-child{text-align:left}
svg{width:100%;height:auto}
@media(prefers-color-scheme:dark){body{color:#eee;background:#161616}svg{background:#fff}}
"""


def proximity_figure(waiting: LiquidationMap, impact: Impact, found: Proximity) -> Figure:
    """Draw what waits at each price, and demand against depth cumulated from the present one.

    Args:
        waiting: Where liquidations wait.
        impact: What stands against them.
        found: The measures; the barrier's place is marked where one waits.

    Returns:
        The figure; the caller saves or closes it.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 6.2), dpi=110, layout="constrained")
    bars, sums = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    count = round(_REACH / WIDTH / _PER) * _PER
    depth = impact.depth(count)
    for sign, colour, name in ((1, VERMILION, "shorts"), (-1, BLUE, "longs")):
        edges = waiting.edges(sign)[: count + 1]
        side = waiting.side(sign)[:, :count]
        joined = side.reshape(waiting.draws, -1, _PER).sum(axis=2)
        low, middle, high = np.quantile(joined, [0.05, 0.5, 0.95], axis=0)
        at = edges[:-1:_PER]
        width = np.diff(edges[::_PER])
        bars.bar(at, high, width, align="edge", color=colour, alpha=0.25, label=f"{name}, to 95 %")
        bars.bar(at, middle, width, align="edge", color=colour, label=f"{name}, middle draw")
        least = "from 5 %" if sign > 0 else None
        bars.step(at, low, where="post", color="black", lw=0.8, label=least)
        demand = np.quantile(np.cumsum(side, axis=1), [0.05, 0.5, 0.95], axis=0)
        sums.fill_between(edges[1:], demand[0], demand[2], color=colour, alpha=0.25, lw=0)
        sums.plot(edges[1:], demand[1], color=colour, lw=1.3, label=f"{name} liquidated on the way")
        book = np.quantile(depth, [0.05, 0.5, 0.95], axis=0)
        sums.fill_between(edges[1:], book[0], book[2], color="0.5", alpha=0.2, lw=0)
        label = "depth on the way" if sign > 0 else None
        sums.plot(edges[1:], book[1], color="0.3", lw=1.3, ls="--", label=label)
    for axes in (bars, sums):
        axes.axvline(waiting.price, color="black", lw=1)
        for side_found in (found.up, found.down):
            if side_found.ignition.middle is not None:
                axes.axvline(side_found.ignition.middle, color="0.4", lw=1, ls=":")
        axes.set_xlim(*waiting.price * np.exp([-_REACH, _REACH]))
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    when = "" if found.at is None else f", {found.at:%Y-%m-%d %H:%M} UTC"
    bars.set(
        ylabel=f"base in {_PER * WIDTH:.1%} of price",
        title=f"Where liquidations wait around {waiting.price:,.6g}{when}",
    )
    sums.set(ylabel="base, cumulated", xlabel="price, quote (dotted: a cascade would begin)")
    for axes in (bars, sums):
        axes.legend(frameon=False, loc="best", fontsize="small")
    return figure


def proximity_page(waiting: LiquidationMap, impact: Impact, found: Proximity, title: str) -> str:
    """Write one self-contained page: figure, numbers, where they come from, what is not known."""
    from matplotlib import rc_context

    drawn = io.StringIO()
    with rc_context({"svg.hashsalt": "proximity", "svg.fonttype": "path"}):
        figure = proximity_figure(waiting, impact, found)
        figure.savefig(drawn, format="svg", metadata={"Date": None})
    svg = drawn.getvalue()
    svg = svg[svg.index("<svg") :]
    rows = "".join(
        f"<tr><td>{html.escape(name)}</td><td>{html.escape(up)}</td><td>{html.escape(down)}</td></tr>"
        for name, up, down in proximity_rows(found)
    )
    notes = "".join(f"<li>{html.escape(note)}</li>" for note in found.notes)
    unknown = "".join(f"<li>{html.escape(what)}</li>" for what in found.unknown)
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        f"<title>{html.escape(title)}</title><style>{_STYLE}</style></head><body>"
        f"<h1>{html.escape(title)}</h1>{svg}"
        f"<table><tr><th>5 % / middle / 95 % of the draws</th><th>up, through shorts</th>"
        f"<th>down, through longs</th></tr>{rows}</table>"
        f"<h2>Where the numbers come from</h2><ul>{notes}</ul>"
        f"<h2>What is not known</h2><ul>{unknown}</ul></body></html>\n"
    )


def proximity_rows(found: Proximity) -> list[tuple[str, str, str]]:
    """Return the measures as text: name, up, down."""
    both = (found.up, found.down)

    def row(name: str, texts: list[str]) -> tuple[str, str, str]:
        return name, texts[0], texts[1]

    rows = [
        row("draws in which a cascade of 1 % waits", [f"{s.share_waiting:.0%}" for s in both]),
        row("index: forced demand / visible depth", [_range(s.index, "{:.2f}") for s in both]),
        row("index with refill and engine", [_range(s.dynamic_index, "{:.2f}") for s in both]),
        row("barrier, million quote", [_range(s.barrier_quote, "{:,.1f}", 1e-6) for s in both]),
        row(
            "barrier, sd of flow in a refill time", [_range(s.barrier_sd, "{:,.1f}") for s in both]
        ),
        row("a cascade begins at", [_range(s.ignition, "{:,.6g}") for s in both]),
        row("and ends at", [_range(s.end, "{:,.6g}") for s in both]),
    ]
    rows += [
        row(f"base liquidated within {d}", [f"{s.within[d]:,.1f}" for s in both])
        for d in found.up.within
    ]
    for horizon in found.up.chances:
        hours = float(horizon) / 3600
        rows.append(
            row(f"chance of a cascade within {hours:g} h", [_chance(s, horizon) for s in both])
        )
    return rows


def _range(values: Range, form: str, scale: float = 1.0) -> str:
    if values.middle is None:
        return "none waits"
    ends = (values.low, values.middle, values.high)
    return " / ".join(form.format(value * scale) for value in ends if value is not None)


def _chance(side: SideProximity, horizon: str) -> str:
    chance = side.chances[horizon]
    low, high = chance.by_draw
    return f"{chance.probability:.1%} ({low:.0%} to {high:.0%} by draw)"
