"""The rules of the venue in kernel units."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from squeezegym.codes import (
    NEVER,
    NO_ASK,
    FundingRule,
    IndexRule,
    Liquidation,
    MarkRule,
    Policy,
    Ranking,
    Remainder,
    SelfTrade,
)
from squeezegym.gateways import pack_gateway
from squeezegym.packing_protection import pack_protection
from squeezegym.rules import Margin
from squeezegym.units import BP, MS, RATE, SECOND, lots, pack_mix, quanta, slow, ticks

if TYPE_CHECKING:
    from squeezegym.scenario import Scenario

_EIGHT_HOURS_S = 28_800.0
_AVERAGE = {"binance": "linear"}


def pack_rules(scenario: Scenario, record: Any) -> None:
    """Lower every rule of the venue into the params record."""
    fees = scenario.fees
    _pack_marks(scenario, record["marks"])
    _pack_funding(scenario, record["funding"])
    _pack_matching(scenario, record["matching"])
    quantum = scenario.contract.tick_size * scenario.contract.lot_size
    pack_margin(scenario.margin, quantum, record["margin"])
    record["fees"]["maker"] = [
        round(b * BP * RATE) for b in (fees.perp_maker_bps, fees.spot_maker_bps)
    ]
    record["fees"]["taker"] = [
        round(b * BP * RATE) for b in (fees.perp_taker_bps, fees.spot_taker_bps)
    ]
    record["fees"]["liquidation"] = round(fees.liquidation_bps * BP * RATE)
    _pack_liquidation(scenario, record["liquidation"])
    _pack_borrowing(scenario, record["borrowing"])
    pack_protection(scenario, record["protection"])
    pack_gateway(scenario, record)


def _pack_liquidation(scenario: Scenario, record: Any) -> None:
    rules = scenario.liquidation
    record["destination"] = Liquidation[rules.destination.upper()]
    record["policy"] = Policy[rules.policy.upper()]
    record["remainder"] = Remainder[rules.remainder.upper()]
    record["ranking"] = Ranking[rules.ranking.upper()]
    for name in ("latency", "interval", "cooldown"):
        record[name] = round(getattr(rules, f"{name}_ms") * MS)
    record["prints"] = round(rules.print_interval_ms * MS)
    record["ramp_time"] = round(rules.ramp_s * SECOND)
    for name in ("fund", "vault", "threshold", "block_notional", "block_loss", "ramp_small"):
        record[name] = quanta(scenario, getattr(rules, f"{name}_quote"))
    for name in ("support", "ramp_fee", "buffer"):
        record[name] = round(getattr(rules, f"{name}_bps") * BP * RATE)
    record["fund_cap"] = round(rules.fund_cap * RATE)
    record["drawdown"] = round(rules.fund_drawdown * RATE)
    recovery = rules.fund_recovery
    record["recovery"] = round(
        (1 - rules.fund_drawdown / 3 if recovery is None else recovery) * RATE
    )
    record["share"] = max(1, round(rules.share * RATE))
    record["backstop"] = round(rules.backstop_ratio * RATE)
    record["spread"] = rules.spread_ratio
    record["adjustment"] = rules.bankruptcy_adjustment
    record["ramp_start"] = rules.ramp_start
    record["unit"] = max(1, quanta(scenario, 1.0))


def _pack_marks(scenario: Scenario, record: Any) -> None:
    marks = scenario.marks
    record["interval"] = marks.interval_ms * MS
    record["rule"] = MarkRule[marks.rule.upper()]
    record["basis_samples"] = marks.basis_samples
    record["basis_memory"] = marks.basis_memory_s
    record["local_memory"] = marks.local_memory_s
    record["index_rule"] = IndexRule[marks.index_rule.upper()]
    record["outlier"] = marks.outlier
    record["band"] = marks.band
    record["stale"] = round(marks.stale_s * SECOND)
    record["frozen_from"] = round(marks.frozen_from_s * SECOND)
    record["frozen"] = marks.frozen_venue
    record["skew"] = np.array(marks.skew_bps) * BP
    record["weight"] = marks.weights
    record["follow"] = marks.follow_per_s
    record["noise"] = np.array(marks.noise_bps) * BP


def _pack_funding(scenario: Scenario, record: Any) -> None:
    funding = scenario.funding
    first = funding.interval_s if funding.first_s is None else funding.first_s
    record["rule"] = FundingRule[funding.rule.upper()]
    record["interval"] = slow(scenario, funding.interval_s)
    record["term"] = round(funding.interval_s * SECOND) // MS
    record["first"] = slow(scenario, first) if first > 0 else 0
    record["sample"] = slow(scenario, funding.sample_s)
    record["linear"] = (funding.average or _AVERAGE.get(funding.rule)) == "linear"
    record["share"] = funding.interval_s / _EIGHT_HOURS_S
    record["interest"] = funding.interest
    record["clamp"] = funding.clamp
    record["cap"] = funding.cap
    record["impact"] = max(1, quanta(scenario, funding.impact_quote))
    record["opening"] = scenario.marks.funding_rate


def _pack_matching(scenario: Scenario, record: Any) -> None:
    record["self_trade"] = SelfTrade[scenario.matching.self_trade.upper()]
    record["lowest"], record["highest"] = 1, NO_ASK - 1
    if scenario.matching.price_range is not None:
        lowest, highest = (ticks(scenario, price) for price in scenario.matching.price_range)
        record["lowest"] = max(1, math.ceil(lowest))
        record["highest"] = min(int(NO_ASK) - 1, math.floor(highest))


def pack_margin(margin: Margin, quantum: float, record: Any) -> None:
    """Lower brackets to a record of ``MARGIN_PARAMS``.

    The deductions make the margin continuous: ``cum_n = cum_(n-1) + floor_n * (rate_n -
    rate_(n-1))``.

    Args:
        margin: The section.
        quantum: Quote per quantum.
        record: The record to fill.
    """
    record["n_tiers"] = len(margin.brackets)
    deduction = 0
    previous = 0
    for i, (floor, rate, *_) in enumerate(margin.brackets):
        units = round(rate * RATE)
        quanta = round(floor / quantum)
        deduction += quanta * (units - previous) // RATE
        record["floor"][i] = quanta
        record["rate"][i] = units
        record["deduction"][i] = deduction
        previous = units
    for i, leverage in enumerate(margin.max_leverage()):
        # Rounded up, but not for the noise of a division: 1 / (1 / 0.013) is 0.013.
        record["initial"][i] = math.ceil(round(RATE / leverage, 6))


def _pack_borrowing(scenario: Scenario, target: Any) -> None:
    rules = scenario.borrowing
    target["accounts"] = rules.accounts
    target["lots"] = round(lots(scenario, rules.base))
    target["supply"] = round(lots(scenario, rules.supply_base))
    pack_mix(rules.leverage, target)
    target["initial"] = round(rules.initial_level * RATE)
    target["liquidation"] = round(rules.liquidation_level * RATE)
    target["latency"] = round(rules.latency_ms * MS)
    target["interval"] = round(rules.interval_ms * MS)
    target["pause"] = round(rules.retry_s * SECOND)
    target["fee"] = round(rules.liquidation_bps * BP * RATE)
    target["base_rate"], target["slope"] = rules.base_rate, rules.slope
    target["steep"], target["kink"] = rules.steep, rules.kink
    target["accrual"] = max(1, round(slow(scenario, rules.interval_s) / MS)) * MS
    target["term"] = round(rules.interval_s * 1000)
    target["recall_at"], target["recall_rate"] = rules.recall_at, rules.recalls_per_s
    target["notice"] = slow(scenario, rules.notice_s) if rules.notice_s > 0 else 0
    drops = rules.supply_drop_share > 0
    target["drop_at"] = round(rules.supply_drop_s * SECOND) if drops else int(NEVER)
    target["drop_share"] = round(rules.supply_drop_share * RATE)
