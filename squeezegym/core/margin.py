"""Initial and maintenance margin, and the prices that follow from them, decided in integers."""

import math

import numpy as np

from squeezegym._jit import kernel
from squeezegym.codes import RATE_ONE
from squeezegym.core.accounts import equity
from squeezegym.core.arithmetic import mul_div, mul_div_up
from squeezegym.measures import LEVERAGE_CAPPED, MARGIN_HIKED, OPEN_INTEREST_MARGIN

UNREACHABLE = np.int64(2**31 - 1)  # trigger of a short that no price reaches
_PPM_ONE = np.int64(1_000_000)
_PPM = np.int64(100)  # units of 1e-8
_CHANGED = LEVERAGE_CAPPED | MARGIN_HIKED


@kernel(inline=True)
def margin_of(market, params):
    """The margin table in force: the market's own while a rule has changed the scenario's."""
    if market["protection"]["measures"] & _CHANGED != 0:
        return market["terms"]["margin"]
    return params["margin"]


@kernel
def tier_of(margin, notional):
    """Tier that a notional falls into: the last one whose floor it has reached, from 0.

    Args:
        margin: The margin table (``params["margin"]``).
        notional: Position value at mark, quanta, >= 0.
    """
    tier = margin["n_tiers"] - 1
    while tier > 0 and notional < margin["floor"][tier]:
        tier -= 1
    return tier


@kernel
def initial_margin(margin, notional, asked):
    """Initial margin of a position, quanta, rounded up.

    ``IM(N) = N * max(rate(tier of N), asked)`` with ``rate = 1 / maximum leverage``. Source:
    Binance USD-M "Leverage and margin of USD-M futures", 2024-10.

    Args:
        margin: The margin table (``params["margin"]``).
        notional: Position value at mark, quanta, >= 0.
        asked: Initial margin rate that the account's own leverage asks for, 1e-8; 0: the tier's.
    """
    rate = max(margin["initial"][tier_of(margin, notional)], np.int64(asked))
    return mul_div_up(notional, rate, RATE_ONE)


@kernel
def oi_scaled_initial_margin(base, interest, lower, upper):
    """Initial margin rate that grows with a market's open interest, ppm, rounded down.

    ``min(1, base + (interest - lower) / (upper - lower) * (1 - base))``, the base below the lower
    cap; maintenance margin stays as it is. Source: dYdX v4 liquidity tiers, 2026-03.

    Args:
        base: Rate of the tier, ppm, 0 to 1,000,000.
        interest: Open interest, any one unit of value, >= 0.
        lower: Open interest from which the rate grows, same unit.
        upper: Open interest at which it reaches 1; both 0: it never grows.
    """
    if interest <= lower or upper == 0:
        return np.int64(base)
    if interest >= upper:
        return _PPM_ONE
    return base + mul_div(interest - lower, _PPM_ONE - base, upper - lower)


@kernel
def oi_scaled_need(market, params, notional, asked):
    """Initial margin of a position at the market's open interest, quanta, rounded up.

    Args:
        market: The market record.
        params: Its parameters.
        notional: Position value at mark, quanta, >= 0.
        asked: Initial margin rate that the account's own leverage asks for, 1e-8.
    """
    margin = margin_of(market, params)
    base = max(margin["initial"][tier_of(margin, notional)], asked) // _PPM
    interest = market["score"]["open_interest"]
    lower = params["protection"]["lower_interest"]
    upper = np.int64(market["protection"]["value"][OPEN_INTEREST_MARGIN])
    rate = oi_scaled_initial_margin(base, interest, lower, upper)
    return mul_div_up(notional, rate, _PPM_ONE)


@kernel
def maintenance_margin(margin, notional):
    """Maintenance margin of a position, quanta, rounded up.

    ``MM(N) = N * rate(tier of N) - deduction(tier of N)``, continuous across tiers. Source:
    Binance USD-M "Leverage and margin of USD-M futures" (maintenance amount), 2024-10.

    Args:
        margin: The margin table (``params["margin"]``).
        notional: Position value at mark, quanta, >= 0.
    """
    tier = tier_of(margin, notional)
    return mul_div_up(notional, margin["rate"][tier], RATE_ONE) - margin["deduction"][tier]


@kernel
def is_liquidatable(account, margin, mark):
    """Whether equity has fallen to the maintenance margin: the trigger of every venue."""
    if account["perp"] == 0:
        return False
    notional = abs(account["perp"]) * mark
    return equity(account, mark) <= maintenance_margin(margin, notional)


@kernel
def liquidation_price(quote, perp, margin):
    """Price at which equity equals the maintenance margin, in the tier that it falls into.

    In one tier ``LP = (quote + deduction) / (rate * |perp| - perp)``, which is the venue's
    ``(WB + cum - side*q*E) / (q*mmr - side*q)``. The margin is the largest of its tiers' lines, so
    a short meets it at the lowest of their prices and a long at the highest, without a search
    for the tier. Positions elsewhere in the account belong to ``quote``: their unrealised profit
    less their maintenance margin. Source: Binance FAQ "Liquidation price", 2024-10.

    Args:
        quote: Cash balance, quanta.
        perp: Signed position, lots.
        margin: The margin table (``params["margin"]``).

    Returns:
        Ticks, not rounded; 0 without a position. At or below 0 no price liquidates a long, and
        every price a short.
    """
    best = 0.0
    if perp == 0:
        return best
    size = np.float64(abs(perp))
    for tier in range(margin["n_tiers"]):
        rate = np.float64(margin["rate"][tier]) / np.float64(RATE_ONE)
        cover = np.float64(quote) + np.float64(margin["deduction"][tier])
        price = cover / (size * rate - np.float64(perp))
        if tier == 0 or (price < best if perp < 0 else price > best):
            best = price
    return best


@kernel
def liquidation_trigger(account, margin):
    """First mark, in ticks, at which an account is liquidated.

    The lowest such mark of a short, the highest of a long: the exact integer boundary of
    :func:`is_liquidatable`, whatever tier it falls into.

    Returns:
        Ticks; 0 for a long and UNREACHABLE for a short that no mark liquidates.
    """
    perp = account["perp"]
    if perp == 0:
        return np.int64(0)
    guess = liquidation_price(account["quote"], perp, margin)
    guess = min(max(guess, 1.0), np.float64(UNREACHABLE - 1))
    mark = np.int64(math.ceil(guess) if perp < 0 else math.floor(guess))
    if perp < 0:
        return _boundary(account, margin, mark, np.int64(1))
    return _boundary(account, margin, mark, np.int64(-1))


@kernel
def _boundary(account, margin, guess, away):
    """First liquidatable mark going in direction ``away`` from safety, by bracketing."""
    lowest = np.int64(1)
    highest = UNREACHABLE - 1
    safest = lowest if away > 0 else highest
    extreme = highest if away > 0 else lowest
    starts_safe = not is_liquidatable(account, margin, guess)
    step = away if starts_safe else -away
    mark = guess
    previous = guess
    while is_liquidatable(account, margin, mark) != starts_safe:
        if mark == (extreme if starts_safe else safest):
            return mark if not starts_safe else (UNREACHABLE if away > 0 else np.int64(0))
        previous = mark
        mark = min(max(mark + step, lowest), highest)
        step *= 2
    hit = mark if starts_safe else previous
    safe = previous if starts_safe else mark
    while abs(hit - safe) > 1:
        middle = (hit + safe) // 2
        if is_liquidatable(account, margin, middle):
            hit = middle
        else:
            safe = middle
    return hit


@kernel
def bankruptcy_price(account):
    """Price at which closing the whole position leaves no equity, rounded to solvency, ticks.

    ``quote + perp * price = 0``; rounded down for a short and up for a long, so that a fill
    there or better never leaves a debt.
    """
    quote = account["quote"]
    perp = account["perp"]
    if perp < 0:
        return max(np.int64(0), quote // (-perp))
    return max(np.int64(0), -(quote // perp))
