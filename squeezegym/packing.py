"""From a scenario in people's units to the params record in kernel units."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from squeezegym.codes import (
    FIRST_HOLDER_SLOT,
    NEVER,
    Side,
    Venue,
)
from squeezegym.liquidity import Depth, Makers, Noise, run_mean
from squeezegym.packing_crowd import pack_crowd
from squeezegym.packing_learner import Seat, pack_learner
from squeezegym.packing_rules import pack_rules
from squeezegym.params import params_dtype
from squeezegym.state import SIZES
from squeezegym.traders import Activity
from squeezegym.units import BP, MS, SECOND, lots, pack_mix, pack_rounds, ticks

if TYPE_CHECKING:
    from squeezegym.scenario import Scenario

_BUSIEST = 20.0  # ceiling of an intensity, in multiples of its mean


def check_capacity(scenario: Scenario) -> None:
    """Raise ValueError when a scenario needs more room than its size class has."""
    sizes = SIZES[scenario.size_class]
    holders = sizes.accounts - FIRST_HOLDER_SLOT
    wanted = scenario.population.shorts + scenario.population.longs
    if scenario.positions is not None:
        wanted = len(scenario.positions.lots)
    waiting = _most_take_profits(scenario.holders.take_profit, wanted)
    wanted += scenario.borrowing.accounts + scenario.fomo.accounts
    wanted += 2 * scenario.arbitrage.accounts  # a perp wallet and a coin wallet each
    if wanted > holders:
        raise ValueError(
            f"{wanted} accounts do not fit size_class '{scenario.size_class}' "
            f"({holders}); use a larger size_class or fewer accounts"
        )
    for venue, depth, noise in (
        ("perp", scenario.depth.perp, scenario.noise.perp),
        ("spot", scenario.depth.spot, scenario.noise.spot),
    ):
        quotes = max(len(depth.bids or ()), len(depth.asks or ())) or depth.quotes
        if quotes > sizes.quotes:
            raise ValueError(
                f"depth.{venue} has {quotes} quotes a side; size_class "
                f"'{scenario.size_class}' holds {sizes.quotes}"
            )
        if noise.slots > sizes.noise:
            raise ValueError(
                f"noise.{venue}.slots={noise.slots}; size_class "
                f"'{scenario.size_class}' holds {sizes.noise}"
            )
        resting = waiting if venue == "perp" else 0
        if 2 * quotes + noise.slots + resting + 64 > sizes.orders:
            raise ValueError(
                f"{venue}: 2 x {quotes} quotes, {noise.slots} noise slots and up to {resting} "
                f"take-profits need more than the {sizes.orders} orders of size_class "
                f"'{scenario.size_class}'"
            )


def _most_take_profits(share: float, accounts: int) -> int:
    """Orders that a share of accounts may draw, four deviations above the mean."""
    spread = 4.0 * math.sqrt(accounts * share * (1.0 - share))
    return min(accounts, math.ceil(accounts * share + spread))


def pack(scenario: Scenario, seats: Sequence[Seat] | None = None) -> Any:
    """Lower a validated scenario to a (1,) array of ``params_dtype``.

    Args:
        scenario: The scenario.
        seats: Its learners; default the one of section ``learner``.
    """
    seats = [Seat(scenario.learner)] if seats is None else seats
    params = np.zeros(1, params_dtype(scenario.size_class, len(seats)))
    record = params[0]
    _pack_scale(scenario, record)
    for venue, noise, makers, depth in (
        (0, scenario.noise.perp, scenario.makers.perp, scenario.depth.perp),
        (1, scenario.noise.spot, scenario.makers.spot, scenario.depth.spot),
    ):
        price = scenario.contract.price / scenario.contract.tick_size
        _pack_noise(noise, record["noise"][venue], price, scenario.contract.lot_size)
        _pack_makers(makers, record["maker"][venue], price, scenario.contract.lot_size)
        if scenario.contract.perp or venue == Venue.SPOT:
            _pack_depth(scenario, depth, record, venue, price)
    _pack_traders(scenario, record)
    pack_rules(scenario, record)
    _pack_population(scenario, record)
    _pack_holders(scenario, record["holders"])
    pack_crowd(scenario, record)
    for seat, target in zip(seats, record["learners"], strict=True):
        pack_learner(scenario, seat, target)
    return params


def _pack_scale(scenario: Scenario, record: Any) -> None:
    contract = scenario.contract
    scale = record["scale"]
    spot = ticks(scenario, contract.price)
    perp = ticks(scenario, contract.price * (1 + contract.basis_bps * BP))
    # A mid may lie half a tick above a whole one: measured books keep their exact prices.
    for venue, middle in ((0, round(2 * perp)), (1, round(2 * spot))):
        scale["half_tick"][venue] = middle % 2
    scale["price"] = round(2 * spot) // 2
    scale["basis"] = round(2 * perp) // 2 - round(2 * spot) // 2
    home = scenario.depth.perp if contract.perp else scenario.depth.spot
    scale["home"] = Venue.PERP if contract.perp else Venue.SPOT
    scale["depth"] = lots(scenario, home.within_10bps_base)
    scale["volatility"] = contract.volatility_bps * BP
    scale["burn_in"] = round(scenario.episode.burn_in_s * SECOND)


def _pack_noise(noise: Noise, record: Any, price: float, lot_size: float) -> None:
    record["market_rate"] = noise.market_orders_per_s * (1 - noise.branching)
    record["branching"] = noise.branching
    record["decay"] = noise.decay_per_s
    record["ceiling"] = max(1.0, _BUSIEST * noise.market_orders_per_s)
    record["persistence"] = noise.persistence
    if noise.run_tail > 0:
        # Two orders in a row are of one metaorder if both are pieces and none ends between them.
        record["run_tail"] = noise.run_tail
        record["longest"] = noise.run_longest
        within = 1 - 1 / run_mean(noise.run_tail, noise.run_longest)
        record["split"] = ((2 * noise.persistence - 1) / within) ** 0.5
    record["market_log_mean"] = noise.market_log_mean
    record["market_log_sd"] = noise.market_log_sd
    record["market_max"] = max(1, round(noise.market_max_base / lot_size))
    record["market_cap"] = noise.market_cap_bps * BP
    record["limit_rate"] = noise.limit_visits_per_s
    record["limit_log_mean"] = noise.limit_log_mean
    record["limit_log_sd"] = noise.limit_log_sd
    record["round_share"] = noise.round_share
    record["round"] = noise.round_ticks
    record["limit_distance"] = noise.limit_distance_bps * BP * price
    record["improve"] = noise.improve
    record["slots"] = noise.slots


def _pack_makers(makers: Makers, record: Any, price: float, lot_size: float) -> None:
    record["visit_rate"] = makers.visits_per_s
    record["near_bias"] = makers.near_bias
    power = makers.learning_power
    record["learning"] = makers.learning_bps_per_base * BP * price * lot_size**power
    record["concavity"] = power
    record["widest"] = makers.widest
    record["panic"] = makers.panic
    record["foresight"] = makers.foresight
    record["recall"] = 1 / makers.recall_trades
    record["alert"] = makers.alert
    record["reaction"] = round(makers.reaction_ms * MS)
    record["memory"] = 1 / makers.memory_s
    record["slow_memory"] = 1 / makers.slow_memory_s
    record["tolerance"] = makers.tolerance
    record["calm_trend"] = makers.calm_trend_bps * BP * price
    record["variance_memory"] = 1 / makers.volatility_memory_s
    record["calm_volatility"] = makers.calm_volatility_bps * BP * price
    record["skew"] = makers.skew_bps_per_base * BP * price * lot_size
    record["patience"] = makers.refill_patience
    record["withdrawal"] = makers.withdrawal
    record["floor"] = makers.floor
    record["widening"] = makers.widening
    record["size_spread"] = makers.size_spread


def power_law_profile(depth: Depth, price: float, lot_size: float) -> tuple[Any, Any]:
    """Distances (ticks) and lots of the quotes of one side under the power law.

    Cumulative depth is ``D(x) = D(10 bp) (x / 10 bp) ** exponent``. The first quote is the
    touch; the others stand at geometric distances and carry the depth of their interval.
    Source of the exponent: fit to Amberdata's BTC/FDUSD depth, July-August 2025.
    """
    edges = np.geomspace(depth.nearest_bps, depth.reach_bps, depth.quotes)
    rest = depth.within_10bps_base - depth.touch_base
    cumulative = rest * (edges / 10.0) ** depth.exponent
    distance = np.concatenate(([0.0], np.sqrt(edges[:-1] * edges[1:]))) * BP * price
    base = np.concatenate(([depth.touch_base + cumulative[0]], np.diff(cumulative)))
    return np.maximum(distance, 0.5), base / lot_size


def _pack_depth(scenario: Scenario, depth: Depth, record: Any, venue: int, price: float) -> None:
    if depth.bids is None or depth.asks is None:
        profile = power_law_profile(depth, price, scenario.contract.lot_size)
        sides = [profile, profile]
    else:
        sides = [
            (np.array([d for d, _, _ in side]), np.array([q for _, q, _ in side]))
            for side in (depth.bids, depth.asks)
        ]
    for side, (distance, sizes) in enumerate(sides):
        n = len(distance)
        record["maker"]["slots"][venue, side] = n
        record["distance"][venue, side, :n] = distance
        record["lots"][venue, side, :n] = sizes


def _pack_traders(scenario: Scenario, record: Any) -> None:
    value, catalyst, arbitrage = scenario.value, scenario.catalyst, scenario.arbitrage
    record["value"]["rate"] = value.decisions_per_s
    record["value"]["threshold"] = value.threshold_bps * BP
    record["value"]["lots_per_unit"] = lots(scenario, value.base_per_bp) / BP**value.power
    record["value"]["power"] = value.power
    record["value"]["max_lots"] = round(lots(scenario, value.max_base))
    record["value"]["volatility"] = value.volatility_bps * BP
    record["value"]["drift"] = value.drift_bps_per_minute * BP / 60
    record["value"]["perp_share"] = value.perp_share
    record["value"]["basis"] = scenario.contract.basis_bps * BP
    _pack_activity(scenario.activity, record["activity"])
    target = record["catalyst"]
    target["side"] = Side.BUY if catalyst.side == "buy" else Side.SELL
    target["start_min"], target["start_max"] = (round(t * SECOND) for t in catalyst.start_s)
    target["duration"] = round(catalyst.duration_s * SECOND)
    target["rate"] = catalyst.orders_per_s
    target["perp_share"] = catalyst.perp_share
    target["cap"] = catalyst.cap_bps * BP
    target["squeeze"] = catalyst.squeeze
    target["near_miss"] = catalyst.near_miss
    target["squeeze_low"], target["squeeze_high"] = catalyst.squeeze_size
    target["near_low"], target["near_high"] = catalyst.near_miss_size
    target["lots"] = round(lots(scenario, catalyst.size_base))
    target["waits"] = catalyst.waits_out_pauses
    target = record["arbitrage"]
    target["rate"] = arbitrage.looks_per_s
    target["threshold"] = arbitrage.threshold_bps * BP
    target["lots_per_unit"] = lots(scenario, arbitrage.base_per_bp) / BP
    target["max_lots"] = round(lots(scenario, arbitrage.max_base))
    target["max_position"] = round(lots(scenario, arbitrage.capital_base))
    fair = arbitrage.fair_basis_bps
    target["fair_basis"] = (scenario.contract.basis_bps if fair is None else fair) * BP


def _pack_activity(activity: Activity, record: Any) -> None:
    variance = activity.log_sd**2
    step = activity.interval_s
    record["interval"] = round(step * SECOND) if variance > 0 else NEVER
    record["keep"] = np.exp([-step / activity.fast_s, -step / activity.slow_s])
    shares = np.array([1 - activity.slow_share, activity.slow_share])
    record["sd"] = np.sqrt(variance * shares)
    record["shift"] = -variance / 2
    record["power"] = activity.volatility_power
    record["power_shift"] = -(activity.volatility_power**2) * variance


def _pack_holders(scenario: Scenario, record: Any) -> None:
    holders = scenario.holders
    record["isolated"] = holders.isolated
    record["wallet"] = holders.wallet_multiple
    record["top_up"] = holders.top_up
    record["stop_out"] = holders.top_up + holders.stop_out
    record["capitulate"] = holders.top_up + holders.stop_out + holders.capitulate
    record["stop_low"], record["stop_high"] = (bps * BP for bps in holders.stop_bps)
    record["take_profit"] = holders.take_profit
    record["take_low"], record["take_high"] = (bps * BP for bps in holders.take_profit_bps)
    record["snap"] = holders.snap
    record["beyond_low"], record["beyond_high"] = (bps * BP for bps in holders.snap_beyond_bps)
    record["alarm"] = holders.alarm_ratio
    record["restore"] = holders.restore_ratio
    record["resolve"] = holders.resolve
    record["cap"] = holders.cap_bps * BP
    record["reaction"] = round(holders.reaction_s * SECOND)


def _pack_population(scenario: Scenario, record: Any) -> None:
    population = scenario.population
    target = record["population"]
    target["shorts"] = population.shorts
    target["longs"] = population.longs
    target["short_lots"] = round(lots(scenario, population.short_base))
    target["long_lots"] = round(lots(scenario, population.long_base))
    target["size_tail"] = population.size_tail
    target["largest"] = population.largest
    target["history_volatility"] = population.history_volatility_bps * BP
    pack_mix(population.leverage, target)
    target["leverage_cap"] = population.leverage_cap
    target["cluster_side"] = Side.SELL if population.cluster_side == "shorts" else Side.BUY
    target["cluster_share"] = population.cluster_share
    target["cluster_distance"] = population.cluster_distance_bps * BP
    target["cluster_width"] = population.cluster_width_bps * BP
    target["cluster_leverage"] = population.cluster_leverage
    target["snap"] = population.snap
    pack_rounds(scenario, target)
    if scenario.positions is not None:
        n = len(scenario.positions.lots)
        target["n_given"] = n
        record["given_lots"][:n] = scenario.positions.lots
        record["given_entry"][:n] = scenario.positions.entry_ticks
        record["given_deposit"][:n] = scenario.positions.deposit_quanta
