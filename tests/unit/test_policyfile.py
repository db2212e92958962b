"""Files of trained policies: what is loaded, and what is refused."""

import hashlib
import io
import json
import os
import pickle
import zipfile

import numpy as np
import pytest
import torch

from squeezegym import make_sb3_vec
from squeezegym.envs.observation import FEATURES, observation_space
from squeezegym.errors import DataError
from squeezegym.integrations import policyfile
from squeezegym.integrations.policyfile import ALGORITHMS, PolicySpec
from squeezegym.integrations.sb3 import load_policy, save_policy
from squeezegym.integrations.trained import _build, policy_kwargs


class Evil:
    """Makes a folder when it is unpickled."""

    def __reduce__(self):
        return (os.mkdir, ("evil-ran",))


def spec(algorithm="ppo", **changes):
    values = {
        "algorithm": algorithm,
        "decision_steps": 2,
        "hidden": (8,),
        "lstm": 4 if algorithm == "recurrent_ppo" else 0,
        "env_id": "squeezegym/ShortSqueeze-v0",
        "scenario": "0" * 16,
        "seed": 0,
        "steps": 1,
    }
    return PolicySpec(**{**values, **changes})


class Whole:
    """Stands for the whole policy of stable-baselines3, of which only a part is built."""

    def __init__(self, part):
        self.actor = self.quantile_net = part
        self.state_dict = part.state_dict


def saved(path, algorithm="ppo", **changes):
    torch.manual_seed(3)
    wanted = spec(algorithm, **changes)
    network = _build(wanted)
    for p in network.parameters():
        torch.nn.init.normal_(p, std=0.5)
    return save_policy(path, wanted, Whole(network)), network


def drawn(n=5, seed=0):
    space = observation_space()
    random = np.random.default_rng(seed)
    return random.uniform(space.low, space.high, (n, len(FEATURES))).astype(np.float32)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_loaded_policy_has_the_weights_and_acts(tmp_path, algorithm):
    digest, network = saved(tmp_path / "p.zip", algorithm)
    assert digest == hashlib.sha256((tmp_path / "p.zip").read_bytes()).hexdigest()
    for deterministic in (True, False):
        policy = load_policy(tmp_path / "p.zip", deterministic=deterministic, seed=1)
        loaded = policy.network.state_dict()
        assert loaded.keys() == network.state_dict().keys()
        assert all(torch.equal(loaded[k], v) for k, v in network.state_dict().items())
        masks = np.ones((5, 11), bool) if algorithm == "maskable_ppo" else None
        policy.reset(5)
        first = [policy.act(drawn(seed=i), masks) for i in range(8)]
        policy.reset(5)
        again = [policy.act(drawn(seed=i), masks) for i in range(8)]
        np.testing.assert_array_equal(first, again)
        np.testing.assert_array_equal(first[0].shape, (5,) if masks is not None else (5, 2))
        assert np.abs(first).max() <= (10 if masks is not None else 1)
        assert np.ptp(first, axis=0).max() > 0
        if masks is None:  # decided at every second step
            np.testing.assert_array_equal(first[2], first[3])


def test_a_policy_with_memory_remembers(tmp_path):
    saved(tmp_path / "p.zip", "recurrent_ppo")
    policy = load_policy(tmp_path / "p.zip")
    policy.reset(5)
    policy.act(drawn(seed=1))
    after_one = policy._memory[0].clone()
    policy.act(drawn(seed=2))
    policy.act(drawn(seed=1))
    assert not torch.equal(policy._memory[0], after_one)


def test_masked_choices_are_never_taken(tmp_path):
    saved(tmp_path / "p.zip", "maskable_ppo", decision_steps=1)
    policy = load_policy(tmp_path / "p.zip", deterministic=False)
    masks = np.zeros((5, 11), bool)
    masks[:, [0, 4]] = True
    policy.reset(5)
    chosen = {int(c) for i in range(30) for c in policy.act(drawn(seed=i), masks)}
    assert chosen == {0, 4}


def test_equal_weights_give_equal_bytes(tmp_path):
    assert saved(tmp_path / "a.zip")[0] == saved(tmp_path / "b.zip")[0]
    assert saved(tmp_path / "c.zip", seed=1)[0] != saved(tmp_path / "a.zip")[0]


def test_blind_entries_do_not_reach_the_network(tmp_path):
    saved(tmp_path / "p.zip", blind=("basis",), decision_steps=1)
    policy = load_policy(tmp_path / "p.zip")
    seen = torch.as_tensor(drawn())
    other = seen.clone()
    other[:, [f.name for f in FEATURES].index("basis")] = 0.123
    features = policy.network.features_extractor
    assert torch.equal(features(seen), features(other))
    assert policy_kwargs(policy.spec)["features_extractor_kwargs"] == {"blind": ("basis",)}


def members(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write(path, content, *, sums=True, compression=zipfile.ZIP_DEFLATED):
    content = dict(content)
    if sums:
        content.pop("manifest.json", None)
        digests = {name: hashlib.sha256(data).hexdigest() for name, data in content.items()}
        content["manifest.json"] = json.dumps(digests).encode()
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in content.items():
            archive.writestr(name, data)


def pickled_array():
    buffer = io.BytesIO()
    np.save(buffer, np.array([Evil()], object), allow_pickle=True)
    return buffer.getvalue()


A_WEIGHT = "weights/action_net.bias.npy"


def extra(name, data):
    return lambda content: {**content, name: data}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (extra("data", b"{}"), "holds 'data', allowed are"),
        (extra("weights/evil.pkl", pickle.dumps(Evil())), "holds 'weights/evil.pkl'"),
        (extra("../evil.npy", b""), r"holds '\.\./evil\.npy'"),
        (extra("weights/../../evil.npy", b""), "holds 'weights/"),
        (extra(A_WEIGHT, pickled_array()), "no plain arrays"),
        (extra(A_WEIGHT, pickle.dumps(Evil())), "no plain arrays"),
        (extra("weights/zeros.npy", bytes(5_000_000)), "allowed is 100 times as much"),
        (extra("policy.json", b"{}"), r"policy\.json: algorithm"),
        (extra("policy.json", b"[1"), r"policy\.json"),
        (lambda content: {k: v for k, v in content.items() if k != A_WEIGHT}, "another network"),
        (lambda content: {k: v for k, v in content.items() if k != "policy.json"}, "lacks"),
    ],
)
def test_what_could_do_harm_or_does_not_fit_is_refused_in_one_sentence(
    tmp_path, monkeypatch, change, sentence
):
    monkeypatch.chdir(tmp_path)
    saved(tmp_path / "p.zip")
    write(tmp_path / "p.zip", change(members(tmp_path / "p.zip")))
    with pytest.raises(DataError, match=sentence) as refused:
        load_policy(tmp_path / "p.zip")
    assert "\n" not in str(refused.value)
    assert [path.name for path in tmp_path.iterdir()] == ["p.zip"]


def test_a_changed_weight_does_not_agree_with_the_manifest(tmp_path):
    saved(tmp_path / "p.zip")
    content = members(tmp_path / "p.zip")
    content[A_WEIGHT] = content[A_WEIGHT][:-1] + b"\x01"
    write(tmp_path / "p.zip", content, sums=False)
    with pytest.raises(DataError, match="does not agree with the checksums"):
        load_policy(tmp_path / "p.zip")


def test_too_much_and_too_many_are_refused(tmp_path, monkeypatch):
    saved(tmp_path / "p.zip")
    monkeypatch.setattr(policyfile, "MOST_MEMBERS", 3)
    with pytest.raises(DataError, match="at most 3"):
        load_policy(tmp_path / "p.zip")
    monkeypatch.setattr(policyfile, "MOST_MEMBERS", 100)
    monkeypatch.setattr(policyfile, "MOST_BYTES", 1000)
    with pytest.raises(DataError, match="allowed are 1000"):
        load_policy(tmp_path / "p.zip")


def test_other_observations_are_refused(tmp_path):
    saved(tmp_path / "p.zip", features=("a", "b"))
    with pytest.raises(DataError, match="other observations"):
        load_policy(tmp_path / "p.zip")


def test_a_file_of_stable_baselines3_itself_is_refused(tmp_path):
    from stable_baselines3 import PPO

    venv = make_sb3_vec("squeezegym/ShortSqueeze-v0", num_envs=2)
    PPO("MlpPolicy", venv, n_steps=2, batch_size=4, device="cpu").save(tmp_path / "model.zip")
    with pytest.raises(DataError, match="what could hold code is not loaded"):
        load_policy(tmp_path / "model.zip")


@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04 not a zip"])
def test_what_is_no_zip_is_refused(tmp_path, content):
    if content is not None:
        (tmp_path / "p.zip").write_bytes(content)
    with pytest.raises(DataError, match="cannot be read"):
        load_policy(tmp_path / "p.zip")
