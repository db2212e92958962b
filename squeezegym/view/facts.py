"""The tables of stylised facts and of causes: to read, as markdown, as plain data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.table import Table

if TYPE_CHECKING:
    from squeezegym.theory.causes import Effect
    from squeezegym.theory.facts import Fact
    from squeezegym.theory.paired import Difference
    from squeezegym.theory.validate import Row

_HEADINGS = ("scenario", "fact", "estimator", "target", "measured", "95 % interval", "verdict")
_CAUSES = ("cause", "scenario", "outcome", "with it", "without", "effect", "95 % interval", "size")
_STYLES = {"inside": "green", "wide": "yellow", "outside": "red", "no estimate": "red"}


def number(value: float) -> str:
    """Write a number with three figures, one of four and more whole; nothing for what is none."""
    if not math.isfinite(value):
        return ""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def signed(value: float) -> str:
    """The same with its sign."""
    return f"+{number(value)}" if value > 0 else number(value)


def target(fact: Fact) -> str:
    """Write a range; an open end leaves "above" or "below"."""
    low, high = fact.target_low, fact.target_high
    if math.isinf(high):
        return f"above {number(low)}"
    return f"below {number(high)}" if math.isinf(low) else f"{number(low)} to {number(high)}"


def cells(row: Row) -> tuple[str, ...]:
    """Lay one row out as text."""
    fact = row.fact
    if fact is None:
        return (row.scenario, row.label, row.estimator, "", "", row.remark, "no estimate")
    interval = f"{number(fact.low)} to {number(fact.high)}"
    found = (target(fact), number(fact.estimate), interval, fact.verdict)
    return (row.scenario, row.label, row.estimator, *found)


def inside(rows: Sequence[Row]) -> str:
    """Say how many rows are inside."""
    count = sum(row.fact is not None and row.fact.verdict == "inside" for row in rows)
    return f"{count} of {len(rows)} facts inside their targets"


def facts_table(rows: Sequence[Row], title: str) -> Table:
    """Lay the rows out as a table to read."""
    table = Table(*_HEADINGS, title=title, caption=inside(rows), title_justify="left")
    for row in rows:
        *text, verdict = cells(row)
        table.add_row(*text, f"[{_STYLES[verdict]}]{verdict}[/]")
    return table


def facts_markdown(rows: Sequence[Row], title: str, command: str) -> str:
    """Write the rows as a page, with the sources of the targets below."""
    lines = [f"# {title}", "", f"Written by `{command}`: {inside(rows)}.", ""]
    lines += markdown_table(_HEADINGS, [cells(row) for row in rows])
    lines += ["", "Sources of the targets, in the order of the table:", ""]
    lines += [f"- {row.label}: {row.fact.source}" for row in rows if row.fact is not None]
    return "\n".join(lines) + "\n"


def facts_data(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return the rows as plain data; an open end of a target is None."""
    found = []
    for row in rows:
        data = asdict(row)
        if row.fact is not None:
            fact = {**data["fact"], "verdict": row.fact.verdict}
            data["fact"] = {k: None if v in (math.inf, -math.inf) else v for k, v in fact.items()}
        found.append(data)
    return found


def markdown_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lay a table out in markdown."""
    head = ["| " + " | ".join(headings) + " |", "|---" * len(headings) + "|"]
    return head + ["| " + " | ".join(row) + " |" for row in rows]


def _effect_cells(effect: Effect) -> tuple[str, ...]:
    cause = effect.cause
    return (cause.name, cause.scenario, cause.outcome, *difference_cells(effect.difference))


def difference_cells(found: Difference) -> tuple[str, ...]:
    """Lay a paired difference out as text: both means, effect, interval, size."""
    means = (number(found.with_rule), number(found.without), signed(found.mean))
    interval = f"{signed(found.interval.low)} to {signed(found.interval.high)}"
    return (*means, interval, number(found.size))


def difference_data(found: Difference) -> dict[str, Any]:
    """Return a paired difference as plain data; a size that is not defined is None."""
    return {
        "with": found.with_rule,
        "without": found.without,
        "effect": found.mean,
        "interval": list(found.interval),
        "size": None if math.isnan(found.size) else found.size,
    }


def causes_table(effects: Sequence[Effect], title: str) -> Table:
    """Lay the effects out as a table to read."""
    table = Table(*_CAUSES, title=title, title_justify="left")
    for effect in effects:
        table.add_row(*_effect_cells(effect))
    return table


def causes_markdown(effects: Sequence[Effect], title: str, command: str) -> str:
    """Write the effects as a page."""
    lines = [
        f"# {title}",
        "",
        f"Written by `{command}`. Means over seeds with the metaorder drawn as a squeeze. The"
        " effect is the mean of the paired differences, its interval a bootstrap over seeds,"
        " its size the effect over the standard deviation of the differences.",
        "",
        *markdown_table(_CAUSES, [_effect_cells(effect) for effect in effects]),
    ]
    return "\n".join(lines) + "\n"


def causes_data(effects: Sequence[Effect]) -> list[dict[str, Any]]:
    """Return the effects as plain data."""
    return [
        {
            "cause": effect.cause.name,
            "scenario": effect.cause.scenario,
            "outcome": effect.cause.outcome,
            **difference_data(effect.difference),
        }
        for effect in effects
    ]
