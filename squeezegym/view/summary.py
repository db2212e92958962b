"""What a run of one market came to: as plain data, and as a table to read."""

from __future__ import annotations

from typing import Any

import numpy as np
from rich.table import Table

from squeezegym.codes import NEVER, Account, Side, Source, Venue
from squeezegym.market import Market


class RunWatch:
    """Notes the opening state of a market, so that a run can be summed up at its end.

    Args:
        market: A market before :meth:`Market.run`.
    """

    def __init__(self, market: Market) -> None:
        self.market = market
        self._tick = market.scenario.contract.tick_size
        self._quantum = self._tick * market.scenario.contract.lot_size
        books = list(Venue) if market.scenario.contract.perp else [Venue.SPOT]
        self._mids = {venue: market.mid(venue) * self._tick for venue in books}
        self._time, self._events = market.time, market.events
        self._open_interest = self._interest()
        self._fund = self._fund_now()

    def _interest(self) -> float:
        lots = int(self.market.record["score"]["open_interest"])
        return lots * self.market.scenario.contract.lot_size

    def _fund_now(self) -> float:
        return float(self.market.record["accounts"]["quote"][Account.FUND]) * self._quantum

    def summary(self, wall_s: float) -> dict[str, Any]:
        """Sum up everything since the opening as plain data, ready for JSON.

        Args:
            wall_s: Seconds the run took on the clock of the wall.
        """
        market, score = self.market, self.market.record["score"]
        lot = market.scenario.contract.lot_size
        seconds, events = market.time - self._time, market.events - self._events
        series = market.series()
        due = int(market.record["clock"]["due"][Source.CATALYST])
        return {
            "scenario": market.scenario.name,
            "digest": market.scenario.digest(),
            "seed": market.seed,
            "seconds": seconds,
            "wall_s": wall_s,
            "price": {venue.name.lower(): self._path(series, venue) for venue in self._mids},
            "liquidations": {
                name: {
                    "accounts": int(score["liquidations"][side]),
                    "base": int(score["liquidated"][side]) * lot,
                }
                for name, side in (("shorts", Side.SELL), ("longs", Side.BUY))
            },
            "buy_ins": {
                "accounts": int(score["buy_ins"]),
                "base": int(score["bought_in"]) * lot,
            },
            "pauses": int(market.record["protection"]["pauses"]),
            "deleveraged_base": int(score["deleveraged"]) * lot,
            "open_interest": {"open": self._open_interest, "last": self._interest()},
            "fund": {"open": self._fund, "last": self._fund_now()},
            "ledger_sum": list(market.ledger()["sum"]),
            "events": events,
            "events_per_market_s": events / seconds if seconds else 0.0,
            "events_per_wall_s": events / wall_s if wall_s else 0.0,
            "catalyst_due_s": None if due == NEVER else due / 1e9,
            **market.ignition(),
            "queue_max_s": float(series["queue_s"].max()) if len(series) else 0.0,
            "problems": market.problems(),
        }

    def _path(self, series: Any, venue: Venue) -> dict[str, float]:
        path = np.append(self._mids[venue], series[venue.name.lower()])
        return {
            "open": float(path[0]),
            "high": float(path.max()),
            "low": float(path.min()),
            "last": float(path[-1]),
        }


def summary_table(data: dict[str, Any]) -> Table:
    """Lay a summary out as a table."""
    table = Table(
        title=f"{data['scenario']} ({data['digest']}), seed {data['seed']}",
        title_justify="left",
        show_header=False,
    )
    table.add_column(style="bold")
    table.add_column()
    speed = f"{data['seconds']:,.1f} s of market in {data['wall_s']:.2f} s"
    table.add_row("time", speed)
    for name, path in data["price"].items():
        change = (path["last"] / path["open"] - 1) * 1e4
        text = "  ".join(f"{key} {path[key]:,.2f}" for key in ("open", "high", "low", "last"))
        table.add_row(f"{name} mid, quote", f"{text}  ({change:+.1f} bp)")
    for name, side in data["liquidations"].items():
        table.add_row(
            f"liquidated {name}", f"{side['accounts']:,} accounts, {side['base']:,.3f} base"
        )
    bought = data["buy_ins"]
    if bought["accounts"]:
        table.add_row("bought in", f"{bought['accounts']:,} accounts, {bought['base']:,.3f} base")
    if data["pauses"]:
        table.add_row("trading pauses", f"{data['pauses']:,}")
    for name, unit in (("open_interest", "base"), ("fund", "quote")):
        pair = data[name]
        label = f"{'insurance ' if name == 'fund' else ''}{name.replace('_', ' ')}, {unit}"
        table.add_row(label, f"{pair['open']:,.3f} -> {pair['last']:,.3f}")
    table.add_row("ledger sums", _ledger(data["ledger_sum"]))
    table.add_row(
        "events",
        f"{data['events']:,}: {data['events_per_market_s']:,.0f} per s of market,"
        f" {data['events_per_wall_s']:,.0f} per s of computing",
    )
    for label, text in _ignition(data):
        table.add_row(label, text)
    table.add_row("longest engine queue", f"{data['queue_max_s'] * 1e3:,.1f} ms")
    table.add_row("problems", "; ".join(data["problems"]) or "none")
    return table


def _ledger(sums: list[int]) -> str:
    names = ("quote", "coins", "positions")
    text = ", ".join(f"{name} {value}" for name, value in zip(names, sums, strict=True))
    return f"{text} ({'conserved' if not any(sums) else 'NOT conserved'})"


def _ignition(data: dict[str, Any]) -> list[tuple[str, str]]:
    if data["barrier_base"] is None:
        due = data["catalyst_due_s"]
        when = "there is no catalyst" if due is None else f"the catalyst starts at {due:.1f} s"
        return [("ignition barrier", f"not measured yet: {when}")]
    ignited = data["ignition_s"]
    return [
        ("visible n", f"{data['visible_n']:.3f} (forced demand over depth, where it is largest)"),
        ("ignition barrier", f"{data['barrier_base']:,.3f} base"),
        ("catalyst", f"{data['catalyst_base']:,.3f} base"),
        ("ignited", "no" if ignited is None else f"at {ignited:.1f} s"),
    ]
