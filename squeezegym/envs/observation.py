"""The observation table: what each entry is, in which unit it is scaled, and its range.

The kernel ``core.learner.observe`` writes the entries in this order; a test holds the two
together. Everything comes from the last published snapshot that arrived and from the
learner's own acks; every entry is clipped to [-1, 1].
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium import spaces

from squeezegym.gatewayrecord import N_LEVELS
from squeezegym.measures import Measure
from squeezegym.viewrecord import N_OBSERVATIONS


@dataclass(frozen=True, slots=True)
class Feature:
    """One entry of the observation."""

    name: str
    unit: str
    low: float = -1.0
    high: float = 1.0


_BOOKS = ("perp", "spot")
_FLOW_UNIT = "log(1 + lots / 2 % of depth) / 8"


def _book_features(book: str) -> list[Feature]:
    table = []
    for side in ("bid", "ask"):
        for level in range(1, N_LEVELS + 1):
            name = f"{book}_{side}{level}"
            table.append(Feature(f"{name}_distance", "10 bp from the mid; 1 for no level", 0.0))
            table.append(Feature(f"{name}_lots", "log(1 + lots / 2 % of depth) / 6", 0.0))
    table.append(Feature(f"{book}_spread", "10 bp; 1 when a side is empty"))
    table.append(Feature(f"{book}_imbalance", "(bid - ask) / (bid + ask) lots, five levels"))
    return table


def _flow_features() -> list[Feature]:
    """Aggressor volume by horizon, book and side, then forced volume by horizon and side."""
    names = [
        f"{source}_{side}_{horizon}"
        for sources in (_BOOKS, ("forced",))
        for horizon in ("1s", "10s")
        for source in sources
        for side in ("bought", "sold")
    ]
    return [Feature(name, _FLOW_UNIT, 0.0) for name in names]


def _price_features() -> list[Feature]:
    trend = "log of mid over its {} s mean / 10 volatilities of that horizon"
    return [
        *[Feature(f"{b}_trend_{s}s", trend.format(s)) for b in _BOOKS for s in (1, 10, 60)],
        Feature("basis", "perp over spot mid, 50 bp"),
        Feature("premium", "perp mid over index, 50 bp"),
        Feature("last_over_mark", "50 bp"),
        Feature("open_interest_change", "relative to the episode's start"),
        Feature("feed_age", "s", 0.0),
        Feature("engine_queue", "s of waiting time at publication", 0.0),
        Feature("refused", "1: the gateway refused the last message", 0.0),
        Feature("unknown", "1: whether the last message was executed is unknown", 0.0),
    ]


def _venue_features() -> list[Feature]:
    """What the venue charges and has in force, measure by measure."""
    return [
        Feature("funding_rate", "predicted rate of the interval, 10 bp"),
        Feature("funding_countdown", "time to the next payment, funding interval", 0.0),
        Feature("lender_utilisation", "share of the lender's coins that is lent", 0.0),
        Feature("borrow_rate", "a year; 1 is 100 %", 0.0),
        Feature("lower_band", "below the mid, 500 bp; 1 without a band"),
        Feature("upper_band", "above the mid, 500 bp; 1 without a band"),
        *[Feature(m.name.lower(), "1 while in force", 0.0) for m in Measure],
    ]


def _own_features() -> list[Feature]:
    return [
        Feature("position", "position limit"),
        Feature("equity_change", "starting capital"),
        Feature("unrealised_pnl", "starting capital"),
        Feature("entry_distance", "entry price over mark, 100 bp; 0 when flat"),
        Feature("liquidation_distance", "relative to mark; 1 when flat", 0.0),
        Feature("margin_ratio", "maintenance margin over equity", 0.0),
        Feature("order_lots", "open order, signed, position limit"),
        Feature("order_distance", "of the open order from the mid, 10 bp"),
        Feature("messages_waiting", "sent and not yet answered, 4", 0.0),
        Feature("time_left", "horizon", 0.0),
    ]


def _features() -> tuple[Feature, ...]:
    books = [feature for book in _BOOKS for feature in _book_features(book)]
    market = (*books, *_flow_features(), *_price_features())
    return (*market, *_venue_features(), *_own_features())


FEATURES = _features()
INDEX = {feature.name: i for i, feature in enumerate(FEATURES)}
if len(FEATURES) != N_OBSERVATIONS:
    raise ImportError(f"{len(FEATURES)} features documented, the kernel writes {N_OBSERVATIONS}")


def box_of(features: Sequence[Feature]) -> spaces.Box:
    """Return the flat float32 box of some features."""
    low = np.array([feature.low for feature in features], np.float32)
    high = np.array([feature.high for feature in features], np.float32)
    return spaces.Box(low, high, dtype=np.float32)


def table_of(features: Sequence[Feature]) -> str:
    """Return features as Markdown: index, name, unit, range."""
    rows = ["| index | name | unit | range |", "|---|---|---|---|"]
    rows += [
        f"| {i} | `{f.name}` | {f.unit} | [{f.low:g}, {f.high:g}] |" for i, f in enumerate(features)
    ]
    return "\n".join(rows)


def observation_space() -> spaces.Box:
    """Return the flat float32 box that :data:`FEATURES` describes."""
    return box_of(FEATURES)


def table() -> str:
    """Return the observation table as Markdown: index, name, unit, range."""
    return table_of(FEATURES)


def describe(observation: Any) -> dict[str, float]:
    """Return an observation as a name-to-value dictionary."""
    return {feature.name: float(observation[i]) for i, feature in enumerate(FEATURES)}
