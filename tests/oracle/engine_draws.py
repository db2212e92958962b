"""Random cases for the liquidation engine: rules, accounts, a path of the mark, resting orders.

Round numbers of milliseconds and few different ones, so that times tie.
"""

from dataclasses import dataclass, replace
from random import Random

from tests.oracle.naive_accounts import FIRST_HOLDER, LEARNER, SELL
from tests.oracle.naive_engine import Rules
from tests.oracle.naive_ledger import BUY, RATE_ONE
from tests.oracle.naive_margin import Bracket

PRICE = 10_000  # opening mark, ticks
MS = 1_000_000
BP = RATE_ONE // 10_000
FEW_ORDERS = 400  # that rest at once, of the 1,024 that a small book holds
STEPS = 40
CROWD = 55

TABLES = (
    (Bracket(0, 50 * BP, 0),),
    (Bracket(0, 40 * BP, 0), Bracket(500_000, 100 * BP, 3_000), Bracket(10**6, 500 * BP, 43_000)),
)
CHOICES = {
    "latency": (0, MS, 5 * MS),
    "interval": (0, 2 * MS, 20 * MS),
    "cooldown": (MS, 10 * MS, 60 * MS),
    "fund": (0, 50, 5_000, 100_000, 3_000_000),
    "vault": (0, 10_000, 5_000_000),
    "support": (0, 100 * BP, 1_000 * BP),
    "share": (500 * BP, 2_000 * BP, 3_330 * BP, RATE_ONE),
    "threshold": (0, 300_000, 2_000_000),
    "backstop": (0, 66_666_667, RATE_ONE),
    "block_notional": (5_000, 500_000, 10**8),
    "block_loss": (0, 100, 10_000, 10**8),
    "spread": (0.1, 1.5, 10.0),
    "adjustment": (0.5, 1.0, 3.0),
    "ramp_start": (0.0, 0.1, 1.0),
    "ramp_time": (5 * MS, 100 * MS),
    "ramp_small": (0, 1_000, 50_000),
    "buffer": (0, 50 * BP, 200 * BP),
    "ramp_fee": (0, 10 * BP, 100 * BP),
    "unit": (1, 10_000),
    "fund_cap": (0, 0, RATE_ONE, 50 * RATE_ONE),
}
SWITCHES = ((0, 0), (0, 0), (3_000 * BP, 9_000 * BP), (100 * BP, 9_950 * BP))


@dataclass(frozen=True, slots=True)
class Case:
    """What is given from outside; the same for kernel and oracle.

    ``steps`` are (ms since the last, mark, [(side, price, lots), ...], whether the book is
    emptied of them before); ``holders`` are (lots, entry, deposit) by slot, ``quote`` the order
    (side, price, lots) that the learner has far from any price, if any.
    """

    rules: Rules
    brackets: tuple
    fees: tuple  # maker, taker, liquidation
    holders: dict
    quote: tuple | None
    steps: tuple
    seed: int


def draw(seed, policy=None, remainder=None, ranking=None, **rules):
    """Draw a case; what is given in ``rules`` is not drawn."""
    random = Random(seed)
    chosen = {name: random.choice(values) for name, values in CHOICES.items()}
    chosen["drawdown"], chosen["recovery"] = random.choice(SWITCHES)
    codes = [
        random.randrange(n) if code is None else code
        for n, code in ((6, policy), (3, remainder), (4, ranking))
    ]
    made = Rules(policy=codes[0], remainder=codes[1], ranking=codes[2], **chosen)
    holders = _holders(random)
    return Case(
        rules=replace(made, **rules),
        brackets=random.choice(TABLES),
        fees=(random.choice((0, 2 * BP, 77)), 5 * BP, random.choice((0, 50 * BP, 125 * BP))),
        holders=holders,
        quote=(BUY, PRICE // 4, random.randint(1, 9)) if LEARNER in holders else None,
        steps=tuple(_path(random)),
        seed=seed,
    )


def _holders(random):
    n = random.choice((6, 24, CROWD))
    slots = list(range(FIRST_HOLDER, FIRST_HOLDER + n))
    if random.random() < 0.3:
        slots.append(LEARNER)
    tilt = random.choice((0.15, 0.5, 0.85))
    return {slot: _holder(random, small=n == CROWD, short=random.random() < tilt) for slot in slots}


def _holder(random, small, short):
    """Big ones among small ones: it takes many counterparties to deleverage one of them."""
    lots = random.randint(1, 12) if small and random.random() < 0.85 else random.randint(1, 400)
    entry = round(PRICE * random.uniform(0.97, 1.03))
    against = entry - PRICE if not short else PRICE - entry
    margin = PRICE / random.choice((8, 15, 25, 40, 60))
    deposit = round(lots * (max(0, against) + margin * random.uniform(0.8, 1.3)))
    return (-lots if short else lots), entry, deposit


def _path(random):
    mark, drift = PRICE, random.choice((-0.002, 0.0, 0.002))
    depth = random.choice((0, 2, 6))
    for _ in range(STEPS):
        jump = random.random() < 0.15
        mark = round(mark * (1 + drift + random.gauss(0, 0.02 if jump else 0.003)))
        mark = min(max(mark, 7_000), 14_000)
        orders = [_order(random, mark, side) for side in (BUY, SELL) for _ in range(depth)]
        yield random.choice((0, 1, 2, 10, 40)), mark, tuple(orders), random.random() < 0.1


def _order(random, mark, side):
    distance = random.choice((3, 30, 300))
    away = random.randint(0, distance)
    return side, (mark - away if side == BUY else mark + away), random.randint(1, 60)
