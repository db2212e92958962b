"""The section of a scenario that states what the exchange may decide as a learner, and its pay."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator

from squeezegym.errors import did_you_mean
from squeezegym.measures import RULE_NAMES, Rule
from squeezegym.sections import Frozen, NotNegative

STEPS = 8  # in which a lever is pulled


class Guard(Frozen):
    """The exchange as a learner: when it decides, which levers it has, what it is paid for.

    Amounts of money are in notionals of the depth within 10 bp of the home book, so that weights
    mean the same in every market.
    """

    step_ms: Annotated[int, Field(ge=1, le=60_000)] = 1000
    """Decision interval."""
    levers: tuple[str, ...] = (
        "short_ban",
        "leverage_cap",
        "margin_hike",
        "position_limit",
        "price_band",
        "velocity_halt",
        "liquidation_throttle",
        "absorption",
        "funding_change",
        "batch_auction",
    )
    """Rules of ``protection`` that the action reaches, in the order of its entries."""
    volume: NotNegative = 1.0
    """Reward for traded volume, both books."""
    liquidated: NotNegative = 1.0
    """Cost of liquidated notional."""
    losses: NotNegative = 10.0
    """Cost of what fund and vault lose, and of what is deleveraged or charged to others."""
    dislocation: NotNegative = 0.01
    """Cost of a basis point between mark and fundamental for a minute."""
    halted: NotNegative = 2.0
    """Cost of a minute in which a book does not trade continuously."""

    @field_validator("levers")
    @classmethod
    def _known(cls, levers: tuple[str, ...]) -> tuple[str, ...]:
        for name in levers:
            if name not in RULE_NAMES:
                raise ValueError(
                    f"unknown lever {name!r}{did_you_mean(name, RULE_NAMES)}; known: "
                    f"{', '.join(RULE_NAMES)}"
                )
            if Rule[name.upper()] == Rule.TRADE_CANCELLATION:
                raise ValueError(
                    "trade_cancellation is no lever of the guard: it would take back what it was "
                    "paid for; leave it out"
                )
        if not levers or len(set(levers)) < len(levers):
            raise ValueError(f"levers must be one or more different rules, got {list(levers)}")
        return levers
