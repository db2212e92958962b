"""``squeezegym list``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from squeezegym.scenario import Scenario


def list_scenarios() -> None:
    """List the environments and the shipped scenarios, one line each."""
    from squeezegym import ENVIRONMENTS
    from squeezegym.scenario import Scenario

    console = Console()
    ids = {name: env_id for env_id, name in ENVIRONMENTS.items()}
    table = Table("scenario", "environment", "what it is", title_justify="left")
    for name in Scenario.names():
        table.add_row(name, ids.get(name, "-"), _about(Scenario.load(name)))
    console.print(table)


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
        f" {drive}"
    )
