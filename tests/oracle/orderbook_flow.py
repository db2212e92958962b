"""Random messages for a book, around a wandering centre."""

import random

from squeezegym.codes import Side
from tests.oracle.naive_orderbook import (
    AMEND,
    CANCEL,
    CANCEL_ALL,
    FOK,
    GTC,
    IOC,
    NEW,
    POST_ONLY,
    REDUCE_ONLY,
)

FIELDS = ("kind", "side", "tif", "flags", "owner", "order_id", "price", "qty")
OWNERS = 6


class Flow:
    """Random messages around a wandering centre, with the live ids of the naive book.

    Args:
        naive: The book that will get the messages.
        seed: Of the random numbers.
        spread: Standard deviation of the prices around the centre, in ticks.
        drift: Standard deviation of the centre's steps.
        far: Share of the prices that stand far away, at any order of magnitude.
        reduce: Share of the orders that are reduce-only.
        stride: Ids are multiples of this number, modulo 2**64.
        strict: Leave out what only a raw message can be: undefined codes and an id used twice.
    """

    def __init__(self, naive, seed, spread=6.0, drift=0.7, far=0.02, reduce=0.2, **ids):
        self.naive = naive
        self.draw = random.Random(seed)
        self.spread, self.drift, self.far, self.reduce = spread, drift, far, reduce
        self.stride, self.strict = ids.get("stride", 1), ids.get("strict", False)
        self.centre = sum(naive.price_range) // 2
        self.used = 0

    def take(self, n):
        """Yield messages; each looks at the naive book when it is asked for."""
        for _ in range(n):
            yield self.message()

    def message(self):
        undefined = 0 if self.strict else 4
        kind = self.draw.choices(
            (NEW, CANCEL, AMEND, CANCEL_ALL, self.draw.randint(4, 255)),
            (600, 70, 130, 2, undefined),
        )[0]
        message = {**dict.fromkeys(FIELDS, 0), "kind": kind, "owner": self.owner()}
        side = self.draw.randrange(2)
        if kind == NEW:
            message |= self.new(message["owner"], side)
        else:
            price = self.price(side) if self.draw.random() < 0.6 else 0
            message |= {"order_id": self.known_id(), "price": price, "qty": self.quantity()}
        return message

    def new(self, owner, side):
        codes = {
            "side": side,
            "tif": self.draw.choices((GTC, IOC, FOK), (75, 12, 13))[0],
            "flags": self.draw.choices((0, POST_ONLY), (85, 15))[0],
        }
        if self.draw.random() < self.reduce:
            codes["flags"] |= REDUCE_ONLY
            if self.draw.random() < 0.7:
                side = codes["side"] = int(self.naive.position(owner) > 0)
        if not self.strict and self.draw.random() < 0.01:
            codes[self.draw.choice(list(codes))] = self.draw.choice((4, 8, 16, 128, 255))
        price = 0 if self.draw.random() < 0.06 else self.price(side)
        return codes | {"order_id": self.new_id(), "price": price, "qty": self.quantity()}

    def owner(self):
        nobody = self.draw.random() < 0.01
        return self.draw.choice((OWNERS, 2**32 - 1)) if nobody else self.draw.randrange(OWNERS)

    def quantity(self):
        if self.draw.random() < 0.01:
            return self.draw.choice((0, -1, 2**32, 2**32 - 1, 2**63 - 1, -(2**63)))
        return self.draw.choice((1, 1, 2, 3, 5, 8, 13, 40))

    def price(self, side):
        low, high = self.naive.price_range
        if self.draw.random() < 0.01:
            return self.draw.choice((low - 1, high + 1, -5, 2**62))
        self.centre = min(max(low, self.centre + self.draw.gauss(0, self.drift)), high)
        away = self.draw.gauss(0.9, 1) * self.spread  # mostly on the passive side
        if self.draw.random() < self.far:
            away = (high - low) ** self.draw.random() * self.draw.choice((1, 1, 1, -1))
        price = self.centre - away if side == Side.BUY else self.centre + away
        return round(min(max(low, price), high)) or 1

    def new_id(self):
        if not self.strict and self.draw.random() < 0.05:
            return self.known_id()
        self.used += 1
        return self.used * self.stride % 2**64

    def known_id(self):
        """Return the id of a live order, sometimes of one that was or never will be."""
        if self.naive.live and self.draw.random() < 0.85:
            return self.draw.choice(list(self.naive.live))
        return max(1, self.used + 1 - self.draw.randrange(60)) * self.stride % 2**64
