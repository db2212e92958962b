"""Scenario files say what the recordings say, where they claim to."""

import json

import pytest

from squeezegym import Scenario
from squeezegym.cli import main
from squeezegym.data.calibrate import ESTIMATORS, calibrate, measure_pair
from squeezegym.errors import ConfigError
from tests.conftest import ROOT

pytest.importorskip("tomlkit")
FILE = ROOT / "configs/scenarios/short_squeeze.toml"


@pytest.fixture(scope="module")
def files(shared):
    folder = shared / "data/binance-raw-2024-08-08"
    spot = [folder / f"spot_btcusdt_2024080{day}.gz" for day in (8, 9)]
    return [folder / "usdm_btcusdt_20240808.gz"], spot


@pytest.fixture(scope="module")
def measured(files):
    return measure_pair(*files)


def test_the_shipped_file_agrees_with_the_recording(measured):
    text, changes = calibrate(FILE.read_text(encoding="utf-8"), measured)
    assert text == FILE.read_text(encoding="utf-8")
    assert {change.key for change in changes} == set(ESTIMATORS)
    assert all(change.old == change.new for change in changes)


def test_only_marked_values_change(measured):
    before = FILE.read_text(encoding="utf-8")
    spoilt = before.replace("market_log_sd = 2.07 ", "market_log_sd = 9.99 ")
    text, changes = calibrate(spoilt, measured)
    assert text == before
    assert [change.key for change in changes if change.old != change.new] == [
        "noise.perp.market_log_sd"
    ]


def test_a_mark_that_nobody_measures_is_named(measured):
    with pytest.raises(ConfigError, match=r"'value.power' is marked \[capture\], measured are"):
        calibrate("[value]\npower = 2.0  # [capture]\n", measured)
    with pytest.raises(ConfigError, match="no number of the scenario is marked"):
        calibrate("[value]\npower = 2.0\n", measured)
    with pytest.raises(ConfigError, match="not valid TOML"):
        calibrate("[value\n", measured)


@pytest.mark.slow
def test_the_command_checks_and_writes(files, tmp_path, capsys):
    mine = tmp_path / "mine.toml"
    mine.write_text(FILE.read_text(encoding="utf-8").replace("= 61837.6", "= 100.0"))
    book, spot = ([str(file) for file in group] for group in files)
    args = ["calibrate", "--book", *book, "--spot", *spot, "--scenario", str(mine)]
    assert main([*args, "--check"]) == 1
    assert "1 of 17 numbers differ" in capsys.readouterr().out
    out = tmp_path / "out.toml"
    numbers = tmp_path / "numbers.json"
    assert main([*args, "-o", str(out), "--json", str(numbers)]) == 0
    assert Scenario.load(str(out)) == Scenario.load("short_squeeze")
    (changed,) = (row for row in json.loads(numbers.read_text()) if row["new"] != row["old"])
    assert (changed["old"], changed["new"]) == (100.0, 61837.6)
    assert main([*args[:-1], str(FILE), "--check"]) == 0
