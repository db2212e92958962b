"""``squeezegym calibrate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console
from rich.table import Table

from squeezegym.commands.reports import needs
from squeezegym.errors import ConfigError
from squeezegym.files import check_target, write_whole

_OUTDATED = 1


def calibrate(
    book: tuple[Path, ...],
    spot: tuple[Path, ...],
    scenario: Path,
    out: Annotated[Path | None, tyro.conf.arg(aliases=["-o"])] = None,
    check: bool = False,
) -> int:
    """Rewrite the numbers that a scenario file marks [capture] from recordings.

    Comments, order and spacing of the file stay. Exit code 1 when --check finds a difference.

    Args:
        book: Raw capture of the perp; several files of one recording in order.
        spot: Raw capture of spot from the same time.
        scenario: The .toml file.
        out: Write here instead of in its place.
        check: Write nothing; fail when the file differs from the recording.
    """
    from squeezegym.data.calibrate import calibrate as measured_file
    from squeezegym.data.calibrate import measure_pair

    needs("tomlkit", "data", "calibrate")
    target = out or scenario
    if not scenario.is_file():
        raise ConfigError(f"--scenario: {str(scenario)!r} does not exist; give a .toml file")
    if not check:
        check_target("--out" if out else "--scenario", target, (".toml",))
    text, changes = measured_file(scenario.read_text(encoding="utf-8"), measure_pair(book, spot))
    table = Table("number", "old", "new", "estimator", title=str(scenario), title_justify="left")
    for change in changes:
        new = f"{change.new:.8g}" if change.new != change.old else "same"
        table.add_row(change.key, f"{change.old:.8g}", new, change.estimator)
    console = Console()
    console.print(table)
    differ = sum(change.new != change.old for change in changes)
    if check:
        console.print(f"{differ} of {len(changes)} numbers differ", highlight=False)
        return _OUTDATED if differ else 0
    write_whole(target, lambda path: path.write_text(text, encoding="utf-8"))
    console.print(f"wrote {target}: {differ} of {len(changes)} numbers changed", highlight=False)
    return 0
