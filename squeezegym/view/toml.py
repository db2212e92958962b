"""Plain data as TOML text: the standard library reads TOML and does not write it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def to_toml(data: Mapping[str, Any], path: str = "") -> str:
    """Write nested dictionaries of plain values as TOML; None is left out.

    Args:
        data: Values are strings, booleans, numbers, lists of these, or dictionaries.
        path: Dotted name of the table that ``data`` is.

    Returns:
        Text that ``tomllib`` reads back to the same data.
    """
    plain = [f"{k} = {_value(v)}" for k, v in data.items() if not _is_table(v) and v is not None]
    tables = [to_toml(v, f"{path}.{k}" if path else k) for k, v in data.items() if _is_table(v)]
    head = [f"[{path}]"] if path and (plain or not tables) else []
    own = ["\n".join([*head, *plain]) + "\n"] if head or plain else []
    return "\n".join([*own, *tables])


def _is_table(value: Any) -> bool:
    return isinstance(value, Mapping)


def _value(value: Any) -> str:
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_value(v) for v in value) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return repr(value)
