"""Nulls (DESIGN 8.7): what must not happen when its cause is taken away."""

import pytest

from squeezegym import Market
from squeezegym.codes import FIRST_HOLDER_SLOT
from tests.kernels import same, small_market

PRICE = 618_000
SQUEEZE = {
    "catalyst.squeeze": 1.0,
    "catalyst.near_miss": 0.0,
    "catalyst.start_s": [2.0, 2.0],
    "catalyst.squeeze_size": [3.0, 3.0],
    "learner.short_start": 0.0,
}


def assert_same_path(mine, other):
    """The same orders, trades, marks and draws, to the last bit."""
    for field in ("books", "marks", "flow", "quotes", "noise"):
        assert same(mine[field], other[field]), field
    assert same(mine["clock"]["rng"], other["clock"]["rng"])
    assert int(mine["clock"]["events"]) == int(other["clock"]["events"])
    assert same(mine["score"]["taken"], other["score"]["taken"])


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("side", ["buy", "sell"])
def test_liquidations_absorbed_off_book_leave_the_path_without_liquidations(seed, side):
    overrides = {
        "catalyst.side": side,
        "population.cluster_side": "shorts" if side == "buy" else "longs",
        "learner.short_start": 0.0,
    }
    absorber, off, book = (
        small_market(seed=seed, **{**overrides, "liquidation.destination": destination})
        for destination in ("absorber", "off", "book")
    )
    for end in (1.0, 4.0, 9.0, 20.0):
        for market in (absorber, off, book):
            market.run(end - market.time)
        assert_same_path(absorber.record, off.record)
    assert absorber.record["score"]["liquidations"].sum() > 0
    assert off.record["score"]["liquidations"].sum() == 0
    assert not same(book.record["books"], off.record["books"])


def test_the_default_squeeze_absorbed_leaves_the_same_path():
    absorber, off = (
        Market("short_squeeze", seed=4, **{**SQUEEZE, "liquidation.destination": destination})
        for destination in ("absorber", "off")
    )
    for market in (absorber, off):
        market.run(40.0)
    assert_same_path(absorber.record, off.record)
    assert absorber.record["score"]["liquidations"].sum() > 0


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_unlevered_accounts_are_never_liquidated(side):
    lots = tuple(q for size in (1, 10, 1_000, 20_000, 100_000) for q in (-size, size))
    market = small_market(
        **{
            "positions": {
                "lots": lots,
                "entry_ticks": (PRICE,) * len(lots),
                "deposit_quanta": tuple(abs(q) * PRICE for q in lots),
            },
            "catalyst.side": side,
            "catalyst.squeeze_size": [60.0, 60.0],
            "catalyst.cap_bps": 1000.0,
            "makers.perp.learning_bps_per_base": 1.0,
            "makers.spot.learning_bps_per_base": 1.0,
            "learner.short_start": 0.0,
        }
    )
    farthest = 0.0
    while market.time < 30.0:
        market.run(1.0)
        mark = int(market.record["marks"]["mark"])
        if mark >= 1.9 * PRICE:
            break
        farthest = max(farthest, abs(mark / PRICE - 1))
        assert market.record["score"]["liquidations"].sum() == 0
    assert farthest > 0.02  # the price did go somewhere
    accounts = market.record["accounts"][FIRST_HOLDER_SLOT:][: len(lots)]
    shorts = accounts["perp"] < 0
    assert (accounts["trigger"][shorts] > 1.9 * PRICE).all()
    assert (accounts["trigger"][~shorts] <= 1).all()  # one lot at one tick rounds up to itself


def test_without_positions_there_is_nobody_to_liquidate():
    market = small_market(
        **{"population.shorts": 0, "population.longs": 0, "learner.short_start": 0.0}
    )
    market.run(15.0)
    assert market.record["score"]["liquidations"].sum() == 0
    assert market.record["ladder"]["nearest"].tolist() == [0, 2**31 - 1]
