"""Figures show the numbers they are given, and say which column they lack."""

import io

import numpy as np
import polars as pl
import pytest

from squeezegym import Market, Scenario
from squeezegym.errors import ConfigError
from squeezegym.view import figures, plots
from squeezegym.view.runs import record_market


def drawn(figure):
    """Render it whole, as saving does, and return its axes."""
    figure.savefig(io.BytesIO(), format="png")
    return figure.axes


def test_an_event_study_draws_median_and_quartiles_by_group():
    grid = np.arange(-2.0, 3.0)
    rows = [
        {"event": e, "time": t, "value": e + t * k, "group": group}
        for group, k in (("squeeze", 10.0), ("near miss", 1.0))
        for e in range(5)
        for t in grid
    ]
    figure = figures.event_study(pl.DataFrame(rows), "rise", "bp", "ignition")
    (axes,) = drawn(figure)
    np.testing.assert_allclose(axes.lines[0].get_ydata(), 2 + 10 * grid)
    np.testing.assert_allclose(axes.lines[1].get_ydata(), 2 + grid)
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert labels == ["squeeze (5 events)", "near miss (5 events)"]
    assert axes.get_xlabel() == "time from ignition, s"


def test_a_phase_diagram_draws_every_cell_where_it_belongs():
    x, y = np.meshgrid([1.0, 2.0, 3.0], [10.0, 20.0])
    frame = {"x": x.ravel()[::-1], "y": y.ravel()[::-1], "z": (x * y).ravel()[::-1]}
    figure = figures.phase_diagram(
        frame, "size", ("n", "leverage", "rise, %"), level=30.0, theory=([1, 3], [10, 20])
    )
    axes, _ = drawn(figure)
    np.testing.assert_array_equal(np.asarray(axes.collections[0].get_array()), x * y)
    assert [line.get_label() for line in axes.lines][-1] == "theory"
    frame["index"] = frame["x"] / 2
    scales = ("log", "linear")
    axes, _ = drawn(figures.phase_diagram(frame, "", ("n", "leverage", ""), scales=scales))
    assert (axes.get_xscale(), axes.get_yscale()) == scales
    (predicted,) = axes.collections[1].get_paths()
    np.testing.assert_allclose(predicted.vertices[:, 0], 2.0)
    with pytest.raises(ConfigError, match="one row for each pair"):
        figures.phase_diagram({"x": [1, 2, 1], "y": [1, 1, 2], "z": [0, 0, 0]}, "", ("", "", ""))


def test_a_liquidation_map_sums_away_from_the_price():
    frame = {
        "price": np.array([97.0, 98.0, 99.0, 101.0, 102.0, 103.0]),
        "shorts": np.array([0.0, 0.0, 0.0, 1.0, 2.0, 3.0]),
        "longs": np.array([5.0, 6.0, 7.0, 0.0, 0.0, 0.0]),
        "bids": np.array([1.0, 1.0, 1.0, 0.0, 0.0, 0.0]),
        "asks": np.array([0.0, 0.0, 0.0, 2.0, 2.0, 2.0]),
    }
    _, total = drawn(figures.liquidation_map(frame, 100.0, "map"))
    lines = {line.get_label(): list(line.get_ydata()) for line in total.lines}
    assert lines["forced buying"] == [1.0, 3.0, 6.0]
    assert lines["forced selling"] == [18.0, 13.0, 7.0]
    assert lines["depth"] == [2.0, 4.0, 6.0]


def test_a_liquidation_frame_holds_every_account_and_order_within_reach():
    market = Market("short_squeeze", seed=1)
    frame = figures.liquidation_frame(market, bins=40, reach=0.01)
    record, lot = market.record, market.scenario.contract.lot_size
    mark = int(record["marks"]["mark"])
    accounts = record["accounts"]
    near = np.abs(accounts["trigger"] / mark - 1) < 0.01
    short = near & (accounts["laddered"] == 1) & (accounts["perp"] < 0)
    assert frame["shorts"].sum() == pytest.approx(-accounts["perp"][short].sum() * lot)
    bids, asks = market.levels(1000)
    for side, levels in (("bids", bids), ("asks", asks)):
        lots = sum(lots for price, lots, _ in levels if abs(price / mark - 1) < 0.01)
        assert frame[side].sum() == pytest.approx(lots * lot)
    assert frame["price"][0] > mark * 0.1 * 0.99


def test_learning_curves_draw_each_run_and_the_mean():
    rows = [
        {"algorithm": name, "run": run, "steps": steps, "score": run + steps * slope}
        for name, slope in (("PPO", 1.0), ("SAC", 2.0))
        for run in range(3)
        for steps in (0, 1, 2)
    ]
    (axes,) = drawn(figures.learning_curves(pl.DataFrame(rows), "training"))
    means = [line.get_ydata() for line in axes.lines if "run" in line.get_label()]
    np.testing.assert_allclose(means, [[1, 2, 3], [1, 3, 5]])
    band = axes.collections[0].get_paths()[0].vertices[:, 1]
    assert 0 <= band.min() and band.max() <= 4


def test_one_run_has_no_interval():
    frame = {"algorithm": ["PPO"] * 2, "run": [0, 0], "steps": [0, 1], "score": [0.0, 1.0]}
    (axes,) = drawn(figures.learning_curves(frame, "training"))
    assert len(axes.collections) == 0


def test_results_stand_in_order_with_their_intervals():
    frame = {
        "name": ["hold", "PPO", "sniper"],
        "mean": [-1.0, 5.0, 1.0],
        "low": [-2.0, 4.0, 0.5],
        "high": [-0.5, 6.5, 2.0],
        "n": [192, 192, 192],
    }
    (axes,) = drawn(figures.results(frame, "results"))
    texts = [text.get_text() for text in axes.get_yticklabels()]
    assert texts == ["hold (n 192)", "sniper (n 192)", "PPO (n 192)"]
    segments = axes.collections[0].get_segments()
    assert [tuple(segment[:, 0]) for segment in segments] == [(-2.0, -0.5), (0.5, 2.0), (4.0, 6.5)]


def test_panels_show_each_rule_beside_none():
    time = np.arange(4.0)
    series = {name: {"time": time, "mark": time + k} for k, name in enumerate("abcde")}
    axes = drawn(plots.panels(series, "rules"))
    shown = [each for each in axes if each.get_visible()]
    assert [each.get_title(loc="left") for each in shown] == list("bcde") and len(axes) == 6
    for k, each in enumerate(shown, 1):
        np.testing.assert_array_equal(each.lines[0].get_ydata(), time)
        np.testing.assert_array_equal(each.lines[1].get_ydata(), time + k)


def test_an_episode_figure_has_what_its_market_has():
    perp = plots.episode(record_market(Scenario.load("calm"), 1, 2.0))
    assert drawn(perp)[0].get_ylabel() == "price, quote"
    labels = [text.get_text() for text in perp.axes[0].get_legend().get_texts()]
    assert labels == ["perp mid", "mark", "spot mid"]
    spot = plots.episode(record_market(Scenario.load("equity_halt"), 1, 2.0), "a stock")
    drawn(spot)
    labels = [text.get_text() for text in spot.axes[0].get_legend().get_texts()]
    assert labels == ["spot mid"]
    assert spot.axes[0].get_title("left") == "a stock"


@pytest.mark.parametrize("make", [dict, pl.DataFrame])
def test_a_missing_column_is_named(make):
    frame = make({"nam": ["a"], "mean": [0.0], "low": [0.0], "high": [0.0]})
    with pytest.raises(ConfigError, match=r"no column 'name'; did you mean 'nam'\?.*needs name"):
        figures.results(frame, "")


def test_columns_of_different_lengths_are_refused():
    with pytest.raises(ConfigError, match="one length"):
        figures.results({"name": ["a"], "mean": [0.0, 1.0], "low": [0.0], "high": [0.0]}, "")
    with pytest.raises(ConfigError, match="one length"):
        figures.results({"name": [], "mean": [], "low": [], "high": []}, "")
