"""What trainings are told: typed settings, from TOML and the command line, checked before they run.

A file in ``configs/training`` states what differs from the defaults here.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import tomllib
from pathlib import Path
from typing import Annotated, Any, TypeVar

import tyro
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

import squeezegym
from squeezegym.envs.observation import INDEX
from squeezegym.errors import ConfigError, did_you_mean
from squeezegym.integrations.policyfile import Algorithm
from squeezegym.resources import resources
from squeezegym.scenario import Scenario

Whole = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
_Model = TypeVar("_Model", bound=BaseModel)
_Settings = TypeVar("_Settings")


class Settings(BaseModel):
    """Frozen settings in which a misspelt key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class OnPolicy(Settings):
    """Of PPO, with memory and with masks."""

    n_steps: Whole = 75
    """Decisions of each market between two updates."""
    batches: Whole = 4
    """Minibatches of an update."""
    epochs: Whole = 4
    """Passes over the data of an update."""
    gae_lambda: Share = 0.95
    """Mixing of advantage estimates."""
    entropy: NotNegative = 0.003
    """Weight of the entropy bonus."""
    keep_logit: float = 4.0
    """Head start of "keep": an untrained policy trades in 6 / (6 + e^4) = 10 % of decisions."""
    target_kl: Positive = 0.03
    """An update ends once the policy has moved so far."""


class OffPolicy(Settings):
    """Of QR-DQN and SAC."""

    buffer: Whole = 200_000
    """Decisions remembered, over all markets."""
    batch: Whole = 256
    """Decisions of a gradient step."""
    gradient_steps: Whole = 4
    """After every decision of the batch."""
    starts: Whole = 10_000
    """Decisions at random, over all markets, before learning begins."""
    explore: Share = 0.3
    """QR-DQN: share of the training over which random choices become rare."""
    explore_final: Share = 0.02
    """QR-DQN: share of random choices from then on."""
    target_interval: Whole = 10_000
    """QR-DQN: decisions, over all markets, between two copies of the target network."""


class Learner(Settings):
    """The learning algorithm and its network."""

    algorithm: Algorithm = "ppo"
    decision_steps: Whole = 10
    """Environment steps (100 ms each) between two decisions."""
    learning_rate: Positive = 7e-4
    """Of Adam."""
    final_rate: Share = 0.1
    """Share of the learning rate that is left at the end; it falls linearly."""
    gamma: Share = 0.98
    """Discount of a decision: rewards half a minute away still count half."""
    hidden: tuple[Whole, ...] = (64, 64)
    """Units of the hidden layers."""
    lstm: Whole = 64
    """Units of the memory (recurrent_ppo)."""
    blind: tuple[str, ...] = ()
    """Entries of the observation that the network does not see."""
    caution: NotNegative = 0.0
    """Basis points of capital that the learner, not the account, is charged for each decision on
    the metaorder's side of a market that will not ignite: what a false flip is worth."""
    never_flat: bool = False
    """Leave "flat" out of the menu (ppo, recurrent_ppo): always short or long."""
    on_policy: OnPolicy = OnPolicy()
    off_policy: OffPolicy = OffPolicy()
    torch_threads: Whole = 1
    """Threads of torch; small networks are slower with two."""

    @field_validator("blind")
    @classmethod
    def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if name not in INDEX:
                raise ValueError(
                    f"the observation has no entry {name!r}{did_you_mean(name, INDEX)}"
                )
        return names

    @model_validator(mode="after")
    def _menu(self) -> Learner:
        if self.never_flat and self.algorithm not in ("ppo", "recurrent_ppo"):
            raise ValueError(
                f"never_flat needs a menu with flat (ppo, recurrent_ppo), got {self.algorithm}"
            )
        return self


class Training(Settings):
    """A training, complete: the same settings give the same weights."""

    scenario: str = "short_squeeze"
    """Shipped scenario, or path of a TOML file."""
    changes: tuple[str, ...] = ()
    """Changes to the scenario, KEY=VALUE with values as in TOML."""
    seed: Annotated[int, Field(ge=0)] = 0
    """Of markets, network and exploration; evaluation plays seeds far above it."""
    steps: Whole = 20_000_000
    """Environment steps of 100 ms, over all markets."""
    num_envs: Whole = 128
    """Markets trained on at once."""
    checkpoint_steps: Whole = 5_000_000
    """Environment steps between two checkpoints."""
    learner: Learner = Learner()

    @field_validator("scenario")
    @classmethod
    def _known(cls, name: str) -> str:
        if name == "from_data":
            raise ValueError("from_data needs files: use agents.quickstart --book FILE")
        environment(name)
        return name

    @property
    def decisions(self) -> int:
        """Decisions to train on, over all markets."""
        return max(1, self.steps // self.learner.decision_steps)

    def resolved(self) -> Scenario:
        """Return the scenario with its changes."""
        from squeezegym.commands.choice import changed

        return changed(Scenario.load(self.scenario), self.changes)

    def env_id(self) -> str:
        """Return the registered id whose actions the algorithm takes."""
        from squeezegym.integrations.trained import action_kind

        env_id, _ = environment(self.scenario)
        masked = action_kind(self.learner.algorithm) == "masked"
        return env_id.replace("-v0", "Masked-v0") if masked else env_id


def names() -> list[str]:
    """Return the names of the shipped trainings, sorted."""
    folder = resources() / "training"
    return sorted(p.name.removesuffix(".toml") for p in folder.iterdir())


def load(name: str) -> Training:
    """Load a training by shipped name or path of a TOML or JSON file.

    Raises:
        ConfigError: Unknown name or key, or an impossible value.
    """
    if name.endswith((".toml", ".json")):
        path: Any = Path(name)
    else:
        path = resources() / "training" / f"{name}.toml"
    if not path.is_file():
        raise ConfigError(
            f"unknown training {name!r}{did_you_mean(name, names())}; shipped: "
            f"{', '.join(names())} (or give the path of a .toml file)"
        )
    text = path.read_text(encoding="utf-8")
    try:
        data = json.loads(text) if name.endswith(".json") else tomllib.loads(text)
    except ValueError as error:
        raise ConfigError(f"training {name!r} cannot be read: {error}") from None
    return parse(Training, data)


def parse(model: type[_Model], data: Any) -> _Model:
    """Validate plain data; a ConfigError names value, range and remedy."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise ConfigError(explain(error)) from None


def command_line(defaults: _Settings, prog: str, arguments: list[str] | None) -> _Settings:
    """Lay the command line over settings.

    Raises:
        ConfigError: An impossible value.
    """
    told = io.StringIO()
    try:
        with contextlib.redirect_stderr(told):
            return tyro.cli(type(defaults), prog=prog, args=arguments, default=defaults)
    except SystemExit as stopped:
        # tyro draws a box around what the models have found, and exits.
        cause: BaseException | None = stopped.__context__
        while cause is not None and not isinstance(cause, ValidationError):
            cause = cause.__cause__ or cause.__context__
        if cause is not None:
            raise ConfigError(explain(cause)) from None
        print(told.getvalue(), end="", file=sys.stderr)
        raise


def explain(error: ValidationError) -> str:
    """Turn pydantic's findings into one sentence."""
    sentences = []
    for finding in error.errors():
        where = ".".join(str(part) for part in finding["loc"]) or "settings"
        if finding["type"] == "extra_forbidden":
            sentences.append(f"unknown setting '{where}'")
            continue
        message = finding["msg"].removeprefix("Value error, ")
        sentences.append(f"{where}: {message}, got {finding['input']!r}")
    return "; ".join(sentences)


def environment(scenario: str, **data: Any) -> tuple[str, dict[str, Any]]:
    """Return the registered id that runs a scenario, and its keyword arguments.

    Args:
        scenario: Shipped name, path of a TOML file, or ``from_data``.
        **data: Of ``from_data``: ``book`` and ``spot`` (file names), ``positions``,
            ``open_interest``; None and nothing for those not given.

    Raises:
        ConfigError: No environment runs such a scenario.
    """
    joined = {k: os.pathsep.join(v) if isinstance(v, tuple) else v for k, v in data.items()}
    kwargs = {name: value for name, value in joined.items() if value not in (None, "")}
    if scenario.endswith(".toml"):
        return next(iter(squeezegym.ENVIRONMENTS)), {"scenario": scenario, **kwargs}
    ids = {name: env_id for env_id, name in squeezegym.ENVIRONMENTS.items()}
    if scenario not in ids:
        raise ConfigError(
            f"unknown scenario {scenario!r}{did_you_mean(scenario, ids)}; known: "
            f"{', '.join(ids)} (or give the path of a .toml file)"
        )
    return ids[scenario], kwargs
