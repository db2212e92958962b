"""One look for all figures (matplotlib), in colours that colour-blind readers tell apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from squeezegym.errors import ConfigError, did_you_mean

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Okabe and Ito.
BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
BLUE, VERMILION, PURPLE, GREY = "#0072B2", "#D55E00", "#CC79A7", "#999999"
CYCLE = (VERMILION, SKY, BLACK, GREEN, PURPLE, ORANGE, BLUE)
DASHES = ("-", "-", (0, (4, 3)), "-.", ":", (0, (6, 2)), (0, (1, 1)))  # lines that coincide stay
MAP = "cividis"  # of colour maps, the one that all readers see alike


def new_figure(
    heights: Sequence[float] = (1,), size: tuple[float, float] = (9, 5.4)
) -> tuple[Figure, list[Any]]:
    """Return a figure and its axes, one below the other over a common abscissa.

    Args:
        heights: Of the axes, relative.
        size: Of the figure, inches.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, dpi=110, layout="constrained")
    axes = figure.subplots(len(heights), 1, sharex=True, height_ratios=heights, squeeze=False)
    for each in axes[:, 0]:
        each.grid(alpha=0.25)
        each.spines[["top", "right"]].set_visible(False)
    return figure, list(axes[:, 0])


def grid_of_axes(rows: int, wide: int, size: tuple[float, float]) -> tuple[Figure, list[Any]]:
    """Return a figure and its axes row by row, all over the same ranges.

    Args:
        rows: Of axes.
        wide: Axes in a row.
        size: Of the figure, inches.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, dpi=110, layout="constrained")
    axes = figure.subplots(rows, wide, sharex=True, sharey=True, squeeze=False)
    for each in axes.flat:
        each.grid(alpha=0.25)
        each.spines[["top", "right"]].set_visible(False)
    return figure, list(axes.flat)


def columns(frame: Any, *names: str) -> tuple[NDArray[Any], ...]:
    """Return columns of a frame as arrays of one length.

    Args:
        frame: What ``frame["name"]`` takes a column from: a dictionary, a polars or pandas frame, a
            structured array.
        names: Of the columns.

    Raises:
        ConfigError: A column is missing, empty or of another length.
    """
    known = _names(frame)
    for name in names:
        if name not in known:
            raise ConfigError(
                f"the frame has no column '{name}'{did_you_mean(name, known)} "
                f"(it has {', '.join(known) or 'none'}; the figure needs {', '.join(names)})"
            )
    found = [np.asarray(frame[name]) for name in names]
    lengths = {len(column) for column in found}
    if len(lengths) != 1 or lengths == {0}:
        sizes = ", ".join(f"{n} {len(c)}" for n, c in zip(names, found, strict=True))
        raise ConfigError(f"columns must have one length, at least 1; got {sizes}")
    return tuple(found)


def has(frame: Any, name: str) -> bool:
    """Whether a frame has a column."""
    return name in _names(frame)


def _names(frame: Any) -> list[str]:
    names = getattr(getattr(frame, "dtype", None), "names", None)
    if names is None:
        names = getattr(frame, "columns", None)
    if names is None:
        names = frame.keys() if hasattr(frame, "keys") else ()
    return [str(name) for name in names]
