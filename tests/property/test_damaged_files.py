"""A damaged file ends in one sentence that names it and its line, or its rows are those it had.

One file of every format (`tests.samples`), damaged in every way that downloads, editors and
spreadsheets do. What no reader can see, such as another digit in a price, is not asked for.
"""

from __future__ import annotations

import gzip
import io
import math
import re
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pl = pytest.importorskip("polars")
pa = pytest.importorskip("pyarrow")

from squeezegym.data.load import load  # noqa: E402
from squeezegym.data.recorded import read_recorded  # noqa: E402
from squeezegym.data.schema import SCHEMAS  # noqa: E402
from squeezegym.data.source import UNENDED  # noqa: E402
from squeezegym.data.table import Table  # noqa: E402
from squeezegym.errors import DataError  # noqa: E402
from tests.samples import SAMPLES, Sample  # noqa: E402

PLACE = re.compile(r", (line|position|row) \d+|a bracket of '.*', after \d+")
EPOCH = re.compile(rb"\b1730\d{9}(\d{3})?\b")

samples = st.sampled_from(SAMPLES)
places = st.integers(0, 10**6)  # taken modulo what there is
orders = st.permutations(range(16))
bits = st.integers(0, 7)
fuzz = settings(
    max_examples=100,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


class Whole(dict[Sample, Table]):
    """Tables by file, too long for the report of a failure."""

    def __repr__(self) -> str:
        return "..."


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("damaged")


@pytest.fixture(scope="module")
def whole(folder):
    """Rows of each file as it was."""
    return Whole((sample, put(folder, sample, sample.content)) for sample in SAMPLES)


def write(folder: Path, sample: Sample, content: bytes, ending: str = "") -> Path:
    path = folder / (sample.path + ending)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    return path


def put(folder: Path, sample: Sample, content: bytes, ending: str = "") -> Table:
    """Write a file and load it; an error must name it and a place in it."""
    path = write(folder, sample, content, ending)
    try:
        table = load(path, kind=sample.kind)
    except DataError as error:
        assert path.name in str(error)
        assert PLACE.search(str(error)), error
        raise
    assert dict(table.frame.schema) == SCHEMAS[table.report.kind]
    assert 0 < len(table.frame) == len(table.lines) == table.report.kept
    assert table.frame.filter(pl.col("known_at") < pl.col("time")).is_empty()
    return table


def loads(folder: Path, sample: Sample, content: bytes, ending: str = "") -> Table | None:
    try:
        return put(folder, sample, content, ending)
    except DataError:
        return None


def rows(table: Table) -> list[str]:
    """Rows without what is told from the others: when a candle or sample was known."""
    return [str(row) for row in table.frame.drop("known_at").rows()]


def test_every_format_is_tried(whole):
    kinds = {table.report.kind for table in whole.values()}
    assert kinds >= set(SCHEMAS) - {"totals"}  # of parquet only
    assert len({table.report.format for table in whole.values()}) >= 28


@pytest.mark.parametrize(
    "change", [lambda c: b"\xef\xbb\xbf" + c, lambda c: c.replace(b"\n", b"\r\n")]
)
def test_marks_and_line_ends_of_editors_change_nothing(folder, whole, change):
    for sample, table in whole.items():
        assert put(folder, sample, change(sample.content)).frame.equals(table.frame), sample.path


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda c: b"", id="empty"),
        pytest.param(lambda c: b"\n\n", id="blank"),
        pytest.param(lambda c: c.replace(b".", b","), id="decimal commas"),
        pytest.param(lambda c: c.replace(b",", b";"), id="semicolons"),
        pytest.param(lambda c: c.decode().encode("utf-16"), id="UTF-16"),
        pytest.param(lambda c: b"\x00\xff\xfe\x80" * 20, id="binary"),
        pytest.param(lambda c: b"<html><body>404</body></html>\n", id="a page of an error"),
    ],
)
def test_another_format_is_refused(folder, change: Callable[[bytes], bytes]):
    for sample in SAMPLES:
        content = change(sample.content)
        if content != sample.content:
            assert loads(folder, sample, content) is None, sample.path


def test_a_header_alone_is_refused(folder):
    for sample in SAMPLES:
        if not re.match(r"[\d{\[]", sample.lines[0]):
            for end in ("", "\n"):
                assert loads(folder, sample, (sample.lines[0] + end).encode()) is None


def check_cut(folder: Path, whole: Whole, sample: Sample, cut: int) -> None:
    """Expect an error, or rows that stood there; the last may be short, and is told."""
    table = loads(folder, sample, sample.content[:cut])
    if table is not None:
        strange = set(rows(table)) - set(rows(whole[sample]))
        assert not strange or UNENDED in table.report.notes, (sample.path, cut)


def test_a_file_cut_in_its_last_cells_says_so(folder, whole):
    for sample in SAMPLES:
        for cut in range(1, 8):
            check_cut(folder, whole, sample, len(sample.content) - cut)


@given(samples, places)
@fuzz
def test_a_file_cut_anywhere_says_so(folder, whole, sample, place):
    check_cut(folder, whole, sample, 1 + place % (len(sample.content) - 1))


def ordered(sample: Sample, order: list[int]) -> bytes:
    """Put the lines of a file in another order."""
    assert len(sample.lines) <= len(order)
    lines = [sample.lines[i] for i in order if i < len(sample.lines)]
    return "".join(line + "\n" for line in lines).encode()


@given(samples, orders)
@fuzz
def test_lines_in_another_order_are_refused_or_sorted(folder, whole, sample, order):
    content = ordered(sample, order)
    table = loads(folder, sample, content)
    if table is not None:
        assert sorted(rows(table)) == sorted(rows(whole[sample]))
        times = table.frame["known_at" if "Tardis" in table.report.format else "time"]
        assert times.drop_nulls().is_sorted()


@given(samples, places)
@fuzz
def test_a_line_in_another_unit_of_time_is_refused(folder, whole, sample, place):
    lines = [line.encode() for line in sample.lines]
    at = place % len(lines)
    mixed = EPOCH.sub(rb"\g<0>000", lines[at])
    if mixed != lines[at]:
        lines[at] = mixed
        table = loads(folder, sample, b"\n".join(lines) + b"\n")
        # Of a capture only the lines of one kind are read.
        assert table is None or table.frame.equals(whole[sample].frame)


@given(samples, places, st.integers(0, 12), st.binary(max_size=8))
@fuzz
def test_bytes_that_were_overwritten_raise_nothing_else(folder, sample, place, length, garbage):
    start = place % len(sample.content)
    loads(folder, sample, sample.content[:start] + garbage + sample.content[start + length :])


def spoilt(content: bytes, place: int, bit: int) -> bytes:
    """Flip one bit."""
    at = place % len(content)
    return content[:at] + bytes([content[at] ^ 1 << bit]) + content[at + 1 :]


def zipped(content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("rows.csv"), content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def lz4(content: bytes) -> bytes:
    buffer = pa.BufferOutputStream()
    with pa.CompressedOutputStream(buffer, "lz4") as stream:
        stream.write(content)
    return buffer.getvalue().to_pybytes()


PACKED = {".gz": lambda content: gzip.compress(content, mtime=0), ".zip": zipped, ".lz4": lz4}


@given(samples, st.sampled_from(sorted(PACKED)), places, bits)
@fuzz
def test_packed_files_that_are_broken_are_refused(folder, whole, sample, ending, place, bit):
    packed = PACKED[ending](sample.content)
    assert put(folder, sample, packed, ending).frame.equals(whole[sample].frame)
    assert loads(folder, sample, packed[: 1 + place % (len(packed) - 1)], ending) is None
    table = loads(folder, sample, spoilt(packed, place, bit), ending)
    if ending != ".lz4" and table is not None:  # lz4 frames need no checksum
        assert table.frame.equals(whole[sample].frame)


CANDLES = pl.DataFrame(
    {
        "timestamp": [datetime(2025, 3, 1, hour, tzinfo=UTC) for hour in range(4)],
        "venue": "binance",
        "coin": "BTC",
        **{name: [price] * 4 for name, price in zip("ohlc", (1.0, 2.0, 0.5, 1.5), strict=True)},
        "v": [3.0] * 4,
    }
)


def parquet(frame: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    return buffer.getvalue()


def load_parquet(folder: Path, content: bytes) -> pl.DataFrame | None:
    path = folder / "candles.parquet"
    path.write_bytes(content)
    try:
        return load(path).frame
    except DataError as error:
        assert str(error).startswith("candles.parquet")
        return None


@given(places, bits)
@fuzz
def test_parquet_that_is_broken_is_refused(folder, place, bit):
    """Its reader must neither raise anything else nor end the process."""
    whole = parquet(CANDLES)
    assert load_parquet(folder, whole) is not None
    assert load_parquet(folder, whole[: 1 + place % (len(whole) - 1)]) is None
    load_parquet(folder, spoilt(whole, place, bit))


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("o", ["x"] * 4),
        ("o", [1.0, None, 1.0, 1.0]),
        ("c", [1.5, 1.5, math.nan, 1.5]),
        ("c", [1.5, 1.5, math.inf, 1.5]),
        ("l", [0.5, 0.5, -0.5, 0.5]),
        ("v", [3.0, 3.0, 3.0, -1.0]),
        ("timestamp", [1, 2, 3, 4]),
        ("timestamp", [datetime(2025, 3, 1, hour) for hour in range(4)]),
        ("venue", [7] * 4),
        ("h", [0.1] * 4),
    ],
)
def test_columns_of_parquet_are_checked(folder, column, values):
    frame = CANDLES.with_columns(pl.Series(column, values))
    assert load_parquet(folder, parquet(frame)) is None
    assert load_parquet(folder, parquet(CANDLES.drop(column))) is None


@given(
    st.sampled_from(["raw.txt", "incremental_book_L2/BTCUSDT.csv"]),
    st.one_of(st.just(list(range(16))), orders),
    places,
    st.integers(0, 4),
    st.binary(max_size=4),
)
@fuzz
def test_a_damaged_recording_is_named(folder, path, order, place, length, garbage):
    """The same where a market starts from it: a book is rebuilt, or a sentence says why not."""
    sample = next(sample for sample in SAMPLES if sample.path == path)
    content = ordered(sample, order)
    start = place % len(content)
    files = [write(folder, sample, content[:start] + garbage + content[start + length :])]
    if path != "raw.txt":
        trades = next(sample for sample in SAMPLES if sample.path == "trades/BTCUSDT.csv")
        files.append(write(folder, trades, trades.content))
    try:
        found = read_recorded(files)
    except DataError as error:
        assert any(file.name in str(error) for file in files)
    else:
        assert found.end.bids[0, 0] < found.end.asks[0, 0]


def test_nothing_is_written(folder):
    """After all of the above the folder holds the files that were put there, and no other."""
    names = {path.name for path in folder.rglob("*") if path.is_file()}
    allowed = {Path(sample.path).name + end for sample in SAMPLES for end in ("", *PACKED)}
    allowed.add("candles.parquet")
    assert names <= allowed
