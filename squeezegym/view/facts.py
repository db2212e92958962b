"""The table of stylised facts: to read, as markdown, as plain data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.table import Table

if TYPE_CHECKING:
    from squeezegym.theory.facts import Fact
    from squeezegym.theory.validate import Row

_HEADINGS = ("scenario", "fact", "estimator", "target", "measured", "95 % interval", "verdict")
_STYLES = {"inside": "green", "wide": "yellow", "outside": "red", "no estimate": "red"}


def number(value: float) -> str:
    """Write a number with three figures, and infinity as nothing."""
    return "" if math.isinf(value) else f"{value:.3g}"


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
    lines += ["| " + " | ".join(_HEADINGS) + " |", "|---" * len(_HEADINGS) + "|"]
    lines += ["| " + " | ".join(cells(row)) + " |" for row in rows]
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
