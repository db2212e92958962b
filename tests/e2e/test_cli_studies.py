"""Studies from the command line: what they write, and bad input in one sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import pytest

from squeezegym.cli import main
from squeezegym.commands.proximity import TableName
from squeezegym.resources import resources
from tests.e2e.refusal import refused


def test_compare_writes_what_it_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page, data, figure = (tmp_path / f"rules.{ending}" for ending in ("md", "json", "png"))
    dear = "dear: fees.perp_taker_bps=9"
    args = ["compare", "--scenario", "calm", "--rule", "none", "--rule", dear]
    files = ["--markdown", str(page), "--json", str(data), "--figure", str(figure)]
    assert main([*args, "--seeds", "5", *files]) == 0
    assert "traded volume, base" in capsys.readouterr().out
    command = 'squeezegym compare --scenario calm --rule none --rule "dear: fees.perp_taker_bps=9"'
    assert f"{command} --seeds 5 --seed 1" in page.read_text()
    assert json.loads(data.read_text())["rules"]["dear"] == {"fees.perp_taker_bps": 9}
    assert figure.read_bytes().startswith(b"\x89PNG")


def test_json_may_go_to_stdout(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "rules.md"
    args = ["compare", "--scenario", "calm", "--rule", "none", "--rule", "throttle"]
    assert main([*args, "--seeds", "5", "--json", "-", "--markdown", str(page)]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["rules"]["none"] == {}
    assert "traded volume, base" in err and f"wrote {page}" in err.replace("\n", "")


def test_compare_refuses_bad_rules(capsys: pytest.CaptureFixture[str]) -> None:
    assert "no rule 'nome'" in refused(capsys, "compare", "--rule", "nome")
    assert "--rule takes KEY=VALUE" in refused(capsys, "compare", "--rule", "name: change")
    assert "has no name or no change" in refused(capsys, "compare", "--rule", "name:")
    assert "two or more" in refused(capsys, "compare", "--rule", "none")


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["validate", "--scenario-calm", "clam"], ["'clam'", "did you mean 'calm'"]),
        (["validate", "--hours", "0"], ["hours", "0"]),
        (["validate", "--episodes", "2"], ["episodes", "5", "2"]),
        (["validate", "--seed", "-1"], ["seed", "-1"]),
        (["causes", "--episodes", "2"], ["episodes", "5", "2"]),
        (["causes", "--json", "x.txt"], ["--json", ".json", "x.txt"]),
        (["causes", "--seed", "-1"], ["seed", "-1"]),
        (["proof", "--seed", "-1"], ["--seed", "-1"]),
        (["proof", "--seeds", "19"], ["--seeds", "20", "19"]),
        (["phase", "--out", "x.parquet", "--seed", "-1"], ["seed", "-1"]),
        (["phase", "--out", "x.parquet", "--workers", "0"], ["workers", "1", "0"]),
        (["phase", "--out", "x.parquet", "--cells", "1"], ["cells", "2", "1"]),
        (["proximity"], ["--positions, --metrics or --candles"]),
        (["proximity", "--metrics", "no.csv", "--depth-quote", "1e6"], ["'no.csv' cannot be read"]),
        (["proximity", "--draws", "0"], ["--draws", "1", "0"]),
        (["proximity", "--paths", "0"], ["--paths", "1", "0"]),
        (["proximity", "--seed", "-1"], ["--seed", "-1"]),
        (["proximity", "--survived-h", "nan"], ["--survived-h", "nan"]),
        (["proximity", "--market-seconds", "-1"], ["--market-seconds", "-1"]),
        (["proximity", "--market-seconds", "1"], ["--market-seconds", "--book"]),
        (["proximity", "--depth-quote", "0"], ["--depth-quote", "above 0"]),
        (["proximity", "--at", "noon"], ["--at", "2023-01-13T20:55", "'noon'"]),
        (["validate", "--json", "x.txt"], ["--json", ".json", "x.txt"]),
        (["validate", "--markdown", "/no/such/folder/x.md"], ["--markdown", "/no/such/folder"]),
        (
            ["calibrate", "--book", "b.gz", "--spot", "s.gz", "--scenario", "no.toml"],
            ["'no.toml' does not exist"],
        ),
        (
            [
                *("calibrate", "--book", "b.gz", "--spot", "s.gz"),
                *("--scenario", "no.toml", "--markdown", "x.md"),
            ],
            ["--markdown is of a fit"],
        ),
        (["proof", "--json", "x.txt"], ["--json", ".json", "x.txt"]),
        (["phase", "--out", "x.parquet", "--json", "x.txt"], ["--json", ".json", "x.txt"]),
    ],
)
def test_bad_studies_are_one_sentence(
    args: list[str], words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    err = refused(capsys, *args)
    for word in words:
        assert word in err


def test_proximity_names_the_shipped_tables() -> None:
    shipped = {path.name.removesuffix(".toml") for path in (resources() / "brackets").iterdir()}
    assert set(get_args(TableName)) == shipped


def test_an_interrupt_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*args: Any, **named: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("squeezegym.theory.validate.record", interrupted)
    assert main(["validate", "--hours", "1", "--episodes", "5"]) == 130
    assert capsys.readouterr().err == "squeezegym: stopped; nothing was written\n"
