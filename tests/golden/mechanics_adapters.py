"""Each function name of the worked cases, and the function of the package that answers it.

An adapter translates units and names and does no sum of its own. Where a market decides in
integers, it builds the record that a market would hold, in units fine enough for the case.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from squeezegym.accountrecord import ACCOUNT_DTYPE
from squeezegym.codes import FIRST_HOLDER_SLOT, Account, LiquidationStage
from squeezegym.core import deleveraging, execution, fifo, fund, liquidation_price, margin
from squeezegym.core.accounts import equity
from squeezegym.data.liquidation_map import heatmap_level
from squeezegym.gatewaycodes import Exempt, Request
from squeezegym.packing_rules import pack_margin
from squeezegym.params import MARGIN_PARAMS, params_dtype
from squeezegym.rules import Margin
from squeezegym.state import market_dtype
from squeezegym.units import RATE as RATE_ONE
from tests.kernels import from_python

Inputs = dict[str, Any]
FLOAT_ACCOUNT = np.dtype([("quote", "f8"), ("perp", "f8")])
FINE_ENOUGH, FINEST = 11, 12  # decimals of a unit
LARGEST = 2**61
DRIFT_SMALL_SHORTAGE = 50.0  # USD
SHEDDING = {"binance_1008": np.int64(Exempt.BINANCE), "bitmex": np.int64(Exempt.BITMEX)}


def real(kernel: Any, *numbers: float) -> float:
    """Call a float64 formula."""
    return float(from_python(kernel)(*map(float, numbers)))


def exact(number: float) -> Fraction:
    """The decimal number that was written, not the binary one next to it."""
    return Fraction(str(number))


def decimals(numbers: list[float]) -> int:
    """Decimals that write all these numbers exactly, as far as FINEST."""
    wanted = range(FINEST)
    return next((n for n in wanted if all(exact(x) * 10**n % 1 == 0 for x in numbers)), FINEST)


def finest(*amounts: float) -> int:
    """Decimals of the finest unit in which these amounts fit an integer."""
    largest = max(1.0, *map(abs, amounts))
    return min(FINEST, math.floor(math.log10(LARGEST / largest)))


def quanta(amount: float, digits: int) -> np.int64:
    return np.int64(round(exact(amount) * 10**digits))


def margin_record(tiers: list[dict[str, Any]], digits: int) -> Any:
    """The packed table of these tiers, in quanta of ``10**-digits``."""
    floors = [0.0, *(tier["notional_cap"] for tier in tiers[:-1])]
    rows = tuple((floor, tier["mmr"]) for floor, tier in zip(floors, tiers, strict=True))
    record = np.zeros(1, MARGIN_PARAMS)[0]
    pack_margin(Margin(brackets=rows), 10.0**-digits, record)
    return record


def caps(tiers: list[dict[str, Any]]) -> list[float]:
    return [tier["notional_cap"] or 0.0 for tier in tiers]


def open_position(account: Any, perp: Any, price: Any, deposit: Any) -> None:
    """Deposit, then open: the fill moves quantity times price."""
    account["perp"] = perp
    account["quote"] = deposit - perp * price


def bankruptcy(side: int, qty: float, entry: float, deposit: Fraction) -> float:
    """The market's bankruptcy price of an account with this one position, quote.

    Rounded to the tick, which may therefore be no coarser than the tolerances: where an account's
    64 bits do not hold such fine units, the kernel runs interpreted, on integers of any length.
    """
    per_lot = decimals([qty])
    lots = side * int(quanta(qty, per_lot))
    per_tick = finest(4 * lots * entry, 4 * float(deposit) * 10**per_lot)
    kernel = from_python(margin.bankruptcy_price)
    account = np.zeros(1, ACCOUNT_DTYPE)[0]
    if per_tick < FINE_ENOUGH:
        per_tick = FINEST
        kernel = getattr(margin.bankruptcy_price, "py_func", margin.bankruptcy_price)
        account = {}
    price = round(exact(entry) * 10**per_tick)
    open_position(account, lots, price, round(deposit * 10 ** (per_lot + per_tick)))
    return float(Fraction(int(kernel(account)), 10**per_tick))


def maintenance_amounts(x: Inputs) -> dict[str, Any]:
    digits = finest(*caps(x["tiers"]))
    table = margin_record(x["tiers"], digits)
    amounts = table["deduction"][: len(x["tiers"])].tolist()
    return {"cum": [amount / 10**digits for amount in amounts]}


def maintenance_margin(x: Inputs) -> dict[str, Any]:
    digits = finest(x["notional"], *caps(x["tiers"]))
    table = margin_record(x["tiers"], digits)
    notional = quanta(x["notional"], digits)
    tier = int(from_python(margin.tier_of)(table, notional))
    required = int(from_python(margin.maintenance_margin)(table, notional))
    return {
        "mmr": int(table["rate"][tier]) / RATE_ONE,
        "cum": int(table["deduction"][tier]) / 10**digits,
        "mm": required / 10**digits,
    }


def maintenance_margin_continuity(x: Inputs) -> dict[str, Any]:
    digits = finest(x["notional"], *caps(x["tiers"]))
    table = margin_record(x["tiers"], digits)
    notional = quanta(x["notional"], digits)
    required = from_python(margin.maintenance_margin)
    return {
        "mm_below": int(required(table, notional - 1)) / 10**digits,
        "mm_above": int(required(table, notional)) / 10**digits,
    }


def oi_scaled(x: Inputs) -> int:
    names = ("base_imf_ppm", "oi", "lower_cap", "upper_cap")
    return int(from_python(margin.oi_scaled_initial_margin)(*(np.int64(x[n]) for n in names)))


def liq_price_solve(x: Inputs) -> dict[str, Any]:
    size, entry = float(x["qty"]), float(x["entry"])
    digits = finest(100 * size * entry, x["wallet_balance"], *caps(x["tiers"]))
    table = margin_record(x["tiers"], digits)
    unit = 10.0**digits  # one base against one quote: prices stay in quote
    account = np.zeros(1, FLOAT_ACCOUNT)[0]
    open_position(account, x["side"] * size * unit, entry, x["wallet_balance"] * unit)
    solve = from_python(margin.liquidation_price)
    price = float(solve(account["quote"], account["perp"], table))
    notional = np.int64(size * unit * max(0.0, price))
    return {"price": price, "tier_index": int(from_python(margin.tier_of)(table, notional))}


def min_reduction(x: Inputs) -> float:
    size, mark = float(x["qty"]), float(x["mark"])
    digits = finest(4 * size * mark, x["wallet_balance"], *caps(x["tiers"]))
    table = margin_record(x["tiers"], digits)
    unit = 10.0**digits
    account = np.zeros(1, FLOAT_ACCOUNT)[0]
    entry, deposit = float(x["entry"]) * unit, x["wallet_balance"] * unit
    open_position(account, x["side"] * size, entry, deposit)
    worth = float(from_python(equity)(account, mark * unit))
    fees = (float(x["liq_fee"]), float(x["slippage"]))
    reduce = from_python(execution.min_reduction_to_compliance)
    return float(reduce(table, worth, size, mark * unit, *fees))


def hyperliquid_rule(x: Inputs) -> None:
    if x["rule"] != "hyperliquid":
        raise ValueError(f"rule {x['rule']!r} is not known; known is 'hyperliquid'")


def partial_size(x: Inputs) -> float:
    hyperliquid_rule(x)
    since = -1.0 if x["seconds_since_partial"] is None else x["seconds_since_partial"]
    notional, threshold, share = x["notional"], x["threshold"], x["fraction"]
    rule = execution.partial_size
    return real(rule, notional, notional, threshold, share, since, x["cooldown_s"])


def liquidation_stage(x: Inputs) -> str:
    hyperliquid_rule(x)
    numbers = (x["equity"], x["maintenance_margin"], x["backstop_ratio"])
    code = real(execution.liquidation_stage, *numbers)
    return LiquidationStage(int(code)).name.lower()


def fillable_price(x: Inputs) -> float:
    side = math.copysign(1, x["size"])
    names = ("oracle", "mmf", "tnc", "tmmr", "bankruptcy_adjustment", "spread_to_mm_ratio")
    return real(execution.fillable_price, side, *(x[name] for name in names))


def inverse_cross(x: Inputs) -> dict[str, Any]:
    free = x["balance_btc"] - x["order_margin_btc"]
    terms = (x["side"], x["contracts"], x["entry"], free)
    at_nothing = liquidation_price.inverse_cross_bankruptcy
    return {
        "bankruptcy": real(at_nothing, *terms, x["taker_fee"]),
        "liquidation": real(liquidation_price.inverse_price, *terms, x["mmr"], x["taker_fee"]),
    }


def dydx_bankruptcy(x: Inputs) -> float:
    columns = [np.array([float(p[n]) for p in x["positions"]]) for n in ("size", "oracle", "mmf")]
    quote = from_python(liquidation_price.dydx_bankruptcy_quote)
    index, share = np.int64(x["close_index"]), float(x["close_fraction"])
    return float(quote(float(x["usdc"]), *columns, index, share))


def adl_allocate(x: Inputs) -> dict[str, Any]:
    names = [account["id"] for account in x["accounts"]]
    sizes = [account["qty"] for account in x["accounts"]]
    digits = decimals([x["liquidated_qty"], *sizes])
    qty = np.array([quanta(size, digits) for size in sizes])
    score = np.array([float(account["score"]) for account in x["accounts"]])
    order, closed = np.zeros(len(qty), np.int64), np.zeros(len(qty), np.int64)
    wanted = quanta(x["liquidated_qty"], digits)
    from_python(deleveraging.adl_allocate)(qty, score, wanted, order, closed)
    taken = [i for i in range(len(qty)) if closed[i] > 0]
    partly = [i for i in taken if closed[i] < qty[i]]

    def base(lots: Any) -> float:
        return float(Fraction(int(lots), 10**digits))

    return {
        "order": [names[i] for i in order],
        "closed": {str(names[i]): base(closed[i]) for i in taken},
        "price": x["bankruptcy_price"],
        "remaining": {str(names[i]): base(qty[i] - closed[i]) for i in partly},
    }


def paid_into_fund(side: int, qty: float, fill: float, bankrupt: float, fee: float) -> float:
    """What a market's fund gains when a position at its bankruptcy price is closed at ``fill``."""
    per_lot = decimals([qty])
    lots = int(quanta(qty, per_lot))
    per_tick = finest(4 * lots * bankrupt, 4 * lots * fill)
    market = np.zeros(1, market_dtype("small"))[0]
    params = np.zeros(1, params_dtype("small"))[0]
    params["fees"]["liquidation"] = round(fee * RATE_ONE)
    accounts = market["accounts"]
    accounts["quote"][Account.FUND] = LARGEST
    at, out = quanta(bankrupt, per_tick), quanta(fill, per_tick)
    open_position(accounts[FIRST_HOLDER_SLOT], side * lots, at, 0)  # worth nothing there
    accounts["quote"][FIRST_HOLDER_SLOT] += side * lots * out
    accounts["perp"][FIRST_HOLDER_SLOT] = 0
    slot = np.int64(FIRST_HOLDER_SLOT)
    from_python(fund.settle)(market, params, slot, at, np.int64(lots * out))
    gained = int(accounts["quote"][Account.FUND]) - LARGEST
    return float(Fraction(gained, 10 ** (per_lot + per_tick)))


def insurance_fund_sign(x: Inputs) -> dict[str, Any]:
    paid = [
        paid_into_fund(x["side"], 1, x["exec_price"], price, 1.0)
        for price in x["bankruptcy_prices"]
    ]
    return {"signs": [int(np.sign(amount)) for amount in paid]}


def insurance_fund_delta(x: Inputs) -> dict[str, Any]:
    price = bankruptcy(x["side"], x["qty"], x["entry"], exact(x["collateral"]))
    paid = paid_into_fund(x["side"], x["qty"], x["fill_price"], price, x["max_fee"])
    delta = deleveraging.insurance_fund_delta
    formula = real(delta, x["side"], x["qty"], price, x["fill_price"], x["max_fee"])
    assert math.isclose(paid, formula, rel_tol=1e-9, abs_tol=1e-9), (paid, formula)
    return {"bankruptcy_price": price, "delta": paid}


def scalar(kernel: Any, *names: str | float) -> Callable[[Inputs], float]:
    """An adapter that passes the named inputs (and plain numbers) in this order."""
    return lambda x: real(kernel, *(x[n] if isinstance(n, str) else n for n in names))


def load_shed_admission(x: Inputs) -> dict[str, list[bool]]:
    exempt = SHEDDING[x["policy"]]
    admitted = from_python(fifo.is_admitted)
    requests = [np.int64(Request[name]) for name in x["requests"]]
    return {"admit": [bool(admitted(exempt, x["queue_full"], r)) for r in requests]}


ADAPTERS: dict[str, Callable[[Inputs], Any]] = {
    "maintenance_amounts": maintenance_amounts,
    "maintenance_amounts_level": lambda x: maintenance_amounts(x)["cum"][x["level"] - 1],
    "maintenance_margin": maintenance_margin,
    "maintenance_margin_continuity": maintenance_margin_continuity,
    "oi_scaled_initial_margin_ppm": oi_scaled,
    "liq_price_linear_tiered": scalar(
        liquidation_price.linear_price,
        *("side", "qty", "entry", "wallet_balance", "mmr", "cum", "other_mm", "other_upnl"),
    ),
    "liq_price_linear_tiered_solve": liq_price_solve,
    "liq_price_entry_based": scalar(
        liquidation_price.entry_price,
        *("side", "qty", "entry", "leverage", "mmr", "mm_deduction", "extra_margin"),
    ),
    "liq_price_hyperliquid": scalar(
        liquidation_price.hyperliquid_price, "side", "size", "price", "isolated_margin", "mmr"
    ),
    "liq_price_with_taker_fee": scalar(
        liquidation_price.fee_price, "side", "qty", "entry", "margin", "mmr", "taker_fee"
    ),
    "heatmap_level": lambda x: heatmap_level(x["side"], x["entry"], x["leverage"]),
    "bankruptcy_price_linear_cross": lambda x: bankruptcy(
        x["side"], x["qty"], x["entry"], exact(x["position_margin"]) + exact(x["wallet_balance"])
    ),
    "bankruptcy_price_inverse": scalar(
        liquidation_price.inverse_bankruptcy, "side", "entry", "leverage"
    ),
    "inverse_cross_bankruptcy_and_liquidation": inverse_cross,
    "dydx_bankruptcy_quote": dydx_bankruptcy,
    "dydx_fillable_price": fillable_price,
    "partial_liquidation_size": partial_size,
    "liquidation_stage": liquidation_stage,
    "min_reduction_to_compliance": min_reduction,
    "drift_base_to_cover_shortage": scalar(
        execution.base_to_cover_shortage,
        *("margin_shortage", "margin_ratio", "liquidator_fee", "if_fee", "oracle", "quote_oracle"),
    ),
    "drift_max_pct_to_liquidate": scalar(
        execution.max_share_to_liquidate,
        *("margin_shortage", "slots_elapsed", "initial_pct", "duration_slots", "margin_freed"),
        DRIFT_SMALL_SHORTAGE,
    ),
    "adl_allocate": adl_allocate,
    "adl_score_bitmex": scalar(deleveraging.bitmex_score, "side", "entry", "mark", "bankruptcy"),
    "adl_score_binance": scalar(deleveraging.binance_score, "upnl", "notional", "wallet_balance"),
    "adl_score_binance_legacy": scalar(
        deleveraging.binance_legacy_score, "upnl", "wallet_balance", "margin_ratio", 1.0
    ),
    "adl_index_hyperliquid": scalar(
        deleveraging.hyperliquid_score, "side", "entry", "mark", "notional", "account_value"
    ),
    "insurance_fund_sign": insurance_fund_sign,
    "insurance_fund_delta": insurance_fund_delta,
    "socialised_loss_per_base": scalar(
        deleveraging.socialised_loss, "loss", "long_base", "short_base"
    ),
    "load_shed_admission": load_shed_admission,
    "fifo_wait_at_depth": lambda x: real(
        fifo.wait_at_depth, x["max_depth"], 1 / x["service_rate_per_s"]
    ),
}
