"""Leveraged positions from a file: a position snapshot of Hyperliquid (JSON) or a plain CSV.

A CSV has the columns ``side`` (long or short), ``size`` (base), ``entry_price`` (quote), and
``leverage`` or ``liquidation_price`` or both; ``coin``, ``current_price`` and ``unrealized_pnl``
are used when present, other columns are ignored. The JSON is a list, or an object with the list
``active_whales``, of wallets with ``side``, ``size``, ``entry_px``, ``leverage_value`` and
``liquidation_px``, flat or under ``position``.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

from squeezegym.data.text import Position, read_lines
from squeezegym.errors import DataError
from squeezegym.population import Positions
from squeezegym.scenario import Scenario

FAR_LEVEL = 0.2
"""Relative difference of two price levels beyond which positions are moved to the other."""
_RATE = 100_000_000
_SIDES = {"long": 1, "buy": 1, "short": -1, "sell": -1}


@dataclass(frozen=True, slots=True)
class Holding:
    """One position as the file states it.

    Attributes:
        size: Base, signed: negative is short.
        entry: Entry price, quote.
        leverage: Notional at entry over deposit, or None.
        liquidation: Price at which it is liquidated, quote, or None.
        price: Price of the market when the file was made, quote, or None.
        is_cross: Whether the whole account stands behind it, or None.
        coin: Coin as the file names it; empty where it names none.
    """

    size: float
    entry: float
    leverage: float | None
    liquidation: float | None
    price: float | None
    is_cross: bool | None = None
    coin: str = ""


def read_holdings(path: str | Path, symbol: str | None = None) -> tuple[list[Holding], int]:
    """Read the positions of one coin.

    Args:
        path: A snapshot in JSON, or a CSV; plain or gzip.
        symbol: The perp's symbol; rows with a ``coin`` that it does not start with are skipped.
            None takes every coin.

    Returns:
        The holdings, and the number of rows of other coins.

    Raises:
        DataError: The file is missing, damaged or empty; the message names file and line, or the
            place in the list of a snapshot.
    """
    file = Path(path)
    return parse_holdings(file.name, b"".join(read_lines(file)), symbol)


def parse_holdings(
    name: str, content: bytes, symbol: str | None = None
) -> tuple[list[Holding], int]:
    """Do the same with the content of a file that has been read; ``name`` is for errors."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise Position(name, line).error(
            "the text is not UTF-8, allowed is a JSON or CSV file of positions; check the path."
        ) from error
    rows = _of_json(name, text) if text.lstrip()[:1] in ("{", "[") else _of_csv(name, text)
    mine = [
        (where, row)
        for where, row in rows
        if symbol is None or symbol.upper().startswith(str(row.get("coin", "")).upper())
    ]
    if not mine:
        raise Position(name, 1).error(
            f"0 of {len(rows)} positions are of {symbol or 'any coin'}, allowed is at least 1;"
            " pass the positions of this coin."
        )
    return [_holding(where, row) for where, row in mine], len(rows) - len(mine)


Rows = list[tuple[str, Mapping[str, Any]]]


def _of_csv(name: str, text: str) -> Rows:
    """Return each row after where it stands, as errors say it."""
    reader = csv.DictReader(text.splitlines(), skipinitialspace=True)
    rows: Rows = []
    for row in reader:
        where = f"{name}, line {reader.line_num}"
        if None in row or None in row.values():  # too many, too few
            raise DataError(
                f"{where}: more or fewer columns than in the header are found, allowed are"
                f" {len(reader.fieldnames or ())}; restore the line, with decimals after a point."
            )
        rows.append((where, row))
    return rows


def _of_json(name: str, text: str) -> Rows:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Position(name, getattr(error, "lineno", 1)).error(
            f"the file is not valid JSON ({error}); copy or download the file again."
        ) from error
    wallets = data.get("active_whales") if isinstance(data, dict) else data
    if not isinstance(wallets, list) or not all(isinstance(w, dict) for w in wallets):
        raise Position(name, 1).error(
            "no list of positions is found, allowed is a list of wallets or an object with"
            " 'active_whales'; pass a position snapshot."
        )
    nested = [wallet.get("position") for wallet in wallets]
    return [
        (f"{name}, position {i}", {**wallet, **(of if isinstance(of, dict) else {})})
        for i, (wallet, of) in enumerate(zip(wallets, nested, strict=True), start=1)
    ]


def _holding(where: str, row: Mapping[str, Any]) -> Holding:
    """Read one row; a JSON size may carry its sign, which ``side`` already tells."""
    side = str(row.get("side", "")).strip().lower()
    if side not in _SIDES:
        raise DataError(
            f"{where}: side is {row.get('side')!r}, allowed is long or short; correct the row."
        )
    size = _number(where, row, ("size",))
    entry = _number(where, row, ("entry_price", "entry_px"))
    if size is None or entry is None or size == 0 or entry <= 0:
        raise DataError(
            f"{where}: size is {row.get('size')!r} and entry price is {entry}, allowed are a size"
            " that is not 0 and an entry_price above 0; correct or remove the row."
        )
    leverage = _number(where, row, ("leverage", "leverage_value"))
    liquidation = _number(where, row, ("liquidation_price", "liquidation_px"))
    liquidation = liquidation if liquidation is not None and liquidation > 0 else None
    if liquidation is None and (leverage is None or leverage < 1):
        raise DataError(
            f"{where}: leverage is {leverage} and there is no liquidation_price, allowed is a"
            " leverage of 1 or more, or a liquidation_price above 0; add one of them."
        )
    price = _number(where, row, ("current_price",))
    profit = _number(where, row, ("unrealized_pnl",))
    signed = _SIDES[side] * abs(size)
    if price is None and profit is not None:
        price = entry + profit / signed
    mode = str(row.get("leverage_type") or "").strip().lower()
    is_cross = {"cross": True, "isolated": False}.get(mode)
    coin = str(row.get("coin") or "").upper()
    return Holding(signed, entry, leverage, liquidation, price, is_cross, coin)


def _number(where: str, row: Mapping[str, Any], names: tuple[str, ...]) -> float | None:
    """Return the first of the named fields that holds something, as a finite number."""
    for name in names:
        value = row.get(name)
        if value is None or value == "":
            continue
        try:
            number = float(value)
        except (TypeError, ValueError):
            number = math.nan
        if not math.isfinite(number):
            raise DataError(f"{where}: {name} is {value!r}, allowed is a number; correct the row.")
        return number
    return None


def reference_price(holdings: list[Holding]) -> float:
    """Price level of the file: median of its prices, or of its entries when it tells none."""
    prices = [h.price for h in holdings if h.price is not None]
    return median(prices or [h.entry for h in holdings])


def at_level(holdings: list[Holding], price: float) -> tuple[list[Holding], float]:
    """Move holdings to another price level when theirs is more than 20 % away.

    Returns:
        The holdings, with entries and liquidation prices multiplied by a factor, and the factor:
        1 when the levels are near enough to keep the prices as they are.
    """
    reference = reference_price(holdings)
    if abs(reference / price - 1) <= FAR_LEVEL:
        return holdings, 1.0
    factor = price / reference
    return [
        replace(h, entry=h.entry * factor, liquidation=h.liquidation and h.liquidation * factor)
        for h in holdings
    ], factor


def to_positions(
    holdings: list[Holding], scenario: Scenario, mid_ticks: float
) -> tuple[Positions, int]:
    """Lower holdings to lots, ticks and deposits under a scenario's margin table.

    With a liquidation price the deposit is the one that makes that price the exact trigger:
    ``deposit = MM(|q| L) - q (L - entry)``. It stands for all collateral behind the position, and
    is negative where profits have been withdrawn. Otherwise it is notional at entry / leverage.

    Returns:
        The positions, and how many were dropped: smaller than half a lot, or at or beyond their
        trigger at the opening mid.

    Raises:
        DataError: No position is left.
    """
    contract = scenario.contract
    margin = scenario.pack()["margin"][0]
    rows = []
    for holding in holdings:
        lots = round(holding.size / contract.lot_size)
        entry = max(1, round(holding.entry / contract.tick_size))
        if lots == 0:
            continue
        if holding.liquidation is not None:
            trigger = max(1, round(holding.liquidation / contract.tick_size))
            deposit = _maintenance(margin, abs(lots) * trigger) - lots * (trigger - entry)
        else:
            deposit = math.ceil(abs(lots) * entry / (holding.leverage or 1.0))
        marks = {math.floor(mid_ticks), math.ceil(mid_ticks)}
        if all(
            deposit + lots * (mark - entry) > _maintenance(margin, abs(lots) * mark)
            for mark in marks
        ):
            rows.append((lots, entry, deposit))
    if not rows:
        raise DataError(
            f"positions: all {len(holdings)} positions are liquidated at the opening mid of"
            f" {mid_ticks * contract.tick_size:,.1f}, allowed is at least 1 that stands; pass"
            " positions of the time of the capture."
        )
    lots_, entries, deposits = zip(*rows, strict=True)
    positions = Positions(lots=lots_, entry_ticks=entries, deposit_quanta=deposits)
    return positions, len(holdings) - len(rows)


def _maintenance(margin: Any, notional: int) -> int:
    """Maintenance margin in quanta, as ``core.margin.maintenance_margin`` decides it."""
    floors = margin["floor"][: int(margin["n_tiers"])].tolist()
    tier = max(i for i, floor in enumerate(floors) if i == 0 or notional >= floor)
    rate, deduction = int(margin["rate"][tier]), int(margin["deduction"][tier])
    return -(-notional * rate // _RATE) - deduction
