"""The observation table of the exchange: each entry, the unit it is scaled in, and its range.

The kernel ``core.guard`` writes the entries in this order; a test holds the two together. It is the
true state of the market at the decision, but for flow and trends, which are those of the feed.
"""

from __future__ import annotations

from typing import Any

from gymnasium import spaces

from squeezegym.envs.observation import Feature, box_of, table_of
from squeezegym.guardrecord import N_SEEN, REACH
from squeezegym.measures import RULE_NAMES, Measure

_BOOKS = ("perp", "spot")
_SIZE = "log(1 + lots / 2 % of depth) / 8"
_NAMES = [f"{1e4 * reach:g}bp" for reach in REACH]
_RINGS = list(zip(["0bp", *_NAMES[:-1]], _NAMES, strict=True))


def _book_features(book: str) -> list[Feature]:
    found = [
        Feature(f"{book}_{side}_{outer}", f"{inner} to {outer} from the mid, {_SIZE}", 0.0)
        for side in ("bid", "ask")
        for inner, outer in _RINGS
    ]
    found.append(Feature(f"{book}_spread", "10 bp; 1 when a side is empty"))
    found.append(Feature(f"{book}_imbalance", "(bid - ask) / (bid + ask) lots within 10 bp"))
    return found


def _ladder_features(side: str, place: str) -> list[Feature]:
    found = [
        Feature(f"{side}_{outer}", f"triggers {inner} to {outer} {place} the mark, {_SIZE}", 0.0)
        for inner, outer in _RINGS
    ]
    densest = "largest ratio of forced lots to both books' depth, ring by ring up to 200bp, 4"
    found.append(Feature(f"{side}_visible_n", densest, 0.0))
    found.append(Feature(f"{side}_interest", "log(1 + lots / 2 % of depth) / 10", 0.0))
    return found


def _flow_features() -> list[Feature]:
    names = [
        f"{source}_{side}_{horizon}"
        for horizon in ("1s", "10s")
        for source in (*_BOOKS, "forced")
        for side in ("bought", "sold")
    ]
    return [Feature(name, _SIZE, 0.0) for name in names]


def _price_features() -> list[Feature]:
    found = []
    for book in _BOOKS:
        for s in (1, 10, 60):
            unit = f"log of mid over its {s} s mean / 10 volatilities of that horizon"
            found.append(Feature(f"{book}_trend_{s}s", unit))
        found.append(Feature(f"{book}_volatility", "as makers see it, 10 of the contract's", 0.0))
    return [
        *found,
        Feature("basis", "perp over spot mid, 50 bp"),
        Feature("premium", "perp mid over index, 50 bp"),
        Feature("last_over_mark", "50 bp"),
        Feature("mark_over_index", "50 bp"),
        Feature("open_interest_change", "relative to the episode's start"),
    ]


def _venue_features() -> list[Feature]:
    return [
        Feature("fund", "fund and vault at mark over the opening fund, less 1"),
        Feature("deleveraged", f"so far, {_SIZE}", 0.0),
        Feature("engine_accounts", "log(1 + accounts before the engine) / 8", 0.0),
        Feature("backlog", "s of waiting time", 0.0),
        Feature("waiting", "messages in line, of the bound", 0.0),
        Feature("load", "share of the engine's time that others' requests ask for", 0.0),
        Feature("funding_rate", "predicted rate of the interval, 10 bp"),
        Feature("funding_countdown", "time to the next payment, funding interval", 0.0),
        Feature("lender_utilisation", "share of the lender's coins that is lent", 0.0),
        Feature("borrow_rate", "a year; 1 is 100 %", 0.0),
        Feature("pause_left", "of a pause, 60 s", 0.0),
        Feature("time_left", "horizon", 0.0),
        *[Feature(m.name.lower(), "1 while in force", 0.0) for m in Measure],
        *[Feature(f"lever_{name}", "steps as last decided, 8", 0.0) for name in RULE_NAMES],
    ]


FEATURES = (
    *_book_features("perp"),
    *_book_features("spot"),
    *_ladder_features("longs", "below"),
    *_ladder_features("shorts", "above"),
    *_flow_features(),
    *_price_features(),
    *_venue_features(),
)
INDEX = {feature.name: i for i, feature in enumerate(FEATURES)}
if len(FEATURES) != N_SEEN:
    raise ImportError(f"{len(FEATURES)} features documented, the kernel writes {N_SEEN}")


def observation_space() -> spaces.Box:
    """Return the flat float32 box that :data:`FEATURES` describes."""
    return box_of(FEATURES)


def table() -> str:
    """Return the observation table as Markdown: index, name, unit, range."""
    return table_of(FEATURES)


def describe(observation: Any) -> dict[str, float]:
    """Return an observation as a name-to-value dictionary."""
    return {feature.name: float(observation[i]) for i, feature in enumerate(FEATURES)}
