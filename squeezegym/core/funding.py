"""Funding: premium samples, the predicted rate, and the payment at its timestamp.

Every account with a perp position when the timestamp comes pays or receives, whoever it is; what
closed before pays nothing. The payer's amount is rounded up and the receiver's down, both against
the venue, which keeps the residue.
"""

import math

import numpy as np

from squeezegym._jit import kernel
from squeezegym.codes import (
    BUY,
    FIRST_HOLDER,
    KIND_LEARNER,
    NO_ASK,
    NO_BID,
    PERP,
    RATE_ONE,
    SELL,
    VENUE,
    ZERO,
    FundingRule,
    Source,
)
from squeezegym.core.accounts import pay
from squeezegym.core.arithmetic import mul_div, mul_div_up
from squeezegym.core.levels import in_window, next_level
from squeezegym.core.rates import (
    deribit_rate,
    funding_index_delta,
    funding_of,
    premium_index,
    rate_of_mean,
)
from squeezegym.core.seats import is_learner, seat_of, tell
from squeezegym.core.triggers import LONGS, SHORTS, delist, enlist

_SAMPLE = np.int64(Source.FUNDING_SAMPLE)
_FUNDING = np.int64(Source.FUNDING)
_DERIBIT = np.int64(FundingRule.DERIBIT)
_HYPERLIQUID = np.int64(FundingRule.HYPERLIQUID)
_DYDX = np.int64(FundingRule.DYDX)
_OFF = np.int64(FundingRule.OFF)
_EIGHT_HOURS = np.int64(28_800_000)  # ms
_ACCOUNTS_AN_EVENT = np.int64(32)  # while the log is on: a row each


@kernel
def impact_price(book, side, notional):
    """Average fill price of an order of ``notional`` against one side of a book.

    Orders beyond the book's window are out of reach. A side that cannot take the notional has
    the worst price there is, so that it adds nothing to the premium (dYdX v4 ``x/clob``).

    Args:
        book: The book record.
        side: BUY for the bids (impact bid price), SELL for the asks.
        notional: Impact notional, quanta.

    Returns:
        The price, ticks; 0 or infinite when the side is too thin.
    """
    mask = np.int64(book["levels"].shape[0] - 1)
    left = np.float64(notional)
    lots = 0.0
    price = book["best_bid"] if side == BUY else book["best_ask"]
    while price != NO_BID and price != NO_ASK and in_window(book, price):
        qty = np.float64(book["levels"][price & mask]["qty"])
        value = qty * np.float64(price)
        if value >= left:
            return np.float64(notional) / (lots + left / np.float64(price))
        left -= value
        lots += qty
        price = next_level(book, side, price)
    return 0.0 if side == BUY else math.inf


@kernel
def rate_units(rate):
    """Round a rate to units of 1e-8, halves away from zero."""
    size = np.int64(math.floor(abs(rate) * 1e8 + 0.5))
    return size if rate > 0.0 else -size


@kernel
def add_sample(funding, sample, linear):
    """Add a sample to the mean of the interval, and return the mean.

    Args:
        funding: The funding record.
        sample: The k-th sample since the last payment.
        linear: 1: it has weight k (Binance, Bybit); 0: all weigh the same.

    Returns:
        The weighted mean of the samples since the last payment.
    """
    funding["n_samples"] += 1
    weight = np.float64(funding["n_samples"]) if linear != 0 else 1.0
    funding["total"] += weight * sample
    funding["mass"] += weight
    return funding["total"] / funding["mass"]


@kernel
def sample_premium(market, params):
    """Sample the premium, predict the rate of the interval from the mean and time the next."""
    rules = funding_of(market, params)
    funding = market["funding"]
    index = np.float64(market["marks"]["index"])
    if rules["rule"] == _DERIBIT:
        bid = np.float64(market["marks"]["mark"])
        ask = bid
    else:
        bid = impact_price(market["books"][PERP], BUY, rules["impact"])
        ask = impact_price(market["books"][PERP], SELL, rules["impact"])
    premium = premium_index(bid, ask, index)
    sample = premium
    if rules["rule"] == _DERIBIT:
        sample = deribit_rate(premium, rules["clamp"], rules["cap"])
    funding["premium"] = premium
    funding["predicted"] = rate_of_mean(rules, add_sample(funding, sample, rules["linear"]))
    funding["rate"] = rate_units(funding["predicted"])
    market["clock"]["due"][_SAMPLE] = market["clock"]["now"] + rules["sample"]


@kernel
def pay_funding(market, params):
    """Pay the funding of the interval, a few accounts an event while the log is on.

    Returns:
        Whether every account has been paid; otherwise the rest is due at once.
    """
    funding = market["funding"]
    rules = funding_of(market, params)
    if funding["cursor"] == 0:
        _settle_rate(market, rules)
    n = np.int64(market["accounts"].shape[0])
    first = funding["cursor"]
    end = n
    if funding["owed"] == 0:
        first = n
    elif market["log_on"] != 0:
        end = min(first + _ACCOUNTS_AN_EVENT, n)
    for slot in range(first, end):
        _pay_account(market, params, np.int64(slot), funding["owed"])
    funding["cursor"] = end % n
    if end < n:
        return False
    funding["n_paid"] += 1
    market["clock"]["due"][_FUNDING] = market["clock"]["now"] + rules["interval"]
    return True


@kernel
def _settle_rate(market, rules):
    """Fix what a long lot owes at the timestamp, and begin the mean of the next interval.

    Hyperliquid and dYdX pay at the oracle price, the others at the mark. Where funding accrues
    continuously (Deribit) what the rounding of the rate leaves unpaid is carried on.
    """
    funding = market["funding"]
    rule = rules["rule"]
    exact = funding["predicted"] + funding["carry"]
    rate = rate_units(exact)
    price = market["marks"]["mark"]
    if rule == _HYPERLIQUID or rule == _DYDX:
        price = market["marks"]["index"]
    funding["owed"] = rate * price
    if rule == _DYDX:
        funding["owed"] = funding_index_delta(
            rate_units(exact / rules["share"]), rules["term"], price, _EIGHT_HOURS
        )
    if rule == _DERIBIT:
        funding["carry"] = exact - np.float64(rate) / 1e8
    funding["settled"] = rate
    funding["n_samples"] = 0
    funding["total"] = 0.0
    funding["mass"] = 0.0


@kernel
def _pay_account(market, params, slot, owed):
    """Settle one account's funding with the venue, and ladder it at its new trigger."""
    account = market["accounts"][slot]
    perp = account["perp"]
    if perp == 0:
        return
    is_holder = slot >= FIRST_HOLDER and account["kind"] != KIND_LEARNER
    if is_holder:
        delist(market, slot, LONGS if perp > 0 else SHORTS)
    if (perp > 0) == (owed > 0):
        amount = mul_div_up(abs(perp), abs(owed), RATE_ONE)
        pay(market, slot, VENUE, amount)
        amount = -amount
    else:
        amount = mul_div(abs(perp), abs(owed), RATE_ONE)
        pay(market, VENUE, slot, amount)
    if is_holder and account["laddered"] == 0:
        enlist(market, params, slot)
    if is_learner(market, slot):
        tell(market, slot)
        market["learners"][seat_of(market, slot)]["funding"] += amount


@kernel
def open_funding(market, params):
    """Predict the scenario's opening rate and time the first sample and the first payment."""
    rules = params["funding"]
    funding = market["funding"]
    due = market["clock"]["due"]
    now = market["clock"]["now"]
    funding["premium"] = 0.0
    funding["total"] = 0.0
    funding["mass"] = 0.0
    funding["n_samples"] = ZERO
    funding["predicted"] = rules["opening"]
    funding["carry"] = 0.0
    funding["rate"] = rate_units(rules["opening"])
    funding["settled"] = 0
    funding["owed"] = 0
    funding["cursor"] = 0
    funding["n_paid"] = 0
    if rules["rule"] == _OFF:
        return
    since = (now - rules["first"]) % rules["sample"]
    due[_SAMPLE] = now + rules["sample"] - since
    due[_FUNDING] = rules["first"]
