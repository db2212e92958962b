"""``squeezegym phase``."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from squeezegym.commands.reports import beside, check_json, needs, write_report
from squeezegym.commands.unfinished import unfinished
from squeezegym.files import check_target, write_whole
from squeezegym.progress import market_time

PlaneName = Literal["leverage-depth", "throttle-resilience", "mark-arbitrage", "market"]


def phase(
    out: Path,
    figure: Path | None = None,
    plane: PlaneName = "leverage-depth",
    cells: int = 12,
    paths: int = 200,
    seed: int = 1,
    workers: int | None = None,
    as_json: Annotated[Path | None, tyro.conf.arg(name="json")] = None,
) -> int:
    """Simulate a phase diagram of cascades beside the critical line of theory.

    Stopped with Ctrl-C, it goes on where it was when the same command is given again.

    Args:
        out: Write one row a point to this .parquet.
        figure: Draw it to this .png.
        plane: Which two parameters: three planes of the reduced model, and the full market by
            open interest and depth.
        cells: Points on each axis, 2 to 200.
        paths: Paths, or seeds of the market, of each point, 2 and above.
        seed: First of the seeds.
        workers: Points simulated at a time. Default: the cores that may be used.
        as_json: Write the points to this .json, or to stdout where it is -.
    """
    needs("scipy", "theory", "phase")
    needs("polars", "data", "phase")

    import polars

    from squeezegym.scenario import Scenario
    from squeezegym.theory.phase import PLANES, ROW
    from squeezegym.theory.phase import phase as simulate
    from squeezegym.view.figures import phase_diagram

    check_target("--out", out, (".parquet",))
    check_target("--figure", figure, (".png",))
    check_json(as_json)
    if figure is not None:
        needs("matplotlib", "view", "phase --figure")
    run: dict[str, Any] = {"plane": plane, "cells": cells, "paths": paths, "seed": seed}
    market = Scenario.load("short_squeeze").digest()
    with unfinished("phase", (out,), market=market, **run) as keep:
        todo = simulate(**run, workers=workers, keep=keep)
        rows = []
        with market_time(cells * cells, "points") as advance, closing(todo):
            for row in todo:
                rows.append(row)
                advance(1.0)
        frame = polars.DataFrame(rows, schema=ROW)
        write_whole(out, lambda path: frame.write_parquet(path))
        console = beside(as_json)
        console.print(f"wrote {out}", highlight=False)
        write_report(as_json, json.dumps(rows, indent=2) + "\n", console)
        if figure is not None:
            of = PLANES[plane]
            drawn = phase_diagram(
                frame.rename({"ran_away": "z"}),
                f"{plane}, {paths} paths a point, seed {seed}",
                (of.x, of.y, "share of simulated paths that run away"),
                level=0.5,
                scales=("linear" if of.linear_x else "log", "log"),
            )
            write_whole(figure, lambda path: drawn.savefig(path, format="png"))
            console.print(f"wrote {figure}", highlight=False)
    return 0
