"""The replay page: one HTML file that needs no network, with the run inside it.

The parts of the page are the files of ``view/page``. The run is stored as whole numbers, as
differences from one moment to the next and split into byte planes, deflated, in base64.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
import zlib
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from squeezegym.errors import ConfigError
from squeezegym.files import write_whole
from squeezegym.view.recorder import FRAME_DTYPE, Replay, check_runs

_SCRIPTS = ("decode.js", "panels.js", "draw.js", "book.js", "player.js")
_LARGEST = 2**30  # of a number in the page

# Resolution of the fields in units that the page shows; prices and base by tick and lot.
_QUOTE = ("fund", "equity")
_RATES = ("funding_rate", "premium")
_SHORT = ("queue_s", "feed_age_s")
_COUNTS = ("measures", "waiting", "refused")
_BASE = (
    "open_interest",
    "liquidated_shorts",
    "liquidated_longs",
    "short_interest",
    "bought_in",
    "position",
    "order_base",
    "bought",
    "sold",
)


def replay_page(replays: Sequence[Replay]) -> str:
    """Return the page of one run, or of two side by side.

    Args:
        replays: One, or two of the same symbol.

    Raises:
        DataError: Another number of runs, or different symbols.
    """
    check_runs(replays)
    page = files("squeezegym.view") / "page"
    script = "\n".join((page / name).read_text(encoding="utf-8") for name in _SCRIPTS)
    style = (page / "page.css").read_text(encoding="utf-8")
    title = " and ".join(dict.fromkeys(str(replay.about["title"]) for replay in replays))
    values = {
        "policy": f"default-src 'none'; script-src {_source(script)}; style-src {_source(style)}; "
        "img-src data:; base-uri 'none'; form-action 'none'",
        "title": html.escape(f"{title}: replay"),
        "style": style,
        "script": script,
        "data": base64.b64encode(zlib.compress(pack(replays), 9)).decode(),
    }
    text = (page / "page.html").read_text(encoding="utf-8")
    return re.sub(r"\{\{(\w+)\}\}", lambda found: values[found[1]], text)


def write_page(path: str | Path, replays: Sequence[Replay]) -> None:
    """Write :func:`replay_page` to a file, whole or not at all.

    Raises:
        ConfigError: The file cannot be written.
        DataError: As :func:`replay_page`.
    """
    text = replay_page(replays)
    path = Path(path)
    if not path.parent.is_dir():
        raise ConfigError(f"the folder {str(path.parent)!r} does not exist; make it first")
    write_whole(path, lambda target: target.write_text(text, encoding="utf-8"))


def _source(text: str) -> str:
    """Return the source expression of a content policy that allows one inline text."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def pack(replays: Sequence[Replay]) -> bytes:
    """Return the runs as bytes: length of the header (uint32), header (JSON), arrays.

    The header lists for each run its arrays as ``[name, kind, length, scale, offset]``: kind
    ``i`` is a series of whole numbers times ``scale``, kind ``g`` a grid of ``scale`` columns.
    """
    blobs: list[bytes] = []
    runs = []
    offset = 0
    for replay in replays:
        arrays = []
        for name, values, scale in _series(replay):
            blob, scale = _encode_series(values, scale)
            arrays.append([name, "i", len(values), scale, offset])
            blobs.append(blob)
            offset += len(blob)
        for name, grid in (
            ("perp_book", replay.books[0]),
            ("spot_book", replay.books[1]),
            ("ladder", replay.ladder),
        ):
            blob = np.diff(grid, axis=0, prepend=np.uint8(0)).astype(np.uint8).tobytes()
            arrays.append([name, "g", len(blob), len(grid), offset])
            blobs.append(blob)
            offset += len(blob)
        runs.append({"about": replay.about, "events": replay.events, "arrays": arrays})
    header = json.dumps({"runs": runs}).encode()
    return b"".join([len(header).to_bytes(4, "little"), header, *blobs])


def _series(replay: Replay) -> list[tuple[str, Any, float]]:
    """Return every series with its resolution."""
    tick, lot = float(replay.about["tick"]), float(replay.about["lot"])
    fixed = {
        **dict.fromkeys(_QUOTE, 0.01),
        **dict.fromkeys(_RATES, 1e-8),
        **dict.fromkeys(_SHORT, 1e-6),
        "time": 1e-4,
        **dict.fromkeys(_BASE, lot),
        **dict.fromkeys(_COUNTS, 1.0),
    }
    found = [
        (name, replay.frames[name], fixed.get(name, tick / 2)) for name in FRAME_DTYPE.names or ()
    ]
    shown = replay.trades
    price = np.nan_to_num(shown["price"]) * tick
    codes = [(f"trade_{name}", shown[name], 1.0) for name in ("book", "side", "owner")]
    return [
        *found,
        ("moment", replay.moments / 1e9, 1e-3),
        ("trade_time", shown["time"] / 1e9, 1e-3),
        ("trade_price", price, tick / 100),
        ("trade_base", shown["lots"] * lot, lot),
        *codes,
    ]


def _encode_series(values: Any, scale: float) -> tuple[bytes, float]:
    """Return the byte planes of the differences of a series, and its scale: coarser if need be."""
    values = np.asarray(values, np.float64)
    largest = float(np.abs(values).max()) if len(values) else 0.0
    while largest / scale > _LARGEST:
        scale *= 10
    whole = np.rint(values / scale).astype(np.int64)
    steps = np.diff(whole, prepend=0).astype("<i4")
    return steps.view(np.uint8).reshape(-1, 4).T.tobytes(), scale
