"""Frames of a running market as pictures, drawn in numpy so that a video costs little."""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np

from squeezegym.codes import Side, Venue
from squeezegym.sampling import book_levels, mid_ticks, triggers
from squeezegym.scenario import Scenario
from squeezegym.view.agent import Agent, agent_of
from squeezegym.view.font import line

HEIGHT, WIDTH = 480, 640
_SECONDS = 120.0  # of history that a frame shows
_ROWS = 11  # levels of each side


def _rgb(red: int, green: int, blue: int) -> int:
    """A pixel: red, green and blue in the order of bytes."""
    return red | green << 8 | blue << 16


# Okabe and Ito's colours on a dark ground, and weaker ones for what lies behind.
_GROUND, _PANEL, _GRID = _rgb(14, 17, 22), _rgb(24, 29, 37), _rgb(45, 53, 65)
_INK, _SOFT, _GREEN = _rgb(232, 234, 238), _rgb(150, 160, 175), _rgb(47, 214, 164)
_BID, _ASK, _MARK = _rgb(86, 180, 233), _rgb(230, 159, 0), _rgb(255, 255, 255)
_BUY, _SELL = _rgb(255, 110, 40), _rgb(124, 200, 245)
_WEAK = {_BID: _rgb(44, 78, 102), _ASK: _rgb(92, 72, 24)}
_AHEAD = {_BUY: _rgb(139, 69, 38), _SELL: _rgb(74, 114, 141)}

# Panels: top, left, height, width.
_PRICE = (40, 8, 268, 408)
_POSITION = (338, 8, 54, 408)
_PNL = (422, 8, 50, 408)
_BOOK = (40, 424, 352, 208)
_MAP = 70  # longest bar of the liquidation map, pixels


class Painter:
    """Draws one market: prices so far and the liquidations ahead, the book, the learner.

    Args:
        scenario: Of the market.
    """

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self._home = Venue.SPOT if scenario.learner.venue == "spot" else Venue.PERP
        self._past: deque[tuple[float, ...]] = deque()
        self._opening = 0.0
        self._blank = np.full((HEIGHT, WIDTH), _GROUND, np.uint32)
        for top, left, height, width in (_PRICE, _POSITION, _PNL, _BOOK):
            self._blank[top : top + height, left : left + width] = _PANEL

    def see(self, market: Any) -> None:
        """Note the present state; frames show what was noted since the episode began."""
        time = float(market["clock"]["now"]) / 1e9
        if self._past and time <= self._past[-1][0]:
            self._past.clear()
        tick = self.scenario.contract.tick_size
        agent = agent_of(market, self.scenario)
        other = Venue.SPOT if self._home == Venue.PERP else self._home
        marks = market["marks"]
        mark = float(marks["index" if self._home == Venue.SPOT else "mark"])
        prices = (mid_ticks(market["books"][self._home]), mid_ticks(market["books"][other]), mark)
        if not self._past:
            self._opening = agent.equity
        self._past.append((time, *(p * tick for p in prices), agent.position, agent.equity))
        while self._past[0][0] < time - _SECONDS:
            self._past.popleft()

    def frame(self, market: Any) -> Any:
        """Return the picture of a market that was noted last: (480, 640, 3) uint8."""
        picture = self._blank.copy()
        past = np.array(self._past)
        columns = (past[:, 0] - past[0, 0]) / _SECONDS
        position, equity = past[:, 4], past[:, 5]
        agent = agent_of(market, self.scenario)
        self._draw_head(picture, market, self._past[-1])
        self._draw_prices(picture, market, columns, past[:, 1:4], agent)
        self._draw_book(picture, market, agent)
        gain = (equity - self._opening) / self.scenario.learner.capital_quote * 100
        _write(picture, f"POSITION {agent.position:+,.3f}", (322, 10), _GREEN)
        _trace(picture, _POSITION, columns, position, _symmetric(position), _GREEN)
        _write(picture, f"PNL {gain[-1]:+.3f} %  EQUITY {agent.equity:,.0f}", (406, 10), _GREEN)
        _trace(picture, _PNL, columns, gain, _symmetric(gain), _GREEN)
        return picture.view(np.uint8).reshape(HEIGHT, WIDTH, 4)[:, :, :3].copy()

    def _draw_head(self, picture: Any, market: Any, last: tuple[float, ...]) -> None:
        score, lot = market["score"], self.scenario.contract.lot_size
        _write(picture, f"{self.scenario.name[:24]}  {last[0]:.1f} S", (8, 10), _INK, 2)
        forced = score["liquidated"] * lot
        if not self.scenario.contract.perp:
            forced = np.array([0, score["bought_in"] * lot])
        _write(picture, f"BOUGHT BY FORCE {forced[1]:,.1f}", (8, 426), _BUY)
        _write(picture, f"SOLD BY FORCE   {forced[0]:,.1f}", (20, 426), _SELL)
        names = ("PERP", "SPOT", "MARK") if self._home == Venue.PERP else ("SPOT", "", "INDEX")
        left = 10
        for name, price, colour in zip(names, last[1:], (_BID, _ASK, _MARK), strict=False):
            if name:
                left += _write(picture, f"{name} {price:,.2f}  ", (28, left), colour)

    def _draw_prices(
        self, picture: Any, market: Any, columns: Any, prices: Any, agent: Agent
    ) -> None:
        low, high = float(prices.min()), float(prices.max())
        reach = max(0.25 * (high - low), 0.001 * high)
        limits = (low - reach, high + reach)
        self._draw_map(picture, market, limits, columns[-1])
        for series, colour in ((1, _ASK), (0, _BID), (2, _MARK)):
            _trace(picture, _PRICE, columns, prices[:, series], limits, colour)
        for price, colour in ((agent.order_price, _GREEN), (agent.trigger, _BUY)):
            if limits[0] < price < limits[1]:
                row = _row(_PRICE, price, limits)
                picture[row, _PRICE[1] : _PRICE[1] + _PRICE[3] : 4] = colour
        for price in (limits[1], limits[0]):
            top = _PRICE[0] + 3 if price == limits[1] else _PRICE[0] + _PRICE[2] - 10
            _write(picture, f"{price:,.2f}", (top, _PRICE[1] + 4), _SOFT)

    def _draw_map(self, picture: Any, market: Any, limits: tuple[float, float], at: float) -> None:
        """Bars at the prices where accounts are liquidated, from the present on to the right."""
        prices, lots = triggers(market)
        tick = self.scenario.contract.tick_size
        low, high = limits[0] / tick, limits[1] / tick
        top, left, height, width = _PRICE
        start = left + min(int(at * (width - 1)), width - _MAP - 2) + 1
        for sign, colour in ((-1, _BUY), (1, _SELL)):
            inside = (prices > low) & (prices < high) & (lots * sign > 0)
            rows = ((high - prices[inside]) / (high - low) * height).astype(np.int64)
            bars = np.sqrt(np.bincount(rows, np.abs(lots[inside]), height)[:height])
            longest = bars.max(initial=0.0)
            if longest > 0:
                bars = bars / longest * _MAP
                area = picture[top : top + height, start : start + _MAP]
                area[np.arange(_MAP) < bars[:, None]] = _AHEAD[colour]

    def _draw_book(self, picture: Any, market: Any, agent: Agent) -> None:
        book = market["books"][self._home]
        tick, lot = self.scenario.contract.tick_size, self.scenario.contract.lot_size
        asks = book_levels(book, Side.SELL, _ROWS)[::-1]
        bids = book_levels(book, Side.BUY, _ROWS)
        largest = max([level[1] for level in asks + bids], default=1)
        top, left, height, width = _BOOK
        step = height // (2 * _ROWS)
        first = top + (_ROWS - len(asks)) * step
        for i, (price, lots, _) in enumerate([*asks, *bids]):
            row = first + i * step
            colour = _ASK if i < len(asks) else _BID
            bar = max(1, int(np.sqrt(lots / largest) * (width - 4)))
            picture[row + 1 : row + step - 1, left + width - bar - 2 : left + width - 2] = _WEAK[
                colour
            ]
            own = agent.order_price and abs(agent.order_price - price * tick) < tick / 2
            _write(picture, f"{price * tick:,.2f}", (row + 4, left + 4), _GREEN if own else colour)
            text = f"{lots * lot:,.3f}"
            _write(picture, text, (row + 4, left + width - 6 - 6 * len(text)), _INK)


def _symmetric(values: Any) -> tuple[float, float]:
    """Limits around zero that hold every value."""
    most = float(np.abs(values).max()) * 1.1 or 1.0
    return -most, most


def _row(panel: tuple[int, int, int, int], value: float, limits: tuple[float, float]) -> int:
    share = (limits[1] - value) / (limits[1] - limits[0])
    return panel[0] + min(max(int(share * (panel[2] - 1)), 0), panel[2] - 1)


def _write(picture: Any, text: str, at: tuple[int, int], colour: int, scale: int = 1) -> int:
    """Write a line of text; return its width in pixels."""
    dots = line(text, scale)
    row, column = at
    area = picture[row : row + dots.shape[0], column : column + dots.shape[1]]
    area[dots[: area.shape[0], : area.shape[1]]] = colour
    return int(dots.shape[1])


def _trace(
    picture: Any,
    panel: tuple[int, int, int, int],
    columns: Any,
    values: Any,
    limits: tuple[float, float],
    colour: int,
) -> None:
    """Draw a line through values at columns given as shares of the panel's width."""
    top, left, height, width = panel
    if limits[0] < 0 < limits[1]:
        picture[_row(panel, 0.0, limits), left : left + width] = _GRID
    # A pixel column takes the last value that falls into it; what is in between is joined.
    last = int(columns[-1] * (width - 1))
    pixels = np.arange(last + 1)
    at = np.searchsorted(columns, (pixels + 1) / (width - 1), "left") - 1
    share = (limits[1] - values[np.maximum(at, 0)]) / (limits[1] - limits[0])
    rows = np.clip((share * (height - 1)).astype(np.int64), 0, height - 1)
    before = np.concatenate([rows[:1], rows[:-1]])
    upper, lower = np.minimum(rows, before), np.maximum(rows, before) + 1
    grid = np.arange(height)[:, None]
    area = picture[top : top + height, left : left + last + 1]
    area[(grid >= upper) & (grid <= lower)] = colour
