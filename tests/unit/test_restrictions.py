"""Buy restriction and short ban in literals: for whom, and for how long."""

import numpy as np
import pytest

from squeezegym.codes import NEVER, Account, OrderFlag, Status
from squeezegym.core.accounts import move_position
from squeezegym.errors import ConfigError
from squeezegym.measures import N_RULES, Rule
from squeezegym.scenario import Scenario
from tests.kernels import BUY, IOC, SELL, from_python
from tests.unit.halted import HOLDER, MAKER, SECOND, Halt

pytestmark = [pytest.mark.nojit, pytest.mark.boundscheck]


def scheduled(*rules, start=10, end=20, **more):
    """Rules that hold for ten seconds, without limit-up/limit-down."""
    times = {"start": np.full(N_RULES, NEVER), "end": np.full(N_RULES, NEVER)}
    for rule in rules:
        times["start"][rule], times["end"][rule] = start * SECOND, end * SECOND
    return {"limits": 0, **times, **more}


RESTRICTED = scheduled(Rule.BUY_RESTRICTION)
BANNED = scheduled(Rule.SHORT_BAN)


def own(halt, slot, coins):
    halt.market["accounts"]["spot"][slot] += coins
    halt.market["accounts"]["spot"][Account.OUTSIDE] -= coins


def restricted(rules, **more):
    halt = Halt(**{**rules, **more})
    halt.params["fomo"]["accounts"], halt.params["fomo"]["first"] = 2, HOLDER + 1
    halt.place(SELL, 1_010, 50)
    halt.place(BUY, 990, 50)
    halt.run(10)
    return halt


def test_a_buy_restriction_is_for_retail_and_for_its_time():
    halt = restricted(RESTRICTED)
    assert halt.measures() == [(10, "BUY_RESTRICTION", True, "SCHEDULE")]
    refused, filled = (Status.BUY_RESTRICTED, 0), (Status.FILLED, 1)
    assert halt.place(BUY, 1_010, 1, IOC, HOLDER + 1) == refused
    assert halt.place(BUY, 1_010, 1, IOC, HOLDER) == filled  # a borrower
    for account in ("NOISE", "CATALYST", "SNIPER"):
        assert halt.place(BUY, 1_010, 1, IOC, Account[account]) == filled
    for account in ("LEARNER", "FOLLOWER"):
        assert halt.place(BUY, 1_010, 1, IOC, Account[account]) == refused
    own(halt, HOLDER + 1, 5)
    assert halt.place(SELL, 990, 5, IOC, HOLDER + 1) == (Status.FILLED, 5)
    halt.run(20)
    assert halt.measures()[1:] == [(20, "BUY_RESTRICTION", False, "SCHEDULE")]
    assert halt.place(BUY, 1_010, 1, IOC, HOLDER + 1) == filled


def test_a_restricted_short_may_close_but_not_turn():
    halt = restricted(RESTRICTED)
    halt.market["holders"]["debt"][Account.LEARNER] = 5
    assert halt.place(BUY, 1_010, 6, IOC, Account.LEARNER) == (Status.BUY_RESTRICTED, 0)
    assert halt.place(BUY, 1_010, 5, IOC, Account.LEARNER) == (Status.FILLED, 5)


def test_learner_and_followers_can_be_left_out():
    halt = restricted(RESTRICTED, learner=0, followers=0)
    for account in ("LEARNER", "FOLLOWER"):
        assert halt.place(BUY, 1_010, 1, IOC, Account[account]) == (Status.FILLED, 1)


def test_a_short_ban_is_for_all_but_the_makers_and_the_background():
    halt = restricted(BANNED)
    assert halt.measures() == [(10, "SHORT_BAN", True, "SCHEDULE")]
    for slot in (HOLDER, Account.LEARNER, Account.FOLLOWER, Account.SNIPER):
        assert halt.place(SELL, 990, 1, IOC, slot) == (Status.SHORT_BANNED, 0)
        own(halt, slot, 3)
        assert halt.place(SELL, 990, 4, IOC, slot) == (Status.SHORT_BANNED, 0)
        assert halt.place(SELL, 990, 3, IOC, slot) == (Status.FILLED, 3)
    for slot in (Account.MAKER, Account.NOISE, Account.VALUE):
        assert halt.place(SELL, 990, 1, IOC, slot) == (Status.FILLED, 1)


def test_a_ban_on_the_perp_looks_at_the_perp_position():
    halt = Halt(**{**BANNED, "book": 0})
    halt.exchange.place(BUY, 990, 50, owner=MAKER)
    halt.run(10)
    assert halt.exchange.place(SELL, 990, 1, IOC, HOLDER)[0] == 0
    outside = np.int64(Account.OUTSIDE)
    from_python(move_position)(halt.market, outside, np.int64(HOLDER), np.int64(1_000), np.int64(2))
    assert halt.exchange.place(SELL, 990, 2, IOC, HOLDER)[0] == 2


def test_forced_orders_know_no_restriction():
    halt = restricted(RESTRICTED)
    forced = int(OrderFlag.FORCED)
    assert halt.place(BUY, 1_010, 1, IOC, HOLDER + 1, forced) == (Status.FILLED, 1)


def test_a_schedule_ends_before_it_begins_is_one_clear_sentence():
    with pytest.raises(ConfigError, match=r"end_s=5\.0 needs a start_s before it, got 10\.0"):
        Scenario.load(
            "calm", **{"protection.short_ban.start_s": 10.0, "protection.short_ban.end_s": 5.0}
        )
