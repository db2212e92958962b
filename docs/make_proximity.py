"""Write the page on proximity and its figures: ``python docs/make_proximity.py DATA [WORK]``.

DATA holds the recorded data of the tests; the page shows what is derived from them, never rows.
With a folder WORK each part is kept there once it is done, and a run that was stopped goes on.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from proximity_page import PAGE

from squeezegym.data.backtest import rows_of_candles
from squeezegym.data.backtest_report import HEAD, score_rows, scores, verdict
from squeezegym.data.from_data import scenario_from_data
from squeezegym.data.history import Moment, follow_candles, follow_metrics, hourly
from squeezegym.data.labels import find_squeezes
from squeezegym.data.liquidation_map import liquidation_levels
from squeezegym.data.load import load
from squeezegym.data.positions import read_holdings
from squeezegym.data.proximity import UNKNOWN, Proximity, Range, proximity
from squeezegym.data.proximity_market import market_chances, with_map
from squeezegym.data.situation import Files, situation
from squeezegym.rules import Margin
from squeezegym.view.backtest import calibration_figure, chances_figure
from squeezegym.view.facts import markdown_table
from squeezegym.view.proximity import proximity_figure

HERE = Path(__file__).parent
BRACKETS = Margin(table="btcusdt").brackets
HYPERLIQUID = ((0.0, 1 / 80, 40.0), (150e6, 1 / 40, 20.0))
DEPTH_QUOTE = 16e6  # of January 2023 nobody recorded the depth: that of the capture of 2024-08-08
COINS = ("BTC", "ETH", "SOL", "HYPE", "DOGE")
ALTCOINS = ("DOTUSDT", "NEARUSDT")
MARKET_SEEDS, MARKET_S = 32, 600.0
PATHS, STEP_S = 1024, 60.0
EVERY_H = 12


def measured(moment: Moment) -> Proximity:
    """Measures of a moment."""
    return proximity(moment.waiting, moment.impact, at=moment.at, paths=PATHS, step_s=STEP_S)


def form(values: Range, text: str, scale: float = 1.0) -> str:
    """Write the range of a measure."""
    if values.middle is None or values.low is None or values.high is None:
        return "none"
    low, middle, high = (text.format(v * scale) for v in (values.low, values.middle, values.high))
    return f"{middle} ({low} to {high})"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Write a table of the page."""
    return "\n".join(markdown_table(head, rows))


def positions(data: Path) -> str:
    """How well entry and leverage give the liquidation prices that a venue states."""
    holdings, _ = read_holdings(data / "hyperliquid-positions-2026/whales_btc.json")
    rows = []
    for is_cross, name in ((False, "isolated"), (True, "cross")):
        mine = [h for h in holdings if h.is_cross is is_cross and h.liquidation is not None]
        size = np.array([abs(h.size) for h in mine])
        side = np.sign([h.size for h in mine]).astype(float)
        entry = np.array([h.entry for h in mine])
        stated = np.array([h.liquidation for h in mine], float)
        leverage = np.array([h.leverage for h in mine], float)
        levels = liquidation_levels(side, size, entry, size * entry / leverage, HYPERLIQUID)
        errors = np.abs(levels / stated - 1)
        low, high = np.quantile(errors, [0.25, 0.75])
        rows.append((name, str(len(mine)), f"{np.median(errors):.2%}", f"{low:.2%} to {high:.2%}"))
    return table(("margin", "positions", "median error", "middle half"), rows)


def january(data: Path) -> str:
    """Hour by hour through the squeeze of 2023-01-13/14."""
    file = data / "binance-metrics-2023-01/BTCUSDT-metrics-1h-2023-01-13_14.csv"
    rows: list[tuple[str, ...]] = []
    shown: dict[str, list[Any]] = {"at": [], "price": [], "up": [], "down": []}
    for moment in follow_metrics(load(file).frame, BRACKETS, depth_quote=DEPTH_QUOTE):
        found = measured(moment)
        up, down = found.up, found.down
        shown["at"].append(moment.at)
        shown["price"].append(found.price)
        shown["up"].append(up.chances["86400"].probability)
        shown["down"].append(down.chances["86400"].probability)
        if f"{moment.at:%d %H}" == "13 20":
            figure = proximity_figure(moment.waiting, moment.impact, found)
            figure.savefig(HERE / "images" / "proximity-2023-01-13.png")
        rows.append(
            (
                f"{moment.at:%d %H:%M}",
                form(up.index, "{:.2f}"),
                form(up.barrier_quote, "{:,.0f}", 1e-6),
                form(up.barrier_sd, "{:,.0f}"),
                f"{up.chances['3600'].probability:.1%}",
                f"{up.chances['86400'].probability:.0%}",
                form(down.index, "{:.2f}"),
                f"{down.chances['3600'].probability:.1%}",
                f"{down.chances['86400'].probability:.0%}",
            )
        )
    chances_figure(shown["at"], shown["price"], shown, {}).savefig(
        HERE / "images" / "proximity-2023-01.png"
    )
    head = ("known at", "index up", "barrier up, million", "in sd of flow", "up 1 h", "up 24 h")
    return table((*head, "index down", "down 1 h", "down 24 h"), rows)


def altcoin(data: Path, symbol: str) -> str:
    """Every few hours through a month of an altcoin; returns what came before its squeezes."""
    file = data / f"binance-klines-1m-2024-11/{symbol}-1m-2024-11.csv.gz"
    candles = load(file).frame
    hours = hourly(candles)
    onsets = {
        side: hours["known_at"].filter(pl.Series(find_squeezes(hours, side).begins)).to_list()
        for side in (1, -1)
    }
    shown: dict[str, list[Any]] = {"at": [], "price": [], "up": [], "down": []}
    for moment in follow_candles(candles, BRACKETS, every=6):
        found = proximity(
            moment.waiting,
            moment.impact,
            at=moment.at,
            horizons=(86_400.0,),
            paths=512,
            step_s=STEP_S,
        )
        shown["at"].append(moment.at)
        shown["price"].append(found.price)
        for name, side in (("up", found.up), ("down", found.down)):
            shown[name].append(side.chances["86400"].probability)
    chances_figure(shown["at"], shown["price"], shown, onsets).savefig(
        HERE / "images" / f"proximity-{symbol.lower()}.png"
    )
    at = np.array(shown["at"])
    said = []
    for side, name in ((1, "up"), (-1, "down")):
        chances = np.array(shown[name])
        for onset in onsets[side]:
            before = chances[at <= onset]
            if len(before):
                rank = float(np.mean(chances < before[-1]))
                said.append(
                    (symbol, name, f"{onset:%Y-%m-%d %H:%M}", f"{before[-1]:.0%}", f"{rank:.0%}")
                )
    return "\n".join("| " + " | ".join(row) + " |" for row in said)


def gather(data: Path) -> pl.DataFrame:
    """Rows of every coin for the back-test."""
    folder = data / "perps-hourly-2025"
    candles = load(folder / "candles.parquet").frame.filter(pl.col("venue") == "binance")
    funding = load(folder / "funding_rates.parquet").frame.filter(pl.col("venue") == "binance")
    found = []
    for coin in COINS:
        mine, rates = (frame.filter(pl.col("symbol") == coin) for frame in (candles, funding))
        found.append(rows_of_candles(mine, BRACKETS, funding=rates, every=EVERY_H, paths=256))
        print(coin, len(found[-1]), flush=True)
    return pl.concat(found)


def full_market(data: Path) -> dict[str, str]:
    """The reduced chain and the full market from one recorded book."""
    folder = data / "binance-raw-2024-08-08"
    spot = [folder / f"spot_btcusdt_2024080{day}.gz" for day in (8, 9)]
    files = Files(
        metrics=data / "binance-metrics-2023-01/BTCUSDT-metrics-1h-2024-08-08.csv",
        book=[folder / "usdm_btcusdt_20240808.gz"],
        spot=spot,
        at=datetime(2024, 8, 8, 23, 58, tzinfo=UTC),
    )
    moment = situation(files, BRACKETS)
    found = proximity(
        moment.waiting, moment.impact, at=moment.at, horizons=(MARKET_S, 3600.0, 86400.0)
    )
    perp = str(files.book[0])
    scenario = with_map(scenario_from_data(perp, os.pathsep.join(map(str, spot))), moment.waiting)
    market = market_chances(scenario, range(1, MARKET_SEEDS + 1), MARKET_S)
    reduced = found.up.chances[f"{MARKET_S:g}"], found.down.chances[f"{MARKET_S:g}"]
    rows = [
        (
            "reduced chain",
            *(f"{c.probability:.1%} ({c.low:.1%} to {c.high:.1%})" for c in reduced),
            *(f"{c.forced:,.1f}" for c in reduced),
        ),
        (
            f"full market, {market.seeds} seeds",
            f"{market.up:.1%} ({market.up_interval[0]:.1%} to {market.up_interval[1]:.1%})",
            f"{market.down:.1%} ({market.down_interval[0]:.1%} to {market.down_interval[1]:.1%})",
            f"{market.liquidated_shorts:,.1f}",
            f"{market.liquidated_longs:,.1f}",
        ),
    ]
    head = (
        f"in {MARKET_S / 60:g} minutes",
        "cascade up",
        "down",
        "shorts liquidated, base",
        "longs",
    )
    hour, day = (
        f"{found.up.chances[h].probability:.1%} up and {found.down.chances[h].probability:.1%} down"
        for h in ("3600", "86400")
    )
    return {"market": table(head, rows), "hour": hour, "day": day}


def kept(work: Path | None, name: str, make: Callable[[], dict[str, str]]) -> dict[str, str]:
    """Make a part, or take it from the folder of what was made before."""
    path = None if work is None else work / f"{name}.json"
    if path is not None and path.is_file():
        found: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
        return found
    found = make()
    if path is not None:
        path.write_text(json.dumps(found), encoding="utf-8")
    print(name, flush=True)
    return found


def backtest(data: Path, work: Path | None) -> dict[str, str]:
    """Score both sides."""
    kept_rows = None if work is None else work / "rows.parquet"
    if kept_rows is not None and kept_rows.is_file():
        rows = pl.read_parquet(kept_rows)
    else:
        rows = gather(data)
    if kept_rows is not None:
        rows.write_parquet(kept_rows)
    by_side = {side: scores(rows, side) for side in (1, -1)}
    calibration_figure(by_side).savefig(HERE / "images" / "proximity-calibration.png")
    parts = {"rows": f"{len(rows) // 2:,}"}
    for side, name, count in ((1, "up", "squeezes"), (-1, "down", "flushes")):
        parts[name], parts[f"{name}_verdict"] = (
            table(HEAD, score_rows(by_side[side])),
            verdict(by_side[side]),
        )
        mine = rows.filter(pl.col("side") == side)
        parts[count] = str(int(mine["begins"].sum()))
        parts[f"{name}_level"] = (
            f"As it stands the chance is {mine['chance'].mean():.0%} on average, while"
            f" {mine['begins'].mean():.1%} of the rows were followed by one of the"
            f" {count} of the rule: it ranks at best, and its level is not to be believed."
        )
    return parts


def main() -> None:
    """Measure everything and write the page."""
    data, work = Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None
    (HERE / "images").mkdir(exist_ok=True)
    if work is not None:
        work.mkdir(exist_ok=True)
    parts = kept(work, "positions", lambda: {"positions": positions(data)})
    parts |= kept(work, "january", lambda: {"january": january(data)})
    for symbol in ALTCOINS:
        parts |= kept(work, symbol, lambda symbol=symbol: {symbol: altcoin(data, symbol)})  # type: ignore[misc]
    parts |= kept(work, "backtest", lambda: backtest(data, work))
    parts |= kept(work, "market", lambda: full_market(data))
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],
        cwd=HERE,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    text = PAGE.format(
        **parts,
        altcoins="\n".join(parts[symbol] for symbol in ALTCOINS),
        commit=commit,
        machine=f"{platform.machine()}, {os.cpu_count()} cores",
        python=platform.python_version(),
        unknown="; ".join(UNKNOWN),
        every=EVERY_H,
    )
    (HERE / "proximity.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
