"""Rules compared: outcomes by hand, no difference without a change, and one that is known."""

import numpy as np
import pytest

from squeezegym import Scenario
from squeezegym.errors import ConfigError
from squeezegym.theory import compare as rules
from squeezegym.theory.compare import OUTCOMES, Rule, compare
from squeezegym.theory.paired import paired
from squeezegym.view.comparison import comparison_data, comparison_figure, comparison_markdown
from tests.theory.recordings import recording

NONE = Rule("none", {})
IGNITED = {"catalyst.squeeze": 1.0, "catalyst.near_miss": 0.0, "learner.short_start": 0.0}
ABSORBED = Rule("absorbed", {"liquidation.destination": "absorber"})


def made_up():
    mids = np.full((2, 2, 4), 100.0)
    mids[0, 0] = (100.0, 101.0, 99.0, 100.0)
    paused = np.zeros((2, 2, 4), bool)
    paused[0, 1, :3] = paused[1, 1, 2:] = True
    fund = np.array([[5e3, 4e3, 3e3, 2e3], [1e3, 1e3, 1e3, 4e3]])
    mark = mids[0] * 1.001
    trades = [(0, 1.0, 1, 2.0), (0, 2.0, -1, 3.0), (1, 1.0, 1, 0.5)]
    return recording(
        mids, trades, step_s=30.0, paused=paused, fund=fund, mark=mark, fundamental=mids[0]
    )


def test_outcomes_by_hand():
    found = made_up()
    assert rules.traded(found).tolist() == [5.0, 0.5]
    assert rules.highest(found) == pytest.approx([1.0, 0.0])
    assert rules.lowest(found) == pytest.approx([1.0, 0.0])
    assert rules.fund_loss(found).tolist() == [3.0, -3.0]
    assert rules.dislocation(found) == pytest.approx([10.0, 10.0])
    assert rules.minutes_paused(found).tolist() == [0.0, 2.0]
    assert rules.spread(found)[1] == pytest.approx(100.0)
    squares = np.log([1.01, 99 / 101, 100 / 99]) ** 2
    assert rules.volatility(found)[0] == pytest.approx(1e4 * np.sqrt(squares.mean() / 30))


def test_volatility_counts_the_jump_over_a_pause_and_not_its_time():
    mids = np.full((2, 1, 5), 100.0)
    mids[0, 0, 3:] = 102.0
    paused = np.zeros((2, 1, 5), bool)
    paused[0, 0, 1:3] = True  # of four steps two are open
    found = rules.volatility(recording(mids, [], step_s=1.0, paused=paused))
    assert found == pytest.approx([1e4 * np.log(1.02) / np.sqrt(2)])


def test_a_paired_difference_by_hand():
    without = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    found = paired(np.array([2.0, 4.0, 6.0, 6.0, 7.0]), without)
    assert (found.with_rule, found.without, found.mean) == (5.0, 3.0, 2.0)
    assert found.size == pytest.approx(2.0 / np.sqrt(0.5))
    assert 1.0 <= found.interval.low < 2.0 < found.interval.high <= 3.0


@pytest.fixture(scope="module")
def comparison():
    scenario = Scenario.load("short_squeeze", **IGNITED)
    return compare(scenario, [NONE, Rule("the same", {}), ABSORBED], 8, seed=3_000_001)


def test_a_rule_without_a_change_changes_nothing(comparison):
    for outcome in OUTCOMES:
        found = comparison.differences["the same", outcome.name]
        assert found.mean == 0.0 and np.isnan(found.size), outcome.name
    assert np.array_equal(comparison.paths["none"], comparison.paths["the same"])


def test_what_never_meets_the_book_lifts_the_price_less(comparison):
    rise = comparison.differences["absorbed", "highest rise, %"]
    assert rise.interval.high < 0 and rise.size < 0


def test_threads_do_not_matter(comparison):
    scenario = Scenario.load("short_squeeze", **IGNITED)
    alone = compare(scenario, [NONE, ABSORBED], 8, seed=3_000_001, threads=1)
    key = ("absorbed", "shorts liquidated, base")
    assert alone.differences[key] == comparison.differences[key]


def test_a_comparison_is_written_out(comparison):
    page = comparison_markdown(comparison, "command")
    assert "| absorbed | `liquidation.destination = absorber` |" in page
    assert page.count("| absorbed |") == 1 + len(OUTCOMES) and "nan" not in page
    data = comparison_data(comparison)
    assert data["seeds"] == [3_000_001, 3_000_008] and len(data["rows"]) == 2 * len(OUTCOMES)
    assert len(comparison_figure(comparison).axes) == 2


def test_shipped_rules_fit_the_shipped_squeeze():
    for name in Rule.names():
        Scenario.load("short_squeeze", **Rule.load(name).changes)


def test_bad_rules_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="no rule 'throtle'; did you mean 'throttle'"):
        Rule.load("throtle")
    wrong = tmp_path / "wrong.toml"
    wrong.write_text("a = = 1")
    with pytest.raises(ConfigError, match=r"wrong\.toml' is not valid TOML"):
        Rule.load(str(wrong))
    with pytest.raises(ConfigError, match="two or more with different names, got none, none"):
        compare(Scenario.load("calm"), [NONE, NONE], 5)
    with pytest.raises(ConfigError, match="episodes must lie between 5"):
        compare(Scenario.load("calm"), [NONE, ABSORBED], 4)
