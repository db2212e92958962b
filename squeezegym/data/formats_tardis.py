"""CSV files of Tardis.dev: a header, times in us, sorted by the time of receipt.

Source: docs.tardis.dev, downloadable CSV files, data types. ``timestamp`` is the venue's and may go
back; ``local_timestamp`` is when the row was received, so when it was known. A side of trades is
the taker's; a liquidation ``buy`` closes a short. Sizes are base at linear contracts, and contracts
or USD at inverse ones.
"""

from __future__ import annotations

import polars as pl

from squeezegym.data.cells import Cell, Column
from squeezegym.data.formats import Format
from squeezegym.data.schema import Kind
from squeezegym.data.source import LINE

_HEAD = (
    Column("exchange", Cell.TEXT, "venue"),
    Column("symbol", Cell.TEXT, "symbol"),
    Column("timestamp", Cell.EPOCH, "time"),
    Column("local_timestamp", Cell.EPOCH, "known_at"),
)


def _sizes(symbol: str) -> str:
    """Unit of amounts: the file does not say whether a contract is linear."""
    return "base, or contracts of an inverse one (the venue's own unit)"


def _format(name: str, kind: Kind, *columns: Column) -> Format:
    """Build a format of Tardis."""
    return Format(f"Tardis {name}", "", kind, (*_HEAD, *columns), order="known_at", sizes=_sizes)


def _maybe(name: str, cell: Cell, to: str = "") -> Column:
    """Build a column whose cells may be empty."""
    return Column(name, cell, to, required=False)


_AMOUNT = (
    Column("side", Cell.SIDE, "side"),
    Column("price", Cell.PRICE, "price"),
    _maybe("amount", Cell.SIZE, "size"),
)
_PRINT = (_maybe("id", Cell.TEXT, "id"), *_AMOUNT)

FORMATS = (
    _format(
        "incremental_book_L2",
        Kind.DELTAS,
        Column("is_snapshot", Cell.BOOLEAN, "is_snapshot"),
        *_AMOUNT,
    ),
    _format(
        "quotes",
        Kind.QUOTES,
        _maybe("ask_amount", Cell.SIZE, "ask_size"),
        _maybe("ask_price", Cell.SIZE, "ask"),
        _maybe("bid_price", Cell.SIZE, "bid"),
        _maybe("bid_amount", Cell.SIZE, "bid_size"),
    ),
    _format(
        "derivative_ticker",
        Kind.CONTEXTS,
        _maybe("funding_timestamp", Cell.EPOCH),
        _maybe("funding_rate", Cell.NUMBER, "funding_rate"),
        _maybe("predicted_funding_rate", Cell.NUMBER),
        _maybe("open_interest", Cell.SIZE, "open_interest"),
        _maybe("last_price", Cell.SIZE, "last"),
        _maybe("index_price", Cell.SIZE, "index"),
        _maybe("mark_price", Cell.SIZE, "mark"),
    ),
)
"""Formats whose columns tell them; trades and liquidations differ by name alone."""

TRADES = _format("trades", Kind.TRADES, *_PRINT)
LIQUIDATIONS = _format("liquidations", Kind.LIQUIDATIONS, *_PRINT)


def snapshot_format(names: list[str]) -> Format | None:
    """Build the format of ``book_snapshot_N`` from its header, if it names every level."""
    asks = [name for name in names if name.startswith("asks[") and name.endswith(".price")]
    if not asks:
        return None
    columns = (
        _maybe(f"{side}[{level}].{what}", Cell.SIZE)
        for level in range(len(asks))
        for side in ("asks", "bids")
        for what in ("price", "amount")
    )
    form = _format(f"book_snapshot_{len(asks)}", Kind.SNAPSHOTS, *columns)
    return form if form.fits_header(names) else None


def unroll(frame: pl.DataFrame) -> pl.DataFrame:
    """Turn one row a book into one row a level, best first, asks after bids."""
    head = [LINE, *(column.name for column in _HEAD)]
    names = [name for name in frame.columns if name.endswith(".price")]
    parts = [
        frame.select(
            *head,
            pl.lit(int(name.partition("[")[2].partition("]")[0])).alias("level"),
            pl.lit(1 if name.startswith("bids") else -1).alias("side"),
            pl.col(name).alias("price"),
            pl.col(name.replace(".price", ".amount")).alias("size"),
        )
        for name in names
    ]
    rows = pl.concat(parts).drop_nulls("price")
    order = ["local_timestamp", "timestamp", "side", "level"]
    return rows.sort(order, descending=[False, False, True, False], maintain_order=True)
