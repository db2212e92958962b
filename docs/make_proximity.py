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
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from matplotlib.figure import Figure

from squeezegym.data.backtest import (
    BASELINES,
    MEASURES,
    Score,
    rows_of_candles,
    score,
    walk_forward,
)
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
from squeezegym.view.plots import BLACK, BLUE, GREEN, ORANGE, VERMILION
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


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Write a table of the page."""
    names = list(head)
    lines = [names, ["---"] * len(names), *(list(row) for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


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


def lines(path: Path, rows: dict[str, list[Any]], onsets: dict[int, list[datetime]]) -> None:
    """Draw the change of price and the chances of 24 hours through time."""
    figure = Figure(figsize=(9, 5), dpi=110, layout="constrained")
    price, chance = figure.subplots(2, 1, sharex=True)
    price.plot(rows["at"], rows["change"], color=BLACK, lw=1.2)
    price.set(ylabel="price since the start, %")
    for side, colour, name in ((1, VERMILION, "up"), (-1, BLUE, "down")):
        chance.plot(rows["at"], rows[name], color=colour, lw=1.2, label=f"cascade {name} in 24 h")
        for at in onsets.get(side, []):
            price.axvline(at, color=colour, lw=1, ls=":")
            chance.axvline(at, color=colour, lw=1, ls=":")
    chance.set(ylabel="chance", ylim=(0, None))
    chance.legend(frameon=False)
    for axes in (price, chance):
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(axis="x", rotation=20)
    figure.savefig(path)


def january(data: Path) -> str:
    """Hour by hour through the squeeze of 2023-01-13/14."""
    file = data / "binance-metrics-2023-01/BTCUSDT-metrics-1h-2023-01-13_14.csv"
    rows, shown, first = [], {"at": [], "change": [], "up": [], "down": []}, 0.0
    for moment in follow_metrics(load(file).frame, BRACKETS, depth_quote=DEPTH_QUOTE):
        found = measured(moment)
        first = first or found.price
        up, down = found.up, found.down
        shown["at"].append(moment.at)
        shown["change"].append(100 * (found.price / first - 1))
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
    lines(HERE / "images" / "proximity-2023-01.png", shown, {})
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
    shown: dict[str, list[Any]] = {"at": [], "change": [], "up": [], "down": []}
    first = 0.0
    for moment in follow_candles(candles, BRACKETS, every=6):
        found = proximity(
            moment.waiting,
            moment.impact,
            at=moment.at,
            horizons=(86_400.0,),
            paths=512,
            step_s=STEP_S,
        )
        first = first or found.price
        shown["at"].append(moment.at)
        shown["change"].append(100 * (found.price / first - 1))
        for name, side in (("up", found.up), ("down", found.down)):
            shown[name].append(side.chances["86400"].probability)
    lines(HERE / "images" / f"proximity-{symbol.lower()}.png", shown, onsets)
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


def scores(rows: pl.DataFrame, side: int) -> list[Score]:
    """Score every measure and baseline on the same rows."""
    mine = rows.filter(pl.col("side") == side)
    named: list[tuple[str, list[str]]] = [(name, [name]) for name in (*MEASURES, *BASELINES)]
    named += [("all baselines", list(BASELINES)), ("baselines and chance", [*BASELINES, "chance"])]
    return [
        score(name, walk_forward(mine, names), name if len(names) == 1 else None)
        for name, names in named
    ]


def calibration(path: Path, by_side: dict[int, list[Score]]) -> None:
    """Draw predicted against observed of the measure under test and of all baselines."""
    figure = Figure(figsize=(9, 4), dpi=110, layout="constrained")
    for axes, (side, found) in zip(figure.subplots(1, 2), by_side.items(), strict=True):
        for name, colour in (("chance", VERMILION), ("all baselines", GREEN)):
            curve = np.array(next(s.curve for s in found if s.name == name))
            error = np.abs(curve[:, 2:4].T - curve[:, 1])
            axes.errorbar(curve[:, 0], curve[:, 1], error, color=colour, marker="o", label=name)
        top = axes.get_ylim()[1]
        axes.plot([0, top], [0, top], color=ORANGE, lw=1, ls="--")
        axes.set(xlabel="predicted", ylabel="observed", title="squeezes" if side > 0 else "flushes")
        axes.legend(frameon=False)
        axes.grid(alpha=0.25)
    figure.savefig(path)


def with_interval(estimate: float, interval: Any) -> str:
    """Write an estimate with its interval."""
    return f"{estimate:.2f} ({interval.low:.2f} to {interval.high:.2f})"


def score_table(found: list[Score]) -> str:
    """Write the scores of one side."""
    return table(
        ("measure", "AUC as it stands", "AUC of the fitted curve", "Brier score", "skill"),
        (
            (
                s.name,
                "" if s.auc is None else with_interval(s.auc, s.interval),
                with_interval(s.fitted, s.fitted_interval),
                f"{s.brier:.4f}",
                f"{s.skill:+.1%}",
            )
            for s in found
        ),
    )


def verdict(found: list[Score]) -> str:
    """Say whether the measure tells anything, and whether more than the trivial ones."""
    by_name = {s.name: s for s in found}
    chance, trivial = by_name["chance"], max((by_name[n] for n in BASELINES), key=_auc)
    low = chance.interval.low if chance.interval else 0.0
    tells = "tells something" if low > 0.5 else "is not shown to tell anything"
    better = "above" if low > _auc(trivial) else "not shown to be above"
    skill = "better" if chance.skill > 0 else "no better"
    return (
        f"The chance {tells} (AUC {with_interval(_auc(chance), chance.interval)}); it is {better}"
        f" the best of the trivial measures, {trivial.name} ({_auc(trivial):.2f}), and as a"
        f" probability {skill} than the rate of the past."
    )


def _auc(of: Score) -> float:
    return of.auc if of.auc is not None else of.fitted


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


PAGE = """# How near is the liquidation point?

Written by `python docs/make_proximity.py DATA` at commit {commit} on {machine}, Python
{python}. DATA are recordings that are not part of the project; the page shows what
was derived from them.

`squeezegym proximity` answers from what a person has: positions, or metrics with the open
interest, or candles say where liquidations wait; a capture of the book, or flow and volatility,
what stands against them. What no file tells (who holds an open interest, at what entry, with how
much collateral, how fast the book refills) is drawn 64 times, and every number below is the
middle of the draws with 5 % and 95 % beside it. The reduced model is this project's own theory.

In short, from the test below. Squeezes: {up_verdict} Flushes: {down_verdict} What stands on a map
is of use beside the price; the chance is not a forecast.

- **index**: largest ratio, over a band of 1 % within 10 % of the price, of what is liquidated
  there to what rests there. Above 1 the band liquidates more than it can take.
- **barrier**: outside demand that sets the nearest cascade of at least 1 % off, in quote and in
  standard deviations of net flow over the time in which the book refills.
- **chance**: share of simulated paths that liquidations carry at least 1 % beyond the same path
  with nobody liquidated. Draws under which the last 24 hours would hardly have passed without a
  cascade weigh less.

What it does not know stands on every answer: {unknown}.

## Positions that are known

131 positions of 134 carry the liquidation price of their venue. From entry and leverage alone, by
the margin functions of the market:

{positions}

Isolated positions deviate where their holders have added or taken margin. Behind a cross position
stands an account that the file does not show; with the collateral that the stated price implies,
the integer trigger of the market is that price to within 2 parts in 100,000 (`tests/golden`).

## BTCUSDT, 13 and 14 January 2023

Hourly open interest, taker ratio and the price that they imply; each row is what was known at its
time. The depth is not recorded: 16 million on either side within 10 bp, as on 2024-08-08, within
a factor of 1.6. The open interest fell by a tenth within the hour before 00:55 on the 14th.

The chance up grows through the day before the squeeze. It stays high after it, when nothing
followed: the volatility that it is measured with then contains the squeeze.

![The map before the squeeze](images/proximity-2023-01-13.png)

![Through two days](images/proximity-2023-01.png)

{january}

## Two altcoins, November 2024

Only candles are known, so the open interest is a stand-in from volume and the size of the map a
guess. Dotted: squeezes (orange) and flushes (blue) by the rule below. The table has the chance at
the last moment before each, and the share of all moments of the month whose chance was lower.

![DOTUSDT](images/proximity-dotusdt.png)

![NEARUSDT](images/proximity-nearusdt.png)

| symbol | side | begins | chance in 24 h | rank in the month |
| --- | --- | --- | --- | --- |
{altcoins}

## Does it come before squeezes?

A squeeze begins at the end of an hour when, over the next 6 hours, price rises by at least 3 %
and by 4 standard deviations of 6 hours (of the 7 days before), on at least twice the usual
volume; where open interest or liquidations are known they must agree (`squeezegym.data.labels`).
A flush is the same down. Every {every} hours from March to September 2025, five coins at Binance;
the label is whether one begins within 24 hours. Only candles and funding are known here, so the
measure works with the stand-in for the open interest. Probabilities are predicted walk-forward
from a curve fitted on the past, purged of rows within 48 hours. AUC .5 is chance, and 1 a measure
that is always higher before a squeeze. The first column takes each measure as it stands, the second
the fitted curve over pairs of rows of one stretch of time: across stretches the rate of the past
alone would rank, and badly, since a busy stretch follows a quiet one. Intervals are a bootstrap
over weeks; skill is the share by which the Brier score is below that of the past rate.

### Squeezes ({squeezes} of {rows} rows)

{up}

{up_verdict} {up_level}

### Flushes ({flushes} of {rows} rows)

{down}

{down_verdict} {down_level}

![Predicted and observed](images/proximity-calibration.png)

Rows of one week share their squeezes, and so do coins: there are far fewer independent events
than rows, which the interval over weeks shows and the bars of the calibration do not.

## The reduced chain beside the full market

BTCUSDT, 2024-08-08 23:55: open interest from the metrics, both books from the capture. The full
market starts from the recorded books with 1,000 accounts that have the middle map's triggers
(`squeezegym.data.proximity_market`); the chain carries all draws.

{market}

Within an hour the chain gives {hour}, within a day {day}. Ten minutes of the full market are a
check that nothing is near, not a forecast: that market has no news, and its makers are the
scenario's.
"""


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
    calibration(HERE / "images" / "proximity-calibration.png", by_side)
    parts = {"rows": f"{len(rows) // 2:,}"}
    for side, name, count in ((1, "up", "squeezes"), (-1, "down", "flushes")):
        parts[name], parts[f"{name}_verdict"] = score_table(by_side[side]), verdict(by_side[side])
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
