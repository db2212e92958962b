"""``squeezegym show``."""

from __future__ import annotations

import json
from typing import Annotated

import tyro

from squeezegym.commands.choice import ScenarioChoice


def show(
    choice: Annotated[ScenarioChoice, tyro.conf.arg(name="")],
    as_json: Annotated[bool, tyro.conf.arg(name="json")] = False,
) -> None:
    """Print a scenario complete: every number resolved, with the digest that names it.

    The output is a scenario file again: `squeezegym show > mine.toml`. Levels of a recorded book
    are (distance from the mid in ticks, lots, true if extrapolated).

    Args:
        choice: Which market.
        as_json: JSON instead of TOML.
    """
    from squeezegym.view.toml import to_toml

    scenario = choice.load(bare=True)
    if as_json:
        print(json.dumps({"digest": scenario.digest(), "scenario": scenario.dump()}, indent=2))
        return
    print(f"# digest {scenario.digest()}")
    for note in choice.notes():
        print(f"# data: {note}")
    print(to_toml(scenario.dump()), end="")
