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
    Column("exchange", Cell.TEXT),
    Column("symbol", Cell.TEXT),
    Column("timestamp", Cell.EPOCH),
    Column("local_timestamp", Cell.EPOCH),
)
_WHEN = {
    "time": pl.col("timestamp"),
    "known_at": pl.col("local_timestamp"),
    "venue": pl.col("exchange"),
    "symbol": pl.col("symbol"),
}


def _sizes(symbol: str) -> str:
    """Unit of amounts: the file does not say whether a contract is linear."""
    return "base, or contracts of an inverse one (the venue's own unit)"


def _format(name: str, kind: Kind, columns: dict[str, Cell], **fields: pl.Expr) -> Format:
    """Build a format whose cells other than sides and flags may be empty."""
    always = (Cell.BOOLEAN, Cell.SIDE, Cell.PRICE)
    return Format(
        name=f"Tardis {name}",
        venue="",
        kind=kind,
        columns=(
            *_HEAD,
            *(Column(key, cell, required=cell in always) for key, cell in columns.items()),
        ),
        fields={**_WHEN, **fields},
        order="known_at",
        sizes=_sizes,
    )


_AMOUNT = {"side": pl.col("side"), "price": pl.col("price"), "size": pl.col("amount")}

FORMATS = (
    _format(
        "incremental_book_L2",
        Kind.DELTAS,
        {
            "is_snapshot": Cell.BOOLEAN,
            "side": Cell.SIDE,
            "price": Cell.PRICE,
            "amount": Cell.SIZE,
        },
        is_snapshot=pl.col("is_snapshot"),
        **_AMOUNT,
    ),
    _format(
        "quotes",
        Kind.QUOTES,
        {
            "ask_amount": Cell.SIZE,
            "ask_price": Cell.SIZE,
            "bid_price": Cell.SIZE,
            "bid_amount": Cell.SIZE,
        },
        bid=pl.col("bid_price"),
        bid_size=pl.col("bid_amount"),
        ask=pl.col("ask_price"),
        ask_size=pl.col("ask_amount"),
    ),
    _format(
        "derivative_ticker",
        Kind.CONTEXTS,
        {
            "funding_timestamp": Cell.EPOCH,
            "funding_rate": Cell.NUMBER,
            "predicted_funding_rate": Cell.NUMBER,
            "open_interest": Cell.SIZE,
            "last_price": Cell.SIZE,
            "index_price": Cell.SIZE,
            "mark_price": Cell.SIZE,
        },
        funding_rate=pl.col("funding_rate"),
        open_interest=pl.col("open_interest"),
        last=pl.col("last_price"),
        index=pl.col("index_price"),
        mark=pl.col("mark_price"),
    ),
)
"""Formats whose columns tell them; trades and liquidations differ by name alone."""

_PRINT = {"id": Cell.TEXT, "side": Cell.SIDE, "price": Cell.PRICE, "amount": Cell.SIZE}
TRADES = _format("trades", Kind.TRADES, _PRINT, id=pl.col("id"), **_AMOUNT)
LIQUIDATIONS = _format("liquidations", Kind.LIQUIDATIONS, _PRINT, **_AMOUNT)


def snapshot_format(names: list[str]) -> Format | None:
    """Build the format of ``book_snapshot_N`` from its header, if it names every level."""
    asks = [name for name in names if name.startswith("asks[") and name.endswith(".price")]
    if not asks:
        return None
    levels = range(len(asks))
    cells = {
        f"{side}[{level}].{what}": Cell.SIZE
        for level in levels
        for side in ("asks", "bids")
        for what in ("price", "amount")
    }
    columns = (*_HEAD, *(Column(name, cell, required=False) for name, cell in cells.items()))
    form = Format(
        name=f"Tardis book_snapshot_{len(asks)}",
        venue="",
        kind=Kind.SNAPSHOTS,
        columns=columns,
        fields=_WHEN,
        order="known_at",
        sizes=_sizes,
    )
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
