"""``squeezegym phase``."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from rich.console import Console

from squeezegym.commands.reports import STOPPED, needs
from squeezegym.errors import ConfigError, DataError
from squeezegym.files import check_target, write_whole
from squeezegym.progress import market_time

PlaneName = Literal["leverage-depth", "throttle-resilience", "mark-arbitrage", "market"]
_SAVE_EVERY = 10  # points between two writes of a diagram that is not complete


def phase(
    out: Path,
    figure: Path | None = None,
    plane: PlaneName = "leverage-depth",
    cells: int = 12,
    paths: int = 200,
    seed: int = 1,
    workers: int | None = None,
) -> int:
    """Simulate a phase diagram of cascades beside the critical line of theory.

    Stopped, it goes on where it was when it is run again with the same options: points that are
    done stand beside --out, in a file that ends in .part.parquet.

    Args:
        out: Write one row a point to this .parquet.
        figure: Draw it to this .png.
        plane: Which two parameters: three planes of the reduced model, and the full market by
            open interest and depth.
        cells: Points on each axis.
        paths: Paths, or seeds of the market, of each point.
        seed: The first.
        workers: Points simulated at a time. Default: the cores that may be used.
    """
    from squeezegym.theory.phase import PLANES, points, settings
    from squeezegym.theory.phase import phase as simulate
    from squeezegym.view.phase import save_phase

    needs("scipy", "theory", "phase")
    needs("polars", "data", "phase")
    check_target("--out", out, (".parquet",))
    check_target("--figure", figure, (".png",))
    if figure is not None:
        needs("matplotlib", "view", "phase --figure")
    part = out.with_suffix(".part.parquet")
    digest = settings(plane, cells, paths, seed)
    rows = _known(part, digest)
    todo = simulate(
        plane,
        cells=cells,
        paths=paths,
        seed=seed,
        done=[(row["x"], row["y"]) for row in rows],
        workers=workers,
    )
    try:
        with market_time(cells * cells - len(rows), "points") as advance:
            for row in todo:
                rows.append(row)
                advance(1.0)
                if len(rows) % _SAVE_EVERY == 0:
                    _save(part, rows)
    except KeyboardInterrupt:
        _save(part, rows)
        kept = f"squeezegym: stopped; {len(rows)} points are kept in {part}"
        Console(stderr=True).print(kept, highlight=False, soft_wrap=True)
        return STOPPED
    order = {point: i for i, point in enumerate(points(plane, cells))}
    rows.sort(key=lambda row: order[row["x"], row["y"]])
    _save(out, rows)
    part.unlink(missing_ok=True)
    written = [out]
    if figure is not None:
        title = f"{plane}, {paths} paths a point, seed {seed}"
        write_whole(figure, lambda path: save_phase(path, rows, PLANES[plane], title))
        written.append(figure)
    for path in written:
        Console().print(f"wrote {path}", highlight=False)
    return 0


def _save(path: Path, rows: list[dict[str, Any]]) -> None:
    import polars

    from squeezegym.theory.phase import ROW

    write_whole(path, lambda to: polars.DataFrame(rows, schema=ROW).write_parquet(to))


def _known(part: Path, digest: str) -> list[dict[str, Any]]:
    """Rows that an earlier run with the same settings has left."""
    import polars

    if not part.is_file():
        return []
    try:
        rows = polars.read_parquet(part).to_dicts()
    except (OSError, polars.exceptions.PolarsError) as error:
        raise DataError(f"{str(part)!r} cannot be read ({error}); remove it") from None
    if any(row.get("settings") != digest for row in rows):
        raise ConfigError(
            f"{str(part)!r} belongs to a diagram with other options; remove it, or name another"
            " --out"
        )
    return rows
