"""``squeezegym causes``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import tyro

from squeezegym.commands.reports import beside, check_json, needs, write_report
from squeezegym.commands.unfinished import unfinished
from squeezegym.files import check_target
from squeezegym.progress import market_time


def causes(
    episodes: int = 100,
    seed: int = 1,
    as_json: Annotated[Path | None, tyro.conf.arg(name="json")] = None,
    markdown: Path | None = None,
) -> None:
    """Take the causes of a squeeze away one at a time, on the same seeds.

    Forced flow, arbitrage, makers who withdraw, FOMO, snipers and overload: each row has the
    outcome with the cause and without it, the effect, its 95 % interval and its size.

    Stopped with Ctrl-C, it goes on where it was when the same command is given again.

    Args:
        episodes: Seeds of each run, 5 and above.
        seed: First of the seeds.
        as_json: Write the effects to this .json, or to stdout where it is -.
        markdown: Write them as a page to this .md.
    """
    from squeezegym.theory.causes import causes as measure
    from squeezegym.theory.causes import work
    from squeezegym.view.facts import causes_data, causes_markdown, causes_table

    needs("scipy", "theory", "causes")
    check_json(as_json)
    check_target("--markdown", markdown, (".md",))
    title = "Causes of a squeeze, one at a time"
    command = f"squeezegym causes --episodes {episodes} --seed {seed}"
    run = {"episodes": episodes, "seed": seed}
    with unfinished("causes", (as_json, markdown), **run) as keep:
        with market_time(work(episodes)) as advance:
            effects = measure(**run, progress=advance, keep=keep)
        console = beside(as_json)
        console.print(causes_table(effects, title))
        data: dict[str, Any] = {"seed": seed, "episodes": episodes, "rows": causes_data(effects)}
        write_report(as_json, json.dumps(data, indent=2) + "\n", console)
        write_report(markdown, causes_markdown(effects, title, command), console)
