"""Those who answer a squeeze, in kernel units."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from squeezegym.codes import FIRST_HOLDER_SLOT
from squeezegym.units import BP, MS, SECOND, lots, pack_mix

if TYPE_CHECKING:
    from squeezegym.scenario import Scenario

_ROW = {1: 0, 10: 1, 60: 2}  # of the feed's horizons, by seconds


def pack_crowd(scenario: Scenario, record: Any) -> None:
    """Lower followers, snipers, FOMO and reloaders into the params record."""
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


def _pack_fomo(scenario: Scenario, target: Any) -> None:
    fomo, people = scenario.fomo, scenario.population
    opened = people.shorts + people.longs
    if scenario.positions is not None:
        opened = len(scenario.positions.lots)
    target["accounts"] = fomo.accounts
    target["first"] = FIRST_HOLDER_SLOT + opened + scenario.borrowing.accounts
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
