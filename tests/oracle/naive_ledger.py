"""A ledger of plain Python integers: fills, fees, transfers and position moves."""

RATE_ONE = 10**8
VENUE = 2  # the account that fees go to
BUY = 0
PERP = 0


def ceil_rate(amount, rate):
    """Return ``amount * rate`` in units of 1e-8, rounded up."""
    return -(-amount * rate // RATE_ONE)


class NaiveLedger:
    """Accounts by slot, each a dict of quote quanta, perp lots and spot lots.

    Args:
        maker: Maker fee rates of perp and spot, 1e-8.
        taker: Taker fee rates of perp and spot, 1e-8.
    """

    def __init__(self, maker, taker):
        self.maker = [int(rate) for rate in maker]
        self.taker = [int(rate) for rate in taker]
        self.accounts = {}

    def account(self, slot):
        return self.accounts.setdefault(slot, {"quote": 0, "perp": 0, "spot": 0})

    def transfer(self, payer, payee, quanta):
        self.account(payer)["quote"] -= quanta
        self.account(payee)["quote"] += quanta

    def move(self, venue, seller, buyer, price, qty):
        """Move lots from seller to buyer and their price the other way."""
        asset = "perp" if venue == PERP else "spot"
        self.account(seller)[asset] -= qty
        self.account(buyer)[asset] += qty
        self.transfer(buyer, seller, price * qty)

    def fill(self, venue, taker, maker, side, price, qty, forced):
        """Settle one fill; a forced taker pays no taker fee. Returns the payments of fees."""
        seller, buyer = (maker, taker) if side == BUY else (taker, maker)
        self.move(venue, seller, buyer, price, qty)
        fees = [(maker, VENUE, ceil_rate(price * qty, self.maker[venue]))]
        if not forced:
            fees.append((taker, VENUE, ceil_rate(price * qty, self.taker[venue])))
        for fee in fees:
            self.transfer(*fee)
        return fees

    def sums(self):
        return tuple(
            sum(account[field] for account in self.accounts.values())
            for field in ("quote", "spot", "perp")
        )
