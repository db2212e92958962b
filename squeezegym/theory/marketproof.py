"""The full market beside the theory: thresholds, responses and nulls.

What theory needs is measured where nobody is liquidated: supply by metaorders, the response by
probes, the shorts from the account table. Nothing is fitted to a cascade.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from squeezegym.batch import Batch
from squeezegym.codes import FIRST_HOLDER_SLOT, Command, Side, Venue
from squeezegym.market import Market
from squeezegym.parts import Keep, anew
from squeezegym.sampling import mid_ticks
from squeezegym.scenario import Scenario
from squeezegym.theory.bootstrap import Interval, episode_interval
from squeezegym.theory.checks import Check, check, kept, midpoint, plane_midpoint, within
from squeezegym.theory.criticality import measured_index
from squeezegym.theory.phase import MARKET_S, PROBE_SEED, market_scenario, phase
from squeezegym.theory.probe import DURATION_S
from squeezegym.theory.recording import KEEPS_UP
from squeezegym.theory.response import ProbeResult, probe, short_triggers
from squeezegym.theory.samples import BP, FloatArray
from squeezegym.theory.supply import Supply, measure_supply, measured_barriers
from squeezegym.units import SECOND

MULTIPLES = np.array([0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0])
SQUEEZED = 0.15  # of all shorts: half of those in the cluster
CHILD_BASE = 1.0  # of the metaorder of 300 base
FUTURES = 48
_BARRIER = "demand over barrier, split over both books in 30 s"


class Runs(NamedTuple):
    """Markets whose metaorder is so many of their own ignition barriers.

    Attributes:
        passed: (n,) whether half of the clustered shorts were taken.
        top: (n,) highest perp mid over the mark at the opening, bp.
        visible: (n,) demand over the barrier of the visible books.
    """

    passed: FloatArray
    top: FloatArray
    visible: FloatArray


def market_checks(
    seeds: int = 48,
    seed: int = 1,
    progress: Callable[[str], None] = lambda what: None,
    keep: Keep = anew,
) -> Iterator[Check]:
    """Run the rows of the full market.

    Args:
        seeds: Markets at each setting, 8 and above.
        seed: The first.
        progress: Told what is run next.
        keep: Keeps the rows of one kind, and the points of the plane.

    Yields:
        The rows.
    """
    scenario, rows = market_scenario(1.0, 1.0), range(seed, seed + seeds)
    progress("thresholds of the market")
    for name, changes in {"": {}, **VARIANTS}.items():
        changed = Scenario.load(scenario, **changes)
        what = ("market-threshold", changed.digest(), rows)
        yield from kept(keep, what, partial(_threshold, changed, rows, name))
    progress("responses of the market")
    yield from kept(keep, ("market-indices", rows), partial(_indices, rows))
    progress("phase plane of the market")
    points = list(phase("market", cells=5, paths=max(8, seeds // 2), seed=seed, keep=keep))
    yield check(
        "V11",
        "full market: demand over barrier at which forced base exceeds it in half, plane of open"
        " interest and depth",
        f"25 points, {max(8, seeds // 2)} seeds each; {_BARRIER}",
        1.0,
        plane_midpoint(points),
        within(1.0, 0.1),
    )
    progress("nulls of the market")
    yield from kept(keep, ("market-nulls", rows), partial(_nulls, scenario, rows))


def run_multiples(
    scenario: Scenario, barriers: FloatArray, multiple: float, seeds: Sequence[int]
) -> Runs:
    """Run one market a seed with a metaorder of so many of its barriers.

    Args:
        scenario: A market whose catalyst is always drawn.
        barriers: (n,) base.
        multiple: Of each.
        seeds: (n,) of the markets.
    """
    batch, lot = Batch.opened(scenario, seeds), scenario.contract.lot_size
    marks = batch.markets["marks"]["mark"].astype(np.float64)
    batch.markets["flow"]["catalyst_size"] = np.rint(multiple * barriers / lot)
    batch.command(slice(None), Command.RUN)
    top = np.full(len(marks), -np.inf)
    for second in range(1, round(MARKET_S) + 1):
        batch.views["until"] = second * SECOND
        batch.advance()
        mids = [mid_ticks(market["books"][Venue.PERP]) for market in batch.markets]
        top = np.maximum(top, BP * (np.array(mids) / marks - 1))
    batch.close()
    score = batch.markets["score"]
    forced = score["liquidated"][:, Side.SELL] * lot
    bound = SQUEEZED * scenario.population.short_base
    with np.errstate(divide="ignore"):
        visible = multiple * barriers / (score["barrier"] * lot)
    return Runs((forced >= bound).astype(np.float64), top, visible)


def _threshold(scenario: Scenario, seeds: range, variant: str = "") -> Iterator[Check]:
    """Where half squeeze, in barriers; of a variant the first row alone."""
    supply = measure_supply(scenario, range(PROBE_SEED, PROBE_SEED + len(seeds)))
    batch = Batch.opened(scenario, seeds)
    found = measured_barriers(batch.markets, scenario, supply)
    batch.close()
    barriers, ends = np.array([(x.demand, x.end) for x in found]).T
    runs = [run_multiples(scenario, barriers, float(x), seeds) for x in MULTIPLES]
    hits = np.array([run.passed.sum() for run in runs])
    yield check(
        "V9",
        f"full market{variant}: barriers of measured supply at which half squeeze",
        f"{len(seeds)} seeds at {len(MULTIPLES)} multiples; {_BARRIER}",
        1.0,
        midpoint(MULTIPLES, hits, len(seeds)),
        within(1.0, 0.03),
    )
    if variant:
        return
    points = [
        {"index": x, "ran_away": y}
        for run in runs
        for x, y in zip(run.visible, run.passed, strict=True)
    ]
    yield check(
        "V9",
        "full market: barriers of the visible books at which half squeeze",
        "the same runs",
        1.0,
        plane_midpoint(points),
        within(1.0, 0.03),
    )
    last = runs[-1]
    squeezed = (last.passed > 0) & np.isfinite(ends)
    ratios = (last.top / ends)[squeezed]
    yield check(
        "V9",
        "full market: highest price over the end that theory gives",
        f"those of {MULTIPLES[-1]:g} barriers that squeezed; median",
        1.0,
        (float(np.median(ratios)), episode_interval(ratios.tolist(), _median)),
        within(1.0, 0.02),
    )


VARIANTS: dict[str, dict[str, Any]] = {
    ", no drift of the fundamental": {"value.drift_bps_per_minute": 0.0},
    ", no drift, mark and engine ten times as fast": {
        "value.drift_bps_per_minute": 0.0,
        "marks.interval_ms": 100,
        "liquidation.interval_ms": 10.0,
        "liquidation.latency_ms": 1.0,
    },
}


def _median(values: list[Any]) -> float:
    return float(np.median(values))


def _indices(seeds: range) -> Iterator[Check]:
    """Index of the cluster: by single probes in calm and under stress, and by metaorders."""
    scenario = Scenario.load("short_squeeze", **IGNITED)
    start = int(scenario.catalyst.start_s[0])
    few = seeds[: max(4, len(seeds) // 4)]
    markets = [Market(scenario, seed) for seed in few]
    for market in markets:
        market.run(start - 1.0)
    densities = np.array([cluster_density(market) for market in markets])
    size = float(np.mean([short_triggers(market)[1].mean() for market in markets]))
    yield _index_check("calm", markets, size, densities, (0.4, 0.8))
    supply = measure_supply(scenario, range(PROBE_SEED, PROBE_SEED + len(seeds)))
    yield _slope_check(scenario, supply, densities)
    single = probe(markets, CHILD_BASE, futures=FUTURES)
    yield from _superposition(scenario, supply, single)
    for market in markets:
        market.run(11.0)
    densities = np.array([cluster_density(market) for market in markets])
    late = "ten seconds into the metaorder"
    yield _index_check(late, markets, size, densities, (1.0, np.inf))


def _index_check(
    when: str,
    markets: Sequence[Market],
    size: float,
    densities: FloatArray,
    target: tuple[float, float],
) -> Check:
    """Index of the response to an order as large as a mean account."""
    scenario, result = markets[0].scenario, probe(markets, size, futures=FUTURES)
    rules, density = scenario.liquidation, float(densities.mean())
    engine_s = (rules.latency_ms + scenario.marks.interval_ms / 2) / 1000
    column = result.mean[:, 0]
    value = measured_index(density, result.times, column, engine_s)
    noise = np.random.default_rng(0).standard_normal((200, len(column)))
    noisy = column + result.error[:, 0] * noise
    drawn = [measured_index(density, result.times, row, engine_s) for row in noisy]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return check(
        "R",
        f"full market: index of the cluster from the response to single orders, {when}",
        f"probes of a mean account, {size:.2g} base, on {len(markets)} seeds, {FUTURES} futures",
        1.0 if np.isinf(target[1]) else sum(target) / 2,
        (value, Interval(min(low, value), max(high, value))),
        target,
    )


def _slope_check(scenario: Scenario, supply: Supply, densities: FloatArray) -> Check:
    """Density of the cluster over the slope of measured supply where it stands."""
    distance = scenario.population.cluster_distance_bps
    i = int(np.clip(np.searchsorted(supply.rises, distance), 1, len(supply.rises) - 1))
    slope = np.diff(supply.base)[i - 1] / np.diff(supply.rises)[i - 1]
    per_bp = scenario.contract.price / scenario.contract.tick_size / BP
    found = (densities * per_bp / slope).tolist()
    return check(
        "R",
        "full market: n = rho / lambda of the cluster, lambda the slope of measured supply",
        f"metaorders of 30 s; cluster at {distance:g} bp, {len(found)} seeds",
        1.0,
        (_mean(found), episode_interval(found, _mean)),
        (1.0, np.inf),
    )


def _superposition(scenario: Scenario, supply: Supply, result: ProbeResult) -> Iterator[Check]:
    """Impact of a metaorder over the sum of its orders' single impacts."""
    per_bp = scenario.contract.price / scenario.contract.tick_size / BP
    inside = result.times <= DURATION_S
    mean, error = (
        float(np.trapezoid(column[inside, 1], result.times[inside])) / DURATION_S / per_bp
        for column in (result.mean, result.error)
    )
    for place in (1, 3):
        ratio = float(supply.rises[place] / (mean * supply.base[place]))
        half = 2 * error / mean * ratio
        yield check(
            "R",
            f"full market: impact of {supply.base[place]:g} base in 30 s over the sum of its"
            " orders' impacts",
            "a linear response would give 1; interval of the probes' error alone",
            1.0,
            (ratio, Interval(ratio - half, ratio + half)),
            within(1.0, 0.1),
        )


IGNITED = {
    "catalyst.squeeze": 1.0,
    "catalyst.near_miss": 0.0,
    "catalyst.start_s": (60.0, 60.0),
    "learner.short_start": 0.0,
    **KEEPS_UP,
}


def cluster_density(market: Market, width_bps: float = 25.0) -> float:
    """Densest base of shorts per tick in a band above the mark.

    Args:
        market: With shorts.
        width_bps: Of the band.
    """
    record = market.record
    accounts, mark = record["accounts"][FIRST_HOLDER_SLOT:], float(record["marks"]["mark"])
    shorts = (accounts["perp"] < 0) & (accounts["trigger"] > mark)
    width = mark * width_bps / BP
    band = ((accounts["trigger"][shorts] - mark) // width).astype(int)
    inside = band < 2 * BP / width_bps
    sizes = -accounts["perp"][shorts] * market.scenario.contract.lot_size
    return float(np.bincount(band[inside], sizes[inside]).max() / width)


def _nulls(scenario: Scenario, seeds: range) -> Iterator[Check]:
    supply = measure_supply(scenario, range(PROBE_SEED, PROBE_SEED + len(seeds)))
    batch = Batch.opened(scenario, seeds)
    barriers = np.array([x.demand for x in measured_barriers(batch.markets, scenario, supply)])
    batch.close()
    base = {"liquidation.destination": "off"}
    calm = run_multiples(Scenario.load(scenario, **base), barriers, 3.0, seeds).top
    full = run_multiples(scenario, barriers, 3.0, seeds).top
    unlinked = {"marks.rule": "oracle", "arbitrage.looks_per_s": 0.0, "catalyst.perp_share": 1.0}
    for name, changes, beside in (
        ("liquidations absorbed off-book", {"liquidation.destination": "absorber"}, base),
        ("mark of spot alone and no arbitrage", unlinked, {**unlinked, **base}),
        ("shorts shuffled over all prices", SHUFFLED, {**SHUFFLED, **base}),
    ):
        one, other = (
            run_multiples(Scenario.load(scenario, **x), barriers, 3.0, seeds).top
            for x in (changes, beside)
        )
        excess = one - other
        interval = episode_interval(excess.tolist(), _mean)
        yield check(
            "V12",
            f"full market, null: {name}: rise beyond that without liquidations, bp",
            f"3 barriers, {len(seeds)} seeds; the cascade itself adds"
            f" {float((full - calm).mean()):.0f} bp",
            0.0,
            (float(excess.mean()), interval),
            (-0.05 * float((full - calm).mean()), 0.05 * float((full - calm).mean())),
        )


def _mean(values: list[Any]) -> float:
    return float(np.mean(values))


SHUFFLED = {"population.cluster_share": 0.0, "population.leverage": ((2.0, 0.5), (3.0, 0.5))}
"""The same open interest with triggers thinly spread far away."""
