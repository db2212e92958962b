"""Probe metaorders: what a metaorder of a chosen size does to the price, other things equal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from squeezegym.batch import Batch
from squeezegym.codes import NO_ASK, NO_BID, Command, Venue
from squeezegym.parts import Keep, anew
from squeezegym.scenario import Scenario
from squeezegym.theory.samples import BP, FloatArray
from squeezegym.units import SECOND

START_S = 10.0
DURATION_S = 30.0
ORDERS_PER_S = 10.0
ALONE: dict[str, Any] = {
    f"{section}.{venue}.{field}": 0
    for venue in ("perp", "spot")
    for section, field in (
        ("makers", "visits_per_s"),
        ("makers", "alert"),
        ("noise", "limit_visits_per_s"),
        ("noise", "market_orders_per_s"),
    )
} | {"value.decisions_per_s": 0.0, "arbitrage.looks_per_s": 0.0}
"""Changes under which nobody but the metaorder touches the book."""


def metaorder_impact(
    scenario: Scenario,
    seeds: Sequence[int],
    sizes: Sequence[float],
    *,
    perp_share: float = 1.0,
    threads: int | None = None,
    progress: Callable[[float], None] = lambda seconds: None,
    keep: Keep = anew,
) -> FloatArray:
    """Measure the impact on the perp at the end of buying metaorders of several sizes.

    A metaorder of 30 s and 300 equal children on average; its impact is the difference from the
    same market, same seed, without it. Liquidations are off.

    Args:
        scenario: The market, without a catalyst of its own.
        seeds: One market each.
        sizes: (k,) sizes, base.
        perp_share: Share of children on the perp; the others go to spot.
        threads: As of `squeezegym.batch.Batch`.
        progress: Told how many market seconds were run since it was told last.
        keep: Keeps the ends of the markets under each size.

    Returns:
        (seeds, k) impact, bp of the price.
    """
    quiet = Scenario.load(
        scenario,
        catalyst={
            "side": "buy",
            "start_s": (START_S, START_S),
            "duration_s": DURATION_S,
            "orders_per_s": ORDERS_PER_S,
            "perp_share": perp_share,
            "cap_bps": 200.0,
        },
        liquidation={"destination": "off"},
        learner={"short_start": 0.0},
    )
    digest, paths = quiet.digest(), []
    for size in (0.0, *sizes):
        part = keep(
            ("impact", digest, tuple(seeds), size),
            partial(_end, quiet, seeds, size, threads),
        )
        paths.append(part["ends"])
        progress(len(seeds) * (START_S + DURATION_S))
    impact: FloatArray = (np.array(paths[1:]) - paths[0]).T * BP
    return impact


def _end(
    scenario: Scenario, seeds: Sequence[int], size: float, threads: int | None
) -> dict[str, FloatArray]:
    """Log mids of the perp when the metaorder ends."""
    batch = Batch.opened(scenario, seeds, threads)
    batch.markets["flow"]["catalyst_size"] = round(size / scenario.contract.lot_size)
    batch.command(slice(None), Command.RUN)
    batch.views["until"] = round((START_S + DURATION_S) * SECOND)
    batch.advance()
    batch.close()
    books = batch.markets["books"][:, Venue.PERP]
    bid, ask = books["best_bid"], books["best_ask"]
    empty = (bid == NO_BID) | (ask == NO_ASK)
    return {"ends": np.log(np.where(empty, books["last"], (bid + ask) / 2))}
