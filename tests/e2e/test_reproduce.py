"""The whole chain to the results page, on trainings too short to learn anything."""

import pytest
from rich.console import Console

from agents import reproduce
from agents.reproduce import Config
from agents.runfolder import read_json
from squeezegym.integrations.sb3 import load_policy


@pytest.mark.slow
def test_a_short_reproduction_ends_in_a_page_and_models(tmp_path, capsys):
    out = tmp_path / "out"
    reproduce.reproduce(Config(out, short=True), Console(quiet=True))
    page = (out / "results.md").read_text()
    assert "A smoke run of every stage" in page
    for name in ("PPO", "RecurrentPPO", "flip rule", "clairvoyant flip", "halts", "R with it"):
        assert name in page
    for picture in ("learning_curves.png", "event_study.png"):
        assert (out / "images" / picture).read_bytes().startswith(b"\x89PNG")
        assert f"images/{picture}" in page

    scores = read_json(out / "evaluate.json")["policies"]
    assert scores["clairvoyant flip"]["squeeze"]["capture"]["value"] == 1
    assert (
        scores["clairvoyant flip"]["all"]["mean"]["value"] > scores["flat"]["all"]["mean"]["value"]
    )
    assert read_json(out / "events.json")["PPO"]["episodes"] > 0
    assert len(read_json(out / "ablations.json")["evaluation"]) == 9

    for kind in ("ppo", "recurrent_ppo"):
        model = out / "pretrained" / f"short_squeeze_{kind}"
        assert {path.name for path in model.iterdir()} == {
            "README.md",
            "policy.zip",
            "training.json",
            "curve.json",
            "curve.png",
        }
        assert load_policy(model / "policy.zip").spec.algorithm == kind
        assert read_json(out / "train.json")[f"{kind}-0"] in (model / "README.md").read_text()

    reproduce.reproduce(Config(out, short=True), Console())
    assert "every stage is there" in capsys.readouterr().out
