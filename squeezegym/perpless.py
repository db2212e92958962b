"""A market without a perp: what its scenario need not state, and what it may not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from squeezegym.scenario import Scenario

_QUIET_NOISE = {
    "market_orders_per_s": 0.0,
    "market_log_mean": 0.0,
    "market_log_sd": 0.0,
    "market_max_base": 1.0,
    "limit_visits_per_s": 0.0,
    "limit_log_mean": 0.0,
    "limit_log_sd": 0.0,
}
_QUIET: dict[str, dict[str, Any]] = {
    "depth": {},
    "noise": _QUIET_NOISE,
    "makers": {"visits_per_s": 0.0, "learning_bps_per_base": 0.0},
}
_NOBODY: dict[str, dict[str, Any]] = {
    "arbitrage": {
        "looks_per_s": 0.0,
        "threshold_bps": 0.0,
        "base_per_bp": 0.0,
        "max_base": 0.0,
        "capital_base": 0.0,
    },
    "marks": {"rule": "oracle"},
    "funding": {"rule": "off"},
    "liquidation": {},
}


def fill_perpless(data: Any) -> Any:
    """Add what a scenario with ``contract.perp = false`` leaves out about the perp: nothing is."""
    if not isinstance(data, Mapping):
        return data
    contract = data.get("contract")
    if not isinstance(contract, Mapping) or contract.get("perp", True) is not False:
        return data
    filled = dict(data)
    for name, quiet in _QUIET.items():
        pair = filled.get(name)
        if isinstance(pair, Mapping):
            filled[name] = {**pair, "perp": _completed(pair.get("perp", {}), quiet)}
    for name, nobody in _NOBODY.items():
        filled[name] = _completed(filled.get(name, {}), nobody)
    filled.setdefault("margin", {"brackets": [[0.0, 0.5]]})  # asked by nobody
    return filled


def _completed(given: Any, missing: Mapping[str, Any]) -> Any:
    return {**missing, **given} if isinstance(given, Mapping) else given


def check_perpless(scenario: Scenario) -> None:
    """Raise ValueError where a section needs what the market has not: a perp, or coins to lend."""
    if scenario.learner.venue == "spot" and scenario.borrowing.supply_base == 0:
        if scenario.learner.short_start > 0:
            raise ValueError(
                f"learner.short_start={scenario.learner.short_start} on the spot book needs coins "
                "to borrow; set borrowing.supply_base, or short_start to 0"
            )
    if scenario.contract.perp:
        return
    for wrong, got, sentence in _conflicts(scenario):
        if wrong:
            raise ValueError(f"{got} needs a perp, and contract.perp is false; {sentence}")


def _conflicts(scenario: Scenario) -> list[tuple[bool, str, str]]:
    """Return ``(is wrong, what came, what to change)`` of every section that needs a perp."""
    noise, people = scenario.noise.perp, scenario.population
    flow = noise.market_orders_per_s + noise.limit_visits_per_s
    leveraged = any(leverage > 1 for leverage, _ in scenario.fomo.leverage)
    return [
        (
            flow + scenario.makers.perp.visits_per_s > 0,
            "flow on the perp book",
            "leave noise.perp and makers.perp out",
        ),
        (
            scenario.arbitrage.looks_per_s > 0,
            f"arbitrage.looks_per_s={scenario.arbitrage.looks_per_s}",
            "leave [arbitrage] out",
        ),
        (
            scenario.marks.rule != "oracle",
            f"marks.rule={scenario.marks.rule!r}",
            'the mark is the index, rule = "oracle"',
        ),
        (
            scenario.funding.rule != "off",
            f"funding.rule={scenario.funding.rule!r}",
            'leave [funding] out, or set rule = "off"',
        ),
        (
            people.shorts + people.longs > 0 or scenario.positions is not None,
            "a population of leveraged accounts",
            "set population.shorts and longs to 0 and let [borrowing] open the shorts",
        ),
        (
            scenario.catalyst.orders_per_s > 0 and scenario.catalyst.perp_share > 0,
            f"catalyst.perp_share={scenario.catalyst.perp_share}",
            "set it to 0",
        ),
        (
            scenario.snipers.looks_per_s > 0,
            f"snipers.looks_per_s={scenario.snipers.looks_per_s}",
            "set it to 0: snipers read the perp's liquidation feed",
        ),
        (
            scenario.reloaders.share > 0,
            f"reloaders.share={scenario.reloaders.share}",
            "set it to 0: reloaders are holders who lost a perp",
        ),
        (
            scenario.fomo.accounts > 0 and leveraged,
            "leverage of fomo",
            "set fomo.leverage to [[1, 1]]: coins are bought with cash",
        ),
        (
            scenario.learner.venue == "perp",
            "learner.venue='perp'",
            'set it to "spot"',
        ),
        (
            scenario.protection.book == "perp",
            "protection.book='perp'",
            'set it to "spot"',
        ),
    ]
