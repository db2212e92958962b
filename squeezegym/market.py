"""One simulation for people without reinforcement learning."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from squeezegym.batch import Batch
from squeezegym.codes import (
    FIRST_HOLDER_SLOT,
    PROBLEM_TEXT,
    Account,
    Command,
    LogKind,
    OrderFlag,
    Problem,
    Side,
    Venue,
)
from squeezegym.errors import ConfigError
from squeezegym.levers import pull
from squeezegym.sampling import SAMPLE_DTYPE, book_levels, ignition, mid_ticks, sample
from squeezegym.scenario import Scenario
from squeezegym.state import LOG_DTYPE, LOG_VERSION
from squeezegym.units import SECOND

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class MarketState:
    """A snapshot of a market: plain arrays, to be restored, compared, pickled or saved."""

    record: Any
    view: Any
    digest: str
    """Of the scenario it belongs to."""


class Market:
    """A spot-perp market with leveraged accounts, run in simulated time.

    Args:
        scenario: Shipped name, TOML path or :class:`~squeezegym.scenario.Scenario`.
        seed: Episode seed; the same seed gives the same trajectory to the last bit.
        log: Keep the event log, from which book and ledger can be derived again.
        **overrides: Changes to the scenario, nested or dotted: ``liquidation={"destination":
            "off"}``.

    Example:
        >>> market = Market("calm", seed=7)
        >>> market.run(seconds=2)
        >>> market.time
        2.0
    """

    def __init__(
        self,
        scenario: str | Path | Scenario = "short_squeeze",
        seed: int = 0,
        *,
        log: bool = False,
        **overrides: Any,
    ) -> None:
        if seed < 0:
            raise ConfigError(f"seed must be >= 0, got {seed}")
        self.scenario = Scenario.load(scenario, **overrides)
        self.seed = seed
        self._batch = Batch(self.scenario, 1)
        self._batch.seed_row(0, seed)
        self._frames: list[Any] = []
        self._batch.command(0, Command.RESET)
        self._batch.advance()
        self._batch.keep_log(log)
        self.opening = self.snapshot()

    @property
    def record(self) -> Any:
        """The market record itself (a view: changing it changes the market)."""
        return self._batch.markets[0]

    @property
    def time(self) -> float:
        """Seconds since the episode began."""
        return float(self.record["clock"]["now"]) / SECOND

    @property
    def events(self) -> int:
        """Messages that reached a matching engine, burn-in included."""
        return int(self.record["clock"]["events"])

    def run(self, seconds: float) -> None:
        """Run the market on, sampling :meth:`frame` once every decision interval.

        Raises:
            ConfigError: ``seconds`` is negative or not finite.
        """
        if not (math.isfinite(seconds) and seconds >= 0):
            raise ConfigError(f"seconds must be finite and >= 0, got {seconds}")
        step = self.scenario.episode.step_ms * 1_000_000
        now = int(self.record["clock"]["now"])
        end = now + round(seconds * SECOND)
        while now < end:
            now = min(now + step - now % step, end)
            self._run_until(now)
            self._frames.append(sample(self.record, self.scenario))

    def _run_until(self, until: int) -> None:
        """Advance to a time."""
        self._batch.command(0, Command.RUN)
        self._batch.views["until"] = until
        self._batch.advance()

    @property
    def _log_rows(self) -> list[Any]:
        """Pieces of the event log, oldest first."""
        assert self._batch.logs is not None  # kept since the opening
        return self._batch.logs[0]

    def mid(self, venue: Venue | int = Venue.PERP) -> float:
        """Mid of one book in ticks, or its last trade when a side is empty."""
        return mid_ticks(self.record["books"][int(venue)])

    def levels(
        self, depth: int = 10, venue: Venue | int = Venue.PERP
    ) -> tuple[list[tuple[int, int, int]], list[tuple[int, int, int]]]:
        """Best levels of both sides as ``(price ticks, lots, orders)``, best first."""
        book = self.record["books"][int(venue)]
        return book_levels(book, Side.BUY, depth), book_levels(book, Side.SELL, depth)

    def orders(self, venue: Venue | int = Venue.PERP) -> Any:
        """All resting orders of one book, as an unordered copy of the records."""
        orders = self.record["books"][int(venue)]["orders"]
        return orders[orders["qty"] != 0].copy()

    def snapshot(self) -> MarketState:
        """Copy the whole state; :meth:`restore` continues from it bit for bit."""
        return MarketState(
            self._batch.markets.copy(), self._batch.views.copy(), self.scenario.digest()
        )

    def restore(self, state: MarketState, frames: Any = None, rows: Any = None) -> None:
        """Return to a snapshot of a market of the same scenario.

        Samples and log rows taken after the snapshot are dropped.

        Args:
            state: The snapshot.
            frames: Samples up to it, where another market took it; default those of this one.
            rows: Log rows likewise.
        """
        if state.digest != self.scenario.digest():
            raise ConfigError(
                f"the snapshot belongs to scenario {state.digest}, this market runs "
                f"{self.scenario.digest()}; restore it into a Market of the same scenario"
            )
        self._batch.markets[:] = state.record
        self._batch.views[:] = state.view
        now = int(self.record["clock"]["now"])
        known = self._frames if frames is None else list(frames)
        self._frames = [row for row in known if round(row["time"] * SECOND) <= now]
        pieces = self._log_rows if rows is None or not len(rows) else [rows]
        self._log_rows[:] = [piece[piece["time"] <= now] for piece in pieces]

    def ledger(self) -> dict[str, Any]:
        """Every pot, and the three sums that must be zero.

        Returns:
            ``pots``: name to ``(quote quanta, spot lots, perp lots)``, the individual holders as
            one; ``sum``: the same three over all accounts, always ``(0, 0, 0)``.
        """
        accounts = self.record["accounts"]
        pots = {
            account.name.lower(): tuple(
                int(accounts[field][account]) for field in ("quote", "spot", "perp")
            )
            for account in Account
        }
        holders = accounts[FIRST_HOLDER_SLOT:]
        pots["holders"] = tuple(int(holders[f].sum()) for f in ("quote", "spot", "perp"))
        total = tuple(int(accounts[f].sum()) for f in ("quote", "spot", "perp"))
        return {"pots": pots, "sum": total}

    def change_margin(self, **margin: Any) -> None:
        """Change the margin table from now on, as a venue does with notice.

        Every account moves to its new trigger at once; whom the new table puts below maintenance
        is taken at the next mark update. Snapshots from before belong to the old table.

        Args:
            **margin: Section ``margin``: ``brackets=...`` or ``table="btcusdt"``.

        Raises:
            ConfigError: An impossible table.
        """
        from squeezegym.core.retable import ladder_again

        changed = Scenario.load(self.scenario, margin=margin)
        self._batch.params["margin"] = changed.pack()["margin"]
        self.scenario = changed
        ladder_again(self._batch.markets, self._batch.params)

    def protect(self, rule: str, on: bool = True, value: float | None = None) -> None:
        """Decide about a rule of protection, as the venue would; it holds from the next event on.

        Where the scenario gives notice of the rule it holds after that.

        Args:
            rule: Name of the rule, as in section ``protection``: ``"short_ban"``.
            on: Whether it is to be in force; on again changes its value, or cancels trades again.
            value: In the unit of the rule's field (:data:`squeezegym.levers.LEVERS`); None: the
                scenario's.

        Raises:
            ConfigError: An unknown rule, a value out of range, or trades that nobody keeps.

        Example:
            >>> market = Market("calm", seed=7)
            >>> market.protect("leverage_cap", value=10)
            >>> market.run(seconds=1)
        """
        pull(self.record, self.scenario, rule, on, value)

    def adl_lights(self) -> Any:
        """How near each account stands to being deleveraged, as its venue would show it.

        Returns:
            (accounts,) uint8 by account slot: 1 (first in the queue of its side) to 5, in fifths of
            the side's lots; 0 for accounts that cannot be deleveraged.
        """
        from squeezegym.core.lights import adl_lights

        markets = self._batch.markets.copy()  # ranking writes to scratch fields
        lights = np.zeros((1, len(self.record["accounts"])), np.uint8)
        adl_lights(markets, self._batch.params, lights)
        return lights[0]

    def log(self) -> Any:
        """Event-log rows so far (:data:`~squeezegym.state.LOG_DTYPE`); needs ``log=True``."""
        self._needs_log("log()")
        return np.concatenate([np.empty(0, LOG_DTYPE), *self._log_rows])

    def save_log(self, path: str | Path) -> None:
        """Write the log with its opening state and schema version to an ``.npz`` file."""
        np.savez_compressed(
            path,
            version=LOG_VERSION,
            scenario=np.array(self.scenario.digest()),
            resolved=np.array(json.dumps(self.scenario.dump())),
            seed=self.seed,
            params=self._batch.params,
            opening=self.opening.record,
            rows=self.log(),
        )

    def liquidations(self) -> list[dict[str, float]]:
        """Liquidations so far, oldest first; needs ``log=True``."""
        rows = self.log()
        tick, lot = self.scenario.contract.tick_size, self.scenario.contract.lot_size
        return [
            {
                "time": float(row["time"]) / SECOND,
                "account": int(row["account"]),
                "base": float(row["qty"]) * lot,
                "mark": float(row["price"]) * tick,
            }
            for row in rows[rows["kind"] == LogKind.LIQUIDATION]
        ]

    def trades(self) -> list[dict[str, Any]]:
        """Aggressor orders that filled so far, oldest first; needs ``log=True``."""
        rows = self.log()
        lot = self.scenario.contract.lot_size
        taken = rows[(rows["kind"] == LogKind.ORDER) & (rows["filled"] > 0)]
        return [
            {
                "time": float(row["time"]) / SECOND,
                "book": Venue(int(row["book"])).name.lower(),
                "side": Side(int(row["side"])).name.lower(),
                "base": float(row["filled"]) * lot,
                "owner": int(row["account"]),
                "forced": bool(row["flags"] & OrderFlag.FORCED),
            }
            for row in taken
        ]

    def _needs_log(self, what: str) -> None:
        if self.record["log_on"] == 0:
            raise ConfigError(f"{what} needs the event log; make the market with log=True")

    def series(self) -> Any:
        """Samples so far as a structured array: one a decision interval, people's units."""
        return np.array(self._frames, SAMPLE_DTYPE)

    def frame(self) -> pl.DataFrame:
        """Samples so far as a polars frame (extra ``data``)."""
        import polars

        return polars.DataFrame({name: self.series()[name] for name in SAMPLE_DTYPE.names or ()})

    def ignition(self) -> dict[str, float | None]:
        """The ignition barrier at the catalyst's start; :func:`squeezegym.sampling.ignition`."""
        return ignition(self.record, self.scenario)

    def problems(self) -> list[str]:
        """Sentences for the problems counted so far; empty in a sound run."""
        bits = int(self.record["clock"]["problems"])
        return [PROBLEM_TEXT[problem] for problem in Problem if bits & problem]
