"""Activity: a slow common factor of noise flow and of the fundamental's volatility.

Its log is the sum of a fast and a slow Ornstein-Uhlenbeck process, moved exactly from step to step,
so neither mean nor variance depends on the step.
"""

import math

import numpy as np

from squeezegym._jit import kernel
from squeezegym.codes import NEVER, ZERO, Source, Stream
from squeezegym.core.flow import move_fundamental, schedule_noise
from squeezegym.core.rng import normal

_SOURCE = np.int64(Source.ACTIVITY)
_STREAM = np.int64(Stream.ACTIVITY)
_SECOND = 1e9


@kernel
def change_activity(market, params, opens):
    """Move activity by one step, or draw it from its stationary law at the opening.

    The fundamental is moved first, with the volatility that held until now; the next candidates of
    the noise flow are timed anew, because thinning needs a bound that still holds.
    """
    rules = params["activity"]
    flow = market["flow"]
    rng = market["clock"]["rng"]
    if rules["interval"] == NEVER:
        flow["activity"] = 1.0
        flow["agitation"] = 1.0
        return
    if opens == ZERO:
        move_fundamental(market, params)
    level = 0.0
    for i in range(2):
        keep = rules["keep"][i] if opens == ZERO else 0.0
        fresh = rules["sd"][i] * math.sqrt(1.0 - keep * keep)
        flow["news"][i] = keep * flow["news"][i] + fresh * normal(rng, _STREAM)
        level += flow["news"][i]
    flow["activity"] = math.exp(level + rules["shift"])
    flow["agitation"] = math.exp(rules["power"] * level + rules["power_shift"])
    now = market["clock"]["now"]
    market["clock"]["due"][_SOURCE] = now + rules["interval"]
    if opens != ZERO:
        return
    for v in range(2):
        venue = np.int64(v)
        age = np.float64(now - flow["excited_at"][venue]) / _SECOND
        flow["excitation"][venue] *= math.exp(-params["noise"][venue]["decay"] * age)
        schedule_noise(market, params, venue)
