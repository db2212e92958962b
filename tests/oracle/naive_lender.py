"""A lender of plain Python integers and fractions: debts, supply, rates and fees."""

from fractions import Fraction

from squeezegym.codes import FIRST_HOLDER_SLOT, Account

RATE_ONE = 10**8
YEAR_MS = 365 * 86_400_000


def is_callable(quote, spot, debt, level, index):
    """Whether assets over debt stand at or below ``level``, 1e-8."""
    return debt > 0 and Fraction(quote + spot * index, debt * index) <= Fraction(level, RATE_ONE)


class NaiveLender:
    """Debts by slot, and the coins that are lent, free, or to leave.

    Args:
        rules: ``params["borrowing"]``.
    """

    def __init__(self, rules, supply=0, leaving=0, debts=()):
        self.rules = rules
        self.supply, self.leaving = supply, leaving
        self.debts = dict(debts)

    @property
    def lent(self):
        return sum(self.debts.values())

    @property
    def free(self):
        return self.supply - self.lent

    def coins(self, giver, taker, qty):
        """Book coins that leave or reach the lender."""
        if giver == Account.LENDER:
            assert self.free >= qty
            if taker >= FIRST_HOLDER_SLOT or taker == Account.LEARNER:
                self.debts[taker] = self.debts.get(taker, 0) + qty
            else:
                self.supply -= qty
                self.leaving -= qty
        elif taker == Account.LENDER:
            if giver >= FIRST_HOLDER_SLOT or giver == Account.LEARNER:
                self.debts[giver] = self.debts.get(giver, 0) - qty
                assert self.debts[giver] >= 0
            else:
                self.supply += qty

    def write_off(self, slot, qty):
        assert self.debts[slot] == qty
        self.supply -= qty
        self.debts[slot] = 0
        self.leaving = min(self.leaving, self.lent)

    def shrink(self):
        self.leaving += self.supply * int(self.rules["drop_share"]) // RATE_ONE

    def use(self):
        staying = self.supply - self.leaving
        return min(1.0, self.lent / staying) if staying > 0 else float(self.lent > 0)

    def rate(self):
        """Yearly rate, 1e-8."""
        use, kink = self.use(), float(self.rules["kink"])
        if use <= kink:
            rate = float(self.rules["base_rate"]) + float(self.rules["slope"]) * use / kink
        else:
            rate = float(self.rules["base_rate"]) + float(self.rules["slope"])
            rate += float(self.rules["steep"]) * (use - kink) / (1 - kink)
        return int(rate * RATE_ONE + 0.5)

    def fees(self, index, cash):
        """Fee of one interval of every debtor, at most its cash: slot to quanta, without zeros.

        Args:
            index: Ticks.
            cash: Function of a slot: its quote balance.
        """
        share = Fraction(self.rate() * int(self.rules["term"]), RATE_ONE * YEAR_MS)
        due = {slot: -(-debt * index * share // 1) for slot, debt in self.debts.items()}
        paid = {slot: min(fee, max(cash(slot), 0)) for slot, fee in due.items()}
        return {slot: fee for slot, fee in paid.items() if fee > 0}
