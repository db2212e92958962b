"""Several learners in the kernel: whose account is whose, and whose message comes when."""

import numpy as np
import pytest

from squeezegym.codes import Account, OwnerKind
from squeezegym.core.accounts import open_accounts
from squeezegym.core.exchange import withdraw_all
from squeezegym.core.gateway import send
from squeezegym.core.seats import account_of, forget_orders, is_learner, seat_of, stream_of, tell
from squeezegym.gatewaycodes import LEARNER_ORDER
from squeezegym.packing_learner import Seat
from squeezegym.params import params_dtype
from squeezegym.players import Player
from squeezegym.state import N_STREAMS, SIZES, market_dtype
from tests.kernels import BUY, GTC, from_python

N = 4  # learners, of whom the third is the second order of the second


class Seats:
    """A small market with places for learners, its accounts empty."""

    def __init__(self):
        self.market = np.zeros(1, market_dtype("small", N))[0]
        self.params = np.zeros(1, params_dtype("small", N))[0]
        self.learners = self.market["learners"]
        self.learners["hand"][2] = 1
        from_python(open_accounts)(self.market)

    def call(self, kernel, *integers):
        return from_python(kernel)(self.market, *map(np.int64, integers))

    def send(self, seat, now, latency):
        self.market["clock"]["now"] = now
        self.params["learners"]["latency"] = latency
        integers = (seat, LEARNER_ORDER, BUY, 100, 1, GTC, 0, 0)
        from_python(send)(self.market, self.params, *map(np.int64, integers))

    def under_way(self):
        messages = self.market["gateway"]["messages"][: int(self.market["gateway"]["size"])]
        return [(int(m["seat"]), int(m["due"])) for m in messages]


def test_the_first_has_the_old_account_and_the_others_the_last_ones():
    seats = Seats()
    n = SIZES["small"].accounts + N  # an even number of places more
    assert len(seats.market["accounts"]) == n
    own = [Account.LEARNER, n - 3, n - 3, n - 1]
    assert [int(seats.call(account_of, seat)) for seat in range(N)] == own
    assert [int(seats.call(seat_of, slot)) for slot in own] == [0, 1, 1, 3]
    kinds = seats.market["accounts"]["kind"]
    learners = [Account.LEARNER, n - 3, n - 2, n - 1]  # that of a second order stays empty
    assert np.flatnonzero(kinds == OwnerKind.LEARNER).tolist() == learners
    assert [bool(seats.call(is_learner, slot)) for slot in (9, 10, 11, n - 4, n - 3)] == [
        *(False, True, False, False, True)
    ]


@pytest.mark.parametrize(("slot", "told"), [(10, [0]), (-3, [1, 2]), (-1, [3]), (16, []), (2, [])])
def test_an_account_tells_every_order_of_its_own(slot, told):
    seats = Seats()
    slot %= len(seats.market["accounts"])
    seats.learners["order_id"] = 9
    seats.call(tell, slot)
    assert np.flatnonzero(seats.learners["changed"]).tolist() == told
    if told:
        seats.call(forget_orders, slot)
        assert np.flatnonzero(seats.learners["order_id"] == 0).tolist() == told


def test_every_learner_has_streams_of_its_own():
    call = from_python(stream_of)
    found = [int(call(np.int64(s), np.int64(13), np.int64(w))) for s in range(N) for w in range(2)]
    assert found == [13, 13, *range(N_STREAMS, N_STREAMS + 6)]
    assert len(Seats().market["clock"]["rng"]) == N_STREAMS + 6


def test_messages_arrive_in_their_time_and_none_overtakes_its_sender_s_last():
    seats = Seats()
    seats.send(0, 0, 100)
    seats.send(1, 10, 20)
    assert seats.under_way() == [(1, 30), (0, 100)]
    seats.send(0, 20, 5)  # not before the first
    seats.send(3, 25, 75)  # at once with them: after
    assert seats.under_way() == [(1, 30), (0, 100), (0, 100), (3, 100)]
    assert seats.learners["sent"].tolist() == [2, 1, 0, 1]


def test_what_is_cancelled_for_an_account_is_forgotten_by_all_its_orders():
    seats = Seats()
    slot = int(seats.call(account_of, 1))
    seats.learners["order_id"] = 9
    from_python(withdraw_all)(seats.market, seats.params, np.int64(slot))
    assert seats.learners["order_id"].tolist() == [9, 9, 9, 9]  # no lots rest
    seats.market["holders"][slot]["open_lots"][BUY] = 5
    from_python(withdraw_all)(seats.market, seats.params, np.int64(slot))
    assert seats.learners["order_id"].tolist() == [9, 0, 0, 9]


def test_seats_of_each_role():
    money = {"limit_base": 2.0, "capital_quote": 100.0}
    for role in ("squeezer", "short_seller", "sniper"):
        assert Player(role=role, **money).seats == (Seat(Player(role=role, **money)),)
    maker = Player(role="maker", widest_bps=7.0, **money)
    assert maker.seats == (Seat(maker, 7.0), Seat(maker, 7.0, hand=True))
    perp, spot = Player(role="arbitrageur", **money).seats
    assert (perp.learner.venue, spot.learner.venue) == ("perp", "spot")
    assert perp.learner.capital_quote == spot.learner.capital_quote == 50.0
