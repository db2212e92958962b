"""Margin brackets: stated or from a shipped table, checked, and lowered to the record."""

import numpy as np
import pytest
from pydantic import ValidationError

from squeezegym.errors import ConfigError
from squeezegym.packing_rules import pack_margin
from squeezegym.params import MARGIN_PARAMS
from squeezegym.resources import resources
from squeezegym.rules import Margin
from squeezegym.scenario import Scenario

pytestmark = pytest.mark.nojit

CUM = {  # maintenance amounts, as the venue prints them, USDT
    "btcusdt": (
        *(0, 50, 950, 11_450, 131_450, 481_450, 2_981_450, 14_481_450, 26_481_450),
        *(41_481_450, 121_481_450, 421_481_450),
    ),
    "trbusdt": (0, 25, 275, 2_775, 22_775, 47_775, 297_775, 1_297_775),
    "alpacausdt": (0, 25, 75, 175, 1_175, 11_175, 21_175, 83_675, 333_675),
}
LEVERAGE = {
    "btcusdt": (125, 100, 75, 50, 25, 20, 10, 5, 4, 3, 2, 1),
    "trbusdt": (26, 25, 20, 10, 5, 4, 2, 1),
    "alpacausdt": (75, 50, 25, 20, 10, 5, 4, 2, 1),
}


def packed(margin, quantum=0.01):
    record = np.zeros(1, MARGIN_PARAMS)[0]
    pack_margin(margin, quantum, record)
    return record


def test_the_shipped_tables_are_these():
    folder = resources() / "brackets"
    assert sorted(p.name for p in folder.iterdir()) == sorted(f"{name}.toml" for name in CUM)


@pytest.mark.parametrize("name", CUM)
def test_a_shipped_table_is_the_venues(name):
    margin = Margin(table=name)
    assert margin.max_leverage() == LEVERAGE[name]
    record = packed(margin)
    n = int(record["n_tiers"])
    assert [amount / 100 for amount in record["deduction"][:n].tolist()] == list(CUM[name])
    rates = [-(-(10**8) // leverage) for leverage in LEVERAGE[name]]
    assert record["initial"][:n].tolist() == rates
    assert (record["initial"][:n] >= record["rate"][:n]).all()


def test_shipped_scenarios_use_the_bitcoin_table():
    assert Scenario.load("short_squeeze").margin == Margin(table="btcusdt")


@pytest.mark.parametrize(
    ("rate", "leverage", "initial"),
    [
        (0.0065, 76.923, 1_300_000),
        (0.001, 150, 666_667),  # 500x is beyond what any bracket allows
        (0.5, 1, 100_000_000),
        (0.9, 1, 100_000_000),
        (0.07, 7.1429, 14_000_000),
    ],
)
def test_without_a_leverage_maintenance_is_half_of_the_initial_margin(rate, leverage, initial):
    margin = Margin(brackets=((0.0, rate),))
    assert margin.max_leverage()[0] == pytest.approx(leverage, rel=1e-4)
    assert int(packed(margin)["initial"][0]) == initial


def test_the_dump_holds_the_rows_and_reads_back():
    scenario = Scenario.load("calm", **{"margin.table": "trbusdt"})
    dump = scenario.dump()["margin"]
    assert "table" not in dump and dump["brackets"][0] == [0.0, 0.015, 26.0]
    assert Scenario.parse(scenario.dump()) == scenario


def test_table_and_brackets_replace_each_other():
    rows = [[0, 0.01], [1_000, 0.02, 20]]
    stated = Scenario.load("calm", **{"margin.brackets": rows})
    assert stated.margin.brackets == ((0.0, 0.01), (1_000.0, 0.02, 20.0))
    assert Scenario.load(stated, margin={"table": "trbusdt"}).margin == Margin(table="trbusdt")


@pytest.mark.parametrize(
    ("margin", "words"),
    [
        ({"table": "trbusd"}, ["'trbusd'", "did you mean 'trbusdt'", "shipped: alpacausdt"]),
        ({"table": 7}, ["unknown table 7", "btcusdt"]),
        ({"table": "trbusdt", "brackets": [[0, 0.1]]}, ["either brackets or table", "both"]),
        ({"brackets": [[0, 0.1, 11]]}, ["max_leverage", "1 / rate = 10", "got 11"]),
        ({"brackets": [[0, 0.1, 0.5]]}, ["max_leverage", "between 1", "got 0.5"]),
        ({"brackets": [[0, 0.1, 3], [5, 0.1, 4]]}, ["must not rise", "(3.0, 4.0)"]),
        ({"brackets": [[0]]}, ["[floor, rate, max_leverage]", "[0.0]"]),
        ({"brackets": [[0, 0.1, 3, 4]]}, ["[floor, rate, max_leverage]"]),
        ({"brackets": []}, ["1 to 16", "got 0"]),
        ({"brackets": [[float("nan"), 0.1]]}, ["margin.brackets", "finite"]),
    ],
)
def test_bad_brackets_are_answered_with_value_range_and_remedy(margin, words):
    with pytest.raises(ConfigError) as error:
        Scenario.load("calm", margin=margin)
    for word in words:
        assert word in str(error.value)


def test_one_of_the_two_is_needed():
    with pytest.raises(ValidationError, match="either brackets or table, got neither"):
        Margin.model_validate({})
