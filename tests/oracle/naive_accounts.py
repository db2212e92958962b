"""Accounts of the naive liquidation engine, and the one place where their money moves."""

from dataclasses import dataclass

from tests.oracle.naive_ledger import BUY, VENUE, ceil_rate

OUTSIDE, FUND, ABSORBER, MAKER, LEARNER, VAULT = 0, 3, 4, 6, 10, 11
FIRST_HOLDER = 16
SELL = 1

FREE, LADDER, FRESH, REMAINDER, COOLING = range(5)


def is_individual(slot):
    return slot == LEARNER or slot >= FIRST_HOLDER


@dataclass(slots=True)
class Account:
    """Cash in quanta, position in lots; ``cost`` is the value of the position at its entry.

    What stands below ``state`` is kept from the first service until the engine lets it go.
    """

    quote: int = 0
    perp: int = 0
    cost: int = 0
    state: int = FREE
    started: int | None = None  # time of the first service
    chunk: int = 0  # lots of one small step
    freed: int = 0  # quanta of margin freed so far
    ready: int = 0  # end of the pause

    @property
    def lots(self):
        return abs(self.perp)

    @property
    def is_short(self):
        return self.perp < 0

    def equity(self, price):
        return self.quote + self.perp * price

    def notional(self, price):
        return self.lots * price

    @property
    def entry_value(self):
        """Signed as the position is."""
        return -self.cost if self.is_short else self.cost

    def forget(self):
        """Drop what the engine knows of the account."""
        self.started, self.chunk, self.freed, self.ready = None, 0, 0, 0


class Accounts:
    """Accounts by slot; three sums stay what they were: quote, perp, and lots against lots.

    Args:
        maker: Maker fee rate, 1e-8.
        taker: Taker fee rate, 1e-8; forced orders pay none.
    """

    def __init__(self, maker=0, taker=0):
        self.maker = maker
        self.taker = taker
        self.by_slot = {}

    def __getitem__(self, slot):
        return self.by_slot.setdefault(slot, Account())

    def individuals(self):
        """Return ``(slot, account)`` of every individual with a position, lowest slot first."""
        return [
            (slot, account)
            for slot, account in sorted(self.by_slot.items())
            if is_individual(slot) and account.perp != 0
        ]

    def pay(self, payer, payee, quanta):
        assert quanta >= 0
        self[payer].quote -= quanta
        self[payee].quote += quanta

    def move(self, seller, buyer, price, lots):
        """Move lots from seller to buyer and their price the other way."""
        assert lots > 0
        self._change(self[seller], -lots, price)
        self._change(self[buyer], lots, price)

    def hand_over(self, giver, taker, price, lots):
        """Move ``lots`` of the giver's position, long or short, to the taker."""
        if self[giver].is_short:
            self.move(taker, giver, price, lots)
        else:
            self.move(giver, taker, price, lots)

    def _change(self, account, change, price):
        before = account.perp
        account.perp += change
        account.quote -= change * price
        if before == 0 or (before > 0) == (change > 0):
            account.cost += abs(change) * price
        elif account.perp == 0 or (account.perp > 0) != (before > 0):
            account.cost = account.lots * price
        else:
            account.cost = account.cost * account.lots // abs(before)

    def fill(self, taker, maker, side, price, lots, forced):
        """Settle one fill of an order in the book."""
        seller, buyer = (maker, taker) if side == BUY else (taker, maker)
        self.move(seller, buyer, price, lots)
        self.pay(maker, VENUE, ceil_rate(price * lots, self.maker))
        if not forced:
            self.pay(taker, VENUE, ceil_rate(price * lots, self.taker))

    def sums(self):
        accounts = self.by_slot.values()
        return sum(a.quote for a in accounts), sum(a.perp for a in accounts)
