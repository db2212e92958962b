"""Traders who see what the feed publishes and trade along: TWAP followers and snipers.

Both read the last snapshot that has arrived, never the true book, and send IOC orders within a cap
of its touch. Each is a pool: one programme, one position at a time.
"""

import numpy as np

from squeezegym._jit import kernel
from squeezegym.codes import (
    BUY,
    FOLLOWER,
    IOC,
    MAX_QTY,
    NEVER,
    ONE,
    PERP,
    SELL,
    SNIPER,
    STATE_OPEN,
    ZERO,
    Source,
    Stream,
)
from squeezegym.core.admission import collects_batch
from squeezegym.core.book import NO_ORDER
from squeezegym.core.exchange import place
from squeezegym.core.feed import receive
from squeezegym.core.fifo import awaits, is_busy, join_line
from squeezegym.core.flow import later
from squeezegym.core.fund import playable
from squeezegym.gatewaycodes import ORDER

_FOLLOWERS = np.int64(Source.FOLLOWERS)
_SNIPERS = np.int64(Source.SNIPERS)
_FOLLOWER_STREAM = np.int64(Stream.FOLLOWERS)
_SNIPER_STREAM = np.int64(Stream.SNIPERS)
WATCHING = np.int64(0)  # values of crowd["sniper_phase"]
IN = np.int64(1)
LEAVING = np.int64(2)


@kernel
def follow(market, params):
    """Look for a one-sided tape, or trade the next slice of the programme under way.

    A programme is a leg of equal slices with the tape, then as many that take the position back;
    what a slice could not fill the later ones of the second leg share, and the last is repeated
    until nothing is left.
    """
    rules = params["followers"]
    crowd = market["crowd"]
    due = market["clock"]["due"]
    venue = params["scale"]["home"]
    receive(market)
    if crowd["follower_left"] == 0:
        due[_FOLLOWERS] = later(market, _FOLLOWER_STREAM, rules["rate"])
        taken = market["feed"]["seen"]["taken"]
        buys = taken[rules["horizon"], venue, BUY]
        sells = taken[rules["horizon"], venue, SELL]
        net = abs(buys - sells)
        if net == 0.0 or net < rules["least"] or net < rules["imbalance"] * (buys + sells):
            return
        crowd["follower_side"] = BUY if buys > sells else SELL
        crowd["follower_left"] = 2 * rules["slices"]
    left = crowd["follower_left"]
    side = crowd["follower_side"]
    qty = rules["slice"]
    if left <= rules["slices"]:
        held = _held(market, venue)
        side = SELL if held > 0 else BUY
        qty = -(-abs(held) // left)
    _cross(market, params, venue, FOLLOWER, side, qty, rules["cap"])
    left -= 1
    if left == 0 and _held(market, venue) != 0:
        left = ONE
    crowd["follower_left"] = left
    if left > 0:
        due[_FOLLOWERS] = market["clock"]["now"] + rules["interval"]
        return
    due[_FOLLOWERS] = later(market, _FOLLOWER_STREAM, rules["rate"])
    if due[_FOLLOWERS] != NEVER:
        due[_FOLLOWERS] += rules["pause"]


@kernel
def snipe(market, params):
    """Look at the published forced flow: go in with it, or leave when it has ebbed.

    One burst is sniped once: who has left waits until the flow of that side is below the trigger.
    Predators trade in the distressed direction first and unwind after it, which overshoots:
    Brunnermeier and Pedersen, "Predatory trading" (2005). The thresholds are ours.
    """
    rules = params["snipers"]
    crowd = market["crowd"]
    market["clock"]["due"][_SNIPERS] = later(market, _SNIPER_STREAM, rules["rate"])
    receive(market)
    forced = market["feed"]["seen"]["forced"]
    buys = forced[rules["horizon"], BUY]
    sells = forced[rules["horizon"], SELL]
    if crowd["sniper_phase"] == WATCHING:
        if max(buys, sells) < rules["trigger"]:
            return
        crowd["sniper_phase"] = IN
        crowd["sniper_side"] = BUY if buys >= sells else SELL
        crowd["sniper_since"] = market["clock"]["now"]
        crowd["sniper_peak"] = 0.0
    side = crowd["sniper_side"]
    flow = buys if side == BUY else sells
    account = market["accounts"][SNIPER]
    if crowd["sniper_phase"] == IN:
        crowd["sniper_peak"] = max(crowd["sniper_peak"], flow)
        stayed = market["clock"]["now"] - crowd["sniper_since"]
        if flow < rules["leave"] * crowd["sniper_peak"] or stayed >= rules["hold"]:
            crowd["sniper_phase"] = LEAVING
        else:
            qty = rules["max_lots"] - abs(account["perp"])
            _cross(market, params, PERP, SNIPER, side, qty, rules["cap"])
    if crowd["sniper_phase"] == LEAVING:
        _cross(market, params, PERP, SNIPER, ONE - side, abs(account["perp"]), rules["cap"])
        if account["perp"] == 0 and flow < rules["trigger"]:
            crowd["sniper_phase"] = WATCHING


@kernel
def _held(market, venue):
    """Signed lots of the followers on their book."""
    account = market["accounts"][FOLLOWER]
    return account["perp"] if venue == PERP else account["spot"]


@kernel
def _cross(market, params, venue, owner, side, qty, cap):
    """Take what stands within ``cap`` of the published touch.

    Nothing when none was published, while trading pauses, or an earlier order stands in line; in a
    batch auction one order joins the batch.
    """
    touch = np.int64(market["feed"]["seen"]["price"][venue, ONE - side, 0])
    is_open = np.int64(market["books"][venue]["state"]) == STATE_OPEN
    if qty <= 0 or touch == 0 or not (is_open or collects_batch(market, venue)):
        return
    if awaits(market, owner):
        return
    if not is_open:
        joined = market["crowd"]["batches"]
        who = ONE if owner == SNIPER else ZERO
        if joined[who] == market["protection"]["batch"]:
            return
        joined[who] = market["protection"]["batch"]
    slack = np.int64(np.float64(touch) * cap) + 1
    limit = playable(market, side, touch + slack if side == BUY else touch - slack)
    qty = min(qty, MAX_QTY)
    if is_busy(market):
        join_line(market, params, ORDER, venue, owner, side, limit, qty, IOC, ZERO, NO_ORDER, ZERO)
    else:
        place(market, params, venue, owner, side, limit, qty, IOC, ZERO)
