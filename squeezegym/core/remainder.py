"""What neither book nor fund could close: deleveraging by rank or by size, socialised losses."""

import numpy as np

from squeezegym._jit import kernel
from squeezegym.codes import (
    ABSORBER,
    FIRST_HOLDER,
    FREE,
    FUND,
    IN_QUEUE,
    KIND_LEARNER,
    LEARNER,
    OUTSIDE,
    VAULT,
    ZERO,
    Ranking,
    Remainder,
)
from squeezegym.core.accounts import equity, move_position, pay_by_force
from squeezegym.core.arithmetic import mul_div
from squeezegym.core.deleveraging import (
    binance_legacy_score,
    binance_score,
    bitmex_score,
    hyperliquid_score,
    socialised_loss,
)
from squeezegym.core.exchange import withdraw_all
from squeezegym.core.fund import purse
from squeezegym.core.margin import bankruptcy_price, maintenance_margin, margin_of
from squeezegym.core.ranking import line_up, take_best
from squeezegym.core.seats import is_learner, seat_of, tell
from squeezegym.core.triggers import LONGS, RANKED, SHORTS, delist, enlist

_COUNTERPARTIES_AN_EVENT = 16
_PRO_RATA = np.int64(Remainder.PRO_RATA)
_SOCIALISED = np.int64(Remainder.SOCIALISED)
_BITMEX = np.int64(Ranking.BITMEX)
_HYPERLIQUID = np.int64(Ranking.HYPERLIQUID)
_LEGACY = np.int64(Ranking.BINANCE_LEGACY)


@kernel
def share_remainder(market, params, slot, price):
    """Close what is left of an account by the rule of the venue, a few counterparties at a time.

    Args:
        market: The market record; ``engine["cursor"]`` is 0 at the first call for an account.
        params: Its parameters.
        slot: The account.
        price: Price of the closing, ticks: its bankruptcy price.

    Returns:
        Whether nothing is left; otherwise it goes on in a further event at the same time.
    """
    rule = params["liquidation"]["remainder"]
    if rule == _SOCIALISED:
        finished = _socialise(market, params, slot)
    elif rule == _PRO_RATA:
        finished = _close_pro_rata(market, params, slot, price)
    else:
        finished = _close_by_rank(market, params, slot, price)
    if finished:
        market["engine"]["cursor"] = 0
        market["engine"]["ranked"] = 0
    return finished


@kernel
def _eligible(market, other, perp, price):
    """Whether an account can be deleveraged against a position of ``perp`` lots at ``price``."""
    account = market["accounts"][other]
    opposes = account["perp"] > 0 if perp < 0 else account["perp"] < 0
    free = account["kind"] >= KIND_LEARNER and account["laddered"] < IN_QUEUE
    return opposes and free and equity(account, price) >= 0


@kernel
def _close_against(market, params, slot, other, price, size):
    """Close ``size`` lots of an account against another one, and tell the learner."""
    account = market["accounts"][slot]
    if other != OUTSIDE:
        withdraw_all(market, params, other)  # as venues do with whom they deleverage
        delist(market, other, LONGS if account["perp"] < 0 else SHORTS)
    tell(market, other)
    tell(market, slot)
    if account["perp"] < 0:
        move_position(market, other, slot, price, size)
    else:
        move_position(market, slot, other, price, size)
    market["score"]["deleveraged"] += size
    if is_learner(market, other):
        market["learners"][seat_of(market, other)]["deleveraged"] += size
    elif other >= FIRST_HOLDER and market["accounts"][other]["laddered"] == FREE:
        enlist(market, params, other)


@kernel
def _close_by_rank(market, params, slot, price):
    account = market["accounts"][slot]
    engine = market["engine"]
    if engine["cursor"] == 0:  # nothing that ranks depend on changes before the last event
        engine["ranked"] = rank_side(market, params, account["perp"], price)
    for _ in range(_COUNTERPARTIES_AN_EVENT):
        other = _next_ranked(market, account["perp"], price)
        size = abs(account["perp"])
        if other != OUTSIDE:
            size = min(size, abs(market["accounts"][other]["perp"]))
        _close_against(market, params, slot, other, price, size)
        if account["perp"] == 0:
            return True
    return False


@kernel
def _next_ranked(market, perp, price):
    """Slot of the next account in the order of a deleveraging, or OUTSIDE."""
    engine = market["engine"]
    while engine["ranked"] > 0:
        ranked = take_best(market["ranks"], market["queue"][RANKED], engine["ranked"])
        engine["ranked"] -= 1
        engine["cursor"] += 1
        if _eligible(market, ranked, perp, price):  # a message in between may have closed it
            return ranked
    return OUTSIDE


@kernel
def rank_side(market, params, perp, price):
    """Score every individual account that can be deleveraged, and line them up by it.

    Args:
        market: The market record; writes ``market["ranks"]`` of these accounts, and their heap
            for ``take_best`` to the RANKED row of ``market["queue"]``.
        params: Its parameters.
        perp: Lots of the position to close: those opposing it are ranked.
        price: Price of the closing, ticks.

    Returns:
        How many they are.
    """
    mark = market["marks"]["mark"]
    ranks = market["ranks"]
    order = market["queue"][RANKED]
    size = ZERO
    for slot in range(LEARNER, ranks.shape[0]):
        if _eligible(market, np.int64(slot), perp, price):
            ranks[slot] = adl_score(market, params, market["accounts"][slot], mark)
            order[size] = slot
            size += 1
    line_up(ranks, order, size)
    return size


@kernel
def adl_score(market, params, account, mark):
    """Score of a position for auto-deleveraging, by the venue's formula; the highest goes first."""
    rule = params["liquidation"]["ranking"]
    perp = account["perp"]
    side = 1.0 if perp > 0 else -1.0
    price = np.float64(mark)
    notional = np.float64(abs(perp)) * price
    entry = np.float64(account["cost"]) / np.float64(abs(perp))
    profit = side * (notional - np.float64(account["cost"]))
    worth = np.float64(equity(account, mark))
    if rule == _BITMEX:
        return bitmex_score(side, entry, price, np.float64(bankruptcy_price(account)))
    if rule == _HYPERLIQUID:
        return hyperliquid_score(side, entry, price, notional, worth)
    if rule == _LEGACY:
        needed = np.float64(maintenance_margin(margin_of(market, params), abs(perp) * mark))
        unit = np.float64(params["liquidation"]["unit"])
        ratio = needed / worth if worth > 0.0 else 0.0
        return binance_legacy_score(profit, worth - profit, ratio, unit)
    return binance_score(profit, notional, worth - profit)


@kernel
def _close_pro_rata(market, params, slot, price):
    account = market["accounts"][slot]
    perp = account["perp"]
    accounts = market["accounts"]
    first = max(market["engine"]["cursor"], LEARNER)
    total = ZERO
    for other in range(first, accounts.shape[0]):
        if _eligible(market, np.int64(other), perp, price):
            total += abs(accounts[other]["perp"])
    left = min(abs(perp), total)
    served = ZERO
    for other in range(first, accounts.shape[0]):
        if total == 0 or not _eligible(market, np.int64(other), perp, price):
            continue
        if served == _COUNTERPARTIES_AN_EVENT:
            market["engine"]["cursor"] = other
            return False
        lots = abs(accounts[other]["perp"])
        size = mul_div(left, lots, total)
        total -= lots
        left -= size
        served += 1
        if size > 0:
            _close_against(market, params, slot, np.int64(other), price, size)
    if account["perp"] != 0:
        _close_against(market, params, slot, OUTSIDE, price, abs(account["perp"]))
    return True


@kernel
def _socialise(market, params, slot):
    """The vault takes the position at mark; the loss beyond the fund is charged to all by size."""
    account = market["accounts"][slot]
    accounts = market["accounts"]
    engine = market["engine"]
    if account["perp"] != 0:
        _hand_to_vault(market, params, slot)
    first = max(engine["cursor"], LEARNER)
    total = ZERO
    for other in range(first, accounts.shape[0]):
        total += _liable(market, np.int64(other), slot)
    loss = max(-account["quote"], ZERO)
    if loss > 0 and engine["cursor"] == 0 and total > 0:
        market["score"]["loss_per_lot"] += socialised_loss(np.float64(loss), np.float64(total), 0.0)
    served = ZERO
    for other in range(first, accounts.shape[0]):
        lots = _liable(market, np.int64(other), slot)
        if loss == 0 or lots == 0:
            continue
        if served == _COUNTERPARTIES_AN_EVENT:
            engine["cursor"] = other
            return False
        share = mul_div(loss, lots, total)
        total -= lots
        loss -= share
        served += 1
        _charge(market, params, np.int64(other), slot, share)
    if loss > 0:
        pay_by_force(market, ABSORBER, slot, loss)
    return True


@kernel
def _hand_to_vault(market, params, slot):
    account = market["accounts"][slot]
    mark = market["marks"]["mark"]
    money = purse(market, params, slot)
    market["score"]["taken_over"] += abs(account["perp"])
    if account["perp"] < 0:
        move_position(market, VAULT, slot, mark, -account["perp"])
    else:
        move_position(market, slot, VAULT, mark, account["perp"])
    from_fund = min(max(-account["quote"], ZERO), money)
    pay_by_force(market, FUND, slot, from_fund)
    market["score"]["deficit"] += from_fund
    market["engine"]["block_paid"] += from_fund
    tell(market, slot)


@kernel
def _liable(market, other, slot):
    """Lots by which an account shares a socialised loss."""
    account = market["accounts"][other]
    if other == slot or account["kind"] < KIND_LEARNER or account["laddered"] >= IN_QUEUE:
        return ZERO
    return abs(account["perp"])


@kernel
def _charge(market, params, other, slot, quanta):
    side = LONGS if market["accounts"][other]["perp"] > 0 else SHORTS
    delist(market, other, side)
    pay_by_force(market, other, slot, quanta)
    market["score"]["socialised"] += quanta
    if is_learner(market, other):
        tell(market, other)
    elif market["accounts"][other]["laddered"] == FREE:
        enlist(market, params, other)
