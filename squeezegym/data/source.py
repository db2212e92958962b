"""Recorded files as whole bytes, however packed, and rows of text with line numbers."""

from __future__ import annotations

import codecs
import io
import zipfile
import zlib
from pathlib import Path

import polars as pl

from squeezegym.data.text import Position, read_lines
from squeezegym.errors import DataError

LINE = "_line"
_ZIP, _LZ4 = b"PK\x03\x04", b"\x04\x22\x4d\x18"
# A password is a RuntimeError, a method that is not known a NotImplementedError.
_ZIP_ERRORS = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError)
UNENDED = "the last line has no end: if the file was cut, its last row was cut too"
_AGAIN = "copy or download the file again."


def read_bytes(path: Path) -> bytes:
    """Read a plain, gzip, zip (one member) or lz4 file whole.

    Raises:
        DataError: The file is missing, damaged or empty.
    """
    if path.is_dir():
        raise DataError(f"{str(path)!r} is a folder, allowed is a file; name the files in it.")
    try:
        with path.open("rb") as file:
            magic = file.read(4)
    except OSError as error:
        raise DataError(
            f"{str(path)!r} cannot be read ({error.strerror or error}), allowed is a readable file;"
            " check the path."
        ) from error
    if magic == _ZIP:
        content = _unzip(path)
    elif magic == _LZ4:
        content = _unlz4(path)
    else:
        content = b"".join(read_lines(path))
    content = content.removeprefix(codecs.BOM_UTF8)
    if not content.strip():
        raise Position(path.name, 1).error(
            f"the file is empty, allowed is at least one row; {_AGAIN}"
        )
    return content


def _unzip(path: Path) -> bytes:
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if not name.endswith("/")]
            if len(names) != 1:
                raise DataError(
                    f"{path.name}: the archive holds {len(names)} files, allowed is one; unpack it"
                    " and name them."
                )
            return archive.read(names[0])
    except DataError:
        raise
    except _ZIP_ERRORS as error:
        raise Position(path.name, 1).error(
            f"the zip archive is damaged ({error}), allowed is a complete one; {_AGAIN}"
        ) from error


def _unlz4(path: Path) -> bytes:
    import pyarrow as pa

    try:
        with pa.OSFile(str(path)) as raw, pa.CompressedInputStream(raw, "lz4") as stream:
            content: bytes = stream.read()
            return content
    except (OSError, pa.ArrowException) as error:
        raise Position(path.name, 1).error(
            f"the lz4 frame is damaged ({error}), allowed is a complete one; {_AGAIN}"
        ) from error


def first_line(content: bytes) -> str:
    """Return the first line without its end; old files of Chinese venues are not UTF-8."""
    line = content.partition(b"\n")[0].rstrip(b"\r")
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return line.decode(encoding)
        except UnicodeDecodeError:
            continue
    return line.decode("latin-1")


def read_rows(name: str, content: bytes, columns: list[str], *, has_header: bool) -> pl.DataFrame:
    """Split comma-separated text into columns of strings.

    Blank lines are left out; a cell that is empty or missing is null.

    Args:
        name: Of the file, for errors.
        content: The text.
        columns: Names of all its columns, in order.
        has_header: Leave the first line out.

    Returns:
        The columns and ``LINE``, the number of each row's line in the file.

    Raises:
        DataError: A line has more columns, or is not UTF-8.
    """
    start = content.find(b"\n") + 1 if has_header else 0
    rows = content[start:] if start or not has_header else b""
    first = 2 if has_header else 1
    if not rows.strip():
        raise Position(name, 1).error(
            f"the file has a header and no rows, allowed is at least one; {_AGAIN}"
        )
    try:
        frame = pl.read_csv(
            io.BytesIO(rows),
            has_header=False,
            schema=dict.fromkeys(columns, pl.String()),
            row_index_name=LINE,
            row_index_offset=first,
            quote_char=None,
        )
    except pl.exceptions.PolarsError:
        raise _ragged(name, rows, len(columns), first) from None
    return frame.filter(pl.any_horizontal(pl.col(columns).is_not_null()))


def _ragged(name: str, rows: bytes, width: int, first: int) -> DataError:
    """Find the line that no table can take."""
    for line, row in enumerate(rows.splitlines(), start=first):
        count = row.count(b",") + 1
        if count > width:
            return Position(name, line).error(
                f"{count} columns are found, allowed are {width} as on the first line; {_AGAIN}"
            )
        try:
            row.decode()
        except UnicodeDecodeError:
            return Position(name, line).error(
                f"{row[:40]!r} is not UTF-8 text, allowed is comma-separated text; {_AGAIN}"
            )
    return Position(name, first).error(f"the text cannot be split into {width} columns; {_AGAIN}")
