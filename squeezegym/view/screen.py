"""The render modes of the environments, over one market."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from squeezegym.errors import ConfigError
from squeezegym.scenario import Scenario

FPS = 10
MODES = ("human", "rgb_array", "ansi")


class Screen:
    """Shows one market in a render mode.

    Args:
        mode: ``"rgb_array"``, ``"ansi"`` or ``"human"`` (text in the terminal, redrawn in place).
        scenario: Of the market.
    """

    def __init__(self, mode: str, scenario: Scenario) -> None:
        self.mode = mode
        self.scenario = scenario
        self._shown = 0.0
        self._painter: Any = None
        if mode == "rgb_array":
            from squeezegym.view.painter import Painter

            self._painter = Painter(scenario)

    def see(self, market: Any) -> None:
        """Follow the market: called after each reset and step."""
        if self._painter is not None:
            self._painter.see(market)
        elif self.mode == "human":
            self._show(market)

    def render(self, market: Any) -> Any:
        """Return a (480, 640, 3) uint8 picture, a text, or None in human mode."""
        if self._painter is not None:
            return self._painter.frame(market)
        return self._text(market) if self.mode == "ansi" else None

    def _text(self, market: Any) -> str:
        from squeezegym.view.frames import ansi_frame

        return ansi_frame(market, self.scenario)

    def _show(self, market: Any) -> None:
        """Print over the frame before, ten a second at the most."""
        from rich.console import Console
        from rich.control import Control

        time.sleep(max(0.0, self._shown + 1 / FPS - time.monotonic()))
        self._shown = time.monotonic()
        console = Console(highlight=False)
        if console.is_terminal:
            console.control(Control.clear(), Control.home())
        console.print(self._text(market), markup=False)


def screen_for(mode: str | None, scenario: Scenario, modes: Sequence[str] = MODES) -> Screen | None:
    """Return what shows a market in a render mode; None for no mode.

    Raises:
        ConfigError: Another mode.
    """
    if mode is None:
        return None
    if mode not in modes:
        raise ConfigError(f"render_mode must be None or one of {list(modes)}, got {mode!r}")
    return Screen(mode, scenario)
