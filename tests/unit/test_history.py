"""A market followed through time sees the past alone; squeezes are found by the rule as stated."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice

import numpy as np
import pytest

pl = pytest.importorskip("polars")

from squeezegym.data.backtest import (  # noqa: E402
    auc,
    auc_within,
    rows_of_candles,
    score,
    walk_forward,
)
from squeezegym.data.history import follow_candles, follow_metrics, hourly  # noqa: E402
from squeezegym.data.labels import Rule, find_squeezes  # noqa: E402
from squeezegym.data.schema import Kind, conform  # noqa: E402
from squeezegym.errors import DataError  # noqa: E402
from squeezegym.rules import Margin  # noqa: E402

BRACKETS = Margin(table="btcusdt").brackets
START = datetime(2024, 11, 1, tzinfo=UTC)


def candles(n: int, minutes: int = 60, seed: int = 1, **jumps: float) -> pl.DataFrame:
    """A random walk of 0.2 % an hour; ``h100=0.1`` adds 10 % on ten times the volume."""
    rng = np.random.default_rng(seed)
    moves = rng.normal(0, 0.002 * np.sqrt(minutes / 60), n)
    volume = rng.uniform(90, 110, n) * minutes / 60
    for name, size in jumps.items():
        moves[int(name[1:])] += size
        volume[int(name[1:])] *= 10
    close = 100 * np.exp(np.cumsum(moves))
    first = np.append(100.0, close[:-1])
    length = timedelta(minutes=minutes)
    times = [START + i * length for i in range(n)]
    frame = pl.DataFrame(
        {
            "time": times,
            "known_at": [time + length for time in times],
            "symbol": "XUSDT",
            "open": first,
            "high": np.maximum(first, close),
            "low": np.minimum(first, close),
            "close": close,
            "volume": volume,
            "taker_volume": volume * rng.uniform(0.4, 0.6, n),
        }
    )
    return conform(frame, Kind.KLINES)


def test_minutes_become_whole_hours():
    minutes = candles(150, 1)
    found = hourly(minutes)
    assert len(found) == 2
    assert found["known_at"][0] == START + timedelta(hours=1)
    assert found["close"][0] == minutes["close"][59]
    assert found["high"][1] == minutes["high"][60:120].max()
    assert found["volume"][0] == pytest.approx(minutes["volume"][:60].sum())
    assert hourly(found).equals(found)
    broken = minutes.with_columns(
        pl.when(pl.int_range(pl.len()) == 70)
        .then(None)
        .otherwise("taker_volume")
        .alias("taker_volume")
    )
    assert hourly(broken)["taker_volume"].null_count() == 1


@pytest.mark.parametrize("minutes", [60, 5])
def test_what_happens_later_changes_no_earlier_moment(minutes):
    rows = candles(60 * 60 // minutes, minutes)
    known = 52 * 60 // minutes
    changed = rows.with_columns(
        [
            pl.when(pl.int_range(pl.len()) >= known)
            .then(pl.col(name) * 3)
            .otherwise(name)
            .alias(name)
            for name in ("open", "high", "low", "close", "volume", "taker_volume")
        ]
    )
    one, other = (
        list(islice(follow_candles(frame, BRACKETS, draws=4), 5)) for frame in (rows, changed)
    )
    assert one[0].at == START + timedelta(hours=49)
    for before, after in zip(one, other, strict=True):
        same = before.waiting.price == after.waiting.price
        same &= np.array_equal(before.waiting.shorts, after.waiting.shorts)
        same &= np.array_equal(before.impact.within_10bps, after.impact.within_10bps)
        assert same == (before.at <= START + timedelta(hours=52))
    with pytest.raises(DataError, match="30 whole hours of candles are given"):
        next(follow_candles(candles(30), BRACKETS))


def metrics(n: int = 30) -> pl.DataFrame:
    rng = np.random.default_rng(2)
    price = 100 * np.exp(np.cumsum(rng.normal(0, 0.004, n)))
    interest = 1_000 * np.exp(np.cumsum(rng.normal(0, 0.01, n)))
    times = [START + timedelta(hours=i) for i in range(n)]
    frame = pl.DataFrame(
        {
            "time": times,
            "known_at": [time + timedelta(minutes=55) for time in times],
            "open_interest": interest,
            "open_interest_value": interest * price,
            "taker_ratio": rng.uniform(0.8, 1.2, n),
        }
    )
    return conform(frame, Kind.METRICS)


def test_metrics_are_followed_at_the_time_they_are_known():
    moments = list(follow_metrics(metrics(), BRACKETS, depth_quote=1e4, draws=4))
    assert moments[0].at == START + timedelta(hours=6, minutes=55)
    assert len(moments) == 24
    earlier = list(follow_metrics(metrics()[:10], BRACKETS, depth_quote=1e4, draws=4))
    np.testing.assert_array_equal(earlier[-1].waiting.shorts, moments[3].waiting.shorts)
    np.testing.assert_array_equal(earlier[-1].impact.flow_sd, moments[3].impact.flow_sd)
    with pytest.raises(DataError, match="5 rows of metrics"):
        next(follow_metrics(metrics(5), BRACKETS, depth_quote=1e4))


def test_a_jump_on_volume_is_one_squeeze_and_its_mirror_one_flush():
    rows = candles(300, h200=0.1, h202=0.05)
    found = find_squeezes(rows)
    (onset,) = np.flatnonzero(found.begins)
    # Six hours ahead the first jump is in sight.
    assert onset == 194
    assert found.size[onset] > 0.09
    assert not find_squeezes(rows, -1).begins.any()
    assert np.flatnonzero(find_squeezes(candles(300, h200=-0.1), -1).begins).tolist() == [194]
    assert np.flatnonzero(found.within(24)).tolist() == list(range(171, 195))
    assert not found.known[:168].any() and not found.known[-6:].any()
    assert found.known[168:-6].all()


@pytest.mark.parametrize(
    ("rule", "more"),
    [
        (Rule(least_move=0.2), {}),
        (Rule(least_sds=50), {}),
        (Rule(least_volume=5), {}),
        (Rule(), {"interest": np.linspace(1, 2, 300)}),
        (Rule(), {"liquidated": np.tile([1.0, 1.0], (300, 1))}),
    ],
    ids=["move", "deviations", "volume", "interest", "liquidations"],
)
def test_every_condition_counts(rule, more):
    rows = candles(300, h200=0.1)
    assert find_squeezes(rows).begins.any()
    assert not find_squeezes(rows, rule=rule, **more).begins.any()


def test_what_confirms_a_squeeze_lets_it_through():
    rows = candles(300, h200=0.1)
    falling = np.where(np.arange(300) < 198, 1.0, 0.9)
    liquidated = np.tile([0.1, 1.0], (300, 1))
    assert find_squeezes(rows, interest=falling, liquidated=liquidated).begins.any()
    assert not find_squeezes(candles(300, h200=-0.1), -1, liquidated=liquidated).begins.any()
    with pytest.raises(DataError, match="100 hours of candles"):
        find_squeezes(candles(100))


def labelled(n: int = 600, strength: float = 2.0, seed: int = 0) -> pl.DataFrame:
    """Rows of one coin every 6 hours, whose measure ``m`` raises the chance of a label."""
    rng = np.random.default_rng(seed)
    signal = rng.standard_normal(n)
    begins = rng.random(n) < 1 / (1 + np.exp(2.0 - strength * signal))
    at = [START + timedelta(hours=6 * i) for i in range(n)]
    return pl.DataFrame({"at": at, "begins": begins, "m": signal, "other": rng.standard_normal(n)})


def test_walk_forward_finds_a_signal_and_none_where_none_is():
    rows = labelled()
    good = score("m", walk_forward(rows, ["m"]), "m", resamples=200)
    assert good.auc > 0.8 and good.interval.low > 0.7 and good.skill > 0.2
    assert good.fitted > 0.8 and good.fitted_interval.low > 0.7
    for predicted, observed, low, high, count in good.curve:
        assert low - 0.03 <= predicted <= high + 0.03
        assert 0 <= observed <= 1 and count > 50
    none = score("other", walk_forward(rows, ["other"]), "other", resamples=200)
    assert none.interval.low < 0.5 < none.interval.high
    assert none.fitted_interval.low < 0.5 < none.fitted_interval.high
    both = score("both", walk_forward(rows, ["m", "other"]), resamples=200)
    assert both.auc is None and both.fitted > 0.8
    assert none.skill < 0.02


def test_walk_forward_is_purged():
    """What lies within 48 hours before a stretch, or in it, or after it, does not touch it."""
    rows = labelled(400)
    edges = np.linspace(0, 399, 9)
    start = int(np.ceil(edges[4]))
    one = walk_forward(rows, ["m"])
    flipped = rows.with_columns(
        pl.when(pl.int_range(pl.len()) > start - 8)
        .then(~pl.col("begins"))
        .otherwise("begins")
        .alias("begins")
    )
    other = walk_forward(flipped, ["m"])
    until = rows["at"][start + 49]
    same = [frame.filter(pl.col("at") <= until)["p"].to_list() for frame in (one, other)]
    assert same[0] == same[1] and len(same[0]) > 150
    assert one["p"].to_list() != other["p"].to_list()


def test_auc_is_the_chance_of_the_right_order():
    begins = np.array([True, False, True, False])
    assert auc(begins, np.array([3.0, 1.0, 2.0, 0.0])) == 1
    assert auc(begins, np.array([3.0, 1.0, 1.0, 4.0])) == pytest.approx(0.375)
    assert auc(np.ones(3, bool), np.arange(3.0)) == 0.5
    groups = np.array([0, 0, 1, 1])
    # Across groups the order is wrong, within them it is right.
    assert auc_within(begins, np.array([2.0, 1.0, 9.0, 8.0]), groups) == 1
    assert auc_within(begins, np.zeros(4), np.arange(4)) == 0.5
    with pytest.raises(DataError, match="allowed are some with a squeeze"):
        score("m", labelled().with_columns(p=0.1, base=0.1, stretch=1, begins=False))


def test_rows_hold_measures_and_labels_of_both_sides():
    funding = pl.DataFrame({"known_at": [START + timedelta(hours=180)], "rate": [1e-4]})
    rows = rows_of_candles(
        candles(260, h215=0.1), BRACKETS, funding=funding, draws=4, paths=8, every=12
    )
    up, down = (rows.filter(pl.col("side") == side) for side in (1, -1))
    assert len(up) == len(down) > 3
    assert up["begins"].any() and not down["begins"].any()
    assert up["funding"].to_list() != down["funding"].to_list()
    assert (up["past return"] == -down["past return"]).all()
    assert up["chance"].is_between(0, 1).all() and up["barrier"].is_finite().all()
