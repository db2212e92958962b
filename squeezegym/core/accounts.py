"""Accounts and the ledger: every quantum and every coin moves from one account to another.

A fill of ``q`` lots at ``p`` ticks moves exactly ``q * p`` quanta from buyer to seller, on the
perp book as on the spot book; the perp position then carries the claim. So equity at mark is
``quote + perp * mark`` and the three sums over all accounts (quote, coins, perp positions)
never change. ``cost`` only derives the entry price and enters no sum.
"""

import numpy as np

from squeezegym._jit import kernel
from squeezegym.codes import (
    BUY,
    FIRST_HOLDER,
    FOLLOWER,
    IS_FORCED,
    KIND_HOLDER,
    KIND_LEARNER,
    KIND_POOL,
    KIND_POT,
    LEARNER,
    NEVER,
    NOISE,
    SELL,
    SNIPER,
    SPOT,
    ZERO,
)
from squeezegym.core.arithmetic import mul_div
from squeezegym.core.eventlog import log_coins, log_position, log_transfer
from squeezegym.core.fills import OFF_BOOK, PAYMENT, remember


@kernel(inline=True)
def transfer(market, payer, payee, quanta):
    """Move cash between two accounts."""
    market["accounts"][payer]["quote"] -= quanta
    market["accounts"][payee]["quote"] += quanta


@kernel
def pay(market, payer, payee, quanta):
    """Move cash that no fill explains: deposits, deficits, liquidation fees."""
    if quanta != 0:
        transfer(market, payer, payee, quanta)
        log_transfer(market, payer, payee, quanta, ZERO)


@kernel
def pay_by_force(market, payer, payee, quanta):
    """Move cash that a liquidation asks for; a cancellation of trades takes it back."""
    if quanta != 0:
        transfer(market, payer, payee, quanta)
        log_transfer(market, payer, payee, quanta, IS_FORCED)
        remember(market, PAYMENT, payer, payee, ZERO, quanta)


@kernel
def change_perp(market, slot, change, price):
    """Book a signed perp fill on one account: cash, position and cost of the position."""
    account = market["accounts"][slot]
    before = account["perp"]
    after = before + change
    market["score"]["open_interest"] += max(after, ZERO) - max(before, ZERO)
    account["perp"] = after
    account["quote"] -= change * price
    if account["kind"] >= KIND_LEARNER:  # a pool has no meaningful entry price
        book_cost(account, before, change, price)


@kernel
def book_cost(account, before, change, price):
    """Book a signed fill into the cost of an account's position of ``before`` lots."""
    after = before + change
    if before == 0 or (before > 0) == (change > 0):
        account["cost"] += abs(change) * price
    elif (after > 0) == (before > 0) and after != 0:
        account["cost"] = mul_div(account["cost"], abs(after), abs(before))
    else:
        account["cost"] = abs(after) * price


@kernel
def exchange_lots(market, venue, seller, buyer, price, qty):
    """Move ``qty`` lots from seller to buyer at ``price`` on one venue, cash against them."""
    if venue == SPOT:
        accounts = market["accounts"]
        for side in range(2):
            slot = buyer if side == BUY else seller
            if accounts[slot]["kind"] == KIND_LEARNER:
                before = accounts[slot]["spot"] - market["holders"][slot]["debt"]
                book_cost(accounts[slot], before, qty if side == BUY else -qty, price)
        accounts[seller]["spot"] -= qty
        accounts[buyer]["spot"] += qty
        transfer(market, buyer, seller, qty * price)
    else:
        change_perp(market, seller, -qty, price)
        change_perp(market, buyer, qty, price)


@kernel
def move_position(market, seller, buyer, price, qty):
    """Move a perp position outside the book: openings, absorption, deleveraging."""
    change_perp(market, seller, -qty, price)
    change_perp(market, buyer, qty, price)
    log_position(market, seller, buyer, price, qty)
    remember(market, OFF_BOOK, seller, buyer, price, qty)


@kernel
def move_coins(market, giver, taker, qty):
    """Move coins outside the book: loans, their return, a lender's supply."""
    if qty != 0:
        market["accounts"][giver]["spot"] -= qty
        market["accounts"][taker]["spot"] += qty
        log_coins(market, giver, taker, qty)


@kernel(inline=True)
def equity(account, mark):
    """Equity of a perp account at ``mark``, quanta; spot coins are no collateral."""
    return account["quote"] + account["perp"] * mark


@kernel
def open_accounts(market):
    """Empty every account and set the kinds."""
    accounts = market["accounts"]
    for slot in range(accounts.shape[0]):
        account = accounts[slot]
        holder = market["holders"][slot]
        holder["wallet"] = 0
        holder["debt"] = 0
        holder["alarm"] = 0
        holder["ready"] = 0
        holder["notice"] = NEVER
        holder["started"] = NEVER
        holder["chunk"] = 0
        holder["open_lots"][BUY] = 0
        holder["open_lots"][SELL] = 0
        holder["initial"] = 0
        account["quote"] = 0
        account["perp"] = 0
        account["spot"] = 0
        account["cost"] = 0
        account["fees"] = 0
        account["trigger"] = 0
        account["laddered"] = 0
        account["alarmed"] = 0
        account["habit"] = 0
        if slot == LEARNER or slot > accounts.shape[0] - market["learners"].shape[0]:
            account["kind"] = np.uint8(KIND_LEARNER)
        elif slot >= FIRST_HOLDER:
            account["kind"] = np.uint8(KIND_HOLDER)
        else:
            pool = (slot >= NOISE and slot < LEARNER) or slot == FOLLOWER or slot == SNIPER
            account["kind"] = np.uint8(KIND_POOL if pool else KIND_POT)
