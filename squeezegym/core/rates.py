"""Formulas of funding: premium, rate forms, and the payment of an inverse contract."""

import numpy as np

from squeezegym._jit import kernel
from squeezegym.codes import FundingRule
from squeezegym.core.arithmetic import mul_div
from squeezegym.measures import FUNDING_CHANGED

_OKX = np.int64(FundingRule.OKX)
_DERIBIT = np.int64(FundingRule.DERIBIT)
_DYDX = np.int64(FundingRule.DYDX)


@kernel
def premium_index(impact_bid, impact_ask, index):
    """Premium of the contract over its index: ``(max(0, B - I) - max(0, I - A)) / I``.

    Source: Binance FAQ "Funding rates"; the same at BitMEX, Bybit, Hyperliquid and dYdX. With
    the mark for both impact prices it is Deribit's premium ``(mark - I) / I``.

    Args:
        impact_bid: Average price at which the impact notional is sold, ticks; 0 when the bids
            cannot take it.
        impact_ask: Average price at which it is bought, ticks; infinite when the asks cannot.
        index: Index price, ticks.

    Returns:
        The premium, relative.
    """
    return (max(0.0, impact_bid - index) - max(0.0, index - impact_ask)) / index


@kernel(inline=True)
def capped(rate, cap):
    """Hold a rate within ``-cap`` and ``cap``."""
    return min(max(rate, -cap), cap)


@kernel
def eight_hour_rate(premium, interest, clamp):
    """Rate of eight hours: ``P + clamp(I - P, -c, c)``.

    Source: Binance FAQ "Funding rates" and Hyperliquid docs "Funding" (I 0.01 %, c 0.05 %): the
    rate is the interest while the premium lies within ``c`` of it.

    Args:
        premium: Average premium.
        interest: Interest of eight hours.
        clamp: Largest correction towards the interest.

    Returns:
        The rate of eight hours.
    """
    return premium + capped(interest - premium, clamp)


@kernel
def interval_rate(premium, interest, clamp, cap, share):
    """Rate of one interval: the eight-hour rate times ``share``, then the cap.

    Source: Binance notice of 2025-09-18, ``[P + clamp(I - P)] / (8 / N)`` for N hours, cap 0.75
    times the first maintenance rate; Hyperliquid docs "Funding", an eighth each hour, cap 4 %.

    Args:
        premium: Average premium.
        interest: Interest of eight hours.
        clamp: Largest correction towards the interest.
        cap: Largest rate of one interval.
        share: Interval over eight hours.

    Returns:
        The rate of one interval.
    """
    return capped(eight_hour_rate(premium, interest, clamp) * share, cap)


@kernel
def okx_rate(premium, interest, cap):
    """Rate of one interval at OKX: ``clamp(mean(P - I), -cap, cap)``.

    Source: OKX help 360053909272 (2021-24 text: interest 0, cap 0.375 % for BTC).

    Args:
        premium: Plain mean of the premium over the interval's minutes.
        interest: Interest of one interval.
        cap: Largest rate of one interval.

    Returns:
        The rate of one interval.
    """
    return capped(premium - interest, cap)


@kernel
def deribit_rate(premium, damper, cap):
    """Rate of eight hours at Deribit: ``max(d, p) + min(-d, p)``, capped.

    Source: Deribit support "Funding" (31424939178397), damper 0.025 %: a premium within the damper
    pays nothing, what lies beyond it is paid in full.

    Args:
        premium: Premium of the mark over the index.
        damper: Largest premium that pays nothing.
        cap: Largest rate of eight hours.

    Returns:
        The rate of eight hours.
    """
    return capped(max(damper, premium) + min(-damper, premium), cap)


@kernel
def accrued(notional, rate, share):
    """Funding of ``notional`` at a rate of eight hours over ``share`` of them."""
    return notional * rate * share


@kernel(inline=True)
def funding_of(market, params):
    """The funding rules in force: the market's own while the venue has changed the scenario's."""
    if market["protection"]["measures"] & FUNDING_CHANGED != 0:
        return market["terms"]["funding"]
    return params["funding"]


@kernel
def rate_of_mean(rules, mean):
    """Rate of one interval from the mean of its samples, by the scenario's rule.

    dYdX (v4 ``x/perpetuals``): mean premium plus default funding, capped at 600 % of initial
    minus maintenance rate, is paid pro rata of eight hours. Deribit's samples are rates already.

    Args:
        rules: ``params["funding"]``.
        mean: Weighted mean of the samples.

    Returns:
        The rate of one interval, not rounded.
    """
    rule = rules["rule"]
    if rule == _OKX:
        return okx_rate(mean, rules["interest"], rules["cap"])
    if rule == _DERIBIT:
        return accrued(1.0, mean, rules["share"])
    if rule == _DYDX:
        return accrued(1.0, capped(mean + rules["interest"], rules["cap"]), rules["share"])
    return interval_rate(mean, rules["interest"], rules["clamp"], rules["cap"], rules["share"])


@kernel
def funding_index_delta(rate, time, price, period):
    """Move of dYdX's funding index: ``rate * time * price / period``, towards zero.

    Source: dYdX v4-chain ``x/perpetuals/funding`` (multiplied before it is divided, truncated).

    Args:
        rate: Signed rate of one period, integer; with ``time`` below 2**63.
        time: Time passed, >= 0.
        price: Oracle price, >= 0, any unit.
        period: What the rate refers to, in the unit of ``time``, > 0.

    Returns:
        What a long unit owes more, in units of rate times price.
    """
    size = mul_div(abs(rate) * time, price, period)
    return size if rate > 0 else -size


@kernel
def interest_rate(quote_daily, base_daily, intervals):
    """Interest of one interval: quote minus base lending rate, over the intervals of a day.

    Source: BitMEX "Perpetual contracts guide".
    """
    return (quote_daily - base_daily) / intervals


@kernel
def inverse_value(contracts, price):
    """Coins that inverse contracts of one quote unit are worth. Source: BitMEX, as above."""
    return contracts / price


@kernel
def inverse_profit(contracts, entry, exit_):
    """Coins that a long of inverse contracts gains between two prices: ``n (1/E - 1/X)``."""
    return inverse_value(contracts, entry) - inverse_value(contracts, exit_)
