"""The venue's protection in kernel units."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from squeezegym.codes import NEVER, Venue
from squeezegym.levers import LEVERS, lever_unit
from squeezegym.measures import RULE_NAMES, Rule, Trigger
from squeezegym.protectionrecord import N_PARTS
from squeezegym.protections import PLAN_MOST, plan_band, plan_doubles
from squeezegym.units import MS, RATE, SECOND, lots, slow, ticks

if TYPE_CHECKING:
    from squeezegym.scenario import Scenario


def pack_protection(scenario: Scenario, target: Any) -> None:
    """Lower the section into its part of the params record."""
    rules = scenario.protection
    target["book"] = Venue[rules.book.upper()]
    target["day"] = slow(scenario, rules.day_s)
    target["learner"] = rules.learner
    target["followers"] = rules.retail_followers
    _pack_limits(scenario, target)
    _pack_halts(scenario, target)
    _pack_triggers(scenario, target)
    _pack_values(scenario, target)
    target["maintenance"] = round(rules.leverage_cap.maintenance_share * RATE)
    target["ratio"] = round(rules.margin_hike.initial_ratio * RATE)
    target["lower_interest"] = round(lots(scenario, rules.open_interest_margin.lower_base))
    band = rules.price_band
    target["band_down"] = 1.0 if band.down is None else band.down / band.width
    target["by_last"] = band.around == "last"
    target["funding_cap"] = rules.funding_change.cap or 0.0
    cancels = rules.trade_cancellation
    target["remembers"] = cancels.trigger != "schedule" or cancels.start_s is not None


def _pack_values(scenario: Scenario, target: Any) -> None:
    """Write the value of each rule and the range that its lever takes, in the lever's units."""
    for rule, lever in LEVERS.items():
        unit = lever_unit(scenario, rule)
        value = getattr(getattr(scenario.protection, rule.name.lower()), lever.field)
        target["value"][rule] = value * unit
        target["range"][rule] = (lever.low * unit, lever.high * unit)
    target["value"][Rule.UPTICK_RULE] = scenario.protection.uptick_rule.fall


def _pack_limits(scenario: Scenario, target: Any) -> None:
    limits = scenario.protection.limits
    price = scenario.contract.price
    target["limits"] = limits.on
    target["band"] = plan_band(price, limits.tier) if limits.band is None else limits.band
    small = limits.band is None and price < 0.75
    target["most"] = ticks(scenario, PLAN_MOST) if small else 0.0
    doubles = limits.closing_s > 0 and plan_doubles(price, limits.tier)
    target["closing"] = slow(scenario, limits.closing_s) if doubles else 0
    target["check"] = limits.check_ms * MS
    target["part"] = max(1, slow(scenario, limits.window_s) // N_PARTS)
    target["update"] = slow(scenario, limits.update_s)
    target["step"] = limits.update_share
    target["limit"] = slow(scenario, limits.limit_s)


def _pack_halts(scenario: Scenario, target: Any) -> None:
    rules = scenario.protection
    breaker, velocity = rules.circuit_breaker, rules.velocity_halt
    pauses = (rules.limits.pause_s, breaker.pause_s, velocity.pause_s)
    target["pause"] = [slow(scenario, seconds) for seconds in pauses]
    windows = (breaker.window_s, velocity.window_s)
    target["move_part"] = [max(1, slow(scenario, s) // N_PARTS) for s in windows]
    for i, halt in ((0, rules.limits), (2, velocity)):  # the breaker's pre-open has no collar
        target["extension"][i] = slow(scenario, halt.extension_s)
        target["collar"][i] = halt.collar
        target["widen"][i] = halt.collar if halt.widen is None else halt.widen
        target["extensions"][i] = halt.extensions


def _pack_triggers(scenario: Scenario, target: Any) -> None:
    """Write when each rule is in force; times of a schedule are not compressed, durations are."""
    watches = False
    for i, name in enumerate(RULE_NAMES):
        rule = getattr(scenario.protection, name)
        target["source"][i] = Trigger[rule.trigger.upper()]
        for field, time in (("start", rule.start_s), ("end", rule.end_s)):
            target[field][i] = int(NEVER) if time is None else round(time * SECOND)
        target["move"][i] = rule.move or 0.0
        target["lasts"][i] = int(NEVER) if rule.lasts_s is None else slow(scenario, rule.lasts_s)
        target["notice"][i] = slow(scenario, rule.notice_s) if rule.notice_s > 0 else 0
        by_itself = rule.trigger == "rule" and (
            rule.move is not None or i in (Rule.UPTICK_RULE, Rule.TRADE_CANCELLATION)
        )
        watches = watches or by_itself
    target["watches"] = watches
