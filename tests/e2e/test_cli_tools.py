"""``bench``, ``warmup`` and ``doctor`` from the command line."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

from squeezegym import Scenario
from squeezegym.cli import main
from tests.e2e.refusal import refused


def test_list_bench_and_warmup_give_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "--json"]) == 0
    listed = {row["scenario"]: row for row in json.loads(capsys.readouterr().out)}
    assert listed["calm"]["digest"] == Scenario.load("calm").digest()
    assert "squeezegym/ShortSqueeze-v0" in listed["short_squeeze"]["environments"]
    assert main(["bench", "--num-envs", "1", "3", "--seconds", "0.3", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert [row["markets"] for row in rows] == [1, 3]
    for row in rows:
        assert row["steps"] > 0 and row["events"] > row["steps"]
        assert row["steps_per_s"] == pytest.approx(row["steps"] / row["seconds"])
    assert main(["warmup", "default", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["default"] >= 0


def test_bench_prints_a_table_with_the_machine(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "--num-envs", "2", "--seconds", "0.1"]) == 0
    out = capsys.readouterr().out
    assert "steps a second" in out and "numba" in out


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["bench", "--env-id", "squeezegym/ShortSqueze-v0"], ["did you mean"]),
        (["bench", "--num-envs", "0"], ["--num-envs", "from 1"]),
        (["bench", "--seconds", "inf"], ["--seconds", "inf"]),
        (["bench", "--threads", "0"], ["--threads", "1", "0"]),
        (["doctor", "--out", "report.txt"], ["--out", ".md"]),
    ],
)
def test_bad_tools_are_one_sentence(
    args: list[str], words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    err = refused(capsys, *args)
    for word in words:
        assert word in err


@pytest.mark.slow
def test_warmup_compiles_what_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["warmup", "default", "game", "book"]) == 0
    out = capsys.readouterr().out
    for what in ("default", "game", "book"):
        assert f"{what}: ready in" in out


def test_doctor_reports_the_installation(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 0
    out = capsys.readouterr().out
    for word in ("python", "numba", "torch", "kernel cache", "threads", "a market"):
        assert word in out
    if importlib.util.find_spec("ray") is None:
        assert "[scale]" in out.replace("\n", "")


def test_doctor_writes_a_report_and_finds_what_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / "report.md"
    monkeypatch.setenv("SQUEEZEGYM_THREADS", "none")
    assert main(["doctor", "--json", "-o", str(report)]) == 1
    findings = json.loads(capsys.readouterr().out)
    (threads,) = (row for row in findings if row["what"] == "threads")
    assert threads["is_wrong"] and "'none'" in threads["remark"]
    text = report.read_text()
    assert "| numba |" in text and "**(wrong)**" in text
    assert "| SQUEEZEGYM_THREADS | none |" in text
