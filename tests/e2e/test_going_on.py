"""A long command that is stopped goes on, and ends as one that was never stopped."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from squeezegym import Scenario
from squeezegym.cli import main
from squeezegym.parts import Parts
from squeezegym.view.toml import to_toml

ROOT = Path(__file__).parents[2]
CAPTURES = ROOT.parent / "shared" / "data" / "binance-raw-2024-08-08"
PAIR = [
    *("--book", str(CAPTURES / "usdm_btcusdt_20240808.gz")),
    *("--spot", str(CAPTURES / "spot_btcusdt_20240808.gz")),
]
recorded = pytest.mark.skipif(
    not CAPTURES.is_dir(), reason="the recorded data under ../shared is not here"
)


def _stop_after(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """Interrupt the run that is about to begin once it has finished so many parts."""
    whole = Parts.__call__

    def stopping(self: Parts, *args: Any) -> dict[str, Any]:
        if self.finished == count:
            raise KeyboardInterrupt
        return whole(self, *args)

    monkeypatch.setattr(Parts, "__call__", stopping)


def _cut_and_whole(
    words: list[str],
    count: int,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    option: str = "--json",
    ending: str = ".json",
) -> str:
    """Run a command whole, and stopped and gone on with; return what the stopped one said."""
    whole, cut = folder / f"whole{ending}", folder / f"cut{ending}"
    assert main([*words, option, str(whole)]) == 0
    with monkeypatch.context() as patch:
        _stop_after(patch, count)
        assert main([*words, option, str(cut)]) == 130
    kept = folder / f"cut{ending}.part"
    assert len(list(kept.glob("*.npz"))) == count and not cut.exists()
    assert main([*words, option, str(cut)]) == 0
    assert cut.read_bytes() == whole.read_bytes()
    assert sorted(folder.iterdir()) == [cut, whole]
    return str(kept)


@pytest.fixture
def scenario(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Path of a calm scenario with short episodes."""
    path = tmp_path_factory.mktemp("scenarios") / "short.toml"
    changes: dict[str, Any] = {"episode.horizon_s": 10.0, "episode.burn_in_s": 1.0}
    path.write_text(to_toml(Scenario.load("calm", **changes).dump()))
    return str(path)


@pytest.mark.slow
def test_an_interrupted_process_goes_on_to_the_same_bytes(tmp_path: Path, scenario: str) -> None:
    rules = ["--rule", "none", "--rule", "dear: fees.perp_taker_bps=9", "--rule", "throttle"]
    words = ["compare", "--scenario", scenario, *rules, "--seeds", "48"]
    run: dict[str, Any] = {
        "env": {**os.environ, "PYTHONPATH": str(ROOT)},
        "cwd": tmp_path,
        "text": True,
        "stdout": subprocess.DEVNULL,
        "stderr": subprocess.PIPE,
    }
    command = [sys.executable, "-m", "squeezegym.cli", *words, "--json", "cut.json"]
    with subprocess.Popen(command, **run) as stopped:
        deadline = time.monotonic() + 300
        while not list(tmp_path.glob("cut.json.part/[!.]*.npz")) and stopped.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        stopped.send_signal(signal.SIGINT)
        said = stopped.communicate()[1]
    assert stopped.returncode == 130, said
    assert "Traceback" not in said and said.count("stopped;") == 1
    again = said.strip().rpartition("; to go on: ")[2]
    assert shlex.split(again) == ["squeezegym", *words, "--json", "cut.json"]
    assert " % of the market time done; " in said and "kept in cut.json.part" in said
    done = subprocess.run(command, check=False, **run)
    assert done.returncode == 0, done.stderr
    assert main([*words, "--json", str(tmp_path / "whole.json")]) == 0
    assert (tmp_path / "cut.json").read_bytes() == (tmp_path / "whole.json").read_bytes()
    assert not (tmp_path / "cut.json.part").exists()


def test_parts_of_other_options_are_refused(
    tmp_path: Path,
    scenario: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["compare", "--scenario", scenario, "--rule", "none", "--rule", "throttle"]
    with monkeypatch.context() as patch:
        _stop_after(patch, 1)
        assert main([*words, "--seeds", "5", "--json", "a.json"]) == 130
        assert main([*words, "--seeds", "5"]) == 130  # no file to stand beside
    capsys.readouterr()
    assert main([*words, "--seeds", "6", "--json", "a.json"]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and "'a.json.part'" in err and "differs in seeds" in err
    (kept,) = tmp_path.glob("squeezegym-compare-*.part")
    assert main([*words, "--seeds", "6"]) == 0  # another run, another folder
    assert kept.exists()
    assert main([*words, "--seeds", "5"]) == 0
    assert not kept.exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "count"),
    [
        (["causes", "--episodes", "5"], 3),
        (["validate", "--hours", "0.5", "--episodes", "5"], 9),
        (["proof", "--effort", "0.02", "--seeds", "20"], 5),
    ],
)
def test_studies_go_on(
    words: list[str], count: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if words[0] == "proof":  # the rows of the market take minutes, and are kept as the others
        monkeypatch.setattr("squeezegym.theory.marketproof.market_checks", lambda *_: [])
        monkeypatch.setattr("squeezegym.theory.earlywarning.early_warning", lambda *_, **__: [])
    _cut_and_whole(words, count, tmp_path, monkeypatch)


@recorded
@pytest.mark.slow
def test_a_fit_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["calibrate", *PAIR, "--seeds", "1", "--rounds", "2"]
    _cut_and_whole(words, 2, tmp_path, monkeypatch, "--out", ".toml")


@recorded
@pytest.mark.slow
@pytest.mark.parametrize("count", [2, 6])  # in the reduced chain, and in the full market
def test_proximity_goes_on(count: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    metrics = CAPTURES.parent / "binance-metrics-2023-01" / "BTCUSDT-metrics-1h-2024-08-08.csv"
    words = ["proximity", "--metrics", str(metrics), *PAIR, "--market-seconds", "4"]
    monkeypatch.setattr("squeezegym.data.proximity_market.GROUP", 1)
    monkeypatch.setenv("SQUEEZEGYM_THREADS", "2")
    _cut_and_whole([*words, "--market-seeds", "4"], count, tmp_path, monkeypatch)
