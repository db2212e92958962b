"""The exchange as an agent: it sees its whole market and pulls the levers of protection."""

from __future__ import annotations

from typing import Any

from gymnasium.vector import AutoresetMode

from squeezegym.envs.guardlevers import menu
from squeezegym.envs.guardlevers import table as levers
from squeezegym.envs.guardrows import GuardRows
from squeezegym.envs.guardview import FEATURES, table
from squeezegym.envs.rows import Rows
from squeezegym.envs.squeeze import SqueezeEnv
from squeezegym.envs.vector import SqueezeVectorEnv
from squeezegym.scenario import Scenario


class GuardEnv(SqueezeEnv):
    """Run the exchange while its traders are squeezed.

    **Action** ``Box(-1, 1, (levers,), float32)``, one number for each of ``guard.levers``: at or
    below 0 the rule is off, above it is in force with the step ``ceil(8 a)`` of its value. A lever
    that stays at its step is left alone. Steps lie in equal ratios between the first and the last:

    %(levers)s

    With ``actions="discrete"`` ``Discrete(%(choices)d)``, choices from
    :data:`squeezegym.envs.guardlevers.PRESETS`:

    %(menu)s

    A decision holds from the next event on, after the notice that the scenario gives of a rule.

    **Observation** ``Box((%(n)d,), float32)``, each entry in [-1, 1] or [0, 1]: what a venue sees
    of its own market at that moment, and never the fundamental.

    %(table)s

    **Reward** Traded volume, less what was liquidated, less what fund and vault lost, was
    deleveraged and charged to others, less the distance of mark from fundamental, less the time in
    which a book did not trade continuously, each by its weight in section ``guard``. Money counts
    in notionals of the depth within 10 bp at the opening price. Distance and halts are those at the
    end of a step.

    **Start** After the burn-in, with every lever off. **End** ``truncated`` at the horizon;
    ``terminated`` never: a venue whose fund is empty goes on, and deleveraging costs it.

    **Info** ``reward_volume``, ``reward_liquidated``, ``reward_losses``, ``reward_dislocation`` and
    ``reward_halted`` of the step, which add up to the reward; of the episode so far (quote)
    ``volume``, ``liquidated``, ``losses``, (bp minutes) ``dislocation``, (minutes) ``halted``;
    ``fund`` (quote), fund and vault at mark; flags ``ignited``, ``halts`` (a book does not trade
    continuously now).

    Args:
        scenario: Shipped scenario name, TOML path, or a scenario object (which a spec cannot hold).
        render_mode: As of :class:`~squeezegym.envs.squeeze.SqueezeEnv`.
        horizon_s: Episode length instead of the scenario's, seconds.
        threads: Ignored by one market; here so that single and vector take the same arguments.
        actions: ``"continuous"`` or ``"discrete"``.
        **data: As of :class:`~squeezegym.envs.squeeze.SqueezeEnv`.

    **Version history** v0: first.
    """

    kind: type[Rows] = GuardRows

    def __init__(
        self,
        scenario: str | Scenario = "exchange_guard",
        render_mode: str | None = None,
        horizon_s: float | None = None,
        threads: int | None = None,
        actions: str = "continuous",
        **data: Any,
    ) -> None:
        super().__init__(scenario, render_mode, horizon_s, threads, actions, **data)


class GuardVectorEnv(SqueezeVectorEnv):
    """``num_envs`` exchanges as one environment, equal to ``SyncVectorEnv`` bit for bit.

    Args:
        num_envs: Number of markets.
        scenario: As :class:`GuardEnv`.
        autoreset_mode: ``"NextStep"`` (default), ``"SameStep"`` or ``"Disabled"``.
        max_episode_steps: Truncate after so many steps.
        horizon_s: Episode length instead of the scenario's, seconds.
        threads: Threads to use; default ``SQUEEZEGYM_THREADS`` or all cores allowed.
        render_mode: ``"rgb_array"``, ``"ansi"`` or None.
        actions: ``"continuous"`` or ``"discrete"``.
        **data: As :class:`GuardEnv`.
    """

    kind: type[Rows] = GuardRows

    def __init__(
        self,
        num_envs: int = 1,
        scenario: str | Scenario = "exchange_guard",
        autoreset_mode: str | AutoresetMode = "NextStep",
        max_episode_steps: int | None = None,
        horizon_s: float | None = None,
        threads: int | None = None,
        render_mode: str | None = None,
        actions: str = "continuous",
        **data: Any,
    ) -> None:
        super().__init__(
            num_envs,
            scenario,
            autoreset_mode,
            max_episode_steps,
            horizon_s,
            threads,
            render_mode,
            actions,
            **data,
        )


if GuardEnv.__doc__:  # absent under python -OO
    GuardEnv.__doc__ %= {
        "levers": levers().replace("\n", "\n    "),
        "menu": menu().replace("\n", "\n    "),
        "choices": len(menu().splitlines()) - 2,
        "n": len(FEATURES),
        "table": table().replace("\n", "\n    "),
    }
