"""Who takes what neither book nor fund could close.

Each rule is a generator: it yields where one event ends and the rest follows in another at
the same time.
"""

from tests.oracle.naive_accounts import ABSORBER, LADDER, OUTSIDE, VAULT

ADL, PRO_RATA, SOCIALISED = range(3)
COUNTERPARTIES_AN_EVENT = 16


def remainder(engine, slot, price, traded):
    """Close what is left of an account at ``price``, then settle it; ``traded`` by its orders."""
    rule = (_adl, _pro_rata, _socialised)[engine.rules.remainder]
    engine.reached[rule.__name__] += 1
    yield from rule(engine, slot, price)
    engine.settle(slot, price, traded)


def takeover(engine, slot):
    """Give position and cash to the vault; return whether it could take them."""
    vault, account, mark = engine.accounts[VAULT], engine.accounts[slot], engine.mark
    if vault.equity(mark) + account.equity(mark) < 0:
        engine.reached["vault refuses"] += 1
        return False
    engine.reached["vault takes"] += 1
    engine.accounts.hand_over(slot, VAULT, mark, account.lots)
    if account.quote < 0:
        engine.reached["vault pays a debt"] += 1
        engine.accounts.pay(VAULT, slot, -account.quote)
    else:
        engine.accounts.pay(slot, VAULT, account.quote)
    return True


def _opposing(engine, account, price):
    return [
        (slot, other)
        for slot, other in engine.accounts.individuals()
        if other.is_short != account.is_short and other.state <= LADDER and other.equity(price) >= 0
    ]


def _deleverage(engine, slot, other, price, lots):
    """Close lots against another account, whose open orders go as they do on venues."""
    engine.accounts.hand_over(slot, other, price, lots)
    engine.deleveraged += lots
    engine.cancel_orders(other)
    if other == OUTSIDE:
        engine.reached["outside takes"] += 1


def _adl(engine, slot, price):
    account = engine.accounts[slot]
    served = 0
    while account.perp != 0:
        if served == COUNTERPARTIES_AN_EVENT:
            yield
            served = 0
        candidates = _opposing(engine, account, price)
        if candidates:  # the first of equals is the lowest slot
            best, other = max(candidates, key=lambda item: engine.score_of(item[1]))
            _deleverage(engine, slot, best, price, min(account.lots, other.lots))
        else:
            _deleverage(engine, slot, OUTSIDE, price, account.lots)
        served += 1


def _pro_rata(engine, slot, price):
    account = engine.accounts[slot]
    others = _opposing(engine, account, price)
    rest = min(account.lots, sum(other.lots for _, other in others))
    for i, (other_slot, other) in enumerate(others):
        if rest == 0:
            break
        if i > 0 and i % COUNTERPARTIES_AN_EVENT == 0:
            yield
        share = rest * other.lots // sum(later.lots for _, later in others[i:])
        if share > 0:
            _deleverage(engine, slot, other_slot, price, share)
            rest -= share
    if account.perp != 0:
        _deleverage(engine, slot, OUTSIDE, price, account.lots)


def _socialised(engine, slot, price):
    """``price`` is of no account here: the position moves at mark."""
    account = engine.accounts[slot]
    purse = engine.purse(slot)
    engine.accounts.hand_over(slot, VAULT, engine.mark, account.lots)
    if account.quote >= 0:
        return
    engine.fund_pays(slot, min(-account.quote, purse))
    payers = [item for item in engine.accounts.individuals() if item[1].state <= LADDER]
    for i, (payer_slot, payer) in enumerate(payers):
        loss = -account.quote
        if loss == 0:
            break
        if i > 0 and i % COUNTERPARTIES_AN_EVENT == 0:
            yield
        share = loss * payer.lots // sum(later.lots for _, later in payers[i:])
        engine.reached["loss is shared"] += share > 0
        engine.accounts.pay(payer_slot, slot, share)
    if account.quote < 0:
        engine.reached["absorber pays"] += 1
        engine.accounts.pay(ABSORBER, slot, -account.quote)
