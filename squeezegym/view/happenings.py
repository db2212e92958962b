"""What happened in a run, as a list of sentences with their times, for readers of a replay."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from squeezegym.codes import NEVER, Account, LogKind, Venue
from squeezegym.measures import Cause, Measure
from squeezegym.sampling import ignition
from squeezegym.scenario import Scenario
from squeezegym.units import SECOND

_GAP_S = 1.0  # what comes within it of the last of its sort is told together,
_LONGEST_S = 5.0  # but no longer than this
_MOST_AUCTIONS = 100  # that are told one by one
Item = tuple[float, str, float]
"""Time in seconds, sort, amount."""


def happenings(
    rows: Any, frames: Any, record: Any, scenario: Scenario, has_agent: bool
) -> list[dict[str, Any]]:
    """Tell a run from its event log and its frames.

    Args:
        rows: Event-log rows.
        frames: :data:`squeezegym.view.recorder.FRAME_DTYPE`, from the opening on.
        record: The market record at the end.
        scenario: Of the market.
        has_agent: Whether the learner is told of.

    Returns:
        ``{"t": seconds, "kind": word, "text": sentence}``, by time.
    """
    events = [
        *_catalyst(record, scenario),
        *_forced(rows, scenario),
        *_lender(rows, scenario),
        *_protection(rows, scenario),
        *(_agent(rows, frames) if has_agent else []),
    ]
    return sorted(events, key=lambda event: float(event["t"]))


def _event(time: float, kind: str, text: str) -> dict[str, Any]:
    return {"t": round(time, 3), "kind": kind, "text": text}


def _together(
    items: Iterable[Item], kind: str, tell: Callable[[str, int, float], str]
) -> list[dict[str, Any]]:
    """Tell items of one sort that follow each other closely as one event, at the first's time."""
    events: list[dict[str, Any]] = []
    running: list[Any] = []  # first time, last time, sort, count, amount
    for time, sort, amount in [*items, (float("inf"), "", 0.0)]:
        late = running and time > min(running[1] + _GAP_S, running[0] + _LONGEST_S)
        if running and (late or sort != running[2]):
            events.append(_event(running[0], kind, tell(*running[2:])))
            running = []
        if not running:
            running = [time, time, sort, 0, 0.0]
        running[1] = time
        running[3] += 1
        running[4] += amount
    return events


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _times(rows: Any) -> Any:
    return rows["time"] / SECOND


def _catalyst(record: Any, scenario: Scenario) -> list[dict[str, Any]]:
    events = []
    end = int(record["flow"]["catalyst_end"])
    score = ignition(record, scenario)
    if end and score["catalyst_base"]:
        start = end / SECOND - scenario.catalyst.duration_s
        text = (
            f"catalyst: {scenario.catalyst.side}s {score['catalyst_base']:,.3f} over "
            f"{scenario.catalyst.duration_s:g} s; ignition barrier {score['barrier_base']:,.3f}"
        )
        events.append(_event(start, "catalyst", text))
    if score["ignition_s"] is not None:
        events.append(_event(score["ignition_s"], "ignition", "demand passes the ignition barrier"))
    return events


def _forced(rows: Any, scenario: Scenario) -> list[dict[str, Any]]:
    """Liquidations, and positions that change hands outside the book because of them."""
    lot = scenario.contract.lot_size
    taken = rows[rows["kind"] == LogKind.LIQUIDATION]
    sorts = np.where(taken["qty"] > 0, "long", "short").tolist()
    base = (np.abs(taken["qty"]) * lot).tolist()
    events = _together(
        zip(_times(taken).tolist(), sorts, base, strict=True),
        "liquidation",
        lambda sort, count, base: f"{_many(count, sort)} liquidated, {base:,.3f}",
    )
    moved = rows[rows["kind"] == LogKind.POSITION]
    words = {Account.VAULT: "taken over by the vault", Account.ABSORBER: "absorbed off-book"}
    sorts = [
        next((words[side] for side in pair if side in words), "deleveraged")
        for pair in zip(moved["account"].tolist(), moved["other"].tolist(), strict=True)
    ]
    base = (np.abs(moved["qty"]) * lot).tolist()
    events += _together(
        zip(_times(moved).tolist(), sorts, base, strict=True),
        "remainder",
        lambda sort, count, base: f"{base:,.3f} {sort} ({_many(count, 'account')})",
    )
    paid = rows[(rows["kind"] == LogKind.TRANSFER) & (rows["account"] == Account.FUND)]
    quote = (paid["qty"] * scenario.contract.tick_size * lot).tolist()
    return events + _together(
        ((t, "", q) for t, q in zip(_times(paid).tolist(), quote, strict=True)),
        "fund",
        lambda sort, count, quote: f"insurance fund pays {quote:,.2f}",
    )


def _lender(rows: Any, scenario: Scenario) -> list[dict[str, Any]]:
    lot = scenario.contract.lot_size
    words = {LogKind.BUY_IN: "bought in", LogKind.RECALL: "recalled", LogKind.WRITE_OFF: "lost"}
    events = []
    for kind, word in words.items():
        mine = rows[rows["kind"] == kind]
        base = (mine["qty"] * lot).tolist()
        events += _together(
            ((t, word, b) for t, b in zip(_times(mine).tolist(), base, strict=True)),
            "lender",
            lambda sort, count, base: f"{_many(count, 'loan')} {sort}, {base:,.3f}",
        )
    return events


def _protection(rows: Any, scenario: Scenario) -> list[dict[str, Any]]:
    tick, lot = scenario.contract.tick_size, scenario.contract.lot_size
    events = []
    for row in rows[rows["kind"] == LogKind.MEASURE]:
        name = _name(Measure, int(row["other"]))
        verb = ("ends", "begins", "is announced")[int(row["side"])]
        until = f" until {row['qty'] / SECOND:,.1f} s" if 0 < row["qty"] < NEVER else ""
        because = _name(Cause, int(row["flags"]))
        text = f"{name} {verb}{until} ({because})"
        events.append(_event(row["time"] / SECOND, "protection", text))
    for row in rows[rows["kind"] == LogKind.UNWIND]:
        text = f"trades since {row['filled'] / SECOND:,.1f} s are cancelled ({row['qty']:,} rows)"
        events.append(_event(row["time"] / SECOND, "protection", text))
    return events + _auctions(rows[rows["kind"] == LogKind.UNCROSS], tick, lot)


def _auctions(rows: Any, tick: float, lot: float) -> list[dict[str, Any]]:
    """Each auction by itself, but batches that follow each other closely together."""
    books = [Venue(book).name.lower() for book in rows["book"].tolist()]
    times = _times(rows).tolist()
    if len(rows) > _MOST_AUCTIONS:
        base = (rows["qty"] * lot).tolist()
        return _together(
            zip(times, books, base, strict=True),
            "protection",
            lambda book, count, base: f"{_many(count, 'auction')} of {book}: {base:,.3f}",
        )
    events = []
    for time, book, row in zip(times, books, rows, strict=True):
        text = f"{book} reopens: {row['qty'] * lot:,.3f} at {row['price'] * tick:,.2f}"
        if not row["qty"]:
            text = f"{book} auction: nothing crosses"
        events.append(_event(time, "protection", text))
    return events


def _name(codes: Any, code: int) -> str:
    try:
        return str(codes(code).name).lower().replace("_", " ")
    except ValueError:
        return f"{codes.__name__.lower()} {code}"


def _agent(rows: Any, frames: Any) -> list[dict[str, Any]]:
    times = frames["time"]
    items: list[Item] = []
    for name in ("bought", "sold"):
        change = np.diff(frames[name])
        for i in np.flatnonzero(change > 0):
            items.append((float(times[i + 1]), name, float(change[i])))
    events = _together(
        sorted(items), "agent", lambda sort, count, base: f"agent {sort} {base:,.3f}"
    )
    taken = rows[(rows["kind"] == LogKind.LIQUIDATION) & (rows["account"] == Account.LEARNER)]
    events += [_event(float(t), "agent", "agent is liquidated") for t in _times(taken)]
    return events
