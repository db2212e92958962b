"""Small cases for the naive liquidation engine."""

from tests.oracle.naive_accounts import FUND, MAKER, OUTSIDE, VAULT
from tests.oracle.naive_engine import NaiveEngine, Rules
from tests.oracle.naive_margin import Bracket
from tests.oracle.naive_policies import SMALL_STEPS

PERCENT = 10**6
ONE_BRACKET = (Bracket(0, PERCENT, 0),)
TWO_BRACKETS = (Bracket(0, PERCENT, 0), Bracket(1000, 10 * PERCENT, 90))
HOLDER, LONG, OTHER = 16, 17, 18


def build(holders, mark, fund=0, vault=0, brackets=ONE_BRACKET, fees=(0, 0), **rules):
    """Return an engine; ``holders``: {slot: (lots, entry, deposit)}, ``fees``: forced, maker."""
    engine = NaiveEngine(Rules(fund=fund, vault=vault, **rules), brackets, fees[0], fees[1])
    engine.open(FUND, fund)
    engine.open(VAULT, vault)
    for slot, (lots, entry, deposit) in holders.items():
        engine.open(slot, deposit - lots * entry, lots, abs(lots) * entry)
    quote, perp = engine.accounts.sums()
    engine.open(OUTSIDE, -quote, -perp)
    engine.set_mark(mark, 0)
    return engine


def rest(engine, side, *levels):
    for price, qty in levels:
        engine.place(MAKER, side, price, qty, len(engine.book.tape) + len(engine.book.live) + 1)


def serve(engine, events=1):
    for _ in range(events):
        engine.serve(engine.due())
        assert engine.accounts.sums() == (0, 0)


def state(engine, slot):
    account = engine.accounts[slot]
    return account.quote, account.perp


def liquidate(engine, slot=HOLDER):
    engine.take([slot])
    serve(engine)


# A short of 10 lots from 100 with 50 of margin: cash 1,050, bankrupt at 105.
SHORT = (-10, 100, 50)
STEPS = {"policy": SMALL_STEPS, "share": 50 * PERCENT}
