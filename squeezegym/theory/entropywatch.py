"""Entropy of a running market, as observations: a window that slides with it."""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np

from squeezegym.arguments import integer
from squeezegym.codes import Side, Venue
from squeezegym.core.feed import HORIZONS
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
from squeezegym.units import SECOND

_SLOW = 1  # of the feed's horizons: ten seconds, of which an interval loses little
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
        self._taken: deque[tuple[float, float]] = deque(maxlen=window + 1)
        self._forced: deque[float] = deque(maxlen=window + 1)
        self._sums: tuple[FloatArray, FloatArray] | None = None

    def update(self, record: Any) -> None:
        """Take a sample of the true state: ``Market.record``, or a row of a batch."""
        self._mids.append(
            (mid_ticks(record["books"][Venue.PERP]), mid_ticks(record["books"][Venue.SPOT]))
        )
        taken = record["score"]["taken"][Venue.PERP]
        self._taken.append((int(taken[Side.BUY]), int(taken[Side.SELL])))
        longs, shorts = record["score"]["liquidated"]
        self._forced.append(int(shorts) - int(longs))

    def see(self, record: Any) -> None:
        """Take a sample of what the feed has shown the learner, delays and omissions included.

        A watch takes either these samples or those of :meth:`update`. Flow is what the feed's sums
        of ten seconds have gained since the last sample: right in sign, a little less in size.
        """
        seen = record["feed"]["seen"]
        self._mids.append((_seen_mid(seen, Venue.PERP), _seen_mid(seen, Venue.SPOT)))
        sums = np.array([*seen["taken"][_SLOW][Venue.PERP], *seen["forced"][_SLOW]])
        times = np.array([seen["seen"][1], seen["seen"][1], seen["seen"][2], seen["seen"][2]])
        if self._sums is not None:
            before, then = self._sums
            kept = before * np.exp((then - times) / (HORIZONS[_SLOW] * SECOND))
            new = np.rint(sums - kept)
            bought, sold = self._taken[-1]
            self._taken.append((bought + new[Side.BUY], sold + new[Side.SELL]))
            self._forced.append(self._forced[-1] + new[2 + Side.BUY] - new[2 + Side.SELL])
        else:
            self._taken.append((0, 0))
            self._forced.append(0)
        self._sums = sums, times

    def clear(self) -> None:
        """Forget all samples, as for a new episode."""
        self._sums = None
        for samples in (self._mids, self._taken, self._forced):
            samples.clear()

    def observe(self) -> FloatArray:
        """Return the measures of `NAMES`; NaN where the window is too short yet.

        Sides are those of the perp's net flow of each interval; patterns are those of its steps
        and, for irreversibility, of its price. Work of forced orders is in quanta (tick x lot).
        """
        mids, found = np.array(self._mids), np.full(len(NAMES), np.nan)
        if len(mids) <= LEAST:
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


def _seen_mid(seen: Any, venue: Venue) -> float:
    """Mid of a book in a snapshot, ticks, or its last trade where a side is empty."""
    bid, ask = (int(seen["price"][venue][side][0]) for side in (Side.BUY, Side.SELL))
    return 0.5 * (bid + ask) if bid and ask else float(seen["last"][venue])
