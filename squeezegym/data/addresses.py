"""Public download addresses of recorded data, built from symbol, dataset and days.

Sources: github.com/binance/binance-public-data; public.bybit.com; public.bitmex.com; the download
site of OKX; docs.tardis.dev (the first day of each month is free).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from squeezegym.errors import ConfigError, did_you_mean

BASES = {
    "binance": "https://data.binance.vision",
    "bybit": "https://public.bybit.com",
    "bitmex": "https://s3-eu-west-1.amazonaws.com/public.bitmex.com",
    "okx": "https://www.okx.com/cdn/okex/traderecords",
    "tardis": "https://datasets.tardis.dev/v1",
}
MARKETS = {"um": "futures/um", "cm": "futures/cm", "spot": "spot"}
_CANDLES = ("klines", "markPriceKlines", "indexPriceKlines", "premiumIndexKlines")
_DAILY = ("bookDepth", "bookTicker", "metrics", "liquidationSnapshot")
_MONTHLY = ("fundingRate",)
DATASETS = {
    "binance": (*_CANDLES, "aggTrades", "trades", *_DAILY, *_MONTHLY),
    "bybit": ("trades",),
    "bitmex": ("trade", "quote"),
    "okx": ("trades",),
    "tardis": (
        "trades",
        "incremental_book_L2",
        "book_snapshot_5",
        "book_snapshot_25",
        "quotes",
        "derivative_ticker",
        "liquidations",
    ),
}


@dataclass(frozen=True, slots=True)
class Address:
    """One file to download.

    Attributes:
        url: Where it is.
        path: Where it goes below the folder of downloads.
        checksum_url: A line with its sha256, or None where the venue gives none.
    """

    url: str
    path: str
    checksum_url: str | None = None


def addresses(
    venue: str,
    dataset: str,
    symbol: str,
    first: date,
    last: date,
    *,
    market: str = "um",
    interval: str = "1m",
    exchange: str = "binance-futures",
    base: str | None = None,
) -> list[Address]:
    """Build the addresses of a dataset over a range of days, both included.

    Whole months of Binance come as monthly files where the dataset has them.

    Args:
        venue: binance, bybit, bitmex, okx or tardis.
        dataset: As the venue names it.
        symbol: As the venue writes it; BitMEX has all symbols in one file.
        first: First day, UTC.
        last: Last day.
        market: Of Binance: um, cm or spot.
        interval: Of candles, as 1m or 1h.
        exchange: Of Tardis.
        base: Address of a mirror instead of the venue's own.

    Raises:
        ConfigError: A name that no venue has, or days in the wrong order.
    """
    _check("venue", venue, BASES)
    _check("dataset", dataset, DATASETS[venue])
    _check("market", market, MARKETS)
    if last < first:
        raise ConfigError(f"the last day {last} is before the first {first}; exchange them")
    root = (base or BASES[venue]).rstrip("/")
    if venue == "binance":
        folder = f"data/{MARKETS[market]}"
        return [
            Address(f"{root}/{path}", path, f"{root}/{path}.CHECKSUM")
            for path in _binance(folder, dataset, symbol.upper(), interval, first, last)
        ]
    form = {
        "bybit": f"trading/{symbol}/{symbol}%Y-%m-%d.csv.gz",
        "bitmex": f"data/{dataset}/%Y%m%d.csv.gz",
        "okx": f"trades/daily/%Y%m%d/{symbol}-trades-%Y-%m-%d.zip",
        "tardis": f"{exchange}/{dataset}/%Y/%m/%d/{symbol}.csv.gz",
    }[venue]
    paths = [day.strftime(form) for day in _days(first, last)]
    return [Address(f"{root}/{path}", f"{venue}/{path}") for path in paths]


def _check(name: str, value: str, known: Iterable[str]) -> None:
    words = list(known)
    if value not in words:
        raise ConfigError(
            f"{name} is {value!r}, allowed are {', '.join(words)}{did_you_mean(value, words)}"
        )


def _days(first: date, last: date) -> Iterator[date]:
    while first <= last:
        yield first
        first += timedelta(days=1)


def _binance(
    folder: str, dataset: str, symbol: str, interval: str, first: date, last: date
) -> Iterator[str]:
    """Yield paths: monthly files where there are any and a month is asked for whole."""
    middle = f"{symbol}/{interval}" if dataset in _CANDLES else symbol
    stem = f"{symbol}-{interval if dataset in _CANDLES else dataset}"
    day = first
    while day <= last:
        following = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
        whole = day.day == 1 and following - timedelta(days=1) <= last
        if dataset in _MONTHLY or (whole and dataset not in _DAILY):
            yield f"{folder}/monthly/{dataset}/{middle}/{stem}-{day:%Y-%m}.zip"
            day = following
        else:
            yield f"{folder}/daily/{dataset}/{middle}/{stem}-{day:%Y-%m-%d}.zip"
            day += timedelta(days=1)
