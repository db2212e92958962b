"""squeezegym: a leveraged spot-perp market, and Gymnasium environments around it.

Importing it registers the environments and compiles nothing::

    import gymnasium as gym
    import squeezegym

    env = gym.make("squeezegym/ShortSqueeze-v0")
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gymnasium.envs.registration import register as _register

if TYPE_CHECKING:
    from squeezegym.bookrecord import MESSAGE_DTYPE, RECEIPT_DTYPE, TAPE_DTYPE
    from squeezegym.envs.gamevector import make_game_vec
    from squeezegym.envs.multi import parallel_env
    from squeezegym.integrations.sb3 import make_sb3_vec
    from squeezegym.integrations.selfplay import make_game_sb3_vec
    from squeezegym.market import Market
    from squeezegym.orderbook import OrderBook
    from squeezegym.scenario import Scenario

__version__ = "0.1.0"
__all__ = [
    "ENVIRONMENTS",
    "GAMES",
    "GUARDS",
    "MESSAGE_DTYPE",
    "RECEIPT_DTYPE",
    "TAPE_DTYPE",
    "Market",
    "OrderBook",
    "Scenario",
    "make_game_sb3_vec",
    "make_game_vec",
    "make_sb3_vec",
    "parallel_env",
]

ENVIRONMENTS = {
    "squeezegym/ShortSqueeze-v0": "short_squeeze",
    "squeezegym/LongFlush-v0": "long_flush",
    "squeezegym/RoundNumber-v0": "round_number",
    "squeezegym/ThinAlt-v0": "thin_alt",
    "squeezegym/Calm-v0": "calm",
    "squeezegym/FromData-v0": "from_data",
    "squeezegym/EquityHalt-v0": "equity_halt",
    "squeezegym/Noiseless-v0": "noiseless",
}
"""Registered ids and the scenarios they run.

Each has two more with the choices of a menu as actions: ``squeezegym/ShortSqueezeDiscrete-v0`` and
``squeezegym/ShortSqueezeMasked-v0``, which also says which of them the venue allows.
"""

GUARDS = {"squeezegym/ExchangeGuard-v0": "exchange_guard"}
"""Registered ids whose learner is the exchange, with ``squeezegym/ExchangeGuardDiscrete-v0``."""

GAMES = {"squeezegym/SqueezeGame-v0": "squeeze_game"}
"""Games for several learners and their scenarios: ids of :func:`parallel_env`, not of Gymnasium."""

_VARIANTS = {"": "continuous", "Discrete": "discrete", "Masked": "masked"}

_LAZY = {
    "MESSAGE_DTYPE": "squeezegym.bookrecord",
    "RECEIPT_DTYPE": "squeezegym.bookrecord",
    "TAPE_DTYPE": "squeezegym.bookrecord",
    "Market": "squeezegym.market",
    "OrderBook": "squeezegym.orderbook",
    "Scenario": "squeezegym.scenario",
    "make_game_sb3_vec": "squeezegym.integrations.selfplay",
    "make_game_vec": "squeezegym.envs.gamevector",
    "make_sb3_vec": "squeezegym.integrations.sb3",
    "parallel_env": "squeezegym.envs.multi",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'squeezegym' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_LAZY[name]), name)


for _id, _scenario in ENVIRONMENTS.items():
    for _suffix, _actions in _VARIANTS.items():
        _register(
            id=_id.replace("-v0", f"{_suffix}-v0"),
            entry_point="squeezegym.envs.squeeze:SqueezeEnv",
            vector_entry_point="squeezegym.envs.vector:SqueezeVectorEnv",
            kwargs={"scenario": _scenario, "actions": _actions},
        )

for _id, _scenario in GUARDS.items():
    for _suffix in ("", "Discrete"):
        _register(
            id=_id.replace("-v0", f"{_suffix}-v0"),
            entry_point="squeezegym.envs.guard:GuardEnv",
            vector_entry_point="squeezegym.envs.guard:GuardVectorEnv",
            kwargs={"scenario": _scenario, "actions": _VARIANTS[_suffix]},
        )
