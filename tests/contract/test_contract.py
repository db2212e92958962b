"""The contract that others can run on their ids, run on ours and on environments that break it."""

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces

import squeezegym
from squeezegym.testing import assert_conserved, env_contract

SHORT = {"horizon_s": 1.0}
LONG_STEPS = {"squeezegym/RoundNumber-v0": 5.0, "squeezegym/EquityHalt-v0": 5.0}
BASE = [env_id for env_id in squeezegym.ENVIRONMENTS if "FromData" not in env_id]
VARIANTS = [
    env_id.replace("-v0", f"{kind}-v0") for env_id in BASE for kind in ("Discrete", "Masked")
]


@pytest.mark.parametrize("env_id", [*BASE, *VARIANTS[:2]])
def test_every_id_keeps_the_contract(env_id):
    passed = env_contract(env_id, horizon_s=LONG_STEPS.get(env_id, 1.0))
    assert passed[-4:] == [
        "stable_baselines3",
        "parity_NextStep",
        "parity_SameStep",
        "parity_Disabled",
    ]


@pytest.mark.slow
@pytest.mark.parametrize("env_id", VARIANTS[2:])
def test_every_variant_keeps_the_contract(env_id):
    assert env_contract(env_id, horizon_s=5.0)


def test_module_colon_id_keeps_the_contract():
    assert env_contract("squeezegym:squeezegym/CalmMasked-v0", **SHORT)


class Walk(gym.Env):
    """A walk that can be broken in one way at a time."""

    observation_space = spaces.Box(-1.0, 1.0, (2,), np.float32)
    action_space = spaces.Box(-1.0, 1.0, (1,), np.float32)

    def __init__(self, flaw="none"):
        self.flaw = flaw
        self.state = np.zeros(2, np.float32)
        self.steps = 0

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        drift = np.random.default_rng() if self.flaw == "seed" else self.np_random
        self.state = drift.uniform(-0.5, 0.5, 2).astype(np.float32)
        self.steps = 0
        return self._observe(), {}

    def _observe(self):
        return self.state if self.flaw == "alias" else self.state.copy()

    def step(self, action):
        if np.isnan(action).any() and self.flaw != "nan":
            raise ValueError("NaN")
        if np.isinf(action).any() and self.flaw == "half":
            self.state[0] = 0.25
            raise ValueError("infinite")
        self.steps += 1
        self.state[:] = np.clip(self.state + 0.1 * np.clip(action, -1, 1), -1, 1)
        reward = float(self.state[0])
        if self.flaw == "corner" and action[0] == 1.0:
            reward = float("inf")
        return self._observe(), reward, False, self.steps == 10, {}

    def __reduce__(self):
        if self.flaw == "pickle":
            return Walk, ("pickle",)
        return super().__reduce__()


@pytest.mark.parametrize(
    ("flaw", "said"),
    [
        ("seed", "."),  # Gymnasium's own checker may be first to say so
        ("alias", "."),
        ("nan", "not finite|outside its space"),
        ("half", "left something behind"),
        ("corner", "reward is inf"),
        ("pickle", "pickled within an episode"),
    ],
)
def test_a_broken_environment_is_told_how(flaw, said):
    env_id = f"tests/Walk{flaw.capitalize()}-v0"
    gym.register(id=env_id, entry_point="tests.contract.test_contract:Walk", kwargs={"flaw": flaw})
    with pytest.raises(Exception, match=said):
        env_contract(env_id)
    gym.registry.pop(env_id)


def test_a_sound_environment_of_others_passes():
    env_id = "tests/Walk-v0"
    gym.register(id=env_id, entry_point="tests.contract.test_contract:Walk")
    assert env_contract(env_id)[-1] == "stable_baselines3"
    gym.registry.pop(env_id)


@pytest.mark.parametrize("env_id", BASE)
def test_nothing_is_created_or_lost(env_id):
    envs = gym.make_vec(env_id, num_envs=2)
    envs.reset(seed=1)
    envs.action_space.seed(1)
    for _ in range(60):
        envs.step(envs.action_space.sample())
    assert_conserved(envs)
    assert_conserved(gym.wrappers.vector.RecordEpisodeStatistics(envs))


@pytest.mark.parametrize(
    ("field", "said"),
    [("quote", "quote sums to 1"), ("perp", "perp sums to 1"), ("spot", "spot sums to 1")],
)
def test_a_quantum_too_many_is_found(field, said):
    env = gym.make(BASE[0])
    env.reset(seed=0)
    assert_conserved(env)
    env.unwrapped._rows.batch.markets[0]["accounts"][field][20] += 1
    with pytest.raises(AssertionError, match=said):
        assert_conserved(env)


def test_a_crossed_book_is_found():
    venv = squeezegym.make_sb3_vec(BASE[0], num_envs=2, seed=0)
    venv.reset()
    assert_conserved(venv)
    rows = venv.env._rows
    book = rows.batch.markets[1]["books"][0]
    ask = int(book["best_ask"])
    book["best_ask"] = book["best_bid"]
    with pytest.raises(AssertionError, match="market 1: best bid"):
        assert_conserved(venv)
    book["best_ask"] = ask
    assert_conserved(venv)
