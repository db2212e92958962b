"""The levers of the venue's protection: one for each rule, for decisions while a market runs.

A decision is written to ``market["protection"]["levers"][rule]``: ``asked`` 1 to switch the rule
on, or to change its value, -1 to switch it off; ``value`` in the units of the record, 0 for that of
the scenario, and clipped to its range. The venue serves it at its next look, at once when
``clock["due"][Source.PROTECTION]`` is set to the present time.
:meth:`squeezegym.market.Market.protect` does both in the units of the scenario.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from squeezegym.codes import Source
from squeezegym.errors import ConfigError, did_you_mean
from squeezegym.measures import RULE_NAMES, Rule
from squeezegym.units import lots

if TYPE_CHECKING:
    from squeezegym.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Lever:
    """What the value of a rule means.

    Args:
        field: Of the rule's section, in whose unit people give it.
        unit: Of that field.
        low: Smallest value, > 0.
        high: Largest value.
        record: Its unit in the market record.
    """

    field: str
    unit: str
    low: float
    high: float
    record: str


LEVERS: dict[Rule, Lever] = {
    Rule.LEVERAGE_CAP: Lever("leverage", "notional over margin", 1, 150, "the same"),
    Rule.MARGIN_HIKE: Lever("factor", "of both margins", 1, 100, "the same"),
    Rule.OPEN_INTEREST_MARGIN: Lever("upper_base", "base", 1e-9, 1e12, "lots"),
    Rule.POSITION_LIMIT: Lever("most_base", "base", 1e-9, 1e12, "lots"),
    Rule.PRICE_BAND: Lever("width", "of the reference", 1e-6, 10, "the same"),
    Rule.CIRCUIT_BREAKER: Lever("variant", "of the previous close", 1e-6, 1, "the same"),
    Rule.VELOCITY_HALT: Lever("variant", "of the previous close", 1e-6, 1, "the same"),
    Rule.LIQUIDATION_THROTTLE: Lever("per_s", "accounts a second", 1e-3, 1000, "the same"),
    Rule.ABSORPTION: Lever("share", "of a position", 1e-6, 1, "the same"),
    Rule.FUNDING_CHANGE: Lever("interval_s", "s", 1, 1e6, "of the scenario's interval"),
    Rule.TRADE_CANCELLATION: Lever("window_s", "s", 1e-3, 1e6, "s of the market's clock"),
    Rule.BATCH_AUCTION: Lever("interval_s", "s", 1e-4, 60, "the same"),
}
"""Levers with a value; the others are on or off."""


def pull(record: Any, scenario: Scenario, rule: str, on: bool, value: float | None) -> None:
    """Write a decision to the lever of a rule, to be served at once.

    Args:
        record: The market record.
        scenario: Its scenario.
        rule: Name of the rule, as in section ``protection``.
        on: Whether it is to be in force.
        value: In the unit of the rule's field; None: the scenario's.

    Raises:
        ConfigError: An unknown rule, a value out of range, or trades that nobody keeps.
    """
    if rule not in RULE_NAMES:
        raise ConfigError(
            f"unknown rule {rule!r}{did_you_mean(rule, RULE_NAMES)}; known: {', '.join(RULE_NAMES)}"
        )
    code = Rule[rule.upper()]
    if code == Rule.TRADE_CANCELLATION and record["protection"]["n_fills"] < 0:
        raise ConfigError(
            "trade_cancellation needs fills that are kept; make the market with "
            "protection.trade_cancellation.trigger = 'agent' and protection.book = 'perp'"
        )
    lever = record["protection"]["levers"][int(code)]
    lever["value"] = 0.0 if value is None else _checked(code, value) * lever_unit(scenario, code)
    lever["asked"] = 1 if on else -1
    record["clock"]["due"][Source.PROTECTION] = record["clock"]["now"]


def _checked(rule: Rule, value: float) -> float:
    """Return a value that the lever of a rule takes."""
    name, lever = rule.name.lower(), LEVERS.get(rule)
    if lever is None:
        raise ConfigError(f"{name} takes no value, got {value}; leave it out")
    if not lever.low <= value <= lever.high:
        allowed = f"{lever.field} from {lever.low:g} to {lever.high:g}"
        raise ConfigError(f"{name} takes {allowed}, got {value}")
    return float(value)


def lever_unit(scenario: Scenario, rule: Rule) -> float:
    """Return what one unit of a rule's field is worth in units of its lever."""
    if rule in (Rule.OPEN_INTEREST_MARGIN, Rule.POSITION_LIMIT):
        return lots(scenario, 1.0)
    if rule == Rule.FUNDING_CHANGE:
        return 1.0 / scenario.funding.interval_s
    if rule == Rule.TRADE_CANCELLATION:
        return 1.0 / scenario.episode.clock_compression
    return 1.0


def table() -> str:
    """Return the levers as a markdown table, in the order of their places."""
    lines = ["| lever | rule | value | range | in the record |", "|---|---|---|---|---|"]
    for rule in Rule:
        lever = LEVERS.get(rule)
        cells = "on or off | | " if lever is None else ""
        if lever is not None:
            span = f"{lever.low:g} to {lever.high:g}"
            cells = f"`{lever.field}`, {lever.unit} | {span} | {lever.record}"
        lines.append(f"| {int(rule)} | `{rule.name.lower()}` | {cells} |")
    return "\n".join(lines) + "\n"
