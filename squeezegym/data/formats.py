"""Formats of text tables: what a file must look like, and how its columns become a schema's."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import polars as pl

from squeezegym.data.cells import Column
from squeezegym.data.schema import Kind

CONTRACTS, BASE = "contracts", "base"
_INVERSE = re.compile(r"USD_(PERP|\d{6})$")

Fields = Mapping[str, pl.Expr]


@dataclass(frozen=True)
class Format:
    """One format of comma-separated text.

    Attributes:
        name: What the report calls it.
        venue: Who writes it; empty where a column tells.
        kind: What its rows are.
        columns: Columns that a file has, in the order of one without a header.
        fields: Columns of the schema that are computed. ``known_at`` is ``time`` where neither
            these nor ``columns`` give it.
        more: Columns that may follow or stand anywhere in a file with a header.
        headerless: Whether a file may come without a header.
        order: Column of the schema that must not go back; None where files may be in any order and
            are sorted.
        repeats: Whether the same row twice is the venue's doing; the second is dropped.
        known: ``known_at`` from the whole table, where one row does not tell.
        sizes: Unit of sizes of a symbol.
        path: What a folder or file name must hold, where columns do not tell two formats apart.
    """

    name: str
    venue: str
    kind: Kind
    columns: tuple[Column, ...]
    fields: Fields = field(default_factory=dict)
    more: tuple[Column, ...] = ()
    headerless: bool = False
    order: str | None = "time"
    repeats: bool = False
    known: Callable[[pl.DataFrame], pl.Expr] | None = None
    sizes: Callable[[str], str] = lambda symbol: BASE
    path: str = ""

    def mapped(self, names: list[str]) -> dict[str, pl.Expr]:
        """Columns of the schema from the columns that a file has."""
        taken = {c.to: pl.col(c.name) for c in (*self.columns, *self.more) if c.to}
        return {
            name: value
            for name, value in (taken | dict(self.fields)).items()
            if set(value.meta.root_names()) <= set(names)
        }

    def fits_header(self, names: list[str]) -> bool:
        """Whether a header holds every column."""
        return {column.name for column in self.columns} <= set(names)

    def fits_row(self, cells: list[str], where: str) -> bool:
        """Whether a first row without a header can be of this format, in the order documented."""
        known = (*self.columns, *self.more)
        if not self.headerless or not len(self.columns) <= len(cells) <= len(known):
            return False
        pairs = zip(known, cells, strict=False)
        fits = all(
            re.search(column.cell.pattern, cell.strip()) or (not column.required and not cell)
            for column, cell in pairs
        )
        return fits and (not self.path or self.path.lower() in where.lower())


def binance_sizes(symbol: str) -> str:
    """Unit of sizes at Binance: COIN-M symbols count contracts."""
    return CONTRACTS if _INVERSE.search(symbol) else BASE


def spacing_ns(times: pl.Series) -> int | None:
    """Commonest distance of successive times, ns; None with fewer than two."""
    distances = times.unique().sort().diff().drop_nulls()
    if distances.is_empty():
        return None
    counted = distances.value_counts(sort=True)
    return int(counted[times.name].cast(pl.Int64())[0])
