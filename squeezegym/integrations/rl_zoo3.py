"""rl_zoo3: the native batch in the place of the environments that it makes one by one.

In a hyperparameter file: ``vec_env_wrapper: squeezegym.integrations.rl_zoo3.NativeBatch``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from stable_baselines3.common.vec_env import VecEnv, VecMonitor

from squeezegym.errors import ConfigError
from squeezegym.integrations.sb3 import make_sb3_vec


class NativeBatch(VecMonitor):
    """Replace a vector of single environments by a native batch of the same id, number and seeds.

    The episodes' statistics go to the first of the monitor files that the single ones had opened.

    Args:
        venv: As rl_zoo3 makes it: monitored environments of one id of this package.
    """

    def __init__(self, venv: VecEnv) -> None:
        spec = venv.get_attr("spec")[0]
        if spec is None or not str(spec.vector_entry_point).startswith("squeezegym."):
            raise ConfigError(
                f"NativeBatch runs the ids of squeezegym, got {spec and spec.id}; "
                "take vec_env_wrapper out of the hyperparameters of other ids"
            )
        kwargs = {key: value for key, value in spec.kwargs.items() if value is not None}
        if spec.max_episode_steps is not None:
            kwargs["max_episode_steps"] = spec.max_episode_steps
        native = make_sb3_vec(spec.id, venv.num_envs, **kwargs)
        native._seeds = list(venv._seeds)
        filename = _monitor_file(venv)
        venv.close()
        super().__init__(native, filename)


def _monitor_file(venv: Any) -> str | None:
    """Return the path of the first environment's monitor file, without its extension."""
    for env in getattr(venv, "envs", ()):
        writer = env.get_wrapper_attr("results_writer")
        if writer is not None:
            return str(Path(writer.file_handler.name)).removesuffix(".monitor.csv")
    return None
