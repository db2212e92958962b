"""How much of an account a venue liquidates, by which stage, and at which price.

Float64 functions of scalars; amounts of one call share one unit (quanta in a market), rates are
fractions, ``side`` is +1 for a long and -1 for a short.
"""

import math

import numpy as np

from squeezegym._jit import kernel
from squeezegym.codes import RATE_ONE, LiquidationStage
from squeezegym.core.margin import maintenance_margin

_NONE = np.int64(LiquidationStage.NONE)
_BOOK = np.int64(LiquidationStage.BOOK)
_BACKSTOP = np.int64(LiquidationStage.BACKSTOP)


@kernel
def liquidation_stage(equity, maintenance, backstop):
    """Who closes an account: nobody, the book, or the backstop vault.

    The book at or below maintenance margin, the vault below ``backstop`` of it. Source:
    Hyperliquid docs "Liquidations" (backstop at 2/3), 2025.

    Returns:
        A ``codes.LiquidationStage``.
    """
    if equity > maintenance:
        return _NONE
    return _BACKSTOP if equity < backstop * maintenance else _BOOK


@kernel
def partial_size(size, notional, threshold, share, since, pause):
    """Size of the next liquidation order: a share of a large position first, then all of it.

    Nothing is sent during the pause after a partial order. Source: Hyperliquid docs "Liquidations"
    (20 % above 100,000 USDC, 30 s), 2025; the docs can also be read as closing the whole during
    those 30 s, later restatements say after them, as here.

    Args:
        size: Position, any unit.
        notional: Its value at mark.
        threshold: Notional above which the first order is partial.
        share: Of the first order, 0 to 1.
        since: Time since the last partial order, >= 0; negative: there was none.
        pause: Cooldown, same unit of time.
    """
    if since < 0.0:
        return size * share if notional > threshold else size
    return size if since >= pause else 0.0


@kernel
def fillable_price(side, oracle, rate, equity, maintenance, adjustment, spread):
    """Worst price of a liquidation order: from the oracle at the trigger to a spread at bankruptcy.

    ``P - side * a * spread * MMF * P`` with ``a = clamp(adjustment * (1 - TNC/TMMR), 0, 1)``.
    Source: dydxprotocol/v4-chain ``GetFillablePrice``, 2026-03.

    Args:
        side: +1 or -1.
        oracle: Oracle price ``P``.
        rate: Maintenance margin fraction of the position.
        equity: Account equity ``TNC``.
        maintenance: Maintenance margin of the whole account ``TMMR``.
        adjustment: How fast the spread opens with the shortfall, >= 1.
        spread: Widest spread in maintenance margins.
    """
    shortfall = 1.0 - equity / maintenance if maintenance > 0.0 else 1.0
    opened = min(max(adjustment * shortfall, 0.0), 1.0)
    return oracle - side * opened * spread * rate * oracle


@kernel
def min_reduction_to_compliance(margin, equity, size, mark, fee, slippage):
    """Least size to close so that the equity left covers the maintenance margin of the rest.

    Closing ``x`` at mark costs ``x * mark * (fee + slippage)``. Every tier's line
    ``rate * N - deduction`` bounds the notional ``N`` that may stay, from above where the rate
    exceeds that cost and from below elsewhere; the largest such ``N`` closes least. Source: Binance
    FAQ "Liquidation" (reduced without a full close if possible), 2020; the solution is ours.

    Args:
        margin: The margin table (``params["margin"]``).
        equity: At mark, quanta.
        size: Position, lots, >= 0, unsigned.
        mark: Ticks.
        fee: Liquidation fee, fraction of the closed notional.
        slippage: Expected loss to mark, fraction of the closed notional.

    Returns:
        Lots, not rounded; 0 for an account at or above maintenance, ``size`` when no reduction
        suffices. Exactly that size leaves the account at the margin, one lot more above it.
    """
    size = np.float64(size)
    notional = size * mark
    if equity > maintenance_margin(margin, np.int64(notional)):
        return 0.0
    cost = fee + slippage
    least = 0.0
    most = notional
    for tier in range(margin["n_tiers"]):
        slope = np.float64(margin["rate"][tier]) / np.float64(RATE_ONE) - cost
        cover = equity - cost * notional + np.float64(margin["deduction"][tier])
        if slope > 0.0:
            most = min(most, cover / slope)
        elif slope < 0.0:
            least = max(least, cover / slope)
        elif cover < 0.0:
            return size
    if most <= 0.0 or least > most:
        return size
    return size - most / mark


@kernel
def base_to_cover_shortage(shortage, rate, liquidator_fee, fund_fee, oracle, quote_oracle):
    """Base that a liquidator takes over so that its margin covers the shortage: Drift.

    ``shortage / (P*Q*(mr - fee) - P*fund_fee)``. Source: drift-labs/protocol-v2
    ``calculate_base_asset_amount_to_cover_margin_shortage``, 2026-04.

    Args:
        shortage: Maintenance margin less equity, quote.
        rate: Margin ratio of the position.
        liquidator_fee: Discount of the liquidator, fraction of value.
        fund_fee: Fee of the insurance fund, fraction of value.
        oracle: Price ``P`` of the base.
        quote_oracle: Price ``Q`` of the quote.

    Returns:
        Base; infinite when the fees eat what closing frees.
    """
    freed = oracle * quote_oracle * (rate - liquidator_fee) - oracle * fund_fee
    return shortage / freed if freed > 0.0 else math.inf


@kernel
def max_share_to_liquidate(shortage, elapsed, initial, duration, freed, small):
    """Largest share of the present shortage that may be closed now; it ramps up: Drift.

    ``(min(1, elapsed/duration + initial) * (shortage + freed) - freed) / shortage``. Source:
    drift-labs/protocol-v2 ``calculate_max_pct_to_liquidate``, 2026-04.

    Args:
        shortage: Maintenance margin less equity, quote.
        elapsed: Time since the liquidation began.
        initial: Share that is free at once, 0 to 1.
        duration: Time in which all becomes free, same unit.
        freed: Margin that earlier closes have freed.
        small: Shortage below which everything may be closed (50 USD on Drift).

    Returns:
        Share, 0 to 1.
    """
    if shortage <= 0.0 or shortage < small:
        return 1.0
    ramp = elapsed / duration if duration > 0.0 else 1.0
    allowed = (shortage + freed) * min(1.0, ramp + initial)
    return max(0.0, allowed - freed) / shortage
