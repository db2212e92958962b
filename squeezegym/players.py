"""The section of a scenario that lists the learners of a game: who they are, what they may do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, field_validator, model_validator

from squeezegym.packing_learner import Seat
from squeezegym.sections import Frozen, Learner

if TYPE_CHECKING:
    from squeezegym.scenario import Scenario

Role = Literal["squeezer", "short_seller", "maker", "arbitrageur", "sniper"]
MOST_PLAYERS = 16


class Player(Learner):
    """One learner of a game: its role, and the account and access of any learner.

    An arbitrageur has two wallets, one for each book, with half of the capital each; its limit is
    that of each leg.
    """

    role: Role
    """What its actions mean."""
    widest_bps: Annotated[float, Field(gt=0, le=1000)] = 10.0
    """Distance of a maker's quotes from the published mid at most."""
    short_start: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Share of episodes that begin with a short position."""

    @model_validator(mode="after")
    def _on_its_book(self) -> Player:
        if self.role in ("maker", "arbitrageur"):
            if self.venue != "perp":
                raise ValueError(
                    f"venue of role '{self.role}' must be 'perp', where its account begins, "
                    f"got {self.venue!r}; leave it out"
                )
            if self.short_start > 0:
                raise ValueError(
                    f"short_start of role '{self.role}' must be 0, for it begins flat, "
                    f"got {self.short_start:g}; leave it out"
                )
        return self

    @property
    def seats(self) -> tuple[Seat, ...]:
        """Accounts and orders that it has in the market."""
        if self.role == "maker":
            return (Seat(self, self.widest_bps), Seat(self, self.widest_bps, hand=True))
        if self.role == "arbitrageur":
            half = {"capital_quote": self.capital_quote / 2}
            legs = (half, {**half, "venue": "spot"})
            return tuple(Seat(self.model_copy(update=leg)) for leg in legs)
        return (Seat(self),)


class Game(Frozen):
    """Several learners in one market."""

    players: dict[str, Player]
    """By name, in the order in which they act where nothing else decides."""

    @field_validator("players")
    @classmethod
    def _named(cls, players: dict[str, Player]) -> dict[str, Player]:
        if not 1 <= len(players) <= MOST_PLAYERS:
            raise ValueError(f"a game needs 1 to {MOST_PLAYERS} players, got {len(players)}")
        for name in players:
            if not name.isidentifier():
                raise ValueError(f"the name of a player must be an identifier, got {name!r}")
        return players


def check_players(scenario: Scenario) -> None:
    """Raise ValueError where the market lacks what a player needs."""
    if scenario.game is None:
        return
    if not scenario.contract.perp:
        raise ValueError("game needs a perp, and contract.perp is false; leave the section out")
    for name, player in scenario.game.players.items():
        borrows = player.role == "arbitrageur" or (
            player.venue == "spot" and player.short_start > 0
        )
        if borrows and scenario.borrowing.supply_base == 0:
            raise ValueError(
                f"game.players.{name} needs coins to borrow; set borrowing.supply_base"
            )
