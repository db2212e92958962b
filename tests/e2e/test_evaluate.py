import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from rich.console import Console

from agents import evaluate
from agents.baselines.policy import taking
from agents.evaluation import play
from squeezegym.errors import ConfigError

ENV_ID = "squeezegym/ShortSqueeze-v0"
QUICK = ("episode.horizon_s=3.0", "episode.burn_in_s=1.0", "catalyst.start_s=[1.0,1.0]")
QUIET = Console(quiet=True)


class Always:
    """Half long."""

    def reset(self, rows):
        pass

    def act(self, observations):
        return taking(np.full(len(observations), 0.5))


@pytest.fixture
def rules(tmp_path, monkeypatch):
    text = Path(__file__).read_text()
    lines = text[text.index("class Always") : text.index("@pytest.fixture")]
    imports = "import numpy as np\nfrom agents.baselines.policy import taking\n"
    (tmp_path / "my_rules.py").write_text(imports + lines)
    monkeypatch.syspath_prepend(tmp_path)


def test_an_evaluation_writes_episodes_scores_and_a_page(tmp_path, rules, capsys):
    out = tmp_path / "out"
    script = f"{tmp_path / 'my_rules.py'}:Always"
    assert evaluate.resolve_policies([script], "both").keys() == {"Always"}
    arguments = ["--policy", "my_rules:Always", "--policy", "flat", "--seeds", "5:8"]
    arguments += [word for change in QUICK for word in ("--changes", change)]
    arguments += ["--no-baselines", "--no-oracles", "--out", str(out)]
    assert evaluate.main(arguments) == 0
    assert str(out / "report.html") in capsys.readouterr().out
    assert {p.name for p in out.iterdir()} == {
        "episodes.parquet",
        "scores.json",
        "manifest.json",
        "report.html",
    }
    table = pl.read_parquet(out / "episodes.parquet")
    assert table["policy"].to_list() == ["Always"] * 3 + ["flat"] * 3
    assert table["seed"].to_list() == [5, 6, 7] * 2
    parts = ("price", "fees", "funding", "borrow", "slippage", "liquidation")
    total = sum(table[part].to_numpy() for part in parts)
    np.testing.assert_allclose(total, table["pnl_percent"].to_numpy(), atol=1e-9)
    scores = json.loads((out / "scores.json").read_text())
    assert scores["policies"]["flat"]["all"]["episodes"] == 3
    assert scores["idle"] == ["flat"]


def test_the_flips_measured_are_those_of_the_environment():
    kwargs = evaluate.resolve_environment(
        ENV_ID,
        (
            "episode.horizon_s=20.0",
            "catalyst.start_s=[1.0,1.0]",
            "catalyst.duration_s=3.0",
            "catalyst.squeeze=0.7",
            "catalyst.near_miss=0.0",
            "catalyst.squeeze_size=[3.0,3.0]",
        ),
    )
    from agents.paths import follow

    (part,) = follow(Always(), ENV_ID, kwargs, range(12))
    played = play("always", Always(), ENV_ID, kwargs, range(12))
    assert [e.flipped for e in played] == part.ends["flipped"].astype(bool).tolist()
    assert {e.regime for e in played} == {"squeeze", "nothing"}
    assert any(e.flipped for e in played)
    assert all(e.false_flip != e.ignited for e in played)  # long all the time


@pytest.mark.parametrize("algorithm", ["ppo", "recurrent_ppo", "maskable_ppo", "sac"])
def test_a_policy_file_plays_in_the_environment_that_it_was_trained_for(tmp_path, algorithm):
    from squeezegym.integrations.policyfile import PolicySpec
    from squeezegym.integrations.trained import TrainedPolicy, _build

    spec = PolicySpec(
        algorithm=algorithm,
        decision_steps=3,
        hidden=(8,),
        lstm=4 if algorithm == "recurrent_ppo" else 0,
        env_id=ENV_ID,
        scenario="0" * 16,
        seed=0,
        steps=1,
    )
    kwargs = evaluate.resolve_environment(ENV_ID, QUICK)
    policy = TrainedPolicy(spec, _build(spec), deterministic=False)
    first = play("p", policy, ENV_ID, kwargs, [5, 6])
    assert [e.steps for e in first] == [30, 30]
    assert any(e.turnover > abs(e.mean_abs_position) for e in first)
    again = play("p", policy, ENV_ID, kwargs, [5, 6])
    assert [e.pnl_percent for e in again] == [e.pnl_percent for e in first]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--seeds", "5"], "--seeds must be FIRST:END"),
        (["--seeds", "8:8"], "--seeds must be FIRST:END"),
        (["--policy", "momentun"], "did you mean 'momentum'"),
        (["--policy", "no_such_module:Rule"], "give module:Class"),
        (["--policy", "no_such_file.py:Rule"], "give module:Class"),
        (["--policy", "flat", "--policy", "flat"], "two policies are called 'flat'"),
        (["--id", "squeezegym/ShortSqueze-v0"], "did you mean 'squeezegym/ShortSqueeze-v0'"),
        (["--id", "squeezegym/FromData-v0"], "needs data files"),
        (["--changes", "episode.horizon=3"], "unknown key 'horizon'"),
    ],
)
def test_bad_input_is_one_sentence_and_leaves_nothing(tmp_path, capsys, arguments, sentence):
    assert evaluate.main([*arguments, "--out", str(tmp_path / "out")]) == 2
    told = capsys.readouterr().err
    assert told.startswith("error: ") and sentence in told
    assert len(told.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_no_policy_but_the_named(tmp_path):
    with pytest.raises(ConfigError, match="unknown policy"):
        evaluate.resolve_policies([str(tmp_path / "missing.zip")], "both")
