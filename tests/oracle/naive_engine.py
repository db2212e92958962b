"""The liquidation engine a second time, from docs/liquidation.md alone and not from the kernel.

Plain Python, exact integers and fractions; every account is looked at for every question.
"""

from collections import Counter
from dataclasses import dataclass

from tests.oracle.naive_accounts import (
    ABSORBER,
    COOLING,
    FREE,
    FRESH,
    FUND,
    LADDER,
    REMAINDER,
    SELL,
    Accounts,
    is_individual,
)
from tests.oracle.naive_ledger import BUY, RATE_ONE, ceil_rate
from tests.oracle.naive_margin import adl_score, is_due
from tests.oracle.naive_orderbook import CANCEL_ALL, GTC, IOC, NEW, NaiveOrderBook
from tests.oracle.naive_policies import service

FEW_OWNERS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Section [liquidation] in kernel units: ns, quanta, rates in units of 1e-8."""

    policy: int = 0
    remainder: int = 0
    ranking: int = 0
    latency: int = 0
    interval: int = 0
    cooldown: int = 0
    fund: int = 0  # opening balance
    vault: int = 0  # opening balance
    support: int = 0
    share: int = 0
    threshold: int = 0
    backstop: int = 0
    block_notional: int = 0
    block_loss: int = 0
    spread: float = 0.0
    adjustment: float = 0.0
    ramp_start: float = 0.0
    ramp_time: int = 1
    ramp_small: int = 0
    buffer: int = 0
    ramp_fee: int = 0
    fund_cap: int = 0
    drawdown: int = 0
    recovery: int = 0
    unit: int = 1  # one unit of quote


class NaiveEngine:
    """Accounts, the perp book, and the engine between them.

    Args:
        rules: The section [liquidation].
        brackets: Margin table, lowest floor first.
        liquidation_fee: Rate, 1e-8.
        maker: Maker fee rate, 1e-8.
        taker: Taker fee rate, 1e-8.
        price_range: Lowest and highest limit that the book accepts.
    """

    def __init__(
        self, rules, brackets, liquidation_fee=0, maker=0, taker=0, price_range=(1, 2**31 - 2)
    ):
        self.rules = rules
        self.brackets = brackets
        self.liquidation_fee = liquidation_fee
        self.accounts = Accounts(maker, taker)
        self.book = NaiveOrderBook(price_range, 10**6, FEW_OWNERS, "cancel_newest", range(10))
        self.mark = self.now = 0
        self.fresh = []  # slots, the next one first; the one whose remainder runs stands first
        self.cooling = []
        self.fresh_at = 0  # earliest service of the fresh queue
        self.free_at = None  # end of the interval after the last service
        self.running = None  # the remainder that the next event goes on with
        self.first_service = False  # whether the present one is the account's first
        self.fund_peak = 0
        self.fund_off = False
        self.block_start = None
        self.block_paid = 0
        self.deficit = self.deleveraged = 0
        self.liquidated = [0, 0]  # lots of longs, shorts that the engine closed
        self.liquidations = [0, 0]
        self.reached = Counter()  # branches, for whoever wants to know what was tested

    def open(self, slot, quote, perp=0, cost=0):
        """Give an account its opening state, which comes from nowhere."""
        account = self.accounts[slot]
        account.quote, account.perp, account.cost = quote, perp, cost
        account.state = LADDER if is_individual(slot) and perp != 0 else FREE

    def place(self, owner, side, price, qty, order_id, tif=GTC, forced=False):
        """Send an order to the book and settle its fills; return the lots filled.

        The engine refuses the orders of an account from its first service on.
        """
        if not forced and self.accounts[owner].started is not None:
            return 0
        start = len(self.book.tape)
        result = self.book.message(start, NEW, order_id, side, price, qty, tif, 0, owner)
        for _, _, _, at, lots, taker, maker in self.book.tape[start:]:
            self.accounts.fill(taker, maker, side, at, lots, forced)
        return result.filled

    # Who is taken.

    def is_due(self, slot):
        return is_due(self.brackets, self.accounts[slot], self.mark)

    def set_mark(self, mark, now):
        """Publish a mark; whoever is due now must be given to :meth:`take`."""
        self.mark, self.now = mark, now
        return [
            slot
            for slot, account in self.accounts.individuals()
            if account.state <= LADDER and self.is_due(slot)
        ]

    def take(self, slots):
        """Put accounts into the fresh queue in this order: all that are due, and no other."""
        due = self.set_mark(self.mark, self.now)
        assert sorted(slots) == due, f"taken {sorted(slots)}, due {due}"
        for slot in slots:
            if not self.fresh:
                self.fresh_at = self.now + self.rules.latency
            self.fresh.append(slot)
            self.accounts[slot].state = FRESH

    # The queues.

    def due(self):
        """Time of the next event of the engine, or None."""
        if self.running is not None:
            return self.now
        return min((at for at, _ in self._heads()), default=None)

    def _heads(self):
        """Return ``(time, queue)`` of the heads that wait, the fresh one first."""
        heads = []
        if self.fresh:
            heads.append((self._not_before(self.fresh_at), self.fresh))
        if self.cooling:
            heads.append((self._not_before(self.accounts[self.cooling[0]].ready), self.cooling))
        return heads

    def _not_before(self, time):
        return time if self.free_at is None else max(time, self.free_at)

    def serve(self, now):
        """Do the event that is due: a service, or what follows of a remainder."""
        assert now == self.due()
        self.now = now
        if self.running is None:
            heads = self._heads()
            _, queue = min(heads, key=lambda head: head[0])
            self.reached["queues tie"] += len(heads) == 2 and heads[0][0] == heads[1][0]
            slot = queue.pop(0)
            self._update_fund()
            if not self.is_due(slot):
                self.reached["recovered"] += 1
                self._let_go(slot)
                return
            self._start(slot)
            self.running = (slot, service(self, slot))
        else:
            self.reached["remainder goes on"] += 1
            self.fresh.pop(0)
        slot, generator = self.running
        account = self.accounts[slot]
        before, short = account.lots, account.is_short
        try:
            next(generator)
        except StopIteration as end:
            self.liquidated[short] += before - account.lots
            self.running = None
            self._let_go(slot, pauses=end.value)
        else:
            self.liquidated[short] += before - account.lots
            account.state = REMAINDER
            self.fresh.insert(0, slot)

    def _start(self, slot):
        account = self.accounts[slot]
        self.first_service = account.started is None
        if not self.first_service:
            return
        account.started = self.now
        self.cancel_orders(slot)
        self.liquidations[account.is_short] += 1

    def _let_go(self, slot, pauses=False):
        account = self.accounts[slot]
        self.free_at = self.now + self.rules.interval
        if pauses:
            self.reached["pause"] += 1
            account.state = COOLING
            account.ready = self.now + self.rules.cooldown
            self.cooling.append(slot)
            self.cooling.sort(key=lambda waiting: self.accounts[waiting].ready)
            return
        account.forget()
        account.state = LADDER if account.perp != 0 else FREE
        self.reached["back to the ladder"] += account.perp != 0

    # What a service asks of the engine.

    def cancel_orders(self, slot):
        gone = self.book.message(0, CANCEL_ALL, 0, 0, 0, 0, 0, 0, slot).withdrawn
        self.reached["orders are cancelled"] += gone

    def order(self, slot, lots, limit):
        """Send a forced IOC that closes ``lots`` of the account's position."""
        account = self.accounts[slot]
        side = BUY if account.is_short else SELL
        low, high = self.book.price_range
        limit = min(max(limit, low), high)
        filled = self.place(slot, side, limit, lots, ("forced", slot), IOC, forced=True)
        self.reached["nothing filled" if filled == 0 else "filled"] += 1
        self.reached["partly filled"] += 0 < filled < lots

    def settle(self, slot, price, traded):
        """Take the liquidation fee, or let the fund pay, against the bankruptcy ``price``."""
        account = self.accounts[slot]
        value = account.equity(price)
        if value >= 0:
            fee = min(ceil_rate(traded, self.liquidation_fee), value)
            self.reached["fee is capped"] += fee < ceil_rate(traded, self.liquidation_fee)
            self.accounts.pay(slot, FUND, fee)
            return
        self.reached["fund pays"] += 1
        self.fund_pays(slot, min(-value, self.accounts[FUND].quote))
        if account.perp == 0 and account.quote < 0:
            self.reached["absorber pays"] += 1
            self.accounts.pay(ABSORBER, slot, -account.quote)

    def fund_pays(self, slot, quanta):
        self.accounts.pay(FUND, slot, quanta)
        self.deficit += quanta
        self.block_paid += quanta
        self.reached["fund is exhausted"] += quanta > 0 and self.accounts[FUND].quote == 0

    def slack(self, reference):
        return reference * self.rules.support // RATE_ONE

    def purse(self, slot):
        """What the fund may spend on the position as it stands now."""
        fund, cap = self.accounts[FUND].quote, self.rules.fund_cap
        if self.fund_off:
            self.reached["fund is off"] += 1
            return 0
        notional = self.accounts[slot].notional(self.mark)
        if cap != 0 and notional > fund * cap // RATE_ONE:
            self.reached["above the cap"] += 1
            return 0
        return fund

    def _update_fund(self):
        """Keep the fund's peak; switch the fund off in a drawdown and on after it."""
        rules, fund = self.rules, self.accounts[FUND].quote
        self.fund_peak = max(self.fund_peak, fund)
        if rules.drawdown == 0:
            return
        if not self.fund_off:
            lowest = self.fund_peak - self.fund_peak * rules.drawdown // RATE_ONE
            self.fund_off = fund < lowest
            self.reached["fund goes off"] += self.fund_off
        elif fund > self.fund_peak * rules.recovery // RATE_ONE:
            self.fund_off = False
            self.reached["fund comes on"] += 1

    def score_of(self, account):
        rules = self.rules
        return adl_score(rules.ranking, self.brackets, account, self.mark, rules.unit)
