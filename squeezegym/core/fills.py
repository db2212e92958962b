"""The perp fills that a cancellation of trades can reverse: a ring of the newest ones.

Each row is a fill, a position that changed hands off the book, or a payment that a liquidation led
to. Nothing is written unless the scenario lets trades be cancelled.
"""

import numpy as np

from squeezegym._jit import kernel

BOUGHT = np.int64(1)  # bits of ``what``: the aggressor bought
FORCED = np.int64(2)  # it paid no taker fee
AUCTIONED = np.int64(4)  # both sides paid the maker fee
OFF_BOOK = np.int64(8)  # no fee was paid
PAYMENT = np.int64(16)


@kernel
def remember(market, what, seller, buyer, price, qty):
    """Write a row over the oldest one, where fills are kept.

    Args:
        market: The market record.
        what: Bits as above.
        seller: Account slot; of a payment the payer.
        buyer: Account slot; of a payment the payee.
        price: Ticks.
        qty: Lots; of a payment quanta.
    """
    state = market["protection"]
    if state["n_fills"] < 0 or qty == 0:
        return
    row = market["fills"][state["n_fills"] % np.int64(market["fills"].shape[0])]
    row["time"] = market["clock"]["now"]
    row["qty"] = qty
    row["price"] = np.uint32(price)
    row["what"] = np.uint32(what)
    row["seller"] = np.uint32(seller)
    row["buyer"] = np.uint32(buyer)
    state["n_fills"] += 1
