"""One service of each policy: orders, settlement, and whether the account pauses.

Each is a generator that yields between the events of a remainder and returns whether the
account waits for another service.
"""

from fractions import Fraction

from tests.oracle.naive_ledger import RATE_ONE
from tests.oracle.naive_margin import (
    HAIR,
    affordable,
    bankruptcy_price,
    beyond,
    bracket_of,
    ceil_div,
    maintenance,
    nearer,
    round_down,
    round_up,
    unrounded_margin,
)
from tests.oracle.naive_remainder import remainder, takeover

(
    IOC_AT_BANKRUPTCY,
    TIER_REDUCTION,
    PARTIAL_20_COOLDOWN,
    SMALL_STEPS,
    BLOCK_LIMITED,
    RAMP,
) = range(6)
DONE, PAUSE = False, True
TO_SPARE = 2  # quanta


def service(engine, slot):
    """Return the generator of one service of an account."""
    policies = (
        ioc_at_bankruptcy,
        tier_reduction,
        partial_20_cooldown,
        small_steps,
        block_limited,
        ramp,
    )
    return policies[engine.rules.policy](engine, slot)


def ioc_at_bankruptcy(engine, slot):
    account = engine.accounts[slot]
    cash = account.quote
    price = bankruptcy_price(account)
    engine.order(slot, account.lots, price)
    if account.perp != 0:
        price = bankruptcy_price(account)
        purse = engine.purse(slot)
        slack = engine.slack(price)
        if purse > 0 and slack > 0:
            engine.reached["fund aggresses"] += 1
            limit = nearer(account, affordable(account, purse), beyond(account, price, slack))
            engine.order(slot, account.lots, limit)
    traded = abs(account.quote - cash)
    if account.perp != 0:
        yield from remainder(engine, slot, price, traded)
    else:
        engine.settle(slot, price, traded)
    return DONE


def tier_reduction(engine, slot):
    account = engine.accounts[slot]
    lots = _least_reduction(engine, account)
    if lots is not None:
        engine.reached["tier is reduced"] += 1
        cash = account.quote
        price = bankruptcy_price(account)
        engine.order(slot, lots, price)
        engine.settle(slot, price, abs(account.quote - cash))
        if not engine.is_due(slot):
            return DONE
        engine.reached["reduction was not enough"] += 1
    return (yield from ioc_at_bankruptcy(engine, slot))


def _least_reduction(engine, account):
    """Lots whose closing at mark, fee included, leaves two quanta more than the margin.

    Fee and margin are real numbers here; their roundings are what the two quanta are for.
    """
    mark, brackets = engine.mark, engine.brackets
    if bracket_of(brackets, account.notional(mark)) == brackets[0]:
        return None
    for lots in range(1, account.lots):
        closed = lots + HAIR
        fee = closed * mark * Fraction(engine.liquidation_fee, RATE_ONE)
        margin = unrounded_margin(brackets, (account.lots - closed) * mark)
        if account.equity(mark) - fee >= margin + TO_SPARE:
            return lots
    return None


def partial_20_cooldown(engine, slot):
    account, rules, mark = engine.accounts[slot], engine.rules, engine.mark
    margin = maintenance(engine.brackets, account.notional(mark))
    if account.equity(mark) < margin * Fraction(rules.backstop, RATE_ONE):
        if not takeover(engine, slot):
            yield from remainder(engine, slot, bankruptcy_price(account), 0)
        return DONE
    lots = account.lots
    if account.notional(mark) > rules.threshold and engine.first_service:
        engine.reached["a share first"] += 1
        lots = round_up(lots * Fraction(rules.share, RATE_ONE))
    return _market_order(engine, slot, lots)


def small_steps(engine, slot):
    account = engine.accounts[slot]
    if engine.first_service:
        account.chunk = ceil_div(engine.rules.share * account.lots, RATE_ONE)
    if account.equity(engine.mark) <= 0:
        yield from remainder(engine, slot, bankruptcy_price(account), 0)
        return DONE
    return _market_order(engine, slot, min(account.chunk, account.lots))


def _market_order(engine, slot, lots):
    """As far from the mark as the money and the support reach, then the settlement."""
    account, mark = engine.accounts[slot], engine.mark
    cash = account.quote
    price = bankruptcy_price(account)
    reach = affordable(account, engine.purse(slot))
    engine.order(slot, lots, nearer(account, reach, beyond(account, mark, engine.slack(mark))))
    engine.settle(slot, price, abs(account.quote - cash))
    return engine.is_due(slot)


def block_limited(engine, slot):
    account, rules, mark = engine.accounts[slot], engine.rules, engine.mark
    if engine.block_start is None or engine.now - engine.block_start >= rules.cooldown:
        engine.block_start, engine.block_paid = engine.now, 0
    cash = account.quote
    price = bankruptcy_price(account)
    wanted = max(ceil_div(rules.share * account.lots, RATE_ONE), ceil_div(rules.threshold, mark))
    lots = min(wanted, max(1, rules.block_notional // mark), account.lots)
    allowance = max(0, min(engine.purse(slot), rules.block_loss - engine.block_paid))
    limit = nearer(account, _fillable(engine, account), beyond(account, price, allowance // lots))
    engine.reached["block spends"] += engine.block_paid > 0
    engine.order(slot, lots, limit)
    engine.settle(slot, price, abs(account.quote - cash))
    if account.perp != 0 and account.equity(mark) < 0:
        yield from remainder(engine, slot, bankruptcy_price(account), 0)
        return DONE
    return engine.is_due(slot)


def _fillable(engine, account):
    """Fillable price of dYdX as a limit, ticks."""
    rules, mark = engine.rules, engine.mark
    notional = account.notional(mark)
    margin = maintenance(engine.brackets, notional)
    rating = Fraction(rules.adjustment) * (1 - Fraction(account.equity(mark), margin))
    rating = min(Fraction(1), max(Fraction(0), rating))
    distance = rating * Fraction(rules.spread) * Fraction(margin, notional)
    if account.is_short:
        return round_down(mark * (1 + distance))
    return round_up(mark * (1 - distance))


def ramp(engine, slot):
    account, rules, mark = engine.accounts[slot], engine.rules, engine.mark
    if account.equity(mark) <= 0:
        yield from remainder(engine, slot, bankruptcy_price(account), 0)
        return DONE
    cash = account.quote
    price = bankruptcy_price(account)
    shortage = _shortage(engine, account)
    lots = round_up(_covering(engine, account, shortage) * _share(engine, account, shortage))
    fee = Fraction(rules.ramp_fee, RATE_ONE)
    if account.is_short:
        limit = round_down(mark * (1 + fee))
    else:
        limit = round_up(mark * (1 - fee))
    limit = nearer(account, limit, affordable(account, engine.purse(slot)))
    engine.order(slot, min(max(1, lots), account.lots), limit)
    engine.settle(slot, price, abs(account.quote - cash))
    left = _shortage(engine, account) if account.perp != 0 else 0
    account.freed += max(0, shortage - left)
    return engine.is_due(slot)


def _shortage(engine, account):
    """Quanta that margin and buffer ask for beyond equity."""
    notional = account.notional(engine.mark)
    buffer = ceil_div(notional * engine.rules.buffer, RATE_ONE)
    return maintenance(engine.brackets, notional) + buffer - account.equity(engine.mark)


def _covering(engine, account, shortage):
    """Lots whose closing at mark covers the shortage, a real number."""
    rules = engine.rules
    rate = bracket_of(engine.brackets, account.notional(engine.mark)).rate
    gain = rate + rules.buffer - rules.ramp_fee - engine.liquidation_fee
    if gain <= 0:
        engine.reached["no size covers"] += 1
        return account.lots
    return Fraction(shortage * RATE_ONE, engine.mark * gain)


def _share(engine, account, shortage):
    """Share of it that time allows, as Drift's ramp does."""
    rules = engine.rules
    if shortage < rules.ramp_small or shortage == 0:
        return 1
    engine.reached["time limits"] += 1
    elapsed = Fraction(engine.now - account.started, rules.ramp_time)
    grown = min(Fraction(1), elapsed + Fraction(rules.ramp_start))
    return min(1, max(0, (shortage + account.freed) * grown - account.freed) / shortage)
