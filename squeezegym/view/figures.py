"""Figures of studies: event study, phase diagram, liquidation map, learning curves, results.

Each takes a frame (anything with columns, see :func:`squeezegym.view.style.columns`) whose columns
its docstring names, and returns a figure that the caller saves or closes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from squeezegym.codes import Side, Venue
from squeezegym.errors import ConfigError
from squeezegym.sampling import triggers
from squeezegym.view.style import (
    BLACK,
    BLUE,
    CYCLE,
    DASHES,
    GREY,
    MAP,
    ORANGE,
    SKY,
    VERMILION,
    columns,
    has,
    new_figure,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from squeezegym.market import Market

_RESAMPLES = 2000


def event_study(frame: Any, title: str, value: str, event: str = "event") -> Figure:
    """Draw what happens around an event: median and quartiles over events, by group.

    Args:
        frame: ``event`` (which one), ``time`` (s from the event, the same grid in all), ``value``,
            and optionally ``group``.
        title: Of the figure.
        value: Label of the ordinate, with its unit.
        event: What happens at time 0.
    """
    which, times, values = columns(frame, "event", "time", "value")
    groups = np.asarray(frame["group"]) if has(frame, "group") else np.full(len(times), "")
    figure, (axes,) = new_figure()
    for i, group in enumerate(dict.fromkeys(groups.tolist())):
        mine = groups == group
        grid = np.unique(times[mine])
        table = [values[mine & (times == time)] for time in grid]
        low, middle, high = np.array([np.quantile(row, [0.25, 0.5, 0.75]) for row in table]).T
        number = len(np.unique(which[mine]))
        label = f"{group} ({number} events)" if group else f"{number} events"
        axes.fill_between(grid, low, high, color=CYCLE[i], alpha=0.2, lw=0)
        axes.plot(grid, middle, color=CYCLE[i], ls=DASHES[i], lw=1.6, label=label)
    axes.axvline(0, color=BLACK, lw=1, ls=":")
    axes.set(xlabel=f"time from {event}, s", ylabel=value, title=title)
    axes.legend(frameon=False, loc="best", title="median, quartiles")
    return figure


def phase_diagram(
    frame: Any,
    title: str,
    labels: tuple[str, str, str],
    level: float | None = None,
    theory: tuple[Any, Any] | None = None,
    scales: tuple[str, str] = ("linear", "linear"),
) -> Figure:
    """Draw a quantity over two parameters as a map, with the line where it takes a value.

    Args:
        frame: ``x``, ``y`` and ``z``, and optionally ``index`` (theory's, critical at 1): one row a
            cell of a full grid, in any order.
        title: Of the figure.
        labels: Of x, y and z, with their units.
        level: Value of z whose contour is drawn.
        theory: x and y of a predicted boundary; the contour of an index needs none.
        scales: Of both axes: ``linear`` or ``log``.

    Raises:
        ConfigError: The rows are no full grid of at least 2 x 2.
    """
    x, y, z = columns(frame, "x", "y", "z")
    across, up = np.unique(x), np.unique(y)
    at = np.searchsorted(up, y), np.searchsorted(across, x)
    cells = np.full((len(up), len(across)), np.nan)
    cells[at] = z
    if min(cells.shape) < 2 or cells.size != len(z):
        raise ConfigError(
            f"a phase diagram needs one row for each pair of at least 2 x 2 values, got {len(z)} "
            f"rows for {len(across)} x {len(up)}"
        )
    figure, (axes,) = new_figure(size=(7.2, 5.4))
    axes.grid(visible=False)
    picture = axes.pcolormesh(across, up, cells, cmap=MAP, shading="nearest")
    figure.colorbar(picture, label=labels[2])
    if level is not None and np.nanmin(cells) < level < np.nanmax(cells):
        axes.contour(across, up, cells, levels=[level], colors="white", linewidths=1.6)
        axes.plot([], [], color=GREY, lw=1.6, label=f"{labels[2]} = {level:g} (white)")
    line: dict[str, Any] = {"color": VERMILION, "lw": 1.8, "ls": "--"}
    if has(frame, "index"):
        index = np.empty_like(cells)
        index[at] = columns(frame, "index")[0]
        if index.min() < 1 < index.max():
            axes.contour(across, up, index, levels=[1], colors=VERMILION, linestyles="--")
            axes.plot([], [], **line, label="theory, index 1")
    if theory is not None:
        axes.plot(*theory, **line, label="theory")
    axes.set(xlabel=labels[0], ylabel=labels[1], title=title, xscale=scales[0], yscale=scales[1])
    axes.set(xlim=(across[0], across[-1]), ylim=(up[0], up[-1]))
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="best", framealpha=0.9)
    return figure


def liquidation_frame(market: Market, bins: int = 80, reach: float = 0.02) -> dict[str, Any]:
    """Return the columns of :func:`liquidation_map` of a market as it stands.

    Args:
        market: Any time; a market without a perp has its borrowers and its spot book.
        bins: Price bins.
        reach: How far they go on both sides of the mark, relative.
    """
    contract, record = market.scenario.contract, market.record
    tick, lot = contract.tick_size, contract.lot_size
    venue = Venue.PERP if contract.perp else Venue.SPOT
    mark = float(record["marks"]["mark" if contract.perp else "index"])
    edges = np.linspace(mark * (1 - reach), mark * (1 + reach), bins + 1)

    def by_price(prices: Any, lots: Any) -> NDArray[np.float64]:
        return np.histogram(prices, edges, weights=lots)[0] * lot

    where, size = triggers(record)
    orders = market.orders(venue)
    frame = {"price": (edges[:-1] + edges[1:]) / 2 * tick}
    for name, sign in (("shorts", -1), ("longs", 1)):
        mine = size * sign > 0
        frame[name] = by_price(where[mine], np.abs(size[mine]))
    for name, side in (("bids", Side.BUY), ("asks", Side.SELL)):
        mine = orders["side"] == side
        frame[name] = by_price(orders["price"][mine], orders["qty"][mine])
    return frame


def liquidation_map(frame: Any, price: float, title: str, unit: str = "base") -> Figure:
    """Draw what is liquidated at each price, and its sum away from the present against depth.

    Where the sum of forced demand lies above that of depth, forced orders outweigh those who would
    take their other side.

    Args:
        frame: ``price`` (bins, ascending), ``shorts`` and ``longs`` (liquidated in the bin), and
            optionally ``bids`` and ``asks`` (resting in it).
        price: The present mark.
        title: Of the figure.
        unit: Of the sizes.
    """
    prices, shorts, longs = columns(frame, "price", "shorts", "longs")
    figure, (each, total) = new_figure((1, 1.2))
    width = float(np.diff(prices).min()) if len(prices) > 1 else 1.0
    each.bar(prices, shorts, width, color=VERMILION, label="shorts bought back")
    each.bar(prices, longs, width, color=SKY, label="longs sold")
    each.set(ylabel=f"liquidated in a bin,\n{unit}", title=title)
    above, below = prices >= price, prices <= price
    total.plot(prices[above], np.cumsum(shorts[above]), color=VERMILION, label="forced buying")
    total.plot(prices[below], _towards(longs[below]), color=SKY, label="forced selling")
    if has(frame, "bids") and has(frame, "asks"):
        bids, asks = columns(frame, "bids", "asks")
        style = {"color": BLACK, "ls": "--", "lw": 1.2}
        total.plot(prices[above], np.cumsum(asks[above]), label="depth", **style)
        total.plot(prices[below], _towards(bids[below]), **style)
    total.set(xlabel="price, quote", ylabel=f"from the mark to there,\n{unit}")
    for axes in (each, total):
        axes.axvline(price, color=BLACK, lw=1, ls=":")
        axes.legend(frameon=False, loc="best")
    return figure


def _towards(values: NDArray[Any]) -> NDArray[Any]:
    """Sums from the end: what lies between the present price and a lower one."""
    return np.cumsum(values[::-1])[::-1]


def learning_curves(frame: Any, title: str, score: str = "mean PnL, % of capital") -> Figure:
    """Draw training runs: each thin, and by algorithm the mean with its 95 % bootstrap interval.

    Args:
        frame: ``algorithm``, ``run`` (seed), ``steps`` and ``score``: one row an evaluation; the
            runs of an algorithm are evaluated at the same steps.
        title: Of the figure.
        score: Label of the ordinate.
    """
    algorithms, runs, steps, scores = columns(frame, "algorithm", "run", "steps", "score")
    figure, (axes,) = new_figure()
    rng = np.random.default_rng(0)
    for i, name in enumerate(dict.fromkeys(algorithms.tolist())):
        mine = algorithms == name
        seeds, grid = np.unique(runs[mine]), np.unique(steps[mine])
        table = np.full((len(seeds), len(grid)), np.nan)
        at = np.searchsorted(seeds, runs[mine]), np.searchsorted(grid, steps[mine])
        table[at] = scores[mine]
        axes.plot(grid, table.T, color=CYCLE[i], lw=0.6, alpha=0.4)
        if len(seeds) > 1:
            drawn = table[rng.integers(len(seeds), size=(_RESAMPLES, len(seeds)))]
            low, high = np.quantile(np.nanmean(drawn, axis=1), [0.025, 0.975], axis=0)
            axes.fill_between(grid, low, high, color=CYCLE[i], alpha=0.2, lw=0)
        label = f"{name} ({len(seeds)} run{'s' if len(seeds) > 1 else ''})"
        axes.plot(grid, np.nanmean(table, axis=0), color=CYCLE[i], lw=2, label=label)
    axes.axhline(0, color=BLACK, lw=0.8)
    axes.set(xlabel="environment steps", ylabel=score, title=title)
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.legend(frameon=False, loc="best")
    return figure


def results(frame: Any, title: str, score: str = "mean PnL, % of capital") -> Figure:
    """Draw a table of results: an estimate with its interval for each name, best on top.

    Args:
        frame: ``name``, ``mean``, ``low``, ``high``, and optionally ``n``.
        title: Of the figure.
        score: Label of the abscissa.
    """
    names, mean, low, high = columns(frame, "name", "mean", "low", "high")
    order = np.argsort(mean, kind="stable")
    places = np.arange(len(order))
    figure, (axes,) = new_figure(size=(8, 1.4 + 0.42 * len(order)))
    errors = np.abs(np.stack([mean - low, high - mean]))[:, order]
    axes.errorbar(
        mean[order], places, xerr=errors, fmt="o", color=BLUE, ecolor=ORANGE, elinewidth=2.4
    )
    axes.axvline(0, color=BLACK, lw=0.8)
    labels = [str(name) for name in names[order]]
    if has(frame, "n"):
        numbers = np.asarray(frame["n"])[order]
        labels = [f"{label} (n {n:,})" for label, n in zip(labels, numbers.tolist(), strict=True)]
    axes.set_yticks(places, labels)
    axes.set(xlabel=f"{score}; 95 % interval", title=title, ylim=(-0.6, len(order) - 0.4))
    return figure
