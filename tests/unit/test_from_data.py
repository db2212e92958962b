"""A tiny made-up capture becomes a scenario; positions become lots, ticks and deposits."""

from __future__ import annotations

import gzip
import json
import os
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from squeezegym import Scenario
from squeezegym.data.from_data import describe_data, scenario_from_data
from squeezegym.errors import ConfigError, DataError
from squeezegym.view.toml import to_toml

T0 = 1_700_000_000_000
NS = 1_000_000
SECONDS = 12
BIDS = [(100.0 - 0.1 * i, 1.0 + 0.5 * i) for i in range(1, 9)]
ASKS = [(100.0 + 0.1 * i, 2.0 + 0.5 * i) for i in range(8)]


def _levels(levels: Sequence[tuple[float, float]]) -> list[list[str]]:
    return [[f"{price:.2f}", f"{size:.3f}"] for price, size in levels]


def capture(path: Path, *, is_spot: bool = False, lift: float = 0.0, gap: bool = False) -> Path:
    """Write 12 s of a market: a snapshot, and each 100 ms a diff, a quote and a trade."""
    symbol = "xusdt"
    bids, asks = ([(p + lift, q) for p, q in side] for side in (BIDS, ASKS))
    snapshot = {"lastUpdateId": 100, "T": T0, "bids": _levels(bids), "asks": _levels(asks)}
    messages: list[dict[str, Any]] = [snapshot]
    for i in range(1, SECONDS * 10):
        ms, u = T0 + 100 * i, 100 + i
        size = 1.5 + 0.01 * (i % 7)
        change = [[f"{bids[0][0]:.2f}", f"{size:.3f}"]]
        depth = {"e": "depthUpdate", "E": ms, "s": "XUSDT", "U": u, "u": u, "b": change, "a": []}
        if not is_spot:
            depth |= {"T": ms, "pu": u - 1 - (gap and i == 5)}
        elif gap and i == 5:
            depth["U"] = u + 1
            depth["u"] = u + 1
        messages.append({"stream": f"{symbol}@depth@100ms", "data": depth})
        up = 0.1 * (i % 20 >= 10)
        quote = {"u": 10_000 + i, "s": "XUSDT", "b": f"{bids[0][0] + up:.2f}", "B": "1.000"}
        quote |= {"a": f"{asks[0][0] + up:.2f}", "A": "2.000"}
        print_ = {"e": "trade", "E": ms, "T": ms, "s": "XUSDT", "t": i, "p": quote["a"]}
        print_ |= {"q": f"{0.01 * (1 + i % 5):.3f}", "m": i % 3 == 0}
        if not is_spot:
            quote |= {"T": ms, "E": ms}
            print_ |= {"X": "MARKET"}
        messages.append({"stream": f"{symbol}@bookTicker", "data": quote})
        messages.append({"stream": f"{symbol}@trade", "data": print_})
    lines = [f"{(T0 + 30 * i) * NS} {json.dumps(m)}\n" for i, m in enumerate(messages)]
    path.write_bytes(gzip.compress("".join(lines).encode()))
    return path


@pytest.fixture
def perp(tmp_path: Path) -> str:
    return str(capture(tmp_path / "perp.gz"))


@pytest.fixture
def spot(tmp_path: Path) -> str:
    return str(capture(tmp_path / "spot.gz", is_spot=True, lift=0.2))


def csv(tmp_path: Path, *rows: str, head: str = "side,size,entry_price,leverage") -> str:
    path = tmp_path / "positions.csv"
    path.write_text("\n".join([head, *rows]) + "\n")
    return str(path)


def test_both_books_take_the_levels_of_the_snapshots(perp: str, spot: str) -> None:
    scenario = scenario_from_data(perp, spot)
    contract = scenario.contract

    assert (contract.symbol, contract.tick_size, contract.lot_size) == ("XUSDT", 0.1, 0.01)
    assert contract.price == pytest.approx(100.15)
    assert contract.price * (1 + contract.basis_bps * 1e-4) == pytest.approx(99.95)
    for depth in (scenario.depth.perp, scenario.depth.spot):
        assert depth.bids is not None
        assert depth.asks is not None
        assert depth.bids[:2] == ((0.5, 150.0, False), (1.5, 200.0, False))
        assert depth.asks[:2] == ((0.5, 200.0, False), (1.5, 250.0, False))
    assert scenario.episode.burn_in_s == 0
    assert scenario.noise.perp.branching <= 0.5
    assert scenario.noise.perp.market_orders_per_s == pytest.approx(10, rel=0.05)


def test_levels_beyond_the_snapshot_are_marked_in_the_dump(perp: str, spot: str) -> None:
    dump = scenario_from_data(perp, spot).dump()

    for side in ("bids", "asks"):
        levels = dump["depth"]["perp"][side]
        assert [mark for _, _, mark in levels[:8]] == [False] * 8
        assert all(mark for _, _, mark in levels[8:])
        assert levels[-1][0] == pytest.approx(0.02 * 999.5, abs=1.0)


def test_without_spot_the_perp_is_mirrored_and_marked(perp: str) -> None:
    scenario = scenario_from_data(perp)
    base = Scenario.load("from_data")
    ratio = base.depth.spot.within_10bps_base / base.depth.perp.within_10bps_base
    assert scenario.depth.perp.bids is not None
    assert scenario.depth.spot.bids is not None

    assert all(mark for _, _, mark in scenario.depth.spot.bids)
    assert scenario.depth.spot.bids[0][:2] == (0.5, round(150 * ratio))
    assert len(scenario.depth.spot.bids) == len(scenario.depth.perp.bids)
    assert any("no spot capture" in note for note in describe_data(perp))


def test_a_second_call_is_the_same_object_until_a_file_changes(perp: str) -> None:
    first = scenario_from_data(perp)

    assert scenario_from_data(perp) is first
    os.utime(perp, ns=(1, 1))
    assert scenario_from_data(perp) is not first
    assert scenario_from_data(perp).digest() == first.digest()


def test_the_dump_is_a_scenario_again(perp: str, spot: str) -> None:
    scenario = scenario_from_data(perp, spot, open_interest=100.0)

    assert Scenario.parse(tomllib.loads(to_toml(scenario.dump()))) == scenario
    assert Scenario.parse(json.loads(json.dumps(scenario.dump()))).digest() == scenario.digest()


def test_a_position_by_leverage_and_one_by_liquidation_price(perp: str, tmp_path: Path) -> None:
    path = csv(
        tmp_path,
        "long,2.0,98.0,5,",
        "SHORT,1.0,101.0,,120.0",
        head="side,size,entry_price,leverage,liquidation_price",
    )
    positions = scenario_from_data(perp, positions=path).positions
    assert positions is not None

    assert positions.lots == (200, -100)
    assert positions.entry_ticks == (980, 1010)
    rate = Scenario.load("from_data").margin.brackets[0][1]
    assert positions.deposit_quanta == (39_200, 100 * 190 + round(rate * 120_000))


def test_what_is_liquidated_already_is_dropped_and_counted(perp: str, tmp_path: Path) -> None:
    path = csv(tmp_path, "long,1,99,2", "long,1,105,50", "short,0.001,99,2")
    positions = scenario_from_data(perp, positions=path).positions
    assert positions is not None

    assert positions.lots == (100,)
    assert any("1 taken" in n and "2 dropped" in n for n in describe_data(perp, positions=path))


def test_a_far_price_level_is_rescaled_with_a_note(perp: str, tmp_path: Path) -> None:
    path = csv(tmp_path, "long,1,980,5", "short,1,1020,5")
    positions = scenario_from_data(perp, positions=path).positions
    assert positions is not None

    assert positions.lots == (100, -100)
    assert positions.entry_ticks == (980, 1019)  # to the mid of 99.95
    assert any("multiplied by 0.0999" in note for note in describe_data(perp, positions=path))


def test_a_wallet_list_is_read(perp: str, tmp_path: Path) -> None:
    wallet = {"side": "SHORT", "size": -3.0, "entry_px": 99.0, "leverage_value": 3}
    path = tmp_path / "whales.json"
    path.write_text(json.dumps({"active_whales": [{"side": "SHORT", "position": wallet}]}))
    positions = scenario_from_data(perp, positions=str(path)).positions
    assert positions is not None

    assert (positions.lots, positions.deposit_quanta) == ((-300,), (99_000,))


def test_the_open_interest_is_leveraged_on_each_side(perp: str) -> None:
    population = scenario_from_data(perp, open_interest=500.0).population

    assert (population.short_base, population.long_base) == (500.0, 500.0)
    assert (population.shorts, population.longs) == (1000, 1000)


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        (["up,1,99,2"], "side is 'up', allowed is long or short"),
        (["long,x,99,2"], "size is 'x', allowed is a number"),
        (["long,0,99,2"], "a size that is not 0"),
        (["long,1,99,"], "leverage is None and there is no liquidation_price"),
        (["long,1,99,0.5"], "leverage is 0.5"),
        ([], "0 of 0 positions are of XUSDT"),
        (["long,1,105,50"], "all 1 positions are liquidated at the opening mid"),
    ],
)
def test_bad_positions_are_one_sentence(
    perp: str, tmp_path: Path, rows: list[str], sentence: str
) -> None:
    with pytest.raises(DataError, match=sentence):
        scenario_from_data(perp, positions=csv(tmp_path, *rows))


def test_positions_that_are_not_json_or_not_there(perp: str, tmp_path: Path) -> None:
    broken = tmp_path / "whales.json"
    broken.write_text("{")
    with pytest.raises(DataError, match="not valid JSON"):
        scenario_from_data(perp, positions=str(broken))
    broken.write_text("{}")
    with pytest.raises(DataError, match="no list of positions"):
        scenario_from_data(perp, positions=str(broken))
    with pytest.raises(DataError, match="No such file"):
        scenario_from_data(perp, positions=str(tmp_path / "no.csv"))


def test_arguments_that_cannot_be(perp: str, spot: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="needs book"):
        scenario_from_data()
    with pytest.raises(ConfigError, match="exclude each other"):
        scenario_from_data(perp, positions="x.csv", open_interest=1.0)
    for wrong in (0.0, -1.0, float("inf"), float("nan")):
        with pytest.raises(ConfigError, match="open_interest must be finite and above 0"):
            scenario_from_data(perp, open_interest=wrong)
    with pytest.raises(DataError, match=r"book: .* market 'spot'"):
        scenario_from_data(spot)
    with pytest.raises(DataError, match=r"spot: .* market 'usdm'"):
        scenario_from_data(perp, perp)
    with pytest.raises(DataError, match="No such file"):
        scenario_from_data(str(tmp_path / "no.gz"))
    with pytest.raises(ConfigError, match="unknown scenario 'form_data'; did you mean 'from_data'"):
        scenario_from_data(perp, base="form_data")


def test_spot_of_another_coin_is_an_error(perp: str, tmp_path: Path) -> None:
    other = capture(tmp_path / "other.gz", is_spot=True, lift=50.0)
    with pytest.raises(DataError, match="pass captures of one coin"):
        scenario_from_data(perp, str(other))


def test_more_positions_than_the_default_class_holds(perp: str, tmp_path: Path) -> None:
    path = csv(tmp_path, *["short,1,99,2"] * 2_100)
    assert scenario_from_data(perp, positions=path).size_class == "large"


def test_a_hole_in_the_sequence_is_an_error(tmp_path: Path) -> None:
    path = capture(tmp_path / "gap.gz", gap=True)
    with pytest.raises(DataError, match=r"gap.gz, line \d+"):
        scenario_from_data(str(path))


def test_a_deep_snapshot_keeps_the_nearest_levels_and_all_lots() -> None:
    import numpy as np

    from squeezegym.data.overlay import _fit

    levels = np.stack([10_000 - np.arange(500), 1 + np.arange(500) % 13], axis=1)
    fitted = _fit(levels, 80)

    assert len(fitted) == 80
    assert fitted[:70].tolist() == levels[:70].tolist()
    assert fitted[:, 1].sum() == levels[:, 1].sum()
    assert (np.diff(fitted[:, 0]) < 0).all()
