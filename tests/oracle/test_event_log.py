"""Book and ledger, bit for bit, from the opening state and the event log alone."""

import numpy as np
import pytest

from squeezegym import Market
from squeezegym.codes import LogKind
from squeezegym.errors import ConfigError
from squeezegym.state import LOG_DTYPE, LOG_VERSION
from tests.kernels import integers, small_market
from tests.oracle.log_replay import LogReplay

SQUEEZE = {
    "catalyst.squeeze": 1.0,
    "catalyst.near_miss": 0.0,
    "catalyst.start_s": [5.0, 5.0],
    "catalyst.squeeze_size": [4.0, 4.0],
}
TINY_FUND = {"liquidation.fund_quote": 100.0}


def rederive(market, seconds):
    """Run to each time in turn and compare there; return the replay."""
    replay = LogReplay(market.opening.record[0], market._batch.params[0]["fees"])
    read = 0
    for end in seconds:
        market.run(end - market.time)
        rows = market.log()
        replay.feed(rows[read:])
        read = len(rows)
        replay.assert_equals(market.record)
    marks = market.record["marks"]
    if replay.marks:
        assert replay.marks[-1][1:] == (int(marks["mark"]), int(marks["index"]))
    return replay


@pytest.mark.nojit
@pytest.mark.boundscheck
def test_small_market_is_derived_again():
    market = small_market(log=True, **{"episode.burn_in_s": 0.0, "population.shorts": 40})
    rederive(market, (0.2, 0.25, 1.0, 2.0, 3.0, 4.5))


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize(
    "overrides",
    [
        {},
        {"liquidation.fund_quote": 0.0},
        {"catalyst.side": "sell", "population.cluster_side": "longs"},
        {"liquidation.destination": "absorber"},
        {"depth.perp.within_10bps_base": 5.0, "depth.perp.touch_base": 0.1},
    ],
    ids=["book", "no-fund", "flush", "absorber", "thin"],
)
def test_small_squeezes_are_derived_again(seed, overrides):
    market = small_market(seed=seed, log=True, **overrides)
    rederive(market, (1.0, 3.0, 5.05, 8.0, 14.0, 25.0))


@pytest.mark.parametrize("rule", ["binance", "okx", "deribit", "hyperliquid", "dydx"])
def test_funding_is_derived_again(rule):
    market = small_market(
        log=True,
        **{
            "funding.rule": rule,
            "funding.interval_s": 2.0,
            "funding.first_s": 0.5,
            "funding.clamp": 0.0,
            "contract.basis_bps": -40.0,
        },
    )
    rederive(market, (0.5, 1.0, 2.5, 6.5, 9.0))
    assert int(market.record["funding"]["n_paid"]) == 5
    payments = market.log()["kind"] == LogKind.TRANSFER
    assert payments.sum() > 500


def test_funding_of_a_default_market_is_derived_again():
    overrides = {"funding.interval_s": 10.0, "funding.first_s": 5.0, "marks.funding_rate": 0.01}
    market = Market("short_squeeze", seed=11, log=True, **SQUEEZE, **overrides)
    rederive(market, (5.0, 15.0, 26.0))
    assert int(market.record["funding"]["n_paid"]) == 3


def test_default_squeeze_through_the_book_is_derived_again():
    market = Market("short_squeeze", seed=11, log=True, **SQUEEZE)
    replay = rederive(market, (2.5, 10.0, 20.0, 33.33, 60.0))
    assert len(replay.liquidations) > 100


def test_default_squeeze_with_a_tiny_fund_deleverages_and_is_derived_again():
    market = Market("short_squeeze", seed=11, log=True, **SQUEEZE, **TINY_FUND)
    replay = rederive(market, (5.0, 15.0, 25.0, 40.0, 60.0))
    assert len(replay.liquidations) > 100
    assert int(market.record["score"]["deleveraged"]) > 0
    assert (market.log()["kind"] == LogKind.POSITION).any()


def test_default_squeeze_to_the_absorber_is_derived_again():
    overrides = {**SQUEEZE, "liquidation.destination": "absorber"}
    market = Market("short_squeeze", seed=11, log=True, **overrides)
    replay = rederive(market, (5.0, 20.0, 60.0))
    assert len(replay.liquidations) > 0
    rows = market.log()
    assert (rows["kind"] == LogKind.POSITION).sum() == len(replay.liquidations)


def test_one_position_deleveraged_against_very_many_accounts_keeps_its_log():
    # One big short against 240 small longs, no fund, an empty book above.
    lots = (-200_000, *([800] * 240))
    price = 618_376
    entry = (price, *([price] * 240))
    deposit = tuple(price * abs(q) // (100 if q < 0 else 2) for q in lots)
    market = small_market(
        log=True,
        **{
            "positions": {"lots": lots, "entry_ticks": entry, "deposit_quanta": deposit},
            "liquidation.fund_quote": 0.0,
            "depth.perp.within_10bps_base": 0.2,
            "depth.perp.touch_base": 0.1,
            "depth.spot.within_10bps_base": 0.2,
            "depth.spot.touch_base": 0.1,
            "catalyst.squeeze_size": [50.0, 50.0],
            "episode.step_ms": 60_000,  # drain the log only when it is nearly full
        },
    )
    rederive(market, (20.0,))
    positions = market.log()["kind"] == LogKind.POSITION
    assert positions.sum() > 200


@pytest.mark.nojit
def test_the_log_changes_nothing():
    quiet = small_market(**{"episode.burn_in_s": 0.0})
    logged = small_market(log=True, **{"episode.burn_in_s": 0.0})
    quiet.run(3)
    logged.run(3)
    for (path, mine), (_, other) in zip(
        integers(quiet.record), integers(logged.record), strict=True
    ):
        if not path.startswith((".log", ".n_log")):
            assert mine.tobytes() == other.tobytes(), path


def test_saved_log_is_read_back_and_derives_the_same(tmp_path):
    market = small_market(log=True)
    market.run(6.0)
    path = tmp_path / "log.npz"
    market.save_log(path)
    with np.load(path) as file:
        assert int(file["version"]) == LOG_VERSION
        assert str(file["scenario"]) == market.scenario.digest()
        assert int(file["seed"]) == market.seed
        assert file["rows"].dtype == LOG_DTYPE
        np.testing.assert_array_equal(file["rows"], market.log())
        replay = LogReplay(file["opening"][0], market._batch.params[0]["fees"])
        replay.feed(file["rows"])
    replay.assert_equals(market.record)


def test_the_log_goes_on_after_a_return_to_the_opening():
    market = small_market(log=True)
    market.run(1.0)
    market.restore(market.opening)
    rederive(market, (0.5, 2.0))


def test_log_without_log_is_a_clear_error():
    market = small_market()
    with pytest.raises(ConfigError, match="log=True"):
        market.log()


def test_trades_and_liquidations_read_the_log():
    market = small_market(log=True)
    market.run(20.0)
    rows = market.log()
    liquidations = market.liquidations()
    assert len(liquidations) == (rows["kind"] == LogKind.LIQUIDATION).sum() > 0
    assert all(row["base"] != 0 for row in liquidations)
    trades = market.trades()
    assert {trade["book"] for trade in trades} == {"perp", "spot"}
    assert any(trade["forced"] for trade in trades)
