"""A scenario fitted to the recorded minutes has their spread, depth, trade rate and volatility."""

from __future__ import annotations

import json
import os

import pytest

pytest.importorskip("polars")

from squeezegym import Scenario
from squeezegym.cli import main
from squeezegym.data.binance_raw import read_capture
from squeezegym.data.fit import fit
from squeezegym.data.fit_report import fit_toml
from squeezegym.data.from_data import scenario_from_data
from squeezegym.data.moments import intervals, moments, watch_captures

MATCHED = (
    "perp spread",
    "spot spread",
    "perp depth",
    "perp trade rate",
    "spot trade rate",
    "perp volatility",
    "spot volatility",
)


@pytest.fixture(scope="module")
def files(shared):
    folder = shared / "data/binance-raw-2024-08-08"
    spot = [folder / f"spot_btcusdt_2024080{day}.gz" for day in (8, 9)]
    return [folder / "usdm_btcusdt_20240808.gz"], spot


@pytest.fixture(scope="module")
def captures(files):
    return [read_capture(group) for group in files]


@pytest.mark.slow
def test_the_recording_has_these_moments(captures):
    watched = watch_captures(*captures)
    found = moments([watched])
    assert 330 < watched.seconds < 346
    assert found["perp spread"] == pytest.approx(0.112, abs=0.002)
    # 0.026 on its own ticks of 0.01; 0.1 is the least that a market can have.
    assert found["spot spread"] == pytest.approx(0.116, abs=0.002)
    assert found["perp trade rate"] == pytest.approx(15.8, abs=0.3)
    assert found["perp depth"] == pytest.approx(217, abs=3)
    assert found["perp volatility"] == pytest.approx(1.38e-4, rel=0.03)
    assert found["basis"] == pytest.approx(0.51, abs=0.03)
    ends = intervals(watched, resamples=200)
    for name, value in found.items():
        assert ends[name].low < value < ends[name].high


@pytest.mark.slow
def test_the_fitted_market_has_them_too(files, captures, tmp_path):
    book, spot = (os.pathsep.join(map(str, group)) for group in files)
    base = scenario_from_data(book, spot)
    found = fit(base, *captures)
    inside = {moment.name: moment.inside for moment in found.moments}
    assert all(inside[name] for name in MATCHED), found.moments
    path = tmp_path / "fitted.toml"
    path.write_text(fit_toml(found), encoding="utf-8")
    assert Scenario.load(path) == found.scenario
    assert "# Moments: recorded, its 95 % interval" in path.read_text(encoding="utf-8")
    # Another recording can be laid over it.
    again = scenario_from_data(book, spot, base=str(path))
    assert again.noise.perp.decay_per_s == found.scenario.noise.perp.decay_per_s
    assert again.noise.perp.decay_per_s != base.noise.perp.decay_per_s


@pytest.mark.slow
def test_the_command_writes_a_scenario(files, tmp_path, capsys):
    out, data = tmp_path / "fitted.toml", tmp_path / "fit.json"
    book, spot = ([str(file) for file in group] for group in files)
    args = ["calibrate", "--book", *book, "--spot", *spot, "--seeds", "1", "--rounds", "1"]
    page = tmp_path / "fit.md"
    more = ["--out", str(out), "--json", str(data), "--markdown", str(page)]
    assert main([*args, *more]) == 0
    assert "| perp volatility | root mean square" in page.read_text(encoding="utf-8")
    assert "perp volatility" in capsys.readouterr().out
    assert json.loads(data.read_text())["digest"] == Scenario.load(out).digest()
    assert main(args) == 2
    assert "name it with --out" in capsys.readouterr().err
