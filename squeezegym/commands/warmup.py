"""``squeezegym warmup``."""

from __future__ import annotations

import json
import time
from typing import Annotated, Literal

import tyro
from rich.console import Console

WarmName = Literal["small", "default", "large", "game", "book", "theory"]


def warmup(
    what: Annotated[tuple[WarmName, ...], tyro.conf.Positional] = ("default",),
    as_json: Annotated[bool, tyro.conf.arg(name="json")] = False,
) -> None:
    """Compile the kernels now, so that no environment waits for it later.

    Args:
        what: Size classes of a market: small, default, large (about 20 s each); game, the shipped
            game for several learners (as long); book, the stand-alone order book as it is made by
            default (about 12 s); or theory, the reduced model (about 3 s). Compiled once, and then
            loaded from the disk cache.
        as_json: Print the seconds that each took as JSON.
    """
    from squeezegym.market import Market
    from squeezegym.orderbook import OrderBook

    console = Console(quiet=as_json)
    few = {"shorts": 20, "longs": 10, "short_base": 10.0, "long_base": 5.0}
    took = {}
    for size in dict.fromkeys(what):
        started = time.perf_counter()
        if size == "book":
            book = OrderBook()
            book.levels(1)
            book.queue_ahead(1)
            book.uncross()
        elif size == "theory":
            from squeezegym.theory.reduced import Reactions, reduced_paths

            reduced_paths(Reactions.even(0.5, 1.0, demand=1.0), 1)
        elif size == "game":
            from squeezegym.envs.gamevector import SqueezeGameVector
            from squeezegym.scenario import Scenario

            changes = {"population": few, "episode": {"burn_in_s": 0.0}}
            SqueezeGameVector(1, Scenario.load("squeeze_game", **changes)).reset()
        else:
            Market("calm", size_class=size, population=few, episode={"burn_in_s": 0.0}).run(0.1)
        took[size] = round(time.perf_counter() - started, 2)
        console.print(f"{size}: ready in {took[size]:.1f} s", highlight=False)
    if as_json:
        print(json.dumps(took))
