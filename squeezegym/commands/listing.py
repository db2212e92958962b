"""``squeezegym list``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import tyro
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from squeezegym.scenario import Scenario


def list_scenarios(as_json: Annotated[bool, tyro.conf.arg(name="json")] = False) -> None:
    """List the environments and the shipped scenarios, one line each.

    Args:
        as_json: Print the list as JSON instead of a table.
    """
    from squeezegym import ENVIRONMENTS, GAMES, GUARDS
    from squeezegym.scenario import Scenario

    ids: dict[str, list[str]] = {}
    for env_id, name in (*ENVIRONMENTS.items(), *GUARDS.items(), *GAMES.items()):
        ids.setdefault(name, []).append(env_id)
    scenarios = [Scenario.load(name) for name in Scenario.names()]
    if as_json:
        found = [
            {
                "scenario": scenario.name,
                "environments": ids.get(scenario.name, []),
                "digest": scenario.digest(),
                "about": _about(scenario),
            }
            for scenario in scenarios
        ]
        print(json.dumps(found, indent=2))
        return
    table = Table("scenario", "environments", "what it is", title_justify="left")
    for scenario in scenarios:
        table.add_row(scenario.name, "\n".join(ids.get(scenario.name, ["-"])), _about(scenario))
    Console().print(table)


def _about(scenario: Scenario) -> str:
    episode, population, catalyst = scenario.episode, scenario.population, scenario.catalyst
    drive = (
        f"{catalyst.side} catalyst"
        if catalyst.orders_per_s and catalyst.squeeze + catalyst.near_miss
        else "no catalyst"
    )
    source = "books and flow from a capture (--book); " if scenario.name == "from_data" else ""
    return (
        f"{source}{scenario.contract.symbol}, {episode.horizon_s:g} s in steps of"
        f" {episode.step_ms} ms, {population.shorts:,} shorts and {population.longs:,} longs,"
        f" {drive}{_players(scenario)}"
    )


def _players(scenario: Scenario) -> str:
    """Who plays, where several learners do: a game is made with ``parallel_env``."""
    if scenario.game is None:
        return ""
    return f"; players (parallel_env) {', '.join(scenario.game.players)}"
