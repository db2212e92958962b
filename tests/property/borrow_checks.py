"""What must hold between borrowers, their ladder, the lines before the desk and the lender."""

import numpy as np

from squeezegym.codes import NEVER, Account
from squeezegym.core.borrow import buy_in_trigger
from squeezegym.core.margin import UNREACHABLE
from tests.kernels import from_python
from tests.oracle.naive_lender import is_callable
from tests.property.ladder_checks import NO_SLOT, ladder_slots

IN_BORROW_LADDER, IN_BUY_IN = 10, 11


def line_slots(market):
    """Slots that wait for the desk: first tries, then others, each in the order of their times."""
    found = []
    for line in range(2):
        slot, last = int(market["borrow"]["heads"][line]), None
        while slot != NO_SLOT:
            ready = int(market["holders"]["ready"][slot])
            assert last is None or ready >= last
            found.append(slot)
            last, slot = ready, int(market["accounts"]["next"][slot])
    return found


def notice_slots(market):
    ring, slots = market["borrow"]["notices"], market["recalled"]
    return [int(slots[(int(ring["head"]) + i) % len(slots)]) for i in range(int(ring["size"]))]


def assert_lender_sound(market):
    """Coins lent and free are the supply, and no account's cash is below zero."""
    borrow, accounts = market["borrow"], market["accounts"]
    debts = market["holders"]["debt"]
    free = int(accounts["spot"][Account.LENDER])
    lent = int(borrow["lent"])
    assert (debts >= 0).all() and free >= 0
    assert lent == int(debts.sum())
    assert lent + free == int(borrow["supply"])
    assert 0 <= int(borrow["leaving"]) <= lent and (borrow["leaving"] == 0 or free == 0)
    owed = np.flatnonzero(debts)
    assert (accounts["quote"][owed] >= 0).all()
    if owed.size:
        assert int(borrow["first"]) <= owed[0] and owed[-1] <= int(borrow["last"])


def assert_borrowers_sound(market, rules):
    """Every debt stands in the ladder at its own trigger or waits for the desk."""
    accounts, holders, ladder = market["accounts"], market["holders"], market["borrow_ladder"]
    call = from_python(buy_in_trigger)
    base, shift = int(ladder["base"]), int(ladder["shift"])
    laddered = {}
    for bucket, slots in ladder_slots(market, 1, "borrow_ladder").items():
        for slot in slots:
            trigger = int(accounts["trigger"][slot])
            assert bucket == min(max((trigger - base) >> shift, 0), 4095)
            assert trigger == int(call(accounts[slot], holders["debt"][slot], rules["liquidation"]))
            laddered[slot] = trigger
    assert not ladder_slots(market, 0, "borrow_ladder")
    assert int(ladder["nearest"][1]) == min(laddered.values(), default=int(UNREACHABLE))
    states = accounts["laddered"]
    waiting = line_slots(market)
    assert len(set(waiting)) == len(waiting)
    assert set(laddered) == set(np.flatnonzero(states == IN_BORROW_LADDER).tolist())
    assert set(waiting) == set(np.flatnonzero(states == IN_BUY_IN).tolist())
    assert set(laddered) | set(waiting) >= set(np.flatnonzero(holders["debt"]).tolist())
    notices = notice_slots(market)
    assert len(set(notices)) == len(notices)
    called = set(np.flatnonzero(holders["notice"] != NEVER).tolist())
    assert set(notices) <= called <= set(notices) | set(waiting)
    now = int(market["clock"]["now"])
    assert all(int(holders["notice"][slot]) > now for slot in notices)


def assert_nobody_is_left_out(market, rules):
    """After a check of the index every callable debt waits for the desk."""
    index, level = int(market["marks"]["index"]), int(rules["liquidation"])
    waiting = set(line_slots(market))
    for slot in np.flatnonzero(market["holders"]["debt"]).tolist():
        quote, spot = (int(market["accounts"][field][slot]) for field in ("quote", "spot"))
        if is_callable(quote, spot, int(market["holders"]["debt"][slot]), level, index):
            assert slot in waiting
