"""Those who answer a squeeze, in kernel units."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from squeezegym.codes import FIRST_HOLDER_SLOT
from squeezegym.units import BP, MS, SECOND, lots, pack_mix, quanta

if TYPE_CHECKING:
    from squeezegym.scenario import Scenario

_ROW = {1: 0, 10: 1, 60: 2}  # of the feed's horizons, by seconds


def pack_crowd(scenario: Scenario, record: Any) -> None:
    """Lower arbitrageurs, followers, snipers, FOMO and reloaders into the params record."""
    _pack_arbitrageurs(scenario, record["arbitrage"])
    followers = scenario.followers
    target = record["followers"]
    target["rate"] = followers.looks_per_s
    target["horizon"] = _ROW[followers.horizon_s]
    target["imbalance"] = followers.imbalance
    target["least"] = lots(scenario, followers.least_base)
    target["slice"] = max(1, round(lots(scenario, followers.slice_base)))
    target["slices"] = followers.slices
    target["interval"] = max(MS, round(followers.duration_s * SECOND / followers.slices))
    target["cap"] = followers.cap_bps * BP
    target["pause"] = round(followers.pause_s * SECOND)
    snipers = scenario.snipers
    target = record["snipers"]
    target["rate"] = snipers.looks_per_s
    target["horizon"] = _ROW[snipers.horizon_s]
    target["trigger"] = lots(scenario, snipers.trigger_base)
    target["max_lots"] = max(1, round(lots(scenario, snipers.max_base)))
    target["leave"] = snipers.leave_share
    target["hold"] = round(snipers.hold_s * SECOND)
    target["cap"] = snipers.cap_bps * BP
    _pack_fomo(scenario, record["fomo"])
    reloaders = scenario.reloaders
    target = record["reloaders"]
    target["share"] = reloaders.share
    target["delay"] = reloaders.delay_s
    target["leverage"] = reloaders.leverage
    target["above"] = reloaders.above_bps * BP
    target["cap"] = reloaders.cap_bps * BP


def _first_behind(scenario: Scenario) -> int:
    """Slot behind those who have a position when the market opens."""
    opened = scenario.population.shorts + scenario.population.longs
    if scenario.positions is not None:
        opened = len(scenario.positions.lots)
    return FIRST_HOLDER_SLOT + opened + scenario.borrowing.accounts


def _pack_arbitrageurs(scenario: Scenario, target: Any) -> None:
    arbitrage, fees = scenario.arbitrage, scenario.fees
    target["accounts"] = arbitrage.accounts
    target["first"] = _first_behind(scenario) + scenario.fomo.accounts
    target["capital"] = quanta(scenario, arbitrage.capital_quote) // max(1, arbitrage.accounts)
    target["initial"] = math.ceil(1e8 / arbitrage.leverage)
    both_legs = (fees.perp_taker_bps + fees.spot_taker_bps) * (1 - arbitrage.fee_rebate)
    target["hurdle"] = (arbitrage.threshold_bps + both_legs + arbitrage.slippage_bps) * BP
    target["unwind"] = arbitrage.unwind_bps * BP
    if scenario.funding.rule != "off":
        target["funding_weight"] = arbitrage.funding_weight
    target["slippage"] = arbitrage.slippage_bps * BP
    target["rebate"] = round(arbitrage.fee_rebate * 1e8)
    target["latency"] = round(arbitrage.latency_ms * MS)


def _pack_fomo(scenario: Scenario, target: Any) -> None:
    fomo = scenario.fomo
    target["accounts"] = fomo.accounts
    target["first"] = _first_behind(scenario)
    target["seed"] = fomo.seeds_per_s
    target["contact"] = fomo.contacts_per_s
    target["recovery"] = fomo.recoveries_per_s
    target["horizon"] = _ROW[fomo.horizon_s]
    target["full"] = fomo.return_bps * BP
    pack_mix(fomo.leverage, target)
    target["smallest"] = max(1.0, lots(scenario, fomo.smallest_base))
    target["tail"] = fomo.size_tail
    target["largest"] = max(1.0, lots(scenario, fomo.largest_base))
    target["cap"] = fomo.cap_bps * BP
