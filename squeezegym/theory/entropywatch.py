"""Entropy of a running market, as observations: a window that slides with it."""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np

from squeezegym.arguments import integer
from squeezegym.codes import Side, Venue
from squeezegym.sampling import mid_ticks
from squeezegym.theory.entropy import transfer_entropy
from squeezegym.theory.patterns import (
    LEAST,
    block_entropy,
    forced_work,
    irreversibility,
    permutation_entropy,
    sign_entropy,
)
from squeezegym.theory.samples import FloatArray

NAMES = (
    "sign_entropy",
    "block_entropy",
    "permutation_entropy",
    "irreversibility",
    "perp_to_spot",
    "spot_to_perp",
    "forced_work",
)


class EntropyWatch:
    """Measures of order in the last so many samples of a market.

    It stands beside a market and changes nothing in it; a kernel of it would cost every market
    compile time. Call :meth:`update` once in each interval of a clock of your own.

    Args:
        window: Samples that are looked at, 30 and above.
        shuffles: Surrogates of each measure.

    Example:
        >>> from squeezegym import Market
        >>> market, watch = Market("calm", seed=7), EntropyWatch(window=60)
        >>> for _ in range(80):
        ...     market.run(seconds=1)
        ...     watch.update(market.record)
        >>> bool(np.isfinite(watch.observe()).all())
        True
    """

    def __init__(self, window: int = 120, shuffles: int = 20) -> None:
        self.shuffles = integer("shuffles", shuffles, 1, 100_000)
        integer("window", window, LEAST, 1_000_000)
        self._mids: deque[tuple[float, float]] = deque(maxlen=window + 1)
        self._taken: deque[tuple[int, int]] = deque(maxlen=window + 1)
        self._forced: deque[int] = deque(maxlen=window + 1)

    def update(self, record: Any) -> None:
        """Take a sample of a market record: ``Market.record``, or a row of a batch."""
        self._mids.append(
            (mid_ticks(record["books"][Venue.PERP]), mid_ticks(record["books"][Venue.SPOT]))
        )
        taken = record["score"]["taken"][Venue.PERP]
        self._taken.append((int(taken[Side.BUY]), int(taken[Side.SELL])))
        longs, shorts = record["score"]["liquidated"]
        self._forced.append(int(shorts) - int(longs))

    def observe(self) -> FloatArray:
        """Return the measures of `NAMES`; NaN where the window is too short yet.

        Sides are those of the perp's net flow of each interval; patterns are those of its steps
        and, for irreversibility, of its price. Work of forced orders is in quanta (tick x lot).
        """
        mids, found = np.array(self._mids), np.full(len(NAMES), np.nan)
        if len(mids) < LEAST + 2:
            return found
        flow = np.diff(np.array(self._taken), axis=0)
        net = flow[:, 0] - flow[:, 1]
        steps = np.diff(np.log(mids), axis=0)
        if np.count_nonzero(net) >= LEAST:
            found[0] = sign_entropy(net)
            found[1] = block_entropy(net, 2, self.shuffles)
        found[2] = permutation_entropy(steps[:, 0], 3, self.shuffles)
        found[3] = irreversibility(mids[:, 0], 3, self.shuffles)
        found[4] = transfer_entropy(steps[:, 0], steps[:, 1], self.shuffles)
        found[5] = transfer_entropy(steps[:, 1], steps[:, 0], self.shuffles)
        forced, times = np.diff(self._forced), np.arange(len(mids), dtype=np.float64)
        found[6] = forced_work(times[:-1], forced, times, mids[:, 0])[-1]
        return found
