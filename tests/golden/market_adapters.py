"""Golden cases of mark price and funding, in the units of the kernels that the market calls.

Every adapter translates units and calls :mod:`squeezegym.core`; none holds a formula.
"""

import math
from decimal import Decimal

import numba
import numpy as np

from squeezegym.bookrecord import book_dtype
from squeezegym.codes import MAX_QTY, NO_ASK
from squeezegym.core.book import claim, next_id, open_book, stand
from squeezegym.core.funding import add_sample, impact_price
from squeezegym.core.marks import (
    clamped_last,
    funding_basis_mark,
    hyperliquid_mark,
    index_price,
    mark_price,
    median_of_three,
    window_mean,
)
from squeezegym.core.rates import (
    accrued,
    deribit_rate,
    eight_hour_rate,
    funding_index_delta,
    interest_rate,
    interval_rate,
    inverse_profit,
    inverse_value,
    okx_rate,
    premium_index,
)
from squeezegym.state import FUNDING_DTYPE
from tests.kernels import BUY, SELL, from_python

_PERIOD_HOURS = 8
_PERIOD_S = 28_800


def call(kernel, *values):
    """Call a kernel with floats and arrays; what it returns, as Python floats."""
    typed = [np.array(v, float) if isinstance(v, list) else np.float64(v) for v in values]
    return float(from_python(kernel)(*typed))


def index_weighted_outlier(inputs):
    return call(index_price, inputs["prices"], inputs["weights"], inputs["threshold"])


def _left(inputs):
    return inputs["hours_to_funding"] / inputs["interval_hours"]


def fair_price_funding_basis(inputs):
    return call(funding_basis_mark, inputs["index"], inputs["funding_rate"], _left(inputs))


def mark_median3(inputs):
    samples = np.array(inputs["basis_samples"], float)
    basis = from_python(window_mean)(samples, np.int64(len(samples)))
    values = (inputs["index"], inputs["funding_rate"], _left(inputs), basis, inputs["last"])
    return call(mark_price, *values)


def mark_last_clamped_to_bbo(inputs):
    return call(clamped_last, inputs["last"], inputs["bid"], inputs["ask"])


def mark_hyperliquid(inputs):
    local = call(median_of_three, inputs["best_bid"], inputs["best_ask"], inputs["last"])
    third = inputs["external_perp_median"]
    if third is None:
        third = inputs["ema30_local"]
    return call(hyperliquid_mark, inputs["oracle"], inputs["ema150_basis"], local, third)


def funding_rate_8h(inputs):
    return call(eight_hour_rate, inputs["premium"], inputs["interest"], inputs["clamp"])


def funding_rate_binance(inputs):
    share = inputs["interval_hours"] / _PERIOD_HOURS
    values = (inputs["premium"], inputs["interest"], inputs["clamp"], inputs["cap"], share)
    return call(interval_rate, *values)


def funding_rate_hyperliquid_hourly(inputs):
    share = 1 / _PERIOD_HOURS
    rules = (inputs["interest_8h"], inputs["clamp"], inputs["cap_hourly"])
    return call(interval_rate, inputs["avg_premium"], *rules, share)


def funding_rate_okx(inputs):
    record = np.zeros(1, FUNDING_DTYPE)[0]
    mean = 0.0
    for sample in inputs["premium_minutes"]:
        mean = from_python(add_sample)(record, np.float64(sample), np.int64(0))
    return call(okx_rate, mean, inputs["interest"], inputs["cap"])


def funding_rate_deribit(inputs):
    premium = call(premium_index, inputs["mark"], inputs["mark"], inputs["index"])
    rate = call(deribit_rate, premium, inputs["damper"], inputs["cap"])
    share = inputs["hours"] / _PERIOD_HOURS
    return {"rate": rate, "payment_usd": call(accrued, inputs["position_usd"], rate, share)}


def dydx_funding_index_delta(inputs):
    power = inputs["exponent"] + inputs["atomic_resolution"] - inputs["quote_resolution"]
    price = inputs["price"] * 10 ** max(power, 0)
    period = _PERIOD_S * 10 ** max(-power, 0)
    integers = (inputs["rate_8h_ppm"], inputs["seconds"], price, period)
    return int(from_python(funding_index_delta)(*map(np.int64, integers)))


def funding_interest_only(inputs):
    daily = (inputs["quote_rate_daily"], inputs["base_rate_daily"], inputs["intervals_per_day"])
    rate = call(interest_rate, *daily)
    amount = call(accrued, call(inverse_value, inputs["contracts"], inputs["mark"]), rate, 1.0)
    profit = call(inverse_profit, inputs["contracts"], inputs["entry"], inputs["exit"])
    return {"rate": rate, "amount_xbt": amount, "pnl_xbt": profit, "net_xbt": profit - amount}


@numba.njit(error_model="numpy")
def _open(book, base):
    open_book(book, np.int64(1), NO_ASK - np.int64(1), base, np.int64(0))


@numba.njit(error_model="numpy")
def _rest(book, side, price, qty):
    slot = claim(book, next_id(book), np.int64(0), side, np.int64(0))
    book["sequence"] += np.uint64(1)
    stand(book, slot, side, price, qty)


def _units(values):
    """Write decimal numbers as whole multiples of the largest unit they share."""
    exact = [Decimal(repr(float(value))) for value in values]
    scale = max(0, *(-int(value.normalize().as_tuple().exponent) for value in exact))
    whole = [int(value.scaleb(scale)) for value in exact]
    unit = math.gcd(*whole)
    return [number // unit for number in whole], float(Decimal(unit).scaleb(-scale))


def build_side(side, levels):
    """Build a book of one side.

    Returns:
        The record, and its tick and lot.
    """
    prices, tick = _units([price for price, _ in levels])
    quantities, lot = _units([qty for _, qty in levels])
    n_levels = 4096
    while n_levels <= max(prices) - min(prices):
        n_levels *= 2
    assert max(prices) < int(NO_ASK) and n_levels <= 262_144, "the prices need too fine a tick"
    rests = [
        (price, min(int(MAX_QTY), qty - done))
        for price, qty in zip(prices, quantities, strict=True)
        for done in range(0, qty, int(MAX_QTY))
    ]
    book = np.zeros(1, book_dtype(n_levels, 1024))[0]
    _open(book, np.int64(min(prices)))
    for price, qty in rests:
        _rest(book, np.int64(side), np.int64(price), np.int64(qty))
    return book, tick, lot


def impact_prices_and_premium(inputs):
    prices = []
    for side, levels in ((BUY, inputs["bids"]), (SELL, inputs["asks"])):
        book, tick, lot = build_side(side, levels)
        notional = np.float64(inputs["impact_notional"] / (tick * lot))
        prices.append(float(from_python(impact_price)(book, np.int64(side), notional)) * tick)
    premium = call(premium_index, *prices, inputs["index"])
    return {"impact_bid": prices[0], "impact_ask": prices[1], "premium": premium}


ADAPTERS = {
    adapter.__name__: adapter
    for adapter in (
        index_weighted_outlier,
        fair_price_funding_basis,
        mark_median3,
        mark_last_clamped_to_bbo,
        mark_hyperliquid,
        funding_rate_8h,
        funding_rate_binance,
        funding_rate_hyperliquid_hourly,
        funding_rate_okx,
        funding_rate_deribit,
        dydx_funding_index_delta,
        funding_interest_only,
        impact_prices_and_premium,
    )
}
