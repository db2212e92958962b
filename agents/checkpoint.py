"""Everything that the future of a training depends on, in one file.

A training that goes on from it ends with the same weights, bit for bit, as one that never stopped.
The file belongs to the machine that wrote it; what is passed on is the policy.
"""

from __future__ import annotations

import io
import json
import random
from collections import deque
from pathlib import Path
from typing import Any

import numpy as np
import torch
from stable_baselines3.common.off_policy_algorithm import OffPolicyAlgorithm
from stable_baselines3.common.save_util import recursive_getattr, recursive_setattr
from stable_baselines3.common.vec_env import VecMonitor

from squeezegym.errors import DataError
from squeezegym.files import write_whole

_COUNTERS = (
    "num_timesteps",
    "_n_updates",
    "_episode_num",
    "_current_progress_remaining",
    "_n_calls",  # of QR-DQN, like the next
    "exploration_rate",
)
_REPLAY = ("observations", "next_observations", "actions", "rewards", "dones", "timeouts")


def save(path: Path, model: Any, reports: Any) -> None:
    """Write the state of a training, whole or not at all.

    Args:
        path: An ``.npz`` file.
        model: Between two rollouts.
        reports: What it has reported so far, as plain data.
    """
    arrays, plain = _batch_state(_monitor(model.env))
    arrays["last_obs"], arrays["last_starts"] = model._last_obs, model._last_episode_starts
    plain["counters"] = {k: getattr(model, k) for k in _COUNTERS if hasattr(model, k)}
    plain["episodes"] = [
        {key: float(value) for key, value in episode.items()} for episode in model.ep_info_buffer
    ]
    plain["successes"] = [bool(success) for success in model.ep_success_buffer]
    plain["choices"] = model.action_space.np_random.bit_generator.state
    plain["python"] = random.getstate()
    kind, arrays["numpy"], *rest = np.random.get_state()  # noqa: NPY002 (the library's own)
    plain["numpy"] = [kind, *rest]
    plain["reports"] = reports
    if isinstance(model, OffPolicyAlgorithm):
        replay: Any = model.replay_buffer
        plain["replay"] = [replay.pos, replay.full]
        filled = replay.buffer_size if replay.full else replay.pos
        arrays |= {f"replay_{name}": getattr(replay, name)[:filled] for name in _REPLAY}
    buffer = io.BytesIO()
    torch.save(_tensors(model), buffer)
    arrays["torch"] = np.frombuffer(buffer.getvalue(), np.uint8)
    write_whole(path, lambda partial: np.savez(partial, plain=json.dumps(plain), **arrays))


def restore(path: Path, model: Any) -> Any:
    """Put a fresh training into the state of a checkpoint; return what it had reported.

    Raises:
        DataError: The file is damaged or belongs to another training.
    """
    try:
        with np.load(path, allow_pickle=False) as saved:
            arrays = dict(saved)
        plain = json.loads(str(arrays.pop("plain")))
        tensors = torch.load(io.BytesIO(arrays["torch"].tobytes()), weights_only=True)
        _restore_batch(_monitor(model.env), arrays, plain)
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise DataError(
            f"checkpoint {str(path)!r} cannot be read ({error}); remove the run folder and train "
            "again"
        ) from None
    model._last_obs, model._last_episode_starts = arrays["last_obs"], arrays["last_starts"]
    for name, value in plain["counters"].items():
        setattr(model, name, value)
    model.ep_info_buffer = deque(plain["episodes"], model._stats_window_size)
    model.ep_success_buffer = deque(plain["successes"], model._stats_window_size)
    if "replay" in plain:
        replay = model.replay_buffer
        replay.pos, replay.full = plain["replay"]
        for name in _REPLAY:
            values = arrays[f"replay_{name}"]
            getattr(replay, name)[: len(values)] = values
    _restore_tensors(model, tensors)
    model.action_space.np_random.bit_generator.state = plain["choices"]
    version, words, spare = plain["python"]
    random.setstate((version, tuple(words), spare))
    kind, *rest = plain["numpy"]
    np.random.set_state((kind, arrays["numpy"], *rest))  # noqa: NPY002
    return plain["reports"]


def _tensors(model: Any) -> dict[str, Any]:
    """Return weights, optimizers, memory and the state of torch's generator."""
    _, names = model._get_torch_save_params()
    memory = getattr(model, "_last_lstm_states", None)
    return {
        "parameters": model.get_parameters(),
        "variables": {name: recursive_getattr(model, name).data for name in names or ()},
        "memory": None if memory is None else [list(memory.pi), list(memory.vf)],
        "random": torch.get_rng_state(),
    }


def _restore_tensors(model: Any, tensors: dict[str, Any]) -> None:
    model.set_parameters(tensors["parameters"], exact_match=True, device=model.device)
    for name, value in tensors["variables"].items():
        recursive_setattr(model, f"{name}.data", value)
    if tensors["memory"] is not None:
        from sb3_contrib.common.recurrent.type_aliases import RNNStates

        actor, critic = tensors["memory"]
        model._last_lstm_states = RNNStates(tuple(actor), tuple(critic))
    torch.set_rng_state(tensors["random"])


def _monitor(env: Any) -> VecMonitor:
    """Return the wrapper that counts episodes; those around it have no state."""
    while not isinstance(env, VecMonitor):
        env = env.venv
    return env


def _batch_state(monitor: VecMonitor) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return arrays and plain data of the markets and of the wrappers around them."""
    decisions: Any = monitor.venv
    state = decisions.venv.env.snapshot()
    generators, digest = state.pop("generators"), state.pop("digest")
    # Records go as bytes: the header that describes their fields is longer than numpy reads.
    arrays = {
        f"batch_{name}": values.view(np.uint8).reshape(len(values), -1)
        if values.dtype.names
        else values
        for name, values in state.items()
    }
    arrays["orders"] = decisions.orders
    arrays["returns"], arrays["lengths"] = monitor.episode_returns, monitor.episode_lengths
    return arrays, {"generators": generators, "digest": digest}


def _restore_batch(monitor: VecMonitor, arrays: dict[str, Any], plain: dict[str, Any]) -> None:
    decisions: Any = monitor.venv
    env = decisions.venv.env
    state = {k.removeprefix("batch_"): v for k, v in arrays.items() if k.startswith("batch_")}
    for name, records in (("markets", env.batch.markets), ("views", env.batch.views)):
        state[name] = state[name].reshape(-1).view(records.dtype)
    env.restore({**state, "generators": plain["generators"], "digest": plain["digest"]})
    decisions.orders = arrays["orders"]
    monitor.episode_returns, monitor.episode_lengths = arrays["returns"], arrays["lengths"]
