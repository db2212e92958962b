"""Others' requests before the matching engine: the work that they leave, to the nanosecond."""

import numpy as np
import pytest

from squeezegym.codes import Account
from squeezegym.core.fifo import backlog, hear_others, join_line, leave_line, open_gateway
from squeezegym.gatewaycodes import SLOT
from squeezegym.params import params_dtype
from squeezegym.state import market_dtype
from tests.kernels import BUY, GTC, from_python

MS = 1_000_000
SERVICE = 5 * MS
OPENING = -30 * MS


class Engine:
    """An engine before which others ask for a share of its time."""

    def __init__(self, share):
        self.market = np.zeros(1, market_dtype("small"))[0]
        self.params = np.zeros(1, params_dtype("small"))[0]
        rules = self.params["gateway"]
        rules["service"], rules["bound"] = SERVICE, 100
        rules["shed_waiting"] = rules["shed_delay"] = np.iinfo(np.int64).max
        self.gateway = self.market["gateway"]
        self.open(share)

    def open(self, share):
        self.market["clock"]["now"] = OPENING
        from_python(open_gateway)(self.market, self.params)
        self.gateway["others"] = share

    def hear(self, ms):
        """Let time pass until so long after the opening, and count their work."""
        self.market["clock"]["now"] = OPENING + ms * MS
        from_python(hear_others)(self.market)

    def busy_ms(self):
        return (int(self.gateway["busy_until"]) - int(self.market["clock"]["now"])) / MS

    def join(self):
        integers = (SLOT, 0, Account.MAKER, BUY, 100, 1, GTC, 0, 0, 0)
        assert from_python(join_line)(self.market, self.params, *map(np.int64, integers))

    def line(self):
        """Work of others before each message in line, ms."""
        n = int(self.gateway["waiting"])
        return (self.market["line"]["others"][:n] / MS).tolist()


@pytest.mark.parametrize("share", [0.5, 1.0, 3.0])
def test_an_engine_without_a_line_does_their_work_as_it_comes(share):
    engine = Engine(share)
    engine.hear(40)
    assert (engine.busy_ms(), int(engine.gateway["between"])) == (0.0, 0)
    assert int(engine.gateway["offered"]) == share * 40 * MS


def test_it_does_theirs_after_what_it_has_begun():
    engine = Engine(0.5)
    engine.gateway["busy_until"] = OPENING + 10 * MS
    engine.hear(8)  # 2 ms are left of the message, 4 ms of theirs came
    assert engine.busy_ms() == 6.0
    engine.hear(20)  # these 6 ms and 6 more are done
    assert engine.busy_ms() == 0.0


def test_theirs_stand_between_the_messages_in_line():
    engine = Engine(0.5)
    engine.gateway["busy_until"] = OPENING + 30 * MS
    engine.join()
    for ms in (4, 10):
        engine.hear(ms)
        engine.join()
    assert engine.line() == [0.0, 2.0, 3.0]
    assert from_python(backlog)(engine.market) == (20 + 15 + 5) * MS
    from_python(leave_line)(engine.market)
    from_python(leave_line)(engine.market)
    assert int(engine.gateway["theirs"]) == 3 * MS


def test_no_row_holds_more_than_it_can():
    """A line that nobody can join for long would wrap its 32 bits, and never be even again."""
    engine = Engine(3.0)
    engine.gateway["busy_until"] = OPENING + 10_000 * MS
    engine.join()
    for ms in (1_000, 2_000, 3_000):
        engine.hear(ms)
    engine.join()
    most = np.iinfo(np.uint32).max
    assert engine.line() == [0.0, most / MS] and int(engine.gateway["theirs"]) == most
    from_python(leave_line)(engine.market)
    from_python(leave_line)(engine.market)
    assert int(engine.gateway["theirs"]) == 0


def test_another_episode_begins_as_the_first():
    engine = Engine(0.5)
    first = engine.market.tobytes()
    engine.hear(90)
    engine.open(0.5)
    assert engine.market.tobytes() == first
