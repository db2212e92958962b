"""The critical leverage of a whale under square-root impact.

Caccioli, Bouchaud, Farmer 2012 (arXiv 1204.0922), "Impact-adjusted valuation and the criticality of
leverage": with impact ``I(Q) = Y sigma sqrt(Q / V)`` leaving costs ``2/3 I`` on average, so a
position of leverage ``L`` leaves solvent only below ``L_c = 3 / (2 I)``. Here the book itself has
that impact: cumulative depth grows as the square of distance. Tolerance: 10 % of ``L_c``.
"""

import pytest

from squeezegym import Market
from tests.kernels import QUIET

PRICE = 618_376  # opening mark, ticks
DEPTH_10BP = 40.0  # base within 10 bp of the mid


def critical_leverage(base):
    """Leverage at which the average cost of leaving equals the equity."""
    impact = 1e-3 * (base / DEPTH_10BP) ** 0.5
    return 3 / (2 * impact)


def draw_on_fund(base, leverage):
    """Quanta that the fund pays for a whale of ``base`` coins that is closed at once."""
    lots = round(base * 1000)
    market = Market(
        "short_squeeze",
        **QUIET,
        **{
            "episode.burn_in_s": 0.0,
            "learner.short_start": 0.0,
            "contract.basis_bps": 0.0,
            # Everyone is below maintenance: the engine closes the whale from the first mark on.
            "margin.brackets": [[0.0, 0.9]],
            "fees.perp_maker_bps": 0.0,
            "fees.liquidation_bps": 0.0,
            "liquidation.fund_quote": 1e12,
            "liquidation.support_bps": 5000.0,
            "depth.perp.touch_base": 0.0,
            "depth.perp.within_10bps_base": DEPTH_10BP,
            "depth.perp.exponent": 2.0,
            "depth.perp.nearest_bps": 1.0,
            "depth.perp.reach_bps": 2000.0,
            "depth.perp.quotes": 800,
            "positions": {
                "lots": [-lots],
                "entry_ticks": [PRICE],
                "deposit_quanta": [round(lots * PRICE / leverage)],
            },
        },
    )
    market.run(3.0)
    score = market.record["score"]
    assert score["liquidated"].tolist() == [0, lots]
    assert int(score["deleveraged"]) == 0
    return int(score["deficit"])


@pytest.mark.parametrize("base", [400.0, 4_000.0, 40_000.0])
def test_the_fund_pays_above_the_critical_leverage_and_not_below(base):
    critical = critical_leverage(base)
    assert draw_on_fund(base, 0.9 * critical) == 0
    assert draw_on_fund(base, 1.1 * critical) > 0


def test_the_draw_is_the_cost_of_leaving_less_the_equity():
    base, leverage = 4_000.0, 300.0
    lots = base * 1000
    expected = lots * PRICE * (1 / critical_leverage(base) - 1 / leverage)
    assert draw_on_fund(base, leverage) == pytest.approx(expected, rel=0.05)
