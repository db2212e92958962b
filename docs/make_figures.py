"""Regenerate the pictures of the documentation: ``python docs/make_figures.py``."""

from __future__ import annotations

from pathlib import Path

from squeezegym import Market
from squeezegym.view.plots import halts, worlds

SEED = 5
HALT_SEED = 6
HERE = Path(__file__).parent


def squeeze() -> None:
    """The same seed with forced buying in the book, absorbed off-book, and without it."""
    series = {}
    for label, destination in (
        ("liquidations through the book", "book"),
        ("absorbed off-book", "absorber"),
        ("nobody liquidated", "off"),
    ):
        market = Market(
            "short_squeeze",
            seed=SEED,
            **{
                "liquidation.destination": destination,
                "catalyst.squeeze": 1.0,
                "catalyst.near_miss": 0.0,
            },
        )
        market.run(seconds=300)
        series[label] = market.series()
    figure = worlds(series, f"short_squeeze, seed {SEED}: one seed, three rules")
    figure.savefig(HERE / "images" / "short_squeeze.png")


def equity() -> None:
    """The same seed as it is, without the buy restriction, and without pauses."""
    series = {}
    for label, changes in (
        ("pauses and buy restriction", {}),
        ("pauses alone", {"protection.buy_restriction.start_s": None}),
        ("neither", {"protection.buy_restriction.start_s": None, "protection.limits.on": False}),
    ):
        market = Market(
            "equity_halt",
            seed=HALT_SEED,
            **{"catalyst.squeeze": 1.0, "catalyst.near_miss": 0.0, **changes},
        )
        market.run(seconds=1800)
        series[label] = market.series()
    figure = halts(series, f"equity_halt, seed {HALT_SEED}: one seed, three protections")
    figure.savefig(HERE / "images" / "equity_halt.png")


if __name__ == "__main__":
    (HERE / "images").mkdir(exist_ok=True)
    squeeze()
    equity()
