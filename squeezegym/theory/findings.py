"""Published findings about exchange rules, put to the market: which it shows, and how strongly.

A finding is a few rules on the same seeds, and the signs that it predicts of their outcomes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from squeezegym.scenario import Scenario
from squeezegym.theory.compare import OUTCOMES, Outcome, Rule, compare, traded
from squeezegym.theory.magnet import Trigger, magnet
from squeezegym.theory.paired import Difference, paired
from squeezegym.theory.recording import Recording
from squeezegym.theory.samples import FloatArray

Progress = Callable[[float], None]
Verdict = Literal["as published", "the other way", "not seen"]

SQUEEZED: dict[str, Any] = {
    "catalyst.squeeze": 1.0,
    "catalyst.near_miss": 0.0,
    "learner.short_start": 0.0,
    "protection.book": "perp",
}
PERSISTENT = {"catalyst.size_base": 834.0, "catalyst.waits_out_pauses": True}
RISING = {"value.drift_bps_per_minute": 40.0, "value.base_per_bp": 0.2}
RELOADERS = {"reloaders.share": 0.8, "reloaders.delay_s": 5.0, "reloaders.above_bps": 10.0}
SNIPERS = {"snipers.looks_per_s": 1.0, "snipers.trigger_base": 2.0}
THROTTLES = (10, 5, 3, 2, 1, 0.5, 0.2)  # accounts a second
BATCHES = (0.1, 0.5)  # s
TRIGGERS = (Trigger("price", 25.0), Trigger("volatility", 2.0))
NONE = Rule("none", {})


def losses(recording: Recording) -> FloatArray:
    """What the fund lost, net of its fees, and accounts are below zero by, thousand quote."""
    lost: FloatArray = recording.fund[:, 0] - recording.fund[:, -1] + recording.shortfall
    return lost / 1e3


def chosen(recording: Recording) -> FloatArray:
    """Volume of both books without forced orders, base."""
    found: FloatArray = traded(recording) - recording.liquidated[:, :, -1].sum(axis=0)
    return found


def severity(recording: Recording) -> FloatArray:
    """Shorts liquidated for a thousand coins traded, base."""
    found: FloatArray = 1e3 * recording.liquidated[1, :, -1] / np.maximum(traded(recording), 1.0)
    return found


LOSSES = Outcome("fund and accounts below zero, thousand quote", losses)
CHOSEN = Outcome("volume by choice, base", chosen)
SEVERITY = Outcome("shorts liquidated a thousand traded, base", severity)
SNIPED = Outcome("gain of the snipers, thousand quote", lambda recording: recording.sniped / 1e3)
_ALL = (*OUTCOMES, LOSSES, CHOSEN, SEVERITY, SNIPED)
_NAMES = {outcome.name.partition(",")[0]: outcome.name for outcome in _ALL}


@dataclass(frozen=True, slots=True)
class Claim:
    """A sign that a finding predicts.

    Attributes:
        rule: Name of the rule.
        against: Name of the one it is compared with.
        outcome: Name of an outcome up to its comma.
        sign: Of the difference: 1, -1, or 0 for none.
    """

    rule: str
    against: str
    outcome: str
    sign: int

    def verdict(self, found: Difference) -> Verdict:
        """Say what an interval of 95 % makes of it."""
        low, high = found.interval.low, found.interval.high
        seen = 1 if low > 0 else -1 if high < 0 else 0
        if seen == self.sign:
            return "as published"
        return "not seen" if seen == 0 else "the other way"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was published, and how the market is asked.

    Attributes:
        name: For files and tables.
        title: A heading.
        published: What was found, and where.
        claims: What that predicts here.
        rules: To compare; none for the magnet effect, which is another kind of run.
        changes: Of the short squeeze, common to all rules.
        remark: What limits it here.
    """

    name: str
    title: str
    published: str
    claims: tuple[Claim, ...]
    rules: tuple[Rule, ...] = ()
    changes: Mapping[str, Any] = field(default_factory=dict)
    remark: str = ""

    def work(self, episodes: int) -> float:
        """Market seconds of a run."""
        horizon = Scenario.load("short_squeeze").episode.horizon_s
        return episodes * horizon * (len(self.rules) or 2 * len(TRIGGERS))

    def run(
        self,
        episodes: int,
        *,
        seed: int = 1,
        threads: int | None = None,
        progress: Progress = lambda seconds: None,
    ) -> dict[Claim, Difference]:
        """Return the paired difference of every claim.

        Args:
            episodes: Seeds of each rule, 5 and above.
            seed: The first.
            threads: As of `squeezegym.batch.Batch`.
            progress: Told how many market seconds were run since it was told last.
        """
        if not self.rules:
            seeds = range(seed, seed + episodes)
            found = [
                magnet(Scenario.load("calm"), t, seeds, threads=threads, progress=progress).reached
                for t in TRIGGERS
            ]
            return dict(zip(self.claims, found, strict=True))
        values = compare(
            Scenario.load("short_squeeze", **{**SQUEEZED, **self.changes}),
            self.rules,
            episodes,
            seed=seed,
            outcomes=_ALL,
            threads=threads,
            progress=progress,
        ).values
        return {
            claim: paired(
                values[claim.rule, _NAMES[claim.outcome]],
                values[claim.against, _NAMES[claim.outcome]],
            )
            for claim in self.claims
        }


def throttle(per_s: float) -> Rule:
    """Return an engine that serves so many accounts a second."""
    rule = {"start_s": 0, "per_s": per_s}
    return Rule(f"throttle {per_s:g}/s", {"protection.liquidation_throttle": rule})


def batches(interval_s: float) -> Rule:
    """Return a perp that trades in batches of this length."""
    rule = {"start_s": 0, "interval_s": interval_s}
    return Rule(f"batches of {interval_s:g} s", {"protection.batch_auction": rule})


def halt(move: float) -> Rule:
    """Return a perp that halts once it has risen or fallen by this much within a minute."""
    rule = {"trigger": "rule", "variant": move}
    changes = {"protection.book": "perp", "protection.velocity_halt": rule}
    return Rule(f"halt after {100 * move:g} %", changes)


def _each(rules: tuple[str, ...], against: str, *signs: tuple[str, int]) -> tuple[Claim, ...]:
    return tuple(Claim(rule, against, outcome, sign) for rule in rules for outcome, sign in signs)


_EARLY, _LATE = halt(0.01), halt(0.02)
_PRECAUTIONS = ("price_band", "slow_engine", "low_leverage")
_BEST, _SLOWEST = throttle(5).name, throttle(THROTTLES[-1]).name
_SWEEP = tuple(throttle(rate).name for rate in THROTTLES)

FINDINGS = (
    Finding(
        "magnet",
        "A price trigger draws the market, a volatility trigger does not",
        "Near the trigger of a circuit breaker the chance of reaching it is larger with the breaker"
        " than without (Chen, Petukhov, Wang and Xing 2024, Journal of Finance 79:1405); a trigger"
        ' on volatility mitigates it ("Price dynamics with circuit breakers", Quantitative Finance'
        " 2024).",
        (
            Claim("price trigger foreseen", "unforeseen", "chance that it is reached", 1),
            Claim("volatility trigger foreseen", "unforeseen", "chance that it is reached", 0),
        ),
        remark="Nobody in the market foresees a halt, so that by itself it shows no magnet effect"
        " whatever: with the same seed the paths are one until the halt begins. What is measured is"
        " a trader of three times the depth within 10 bp who goes the way of the last five seconds"
        " once 60 % of the way to the trigger is made, in the calm market. The price trigger lies"
        " 25 bp from the opening price, the volatility trigger at 2 bp a root second over a minute."
        " An interval that reaches zero does not say that the second effect is the smaller one. The"
        " paper weighs welfare, for which the market has no measure.",
    ),
    Finding(
        "ex_ante",
        "A limit before trades beats a halt after them",
        "A circuit breaker before the fact cuts volatility markedly and removes flash crashes, one"
        " after the fact does not change volatility (Jacob Leal and Napoletano 2019, Journal of"
        " Economic Behavior and Organization); precautions beat halts (Paulin, Calinescu and"
        " Wooldridge 2018).",
        (
            *_each(("price_band",), "none", ("volatility", -1), ("highest rise", -1)),
            *_each((_LATE.name,), "none", ("volatility", 0)),
            *_each(
                _PRECAUTIONS,
                _LATE.name,
                ("volume by choice", 1),
                ("paused", -1),
                ("volatility", -1),
                ("mark from fundamental", -1),
            ),
            *_each(_PRECAUTIONS[1:], _LATE.name, ("shorts liquidated a thousand traded", -1)),
        ),
        (NONE, _LATE, *map(Rule.load, _PRECAUTIONS)),
        PERSISTENT,
        remark="The same metaorder under every rule, 834 coins, that waits a halt out and then goes"
        " on: demand comes back. The halt follows a rise of 2 % within a minute, which comes after"
        " the cluster of triggers at 0.8 %. Volatility is per second of trading, with the jump over"
        " a halt, which adds to it here; volume by choice is the volume without forced orders: what"
        " activity a rule leaves. Each limit leaves more of it, with less volatility and with the"
        " mark nearer to the fundamental.",
    ),
    Finding(
        "early_halt",
        "A halt before the cluster is a precaution too",
        "The same publications, put to a halt at half the distance, which comes before most of the"
        " cluster is reached, and to what a price band does for those who are liquidated.",
        (
            *_each((_EARLY.name,), "none", ("volatility", 0)),
            *_each(
                _PRECAUTIONS,
                _EARLY.name,
                ("volume by choice", 1),
                ("volatility", -1),
                ("mark from fundamental", -1),
                ("shorts liquidated a thousand traded", -1),
            ),
            *_each(("price_band",), _LATE.name, ("shorts liquidated a thousand traded", -1)),
        ),
        (NONE, _EARLY, _LATE, *map(Rule.load, _PRECAUTIONS)),
        PERSISTENT,
        remark="A halt at 1 % stops the cascade while it begins, so that it is before the fact in"
        " all but name: it calms, and fewer are liquidated than under the price band, for more than"
        " the band costs in activity. A slower engine and lower leverage beat it as well. The band"
        " keeps price from overshooting within seconds; whom it saves from liquidation are few, for"
        " the metaorder comes through it more slowly.",
    ),
    Finding(
        "throttle",
        "A throttled engine: a smaller cascade, larger losses, an optimum between",
        "The reduced model of this project predicts that a slower engine lowers the criticality"
        " index, that bankruptcy gaps grow with its delay, and so an interior optimum.",
        (
            *_each(_SWEEP[1:], "none", ("shorts liquidated", -1)),
            *_each(_SWEEP[4:], "none", ("fund and accounts below zero", 1)),
            Claim(_BEST, "none", "fund and accounts below zero", -1),
            *(
                Claim(_BEST, throttle(rate).name, "fund and accounts below zero", -1)
                for rate in (3, 2, THROTTLES[-1])
            ),
            Claim(_BEST, "none", "deleveraged", -1),
        ),
        (NONE, *map(throttle, THROTTLES)),
        RISING,
        remark="The fundamental rises by 40 bp a minute and value traders hold price to it four"
        " times as strongly, so that waiting costs. The shipped engine serves ten accounts a"
        " second; five a second was picked on other seeds.",
    ),
    Finding(
        "throttle_shipped",
        "A throttled engine where price comes back",
        "The same prediction, in the shipped squeeze as it is.",
        _each(
            (throttle(1).name, _SLOWEST),
            "none",
            ("shorts liquidated", -1),
            ("fund and accounts below zero", 1),
            ("deleveraged", -1),
        ),
        (NONE, throttle(1), throttle(THROTTLES[-1])),
        remark="Nothing holds price up after the metaorder. Who waits for the engine sees price"
        " come back, so that the throttle is without its cost here.",
    ),
    Finding(
        "short_ban",
        "A short ban takes sellers away",
        "A ban lowers short-term volatility in an agent-based model (Oriol and Veryzhenko 2015) and"
        " hurt liquidity in the markets of 2008 (Beber and Pagano 2013); in this project's reduced"
        " model it cuts both ways, and the loss of asks can win.",
        (
            *_each(
                ("short_ban",),
                "none",
                ("shorts liquidated", 1),
                ("deleveraged", 1),
                ("mark from fundamental", 1),
                ("mean spread", 1),
            ),
        ),
        (NONE, Rule.load("short_ban")),
        RELOADERS,
        remark="Four fifths of those who lost a short sell again within seconds, 10 bp higher up:"
        " their asks are what the ban takes away. Without them the ban changes nothing, for the"
        " shipped squeeze has nobody else who opens a short.",
    ),
    Finding(
        "batches",
        "Batch auctions take the snipers' share",
        "Frequent calls remove latency arbitrage (Wah and Wellman 2013, 2016); without it liquidity"
        " costs 17 % less (Aquilina, Budish and O'Neill 2022).",
        (
            *_each(
                tuple(batches(s).name for s in BATCHES),
                "none",
                ("gain of the snipers", -1),
                ("mean spread", -1),
            ),
        ),
        (NONE, *map(batches, BATCHES)),
        SNIPERS,
        remark="Snipers here ride forced flow rather than race for stale quotes; they look once a"
        " second and send one order to a batch. Makers do not know that a batch protects them, and"
        " arbitrageurs stay out of a book that collects: the spread widens instead.",
    ),
)
