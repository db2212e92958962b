"""Samples and settings of the estimators, checked: what came, what is allowed, what to change."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from squeezegym.errors import ConfigError, DataError

BP = 1e4  # basis points in one

FloatArray = NDArray[np.float64]


def finite(name: str, values: ArrayLike, least: int = 1) -> FloatArray:
    """Return one finite series of at least so many values.

    Raises:
        DataError: It has another shape, is too short, or holds NaN or infinity.
    """
    try:
        series = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise DataError(f"{name} must be numbers, got {type(values).__name__}") from None
    if series.ndim != 1:
        raise DataError(f"{name} must be a 1-d series, got {series.ndim} dimensions; pass one row")
    if len(series) < least:
        raise DataError(
            f"{name} has {len(series):,} values, allowed is at least {least:,}; record longer"
        )
    bad = np.flatnonzero(~np.isfinite(series))
    if len(bad):
        raise DataError(
            f"{name}[{bad[0]}] is {series[bad[0]]}, allowed are finite numbers; drop or fill the"
            f" {len(bad):,} that are not"
        )
    return series


def positive(name: str, values: ArrayLike, least: int = 1) -> FloatArray:
    """Return one finite series of values above zero."""
    series = finite(name, values, least)
    _refuse(name, series, series <= 0, "values above 0")
    return series


def not_negative(name: str, values: ArrayLike, least: int = 1) -> FloatArray:
    """Return one finite series without a value below zero."""
    series = finite(name, values, least)
    _refuse(name, series, series < 0, "values of 0 and above")
    return series


def varying(name: str, values: ArrayLike, least: int = 2) -> FloatArray:
    """Return one finite series that is not the same value throughout."""
    series = finite(name, values, least)
    if series.min() == series.max():
        raise DataError(
            f"{name} is {series[0]:g} throughout, allowed is a series that varies; record a time"
            " in which it moves"
        )
    return series


def increasing(name: str, values: ArrayLike, least: int = 2) -> FloatArray:
    """Return one finite series of times or distances in which each exceeds the one before."""
    series = finite(name, values, least)
    _refuse(name, series, np.diff(series, prepend=-np.inf) <= 0, "an increasing series")
    return series


def ordered(name: str, values: ArrayLike, least: int = 1) -> FloatArray:
    """Return one finite series of times that never go back."""
    series = finite(name, values, least)
    _refuse(name, series, np.diff(series, prepend=-np.inf) < 0, "times that never go back")
    return series


def same_length(**series: FloatArray) -> None:
    """Refuse series of different lengths that belong together."""
    lengths = {name: len(values) for name, values in series.items()}
    if len(set(lengths.values())) > 1:
        found = ", ".join(f"{name} {length:,}" for name, length in lengths.items())
        raise DataError(f"series that belong together must be of one length, got {found} values")


def number(name: str, value: float, low: float, high: float) -> float:
    """Return a setting strictly between two bounds.

    Raises:
        ConfigError: It is not.
    """
    try:
        allowed = bool(low < value < high)
    except (TypeError, ValueError):  # no number at all
        allowed = False
    if not allowed:
        raise ConfigError(f"{name} must lie between {low:g} and {high:g}, got {value!r}")
    return float(value)


def _refuse(name: str, series: FloatArray, bad: NDArray[np.bool_], allowed: str) -> None:
    if bad.any():
        first = int(bad.argmax())
        raise DataError(f"{name}[{first}] is {series[first]:g}, allowed are {allowed}; correct it")
