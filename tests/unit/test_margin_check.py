"""What an individual account may order: its margin, its resting lots, and the engine's lock."""

import numpy as np
import pytest

from squeezegym.codes import NEVER, Source, Standing, Status
from squeezegym.core.seating import close_out
from tests.kernels import (
    BUY,
    GTC,
    IOC,
    LEARNER_SLOT,
    QUIET,
    SELL,
    _place,
    _withdraw,
    from_python,
    small_market,
)

pytestmark = [pytest.mark.nojit]
TRADER = LEARNER_SLOT
LOT = 618_376  # quanta of a lot at the opening mark


def quiet_market(capital=0.0, **overrides):
    """A market in which the learner alone acts; its capital in lots at mark."""
    market = small_market(
        **QUIET,
        **{
            "episode.burn_in_s": 0.0,
            "population.shorts": 0,
            "population.longs": 0,
            "population.short_base": 0.0,
            "population.long_base": 0.0,
            "learner.short_start": 0.0,
            "learner.leverage_cap": 10.0,
            "fees.perp_taker_bps": 0.0,
            **overrides,
        },
        log=True,
    )
    market.record["accounts"]["quote"][TRADER] = int(capital * LOT)
    market.record["marks"]["mark"] = LOT
    return market


def order(market, side, qty, price=0, tif=IOC, flags=0):
    """Send an order of the learner; return (status, filled, order id)."""
    n = int(market.record["n_log"])
    values = (0, TRADER, side, price, qty, tif, flags)
    args = (np.int64(v) for v in values)
    filled, order_id = _place(market.record, market._batch.params[0], *args)
    return Status(int(market.record["log"][n]["status"])), int(filled), int(order_id)


def open_lots(market):
    return market.record["holders"]["open_lots"][TRADER].tolist()


def test_equity_must_cover_the_initial_margin_of_what_is_ordered():
    market = quiet_market(capital=10.0)
    far = LOT - 1_000
    assert order(market, BUY, 101, far, GTC)[0] == Status.INSUFFICIENT_MARGIN
    assert open_lots(market) == [0, 0]
    status, _, first = order(market, BUY, 60, far, GTC)
    assert status == Status.RESTING
    assert open_lots(market) == [60, 0]
    assert order(market, BUY, 41, far, GTC)[0] == Status.INSUFFICIENT_MARGIN
    assert order(market, BUY, 40, far, GTC)[0] == Status.RESTING
    # The other side counts by itself: both cannot be reached at once.
    assert order(market, SELL, 100, LOT + 1_000, GTC)[0] == Status.RESTING
    assert order(market, SELL, 1, LOT + 1_000, GTC)[0] == Status.INSUFFICIENT_MARGIN
    assert int(market.record["score"]["refused"]) == 3
    _withdraw(market.record, market._batch.params[0], np.int64(0), np.uint64(first))
    assert open_lots(market) == [40, 100]
    assert order(market, BUY, 60, far, GTC)[0] == Status.RESTING


def test_a_price_beyond_the_mark_costs_its_loss_at_once():
    market = quiet_market(capital=10.0)
    # 95 lots need 9.5 lots of margin; 3 per mille beyond the mark lose another .285 of them.
    assert order(market, BUY, 95, LOT + LOT * 6 // 1000, GTC)[0] == Status.INSUFFICIENT_MARGIN
    assert order(market, SELL, 95, LOT - LOT * 6 // 1000, GTC)[0] == Status.INSUFFICIENT_MARGIN
    assert order(market, BUY, 95, LOT + LOT * 5 // 1000, IOC)[0] == Status.FILLED


def test_the_bracket_bounds_the_leverage_too():
    # 1 million USDT lies in the bracket of at most 75 to 1, whatever the account asks for.
    market = quiet_market(capital=0.0, **{"learner.leverage_cap": 150.0})
    lots = 1_000_000 * 10_000 // LOT
    market.record["accounts"]["quote"][TRADER] = lots * LOT // 100
    assert order(market, BUY, lots, LOT - 1_000, GTC)[0] == Status.INSUFFICIENT_MARGIN
    market.record["accounts"]["quote"][TRADER] = lots * LOT // 74
    assert order(market, BUY, lots, LOT - 1_000, GTC)[0] == Status.RESTING


def test_what_reduces_the_position_needs_no_margin():
    market = quiet_market(capital=10.0)
    assert order(market, BUY, 90)[0] == Status.FILLED
    market.record["accounts"]["quote"][TRADER] -= int(9.5 * LOT)
    assert order(market, BUY, 1)[0] == Status.INSUFFICIENT_MARGIN
    assert order(market, SELL, 181)[0] == Status.INSUFFICIENT_MARGIN
    status, filled, _ = order(market, SELL, 90)
    assert (status, filled) == (Status.FILLED, 90)


def test_a_position_may_be_turned_to_its_own_size_without_margin():
    market = quiet_market(capital=10.0)
    assert order(market, BUY, 90)[0] == Status.FILLED
    market.record["accounts"]["quote"][TRADER] -= int(9.5 * LOT)
    status, filled, _ = order(market, SELL, 180)
    assert (status, filled) == (Status.FILLED, 180)
    assert int(market.record["accounts"]["perp"][TRADER]) == -90


def test_the_taker_fee_must_be_covered_too():
    market = quiet_market(capital=10.0, **{"fees.perp_taker_bps": 5.0})
    far = LOT - 1_000
    assert order(market, BUY, 100, far, GTC)[0] == Status.INSUFFICIENT_MARGIN
    assert order(market, BUY, 99, far, GTC)[0] == Status.RESTING  # 9.9 lots and 0.0495


def test_the_larger_side_must_stay_covered():
    market = quiet_market(capital=10.0)
    assert order(market, BUY, 100, LOT - 1_000, GTC)[0] == Status.RESTING
    market.record["accounts"]["quote"][TRADER] -= 1
    assert order(market, SELL, 1, LOT + 1_000, GTC)[0] == Status.INSUFFICIENT_MARGIN


def test_fills_of_resting_orders_leave_the_open_lots():
    market = quiet_market(capital=50.0)
    best, ahead, _ = market.levels(1)[0][0]
    order(market, BUY, 30, best, GTC)
    assert open_lots(market) == [30, 0]
    args = (np.int64(v) for v in (0, 5, SELL, best, ahead + 12, IOC, 0))
    _place(market.record, market._batch.params[0], *args)
    assert open_lots(market) == [18, 0]
    assert int(market.record["accounts"]["perp"][TRADER]) == 12


@pytest.mark.parametrize("rule", ["cancel_newest", "cancel_oldest", "cancel_both", "decrement"])
def test_self_trade_prevention_keeps_the_open_lots_true(rule):
    market = quiet_market(capital=50.0, **{"matching.self_trade": rule})
    best, ahead, _ = market.levels(1)[0][0]
    assert order(market, BUY, 30, best, GTC)[0] == Status.RESTING
    market.record["accounts"]["quote"][TRADER] += LOT * ahead
    assert order(market, SELL, ahead + 12, best, GTC)[0] == Status.SELF_TRADE or rule in (
        "cancel_oldest",
        "decrement",
    )
    resting = market.orders()
    mine = resting[resting["owner"] == TRADER]
    assert int(market.record["accounts"]["perp"][TRADER]) == -ahead
    assert open_lots(market) == [int(mine["qty"][mine["side"] == side].sum()) for side in (0, 1)]


def test_an_account_in_the_engine_may_not_order():
    market = quiet_market(capital=10.0)
    account = market.record["accounts"][TRADER]
    for standing in (Standing.FREE, Standing.IN_LADDER, Standing.IN_QUEUE):
        account["laddered"] = standing
        assert order(market, BUY, 1)[0] == Status.FILLED
    for standing in (Standing.IN_REMAINDER, Standing.WAITING):
        account["laddered"] = standing
        assert order(market, BUY, 1)[0] == Status.IN_LIQUIDATION
        assert order(market, SELL, 1)[0] == Status.IN_LIQUIDATION


def test_pools_are_not_asked():
    market = quiet_market()
    args = (np.int64(v) for v in (0, 5, BUY, 0, 10_000, IOC, 0))
    filled, _ = _place(market.record, market._batch.params[0], *args)
    assert int(filled) == 10_000


def test_a_learner_in_steps_is_locked_out_and_told_at_the_end():
    market = quiet_market(
        capital=1.0, **{"liquidation.policy": "small_steps", "liquidation.share": 0.25}
    )
    record = market.record
    record["accounts"]["quote"][TRADER] = 10 * LOT
    order(market, BUY, 80)
    # Equity of a fifth of the maintenance margin.
    record["accounts"]["quote"][TRADER] += 80 * LOT // 1250 - (
        int(record["accounts"]["quote"][TRADER]) + 80 * LOT
    )
    market.run(1.05)
    assert int(record["clock"]["due"][Source.ENGINE]) != NEVER
    assert int(record["accounts"]["laddered"][TRADER]) == Standing.WAITING
    assert 0 < int(record["accounts"]["perp"][TRADER]) < 80
    assert int(record["learners"][0]["liquidated"]) == 0
    assert order(market, SELL, 1)[0] == Status.IN_LIQUIDATION
    market.run(9.0)
    assert int(record["accounts"]["perp"][TRADER]) == 0
    assert int(record["learners"][0]["liquidated"]) == 1


def test_the_horizon_closes_a_position_that_the_engine_holds():
    market = quiet_market(capital=10.0)
    order(market, BUY, 80)
    record = market.record
    record["accounts"]["laddered"][TRADER] = Standing.WAITING
    from_python(close_out)(record, market._batch.params[0], np.int64(0))
    assert int(record["accounts"]["perp"][TRADER]) == 0


@pytest.mark.parametrize("window", [0.0, 2_000.0])
def test_the_public_feed_carries_all_liquidations_or_one_a_window(window):
    market = small_market(seed=5, **{"liquidation.print_interval_ms": window})
    market.run(25.0)
    score = market.record["score"]
    carried, closed = int(score["printed"][1]), int(score["liquidated"][1])
    if window:
        assert 0 < carried < closed / 2
    else:
        assert carried == closed > 0
