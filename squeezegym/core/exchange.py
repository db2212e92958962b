"""The matching engine as the market sees it: an order in, fills settled, a receipt out."""

import numpy as np

from squeezegym._jit import kernel
from squeezegym.codes import (
    BUY,
    FOK,
    IN_BUY_IN,
    IN_REMAINDER,
    IOC,
    IS_AT_OPEN,
    IS_FORCED,
    KIND_LEARNER,
    NO_OWNER,
    NO_SLOT,
    ONE,
    PERP,
    RATE_ONE,
    SELL,
    SPOT,
    ZERO,
    Problem,
    Source,
)
from squeezegym.codes import VENUE as VENUE_ACCOUNT
from squeezegym.core.accounts import equity, exchange_lots, transfer
from squeezegym.core.admission import admission, join_batch, note_print
from squeezegym.core.arithmetic import mul_div_up
from squeezegym.core.book import NO_ORDER, claim, crosses, find, next_id, owned, remove, stand
from squeezegym.core.eventlog import count_problem, log_cancel, log_order
from squeezegym.core.fifo import occupy_engine
from squeezegym.core.fills import BOUGHT, FORCED, remember
from squeezegym.core.margin import initial_margin, margin_of, oi_scaled_need
from squeezegym.core.matching import (
    head_against,
    limit_of,
    matcher,
    obstacle,
    outcome,
    refusal,
    resolve,
    shunned,
    trades_at_once,
)
from squeezegym.core.seats import forget_orders, is_learner, seat_of, tell
from squeezegym.core.triggers import move_trigger
from squeezegym.core.window import keep_centred
from squeezegym.measures import BATCHING, INTEREST_SCALED
from squeezegym.statuses import (
    ACCEPTED,
    BOOK_FULL,
    CANCELLED,
    IN_LIQUIDATION,
    INSUFFICIENT_MARGIN,
    NO_COINS,
    UNKNOWN_ORDER,
)

_WATCH_SOURCE = np.int64(Source.WATCH_PERP)
_BOOK_FULL = np.int64(Problem.BOOK_FULL)


@kernel
def settle(ledger, maker, price, qty, done):
    """Settle a fill: lots, cash and fees."""
    market, params, venue, taker, side, flags = ledger
    fees = params["fees"]
    accounts = market["accounts"]
    owner = np.int64(maker["owner"])
    if side == BUY:
        exchange_lots(market, venue, owner, taker, price, qty)
    else:
        exchange_lots(market, venue, taker, owner, price, qty)
    notional = price * qty
    maker_fee = mul_div_up(notional, fees["maker"][venue], RATE_ONE)
    transfer(market, owner, VENUE_ACCOUNT, maker_fee)
    accounts[owner]["fees"] += maker_fee
    taker_fee = ZERO
    if flags & IS_FORCED == 0:
        taker_fee = mul_div_up(notional, fees["taker"][venue], RATE_ONE)
        transfer(market, taker, VENUE_ACCOUNT, taker_fee)
        accounts[taker]["fees"] += taker_fee
    if venue == PERP and market["protection"]["n_fills"] >= 0:
        what = (BOUGHT if side == BUY else ZERO) | (FORCED if flags & IS_FORCED != 0 else ZERO)
        buyer = taker if side == BUY else owner
        remember(market, what, owner + taker - buyer, buyer, price, qty)
    kind = accounts[owner]["kind"]
    if kind == KIND_LEARNER:
        count_learner(market, owner, venue, ONE - side, price, qty, maker_fee)
    if venue == PERP and kind >= KIND_LEARNER:
        market["holders"][owner]["open_lots"][ONE - side] -= np.uint32(qty)
        if kind != KIND_LEARNER:  # a take-profit
            move_trigger(market, params, owner, side)
    if accounts[taker]["kind"] == KIND_LEARNER:
        if flags & IS_FORCED != 0:  # what it loses by force is no slippage of its own
            price = market["marks"]["index"] if venue == SPOT else market["marks"]["mark"]
        count_learner(market, taker, venue, side, price, qty, taker_fee)


match = matcher(settle)


@kernel
def place(market, params, venue, owner, side, price, qty, tif, flags):  # noqa: C901  (a hot path)
    """Send an order to the matching engine of one book and settle its fills.

    Args:
        market: The market record.
        params: Its parameters.
        venue: PERP or SPOT.
        owner: Account slot.
        side: BUY or SELL.
        price: Limit price, ticks; 0 for a market order.
        qty: Lots.
        tif: GTC, IOC or FOK.
        flags: Bits of ``OrderFlag``; FORCED: it pays the liquidation fee, no taker fee.

    Returns:
        ``(filled, order_id)``: lots filled, and the id of the resting rest or NO_ORDER.
    """
    book = market["books"][venue]
    if market["protection"]["measures"] & BATCHING != 0 and tif == IOC and flags & IS_FORCED == 0:
        price, tif, flags = join_batch(market, venue, owner, side, price, qty, flags)
    rules = flags & ~(IS_FORCED | IS_AT_OPEN)
    shun = shun_of(market, book, owner)
    status = refusal(book, side, price, qty, tif, rules)
    entered = qty
    if status == ACCEPTED and market["protection"]["guarded"] == venue + 1:
        status, price = admission(market, params, venue, owner, side, price, qty, tif, flags)
    if status == ACCEPTED and (rules != 0 or tif == FOK):
        held = market["accounts"]["perp"]
        if venue == SPOT:
            held = market["accounts"]["spot"]
        status, entered = obstacle(book, owner, shun, side, price, qty, tif, rules, held)
    if status == ACCEPTED and flags & IS_FORCED == 0:
        if venue == PERP:
            status = margin_refusal(market, params, owner, side, price, entered)
        else:
            status = purse_refusal(
                market, params, owner, side, limit_of(book, side, price), entered
            )
    if status != ACCEPTED:
        log_order(market, venue, owner, side, price, qty, tif, flags, status, ZERO, NO_ORDER)
        return ZERO, NO_ORDER
    limit = limit_of(book, side, price)
    left = entered
    prevented = ZERO
    if trades_at_once(book, side, limit):
        left, prevented = sweep((market, params, venue, owner, side, flags), limit, left, shun)
    status, filled, left = outcome(price, tif, entered, left, prevented)
    order_id = NO_ORDER
    if left > 0:
        if book["free"] == NO_SLOT:
            status = BOOK_FULL
            count_problem(market, _BOOK_FULL)
        else:
            book["sequence"] += np.uint64(1)
            order_id = next_id(book)
            if venue == PERP and market["accounts"][owner]["kind"] >= KIND_LEARNER:
                market["holders"][owner]["open_lots"][side] += np.uint32(left)
            kept = flags & ~IS_FORCED
            stand(book, claim(book, order_id, owner, side, kept), side, price, left)
    keep_centred(book)
    occupy_engine(market, params)
    market["score"]["taken"][venue, side] += filled
    if filled > 0 and market["protection"]["guarded"] == venue + 1:
        note_print(market, params, book["last"])
    _wake_makers(market, params, venue, filled)
    if market["log_on"] != 0:
        log_order(market, venue, owner, side, price, qty, tif, flags, status, filled, order_id)
    return filled, order_id


@kernel
def sweep(ledger, limit, left, shun):
    """Match an order as far as it goes.

    Returns:
        ``(left, prevented)``: lots left, lots taken out by self-trade prevention.
    """
    market, _, venue, _, side, _ = ledger
    book = market["books"][venue]
    held = market["accounts"]["perp"]
    if venue == SPOT:
        held = market["accounts"]["spot"]
    prevented = ZERO
    exempt = NO_SLOT
    while True:
        left = match(book, side, limit, left, shun, exempt, ledger)
        if left == 0 or not crosses(book, side, limit):
            return left, prevented
        slot = head_against(book, side)
        maker = book["orders"][slot]
        before = np.int64(maker["qty"])
        left, exempt, cut, _ = resolve(book, side, slot, left, shun, held)
        prevented += cut
        if venue == PERP:  # only individual accounts meet their own orders or reduce only
            gone = before - np.int64(maker["qty"])
            market["holders"][maker["owner"]]["open_lots"][ONE - side] -= np.uint32(gone)


@kernel
def margin_refusal(market, params, owner, side, price, qty):
    """Return why an individual account may not send a perp order, or ACCEPTED.

    Nothing is taken while the engine has the account. Otherwise equity at mark, less the taker fee
    and what the order would lose against the mark at once, must cover the initial margin of the
    larger side that position and resting orders can reach; an order that does not enlarge it
    needs none, and without brackets nobody is asked. Source: Binance FAQ "Open order margin",
    2024; the worst case of both sides is ours.

    Args:
        market: The market record.
        params: Its parameters.
        owner: Account slot.
        side: BUY or SELL.
        price: Limit, ticks; 0 for a market order.
        qty: Lots.
    """
    account = market["accounts"][owner]
    if account["kind"] < KIND_LEARNER or params["margin"]["n_tiers"] == 0:
        return ACCEPTED
    if account["laddered"] >= IN_REMAINDER:
        return IN_LIQUIDATION
    perp = account["perp"]
    bids = np.int64(market["holders"][owner]["open_lots"][BUY])
    asks = np.int64(market["holders"][owner]["open_lots"][SELL])
    reached = perp + bids + qty if side == BUY else asks - perp + qty
    if reached <= abs(perp):
        return ACCEPTED
    other = asks - perp if side == BUY else perp + bids
    mark = market["marks"]["mark"]
    limit = price if price != 0 else mark
    loss = max(limit - mark if side == BUY else mark - limit, ZERO) * qty
    fee = mul_div_up(limit * qty, params["fees"]["taker"][PERP], RATE_ONE)
    asked = np.int64(market["holders"][owner]["initial"])
    margin = margin_of(market, params)
    notional = max(reached, other) * mark
    needed = initial_margin(margin, notional, asked)
    if market["protection"]["measures"] & INTEREST_SCALED != 0:
        needed = max(needed, oi_scaled_need(market, params, notional, asked))
    if equity(account, mark) - loss - fee >= needed:
        return ACCEPTED
    market["score"]["refused"] += 1
    return INSUFFICIENT_MARGIN


@kernel
def purse_refusal(market, params, owner, side, limit, qty):
    """Return why an individual account may not send a spot order, or ACCEPTED.

    It buys with the cash it has and sells the coins it has, borrowed ones included; nothing is
    taken while the lender's desk has it.

    Args:
        market: The market record.
        params: Its parameters.
        owner: Account slot.
        side: BUY or SELL.
        limit: Worst price, ticks.
        qty: Lots.
    """
    account = market["accounts"][owner]
    if account["kind"] < KIND_LEARNER or params["margin"]["n_tiers"] == 0:
        return ACCEPTED
    if account["laddered"] == IN_BUY_IN:
        return IN_LIQUIDATION
    if side == SELL:
        return ACCEPTED if qty <= account["spot"] else NO_COINS
    return ACCEPTED if coin_cost(params, limit, qty) <= account["quote"] else INSUFFICIENT_MARGIN


@kernel
def coin_cost(params, limit, qty):
    """Most that coins bought at a limit cost: their price, the dearer fee, a quantum a fill."""
    fees = params["fees"]
    rate = max(fees["maker"][SPOT], fees["taker"][SPOT])
    return limit * qty + mul_div_up(limit * qty, rate, RATE_ONE) + qty


@kernel(inline=True)
def shun_of(market, book, owner):
    """Owner that an order may not trade with; a pool stands for many traders."""
    return shunned(book, owner) if market["accounts"][owner]["kind"] >= KIND_LEARNER else NO_OWNER


@kernel
def withdraw(market, params, venue, order_id):
    """Cancel a resting order.

    Returns:
        The lots taken out of the book; 0 when no such order rests.
    """
    book = market["books"][venue]
    slot = find(book, order_id)
    qty = np.int64(0)
    status = UNKNOWN_ORDER
    if slot != NO_SLOT:
        owner = np.int64(book["orders"][slot]["owner"])
        side = np.int64(book["orders"][slot]["side"])
        qty = remove(book, slot)
        status = CANCELLED
        if venue == PERP and market["accounts"][owner]["kind"] >= KIND_LEARNER:
            market["holders"][owner]["open_lots"][side] -= np.uint32(qty)
    occupy_engine(market, params)
    if market["log_on"] != 0:
        log_cancel(market, venue, order_id, status, qty)
    return qty


@kernel
def withdraw_all(market, params, owner):
    """Cancel every order of an individual account on the perp book."""
    holder = market["holders"][owner]
    if holder["open_lots"][BUY] == 0 and holder["open_lots"][SELL] == 0:
        return
    book = market["books"][PERP]
    slot = owned(book, owner, ZERO)
    while slot != NO_SLOT:
        withdraw(market, params, PERP, book["orders"][slot]["id"])
        slot = owned(book, owner, np.int64(slot))
    if is_learner(market, owner):
        forget_orders(market, owner)


@kernel(inline=True)
def _wake_makers(market, params, venue, filled):
    """Let alert makers look at a book soon after a trade."""
    if filled > 0 and params["maker"][venue]["alert"] > 0:
        due = market["clock"]["due"]
        soon = market["clock"]["now"] + params["maker"][venue]["reaction"]
        due[_WATCH_SOURCE + venue] = min(due[_WATCH_SOURCE + venue], soon)


@kernel
def count_learner(market, slot, venue, side, price, qty, fee):
    """Count a fill of a learner, its fee, and what it lost off the price it is valued at."""
    tell(market, slot)
    learner = market["learners"][seat_of(market, slot)]
    learner["fees"] += fee
    off = price - (market["marks"]["index"] if venue == SPOT else market["marks"]["mark"])
    if side == BUY:
        learner["bought"] += qty
        learner["slippage"] += off * qty
    else:
        learner["sold"] += qty
        learner["slippage"] -= off * qty
