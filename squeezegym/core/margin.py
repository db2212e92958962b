"""Maintenance margin, and the prices that follow from it, decided in integers."""

import numpy as np

from squeezegym._jit import kernel
from squeezegym.codes import RATE_ONE
from squeezegym.core.accounts import equity
from squeezegym.core.arithmetic import mul_div_up

UNREACHABLE = np.int64(2**31 - 1)  # trigger of a short that no price reaches


@kernel
def maintenance_margin(margin, notional):
    """Maintenance margin of a position, quanta, rounded up.

    ``MM(N) = N * rate(tier of N) - deduction(tier of N)``, continuous across tiers. Source:
    Binance USD-M "Leverage and margin of USD-M futures" (maintenance amount), 2024-10.

    Args:
        margin: The margin table (``params["margin"]``).
        notional: Position value at mark, quanta, >= 0.
    """
    tier = margin["n_tiers"] - 1
    while tier > 0 and notional < margin["floor"][tier]:
        tier -= 1
    return mul_div_up(notional, margin["rate"][tier], RATE_ONE) - margin["deduction"][tier]


@kernel
def is_liquidatable(account, margin, mark):
    """Whether equity has fallen to the maintenance margin: the trigger of every venue."""
    if account["perp"] == 0:
        return False
    notional = abs(account["perp"]) * mark
    return equity(account, mark) <= maintenance_margin(margin, notional)


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
    size = abs(perp)
    # With one tier: quote + perp * M = rate * size * M - deduction. The slope is never 0.
    rate = np.float64(margin["rate"][0]) / np.float64(RATE_ONE)
    slope = np.float64(size) * rate - np.float64(perp)
    guess = np.float64(account["quote"] + margin["deduction"][0]) / slope
    mark = np.int64(min(max(guess, 1.0), np.float64(UNREACHABLE - 1)))
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
