"""Calibration: the numbers that a scenario file marks ``[capture]``, measured again.

Only values change; comments, order and spacing stay.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from squeezegym.data.capture import Capture
from squeezegym.data.measure import basis_ticks, measure
from squeezegym.data.measured import MeasuredMarket
from squeezegym.data.recorded import read_recorded
from squeezegym.errors import ConfigError

MARK = "[capture]"
VENUES = ("perp", "spot")
NEAR = 10e-4
DIGITS = 3  # significant ones that a measured number is given
PRICE_DIGITS = 6


@dataclass(frozen=True, eq=False, slots=True)
class Measured:
    """Both markets of one time.

    Attributes:
        perp: The perpetual.
        spot: Spot.
        basis_quote: Median of perp mid minus spot mid, quote.
        near_base: Size within 10 bp of the mid in the snapshot, mean of both sides, base.
    """

    perp: MeasuredMarket
    spot: MeasuredMarket
    basis_quote: float
    near_base: dict[str, float]

    @property
    def price(self) -> float:
        """Spot mid of the snapshot, quote."""
        return self.spot.mid_ticks * self.spot.tick_size


@dataclass(frozen=True, slots=True)
class Change:
    """One marked number.

    Attributes:
        key: Dotted key of the scenario.
        old: What the file says.
        new: What the recording says, rounded.
        estimator: How it is measured.
    """

    key: str
    old: float
    new: float
    estimator: str


def _touch(market: MeasuredMarket) -> float:
    at = market.depth.profile[0]
    return (at.bid_lots + at.ask_lots) / 2 * market.lot_size


Estimator = tuple[str, Callable[[Measured], float]]


def _of_book(venue: str) -> dict[str, Estimator]:
    """Estimators of one book; both are put on the grid of the perp."""

    def market(got: Measured) -> MeasuredMarket:
        return got.perp if venue == "perp" else got.spot

    def log_mean(got: Measured) -> float:
        ratio = market(got).lot_size / got.perp.lot_size
        return market(got).aggressors.log_mean + math.log(ratio)

    def persistence(got: Measured) -> float:
        return (1 + market(got).aggressors.sign_autocorrelation) / 2

    return {
        f"depth.{venue}.touch_base": (
            "size at the touch, mean of both sides and of samples once a second",
            lambda got: _touch(market(got)),
        ),
        f"depth.{venue}.within_10bps_base": (
            "size within 10 bp in the snapshot, mean of both sides",
            lambda got: got.near_base[venue],
        ),
        f"noise.{venue}.market_orders_per_s": (
            "prints of one side in one millisecond are one order",
            lambda got: market(got).aggressors.orders_per_s,
        ),
        f"noise.{venue}.persistence": ("(1 + lag-1 autocorrelation of sides) / 2", persistence),
        f"noise.{venue}.market_log_mean": ("mean of log lots of an order", log_mean),
        f"noise.{venue}.market_log_sd": (
            "standard deviation of log lots",
            lambda got: market(got).aggressors.log_sd,
        ),
    }


ESTIMATORS: dict[str, Estimator] = {
    "contract.tick_size": ("of the perp", lambda got: got.perp.tick_size),
    "contract.lot_size": ("of the perp", lambda got: got.perp.lot_size),
    "contract.price": ("spot mid of the snapshot", lambda got: got.price),
    "contract.basis_bps": (
        "median of perp minus spot, every 100 ms",
        lambda got: got.basis_quote / got.price * 1e4,
    ),
    "contract.volatility_bps": (
        "standard deviation of 1 s log returns of the perp",
        lambda got: got.perp.returns.volatility_1s * 1e4,
    ),
    **_of_book("perp"),
    **_of_book("spot"),
}


def measure_pair(book: Sequence[str | Path], spot: Sequence[str | Path]) -> Measured:
    """Read and measure recordings of the perp and of spot from the same time.

    Args:
        book: Files of the perp, in order.
        spot: Files of spot, in order.
    """
    captures = read_recorded(list(book)), read_recorded(list(spot))
    perp, other = (measure(capture) for capture in captures)
    near = {venue: _near(capture) for venue, capture in zip(VENUES, captures, strict=True)}
    return Measured(perp, other, basis_ticks(*captures) * perp.tick_size, near)


def _near(capture: Capture) -> float:
    """Size within 10 bp of the mid of the snapshot, where every level is known."""
    start = capture.start
    sides = [
        side[abs(side[:, 0] / start.mid_ticks - 1) <= NEAR] for side in (start.bids, start.asks)
    ]
    return sum(int(side[:, 1].sum()) for side in sides) / 2 * capture.lot_size


def calibrate(text: str, measured: Measured) -> tuple[str, list[Change]]:
    """Put measured numbers in the place of those marked ``[capture]``.

    Args:
        text: A scenario file.
        measured: What was recorded.

    Returns:
        The file with new values, and what was marked, changed or not.

    Raises:
        ConfigError: The text is not TOML, marks nothing, or marks a number nobody measures.
    """
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    try:
        document = tomlkit.parse(text)
    except TOMLKitError as error:
        raise ConfigError(f"the scenario is not valid TOML: {error}") from None
    changes = []
    for table, path, key in _marked(document, ()):
        name = ".".join((*path, key))
        if name not in ESTIMATORS:
            raise ConfigError(
                f"'{name}' is marked {MARK}, measured are {', '.join(ESTIMATORS)}; mark it [model]"
            )
        estimator, value = ESTIMATORS[name]
        digits = PRICE_DIGITS if name.startswith("contract.") and "bps" not in name else DIGITS
        new = float(f"{value(measured):.{digits}g}")
        changes.append(Change(name, float(table[key]), new, estimator))
        if changes[-1].new != changes[-1].old:
            table[key] = new
    if not changes:
        raise ConfigError(
            f"no number of the scenario is marked {MARK} in a comment behind it; mark those that"
            " recordings should set"
        )
    return tomlkit.dumps(document), changes


def _marked(table: Any, path: tuple[str, ...]) -> Iterator[tuple[Any, tuple[str, ...], str]]:
    """Find the numbers whose comment holds the mark."""
    for key, item in list(table.items()):
        if hasattr(item, "items"):
            yield from _marked(item, (*path, key))
        elif MARK in item.trivia.comment:
            yield table, path, key
