"""Margin, the prices that follow from it, and the ranking of positions, in exact numbers."""

from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor

from tests.oracle.naive_ledger import RATE_ONE

BINANCE, BITMEX, HYPERLIQUID, BINANCE_LEGACY = range(4)
HAIR = Fraction(1, 10**6)  # what a real-valued formula may miss an integer by


@dataclass(frozen=True, slots=True)
class Bracket:
    """From ``floor`` quanta of notional: margin rate, 1e-8, and what is deducted, quanta."""

    floor: int
    rate: int
    deduction: int


def ceil_div(a, b):
    return -(-a // b)


def round_up(real):
    """Lots, or the limit of a sell order, out of a real number."""
    return ceil(Fraction(real) - HAIR)


def round_down(real):
    """Limit of a buy order out of a real number."""
    return floor(Fraction(real) + HAIR)


def bracket_of(brackets, notional):
    return [bracket for bracket in brackets if notional >= bracket.floor][-1]


def maintenance(brackets, notional):
    bracket = bracket_of(brackets, notional)
    return ceil_div(notional * bracket.rate, RATE_ONE) - bracket.deduction


def is_due(brackets, account, mark):
    """Whether equity at mark has fallen to the maintenance margin."""
    if account.perp == 0:
        return False
    return account.equity(mark) <= maintenance(brackets, account.notional(mark))


def affordable(account, money=0):
    """Worst price at which the whole position can close with ``money`` on top of its cash."""
    if account.is_short:
        return (account.quote + money) // account.lots
    return ceil_div(-(account.quote + money), account.lots)


def bankruptcy_price(account):
    return max(0, affordable(account))


def nearer(account, *prices):
    """Return the strictest of some limits of the order that closes the position."""
    return min(prices) if account.is_short else max(prices)


def beyond(account, price, distance):
    """Return the price that is worse for the closing order by ``distance``."""
    return price + distance if account.is_short else price - distance


def adl_score(ranking, brackets, account, mark):
    """Rank of a position among those that may be deleveraged; the highest goes first."""
    notional = account.notional(mark)
    worth = max(1, account.equity(mark))
    profit = account.perp * mark - account.entry_value
    if ranking == BINANCE:
        return _weighted(Fraction(profit, notional), Fraction(notional, worth))
    if ranking == BITMEX:
        cushion = max(1, abs(notional - account.notional(bankruptcy_price(account))))
        return _weighted(Fraction(profit, account.cost), Fraction(notional, cushion))
    if ranking == HYPERLIQUID:
        gain = Fraction(notional, account.cost)  # mark over entry
        return (1 / gain if account.is_short else gain) * Fraction(notional, worth)
    wallet = account.quote + account.entry_value
    return Fraction(max(0, profit), max(1, wallet)) * Fraction(
        maintenance(brackets, notional), worth
    )


def _weighted(rate, leverage):
    return rate * leverage if rate >= 0 else rate / leverage
