"""Retail FOMO: a contagion that opens leveraged longs while the published price rises.

A Markov chain of ``S`` susceptible, ``I`` infected and recovered people: each susceptible one is
infected at rate ``(seed + contact * I / N) * appetite``, each infected one recovers at rate
``recovery``: Kermack and McKendrick (1927), with an appetite between 0 and 1 that the price gives.
Whoever is infected buys once, and the position stays: fuel of the way down.
"""

import numpy as np

from squeezegym._jit import kernel
from squeezegym.codes import BUY, PERP, STATE_OPEN, Source, Stream
from squeezegym.core.entrants import buy_coins, enter
from squeezegym.core.feed import receive
from squeezegym.core.flow import later
from squeezegym.core.rng import uniform, whole_lots

_SOURCE = np.int64(Source.FOMO)
_STREAM = np.int64(Stream.FOMO)


@kernel
def spread(market, params):
    """One candidate of the chain, thinned by the appetite: a new long, a recovery, or nothing.

    Each makes the same number of draws. Appetite is the mid of the last second over its mean of the
    horizon, as published, in units of the return at which it is full.
    """
    rules = params["fomo"]
    crowd = market["crowd"]
    rng = market["clock"]["rng"]
    catching, recovering = _rates(rules, crowd)
    choice = uniform(rng, _STREAM) * (catching + recovering)
    mix = uniform(rng, _STREAM)
    size = rules["smallest"] * (1.0 - uniform(rng, _STREAM)) ** (-1.0 / rules["tail"])
    receive(market)
    home = params["scale"]["home"]
    means = market["feed"]["seen"]["mean"]
    rise = means[0, home] / means[rules["horizon"], home] - 1.0
    appetite = min(1.0, max(0.0, rise / rules["full"]))
    if np.int64(market["books"][home]["state"]) != STATE_OPEN:
        appetite = 0.0  # brokers take no orders in a pause
    if choice < recovering:
        crowd["infected"] -= 1
    elif choice - recovering < catching * appetite:
        slot = rules["first"] + crowd["caught"]
        crowd["caught"] += 1
        crowd["infected"] += 1
        k = 0
        while k < rules["weight"].shape[0] - 1 and mix > rules["weight"][k]:
            k += 1
        qty = whole_lots(min(size, rules["largest"]))
        if home == PERP:
            enter(market, params, slot, BUY, qty, rules["leverage"][k], rules["cap"])
        else:
            buy_coins(market, params, slot, qty, rules["cap"])
    schedule_fomo(market, params)


@kernel
def schedule_fomo(market, params):
    """Time the next candidate of the chain at full appetite."""
    catching, recovering = _rates(params["fomo"], market["crowd"])
    market["clock"]["due"][_SOURCE] = later(market, _STREAM, catching + recovering)


@kernel
def _rates(rules, crowd):
    """Rates of infections at full appetite and of recoveries, 1/s."""
    if rules["accounts"] == 0:
        return 0.0, 0.0
    infected = np.float64(crowd["infected"])
    susceptible = np.float64(rules["accounts"] - crowd["caught"])
    pressure = rules["seed"] + rules["contact"] * infected / np.float64(rules["accounts"])
    return susceptible * pressure, rules["recovery"] * infected
