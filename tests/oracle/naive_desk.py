"""Spot-margin accounts, loans and buy-ins in plain Python: what each call should have done."""

from fractions import Fraction

from squeezegym.codes import Account
from tests.oracle.naive_ledger import ceil_rate
from tests.oracle.naive_lender import RATE_ONE, NaiveLender, is_callable

MAKER, FUND, LENDER, VENUE = Account.MAKER, Account.FUND, Account.LENDER, Account.VENUE


class NaiveDesk:
    """Accounts, a lender and the asks of the spot book.

    Args:
        rules: ``params["borrowing"]``.
        maker_fee: Maker fee rate of the spot book, 1e-8.
        accounts: Slot to ``[quote, spot]``.
    """

    def __init__(self, rules, maker_fee, accounts):
        self.rules, self.maker_fee = rules, maker_fee
        self.accounts = {slot: list(pair) for slot, pair in accounts.items()}
        self.lender = NaiveLender(rules, supply=self.accounts[LENDER][1])
        self.asks = []  # [price, lots], best first
        self.index = 0
        self.bought_in = self.written_off = self.deficit = 0

    def debt(self, slot):
        return self.lender.debts.get(slot, 0)

    def pay(self, payer, payee, quanta):
        self.accounts[payer][0] -= quanta
        self.accounts[payee][0] += quanta

    def move(self, giver, taker, qty):
        self.accounts[giver][1] -= qty
        self.accounts[taker][1] += qty
        self.lender.coins(giver, taker, qty)

    def is_called(self, slot):
        level = int(self.rules["liquidation"])
        return is_callable(*self.accounts[slot], self.debt(slot), level, self.index)

    def borrow(self, slot, qty):
        granted = min(qty, self.accounts[LENDER][1])
        if granted <= 0:
            return 0
        quote, spot = self.accounts[slot]
        owed = (self.debt(slot) + granted) * self.index
        level = Fraction(quote + (spot + granted) * self.index, owed)
        if level < Fraction(int(self.rules["initial"]), RATE_ONE):
            return 0
        self.move(LENDER, slot, granted)
        return granted

    def repay(self, slot, qty):
        returned = min(qty, self.accounts[slot][1], self.debt(slot))
        self.move(slot, LENDER, returned)
        return returned

    def trade(self, seller, buyer, price, qty):
        self.pay(buyer, seller, price * qty)
        self.accounts[seller][1] -= qty
        self.accounts[buyer][1] += qty

    def accrue(self):
        for slot, fee in self.lender.fees(self.index, lambda s: self.accounts[s][0]).items():
            self.pay(slot, LENDER, fee)

    def take(self, slot, limit, qty):
        while qty and self.asks and self.asks[0][0] <= limit:
            price, here = self.asks[0]
            lots = min(here, qty)
            self.trade(MAKER, slot, price, lots)
            self.pay(MAKER, VENUE, ceil_rate(price * lots, self.maker_fee))
            qty -= lots
            self.asks[0][1] -= lots
            if self.asks[0][1] == 0:
                del self.asks[0]

    def buy_in(self, slot, spent):
        """Serve one account; ``spent`` in earlier tries. Returns what it has spent, None: done."""
        if not self.is_called(slot):
            return None
        mine, fund = self.accounts[slot], self.accounts[FUND]
        self.repay(slot, mine[1])
        cash = mine[0]
        for _ in range(8):
            rest = self.debt(slot) - mine[1]
            if rest == 0 or not self.asks:
                break
            limit, qty = (mine[0] + fund[0]) // rest, rest
            if limit < self.asks[0][0]:
                if mine[0] >= rest * self.index or mine[0] + fund[0] < self.asks[0][0]:
                    break
                limit = self.asks[0][0]
                qty = (mine[0] + fund[0]) // limit
            self.take(slot, limit, qty)
        spent += cash - mine[0]
        self.bought_in += mine[1]
        self.repay(slot, mine[1])
        lack = max(-mine[0], 0)
        self.pay(FUND, slot, lack)
        self.deficit += lack
        rest = self.debt(slot)
        if rest == 0:
            self.pay(slot, FUND, min(ceil_rate(spent, int(self.rules["fee"])), mine[0]))
            return None
        lot = self.asks[0][0] if self.asks else self.index
        if mine[0] >= rest * self.index or mine[0] + fund[0] >= lot:
            return spent
        self.pay(slot, LENDER, mine[0])
        self.lender.write_off(slot, rest)
        self.written_off += rest
        return None
