"""The clock: what happens in which order, and the one entry that runs markets.

Time is continuous. Every source of events keeps the time of its next one; the earliest is
served, ties in the order of :class:`squeezegym.codes.Source`.
"""

import numpy as np

from squeezegym._jit import entry, kernel
from squeezegym.codes import NEVER, ONE, PERP, SPOT, ZERO, Command, Source
from squeezegym.core.activity import change_activity
from squeezegym.core.arbitrage import arbitrage_look
from squeezegym.core.arbitrageurs import serve_arbitrageur
from squeezegym.core.barrier import measure_barrier
from squeezegym.core.buyin import check_index
from squeezegym.core.feed import publish
from squeezegym.core.flow import (
    catalyst_child,
    noise_limit_order,
    noise_market_order,
    value_decision,
)
from squeezegym.core.followers import follow, snipe
from squeezegym.core.fomo import spread
from squeezegym.core.funding import pay_funding, sample_premium
from squeezegym.core.gateway import send_ack
from squeezegym.core.holders import holder_acts
from squeezegym.core.learner import act, report
from squeezegym.core.lending import serve_lender
from squeezegym.core.liquidation import serve_engine
from squeezegym.core.makers import maker_visit
from squeezegym.core.marks import update_marks
from squeezegym.core.opening import open_market
from squeezegym.core.protection import watch
from squeezegym.core.reloaders import reload
from squeezegym.core.seating import begin_episode, close_out
from squeezegym.core.triggers import check_mark
from squeezegym.core.turns import serve_gateway
from squeezegym.core.warming import ask, forget, list_ahead

_GATEWAY = np.int64(Source.GATEWAY)
_ENGINE = np.int64(Source.ENGINE)
_MARK = np.int64(Source.MARK)
_FEED = np.int64(Source.FEED)
_NOISE_PERP = np.int64(Source.NOISE_PERP)
_NOISE_SPOT = np.int64(Source.NOISE_SPOT)
_LIMIT_PERP = np.int64(Source.LIMIT_PERP)
_LIMIT_SPOT = np.int64(Source.LIMIT_SPOT)
_MAKER_PERP = np.int64(Source.MAKER_PERP)
_MAKER_SPOT = np.int64(Source.MAKER_SPOT)
_WATCH_PERP = np.int64(Source.WATCH_PERP)
_WATCH_SPOT = np.int64(Source.WATCH_SPOT)
_VALUE = np.int64(Source.VALUE)
_CATALYST = np.int64(Source.CATALYST)
_HOLDERS = np.int64(Source.HOLDERS)
_ARBITRAGE = np.int64(Source.ARBITRAGE)
_FUNDING_SAMPLE = np.int64(Source.FUNDING_SAMPLE)
_FUNDING = np.int64(Source.FUNDING)
_BORROW = np.int64(Source.BORROW)
_FOLLOWERS = np.int64(Source.FOLLOWERS)
_SNIPERS = np.int64(Source.SNIPERS)
_FOMO = np.int64(Source.FOMO)
_RELOADERS = np.int64(Source.RELOADERS)
_ARBITRAGE_ORDERS = np.int64(Source.ARBITRAGE_ORDERS)
_PROTECTION = np.int64(Source.PROTECTION)
_ACTIVITY = np.int64(Source.ACTIVITY)
_RUN = np.int64(Command.RUN)
_RESET = np.int64(Command.RESET)
_CLOSE = np.int64(Command.CLOSE)
_AT_ONCE = np.int64(12)  # lines of the next markets asked for with each event
LOG_RESERVE = np.int64(64)  # rows that one event may need


@kernel
def run(market, params, until, ahead):
    """Serve every event up to ``until``; stop early when the log must be drained first."""
    clock = market["clock"]
    while True:
        due, source = _earliest(clock)
        if due > until:
            break
        clock["now"] = due
        _serve(market, params, source)
        if ahead["cursor"] < ahead["n"]:
            ask(ahead, _AT_ONCE)
        for seat in range(market["learners"].shape[0]):
            if market["learners"][seat]["changed"] != 0:
                send_ack(market, params, np.int64(seat), ZERO)
        if market["log_on"] != 0 and market["n_log"] > market["log"].shape[0] - LOG_RESERVE:
            return
    clock["now"] = until


@kernel(inline=True)
def _earliest(clock):
    """The earliest due time and its source: two halves at once, for one long chain is slow."""
    due = clock["due"]
    half = due.shape[0] // 2
    low = np.int64(0)
    low_due = due[0]
    high = np.int64(half)
    high_due = due[half]
    for i in range(1, half):
        sooner = due[i] < low_due
        low = np.int64(i) if sooner else low
        low_due = due[i] if sooner else low_due
        sooner = due[half + i] < high_due
        high = np.int64(half + i) if sooner else high
        high_due = due[half + i] if sooner else high_due
    sooner = high_due < low_due
    return (high_due if sooner else low_due), (high if sooner else low)


@kernel
def _serve(market, params, source):  # noqa: C901  (a call more costs a second of compile time)
    """Serve one event."""
    if source == _MAKER_PERP:
        maker_visit(market, params, PERP, ZERO)
    elif source == _MAKER_SPOT:
        maker_visit(market, params, SPOT, ZERO)
    elif source == _WATCH_PERP:
        maker_visit(market, params, PERP, ONE)
    elif source == _WATCH_SPOT:
        maker_visit(market, params, SPOT, ONE)
    elif source == _LIMIT_PERP:
        noise_limit_order(market, params, PERP)
    elif source == _LIMIT_SPOT:
        noise_limit_order(market, params, SPOT)
    elif source == _NOISE_PERP:
        noise_market_order(market, params, PERP)
    elif source == _NOISE_SPOT:
        noise_market_order(market, params, SPOT)
    elif source == _FEED:
        publish(market, params)
    elif source == _MARK:
        update_marks(market, params)
        check_mark(market, params)
        check_index(market, params)
    elif source == _GATEWAY:
        serve_gateway(market, params)
    elif source == _ENGINE:
        serve_engine(market, params)
    elif source == _VALUE:
        value_decision(market, params)
    elif source == _CATALYST:
        if market["flow"]["catalyst_end"] == 0:
            _begin_catalyst(market, params)
        if market["clock"]["due"][_CATALYST] != NEVER:
            catalyst_child(market, params)
    elif source == _HOLDERS:
        holder_acts(market, params)
    elif source == _ARBITRAGE:
        arbitrage_look(market, params)
    elif source == _FUNDING_SAMPLE:
        sample_premium(market, params)
    elif source == _FUNDING and pay_funding(market, params):
        check_mark(market, params)
    elif source == _BORROW:
        serve_lender(market, params)
    elif source == _FOLLOWERS:
        follow(market, params)
    elif source == _SNIPERS:
        snipe(market, params)
    elif source == _FOMO:
        spread(market, params)
    elif source == _RELOADERS:
        reload(market, params)
    elif source == _ARBITRAGE_ORDERS:
        serve_arbitrageur(market, params)
    elif source == _PROTECTION:
        watch(market, params)
    elif source == _ACTIVITY:
        change_activity(market, params, ZERO)


@kernel
def _begin_catalyst(market, params):
    """Measure the ignition barrier of the state, from which ignition is scored."""
    rules = params["catalyst"]
    score = market["score"]
    flow = market["flow"]
    barrier, visible_n = measure_barrier(market, params, rules["side"])
    score["barrier"] = barrier
    score["visible_n"] = visible_n
    score["demand"] = 0
    flow["catalyst_left"] = flow["catalyst_size"]
    flow["catalyst_end"] = market["clock"]["now"] + rules["duration"]
    if flow["catalyst_size"] == 0:
        market["clock"]["due"][_CATALYST] = NEVER


@kernel
def advance_one(market, views, params, ahead):
    """Obey the command of one row: reset, act, run, close, report; learners in their order."""
    command = views[0]["command"]
    seats = np.int64(market["learners"].shape[0])
    if command & _RESET:
        open_market(market, params, views)
        run(market, params, np.int64(0), ahead)
        for seat in range(seats):
            begin_episode(market, params, seat)
    if command & _RUN:
        for seat in range(seats):
            if views[seat]["has_action"] != 0:
                views[seat]["has_action"] = 0
                act(market, params, seat, views[seat])
        run(market, params, views[0]["until"], ahead)
        if command & _CLOSE and market["clock"]["now"] == views[0]["until"]:
            for seat in range(seats):  # a second order goes before its account is closed
                close_out(market, params, seats - 1 - seat)
    for seat in range(seats):
        report(market, params, seat, views[seat])


@entry(lean=True)
def advance(fingerprint):
    """Build the entry; the fingerprint of the sources is part of its cache key."""

    def advance(markets, views, params, ahead):
        """Advance every market as its view commands.

        Args:
            markets: (n,) ``market_dtype`` of one size class.
            views: (n, learners) ``VIEW_DTYPE``: commands and actions in, reports out; the command
                of a row is its first learner's.
            params: (1,) ``params_dtype`` of the same size class.
            ahead: (1,) ``AHEAD_DTYPE``, scratch.
        """
        fingerprint  # noqa: B018  (a closure cell: part of numba's cache key)
        forget(ahead[0])
        for row in range(markets.shape[0]):
            list_ahead(markets, views, params, ahead[0], row)
            if views[row, 0]["command"] != 0:
                advance_one(markets[row], views[row], params[0], ahead[0])
            ask(ahead[0], ahead[0]["n"])

    return advance
