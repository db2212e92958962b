"""The reduced model in the limit of many small accounts: ordinary differential equations."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from squeezegym.errors import EngineError
from squeezegym.theory.reactionrecord import SERIES
from squeezegym.theory.reduced import Reactions
from squeezegym.theory.samples import FloatArray, increasing, number

# Places of the state: base, but for the mark (price) and the trend (price a second).
STAYS, GOES, TAKEN, PENDING, SUSCEPTIBLE, INFECTED, HELD, RELOADED, TOP, TREND = range(10)
FORCED, JOINED, POSITION = 10, 11, 12
_STEEPEST = 50.0


class MeanField(NamedTuple):
    """A solution of the mean field.

    Attributes:
        times: (t,) s.
        series: (t, 6) `reactionrecord.SERIES` at the times.
        ran_away: Whether the forced base reached its bound before the end.
    """

    times: FloatArray
    series: FloatArray
    ran_away: bool


def mean_field(
    reactions: Reactions, times: Sequence[float] | FloatArray, most: float = math.inf
) -> MeanField:
    """Solve the mean field of the reactions.

    Forced flow is ``min(L / tau, cap)``; the mark above its highest so far feeds ``L`` by the
    density of the shorts there, and the infected by ``chi X / S0``. Accounts are without size, so
    there is no chance in it, and thresholds are sharp.

    Args:
        reactions: What they are made of; sizes of accounts do not matter.
        times: (t,) increasing times, s, from 0 on.
        most: Forced base at which the solution has run away and ends.

    Returns:
        The solution; after a runaway its last state goes on.

    Raises:
        EngineError: The solver fails, other than at a speed without bound.
    """
    from scipy.integrate import solve_ivp

    grid = increasing("times", times, 1)
    number("times[0]", float(grid[0]), -1e-12, math.inf)
    flow = _Flow(reactions)
    state, now = flow.start(), 0.0
    found = np.empty((len(grid), len(state)))
    ran_away = False

    def bound(_: float, y: FloatArray, demanding: bool) -> float:
        return float(y[FORCED] - most) if math.isfinite(most) else -1.0

    bound.terminal = True  # type: ignore[attr-defined]
    ends = sorted({min(reactions.demand_s, float(grid[-1])), float(grid[-1])})
    for end in ends:
        if end <= now or ran_away:
            continue
        inside = (grid > now) & (grid <= end)
        solved = solve_ivp(
            flow.rates,
            (now, end),
            state,
            args=(reactions.demand_s > now,),
            t_eval=np.append(grid[inside], end) if not (grid == end).any() else grid[inside],
            events=bound,
            rtol=1e-6,
            atol=1e-9 * max(1.0, reactions.demand),
            max_step=flow.max_step,
        )
        # Makers who withdraw give a speed that is infinite after a finite time.
        if solved.status < 0 and reactions.withdrawal == 0:
            raise EngineError(f"the mean field cannot be solved: {solved.message}")
        ran_away = solved.status != 0
        states = np.reshape(solved.y, (len(state), -1))  # none at all may have been reached
        count = min(int(inside.sum()), states.shape[1])
        places = np.flatnonzero(inside)
        found[places[:count]] = states[:, :count].T
        if solved.status == 1:
            state = solved.y_events[0][0]
        elif states.size:
            state = states[:, -1]
        found[places[count:]] = state
        now = end
    found[grid <= 0] = flow.start()
    if ran_away:
        found[grid > now] = state
    return MeanField(grid, flow.series(found), ran_away)


class _Flow:
    """The equations of one set of reactions."""

    def __init__(self, reactions: Reactions) -> None:
        self.of = reactions
        self.prices, self.forced, self.perp, self.spot = reactions.grids()
        fastest = max(1 / reactions.engine_s, reactions.refill, 1 / reactions.trend_s)
        self.max_step = math.inf if len(self.prices) == 2 else 10 / fastest

    def start(self) -> FloatArray:
        """State once demand that comes at once has come."""
        of, state = self.of, np.zeros(13)
        state[SUSCEPTIBLE] = of.pool
        state[PENDING] = of.queued
        if of.demand_s == 0:
            state[STAYS] = of.lasting * of.demand * of.demand_perp
            state[GOES] = (1 - of.lasting) * of.demand * of.demand_perp
            state[TAKEN] = of.demand * (1 - of.demand_perp)
            mark = max(0.0, self._mark(state))
            state[TOP] = mark
            state[TREND] = mark / of.trend_s
            state[PENDING] += _at(self.prices, self.forced, mark)
            if of.pool > 0:
                state[SUSCEPTIBLE] = of.pool * math.exp(-of.contagion * mark / of.pool)
                state[INFECTED] = of.pool - state[SUSCEPTIBLE]
        return state

    def _mark(self, state: FloatArray) -> float:
        of = self.of
        perp = _at(self.perp, self.prices, state[STAYS] + state[GOES])
        return of.weight * perp + (1 - of.weight) * _at(self.spot, self.prices, state[TAKEN])

    def rates(self, _: float, state: FloatArray, demanding: bool) -> FloatArray:
        """Rates of change of the state."""
        of, change = self.of, np.zeros(13)
        level = state[STAYS] + state[GOES]
        perp, spot = (
            _at(self.perp, self.prices, level),
            _at(self.spot, self.prices, state[TAKEN]),
        )
        exogenous = of.demand / of.demand_s if demanding else 0.0
        forced = min(max(state[PENDING], 0.0) / of.engine_s, of.cap)
        bought = state[INFECTED] / of.fomo_s
        followed = of.followers * forced if forced > of.threshold else 0.0
        sold = state[HELD] / of.hold_s
        linked = self._arbitrage(perp - spot, float(state[POSITION]))
        stretch = math.exp(min(of.withdrawal * max(state[TREND], 0.0), _STEEPEST))
        net = exogenous * of.demand_perp + forced + bought + followed - sold
        net = (net - of.reload * forced - linked) * stretch
        change[STAYS] = of.lasting * net
        change[GOES] = (1 - of.lasting) * net - of.refill * state[GOES]
        change[TAKEN] = exogenous * (1 - of.demand_perp) + linked
        change[POSITION] = linked
        d_perp = (change[STAYS] + change[GOES]) * _slope(self.perp, self.prices, level)
        d_spot = change[TAKEN] * _slope(self.spot, self.prices, state[TAKEN])
        moved = of.weight * d_perp + (1 - of.weight) * d_spot
        mark = of.weight * perp + (1 - of.weight) * spot
        rise = max(moved, 0.0) if mark >= state[TOP] - 1e-6 * (1 + abs(state[TOP])) else 0.0
        joined = of.contagion * state[SUSCEPTIBLE] / of.pool * rise if of.pool > 0 else 0.0
        again = state[RELOADED] / of.reload_width * rise
        change[TOP] = rise
        change[TREND] = (rise - state[TREND]) / of.trend_s
        change[PENDING] = _slope(self.prices, self.forced, state[TOP]) * rise + again - forced
        change[SUSCEPTIBLE], change[INFECTED] = -joined, joined - bought
        change[HELD], change[RELOADED] = followed - sold, of.reload * forced - again
        change[FORCED], change[JOINED] = forced, bought
        return change

    def _arbitrage(self, basis: float, position: float) -> float:
        flow = self.of.arbitrage * basis
        return 0.0 if position * math.copysign(1.0, flow) >= self.of.capital else flow

    def series(self, states: FloatArray) -> FloatArray:
        """Read the `reactionrecord.SERIES` of (t, 13) states."""
        found = np.empty((len(states), len(SERIES)))
        for row, state in zip(found, states, strict=True):
            row[0] = _at(self.perp, self.prices, state[STAYS] + state[GOES])
            row[1] = _at(self.spot, self.prices, state[TAKEN])
        found[:, 2:] = states[:, [TOP, PENDING, FORCED, JOINED]]
        return found


def _place(xs: FloatArray, x: float) -> int:
    return min(max(int(np.searchsorted(xs, x, side="right")) - 1, 0), len(xs) - 2)


def _slope(xs: FloatArray, ys: FloatArray, x: float) -> float:
    i = _place(xs, x)
    return float((ys[i + 1] - ys[i]) / (xs[i + 1] - xs[i]))


def _at(xs: FloatArray, ys: FloatArray, x: float) -> float:
    """The line through points, carried on at both ends, as in `reactions.interpolate`."""
    i = _place(xs, x)
    return float(ys[i] + (x - xs[i]) * (ys[i + 1] - ys[i]) / (xs[i + 1] - xs[i]))
