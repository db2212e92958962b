"""The tables of the theory's proof: to read, as markdown, as plain data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.table import Table

from squeezegym.errors import DataError
from squeezegym.view.facts import number, signed

if TYPE_CHECKING:
    from squeezegym.theory.checks import Check
    from squeezegym.theory.earlywarning import Signal

START, END = "<!-- proof -->", "<!-- end of proof -->"
_HEADINGS = ("row", "prediction", "theory", "tolerance", "simulated", "95 % interval", "verdict")
_SIGNALS = ("window ends", "beside", "measure", "squeeze", "control", "AUC", "95 % interval")
_VERDICTS = {"inside": "holds", "wide": "wide", "outside": "departs"}
_STYLES = {"holds": "green", "wide": "yellow", "departs": "red"}


def check_cells(check: Check) -> tuple[str, ...]:
    """Lay one row out as text."""
    fact = check.fact
    low, high = fact.target_low, fact.target_high
    target = f"above {number(low)}" if math.isinf(high) else f"{number(low)} to {number(high)}"
    interval = f"{number(fact.low)} to {number(fact.high)}"
    theory = number(check.expected)
    found = (theory, target, number(fact.estimate), interval, _VERDICTS[fact.verdict])
    return (check.row, f"{check.what} ({check.how})", *found)


def signal_cells(signal: Signal) -> tuple[str, ...]:
    """Lay one row out as text."""
    lead = signal.lead_s
    when = f"{lead:g} s before ignition" if lead > 0 else f"{-lead:g} s after ignition"
    interval = f"{number(signal.interval.low)} to {number(signal.interval.high)}"
    means = (signed(signal.squeeze), signed(signal.calm))
    return (when, signal.control, signal.measure, *means, number(signal.auc), interval)


def summary(checks: Sequence[Check]) -> str:
    """Say how many rows hold."""
    found = [_VERDICTS[check.fact.verdict] for check in checks]
    return (
        f"of {len(found)} rows {found.count('holds')} hold, {found.count('departs')} depart,"
        f" {found.count('wide')} are too wide to tell"
    )


def check_table(checks: Sequence[Check]) -> Table:
    """Lay the rows out as a table to read."""
    table = Table(*_HEADINGS, caption=summary(checks), title_justify="left")
    for check in checks:
        *text, verdict = check_cells(check)
        table.add_row(*text, f"[{_STYLES[verdict]}]{verdict}[/]")
    return table


def signal_table(signals: Sequence[Signal]) -> Table:
    """Lay the warnings out as a table to read."""
    table = Table(*_SIGNALS)
    for signal in signals:
        table.add_row(*signal_cells(signal))
    return table


def proof_markdown(
    checks: Sequence[Check], signals: Sequence[Signal], command: str, machine: str
) -> str:
    """Write both tables, with the command that makes them."""
    lines = [f"Written by `{command}` ({machine}): {summary(checks)}.", ""]
    lines += _table(_HEADINGS, [check_cells(check) for check in checks])
    lines += ["", "### Early warning", ""]
    lines += _table(_SIGNALS, [signal_cells(signal) for signal in signals])
    return "\n".join(lines) + "\n"


def replaced(page: str, text: str) -> str:
    """Put text between the marks of a page.

    Raises:
        DataError: The page has no marks, or several.
    """
    if page.count(START) != 1 or page.count(END) != 1 or page.index(START) > page.index(END):
        raise DataError(f"the page must hold {START} and {END} once, in this order; put them in")
    before, _, rest = page.partition(START)
    return f"{before}{START}\n{text}{END}{rest.partition(END)[2]}"


def proof_data(checks: Sequence[Check], signals: Sequence[Signal]) -> dict[str, Any]:
    """Return both tables as plain data; an open end of a tolerance is None."""
    rows = []
    for check in checks:
        fact = {**asdict(check.fact), "verdict": _VERDICTS[check.fact.verdict]}
        fact = {
            name: None if value in (math.inf, -math.inf) else value for name, value in fact.items()
        }
        rows.append({**asdict(check), "fact": fact})
    return {"checks": rows, "early_warning": [asdict(signal) for signal in signals]}


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    head = ["| " + " | ".join(headings) + " |", "|---" * len(headings) + "|"]
    return head + ["| " + " | ".join(row) + " |" for row in rows]
