"""A back-test is told as it came out: which measures, their table, a verdict that can be no."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

pl = pytest.importorskip("polars")
pytest.importorskip("matplotlib")
pytest.importorskip("scipy")

from squeezegym.data.backtest import BASELINES, MEASURES  # noqa: E402
from squeezegym.data.backtest_report import ALL, HEAD, score_rows, scores, verdict  # noqa: E402
from squeezegym.view.backtest import calibration_figure, chances_figure  # noqa: E402

START = datetime(2025, 3, 1, tzinfo=UTC)


@pytest.fixture(scope="module", params=["chance", "funding"])
def told(request):
    """Scores of rows in which one measure tells the label and the others are noise."""
    rng = np.random.default_rng(5)
    n = 400
    columns = {name: rng.standard_normal(n) for name in (*MEASURES, *BASELINES)}
    begins = rng.random(n) < 1 / (1 + np.exp(2.0 - 2 * columns[request.param]))
    at = [START + timedelta(hours=12 * i) for i in range(n)]
    frame = pl.DataFrame({"at": at, "side": 1, "begins": begins, **columns})
    other = frame.with_columns(side=-1, begins=~pl.col("begins"))
    return request.param, scores(pl.concat([frame, other]), 1, resamples=100)


def test_every_measure_and_baseline_is_scored_on_one_side(told):
    teller, found = told
    names = [score.name for score in found]
    assert names == [*MEASURES, *BASELINES, ALL, "baselines and chance"]
    best = max(found[:-2], key=lambda score: score.auc)
    assert best.name == teller and best.auc > 0.8
    rows = score_rows(found)
    assert {len(row) for row in rows} == {len(HEAD)}
    assert rows[-1][1] == "" and rows[0][1].startswith(f"{found[0].auc:.2f} (")


def test_the_verdict_is_no_where_a_trivial_measure_is_better(told):
    teller, found = told
    said = verdict(found)
    if teller == "chance":
        assert "The chance tells something" in said and "it is above the best" in said
        assert said.endswith("as a probability better than the rate of the past.")
    else:
        assert "is not shown to tell anything" in said
        assert "it is not shown to be above the best of the trivial measures, funding" in said
        assert "no better than the rate" in said


def test_figures_show_the_curves_and_the_onsets(told):
    _, found = told
    figure = calibration_figure({1: found})
    figure.savefig(io.BytesIO(), format="png")
    (axes,) = figure.axes
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert labels == ["chance", ALL]
    at = [START + timedelta(hours=i) for i in range(3)]
    chances = {"up": [0.1, 0.2, 0.3], "down": [0.0, 0.0, 0.1]}
    figure = chances_figure(at, [50.0, 51.0, 49.0], chances, {1: [at[1]]})
    figure.savefig(io.BytesIO(), format="png")
    above, below = figure.axes
    np.testing.assert_allclose(above.lines[0].get_ydata(), [0, 2, -2])
    assert len(above.lines) == 2 and len(below.lines) == 3  # one onset in each
