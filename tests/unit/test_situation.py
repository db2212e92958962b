"""A present state from files, the command and its page."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import numpy as np
import pytest

pytest.importorskip("polars")
pytest.importorskip("matplotlib")

from squeezegym.cli import main
from squeezegym.data.proximity import proximity
from squeezegym.data.situation import Files, situation
from squeezegym.errors import ConfigError, DataError
from squeezegym.rules import Margin
from squeezegym.view.proximity import proximity_page
from tests.unit.test_from_data import capture

BRACKETS = Margin(table="btcusdt").brackets
START = datetime(2024, 11, 1)


@pytest.fixture
def metrics(tmp_path):
    rng = np.random.default_rng(2)
    names = "sum_open_interest,sum_open_interest_value,count_toptrader_long_short_ratio,sum_toptrader_long_short_ratio,count_long_short_ratio,sum_taker_long_short_vol_ratio"  # noqa: E501
    lines, price, interest = [f"time,{names}"], 100.0, 50_000.0
    for i in range(30):
        price *= np.exp(rng.normal(0, 0.004))
        interest *= np.exp(rng.normal(0, 0.01))
        lines.append(
            f"{START + timedelta(hours=i)},{interest:.3f},{interest * price:.3f},1,1,1,1.1"
        )
    path = tmp_path / "XUSDT-metrics.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def candles(tmp_path):
    rng = np.random.default_rng(3)
    lines, price = ["timestamp,open,high,low,close,volume,symbol"], 100.0
    for i in range(72):
        last, price = price, price * np.exp(rng.normal(0, 0.004))
        high, low = max(last, price), min(last, price)
        lines.append(f"{START + timedelta(hours=i)},{last},{high},{low},{price},5000,XUSDT")
    path = tmp_path / "candles.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def positions(tmp_path):
    path = tmp_path / "p.csv"
    rows = ["side,size,entry_price,leverage", "short,300,100,20", "long,200,100,10"]
    path.write_text("\n".join(rows) + "\n")
    return path


def test_each_kind_of_file_gives_a_moment(metrics, candles, positions, tmp_path):
    of_metrics = situation(Files(metrics=metrics, depth_quote=1e5), BRACKETS, draws=4)
    assert of_metrics.at == datetime(2024, 11, 2, 5, 55, tzinfo=UTC)
    of_candles = situation(Files(candles=candles), BRACKETS, draws=4)
    assert of_candles.at == datetime(2024, 11, 4, tzinfo=UTC)
    alone = situation(Files(positions=positions, candles=candles), BRACKETS, draws=4)
    assert alone.interest == 250 and "positions" in alone.waiting.notes[0]

    scaled = Files(positions=positions, candles=candles, interest=3_000.0)
    assert situation(scaled, BRACKETS, draws=4).interest == 3_000
    with pytest.raises(DataError, match="the capture lasts 12 s, allowed are at least 60 s"):
        situation(Files(metrics=metrics, book=[capture(tmp_path / "perp.gz")]), BRACKETS, draws=4)


def test_nothing_after_the_moment_is_used(metrics):
    at = datetime(2024, 11, 1, 20, 30, tzinfo=UTC)
    found = situation(Files(metrics=metrics, depth_quote=1e5, at=at), BRACKETS, draws=4)
    assert found.at == datetime(2024, 11, 1, 19, 55, tzinfo=UTC)
    lines = metrics.read_text().splitlines()
    metrics.write_text("\n".join(lines[:21]) + "\n")
    again = situation(Files(metrics=metrics, depth_quote=1e5), BRACKETS, draws=4)
    np.testing.assert_array_equal(found.waiting.shorts, again.waiting.shorts)
    early = Files(metrics=metrics, depth_quote=1e5, at=datetime(2024, 10, 1, tzinfo=UTC))
    with pytest.raises(DataError, match="nothing was known at 2024-10-01"):
        situation(early, BRACKETS)


def test_what_is_missing_is_said(metrics, candles, positions):
    with pytest.raises(ConfigError, match="pass --positions, --metrics or --candles"):
        situation(Files(), BRACKETS)
    with pytest.raises(ConfigError, match="metrics tell no depth; pass --book"):
        situation(Files(metrics=metrics), BRACKETS)
    with pytest.raises(ConfigError, match="positions tell no depth"):
        situation(Files(positions=positions), BRACKETS)
    with pytest.raises(DataError, match="klines are found, allowed are metrics"):
        situation(Files(metrics=candles, depth_quote=1e5), BRACKETS)


def test_inverse_contracts_are_refused(metrics):
    """Their open interest counts contracts, and its value is base: no price follows from them."""
    inverse = metrics.with_name("BTCUSD_PERP-metrics.csv")
    inverse.write_text(metrics.read_text())
    with pytest.raises(DataError, match="sizes in contracts are found, allowed are those of a lin"):
        situation(Files(metrics=inverse, depth_quote=1e5), BRACKETS)


class Tags(HTMLParser):
    """Counts what a page would load or run, and the tags left open."""

    def __init__(self):
        super().__init__()
        self.loads, self.open = [], []

    def handle_starttag(self, tag, attrs):
        if tag in ("script", "img", "link", "iframe"):
            self.loads.append(tag)
        self.loads += [
            f"{k}={v}" for k, v in attrs if k in ("src", "href") and "#" != (v or "")[:1]
        ]
        if tag not in ("meta", "br", "path", "use"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag in self.open:
            self.open.remove(tag)


def test_the_page_stands_alone_and_shows_names_as_text(metrics):
    moment = situation(Files(metrics=metrics, depth_quote=1e5), BRACKETS, draws=8)
    found = proximity(moment.waiting, moment.impact, at=moment.at, horizons=(600.0,), paths=16)
    page = proximity_page(moment.waiting, moment.impact, found, "</title><script>alert(1)</script>")
    tags = Tags()
    tags.feed(page)
    assert tags.loads == []
    assert "&lt;script&gt;" in page and "What is not known" in page
    assert tags.open == []
    again = proximity_page(
        moment.waiting, moment.impact, found, "</title><script>alert(1)</script>"
    )
    assert page == again


def test_the_command_writes_json_and_page(metrics, tmp_path, capsys):
    out, page = tmp_path / "p.json", tmp_path / "p.html"
    args = ["proximity", "--metrics", str(metrics), "--depth-quote", "1e5", "--draws", "8"]
    more = ["--paths", "16", "--at", "2024-11-01T20:30", "--json", str(out), "--page", str(page)]
    assert main([*args, *more]) == 0
    printed = capsys.readouterr().out
    assert "not known" in printed and "chance of a cascade" in printed
    data = json.loads(out.read_text())
    assert data["at"] == "2024-11-01T19:55:00+00:00"
    assert set(data["up"]["chances"]) == {"3600", "86400"}
    assert page.read_text().startswith("<!doctype html>")
    assert main([*args, "--at", "yesterday"]) == 2
    assert "--at must be a time such as" in capsys.readouterr().err
    assert main([*args, "--market-seconds", "5"]) == 2
    assert "pass --book" in capsys.readouterr().err
    assert main([*args, "--json", str(tmp_path / "x.txt")]) == 2
