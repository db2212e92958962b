"""Exceptions of the package.

::

    SqueezegymError
    ├── ConfigError   a scenario, a setting or an argument that cannot be (also a ValueError)
    ├── DataError     a data file that is missing, damaged or contradicts itself (also a ValueError)
    └── EngineError   the market hit a limit that would make its result wrong (also a RuntimeError)

A rejected order is none of these: it is data, a :class:`squeezegym.codes.Status` in a receipt.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class SqueezegymError(Exception):
    """Base of every exception that squeezegym raises on purpose."""


class ConfigError(SqueezegymError, ValueError):
    """A scenario, a setting or an argument that cannot be."""


class DataError(SqueezegymError, ValueError):
    """A data file that is missing, damaged or contradicts itself."""


class EngineError(SqueezegymError, RuntimeError):
    """The market hit a limit that would make its result wrong."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"`` for the nearest known word, or an empty string."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"; did you mean '{near[0]}'?" if near else ""
