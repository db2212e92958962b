"""The deleveraging indicator of a market: both sides, in the venue's fifths."""

import numpy as np
import pytest

from squeezegym.codes import FIRST_HOLDER_SLOT, Account, Standing
from tests.kernels import LEARNER_SLOT, QUIET, same, small_market

pytestmark = [pytest.mark.nojit, pytest.mark.boundscheck]

MARK = 600_000
LOTS = (10, 10, 20, 30, 20, 10)  # BitMEX's example
SHORT_LEVERAGE = (6, 12, 2, 8, 10, 4)
LONG_LEVERAGE = (4, 10, 8, 2, 12, 6)
SHORTS = slice(FIRST_HOLDER_SLOT, FIRST_HOLDER_SLOT + 6)
LONGS = slice(FIRST_HOLDER_SLOT + 6, FIRST_HOLDER_SLOT + 12)


@pytest.fixture
def market():
    """Six shorts and six longs, each with a profit of 1 % of its notional at mark."""
    gain = MARK // 100
    equities = [q * MARK // times for q, times in zip(LOTS, SHORT_LEVERAGE, strict=True)]
    equities += [q * MARK // times for q, times in zip(LOTS, LONG_LEVERAGE, strict=True)]
    made = small_market(
        **QUIET,
        **{
            "episode.burn_in_s": 0.0,
            "learner.short_start": 0.0,
            "positions": {
                "lots": (*(-q for q in LOTS), *LOTS),
                "entry_ticks": (MARK + gain,) * 6 + (MARK - gain,) * 6,
                "deposit_quanta": tuple(
                    equity - q * gain for equity, q in zip(equities, LOTS * 2, strict=True)
                ),
            },
        },
    )
    made.record["marks"]["mark"] = MARK
    return made


def test_each_side_is_ordered_by_its_own_scores(market):
    lights = market.adl_lights()
    # Lots up to each short, by rank: 10, 30, 60, 70, 80, 100 of 100.
    assert lights[SHORTS].tolist() == [4, 1, 5, 3, 2, 4]
    # Of the longs: 20, 30, 50, 60, 70, 100.
    assert lights[LONGS].tolist() == [4, 2, 3, 5, 1, 3]
    assert np.flatnonzero(lights).tolist() == list(range(FIRST_HOLDER_SLOT, LONGS.stop))


@pytest.mark.parametrize("standing", [Standing.IN_QUEUE, Standing.IN_REMAINDER, Standing.WAITING])
def test_whom_the_engine_has_shows_nothing(market, standing):
    market.record["accounts"]["laddered"][SHORTS.start + 1] = standing
    lights = market.adl_lights()
    # 20, 50, 60, 70, 90 of the 90 that are left.
    assert lights[SHORTS].tolist() == [4, 0, 5, 3, 2, 4]
    assert lights[LONGS].tolist() == [4, 2, 3, 5, 1, 3]


def test_who_has_no_equity_shows_nothing(market):
    quote = market.record["accounts"]["quote"]
    short = SHORTS.start + 1
    quote[short] = MARK * 10 - 1
    assert market.adl_lights()[short] == 0
    quote[short] += 1  # nothing is left: infinite leverage
    assert market.adl_lights()[short] == 1


def test_the_learner_is_ranked_like_anybody_and_a_pool_is_not(market):
    accounts = market.record["accounts"]
    for slot in (LEARNER_SLOT, Account.MAKER, Account.VAULT):
        accounts["perp"][slot] = -100
        accounts["cost"][slot] = 100 * (MARK + 1)
        accounts["quote"][slot] = 100 * (MARK + MARK // 4)
    lights = market.adl_lights()
    assert lights[LEARNER_SLOT] == 5  # the last 100 of 200
    assert lights[SHORTS].tolist() == [2, 1, 3, 2, 1, 2]
    assert lights[Account.MAKER] == lights[Account.VAULT] == 0


def test_looking_changes_nothing(market):
    before = market.snapshot()
    market.adl_lights()
    assert same(market.snapshot().record, before.record)
