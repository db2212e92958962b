"""What must hold between accounts, liquidation ladder and the engine's queue."""

import numpy as np

from squeezegym.codes import FIRST_HOLDER_SLOT, Account, OwnerKind
from squeezegym.core.margin import UNREACHABLE, liquidation_trigger
from tests.kernels import from_python

NO_SLOT = np.iinfo(np.uint32).max
FREE, IN_LADDER, IN_QUEUE, WAITING = 0, 1, 2, 4  # codes.Standing; 2 to 4: with the engine


def maintenance(margin, notional):
    """Maintenance margin in Python integers."""
    tiers = [i for i in range(int(margin["n_tiers"])) if notional >= int(margin["floor"][i])]
    rate, deduction = int(margin["rate"][tiers[-1]]), int(margin["deduction"][tiers[-1]])
    return -(-notional * rate // 10**8) - deduction


def is_liquidatable(margin, quote, perp, mark):
    if perp == 0:
        return False
    return quote + perp * mark <= maintenance(margin, abs(perp) * mark)


def queue_slots(market):
    """Accounts before the engine: those it has not served yet, then those that wait."""
    engine, n = market["engine"], market["queue"].shape[1]
    return [
        int(market["queue"][ring, (int(engine[head]) + i) % n])
        for ring, head, size in ((0, "head", "size"), (1, "cool_head", "cool_size"))
        for i in range(int(engine[size]))
    ]


def ladder_slots(market, side, name="ladder"):
    """Return {bucket: slots} by walking the lists, checking their links."""
    accounts, heads = market["accounts"], market[name]["heads"][side]
    found = {}
    for bucket in np.flatnonzero(heads != NO_SLOT).tolist():
        slot, previous, slots = int(heads[bucket]), NO_SLOT, []
        while slot != NO_SLOT:
            assert int(accounts["prev"][slot]) == previous
            assert int(accounts["bucket"][slot]) == bucket
            slots.append(slot)
            previous, slot = slot, int(accounts["next"][slot])
        found[bucket] = slots
    return found


def assert_ladder_sound(market, margin, triggers=True):
    """Check that the ladder holds exactly the laddered accounts, each at its own trigger."""
    accounts, ladder = market["accounts"], market["ladder"]
    base, shift = int(ladder["base"]), int(ladder["shift"])
    last = ladder["heads"].shape[1] - 1
    laddered = set()
    for side in range(2):
        buckets = ladder_slots(market, side)
        bits = np.unpackbits(ladder["fine"][side].view(np.uint8), bitorder="little")
        assert np.flatnonzero(bits).tolist() == sorted(buckets)
        found = []
        for bucket, slots in buckets.items():
            for slot in slots:
                trigger = int(accounts["trigger"][slot])
                assert bucket == min(max((trigger - base) >> shift, 0), last)
                assert (int(accounts["perp"][slot]) < 0) == (side == 1)
                assert slot not in laddered
                laddered.add(slot)
                found.append(trigger)
        nearest = int(ladder["nearest"][side])
        assert nearest == (min(found, default=UNREACHABLE) if side else max(found, default=0))
    kinds = accounts["kind"]
    holders = [s for s in range(FIRST_HOLDER_SLOT, len(kinds)) if kinds[s] != OwnerKind.LEARNER]
    states = accounts["laddered"]
    assert laddered == {slot for slot in holders if int(states[slot]) == IN_LADDER}
    assert laddered | set(queue_slots(market)) >= {
        slot for slot in holders if int(accounts["perp"][slot]) != 0
    }
    assert set(queue_slots(market)) == set(
        np.flatnonzero((states >= IN_QUEUE) & (states <= WAITING)).tolist()
    )
    if triggers:
        call = from_python(liquidation_trigger)
        for slot in laddered:
            expected = int(call(accounts[slot], margin))
            alarm = int(market["holders"]["alarm"][slot])
            if accounts["alarmed"][slot] == 1:
                nearer = min if int(accounts["perp"][slot]) < 0 else max
                expected = nearer(expected, alarm)
            assert int(accounts["trigger"][slot]) == expected


def assert_conserved(market):
    accounts = market["accounts"]
    assert [int(accounts[field].sum()) for field in ("quote", "spot", "perp")] == [0, 0, 0]
    interest = int(np.maximum(accounts["perp"], 0).sum())
    assert int(market["score"]["open_interest"]) == interest
    assert int(accounts["quote"][Account.FUND]) >= 0
    assert int(market["holders"]["wallet"].sum()) == int(accounts["quote"][Account.WALLETS])
