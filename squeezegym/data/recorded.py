"""A recorded market from whatever files hold it: a raw capture, or tables of its changes."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from squeezegym.data.binance_raw import read_capture
from squeezegym.data.capture import Capture
from squeezegym.data.text import read_lines
from squeezegym.errors import ConfigError

_PACKED = (b"PK\x03\x04", b"\x04\x22\x4d\x18")
_TABLES = (b"exchange,symbol,timestamp,local_timestamp,", b'{"topic":')


def read_recorded(paths: Sequence[str | Path]) -> Capture:
    """Read the files of one market, of one kind of source.

    Args:
        paths: A raw Binance capture (`squeezegym.data.binance_raw`), its files in the order
            recorded; or level changes and trades of Tardis or Bybit (`squeezegym.data.delta_book`),
            each kind in the order recorded.

    Raises:
        ConfigError: Tables are named, and polars is not installed.
        DataError: A file is missing or damaged, or holds no market that can be rebuilt.
    """
    files = [Path(path) for path in paths]
    if not any(map(_is_table, files)):
        return read_capture(files)
    if find_spec("polars") is None:
        raise ConfigError("tables of level changes need polars; pip install 'squeezegym[data]'")
    from squeezegym.data.delta_book import read_deltas

    return read_deltas(files)


def _is_table(file: Path) -> bool:
    """Whether a file starts as level changes or trades of Tardis or Bybit do."""
    first = next(read_lines(file), b"")
    return first.startswith(_PACKED) or first.removeprefix(b"\xef\xbb\xbf").startswith(_TABLES)
