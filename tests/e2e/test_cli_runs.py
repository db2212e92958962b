"""``simulate`` and ``replay`` from the command line: output, files, bad input, a run put aside."""

from __future__ import annotations

import gzip
import json
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from squeezegym import Market, Scenario
from squeezegym.checkpoint import save_checkpoint
from squeezegym.cli import main
from tests.e2e.refusal import refused

T0 = 1_700_000_000_000


def _diff(u: int, pu: int, bid: str = "99.90") -> dict[str, Any]:
    data = {"e": "depthUpdate", "E": T0 + 10 * u, "T": T0 + 10 * u, "s": "XUSDT", "U": pu + 1}
    return {"stream": "xusdt@depth", "data": {**data, "u": u, "pu": pu, "b": [[bid, "1"]], "a": []}}


def _snapshot(best_bid: str = "99.90") -> dict[str, Any]:
    bids, asks = [[best_bid, "1"], ["99.80", "2"]], [["100.00", "1"], ["100.10", "2"]]
    return {"lastUpdateId": 100, "T": T0, "bids": bids, "asks": asks}


def _write(path: Path, *messages: dict[str, Any], cut: int | None = None) -> str:
    lines = [f"{(T0 + i) * 1_000_000} {json.dumps(m)}\n" for i, m in enumerate(messages)]
    path.write_bytes(gzip.compress("".join(lines).encode())[:cut])
    return str(path)


def test_simulate_prints_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", "--scenario", "calm", "--seconds", "2"]) == 0
    out = capsys.readouterr().out
    for word in ("perp mid", "spot mid", "liquidated shorts", "open interest", "insurance fund"):
        assert word in out
    for word in ("ledger sums", "conserved", "ignition barrier", "events", "queue", "problems"):
        assert word in out


def test_simulate_gives_json_and_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log, out = tmp_path / "run.npz", tmp_path / "run.csv"
    args = ["simulate", "--scenario", "calm", "--seconds", "2", "--seed", "5", "--json"]
    assert main([*args, "--log", str(log), "--out", str(out)]) == 0
    summary = json.loads(capsys.readouterr().out)

    assert (summary["scenario"], summary["seed"], summary["seconds"]) == ("calm", 5, 2.0)
    assert summary["ledger_sum"] == [0, 0, 0]
    assert summary["events"] > 0
    assert summary["digest"] == Scenario.load("calm").digest()
    assert len(out.read_text().splitlines()) == 21
    with np.load(log) as saved:
        assert len(saved["rows"]) > summary["events"] / 2
    assert sorted(p.name for p in tmp_path.iterdir()) == ["run.csv", "run.npz"]


def test_simulate_writes_parquet(tmp_path: Path) -> None:
    polars = pytest.importorskip("polars")
    out = tmp_path / "run.parquet"
    assert main(["simulate", "--scenario", "calm", "--seconds", "1", "--out", str(out)]) == 0
    assert polars.read_parquet(out).height == 10


def test_simulate_takes_changes(capsys: pytest.CaptureFixture[str]) -> None:
    changes = ["--set", "episode.step_ms=500", "liquidation.destination=off", "--set"]
    args = ["simulate", "--scenario", "calm", "--seconds", "1", "--json", *changes]
    assert main([*args, "learner.leverage_cap=5"]) == 0
    overrides: dict[str, Any] = {"episode.step_ms": 500, "liquidation.destination": "off"}
    changed = Scenario.load("calm", **overrides, **{"learner.leverage_cap": 5})
    assert json.loads(capsys.readouterr().out)["digest"] == changed.digest()


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--scenario", "shrt_squeeze"], ["'shrt_squeeze'", "did you mean 'short_squeeze'"]),
        (["--scenario", "no.toml"], ["'no.toml' does not exist"]),
        (["--scenario", "from_data"], ["needs book", "--book"]),
        (["--scenario", "calm", "--book", "x.gz"], ["book", "'from_data'", "'calm'"]),
        (["--set", "learner.leverage_cap=1000"], ["learner.leverage_cap", "150", "1000"]),
        (["--set", "learner.leverage_cap=high"], ["learner.leverage_cap", "'high'"]),
        (["--set", "learner.leverage=5"], ["'leverage'", "did you mean 'leverage_cap'"]),
        (["--set", "learner.leverage_cap.x=5"], ["'leverage_cap' is a value"]),
        (["--set", "learner"], ["KEY=VALUE", "'learner'"]),
        (["--seconds", "0"], ["--seconds", "above 0"]),
        (["--seconds", "nan"], ["--seconds", "nan"]),
        (["--seed", "-1"], ["seed", ">= 0", "-1"]),
        (["--out", "x.txt"], ["--out", ".parquet or .csv", "x.txt"]),
        (["--log", "x.csv"], ["--log", ".npz"]),
        (["--out", "/no/such/folder/x.csv"], ["--out", "/no/such/folder"]),
        (["--book", "no.gz"], ["no.gz", "check the path"]),
    ],
)
def test_bad_input_is_one_sentence(
    args: list[str], words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    err = refused(capsys, "simulate", *args)
    for word in words:
        assert word in err


def test_bad_captures_leave_no_output(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, out = tmp_path / "data", tmp_path / "out"
    data.mkdir()
    out.mkdir()
    whole = [_snapshot(), *(_diff(100 + i, 99 + i) for i in range(1, 400))]
    captures = {
        "truncated": (_write(data / "cut.gz", *whole, cut=600), "complete gzip file"),
        "sequence": (_write(data / "gap.gz", _snapshot(), _diff(101, 100), _diff(105, 103)), "103"),
        "crossed": (_write(data / "cross.gz", _snapshot("100.05"), _diff(101, 100)), "cross"),
        "short": (_write(data / "short.gz", _snapshot(), _diff(101, 100)), "record longer"),
    }
    for name, (book, word) in captures.items():
        files = ["--out", str(out / f"{name}.csv"), "--log", str(out / f"{name}.npz")]
        err = refused(capsys, "simulate", "--book", book, *files)
        assert Path(book).name in err or name == "short"
        assert word in err
    assert list(out.iterdir()) == []


def test_an_interrupted_run_goes_on_to_the_same_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ("whole.csv", "whole.npz", "cut.csv", "cut.npz", "state.npz")
    whole_csv, whole_log, cut_csv, cut_log, state = (tmp_path / name for name in names)
    run = ["simulate", "--scenario", "calm", "--seconds", "6", "--seed", "2", "--json"]
    assert main([*run, "--out", str(whole_csv), "--log", str(whole_log)]) == 0
    whole = json.loads(capsys.readouterr().out)

    pieces = 0
    unbroken = Market.run

    def interrupted(self: Market, seconds: float) -> None:
        nonlocal pieces
        pieces += 1
        unbroken(self, seconds)
        if pieces == 3:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(Market, "run", interrupted)
    cut = [*run, "--out", str(cut_csv), "--log", str(cut_log), "--state", str(state)]
    assert main(cut) == 130
    out, err = capsys.readouterr()
    assert (out, pieces) == ("", 3)
    assert err == f"squeezegym: stopped at 3.0 of 6.0 s; the same command goes on from {state}\n"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["state.npz", "whole.csv", "whole.npz"]
    assert main(cut) == 0
    ended = json.loads(capsys.readouterr().out)

    assert {**ended, "wall_s": 0, "events_per_wall_s": 0} == {
        **whole,
        "wall_s": 0,
        "events_per_wall_s": 0,
    }
    assert cut_csv.read_text() == whole_csv.read_text()
    with np.load(cut_log) as a, np.load(whole_log) as b:
        np.testing.assert_array_equal(a["rows"], b["rows"])
    assert not state.exists()


def test_a_state_of_another_run_isrefused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    market = Market("calm", seed=1)
    market.run(1.0)
    save_checkpoint(market, tmp_path / "state.npz")
    state = ["--state", str(tmp_path / "state.npz"), "--scenario", "calm", "--seconds", "2"]
    assert "another run" in refused(capsys, "simulate", *state, "--seed", "2")
    (tmp_path / "state.npz").write_text("nothing")
    assert "put aside" in refused(capsys, "simulate", *state, "--seed", "1")


def test_replay_writes_a_page_of_a_scenario_and_of_a_log(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log, page, other = (tmp_path / name for name in ("run.npz", "a.html", "b.html"))
    run = ["--seconds", "1", "--seed", "4"]
    assert main(["simulate", "--scenario", "calm", *run, "--log", str(log), "--json"]) == 0
    against = ["--against", "liquidation.destination=off"]
    assert main(["replay", "calm", *run, *against, "-o", str(page)]) == 0
    assert f"wrote {page}" in capsys.readouterr().out.replace("\n", "")
    assert main(["replay", str(log), "-o", str(other), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["bytes"] == other.stat().st_size
    assert told["runs"][0]["seed"] == 4
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.html", "b.html", "run.npz"]


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["clam"], ["'clam'", "did you mean 'calm'"]),
        (["no.npz"], ["'no.npz'", "does not exist"]),
        (["calm", "-o", "page.txt"], ["--out", ".html", "page.txt"]),
        (["calm", "--seconds", "-1"], ["--seconds", "-1"]),
        (["calm", "--seed", "-1"], ["seed", "-1"]),
        (["calm", "--seconds", "1", "--against", "learner.leverage=5"], ["'leverage_cap'"]),
        (["run.npz", "--against", "a.b=1"], ["finished run", "need a scenario"]),
    ],
)
def test_a_bad_replay_is_one_sentence(
    args: list[str], words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    err = refused(capsys, "replay", *args)
    for word in words:
        assert word in err
