"""A comparison of rules as tables, as a page, as plain data and as a figure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.table import Table

from squeezegym.view.facts import difference_cells, difference_data, markdown_table
from squeezegym.view.style import BLACK, BLUE, GREEN, ORANGE, PURPLE, SKY, VERMILION

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from squeezegym.theory.compare import Comparison

_COLOURS = (BLACK, VERMILION, BLUE, GREEN, ORANGE, PURPLE, SKY)


def _headings(base: str) -> tuple[str, ...]:
    return ("rule", "outcome", "with it", base, "effect", "95 % interval", "size")


def comparison_tables(found: Comparison) -> Iterator[Table]:
    """Lay a comparison out as tables to read, one a rule."""
    base = found.rules[0].name
    for rule in found.rules[1:]:
        table = Table(*_headings(base)[1:], title=f"{rule.name} against {base}")
        table.title_justify = "left"
        for (name, outcome), difference in found.differences.items():
            if name == rule.name:
                table.add_row(outcome, *difference_cells(difference))
        yield table


def title(found: Comparison) -> str:
    """Say what was compared."""
    seeds = found.seeds
    return (
        f"{found.scenario.name} under {len(found.rules)} rules,"
        f" seeds {seeds.start:,} to {seeds.stop - 1:,}"
    )


def comparison_markdown(found: Comparison, command: str) -> str:
    """Write a comparison as a page."""
    rows = [(*key, *difference_cells(value)) for key, value in found.differences.items()]
    lines = [
        f"# {title(found)}",
        "",
        f"Written by `{command}`. The same seeds under each rule; the effect is the mean of the"
        f" paired differences from `{found.rules[0].name}`, its interval a bootstrap over seeds,"
        " its size the effect over the standard deviation of the differences.",
        "",
        *markdown_table(("rule", "changes"), [(r.name, _changes(r.changes)) for r in found.rules]),
        "",
        *markdown_table(_headings(found.rules[0].name), rows),
    ]
    return "\n".join(lines) + "\n"


def _changes(changes: Mapping[str, Any], prefix: str = "") -> str:
    """Write changes with dotted keys."""
    parts = [
        _changes(value, f"{prefix}{key}.")
        if isinstance(value, Mapping)
        else f"`{prefix}{key} = {value}`"
        for key, value in changes.items()
    ]
    return ", ".join(parts) or "none"


def comparison_data(found: Comparison) -> dict[str, Any]:
    """Return a comparison as plain data."""
    return {
        "scenario": found.scenario.name,
        "digest": found.scenario.digest(),
        "seeds": [found.seeds.start, found.seeds.stop - 1],
        "rules": {rule.name: dict(rule.changes) for rule in found.rules},
        "rows": [
            {"rule": rule, "outcome": outcome, **difference_data(value)}
            for (rule, outcome), value in found.differences.items()
        ],
    }


def comparison_figure(found: Comparison) -> Figure:
    """Draw a comparison: price under each rule on the left, sizes of the effects on the right.

    Left: the mean over seeds, and shaded where the middle half of them lies. Right: effect over the
    standard deviation of the differences, with the interval; outcomes that never differ are left
    out.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 5), dpi=110, layout="constrained")
    paths, sizes = figure.subplots(1, 2, width_ratios=(1, 1.1))
    _draw_paths(paths, found)
    _draw_sizes(sizes, found)
    for axes in (paths, sizes):
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    figure.suptitle(title(found))
    return figure


def _draw_paths(axes: Axes, found: Comparison) -> None:
    for (name, path), colour in zip(found.paths.items(), _COLOURS, strict=False):
        time = found.step_s * np.arange(1, path.shape[1] + 1)
        low, high = np.percentile(path, (25, 75), axis=0)
        axes.plot(time, path.mean(axis=0), color=colour, lw=1.4, label=name)
        axes.fill_between(time, low, high, color=colour, alpha=0.12, lw=0)
    axes.set(xlabel="time, s", ylabel="mid from its first, %")
    axes.legend(frameon=False, loc="best")


def _draw_sizes(axes: Axes, found: Comparison) -> None:
    outcomes = list(dict.fromkeys(outcome for _, outcome in found.differences))
    rules = [rule.name for rule in found.rules[1:]]
    for which, (rule, colour) in enumerate(zip(rules, _COLOURS[1:], strict=False)):
        for place, outcome in enumerate(outcomes):
            value = found.differences[rule, outcome]
            if math.isnan(value.size):
                continue
            at = place + 0.16 * (which - (len(rules) - 1) / 2)
            unit = value.mean / value.size if value.size else math.inf
            ends = [end / unit for end in value.interval]
            axes.plot(ends, [at, at], color=colour, lw=1.6)
            axes.plot([value.size], [at], "o", color=colour, ms=4)
    axes.axvline(0.0, color=BLACK, lw=0.8)
    axes.set_yticks(range(len(outcomes)), outcomes)
    axes.invert_yaxis()
    axes.set(xlabel=f"effect against {found.rules[0].name}, standard deviations")
