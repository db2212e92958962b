"""Learners in kernel units: one record for each, and for a second order of the same account."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from squeezegym.codes import Venue
from squeezegym.gateways import pack_access
from squeezegym.sections import Learner
from squeezegym.units import BP, SECOND, lots, quanta

if TYPE_CHECKING:
    from squeezegym.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Seat:
    """A learner as the kernel knows it: an account with one order on one book.

    Args:
        learner: Account and access.
        widest_bps: Its actions are quotes, this far from the published mid at most; None: they are
            a target position and how to get there.
        hand: It is the second order of the account of the seat before: the ask of a pair of quotes.
    """

    learner: Learner
    widest_bps: float | None = None
    hand: bool = False


def pack_learner(scenario: Scenario, seat: Seat, target: Any) -> None:
    """Lower a learner to its record of ``LEARNER_PARAMS``."""
    learner = seat.learner
    target["venue"] = Venue[learner.venue.upper()]
    target["limit"] = max(1, round(lots(scenario, learner.limit_base)))
    target["capital"] = quanta(scenario, learner.capital_quote)
    target["short_start"] = learner.short_start
    target["start_low"], target["start_high"] = learner.short_start_size
    target["entry_spread"] = learner.entry_spread_bps * BP
    target["leverage_cap"] = learner.leverage_cap
    target["cap"] = learner.cap_bps * BP
    pack_access(scenario, learner, target)
    target["horizon"] = round(scenario.episode.horizon_s * SECOND)
    target["hand"] = seat.hand
    target["quotes"] = seat.widest_bps is not None
    target["widest"] = (seat.widest_bps or 0.0) * BP
