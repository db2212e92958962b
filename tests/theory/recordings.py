"""Recordings made up by hand."""

import numpy as np

from squeezegym import Scenario
from squeezegym.theory.recording import BANDS_BPS, TAPE_DTYPE, Recording


def recording(mids, trades=(), step_s=0.1, **changes):
    """A recording of these perp and spot mids, everything else calm."""
    _, n, t = mids.shape
    tape = np.zeros(len(trades), TAPE_DTYPE)
    for row, (market, time, sign, base) in zip(tape, trades, strict=True):
        row["market"], row["time"], row["sign"], row["base"] = market, time, sign, base
    fields = {
        "scenario": Scenario.load("short_squeeze"),
        "step_s": step_s,
        "mids": mids,
        "spreads": np.ones_like(mids),
        "funding": np.full((n, t), 1e-4),
        "premium": np.zeros((n, t)),
        "open_interest": np.full((n, t), 100.0),
        "liquidated": np.zeros((2, n, t)),
        "mark": mids[0].copy(),
        "fundamental": mids[0].copy(),
        "fund": np.zeros((n, t)),
        "paused": np.zeros((2, n, t), bool),
        "deleveraged": np.zeros(n),
        "crossed": np.zeros(n),
        "sniped": np.zeros(n),
        "shortfall": np.zeros(n),
        "depth_step_s": 1.0,
        "depth": np.ones((n, 300, len(BANDS_BPS), 2)),
        "trades": tape,
        "ignition": np.full(n, np.nan),
        "messages": 0.0,
    }
    return Recording(**{**fields, **changes})
