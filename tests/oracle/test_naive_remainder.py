"""Remainders and rankings of the naive liquidation engine against cases worked by hand."""

from math import inf

import pytest

from tests.oracle.engine_cases import (
    HOLDER,
    ONE_BRACKET,
    PERCENT,
    SHORT,
    STEPS,
    build,
    liquidate,
    serve,
    state,
)
from tests.oracle.naive_accounts import ABSORBER, FUND, OUTSIDE, VAULT, Account
from tests.oracle.naive_ledger import BUY
from tests.oracle.naive_margin import BINANCE, BINANCE_LEGACY, BITMEX, HYPERLIQUID, adl_score
from tests.oracle.naive_remainder import PRO_RATA, SOCIALISED

# Remainders.


def crowd(size, lots=2):
    """Longs of few lots each, the later the richer, from slot 20 on."""
    return {20 + i: (lots, 100, 1000 + i) for i in range(size)}


def test_adl_takes_the_best_ranked_and_skips_who_could_not_pay():
    holders = {
        HOLDER: SHORT,
        17: (6, 90, 100),  # at 110 a profit of 120 of 220
        18: (6, 80, 100),  # 180 of 280: the best
        19: (6, 108, 10),  # at 105: 10 - 18 < 0
        20: (6, 90, 100),  # ties with 17
    }
    engine = build(holders, 110)
    liquidate(engine)
    assert [engine.accounts[slot].perp for slot in (17, 18, 19, 20)] == [2, 0, 6, 6]
    assert engine.accounts[18].quote == 100 - 480 + 6 * 105
    assert engine.deleveraged == 10


def test_open_orders_of_whoever_is_deleveraged_are_cancelled():
    engine = build({HOLDER: (-2, 100, 10), 17: (6, 90, 900), 18: (6, 80, 100)}, 104)
    for slot in (17, 18):
        engine.place(slot, BUY, 50, 1, slot)
    liquidate(engine)
    assert list(engine.book.live) == [17]


def test_adl_passes_over_accounts_in_the_engine():
    holders = {HOLDER: SHORT, 17: (10, 109, 60), 18: (10, 109, 5000)}
    engine = build(holders, 104, cooldown=10, **STEPS)
    engine.take([17, HOLDER])
    serve(engine)
    assert engine.cooling == [17]
    engine.set_mark(105, 0)
    serve(engine)
    assert engine.accounts[17].perp == 10 and engine.accounts[18].perp == 0


def test_sixteen_counterparties_an_event():
    engine = build({HOLDER: (-40, 100, 200), **crowd(17)}, 104, interval=5)
    engine.take([HOLDER])
    serve(engine)
    assert state(engine, HOLDER)[1] == -8
    assert engine.fresh == [HOLDER] and engine.due() == engine.now == 0
    serve(engine)  # the last of the crowd, and the outside
    assert state(engine, HOLDER) == (0, 0) and engine.due() is None
    assert engine.accounts[OUTSIDE].perp == 40 - 34 - 6
    assert engine.deleveraged == 40 and engine.free_at == 5


def test_an_event_that_closes_with_its_sixteenth_is_whole():
    engine = build({HOLDER: (-32, 100, 160), **crowd(17)}, 104)
    liquidate(engine)
    assert state(engine, HOLDER) == (0, 0) and engine.due() is None


def test_pro_rata_in_order_of_slot():
    holders = {HOLDER: SHORT, 17: (5, 90, 900), 18: (6, 90, 900), 19: (10, 90, 900)}
    engine = build(holders, 104, remainder=PRO_RATA)
    liquidate(engine)
    # floor(10 x 5/21) = 2, floor(8 x 6/16) = 3, floor(5 x 10/10) = 5.
    assert [engine.accounts[slot].perp for slot in (17, 18, 19)] == [3, 3, 5]
    assert state(engine, HOLDER) == (0, 0)


def test_pro_rata_leaves_the_outside_what_exceeds_the_others():
    holders = {HOLDER: SHORT, 17: (3, 90, 900), 18: (1, 90, 900)}
    engine = build(holders, 104, remainder=PRO_RATA)
    liquidate(engine)
    assert [engine.accounts[slot].perp for slot in (17, 18, OUTSIDE)] == [0, 0, 0]
    assert engine.deleveraged == 10


def test_pro_rata_runs_over_several_events():
    engine = build({HOLDER: (-34, 100, 170), **crowd(33)}, 104, remainder=PRO_RATA)
    engine.take([HOLDER])
    serve(engine)
    # 34 of 66: floor(34 x 2/66) = 1 each, as long as 2 x rest >= later lots.
    assert [engine.accounts[20 + i].perp for i in range(17)] == [1] * 16 + [2]
    serve(engine)
    assert engine.accounts[HOLDER].perp == -2
    serve(engine)
    assert state(engine, HOLDER) == (0, 0) and engine.accounts[52].perp == 0


def test_pro_rata_gives_the_outside_its_part_with_the_last():
    engine = build({HOLDER: (-40, 100, 200), **crowd(16)}, 104, remainder=PRO_RATA)
    liquidate(engine)
    assert state(engine, HOLDER) == (0, 0) and engine.due() is None
    assert engine.accounts[OUTSIDE].perp == 40 - 32 - 8


def test_under_adl_the_outside_is_a_counterparty_as_others():
    engine = build({HOLDER: (-40, 100, 200), **crowd(16)}, 104)
    liquidate(engine)
    assert engine.accounts[HOLDER].perp == -8 and engine.due() == 0
    serve(engine)
    assert state(engine, HOLDER) == (0, 0)


def test_socialised_loss_by_size():
    holders = {HOLDER: SHORT, 17: (5, 100, 900), 18: (-6, 100, 900), 19: (10, 100, 900)}
    engine = build(holders, 107, fund=3, vault=0, remainder=SOCIALISED)
    liquidate(engine)
    # The vault takes the short at 107: debt 20. The fund pays 3; of 17 pay floor(17 x 5/21) = 4,
    # floor(13 x 6/16) = 4 and 9.
    assert state(engine, VAULT) == (1070, -10)
    assert state(engine, HOLDER) == (0, 0) and state(engine, FUND) == (0, 0)
    assert state(engine, 17)[0] == 400 - 4
    assert state(engine, 18)[0] == 1500 - 4
    assert state(engine, 19)[0] == -100 - 9
    assert (engine.deficit, engine.deleveraged) == (3, 0)


def test_with_nobody_to_pay_the_absorber_does():
    engine = build({HOLDER: SHORT}, 107, remainder=SOCIALISED)
    liquidate(engine)
    assert state(engine, ABSORBER) == (-20, 0)
    assert state(engine, HOLDER) == (0, 0)


def test_a_socialised_position_with_equity_keeps_it():
    engine = build({HOLDER: SHORT, 17: (5, 100, 900)}, 104, remainder=SOCIALISED, fees=(PERCENT, 0))
    liquidate(engine)
    assert state(engine, HOLDER) == (10, 0)
    assert state(engine, 17) == (400, 5)


# Rankings: a long of 10 from 80 with 400 (cash -400), and a short of 10 from 120 with 400, at 100.

LONG_10 = Account(quote=-400, perp=10, cost=800)
SHORT_10 = Account(quote=1600, perp=-10, cost=1200)
LOSER = Account(quote=-950, perp=10, cost=1200)  # from 120 with 250: equity 50, bankrupt at 95


@pytest.mark.parametrize(
    ("ranking", "long", "short", "loser"),
    [
        # u/N = .2 of both; N/E = 1,000 / 600. The loser: -.2 / (1,000 / 50).
        (BINANCE, 200 / 600, 200 / 600, -0.01),
        # 200 / 800 x 100 / |100 - 40|; 200 / 1,200 x 100 / 60; -200 / 1,200 over 100 / 5.
        (BITMEX, 0.25 / 0.6, 1 / 6 / 0.6, -1 / 120),
        # 100 / 80, 120 / 100 and 100 / 120, times N/E.
        (HYPERLIQUID, 1.25 / 0.6, 1.2 / 0.6, 20 / 1.2),
        # 200 / 400 x MM / E, MM = 10.
        (BINANCE_LEGACY, 0.5 * 10 / 600, 0.5 * 10 / 600, 0),
    ],
)
def test_rankings(ranking, long, short, loser):
    for account, score in ((LONG_10, long), (SHORT_10, short), (LOSER, loser)):
        assert float(adl_score(ranking, ONE_BRACKET, account, 100)) == pytest.approx(score)


@pytest.mark.parametrize("ranking", [BINANCE, BITMEX, HYPERLIQUID, BINANCE_LEGACY])
def test_without_equity_a_winner_goes_first_and_a_loser_counts_nothing(ranking):
    winner, loser = Account(-1000, 10, 800), Account(-1000, 10, 1200)
    assert adl_score(ranking, ONE_BRACKET, winner, 100) == inf
    assert adl_score(ranking, ONE_BRACKET, loser, 100) == 0


def test_a_small_wallet_counts_as_one_unit_of_quote():
    # 200 / 500 x 10 / 600.
    score = adl_score(BINANCE_LEGACY, ONE_BRACKET, LONG_10, 100, unit=500)
    assert float(score) == pytest.approx(0.4 / 60)
