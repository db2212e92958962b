"""Regenerate the pictures of the documentation: ``python docs/make_figures.py``."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from squeezegym import Market
from squeezegym.view.plots import halts, phases, worlds

SEED = 5
HALT_SEED = 6
HERE = Path(__file__).parent


def run(scenario: str, seed: int, seconds: float, **changes: Any) -> Any:
    """Series of one market whose metaorder is large enough."""
    ignited = {"catalyst.squeeze": 1.0, "catalyst.near_miss": 0.0}
    market = Market(scenario, seed=seed, **{**ignited, **changes})
    market.run(seconds=seconds)
    return market.series()


def three_rules(scenario: str, liquidated: Literal["shorts", "longs"]) -> None:
    """The same seed with forced orders in the book, absorbed off-book, and without them."""
    series = {
        label: run(scenario, SEED, 300, **{"liquidation.destination": destination})
        for label, destination in (
            ("liquidations through the book", "book"),
            ("absorbed off-book", "absorber"),
            ("nobody liquidated", "off"),
        )
    }
    figure = worlds(series, f"{scenario}, seed {SEED}: one seed, three rules", liquidated)
    figure.savefig(HERE / "images" / f"{scenario}.png")


def crossing() -> None:
    """The same seed with retail FOMO and without."""
    series = {
        "as shipped": run("round_number", SEED, 1800),
        "without FOMO": run("round_number", SEED, 1800, **{"fomo.accounts": 0}),
    }
    figure = phases(series, f"round_number, seed {SEED}: squeeze, build-up, flush")
    figure.savefig(HERE / "images" / "round_number.png")


def equity() -> None:
    """The same seed as it is, without the buy restriction, and without pauses."""
    free = {"protection.buy_restriction.start_s": None}
    series = {
        "pauses and buy restriction": run("equity_halt", HALT_SEED, 1800),
        "pauses alone": run("equity_halt", HALT_SEED, 1800, **free),
        "neither": run("equity_halt", HALT_SEED, 1800, **{**free, "protection.limits.on": False}),
    }
    figure = halts(series, f"equity_halt, seed {HALT_SEED}: one seed, three protections")
    figure.savefig(HERE / "images" / "equity_halt.png")


def policies() -> None:
    """The same seed under the engines of four venues."""
    labels = {
        "all at the bankruptcy price (Binance)": "ioc_at_bankruptcy",
        "a fifth, then a pause (Hyperliquid)": "partial_20_cooldown",
        "small steps (Deribit)": "small_steps",
        "growing share (Drift)": "ramp",
    }
    series = {
        label: run("short_squeeze", SEED, 300, **{"liquidation.policy": policy})
        for label, policy in labels.items()
    }
    figure = worlds(series, f"short_squeeze, seed {SEED}: one seed, four liquidation engines")
    figure.savefig(HERE / "images" / "policies.png")


def mark_rules() -> None:
    """The same seed under four marks."""
    labels = {
        "median of three (Binance)": "binance",
        "index (dYdX v4)": "oracle",
        "last trade": "last",
        "fair price (BitMEX)": "funding_basis",
    }
    series = {
        label: run("short_squeeze", SEED, 300, **{"marks.rule": rule})
        for label, rule in labels.items()
    }
    figure = worlds(series, f"short_squeeze, seed {SEED}: one seed, four marks")
    figure.savefig(HERE / "images" / "marks.png")


if __name__ == "__main__":
    (HERE / "images").mkdir(exist_ok=True)
    three_rules("short_squeeze", "shorts")
    three_rules("long_flush", "longs")
    three_rules("thin_alt", "shorts")
    crossing()
    equity()
    policies()
    mark_rules()
