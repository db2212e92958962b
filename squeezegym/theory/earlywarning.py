"""Early warning: what entropy and the index of criticality say before a squeeze ignites.

Each squeeze is set beside the same market, same noise, at the same time: without its metaorder, or
with one that is too small. The area under the curve (AUC) is the chance that a measure ranks the
two rightly; one half warns of nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from squeezegym.arguments import integer
from squeezegym.batch import Batch
from squeezegym.codes import NEVER, Command, Venue
from squeezegym.errors import DataError
from squeezegym.parts import Keep, anew
from squeezegym.sampling import mid_ticks
from squeezegym.scenario import Scenario
from squeezegym.theory.bootstrap import Interval, episode_interval
from squeezegym.theory.entropy import transfer_entropy
from squeezegym.theory.patterns import (
    LEAST,
    block_entropy,
    irreversibility,
    permutation_entropy,
    sign_entropy,
)
from squeezegym.theory.phase import PROBE_SEED
from squeezegym.theory.recording import KEEPS_UP
from squeezegym.theory.samples import FloatArray
from squeezegym.theory.supply import Supply, measure_supply, measured_barriers
from squeezegym.units import SECOND

STEP_MS = 200
WINDOW_S = 30.0
LEADS_S = (1.0, 5.0, 30.0)
SURROGATES = 10
MEASURES = {
    "entropy of sides": -1,
    "entropy of sides, the last two known": -1,
    "permutation entropy of perp steps": -1,
    "irreversibility of the perp": 1,
    "transfer entropy, perp to spot": 1,
    "transfer entropy, spot to perp": 1,
    "index: shorts against measured supply": 1,
}
"""Measures, and the direction in which each warns."""
CONTROLS = (("quiet", 0.0, 0.0), ("near miss", 0.0, 1.0))
"""What squeezes are set beside, with the shares of episodes that squeeze and nearly do."""


@dataclass(frozen=True, eq=False, slots=True)
class Watched:
    """Markets sampled on a grid; ``n`` markets, ``t`` samples.

    Attributes:
        mids: (2, n, t) mids of perp and spot, ticks.
        net: (n, t) net lots bought on the perp since the sample before.
        index: (n, s) one over the ignition barrier from measured supply once a second, 1 / base.
        ignition: (n,) s; NaN without one.
    """

    mids: FloatArray
    net: FloatArray
    index: FloatArray
    ignition: FloatArray


@dataclass(frozen=True, slots=True)
class Signal:
    """How well one measure warns.

    Attributes:
        measure: One of `MEASURES`.
        control: What it is set beside: ``quiet`` or ``near miss``.
        lead_s: Time before ignition at which its window ends; below 0: after it.
        squeeze: Mean before squeezes.
        calm: Mean at the same times in the control.
        auc: Chance of ranking the two rightly.
        interval: Its 95 % bootstrap interval over pairs.
    """

    measure: str
    control: str
    lead_s: float
    squeeze: float
    calm: float
    auc: float
    interval: Interval


def watch(
    scenario: Scenario,
    seeds: Sequence[int],
    seconds: float,
    supply: Supply,
    keep: Keep = anew,
) -> Watched:
    """Run markets and sample what the measures look at.

    Args:
        scenario: The market.
        seeds: One market each.
        seconds: Of each, from the opening.
        supply: As of `supply.measure_supply`.
        keep: Keeps the samples.
    """
    what = ("watched", scenario.digest(), tuple(seeds), seconds)
    return Watched(**keep(what, lambda: _watch(scenario, seeds, seconds, supply)))


def _watch(
    scenario: Scenario, seeds: Sequence[int], seconds: float, supply: Supply
) -> dict[str, FloatArray]:
    batch, n = Batch.opened(scenario, seeds), len(seeds)
    batch.command(slice(None), Command.RUN)
    steps, every = round(seconds * 1000 / STEP_MS), 1000 // STEP_MS
    mids, net = np.empty((2, n, steps)), np.empty((n, steps))
    index = np.empty((n, steps // every))
    before = _net_taken(batch)
    for i in range(steps):
        batch.views["until"] = (i + 1) * STEP_MS * 1_000_000
        batch.advance()
        for venue in Venue:
            mids[venue, :, i] = [mid_ticks(book) for book in batch.markets["books"][:, venue]]
        now = _net_taken(batch)
        net[:, i], before = now - before, now
        if (i + 1) % every == 0:
            barriers = measured_barriers(batch.markets, scenario, supply)
            index[:, i // every] = [1 / max(x.demand, 1.0) for x in barriers]
    batch.close()
    times = batch.markets["score"]["ignition"]
    ignition = np.where(times == NEVER, np.nan, times / SECOND)
    return {"mids": mids, "net": net, "index": index, "ignition": ignition}


def _net_taken(batch: Batch) -> FloatArray:
    taken = batch.markets["score"]["taken"][:, Venue.PERP].astype(np.float64)
    difference: FloatArray = taken[:, 0] - taken[:, 1]
    return difference


def measures(watched: Watched, market: int, end_s: float) -> FloatArray:
    """Return the `MEASURES` of the window of one market that ends at a time.

    Args:
        watched: Samples.
        market: Its place.
        end_s: End of the window of `WINDOW_S`.
    """
    last = round(end_s * 1000 / STEP_MS)
    window = slice(last - round(WINDOW_S * 1000 / STEP_MS), last)
    mids, net = watched.mids[:, market, window], watched.net[market, window]
    steps = np.diff(np.log(mids), axis=1)
    found = np.zeros(len(MEASURES))
    if np.count_nonzero(net) >= LEAST:
        found[0] = sign_entropy(net)
        found[1] = block_entropy(net, 2, SURROGATES)
    found[2] = permutation_entropy(steps[0], 4, SURROGATES)
    found[3] = irreversibility(mids[0], 4, SURROGATES)
    found[4] = transfer_entropy(steps[0], steps[1], SURROGATES)
    found[5] = transfer_entropy(steps[1], steps[0], SURROGATES)
    found[6] = watched.index[market, max(0, int(end_s) - 1)]
    return found


def auc(signal: FloatArray, noise: FloatArray) -> float:
    """Chance that a value of the one exceeds one of the other, ties by half.

    Source: Mann and Whitney 1947, Annals of Mathematical Statistics 18, 50.

    Args:
        signal: (n,) values before squeezes.
        noise: (m,) values without.
    """
    from scipy.stats import mannwhitneyu

    return float(mannwhitneyu(signal, noise).statistic) / (len(signal) * len(noise))


def early_warning(
    seeds: int = 100,
    *,
    seed: int = 1,
    scenario: str = "short_squeeze",
    leads_s: Sequence[float] = (*LEADS_S, -WINDOW_S),
    keep: Keep = anew,
) -> list[Signal]:
    """Rank squeezes against the same markets without their metaorder, and with a small one.

    Args:
        seeds: Pairs of markets, 20 and above; those that ignite are used.
        seed: The first.
        scenario: Shipped name.
        leads_s: Times before ignition at which windows end; minus a window: the squeeze itself.
        keep: Keeps the samples of the markets.

    Returns:
        One entry a control, lead and measure.

    Raises:
        DataError: Fewer than 10 of the markets ignite.
    """
    integer("seeds", seeds, 20, 100_000)
    rows = range(seed, seed + seeds)
    idle: dict[str, Any] = {"learner.short_start": 0.0, **KEEPS_UP}
    worlds = {
        name: Scenario.load(
            scenario, **idle, **{"catalyst.squeeze": one, "catalyst.near_miss": two}
        )
        for name, one, two in (("squeeze", 1.0, 0.0), *CONTROLS)
    }
    driven = worlds["squeeze"]
    supply = measure_supply(driven, range(PROBE_SEED, PROBE_SEED + min(seeds, 48)), keep=keep)
    seconds = driven.episode.horizon_s
    watched = {name: watch(world, rows, seconds, supply, keep) for name, world in worlds.items()}
    squeezes = watched["squeeze"]
    first, last = WINDOW_S + max(leads_s), seconds + min(min(leads_s), 0.0)
    chosen = np.flatnonzero((squeezes.ignition > first) & (squeezes.ignition < last))
    if len(chosen) < 10:
        raise DataError(
            f"{len(chosen)} of {seeds} markets ignite, allowed is at least 10; run more"
        )
    found = []
    for lead in leads_s:
        ends = squeezes.ignition - lead
        of = {
            name: np.array([measures(each, int(row), ends[row]) for row in chosen])
            for name, each in watched.items()
        }
        for control, _, _ in CONTROLS:
            pairs = np.array([of["squeeze"], of[control]])
            found += [
                _warning(name, control, sign, lead, pairs[:, :, i])
                for i, (name, sign) in enumerate(MEASURES.items())
            ]
    return found


def _warning(name: str, control: str, sign: int, lead: float, pairs: FloatArray) -> Signal:
    rows = list(sign * pairs.T)

    def ranked(drawn: list[Any]) -> float:
        one, other = np.array(drawn).T
        return auc(one, other)

    return Signal(
        name,
        control,
        lead,
        float(pairs[0].mean()),
        float(pairs[1].mean()),
        ranked(rows),
        episode_interval(rows, ranked, resamples=500),
    )
