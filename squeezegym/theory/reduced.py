"""The reduced model of a squeeze: a Markov chain with nonlinear reactions.

| reaction | what happens | rate |
|---|---|---|
| crossing | a mark above all before it hands shorts to the engine | at once |
| engine | buys an account back on the perp | pending / wait, at most the cap |
| impact | a purchase takes depth; makers on the run stand further apart | at once |
| refill | what of an impact does not stay goes | refill |
| contagion | a rise infects buyers, who buy after a while | infected / wait |
| arbitrage | buys spot and sells the perp against the basis | arbitrage x basis |
| snipers | buy with forced flow above a threshold, and sell later | held / hold |
| reload | a share of the liquidated sells again, with triggers above the mark | with the engine |

It leaves out everything else that a market has, and is this project's own model, not a published
one. `reduced_paths` runs it exactly or in leaps, `meanfield.mean_field` in the limit of many small
accounts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from squeezegym.arguments import integer
from squeezegym.batch import default_threads
from squeezegym.errors import ConfigError, DataError
from squeezegym.theory.samples import FloatArray, increasing, not_negative, number, same_length

_ABOVE_ZERO = ("size", "engine_s", "cap", "trend_s", "fomo_s", "hold_s", "reload_width", "capital")
_SHARES = ("demand_perp", "lasting", "weight", "reload")


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Reactions:
    """What the reactions are made of. Prices are displacements from now, in any one unit.

    Attributes:
        prices: (k,) increasing displacements, the first 0; beyond the last the last slope goes on.
        forced: (k,) base of the shorts whose triggers lie up to each.
        perp: (k,) asks of the perp's book up to each, base, increasing.
        spot: (k,) the same of spot; that of the perp if left out.
        demand: Exogenous buying, base.
        demand_s: Its duration; 0: at once.
        demand_perp: Share of it on the perp.
        queued: Base of shorts in the engine at the start.
        size: Mean size of an account, and size of every other order, base.
        random_sizes: Sizes of accounts are exponential, not equal.
        engine_s: Mean wait of an account in the engine, s.
        cap: Most that the engine buys in a second, base.
        lasting: Share of an impact on the perp that stays.
        refill: Rate at which the rest goes, 1/s.
        weight: Of the perp in the mark; the rest is spot's.
        arbitrage: Base a second for a unit of basis; 0: nobody.
        capital: Largest position of arbitrage, base.
        withdrawal: Depth falls as ``exp(-withdrawal trend)``, s per unit of price.
        trend_s: Time over which makers take the trend.
        pool: Base of those who may join the rise; 0: nobody.
        contagion: Base that join per unit of price while the pool is full.
        fomo_s: Mean time from joining to buying.
        threshold: Forced flow above which snipers follow, base a second.
        followers: Base that they buy for each forced one; 0: nobody.
        hold_s: Mean time that they hold it.
        reload: Share of the liquidated accounts that sell again.
        reload_width: Mean distance of their new triggers above the highest mark.
    """

    prices: ArrayLike
    forced: ArrayLike
    perp: ArrayLike
    spot: ArrayLike | None = None
    demand: float = 0.0
    demand_s: float = 0.0
    demand_perp: float = 1.0
    queued: float = 0.0
    size: float = 1.0
    random_sizes: bool = False
    engine_s: float = 1.0
    cap: float = math.inf
    lasting: float = 1.0
    refill: float = 0.0
    weight: float = 1.0
    arbitrage: float = 0.0
    capital: float = math.inf
    withdrawal: float = 0.0
    trend_s: float = 1.0
    pool: float = 0.0
    contagion: float = 0.0
    fomo_s: float = 1.0
    threshold: float = 0.0
    followers: float = 0.0
    hold_s: float = 1.0
    reload: float = 0.0
    reload_width: float = 1.0

    @classmethod
    def even(cls, density: float, perp: float, spot: float | None = None, **more: Any) -> Reactions:
        """Make reactions whose shorts and books are even: so much base per unit of price.

        Args:
            density: Of the shorts.
            perp: Depth of the perp.
            spot: Depth of spot; that of the perp if left out.
            **more: Other attributes.
        """
        return cls(
            prices=(0.0, 1.0),
            forced=(0.0, density),
            perp=(0.0, perp),
            spot=None if spot is None else (0.0, spot),
            **more,
        )

    def grids(self) -> tuple[FloatArray, ...]:
        """Return prices, forced, perp and spot, checked.

        Raises:
            DataError: Series that are unequal in length, fall, or do not start at 0.
        """
        price = increasing("prices", self.prices)
        taken = not_negative("forced", self.forced, 2)
        perp = increasing("perp", not_negative("perp", self.perp, 2))
        spot = perp if self.spot is None else increasing("spot", not_negative("spot", self.spot, 2))
        same_length(prices=price, forced=taken, perp=perp, spot=spot)
        if (np.diff(taken) < 0).any():
            raise DataError("forced falls, allowed is a sum up to each price; sum it up")
        for name, series in (("prices", price), ("perp", perp), ("spot", spot)):
            if series[0] != 0:
                raise DataError(f"{name} starts at {series[0]:g}, allowed is 0: the price now")
        return price, taken, perp, spot

    def setup(self, *, most: float, horizon_s: float, leap: float) -> NDArray[np.void]:
        """Return the (1,) record that the kernels read.

        Raises:
            ConfigError: A number out of its range.
        """
        from squeezegym.theory.reactionrecord import SETUP_DTYPE

        for name in _ABOVE_ZERO:
            if not getattr(self, name) > 0:
                raise ConfigError(f"{name} must be above 0, got {getattr(self, name)!r}")
        for name in _SHARES:
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(f"{name} must lie between 0 and 1, got {getattr(self, name)!r}")
        record = np.zeros(1, SETUP_DTYPE)
        for field in fields(self):
            if field.name in (SETUP_DTYPE.names or ()):
                value = float(getattr(self, field.name))
                if not value >= 0:
                    raise ConfigError(f"{field.name} must be 0 or above, got {value!r}")
                record[field.name] = value
        record["most"], record["horizon_s"], record["leap"] = most, horizon_s, leap
        return record


def reduced_paths(
    reactions: Reactions,
    paths: int,
    *,
    seed: int = 0,
    times: Sequence[float] | FloatArray = (),
    most: float = math.inf,
    horizon_s: float = math.inf,
    leap: float = 0.0,
    threads: int | None = None,
) -> tuple[NDArray[np.void], FloatArray]:
    """Run independent paths of the reactions.

    A path is seeded by its number, so it depends neither on how many there are nor on threads.

    Args:
        reactions: What they are made of.
        paths: How many, 1 and above.
        seed: 0 and above.
        times: (t,) increasing times at which paths are sampled, s.
        most: Forced base at which a path has run away and ends.
        horizon_s: Time at which a path ends.
        leap: 0: exact, event by event. Above: leaps of this share of the fastest time constant
            where they hold 10 events and more, so errors are of its order; 0..0.5.
        threads: As of `squeezegym.batch.Batch`.

    Returns:
        (n,) `reactionrecord.PATH_DTYPE`, and (n, t, 6) the `reactionrecord.SERIES` at the times.

    Raises:
        ConfigError: A number out of its range, or a path that may never end, which needs
            ``most`` or ``horizon_s``.
        DataError: Bad profiles.
    """
    from squeezegym.theory.reactionrecord import PATH_DTYPE, SERIES, STATE_DTYPE
    from squeezegym.theory.reactions import run_paths

    n = integer("paths", paths, 1, 100_000_000)
    number("leap", leap, -1e-12, 0.5)
    setup = reactions.setup(most=most, horizon_s=horizon_s, leap=leap)
    grids = reactions.grids()
    if math.isinf(most) and math.isinf(horizon_s) and _endless(reactions, grids):
        raise ConfigError(
            "a path may go on for ever: beyond the last price there are as many shorts as asks, or"
            " makers withdraw; set most or horizon_s"
        )
    grid = np.asarray(times, np.float64)
    words = np.random.SeedSequence(integer("seed", seed, 0, 2**63 - 1)).generate_state(
        2 * n, np.uint64
    )
    streams = words.reshape(n, 1, 2)
    states, found = np.zeros(n, STATE_DTYPE), np.zeros(n, PATH_DTYPE)
    series = np.zeros((n, len(grid), len(SERIES)))

    def run(rows: slice) -> None:
        run_paths(setup, *grids, states[rows], found[rows], grid, series[rows], streams[rows])

    run(slice(0, 1))  # compiles, if need be, on one thread
    workers = max(1, min(threads or default_threads(), n - 1))
    bounds = np.linspace(1, n, 8 * workers + 1).astype(int).tolist()
    with ThreadPoolExecutor(workers, "squeezegym") as pool:
        list(pool.map(lambda ends: run(slice(*ends)), pairwise(bounds)))
    return found, series


def _endless(reactions: Reactions, grids: tuple[FloatArray, ...]) -> bool:
    """Whether a cascade that has left the profiles may have no end."""
    _, taken, perp, spot = (float(series[-1] - series[-2]) for series in grids)
    asks = perp + (spot if reactions.arbitrage > 0 else 0.0)
    return reactions.withdrawal > 0 or taken * (1 + reactions.followers) >= asks
