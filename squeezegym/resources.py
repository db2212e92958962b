"""Where shipped configuration files are, in a checkout and in an installed wheel alike."""

from __future__ import annotations

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path


def resources() -> Traversable:
    """Return the ``configs`` folder: inside the wheel, or beside the package in a checkout."""
    inside = files("squeezegym") / "_configs"
    if inside.is_dir():
        return inside
    return Path(__file__).resolve().parent.parent / "configs"
