"""Followers and snipers in literals: what they see, what they send, when they stop."""

import pytest

from squeezegym.batch import stream_seeds
from squeezegym.codes import NEVER, Account, BookState, OwnerKind, Source
from squeezegym.core.feed import HORIZONS
from squeezegym.core.followers import IN, LEAVING, WATCHING, follow, snipe
from squeezegym.measures import Measure
from squeezegym.packing_crowd import _ROW
from tests.kernels import BUY, GTC, SELL, Exchange, from_python

pytestmark = [pytest.mark.nojit, pytest.mark.boundscheck]

PRICE = 10_000
FOLLOW = {
    "rate": 1.0,
    "horizon": 1,
    "imbalance": 0.6,
    "least": 10.0,
    "slice": 3,
    "slices": 2,
    "interval": 100,
    "cap": 0.001,
    "pause": 10**12,
}
SNIPE = {
    "rate": 1.0,
    "horizon": 0,
    "trigger": 5.0,
    "max_lots": 8,
    "leave": 0.5,
    "hold": 10**9,
    "cap": 0.001,
}


class Tape:
    """A book of makers' orders and a snapshot that shows 10,000 on both sides of the touch."""

    def __init__(self, **rules):
        self.exchange = Exchange(price=PRICE)
        self.market, self.params = self.exchange.market, self.exchange.params
        for section, known in (("followers", FOLLOW), ("snipers", SNIPE)):
            for name, value in known.items():
                self.params[section][name] = rules.get(name, value)
        self.market["clock"]["rng"] = stream_seeds(1)
        self.market["clock"]["due"] = NEVER
        self.seen = self.market["feed"]["seen"]
        self.seen["price"][0, :, 0] = PRICE

    def quote(self, side, price, qty):
        return self.exchange.place(side, price, qty, GTC, owner=Account.MAKER)[1]

    def flow(self, name, buys, sells, horizon):
        """Publish sums of one horizon: ``taken`` or ``forced``."""
        sums = self.seen[name][horizon]
        sums = sums[0] if name == "taken" else sums
        sums[BUY], sums[SELL] = buys, sells

    def look(self, kernel, now):
        self.market["clock"]["now"] = now
        from_python(kernel)(self.market, self.params)
        owner = Account.FOLLOWER if kernel is follow else Account.SNIPER
        return int(self.market["accounts"]["perp"][owner])

    def due(self, source):
        return int(self.market["clock"]["due"][source])

    @property
    def phase(self):
        return int(self.market["crowd"]["sniper_phase"])


def test_horizons_are_those_of_the_feed():
    assert {seconds: HORIZONS.index(seconds) for seconds in _ROW} == _ROW


def test_both_are_pools():
    kinds = Tape().market["accounts"]["kind"]
    assert [int(kinds[a]) for a in (Account.FOLLOWER, Account.SNIPER)] == [OwnerKind.POOL] * 2
    assert int(kinds[Account.WALLETS]) == int(kinds[Account.VAULT]) == OwnerKind.POT


@pytest.mark.parametrize(
    ("buys", "sells", "horizon", "follows"),
    [
        (0.0, 0.0, 1, False),
        (9.9, 0.0, 1, False),  # one-sided, but too little
        (40.0, 10.1, 1, False),  # 29.9 of 50.1
        (40.0, 10.0, 1, True),  # 30 of 50
        (40.0, 0.0, 0, False),  # of another horizon
        (10.0, 40.0, 1, True),
    ],
)
def test_they_follow_a_one_sided_tape(buys, sells, horizon, follows):
    tape = Tape()
    tape.quote(SELL, PRICE, 50)
    tape.quote(BUY, PRICE - 1, 50)
    tape.flow("taken", buys, sells, horizon)
    held = tape.look(follow, 1_000)
    assert held == (0 if not follows else 3 if buys > sells else -3)
    due = tape.due(Source.FOLLOWERS)
    assert due == 1_100 if follows else due > 1_100


def test_nobody_follows_nothing():
    tape = Tape(least=0.0, imbalance=0.001)
    tape.quote(SELL, PRICE, 50)
    assert tape.look(follow, 0) == 0
    assert int(tape.market["crowd"]["follower_left"]) == 0


@pytest.mark.parametrize("side", [BUY, SELL])
def test_a_programme_trades_equal_slices_and_takes_them_back(side):
    tape = Tape()
    tape.quote(SELL, PRICE, 50)
    tape.quote(BUY, PRICE - 1, 50)
    tape.flow("taken", *((40.0, 0.0) if side == BUY else (0.0, 40.0)), horizon=1)
    sign = 1 if side == BUY else -1
    for k, expected in enumerate((3, 6, 3)):
        assert tape.look(follow, 100 * k) == sign * expected
        assert tape.due(Source.FOLLOWERS) == 100 * k + 100
        tape.flow("taken", 0.0, 0.0, horizon=1)  # a programme does not look back
    assert tape.look(follow, 300) == 0
    assert tape.due(Source.FOLLOWERS) > 300 + 10**12
    assert int(tape.market["crowd"]["follower_left"]) == 0


def test_what_a_slice_could_not_give_back_the_later_ones_do():
    tape = Tape()
    tape.quote(SELL, PRICE, 50)
    tape.flow("taken", 40.0, 0.0, horizon=1)
    assert [tape.look(follow, now) for now in (0, 100, 200, 300)] == [3, 6, 6, 6]
    tape.quote(BUY, PRICE - 1, 4)
    assert tape.look(follow, 400) == 2
    assert tape.due(Source.FOLLOWERS) == 500
    tape.quote(BUY, PRICE - 1, 4)
    assert tape.look(follow, 500) == 0
    assert tape.due(Source.FOLLOWERS) > 10**12


def test_a_leg_that_found_nothing_ends_with_its_slices():
    tape = Tape()
    tape.flow("taken", 40.0, 0.0, horizon=1)
    assert [tape.look(follow, now) for now in (0, 100, 200, 300)] == [0] * 4
    assert tape.due(Source.FOLLOWERS) > 10**12


@pytest.mark.parametrize("kernel", [follow, snipe])
def test_the_cap_counts_from_the_published_touch(kernel):
    tape = Tape()
    tape.quote(SELL, PRICE + 12, 50)  # 0.1 % and a tick end at 10,011
    tape.flow("taken", 40.0, 0.0, horizon=1)
    tape.flow("forced", 40.0, 0.0, horizon=0)
    assert tape.look(kernel, 0) == 0
    tape.quote(SELL, PRICE + 11, 2)
    assert tape.look(kernel, 100) == 2


@pytest.mark.parametrize("kernel", [follow, snipe])
def test_without_a_published_touch_nothing_is_sent(kernel):
    tape = Tape()
    tape.seen["price"] = 0
    tape.quote(SELL, 5, 50)
    tape.flow("taken", 40.0, 0.0, horizon=1)
    tape.flow("forced", 40.0, 0.0, horizon=0)
    events = int(tape.market["clock"]["events"])
    assert tape.look(kernel, 0) == 0
    assert int(tape.market["clock"]["events"]) == events


@pytest.mark.parametrize(
    ("buys", "sells", "held"), [(4.9, 4.9, 0), (5.0, 0.0, 8), (6.0, 7.0, -8), (7.0, 7.0, 8)]
)
def test_snipers_go_in_with_the_larger_forced_flow(buys, sells, held):
    tape = Tape()
    tape.quote(SELL, PRICE, 50)
    tape.quote(BUY, PRICE - 1, 50)
    tape.flow("forced", buys, sells, horizon=0)
    assert tape.look(snipe, 0) == held
    assert tape.phase == (IN if held else WATCHING)
    assert tape.due(Source.SNIPERS) > 0


def test_snipers_fill_up_and_leave_when_the_flow_has_ebbed():
    tape = Tape()
    tape.quote(BUY, PRICE - 1, 5)
    tape.quote(SELL, PRICE, 6)
    tape.flow("forced", 10.0, 0.0, horizon=0)
    assert tape.look(snipe, 0) == 6
    tape.quote(SELL, PRICE, 6)
    tape.flow("forced", 20.0, 0.0, horizon=0)
    assert tape.look(snipe, 100) == 8
    tape.flow("forced", 10.0, 30.0, horizon=0)  # half of the peak; the other side does not count
    assert tape.look(snipe, 200) == 8
    tape.flow("forced", 9.9, 0.0, horizon=0)
    assert tape.look(snipe, 300) == 3
    assert tape.phase == LEAVING
    tape.quote(BUY, PRICE - 1, 5)
    assert tape.look(snipe, 400) == 0
    assert tape.phase == LEAVING  # the same burst still shows more than the trigger
    tape.flow("forced", 4.9, 0.0, horizon=0)
    assert tape.look(snipe, 500) == 0
    assert tape.phase == WATCHING


def test_snipers_leave_after_their_longest_stay():
    tape = Tape()
    tape.quote(SELL, PRICE, 50)
    tape.quote(BUY, PRICE - 1, 50)
    tape.flow("forced", 0.0, 10.0, horizon=0)
    assert tape.look(snipe, 100) == -8
    assert tape.look(snipe, 99 + 10**9) == -8
    assert tape.look(snipe, 100 + 10**9) == 0
    assert tape.look(snipe, 200 + 10**9) == 0
    assert tape.phase == LEAVING


def test_snipers_send_one_order_to_a_batch():
    tape = Tape()
    tape.market["protection"]["measures"] = Measure.BATCH_AUCTION
    tape.market["books"]["state"][0] = BookState.AUCTION
    tape.flow("forced", 10.0, 0.0, horizon=0)
    live = []
    for now, batch in ((0, 500), (100, 500), (600, 1_000)):
        tape.market["protection"]["batch"] = batch
        assert tape.look(snipe, now) == 0
        live.append(int(tape.market["books"]["live"][0]))
    assert live == [1, 1, 2]
