"""A market put aside in a file, to go on from later, bit for bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from squeezegym.errors import DataError
from squeezegym.market import Market, MarketState

_VERSION = 1


def save_checkpoint(market: Market, path: Path) -> None:
    """Write where a market stands, with its samples and its event log, to an ``.npz`` file."""
    state = market.snapshot()
    with path.open("wb") as file:
        np.savez_compressed(
            file,
            checkpoint=_VERSION,
            digest=np.array(state.digest),
            seed=market.seed,
            record=np.frombuffer(state.record.tobytes(), np.uint8),
            view=np.frombuffer(state.view.tobytes(), np.uint8),
            log=bool(market.record["log_on"]),
            frames=market.series(),
            rows=market.log() if market.record["log_on"] else np.empty(0),
        )


def resume(market: Market, path: Path) -> None:
    """Bring a market at its opening to where a saved one of the same run stands.

    Args:
        market: Of the same scenario, seed and logging as the one that was saved.
        path: What :func:`save_checkpoint` wrote.

    Raises:
        DataError: Another kind of file, another version of the package, or another run.
    """
    try:
        with np.load(path) as saved:
            kept = {name: saved[name] for name in saved}
        version = int(kept["checkpoint"])
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"{str(path)!r} holds no market that was put aside") from error
    now = market.snapshot()
    fits = version == _VERSION and len(kept["record"]) == now.record.nbytes
    if not fits or len(kept["view"]) != now.view.nbytes:
        raise DataError(
            f"{str(path)!r} was written by another version of the package; remove it to begin anew"
        )
    there = (str(kept["digest"]), int(kept["seed"]), bool(kept["log"]))
    here = (now.digest, market.seed, bool(market.record["log_on"]))
    if there != here:
        raise DataError(
            f"{str(path)!r} belongs to another run: scenario {there[0]}, seed {there[1]}, "
            f"{'with' if there[2] else 'without'} a log; here {here[0]}, {here[1]}, "
            f"{'with' if here[2] else 'without'}; remove it to begin anew"
        )
    record = kept["record"].view(now.record.dtype).reshape(now.record.shape)
    view = kept["view"].view(now.view.dtype).reshape(now.view.shape)
    market.restore(MarketState(record, view, now.digest), kept["frames"], kept["rows"])
