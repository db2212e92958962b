"""The event log: one fixed-size row for every message, transfer, mark and liquidation.

Rows are written only when the log is on. The caller drains them between calls of
``advance``, which stops early when the table is nearly full; a row that finds no room is
counted as LOG_FULL, never lost in silence.
"""

import numpy as np

from squeezegym._jit import kernel
from squeezegym.codes import LogKind, Problem

_ORDER = np.uint8(LogKind.ORDER)
_CANCEL = np.uint8(LogKind.CANCEL)
_TRANSFER = np.uint8(LogKind.TRANSFER)
_POSITION = np.uint8(LogKind.POSITION)
_MARK = np.uint8(LogKind.MARK)
_LIQUIDATION = np.uint8(LogKind.LIQUIDATION)
_COINS = np.uint8(LogKind.COINS)
LOG_BUY_IN = np.uint8(LogKind.BUY_IN)
LOG_WRITE_OFF = np.uint8(LogKind.WRITE_OFF)
LOG_RECALL = np.uint8(LogKind.RECALL)
LOG_MEASURE = np.uint8(LogKind.MEASURE)
LOG_BANDS = np.uint8(LogKind.BANDS)
LOG_UNCROSS = np.uint8(LogKind.UNCROSS)
LOG_UNWIND = np.uint8(LogKind.UNWIND)
_LOG_FULL = np.int64(Problem.LOG_FULL)


@kernel
def count_problem(market, problem):
    """Count a problem that the caller must see."""
    market["clock"]["problems"] |= problem
    market["clock"]["problem_count"] += 1


@kernel
def _next_row(market, kind):
    """Return the index of a fresh row with time and kind set, or -1 when there is none."""
    if market["log_on"] == 0:
        return np.int64(-1)
    i = market["n_log"]
    if i >= market["log"].shape[0]:
        count_problem(market, _LOG_FULL)
        return np.int64(-1)
    market["n_log"] = i + 1
    row = market["log"][i]
    row["time"] = market["clock"]["now"]
    row["kind"] = kind
    row["book"] = 0
    row["side"] = 0
    row["tif"] = 0
    row["status"] = 0
    row["flags"] = 0
    row["other"] = 0
    row["price"] = 0
    row["filled"] = 0
    row["order_id"] = 0
    return i


@kernel
def log_order(market, venue, owner, side, price, qty, tif, flags, status, filled, order_id):
    """Log an order and its receipt."""
    i = _next_row(market, _ORDER)
    if i < 0:
        return
    row = market["log"][i]
    row["book"] = np.uint8(venue)
    row["account"] = np.uint32(owner)
    row["side"] = np.uint8(side)
    row["price"] = price
    row["qty"] = qty
    row["tif"] = np.uint8(tif)
    row["flags"] = np.uint16(flags)
    row["status"] = np.uint8(status)
    row["filled"] = filled
    row["order_id"] = order_id


@kernel
def log_cancel(market, venue, order_id, status, qty):
    """Log a cancel and its receipt; ``qty`` is what it took out of the book."""
    i = _next_row(market, _CANCEL)
    if i < 0:
        return
    row = market["log"][i]
    row["book"] = np.uint8(venue)
    row["account"] = 0
    row["qty"] = qty
    row["status"] = np.uint8(status)
    row["order_id"] = order_id


@kernel
def log_transfer(market, payer, payee, quanta, flags):
    """Log a payment that no fill explains; FORCED: one that a liquidation asks for."""
    i = _next_row(market, _TRANSFER)
    if i < 0:
        return
    row = market["log"][i]
    row["account"] = np.uint32(payer)
    row["other"] = np.uint32(payee)
    row["qty"] = quanta
    row["flags"] = np.uint16(flags)


@kernel
def log_position(market, seller, buyer, price, qty):
    """Log a perp position that changes hands outside the book."""
    i = _next_row(market, _POSITION)
    if i < 0:
        return
    row = market["log"][i]
    row["account"] = np.uint32(seller)
    row["other"] = np.uint32(buyer)
    row["price"] = price
    row["qty"] = qty


@kernel
def log_mark(market, mark, index):
    """Log a mark and the index behind it."""
    i = _next_row(market, _MARK)
    if i < 0:
        return
    row = market["log"][i]
    row["account"] = 0
    row["price"] = mark
    row["qty"] = index


@kernel
def log_liquidation(market, account, mark, qty, trigger):
    """Log that the engine took an account: signed position, mark and trigger."""
    i = _next_row(market, _LIQUIDATION)
    if i < 0:
        return
    row = market["log"][i]
    row["account"] = np.uint32(account)
    row["price"] = mark
    row["qty"] = qty
    row["order_id"] = np.uint64(trigger)


@kernel
def log_coins(market, giver, taker, qty):
    """Log coins that change hands outside the book."""
    i = _next_row(market, _COINS)
    if i < 0:
        return
    row = market["log"][i]
    row["account"] = np.uint32(giver)
    row["other"] = np.uint32(taker)
    row["qty"] = qty


@kernel
def log_debt(market, kind, account, index, lots, trigger):
    """Log what the lender does about a debt: RECALL, BUY_IN or WRITE_OFF."""
    i = _next_row(market, kind)
    if i < 0:
        return
    row = market["log"][i]
    row["account"] = np.uint32(account)
    row["price"] = index
    row["qty"] = lots
    row["order_id"] = np.uint64(trigger)


@kernel
def log_protection(market, kind, venue, side, measure, cause, price, qty, reference, value):
    """Log what the venue does to protect itself: MEASURE, BANDS, UNCROSS or UNWIND."""
    i = _next_row(market, kind)
    if i < 0:
        return
    row = market["log"][i]
    row["book"] = np.uint8(venue)
    row["account"] = 0
    row["other"] = np.uint32(measure)
    row["side"] = np.uint8(side)
    row["flags"] = np.uint16(cause)
    row["price"] = price
    row["qty"] = qty
    row["filled"] = value
    row["order_id"] = np.uint64(reference)
