"""The figure of a phase diagram: theory's critical line over what was simulated."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from squeezegym.theory.phase import Plane


def save_phase(path: Path, rows: list[dict[str, Any]], plane: Plane, title: str) -> None:
    """Draw the share of runaways in colour, its half as a dashed line, theory's index as lines.

    Args:
        path: Where the picture goes; its ending is ``.png``.
        rows: All points of `squeezegym.theory.phase.phase`, in any order.
        plane: Names and scales of the axes.
        title: Above the picture.
    """
    from matplotlib.figure import Figure

    xs = np.array(sorted({row["x"] for row in rows}))
    ys = np.array(sorted({row["y"] for row in rows}))
    placed = {(row["x"], row["y"]): row for row in rows}
    ran_away, index = (
        np.array([[placed[x, y][name] for x in xs] for y in ys]) for name in ("ran_away", "index")
    )
    figure = Figure(figsize=(6.4, 4.8), layout="constrained")
    axes = figure.add_subplot()
    mesh = axes.pcolormesh(xs, ys, ran_away, shading="nearest", cmap="viridis", vmin=0, vmax=1)
    figure.colorbar(mesh, label="share of simulated paths that run away")
    for values, level, color, style, label in (
        (ran_away, 0.5, "white", "dashed", "simulated, one half"),
        (index, 1.0, "tab:red", "solid", "theory, index 1"),
    ):
        if values.min() < level < values.max():
            axes.contour(xs, ys, values, [level], colors=color, linestyles=style, linewidths=2)
            axes.plot([], [], color=color, linestyle=style, linewidth=2, label=label)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(facecolor="0.5", labelcolor="white", loc="upper left")
    if not plane.linear_x:
        axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set(xlabel=plane.x, ylabel=plane.y, title=title)
    figure.savefig(path, format="png", dpi=120, metadata={"Software": None})
