"""The shipped policies: small, whole, of the present market, and playable as their card says."""

import hashlib
import json
import re
from contextlib import chdir, redirect_stdout
from io import StringIO
from pathlib import Path

import pytest

from agents.models import MOST_BYTES
from squeezegym import Scenario
from squeezegym.integrations.sb3 import load_policy

ROOT = Path(__file__).resolve().parents[2]
MODELS = sorted(path.parent for path in (ROOT / "pretrained").glob("*/policy.zip"))
KINDS = {"short_squeeze_ppo": "ppo", "short_squeeze_recurrent_ppo": "recurrent_ppo"}


def test_one_of_each_kind_is_shipped():
    assert {model.name for model in MODELS} == set(KINDS)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_a_shipped_policy_is_what_its_card_says(model):
    data = (model / "policy.zip").read_bytes()
    card = (model / "README.md").read_text(encoding="utf-8")
    assert len(data) < MOST_BYTES
    assert hashlib.sha256(data).hexdigest() in card
    spec = load_policy(model / "policy.zip").spec
    assert spec.algorithm == KINDS[model.name]
    settings = json.loads((model / "training.json").read_text(encoding="utf-8"))
    assert (spec.seed, spec.steps) == (settings["seed"], settings["steps"])
    assert len(json.loads((model / "curve.json").read_text(encoding="utf-8"))) > 10


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_a_shipped_policy_was_trained_in_the_present_market(model):
    """A scenario that changes needs policies that are trained anew."""
    spec = load_policy(model / "policy.zip").spec
    assert spec.scenario == Scenario.load("short_squeeze").digest()


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_the_code_of_a_card_runs(model):
    card = (model / "README.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", card, re.DOTALL)
    printed = StringIO()
    with chdir(ROOT), redirect_stdout(printed):
        exec(code, {})
    assert re.fullmatch(r"[+-][\d,]+ quote\n", printed.getvalue())
