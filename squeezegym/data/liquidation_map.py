"""Liquidation levels as public heat maps draw them, from entries and leverage alone."""

from __future__ import annotations


def heatmap_level(side: int, entry: float, leverage: float) -> float:
    """Return the level at which a heat map puts a position: ``E (1 - side / L)``.

    This is the bankruptcy price of an isolated position; the true trigger lies nearer to the
    entry by the maintenance margin, which the maps ignore. Source: info-hub.io "Liquidation map",
    2025.

    Args:
        side: +1 for a long, -1 for a short.
        entry: Entry price.
        leverage: >= 1.
    """
    return entry * (1 - side / leverage)
