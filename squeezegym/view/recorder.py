"""A run kept for the replay page: sampled state, books and triggers by price, trades, events."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from squeezegym.codes import NO_ASK, NO_BID, Side, Venue
from squeezegym.errors import DataError
from squeezegym.measures import Measure
from squeezegym.sampling import SAMPLE_DTYPE, ignition, sample, triggers
from squeezegym.scenario import Scenario
from squeezegym.units import SECOND
from squeezegym.view.agent import Agent, agent_of
from squeezegym.view.fills import OWNERS, TRADE_DTYPE, Orders, trades
from squeezegym.view.happenings import happenings

REPLAY_VERSION = 1
COLUMNS = 1200  # most moments at which books and triggers are kept
BINS = 400  # most price bins of these
SHADE = 1.13  # ratio of lots between two shades of a bin
_MOST_TRADES = 25_000
_REACH = 0.35  # of the range of prices, that bins reach beyond it
_LEAST_REACH = 0.004  # of the price

FRAME_DTYPE = np.dtype(
    [
        *[(name, SAMPLE_DTYPE[name]) for name in SAMPLE_DTYPE.names or ()],
        ("last_perp", "f8"),  # last trade, quote
        ("last_spot", "f8"),
        ("feed_age_s", "f8"),  # of the last published snapshot that arrived
        ("waiting", "f8"),  # messages in line before the matching engine
        ("refused", "f8"),  # messages that the gateway refused so far
        ("lower", "f8"),  # price bands, quote; 0 where there are none
        ("upper", "f8"),
        ("position", "f8"),  # of the agent, base
        ("order_price", "f8"),  # of its resting order, quote; 0 without one
        ("order_base", "f8"),  # signed
        ("trigger", "f8"),  # price at which it is liquidated, quote; 0: none
        ("equity", "f8"),  # at mark, quote
        ("bought", "f8"),  # base so far
        ("sold", "f8"),
    ]
)
"""One row a decision interval."""


@dataclass(frozen=True, eq=False, slots=True)
class Replay:
    """One run as the replay page shows it.

    Attributes:
        about: Title, scenario, digest, seed, units and codes, as plain data.
        frames: (n,) :data:`FRAME_DTYPE`.
        moments: (m,) times of the columns, ns.
        books: (2, m, bins) uint8: shade of the lots resting in each price bin, plus 128 for asks.
        ladder: (m, bins) uint8: of the lots that are liquidated in it, plus 128 for longs.
        trades: (k,) :data:`squeezegym.view.fills.TRADE_DTYPE`.
        events: ``{"t": seconds, "kind": word, "text": sentence}``, by time.
    """

    about: dict[str, Any]
    frames: Any
    moments: Any
    books: Any
    ladder: Any
    trades: Any
    events: list[dict[str, Any]]

    def save(self, path: str | Path) -> None:
        """Write the run to an ``.npz`` file, from which ``squeezegym replay`` makes a page."""
        arrays = {name: getattr(self, name) for name in _ARRAYS}
        text = json.dumps({"about": self.about, "events": self.events})
        with Path(path).open("wb") as file:
            np.savez_compressed(file, replay=REPLAY_VERSION, text=np.array(text), **arrays)

    @classmethod
    def load(cls, path: str | Path) -> Replay:
        """Read a run that :meth:`save` wrote.

        Raises:
            DataError: Another kind of file, or another version.
        """
        try:
            with np.load(path) as saved:
                version = int(saved["replay"])
                if version != REPLAY_VERSION:
                    raise DataError(
                        f"{str(path)!r} has version {version} of the replay format, this package "
                        f"reads {REPLAY_VERSION}; record the run again"
                    )
                text = json.loads(str(saved["text"]))
                return cls(**text, **{name: saved[name] for name in _ARRAYS})
        except (OSError, ValueError, KeyError) as error:
            if isinstance(error, DataError):
                raise
            raise DataError(f"{str(path)!r} is no recorded run; give one that was saved") from error


_ARRAYS = ("frames", "moments", "books", "ladder", "trades")


@dataclass(slots=True)
class _Moment:
    """What the books and the ladder hold by price, not yet in bins."""

    orders: Orders
    triggers: Any
    lots: Any
    """Signed positions behind the triggers; debts count as shorts."""


@dataclass(slots=True)
class Recorder:
    """Samples one market while it runs.

    Args:
        scenario: Of the market.
        seed: Of the episode.
        seconds: How long it is going to run: the columns are spread over it.
        has_agent: A learner trades in it.
        title: Of the page; default the scenario's name.
    """

    scenario: Scenario
    seed: int
    seconds: float
    has_agent: bool = False
    title: str | None = None
    _frames: list[Any] = field(default_factory=list)
    _moments: list[_Moment] = field(default_factory=list)

    def sample(self, record: Any) -> None:
        """Note the present state; once at the opening and once every decision interval."""
        self._frames.append(_frame(record, self.scenario))
        step = max(self.seconds / COLUMNS, self.scenario.episode.step_ms / 1000)
        now = int(record["clock"]["now"])
        if not self._moments or now >= self._moments[-1].orders.time + round(step * SECOND):
            self._moments.append(_moment(record, now))

    def finish(self, record: Any, rows: Any) -> Replay:
        """Put the run together.

        Args:
            record: The market record at the end.
            rows: Its event log from the opening on.
        """
        frames = np.array(self._frames, FRAME_DTYPE)
        moments = [moment.orders for moment in self._moments]
        found = trades(rows, moments)
        shown = found
        if len(found) > _MOST_TRADES:
            least = np.partition(found["lots"], -_MOST_TRADES)[-_MOST_TRADES]
            shown = found[found["lots"] > least]
        low, width, n = _bins(frames, self.scenario)
        return Replay(
            about=self._about(record, low, width, len(found) - len(shown)),
            frames=frames,
            moments=np.array([moment.time for moment in moments], np.int64),
            books=np.stack(
                [
                    np.stack([_book(m.books[venue], low, width, n) for m in moments])
                    for venue in Venue
                ]
            ),
            ladder=np.stack([_ladder(m, low, width, n) for m in self._moments]),
            trades=shown.astype(TRADE_DTYPE),
            events=happenings(rows, frames, record, self.scenario, self.has_agent),
        )

    def _about(self, record: Any, low: int, width: int, left_out: int) -> dict[str, Any]:
        contract = self.scenario.contract
        return {
            "title": self.title or self.scenario.name,
            "scenario": self.scenario.name,
            "digest": self.scenario.digest(),
            "seed": self.seed,
            "symbol": contract.symbol,
            "tick": contract.tick_size,
            "lot": contract.lot_size,
            "perp": contract.perp,
            "agent": self.has_agent,
            "venue": self.scenario.learner.venue if contract.perp else "spot",
            "guarded": int(record["protection"]["guarded"]) - 1,
            "capital": self.scenario.learner.capital_quote,
            "low": low,
            "width": width,
            "shade": SHADE,
            "owners": list(OWNERS),
            "measures": {m.name.lower().replace("_", " "): int(m) for m in Measure},
            "trades_left_out": left_out,
            "ignition": ignition(record, self.scenario),
        }


def _frame(record: Any, scenario: Scenario) -> Any:
    tick = scenario.contract.tick_size
    row = np.zeros((), FRAME_DTYPE)
    plain = sample(record, scenario)
    for name in SAMPLE_DTYPE.names or ():
        row[name] = plain[name]
    row["last_perp"], row["last_spot"] = record["books"]["last"] * tick
    row["feed_age_s"] = (record["clock"]["now"] - record["feed"]["seen"]["sent"]) / SECOND
    row["waiting"] = record["gateway"]["waiting"]
    row["refused"] = record["gateway"]["refused"].sum()
    row["lower"] = record["protection"]["lower"] * tick
    row["upper"] = record["protection"]["upper"] * tick
    agent = agent_of(record, scenario)
    for name in Agent.__slots__:
        row[name] = getattr(agent, name)
    return row


def _moment(record: Any, now: int) -> _Moment:
    resting = [book["orders"][book["orders"]["qty"] != 0] for book in record["books"]]
    fields = ["id", "price", "qty", "side"]
    first, second = (orders[fields].copy() for orders in resting)
    return _Moment(Orders(now, (first, second)), *triggers(record))


def _bins(frames: Any, scenario: Scenario) -> tuple[int, int, int]:
    """Return the lowest tick of the bins, their width in ticks and their number."""
    names = ("perp", "spot", "mark") if scenario.contract.perp else ("spot",)
    prices = np.concatenate([frames[name] for name in names]) / scenario.contract.tick_size
    prices = prices[(prices > NO_BID) & (prices < NO_ASK)]
    low, high = float(prices.min()), float(prices.max())
    reach = max(_REACH * (high - low), _LEAST_REACH * high)
    lowest, highest = max(1, int(low - reach)), int(high + reach) + 1
    width = max(1, -(-(highest - lowest) // BINS))
    return lowest, width, -(-(highest - lowest) // width)


def shade(lots: Any) -> Any:
    """Return the shade of a number of lots: 0 for none, 1 to 127 in steps of :data:`SHADE`."""
    steps = 1 + np.rint(np.log(np.maximum(lots, 1)) / np.log(SHADE))
    return np.where(lots > 0, np.minimum(steps, 127), 0).astype(np.uint8)


def _histogram(prices: Any, lots: Any, low: int, width: int, n: int) -> Any:
    bins = (prices.astype(np.int64) - low) // width
    inside = (bins >= 0) & (bins < n)
    return np.bincount(bins[inside], lots[inside], n)


def _two_sided(below: Any, above: Any) -> Any:
    """Shade the larger of two histograms in each bin, plus 128 where it is the second."""
    return np.where(above > below, shade(above) | 128, shade(below)).astype(np.uint8)


def _book(orders: Any, low: int, width: int, n: int) -> Any:
    sides = [orders[orders["side"] == side] for side in Side]
    return _two_sided(*(_histogram(s["price"], s["qty"], low, width, n) for s in sides))


def _ladder(moment: _Moment, low: int, width: int, n: int) -> Any:
    short, long = moment.lots < 0, moment.lots > 0
    return _two_sided(
        *(
            _histogram(moment.triggers[which], np.abs(moment.lots[which]), low, width, n)
            for which in (short, long)
        )
    )


def check_runs(replays: Sequence[Replay]) -> None:
    """Refuse runs that cannot stand side by side: one or two, in the same money.

    Raises:
        DataError: Another number, or different symbols.
    """
    symbols = {replay.about["symbol"] for replay in replays}
    if not 1 <= len(replays) <= 2 or len(symbols) != 1:
        raise DataError(
            f"a page shows one run, or two of one symbol; got {len(replays)} of "
            f"{', '.join(sorted(symbols)) or 'none'}"
        )
