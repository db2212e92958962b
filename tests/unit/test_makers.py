"""What makers look at: inventory, volatility, and whether they were just filled."""

import numpy as np
import pytest

from squeezegym.codes import MAX_QTY, Account
from squeezegym.core.makers import look, quote_price, stress
from tests.kernels import BUY, IOC, QUIET, SELL, _place, from_python, small_market

pytestmark = [pytest.mark.nojit]
PERP, SPOT = 0, 1
SECOND = 1_000_000_000


def resting(**overrides):
    """A market in which nothing moves, at its opening."""
    return small_market(**{**QUIET, "episode.burn_in_s": 0.0, **overrides})


def quotes(market, venue=PERP):
    """Prices at which the third quote of each side should stand."""
    call = from_python(quote_price)
    args = (market.record, market._batch.params[0], np.int64(venue))
    return [int(call(*args, np.int64(side), np.int64(3), 1.0)) for side in (BUY, SELL)]


@pytest.mark.parametrize(("venue", "asset"), [(PERP, "perp"), (SPOT, "spot")])
@pytest.mark.parametrize("stock", [-400_000, 400_000])
def test_quotes_lean_against_the_inventory(venue, asset, stock):
    # 0.01 bp of 61,837.6 USDT a coin is .61838 ticks a coin: 247.35 ticks for 400 coins.
    market = resting(
        **{
            "makers.perp.skew_bps_per_base": 0.01,
            "makers.spot.skew_bps_per_base": 0.01,
            "depth.perp.nearest_bps": 20.0,
            "depth.spot.nearest_bps": 20.0,
        }
    )
    market.record["accounts"][asset][Account.MAKER] = 0
    before = quotes(market, venue)
    market.record["accounts"][asset][Account.MAKER] = stock
    moved = [after - price for after, price in zip(quotes(market, venue), before, strict=True)]
    for step in moved:
        assert step == pytest.approx(-np.sign(stock) * 247.35, abs=1)


def measured(market, steps):
    """Let the makers look once a second at a mid that moves by these ticks; return the stress."""
    book = market.record["books"][PERP]
    args = (market.record, market._batch.params[0], np.int64(PERP))
    for step in steps:
        market.record["clock"]["now"] += SECOND
        book["best_bid"] += step
        book["best_ask"] += step
        from_python(look)(*args)
    return float(from_python(stress)(*args))


def test_volatility_frightens_makers_where_no_trend_does():
    # +-500 ticks a second, to and fro: 81 bp per root second against 10 bp of calm.
    to_and_fro = [500 if i % 2 else -500 for i in range(100)]
    rules = {"makers.perp.calm_trend_bps": 1000.0, "makers.perp.volatility_memory_s": 10.0}
    assert measured(resting(**rules), to_and_fro) == 0.0
    seen = measured(resting(**rules, **{"makers.perp.calm_volatility_bps": 2.0}), to_and_fro)
    calm = 2e-4 * 618_376
    assert seen == pytest.approx(500 / calm - 1, rel=0.1)


def test_the_variance_forgets():
    market = resting(**{"makers.perp.volatility_memory_s": 10.0})
    measured(market, [1000])
    at_once = float(market.record["flow"]["variance"][PERP])
    assert at_once == pytest.approx(1000**2 / 10, rel=2e-3)
    measured(market, [0] * 10)
    # Implicit Euler: each second divides by 1.1.
    assert float(market.record["flow"]["variance"][PERP]) == pytest.approx(at_once / 1.1**10)


@pytest.mark.parametrize(("patience", "least", "most"), [(0.0, 0.9, 1.0), (0.95, 0.0, 0.3)])
def test_filled_quotes_come_back_later_with_patience(patience, least, most):
    market = resting(
        **{
            "makers.perp.refill_patience": patience,
            "makers.perp.visits_per_s": 100.0,
            "makers.perp.near_bias": 1,
        }
    )
    record = market.record
    n_asks = int((record["quotes"][PERP, SELL] != 0).sum())
    everything = (np.int64(v) for v in (PERP, Account.NOISE, BUY, 0, MAX_QTY, IOC, 0))
    _place(record, market._batch.params[0], *everything)
    assert market.levels(1)[1] == []
    market.run(4.0)
    orders = market.orders()
    asks = orders[(orders["owner"] == Account.MAKER) & (orders["side"] == SELL)]
    assert least <= len(asks) / n_asks <= most
