"""Liquidation and bankruptcy prices as venues state them, for comparison with the market's own.

No scenario selects these: a market liquidates at the exact integer boundary of
:func:`squeezegym.core.margin.is_liquidatable`. All are float64 functions of scalars in any one
set of units (quote, base, quote per base); ``side`` is +1 for a long and -1 for a short, rates are
fractions. Inverse contracts, whose size is in quote and whose margin is in base, are formulas only
in this version: no market trades them.
"""

import math

from squeezegym._jit import kernel


@kernel
def linear_price(side, qty, entry, wallet, rate, deduction, other_maintenance, other_profit):
    """Liquidation price in one given tier: Binance USD-M, one-way mode.

    ``(WB - TMM + uPnL + cum - side*q*E) / (q*mmr - side*q)``. Source: Binance FAQ "Liquidation
    price", as in freqtrade 2024-10 and in the FAQ's text of 2020.

    Args:
        side: +1 or -1.
        qty: Size, base, > 0.
        entry: Entry price.
        wallet: Wallet balance; the position's own under isolated margin.
        rate: Maintenance margin rate of the tier.
        deduction: Maintenance amount ("cum") of the tier, quote.
        other_maintenance: Maintenance margin of the account's other positions, quote; 0 under
            isolated margin.
        other_profit: Their unrealised profit, quote; 0 under isolated margin.
    """
    cover = wallet - other_maintenance + other_profit + deduction
    return (cover - side * qty * entry) / (qty * rate - side * qty)


@kernel
def fee_price(side, qty, entry, margin, rate, taker):
    """Liquidation price with the fee to close: OKX and Gate, isolated.

    ``(E - side*margin/q) / (1 - side*(mmr + taker))``. Source: freqtrade, 2024-10.
    """
    return (entry - side * margin / qty) / (1.0 - side * (rate + taker))


@kernel
def entry_price(side, qty, entry, leverage, rate, deduction, extra):
    """Liquidation price with the maintenance margin of the entry value: Bybit USDT, isolated.

    ``E - side*(IM - MM + extra)/q``. Source: Bybit help "Liquidation Price (USDT Contract)", before
    the change of 2026-05 to a margin on mark value.

    Args:
        side: +1 or -1.
        qty: Size, base, > 0.
        entry: Entry price.
        leverage: Initial margin is entry value over this.
        rate: Maintenance margin rate of the entry value.
        deduction: Maintenance amount of its tier, quote.
        extra: Margin added by hand, quote.
    """
    initial = qty * entry / leverage
    maintenance = qty * entry * rate - deduction
    return entry - side * (initial - maintenance + extra) / qty


@kernel
def hyperliquid_price(side, qty, price, margin, rate):
    """Liquidation price seen from the present price: Hyperliquid.

    ``p - side*available/q / (1 - side*l)`` with ``available = margin - l*q*p``. Source: Hyperliquid
    docs "Liquidations", 2025.

    Args:
        side: +1 or -1.
        qty: Size, base, > 0.
        price: Present mark.
        margin: Isolated margin, or account value, at that mark, quote.
        rate: Maintenance margin rate ``l``.
    """
    available = margin - rate * qty * price
    return price - side * available / qty / (1.0 - side * rate)


@kernel
def dydx_price(side, qty, price, equity, rate):
    """Liquidation price of an account's only position: dYdX v4.

    ``(e - s*p) / (|s|*MMF - s)`` with the signed size ``s``. Source: dYdX documentation, 2026-03.

    Args:
        side: +1 or -1.
        qty: Size, base, > 0.
        price: Oracle price at which ``equity`` holds.
        equity: Account equity, quote.
        rate: Maintenance margin fraction.
    """
    return (equity - side * qty * price) / (qty * rate - side * qty)


@kernel
def inverse_price(side, contracts, entry, margin, rate, taker):
    """Liquidation price of an inverse contract: Bybit. A formula only; no market trades these.

    ``1/LP = 1/E + side*(margin - mmr*C/E - fee)/C`` with the fee to close at the bankruptcy price.
    Source: Bybit help "Liquidation price (inverse contract, cross margin)", 2021.

    Args:
        side: +1 or -1.
        contracts: Size ``C``, quote, > 0.
        entry: Entry price.
        margin: Balance that is free of orders, base.
        rate: Maintenance margin rate of the entry value.
        taker: Taker fee rate.

    Returns:
        The price; infinite for a short that no price liquidates.
    """
    value = contracts / entry
    fee = max(0.0, value + side * margin) * taker / (1.0 + side * taker)
    inverse = (value + side * (margin - value * rate - fee)) / contracts
    return 1.0 / inverse if inverse > 0.0 else math.inf


@kernel
def inverse_cross_bankruptcy(side, contracts, entry, margin, taker):
    """Bankruptcy price of an inverse contract, fee to close included: Bybit, cross margin.

    ``C*(1 + side*taker) / (C/E + side*margin)``. A formula only; no market trades these. Source and
    arguments as :func:`inverse_price`; infinite for a short that cannot go bankrupt.
    """
    value = contracts / entry + side * margin
    return contracts * (1.0 + side * taker) / value if value > 0.0 else math.inf


@kernel
def inverse_bankruptcy(side, entry, leverage):
    """Bankruptcy price of an isolated inverse contract: ``E*L / (L + side)``, fees ignored.

    A formula only; no market trades these. Source: Bybit help "Bankruptcy price (inverse
    contract)", 2021. Infinite for a short at one times leverage.
    """
    divisor = leverage + side
    return entry * leverage / divisor if divisor > 0.0 else math.inf


@kernel
def dydx_bankruptcy_quote(quote, sizes, prices, rates, index, share):
    """Quote that closing part of one position of several has to bring: dYdX v4.

    ``-dNNV - TNC*|dMMR|/TMMR``: the closed notional less its share of the equity, by maintenance
    margin. Source: dydxprotocol/v4-chain ``GetBankruptcyPriceInQuoteQuantums``, 2026-03.

    Args:
        quote: Cash balance, quote.
        sizes: Signed positions, base, an array.
        prices: Their oracle prices.
        rates: Their maintenance margin fractions.
        index: Position that is closed.
        share: Closed share of it, 0 to 1.

    Returns:
        Quote received, negative when a short has to pay; 0 for an account without positions.
    """
    equity = quote
    maintenance = 0.0
    for i in range(sizes.shape[0]):
        equity += sizes[i] * prices[i]
        maintenance += abs(sizes[i]) * prices[i] * rates[i]
    if maintenance == 0.0:
        return 0.0
    value = share * sizes[index] * prices[index]
    return value - equity * abs(value) * rates[index] / maintenance
