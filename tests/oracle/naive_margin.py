"""Margin, the prices that follow from it, and the ranking of positions, in exact numbers."""

from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor, inf

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


def unrounded_margin(brackets, notional):
    bracket = bracket_of(brackets, notional)
    return notional * Fraction(bracket.rate, RATE_ONE) - bracket.deduction


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


def adl_score(ranking, brackets, account, mark, unit=1):
    """Rank of a position among those that may be deleveraged; the highest goes first.

    ``unit`` is one unit of quote, quanta.
    """
    notional = account.notional(mark)
    worth = account.equity(mark)
    profit = account.perp * mark - account.entry_value
    if worth <= 0:
        return inf if profit > 0 else 0
    if ranking == BINANCE:
        return _weighted(Fraction(profit, notional), Fraction(notional, worth))
    if ranking == BITMEX:
        rate = Fraction(profit, account.cost)
        distance = abs(mark - bankruptcy_price(account))
        if distance == 0:
            return inf if profit > 0 else 0
        return _weighted(rate, Fraction(mark, distance))
    if ranking == HYPERLIQUID:
        gain = Fraction(notional, account.cost)  # mark over entry
        return (1 / gain if account.is_short else gain) * Fraction(notional, worth)
    margin = maintenance(brackets, notional)
    return Fraction(max(0, profit), max(unit, worth - profit)) * Fraction(margin, worth)


def _weighted(rate, leverage):
    return rate * leverage if rate >= 0 else rate / leverage
