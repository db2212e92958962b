"""The section that lists the players of a game."""

import pytest

from squeezegym import Scenario
from squeezegym.errors import ConfigError

GAME = "squeeze_game"
NAMES = ["squeezer_0", "short_0", "maker_0", "arbitrageur_0", "sniper_0"]


def test_the_shipped_game_has_five_players_and_the_same_market():
    scenario = Scenario.load(GAME)
    assert list(scenario.game.players) == NAMES
    squeeze = Scenario.load("short_squeeze").dump()
    mine = scenario.dump()
    assert {key for key in mine if mine[key] != squeeze.get(key)} == {"name", "game", "borrowing"}
    assert Scenario.parse(scenario.dump()) == scenario


def test_one_field_of_one_player_can_be_changed():
    changed = Scenario.load(GAME, **{"game.players.maker_0.limit_base": 3.0})
    assert changed.game.players["maker_0"].limit_base == 3.0
    assert list(changed.game.players) == NAMES
    assert changed.digest() != Scenario.load(GAME).digest()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"game.players.maker_0.capitl_quote": 1.0}, ["capitl_quote", "'capital_quote'", "role"]),
        ({"game.players.maker_0.role": "maker_of"}, ["'squeezer'", "got 'maker_of'"]),
        (
            {"game.players.maker_0.venue": "spot"},
            ["must be 'perp'", "got 'spot'"],
        ),
        (
            {"game.players.arbitrageur_0.short_start": 0.5},
            ["must be 0", "got 0.5"],
        ),
        ({"game.players.maker_0.capital_quote": 1e30}, ["game.players.maker_0", "1e+13 at most"]),
        ({"borrowing.supply_base": 0.0}, ["arbitrageur_0 needs coins", "borrowing.supply_base"]),
        ({"game": {"players": {}}}, ["1 to 16 players, got 0"]),
        ({"game.players": {"a b": {}}}, ["a b.role is missing"]),
        (
            {"game.players": {"a b": {"role": "sniper", "limit_base": 1, "capital_quote": 1}}},
            ["must be an identifier, got 'a b'"],
        ),
    ],
)
def test_what_is_wrong_is_said(changes, words):
    base = Scenario.load(GAME).dump()
    if "players" in str(changes.get("game", "")):
        base["game"] = changes.pop("game")
    with pytest.raises(ConfigError) as raised:
        Scenario.load(Scenario.parse(base), **changes)
    for word in words:
        assert word in str(raised.value)


def test_a_game_needs_a_perp():
    game = Scenario.load(GAME).game.model_dump()
    with pytest.raises(ConfigError, match=r"game needs a perp, and contract\.perp is false"):
        Scenario.load("equity_halt", game=game)
