"""Arguments of the stand-alone book, checked: what came, what is allowed, what to change."""

from __future__ import annotations

import operator
from collections.abc import Iterable
from enum import IntEnum
from functools import cache
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from squeezegym.bookrecord import MAX_OWNERS
from squeezegym.codes import NO_ASK
from squeezegym.errors import ConfigError, did_you_mean

CodeT = TypeVar("CodeT", bound=IntEnum)
Rows = NDArray[Any]
MAX_I8 = 2**63 - 1


def code(enum: type[CodeT], name: str, value: Any) -> int:
    """Return the code of an enum's member or of its name in any case.

    Raises:
        ConfigError: There is no such member.
    """
    if isinstance(value, str):
        names = _names(enum)
        if value in names or value.lower() in names:
            return names[value if value in names else value.lower()]
        raise ConfigError(
            f"{name} must be one of {', '.join(names)}, got {value!r}{did_you_mean(value, names)}"
        )
    try:
        return int(enum(value))
    except ValueError:
        allowed = ", ".join(member.name.lower() for member in enum)
        raise ConfigError(f"{name} must be one of {allowed}, got {value!r}") from None


@cache
def _names(enum: type[IntEnum]) -> dict[str, int]:
    """Names of an enum's members in small letters, and their codes."""
    return {member.name.lower(): int(member) for member in enum}


def choice(name: str, value: str, allowed: Iterable[str]) -> int:
    """Return the index of a word among those allowed."""
    words = list(allowed)
    if value not in words:
        raise ConfigError(
            f"{name} must be one of {', '.join(words)}, got {value!r}{did_you_mean(value, words)}"
        )
    return words.index(value)


def whole(name: str, value: Any) -> int:
    """Return a whole number that fits in a message; larger ones as the largest."""
    try:
        number = operator.index(value)
    except TypeError:
        raise ConfigError(f"{name} must be a whole number, got {value!r}") from None
    return max(-MAX_I8, min(number, MAX_I8))


def integer(name: str, value: Any, least: int, most: int) -> int:
    """Return a whole number within bounds."""
    number = whole(name, value)
    if not least <= number <= most:
        raise ConfigError(f"{name} must lie between {least:,} and {most:,}, got {value!r}")
    return number


def limit_price(price: Any) -> int:
    """Return a limit price for a message, where 0 would mean a market order."""
    return whole("price", price) or -1


def owner_number(owner: Any) -> int:
    """Return an owner; what cannot be one as the first number that no book gives out."""
    number = whole("owner", owner)
    return number if 0 <= number < MAX_OWNERS else MAX_OWNERS


def order_number(order_id: Any) -> int:
    """Return an order id; what cannot be one as the largest, which nobody would choose."""
    try:
        number = operator.index(order_id)
    except TypeError:
        raise ConfigError(f"order_id must be a whole number, got {order_id!r}") from None
    return number if 0 <= number < 2**64 else 2**64 - 1


def price_bounds(price_range: Any) -> tuple[int, int]:
    """Return the two ends of a price range, ticks."""
    try:
        lowest, highest = (operator.index(price) for price in price_range)
    except (TypeError, ValueError):
        raise ConfigError(
            f"price_range must be two whole numbers (lowest, highest), got {price_range!r}"
        ) from None
    if not 1 <= lowest <= highest < NO_ASK:
        raise ConfigError(
            f"price_range must satisfy 1 <= lowest <= highest < {NO_ASK:,}, got {price_range!r}"
        )
    return lowest, highest


def rows_of(name: str, rows: Any, dtype: np.dtype[Any], least: int) -> Rows:
    """Return an array of at least so many rows, checked."""
    if not isinstance(rows, np.ndarray) or rows.dtype != dtype or rows.ndim != 1:
        found = f"{rows.dtype}, {rows.ndim}-d" if isinstance(rows, np.ndarray) else type(rows)
        raise ConfigError(
            f"{name} must be a 1-d array of squeezegym.{name.rstrip('s').upper()}_DTYPE,"
            f" got {found}"
        )
    if len(rows) < least:
        raise ConfigError(f"{name} must have at least {least:,} rows, got {len(rows):,}")
    return rows
