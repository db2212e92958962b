"""A scenario whose market starts from a recorded order book and flows as measured from it."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from squeezegym.data.capture import Capture
from squeezegym.data.overlay import Overlay
from squeezegym.data.recorded import read_recorded
from squeezegym.errors import ConfigError, DataError
from squeezegym.scenario import Scenario


@dataclass(frozen=True, slots=True)
class _Built:
    scenario: Scenario
    notes: tuple[str, ...]


def scenario_from_data(
    book: str | None = None,
    spot: str | None = None,
    positions: str | None = None,
    open_interest: float | None = None,
    base: str = "from_data",
) -> Scenario:
    """Build the scenario of a recorded market, or return it from the cache.

    Taken from the capture: tick and lot (the perp's grid, spot is put on it), both opening books
    level by level, basis, volatility, rate, size and persistence of aggressor orders, rate of
    limit messages and their share near the mid. Everything else comes from ``base``, its sizes
    scaled by the measured depth. Beyond the recorded levels (25-35 bp) the density continues with
    exponent -0.33 up to 200 bp; such levels carry ``True`` in the dump.

    The market is dense: a message stands for one message, up to 2,000 messages a second over both
    books. A busier capture is thinned to that rate; :func:`describe_data` states the factor. The
    nearest levels are kept exactly; where a side has more than the size class holds, the farthest
    are merged in groups that keep their lots.

    Args:
        book: Files of the perp's capture (Binance USD-M, raw), joined by ``os.pathsep``.
        spot: Files of a spot capture of the same time. Without it the spot book is placed by the
            basis of ``base`` with the perp's levels and flow, scaled by the ratios of ``base``.
        positions: File of leveraged positions, see :mod:`squeezegym.data.positions`.
        open_interest: Base. Half of it is drawn as 1,000 leveraged shorts, and half as 1,000
            leveraged longs, with the leverage mix of ``base``. Each contract has a short and a
            long, so the other half of either side is taken as held by hedged traders, whom no
            price liquidates: the market's own counter shows the drawn half. Not together with
            ``positions``.
        base: Shipped scenario or TOML path to overlay.

    Raises:
        DataError: A file is missing, damaged or does not fit.
        ConfigError: Arguments that cannot be.
    """
    return _build(*_checked(book, spot, positions, open_interest, base)).scenario


def describe_data(
    book: str | None = None,
    spot: str | None = None,
    positions: str | None = None,
    open_interest: float | None = None,
    base: str = "from_data",
) -> tuple[str, ...]:
    """Return what was done to the data on its way into the scenario, one sentence each.

    The arguments are those of :func:`scenario_from_data`.
    """
    return _build(*_checked(book, spot, positions, open_interest, base)).notes


def _checked(
    book: str | None,
    spot: str | None,
    positions: str | None,
    open_interest: float | None,
    base: str,
) -> tuple[Any, ...]:
    """Check the arguments that need no file; add the state of the files, as a part of the key."""
    if not book:
        raise ConfigError(
            "scenario 'from_data' needs book, the files of a capture of the perp; pass book=FILE"
            " (on the command line --book FILE...)"
        )
    if positions is not None and open_interest is not None:
        raise ConfigError(
            f"positions={positions!r} and open_interest={open_interest} exclude each other; pass"
            " one of them"
        )
    if open_interest is not None and not 0 < open_interest < math.inf:
        raise ConfigError(f"open_interest must be finite and above 0 (base), got {open_interest}")
    stamps = [_stamp(name) for names in (book, spot, positions) for name in _split(names)]
    return book, spot, positions, open_interest, base, Scenario.load(base).digest(), tuple(stamps)


def _split(names: str | None) -> list[str]:
    return [name for name in names.split(os.pathsep) if name] if names else []


def _stamp(name: str) -> tuple[str, int, int]:
    """Path, time of change and size of a file; zeros for what does not exist."""
    path = Path(name).absolute()
    try:
        stat = path.stat()
    except OSError:
        return str(path), 0, 0
    return str(path), stat.st_mtime_ns, stat.st_size


@lru_cache(maxsize=8)
def _build(
    book: str,
    spot: str | None,
    positions: str | None,
    open_interest: float | None,
    base: str,
    digest: str,
    stamps: tuple[Any, ...],
) -> _Built:
    scenario = Scenario.load(base)
    perp = _read(book, "book", "usdm")
    spot_capture = _read(spot, "spot", "spot") if spot else None
    overlay = Overlay(scenario, perp, spot_capture)
    scenario = overlay.scenario()
    if positions is not None:
        scenario = overlay.with_positions(scenario, positions)
    elif open_interest is not None:
        scenario = overlay.with_open_interest(scenario, open_interest)
    return _Built(scenario, tuple(overlay.notes))


def _read(names: str, argument: str, market: str) -> Capture:
    capture = read_recorded(_split(names))
    if capture.market != market:
        raise DataError(
            f"{argument}: {names} is a capture of market {capture.market!r} ({capture.symbol}),"
            f" allowed is {market!r}; pass the {'linear perp' if market == 'usdm' else 'spot'}"
            f" as {argument}."
        )
    return capture
