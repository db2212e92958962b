"""The market's line driven by Poisson messages that ask for nothing but the engine's time."""

import numba
import numpy as np

from squeezegym.codes import BUY, GTC, NEVER, NOISE, PERP, ZERO
from squeezegym.core.book import NO_ORDER
from squeezegym.core.fifo import is_busy, join_line, leave_line, occupy_engine, open_gateway
from squeezegym.core.rng import exponential
from squeezegym.gatewaycodes import Errand
from squeezegym.params import params_dtype
from squeezegym.state import market_dtype
from tests.kernels import from_python

SERVICE = 1_000_000  # ns
_ORDER = np.int64(Errand.ORDER)
_ARRIVALS = np.int64(0)  # a stream that the line does not draw from


@numba.njit(error_model="numpy")
def _send(market, params, mean, waits, burst):
    """Send messages until as many were matched as ``waits`` holds; returns ``(sent, idle at)``."""
    gateway = market["gateway"]
    clock = market["clock"]
    for _ in range(burst):
        if is_busy(market):
            join_line(
                market, params, _ORDER, PERP, NOISE, BUY, ZERO, ZERO, GTC, ZERO, NO_ORDER, ZERO
            )
        else:
            occupy_engine(market, params)
    sent = 0
    matched = 0
    arrival = np.int64(exponential(clock["rng"], _ARRIVALS) * mean)
    while matched < waits.shape[0]:
        turn = gateway["busy_until"] if gateway["waiting"] > 0 else NEVER
        if burst > 0 and gateway["waiting"] == 0 and gateway["busy_until"] <= arrival:
            return sent, gateway["busy_until"]
        if turn <= arrival:
            clock["now"] = turn
            row = leave_line(market)
            waits[matched] = turn - market["line"][row]["arrived"]
            occupy_engine(market, params)
            matched += 1
            continue
        clock["now"] = arrival
        sent += 1
        arrival += np.int64(exponential(clock["rng"], _ARRIVALS) * mean)
        if is_busy(market):
            join_line(
                market, params, _ORDER, PERP, NOISE, BUY, ZERO, ZERO, GTC, ZERO, NO_ORDER, ZERO
            )
        else:
            waits[matched] = 0
            occupy_engine(market, params)
            matched += 1
    return sent, gateway["busy_until"]


class Line:
    """An idle engine with messages of one mean service time, and a line of some places."""

    def __init__(self, seed, utilisation, law="exponential", bound=190, shed=NEVER):
        self.market = np.zeros(1, market_dtype("small"))[0]
        self.params = np.zeros(1, params_dtype("small"))[0]
        rules = self.params["gateway"]
        rules["service"] = SERVICE
        rules["exponential"] = law == "exponential"
        rules["bound"] = bound
        rules["shed_waiting"], rules["shed_delay"] = shed, NEVER
        from_python(open_gateway)(self.market, self.params)
        states = np.random.default_rng(seed).integers(1, 2**63, self.market["clock"]["rng"].shape)
        self.market["clock"]["rng"] = states.astype(np.uint64)
        self.mean = SERVICE / utilisation if utilisation > 0 else 1e18

    def waits(self, matched):
        """Waits of so many messages in service times, in the order of their turns."""
        waits = np.zeros(matched, np.int64)
        self.sent, _ = _send(self.market, self.params, self.mean, waits, 0)
        return waits / SERVICE

    def drain(self, burst):
        """Service times until an engine that ``burst`` messages meet at once is idle."""
        room = np.zeros(100_000, np.int64)
        _, idle = _send(self.market, self.params, self.mean, room, burst)
        return idle / SERVICE

    @property
    def refused(self):
        """Messages refused: overload, no place, rate limit."""
        return self.market["gateway"]["refused"].tolist()
