"""The order book alone: messages in, receipts and tape out, in one compiled loop."""

import numpy as np

from squeezegym._jit import entry, first_word, kernel, prefetch
from squeezegym.codes import (
    AMEND,
    CANCEL,
    CANCEL_ALL,
    FOK,
    GTC,
    IS_POST_ONLY,
    IS_REDUCE_ONLY,
    MAX_QTY,
    NEW,
    NO_SLOT,
    ONE,
    STATE_CANCEL_ONLY,
    STATE_HALTED,
    STATE_OPEN,
    ZERO,
)
from squeezegym.core.book import (
    SLOT_BITS,
    SLOT_MASK,
    claim,
    crosses,
    find,
    next_id,
    owned,
    queue_up,
    release,
    remove,
    shrink,
    stand,
    unlink,
)
from squeezegym.core.desk import (
    acknowledge,
    answer,
    locate,
    note,
    open_desk,
    rename_taker,
    shun_of,
    sweep,
)
from squeezegym.core.matching import (
    limit_of,
    misfit,
    obstacle,
    outcome,
    refusal,
    trades_at_once,
)
from squeezegym.core.orderids import expect, forget, look_up
from squeezegym.core.window import keep_centred, rolls
from squeezegym.statuses import (
    ACCEPTED,
    BAD_MESSAGE,
    BOOK_FULL,
    CANCELLED,
    DUPLICATE_ORDER,
    HALTED,
    RESTING,
    UNKNOWN_ORDER,
    UNKNOWN_OWNER,
)
from squeezegym.statuses import CANCEL_ONLY as CANCEL_ONLY_STATUS

# Bits of a message's first word that are 0 in a plain order: new, good till cancelled, no flags.
_STRANGE = np.uint64(0xFFFF_FEFF)
_KIND = np.uint64(0xFF)
_ONE = np.uint64(1)
_SIDE_AT = np.uint64(8)
_OWNER_AT = np.uint64(32)
_AHEAD = 8  # messages between asking for the line of an id and using it


@kernel(inline=True)
def just_rests(desk, by_id, head, message):
    """Whether a plain order is in order and trades with nothing, as most do."""
    book = desk["book"]
    side = np.int64((head >> _SIDE_AT) & _ONE)
    price = message["price"]
    qty = message["qty"]
    return (
        price >= book["lowest"]
        and price <= book["highest"]
        and qty >= 1
        and qty <= MAX_QTY
        and np.int64(head >> _OWNER_AT) < desk["owners"]
        and not crosses(book, side, price)
        and book["free"] != NO_SLOT
        and not (by_id and look_up(desk, message["order_id"]) != NO_SLOT)
    )


@kernel(inline=True)
def rest(desk, by_id, head, message, receipt):
    """Enter an order that :func:`just_rests`."""
    book = desk["book"]
    side = np.int64((head >> _SIDE_AT) & _ONE)
    price = message["price"]
    qty = message["qty"]
    order_id = message["order_id"]
    if not by_id:
        book["sequence"] += np.uint64(1)
        order_id = next_id(book)
    slot = claim(book, order_id, np.int64(head >> _OWNER_AT), side, ZERO)
    queue_up(book, slot, side, price, qty)
    if by_id:
        note(desk, order_id, slot)
    acknowledge(receipt, order_id, RESTING, ZERO, qty, ZERO)


@kernel(inline=True)
def take_new(desk, by_id, tape, index, message, receipt):
    """Enter a new order that may trade, or that a rule has to look at, or refuse it."""
    book = desk["book"]
    side = np.int64(message["side"])
    tif = np.int64(message["tif"])
    price = message["price"]
    qty = message["qty"]
    order_id = message["order_id"]
    status = refusal(book, side, price, qty, tif, np.int64(message["flags"]))
    if status == ACCEPTED:
        if np.int64(message["owner"]) >= desk["owners"]:
            status = UNKNOWN_OWNER
        elif by_id and look_up(desk, order_id) != NO_SLOT:
            status = DUPLICATE_ORDER
    if status != ACCEPTED:
        answer(desk, receipt, order_id, status, ZERO, ZERO, ZERO)
    else:
        take_active(desk, by_id, tape, index, message, receipt)


@kernel(inline=True)
def take_active(desk, by_id, tape, index, message, receipt):
    """Enter an accepted order that may trade, or that a rule has to look at."""
    book = desk["book"]
    side = np.int64(message["side"])
    tif = np.int64(message["tif"])
    flags = np.int64(message["flags"])
    owner = np.int64(message["owner"])
    price = message["price"]
    qty = message["qty"]
    order_id = message["order_id"]
    if not by_id:
        book["sequence"] += np.uint64(1)
        order_id = (book["sequence"] << SLOT_BITS) | SLOT_MASK
    if flags != 0 or tif == FOK:
        shun = shun_of(book, owner)
        status, qty = obstacle(book, owner, shun, side, price, qty, tif, flags, desk["positions"])
        if status != ACCEPTED:
            answer(desk, receipt, order_id, status, ZERO, ZERO, ZERO)
            return
    limit = limit_of(book, side, price)
    left = qty
    prevented = ZERO
    withdrawn = ZERO
    n_before = desk["n_tape"]
    if trades_at_once(book, side, limit):
        ledger = (desk, by_id, tape, index, order_id, owner, side)
        left, prevented, withdrawn = sweep(ledger, limit, qty)
    status, filled, left = outcome(price, tif, qty, left, prevented)
    if left > 0:
        status, order_id = settle_down(desk, order_id, owner, side, price, left, flags, status)
        if status == BOOK_FULL:
            left = ZERO
        elif filled != 0 and not by_id:
            rename_taker(desk, tape, n_before, order_id)
    answer(desk, receipt, order_id, status, filled, left, withdrawn)


@kernel
def settle_down(desk, order_id, owner, side, price, qty, flags, status):
    """Let the rest of an order rest.

    Returns:
        ``(status, order_id)``: the status, BOOK_FULL if there is no slot; the id it rests under.
    """
    book = desk["book"]
    if book["free"] == NO_SLOT:
        return BOOK_FULL, order_id
    if desk["by_id"] == 0:
        order_id = next_id(book)
    slot = claim(book, order_id, owner, side, flags)
    stand(book, slot, side, price, qty)
    if desk["by_id"] != 0:
        note(desk, order_id, slot)
    return status, order_id


@kernel(inline=True)
def take_cancel(desk, by_id, message, receipt):
    """Cancel one order.

    Returns:
        1, or 0 if it was refused, which is counted already.
    """
    book = desk["book"]
    order_id = message["order_id"]
    slot = look_up(desk, order_id) if by_id else find(book, order_id)
    if slot == NO_SLOT or np.int64(book["state"]) == STATE_HALTED:
        halted = np.int64(book["state"]) == STATE_HALTED
        status = HALTED if halted else UNKNOWN_ORDER
        answer(desk, receipt, order_id, status, ZERO, ZERO, ZERO)
        return ZERO
    if by_id:
        forget(desk, book["orders"][slot])
    remove(book, slot)
    acknowledge(receipt, order_id, CANCELLED, ZERO, ZERO, ZERO)
    return ONE


@kernel
def take_cancel_all(desk, message, receipt):
    """Cancel every order of an owner."""
    book = desk["book"]
    count = ZERO
    status = HALTED
    if np.int64(book["state"]) != STATE_HALTED:
        status = CANCELLED
        slot = owned(book, np.int64(message["owner"]), ZERO)
        while slot != NO_SLOT:
            if desk["by_id"] != 0:
                forget(desk, book["orders"][slot])
            remove(book, slot)
            count += 1
            slot = owned(book, np.int64(message["owner"]), np.int64(slot))
    answer(desk, receipt, message["order_id"], status, ZERO, ZERO, count)


@kernel
def amend_refusal(book, slot, price, qty):
    """Return why an amend may not be, whatever stands in the book, or ACCEPTED."""
    state = np.int64(book["state"])
    if state == STATE_HALTED:
        return HALTED
    if state == STATE_CANCEL_ONLY:
        return CANCEL_ONLY_STATUS
    if slot == NO_SLOT:
        return UNKNOWN_ORDER
    return misfit(book, price, qty)


@kernel
def take_amend(desk, tape, index, message, receipt):
    """Change an order: fewer lots at the same price keep its place, anything else loses it."""
    book = desk["book"]
    by_id = desk["by_id"] != 0
    order_id = message["order_id"]
    price = message["price"]
    qty = message["qty"]
    slot = locate(desk, order_id)
    status = amend_refusal(book, slot, price, qty)
    if status != ACCEPTED:
        answer(desk, receipt, order_id, status, ZERO, ZERO, ZERO)
        return
    order = book["orders"][slot]
    if price == 0:
        price = np.int64(order["price"])
    if price == np.int64(order["price"]) and qty < np.int64(order["qty"]):
        shrink(book, slot, qty)
        answer(desk, receipt, order_id, RESTING, ZERO, qty, ZERO)
        return
    side = np.int64(order["side"])
    flags = np.int64(order["flags"])
    owner = np.int64(order["owner"])
    shun = shun_of(book, owner)
    public = flags & (IS_POST_ONLY | IS_REDUCE_ONLY)
    status, qty = obstacle(book, owner, shun, side, price, qty, GTC, public, desk["positions"])
    if status != ACCEPTED:
        answer(desk, receipt, order_id, status, ZERO, ZERO, ZERO)
        return
    unlink(book, slot)
    left = qty
    prevented = ZERO
    withdrawn = ZERO
    if trades_at_once(book, side, price):
        ledger = (desk, by_id, tape, index, order_id, owner, side)
        left, prevented, withdrawn = sweep(ledger, price, qty)
    status, filled, left = outcome(price, GTC, qty, left, prevented)
    if left > 0:
        stand(book, slot, side, price, left)
    else:
        release(book, slot)
        if by_id:
            forget(desk, order)
    answer(desk, receipt, order_id, status, filled, left, withdrawn)


@kernel
def take_rare(desk, tape, index, message, receipt):
    """Serve a message that is neither a new order nor a cancel."""
    book = desk["book"]
    kind = np.int64(message["kind"])
    if kind == AMEND:
        take_amend(desk, tape, index, message, receipt)
    elif kind == CANCEL_ALL:
        take_cancel_all(desk, message, receipt)
    else:
        status = HALTED if np.int64(book["state"]) == STATE_HALTED else BAD_MESSAGE
        answer(desk, receipt, message["order_id"], status, ZERO, ZERO, ZERO)


@kernel(inline=True)
def take_all(desk, by_id, messages, receipts, tape):
    """Serve a row of messages; ``by_id``, known to the compiler, is that of the desk."""
    book = desk["book"]
    rolling = rolls(book)
    last = messages.shape[0] - 1
    last_slot = np.int64(book["orders"].shape[0] - 1)
    desk["n_tape"] = 0
    cancelled = ZERO
    is_open = np.int64(book["state"]) == STATE_OPEN
    for i in range(messages.shape[0]):
        coming = messages[min(i + _AHEAD, last)]["order_id"]
        if by_id:
            expect(desk, coming)
        else:
            prefetch(book["orders"][min(np.int64(coming & SLOT_MASK), last_slot)], 0, 1)
        message = messages[i]
        head = first_word(message)
        kind = np.int64(head & _KIND)
        if is_open and head & _STRANGE == 0 and just_rests(desk, by_id, head, message):
            rest(desk, by_id, head, message, receipts[i])
        elif kind == NEW:
            take_new(desk, by_id, tape, i, message, receipts[i])
        elif kind == CANCEL:
            cancelled += take_cancel(desk, by_id, message, receipts[i])
        else:
            take_rare(desk, tape, i, message, receipts[i])
        if rolling:
            keep_centred(book)
    desk["counts"][CANCELLED] += cancelled


@kernel
def take_by_id(desk, messages, receipts, tape):
    """Serve a row of messages whose senders chose the ids."""
    take_all(desk, True, messages, receipts, tape)


@kernel
def take_by_handle(desk, messages, receipts, tape):
    """Serve a row of messages with the ids that the book gave: a loop without look-ups."""
    take_all(desk, False, messages, receipts, tape)


@entry(seconds=11, ahead="warmup book")
def replay(fingerprint):
    """Build the entry; the fingerprint of the sources is part of its cache key."""

    def replay(desks, messages, receipts, tape):
        """Let every book take its messages.

        Args:
            desks: (n,) ``desk_dtype`` of one class; ``n_tape`` of each tells the rows written.
            messages: (n, m) ``MESSAGE_DTYPE``.
            receipts: (n, m) ``RECEIPT_DTYPE``, written.
            tape: (n, rows) ``TAPE_DTYPE``, written from row 0; 2 m and the orders that rested
                are enough rows.
        """
        fingerprint  # noqa: B018  (a closure cell: part of numba's cache key)
        for row in range(desks.shape[0]):
            if desks[row]["is_open"] == 0:
                open_desk(desks[row])
            if desks[row]["by_id"] != 0:
                take_by_id(desks[row], messages[row], receipts[row], tape[row])
            else:
                take_by_handle(desks[row], messages[row], receipts[row], tape[row])

    return replay
