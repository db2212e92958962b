"""Who is deleveraged and who bears a loss: ranking scores, the queue, fund and socialised loss.

Scores are float64 functions of scalars: the higher, the sooner the position is closed. Amounts of
one call share one unit (quanta in a market); ``side`` is +1 for a long and -1 for a short.
"""

import math

import numpy as np

from squeezegym._jit import kernel
from squeezegym.core.ranking import rank


@kernel
def binance_score(profit, notional, wallet):
    """Score of the Binance FAQ "Auto-Deleveraging", 2025 text.

    ``pp = uPnL / |N|``, ``lev = |N| / (WB + uPnL)``; ``pp * lev`` for winners and ``pp / lev`` for
    losers. Without equity the leverage is infinite.

    Args:
        profit: Unrealised profit of the position.
        notional: Its value at mark, of any sign; 0 scores 0.
        wallet: Wallet balance of the account.
    """
    value = np.float64(abs(notional))
    equity = np.float64(wallet + profit)
    if value == 0.0:
        return 0.0
    rate = profit / value
    if equity <= 0.0:
        return math.inf if rate > 0.0 else 0.0
    leverage = value / equity
    return rate * leverage if rate >= 0.0 else rate / leverage


@kernel
def binance_legacy_score(profit, wallet, margin_ratio, unit):
    """Score of the Binance FAQ before 2025: ``max(0, uPnL) / max(1, WB) * margin ratio``.

    Args:
        profit: Unrealised profit.
        wallet: Wallet balance.
        margin_ratio: Maintenance margin over equity.
        unit: One unit of quote (1 USDT), below which the wallet does not count.

    Returns:
        The score; 0 for a loser and for an account without equity.
    """
    if profit <= 0.0 or wallet + profit <= 0.0:
        return 0.0
    return profit / max(unit, wallet) * margin_ratio


@kernel
def bitmex_score(side, entry, mark, bankruptcy):
    """Score of BitMEX's "Auto-Deleveraging", 2025, for a linear contract.

    ``pp = (MV - EV) / |EV|``, ``lev = |MV| / (MV - BV)``; ``pp * lev`` for winners and ``pp / lev``
    for losers. The size cancels, so the values are prices. At or beyond bankruptcy the leverage is
    infinite.
    """
    if entry == 0.0:
        return 0.0
    rate = side * (mark - entry) / entry
    margin = side * (mark - bankruptcy)
    if margin <= 0.0:
        return math.inf if rate > 0.0 else 0.0
    leverage = mark / margin
    return rate * leverage if rate >= 0.0 else rate / leverage


@kernel
def hyperliquid_score(side, entry, mark, notional, equity):
    """Score of Hyperliquid's docs "Auto-deleveraging", 2025.

    ``mark / entry * notional / account value`` for longs. The docs state no other form for
    shorts; ``entry / mark``, which also rises with profit, is ours. Infinite without equity.
    """
    if notional == 0.0:
        return 0.0
    if equity <= 0.0:
        return math.inf
    gain = mark / entry if side > 0 else entry / mark
    return gain * notional / equity


@kernel
def adl_allocate(qty, score, wanted, order, closed):
    """Close positions against a liquidated one, best ranked first.

    Args:
        qty: Sizes of the opposing positions, lots, an array.
        score: Their scores.
        wanted: Lots to close.
        order: Filled with their indices, best ranked first.
        closed: Filled with the lots closed of each.

    Returns:
        Lots that nobody is left to close.
    """
    rank(score, order)
    for slot in order:
        taken = min(qty[slot], wanted)
        closed[slot] = taken
        wanted -= taken
    return wanted


@kernel
def light(ahead, total):
    """Indicator of a position in the queue: the fifth that it stands in, 1 (next) to 5.

    Source: BitMEX "Auto-Deleveraging" (cumulative share rounded up to 20 %), 2025.

    Args:
        ahead: Quantity ranked ahead of it, its own included, lots.
        total: Quantity of its side, lots.
    """
    if total <= 0:
        return np.int64(5)
    return np.int64(min(max(-(-5 * ahead // total), 1), 5))


@kernel
def insurance_fund_delta(side, qty, bankruptcy, fill, max_fee):
    """What a liquidation fill pays into the insurance fund, or takes from it if negative.

    ``side * (fill - BP) * q``, as a fee at most ``max_fee`` of the fill's value. Source:
    dydxprotocol/v4-chain ``GetLiquidationInsuranceFundDelta``, 2026-03.

    Args:
        side: Of the liquidated position.
        qty: Size closed.
        bankruptcy: Bankruptcy price.
        fill: Fill price.
        max_fee: Fraction of ``qty * fill``.
    """
    surplus = side * (fill - bankruptcy) * qty
    return min(surplus, max_fee * fill * qty)


@kernel
def socialised_loss(loss, long_base, short_base):
    """Loss that each unit of open position bears, on both sides alike: Drift.

    ``loss / (|long| + |short|)``, charged through cumulative funding; 0 where nobody holds a
    position. Source: drift-labs/protocol-v2
    ``calculate_funding_rate_deltas_to_resolve_bankruptcy``, 2026-04.
    """
    base = np.float64(abs(long_base) + abs(short_base))
    return loss / base if base > 0.0 else 0.0
