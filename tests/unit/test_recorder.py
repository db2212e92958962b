"""What the replay page is made of: prices of trades, bins of books, the list of events."""

import numpy as np
import pytest

from squeezegym import Market, Scenario
from squeezegym.codes import LogKind, Side, Standing, Venue
from squeezegym.errors import DataError
from squeezegym.measures import Cause, Measure
from squeezegym.state import LOG_DTYPE
from squeezegym.view.fills import OWNERS
from squeezegym.view.happenings import happenings
from squeezegym.view.recorder import SHADE, Recorder, Replay, shade
from squeezegym.view.replay import replay_page
from squeezegym.view.runs import load_run, record_market
from tests.oracle.log_replay import LogReplay

IGNITED = {"catalyst.squeeze": 1.0, "catalyst.near_miss": 0.0}


@pytest.fixture(scope="module")
def squeeze():
    """A market that has gone through its squeeze, and its run."""
    market = Market("short_squeeze", seed=5, log=True, **IGNITED)
    recorder = Recorder(market.scenario, 5, 200.0)
    recorder.sample(market.record)
    for _ in range(2000):
        market.run(0.1)
        recorder.sample(market.record)
    return market, recorder.finish(market.record, market.log())


def test_prices_of_trades_are_those_of_a_replayed_book(squeeze):
    market, run = squeeze
    replay = LogReplay(market.opening.record[0], market._batch.params["fees"][0])
    expected = []
    for row in market.log():
        before = [len(book.tape) for book in replay.books]
        replay.feed(np.array([row]))
        if row["kind"] == LogKind.ORDER and row["filled"]:
            book = replay.books[row["book"]]
            fills = [(fill[3], fill[4]) for fill in book.tape[before[row["book"]] :]]
            assert sum(qty for _, qty in fills) == row["filled"]
            expected.append(sum(p * q for p, q in fills) / int(row["filled"]))
    assert len(expected) > 5000
    np.testing.assert_allclose(run.trades["price"], expected, rtol=1e-12)


def test_forced_orders_are_told_from_others(squeeze):
    market, run = squeeze
    engine = run.trades["owner"] == OWNERS.index("liquidation engine")
    forced = [trade for trade in market.trades() if trade["forced"]]
    assert engine.sum() == len(forced) > 100
    assert set(run.trades["side"][engine]) == {Side.BUY}


def test_bins_hold_the_lots_of_the_book(squeeze):
    market, run = squeeze
    low, width = run.about["low"], run.about["width"]
    n = run.books.shape[2]
    for venue in Venue:
        orders = market.orders(venue)
        for side in Side:
            mine = orders[orders["side"] == side]
            bins = (mine["price"].astype(int) - low) // width
            inside = (bins >= 0) & (bins < n)
            lots = np.bincount(bins[inside], mine["qty"][inside], n)
            shown = run.books[venue, -1]
            ours = (shown > 0) & ((shown >= 128) == (side == Side.SELL))
            assert ours.any()
            np.testing.assert_array_equal(shown[ours] & 127, shade(lots[ours]))


def test_the_map_holds_who_is_liquidated_where(squeeze):
    market, run = squeeze
    for record, shown in (
        (market.opening.record[0], run.ladder[0]),
        (market.record, run.ladder[-1]),
    ):
        accounts = record["accounts"]
        watched = accounts[accounts["laddered"] == Standing.IN_LADDER]
        bins = (watched["trigger"] - run.about["low"]) // run.about["width"]
        inside = (bins >= 0) & (bins < len(shown))
        lots = {}
        for sign in (-1, 1):
            mine = inside & (watched["perp"] * sign > 0)
            lots[sign] = np.bincount(bins[mine], np.abs(watched["perp"][mine]), len(shown))
        longs = lots[1] > lots[-1]
        np.testing.assert_array_equal(shown >= 128, longs)
        np.testing.assert_array_equal(shown & 127, shade(np.maximum(lots[1], lots[-1])))
    assert ((run.ladder[0] > 0) & (run.ladder[0] < 128)).sum() > 50


def test_a_shade_is_a_step_of_a_fixed_ratio():
    lots = np.array([0, 1, 10, 1000, 10**6, 10**9])
    shades = shade(lots).astype(int)
    assert shades[0] == 0 and shades[1] == 1 and shades[-1] == 127
    back = SHADE ** (shades[1:5] - 1.0)
    assert (np.abs(np.log(back / lots[1:5])) <= np.log(SHADE) / 2 + 1e-9).all()


def test_events_tell_the_whole_squeeze(squeeze):
    market, run = squeeze
    kinds = [event["kind"] for event in run.events]
    assert kinds.index("catalyst") < kinds.index("liquidation") < kinds.index("ignition")
    times = [event["t"] for event in run.events]
    assert times == sorted(times)
    told = [e["text"] for e in run.events if e["kind"] == "liquidation"]
    accounts = sum(int(text.split(" ")[0]) for text in told)
    assert accounts == len(market.liquidations())
    base = sum(float(text.rsplit(" ", 1)[1].replace(",", "")) for text in told)
    assert base == pytest.approx(run.frames["liquidated_shorts"][-1], abs=1e-3 * len(told))


def test_a_run_is_saved_and_loaded_whole(squeeze, tmp_path):
    _, run = squeeze
    run.save(tmp_path / "replay.npz")
    for path in (tmp_path / "replay.npz", tmp_path):
        again = load_run(path)
        assert again.about == run.about
        assert again.events == run.events
        for name in ("frames", "moments", "books", "ladder", "trades"):
            np.testing.assert_array_equal(getattr(again, name), getattr(run, name))


def test_an_event_log_gives_its_run_again(tmp_path):
    market = Market("calm", seed=3, log=True)
    market.run(3.0)
    market.save_log(tmp_path / "run.npz")
    run = load_run(tmp_path / "run.npz")

    assert run.about["seed"] == 3
    assert run.frames["perp"][1:] == pytest.approx(market.series()["perp"])


def test_a_log_that_does_not_repeat_is_refused(tmp_path):
    market = Market("calm", seed=3, log=True)
    market.run(1.0)
    market.save_log(tmp_path / "run.npz")
    with np.load(tmp_path / "run.npz") as saved:
        kept = {name: saved[name] for name in saved}
    kept["rows"]["qty"][5] += 1
    np.savez(tmp_path / "other.npz", **kept)
    with pytest.raises(DataError, match="made by another version"):
        load_run(tmp_path / "other.npz")


def test_what_is_no_run_is_refused(tmp_path):
    with pytest.raises(DataError, match="does not exist"):
        load_run(tmp_path / "no.npz")
    (tmp_path / "text.npz").write_text("no archive")
    with pytest.raises(DataError, match="is no run"):
        load_run(tmp_path / "text.npz")
    np.savez(tmp_path / "other.npz", x=1)
    with pytest.raises(DataError, match="is no recorded run"):
        Replay.load(tmp_path / "other.npz")


def test_a_page_holds_one_run_or_two_of_one_symbol(squeeze):
    _, run = squeeze
    other = record_market(Scenario.load("thin_alt"), 1, 0.2)
    for runs in ([], [run, other], [run] * 3):
        with pytest.raises(DataError, match="one run, or two of one symbol"):
            replay_page(runs)


def protection_rows(kind, times, **fields):
    rows = np.zeros(len(times), LOG_DTYPE)
    rows["kind"], rows["time"], rows["book"] = kind, np.multiply(times, 1e9), Venue.SPOT
    for name, value in fields.items():
        rows[name] = value
    return rows


def test_measures_auctions_and_cancelled_trades_are_told(squeeze):
    market, run = squeeze
    rows = np.concatenate(
        [
            protection_rows(
                LogKind.MEASURE, [1.0], other=Measure.PAUSE, side=1, flags=Cause.SCHEDULE, qty=5e9
            ),
            protection_rows(LogKind.UNCROSS, [5.0], qty=2000, price=618_000),
            protection_rows(LogKind.UNWIND, [6.0], qty=12, filled=3e9),
        ]
    )
    told = happenings(rows, run.frames, market.opening.record[0], market.scenario, False)
    assert [event["text"] for event in told] == [
        "pause begins until 5.0 s (schedule)",
        "spot reopens: 2.000 at 61,800.00",
        "trades since 3.0 s are cancelled (12 rows)",
    ]


def test_batches_that_follow_each_other_are_told_together(squeeze):
    market, run = squeeze
    rows = protection_rows(LogKind.UNCROSS, np.arange(150) / 10, qty=1000, price=618_000)
    told = happenings(rows, run.frames, market.opening.record[0], market.scenario, False)
    assert len(told) == 3
    assert sum(int(event["text"].split(" ")[0]) for event in told) == 150
