"""The order book alone, beside a native one in C and the order books of PyPI.

Usage:
    python benchmarks/book.py                      # about 2 minutes
    python benchmarks/book.py --short              # a smoke run, under a minute
    python benchmarks/book.py --json result.json

The native program and its message stream come from `--yardstick`; it is built with
`gcc -O3 -march=native` in a temporary folder. It takes turns with our book: a repeat is the median
of `--runs` runs of the one, then of the other. Every run begins with an empty book. Ours checks
every message, keeps owners and positions, prevents self-trades, and writes a receipt for each
message and a tape; the native one trusts its messages and writes trades only. The trades of both
must have the same hash.

- yardstick: about 5,000 resting orders near the touch.
- wide: about 45,000 resting orders over 9,000 ticks.
- swing: about 5,000 resting orders; prices rise by a quarter and fall back.

`caller`: cancels name the sender's ids; `book`: they name the id (the native one: the slot) that
the book gave. `blocks`: one Python call for every `--block` messages, whose receipts and tape are
overwritten by the next; `one call`: everything in one, whose receipts and tape are large.
"""

from __future__ import annotations

import dataclasses
import gc
import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import tyro
from book_peers import PeerResult, run_peers
from book_streams import CANCEL, Stream, swing, trade_hash, wide
from rich import box
from rich.console import Console
from rich.table import Table
from throughput import machine

from squeezegym import OrderBook, __version__
from squeezegym.bookrecord import RECEIPT_DTYPE, TAPE_DTYPE, allocate_desks
from squeezegym.codes import SelfTrade
from squeezegym.core.replay import replay

_ROOT = Path(__file__).resolve().parents[1]
_N_SEED = 5_000  # limit orders with which the yardstick's stream begins
_BOOKS, _CHUNK = 64, 100  # of the native program's batch mode
_POOL = 16_384  # orders of the native book
_BATCH_RANGE = (30_000, 34_000)
_BATCH_CLASS = (4_096, 8_192)
_IDS = {"ids": "caller", "handles": "book"}


@dataclasses.dataclass(frozen=True)
class Settings:
    """What to measure, and for how long."""

    yardstick: Path = _ROOT.parent / "shared" / "yardstick"
    """Folder of the native book (`book.c`) and of its stream's generator (`gen_stream.py`)."""
    messages: int = 1_000_000
    """Messages of a stream, besides those that fill the book."""
    repeats: int = 9
    """Turns of the native book and ours; the tables show median, least and largest."""
    runs: int = 3
    """Runs of one turn, of which the median counts; at most 64."""
    block: int = 32_768
    """Messages of one call where the stream is sent in blocks."""
    peer_messages: int = 50_000
    """Messages for the order books of PyPI: the first of the yardstick's."""
    short: bool = False
    """Smoke run: short streams. Its numbers mean nothing."""
    json: Path | None = None
    """Write machine and results to this file too."""


@dataclasses.dataclass
class Result:
    """One line of the table: ns a message of each turn."""

    stream: str
    ids: str
    way: str
    same_trades: bool
    native: list[float] = dataclasses.field(default_factory=list)
    ours: list[float] = dataclasses.field(default_factory=list)

    @property
    def of_medians(self) -> float:
        """Ratio of the medians, ours to native."""
        return statistics.median(self.ours) / statistics.median(self.native)

    @property
    def of_minima(self) -> float:
        """Ratio of the least times, ours to native."""
        return min(self.ours) / min(self.native)


class Native:
    """The native book, built in a folder of its own.

    Args:
        source: Folder of the yardstick.
        folder: Where to build and run it; the stream is written there.
        orders: Orders that may rest at once.
    """

    def __init__(self, source: Path, folder: Path, orders: int = _POOL) -> None:
        self.folder = folder
        folder.mkdir()
        text = (source / "book.c").read_text()
        pool = f"#define POOL {_POOL}u"
        if pool not in text:
            raise SystemExit(f"{source / 'book.c'} has no line {pool!r}")
        (folder / "book.c").write_text(text.replace(pool, f"#define POOL {orders}u"))
        _call(["gcc", "-O3", "-march=native", "-o", "book", "book.c"], folder)

    def run(self, runs: int) -> dict[str, tuple[float, int]]:
        """Return median ns a message and trade hash, by ids: "caller" and "book"."""
        lines = re.findall(r"C (\w+) +([\d.]+) ns.* check (\d+)", self._run(runs))
        return {_IDS[mode]: (float(ns), int(check)) for mode, ns, check in lines}

    def run_batch(self, runs: int) -> float:
        """Return median ns a message of the batch mode."""
        return float(re.findall(r"a turn: +([\d.]+) ns", self._run(runs, _BOOKS))[0])

    def _run(self, *args: int) -> str:
        return _call(["./book", *map(str, args)], self.folder)


def _call(command: list[str], folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed with {done.returncode}:\n{done.stderr}")
    return done.stdout


class Ours:
    """Our book on one stream, with arrays that every run writes anew."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        n = len(stream.raw)
        self._receipts = np.zeros(n, RECEIPT_DTYPE)
        self._tape = np.zeros(2 * n + stream.max_orders, TAPE_DTYPE)

    def run(self, ids: str, block: int) -> float:
        """Send everything in blocks; returns ns a message, the Python calls included."""
        messages, book = self.stream.messages(ids), self.stream.book(ids)
        receipts = self._receipts[:block]
        tape = self._tape[: 2 * len(receipts) + self.stream.max_orders]
        started = time.perf_counter_ns()
        for start in range(0, len(messages), block):
            book.replay(messages[start : start + block], receipts=receipts, tape=tape)
        return (time.perf_counter_ns() - started) / len(messages)

    def fills(self, ids: str, block: int) -> np.ndarray:
        """Trades of a run, untimed: (maker, taker, price, quantity) in the stream's ids."""
        messages, book = self.stream.messages(ids), self.stream.book(ids)
        receipts, tapes = [], []
        for start in range(0, len(messages), block):
            answers, tape = book.replay(messages[start : start + block])
            tape["message"] += start
            receipts.append(answers)
            tapes.append(tape)
        return self.stream.fills(np.concatenate(tapes), np.concatenate(receipts))


def bench_stream(s: Settings, stream: Stream, native: Native) -> list[Result]:
    """Native and ours in turns on one stream: both kinds of ids, both ways to send it."""
    stream.raw.tofile(native.folder / "stream.bin")
    checks = {ids: check for ids, (_, check) in native.run(1).items()}
    ours = Ours(stream)
    ways = {f"blocks of {s.block:,}": s.block, "one call": len(stream.raw)}
    results = [
        Result(stream.name, ids, way, int(trade_hash(ours.fills(ids, block))) == checks[ids])
        for ids in ("book", "caller")
        for way, block in ways.items()
    ]
    gc.collect()
    for _ in range(s.repeats):
        for result in results:
            block = ways[result.way]
            result.native.append(native.run(s.runs)[result.ids][0])
            runs = [ours.run(result.ids, block) for _ in range(s.runs)]
            result.ours.append(statistics.median(runs))
    return results


def bench_batch(s: Settings, stream: Stream, native: Native) -> Result:
    """64 books that take 100 messages each a turn, filled with 5,000 beforehand."""
    turns = max(60, len(stream.raw) // _BOOKS // _CHUNK)
    filled = _N_SEED + turns * _CHUNK
    handles = stream.by_handle[:filled]
    single = OrderBook(_BATCH_RANGE, _BATCH_CLASS[1], ids="book")
    _, expected = single.replay(handles)
    expected = expected[expected["message"] >= _N_SEED]
    result = Result(f"{_BOOKS} books x {_CHUNK}", "book", "a call a turn", True)
    for repeat in range(s.repeats):
        result.native.append(native.run_batch(s.runs))
        runs = []
        for run in range(s.runs):
            tapes: list[np.ndarray] | None = [] if repeat == run == 0 else None
            runs.append(_run_batch(handles, turns, tapes))
            if tapes is not None:
                names = ["taker_id", "maker_id", "price", "qty"]
                result.same_trades = all(
                    np.array_equal(np.concatenate(tapes[book::_BOOKS])[names], expected[names])
                    for book in range(_BOOKS)
                )
        result.ours.append(statistics.median(runs))
    return result


def _run_batch(handles: np.ndarray, turns: int, tapes: list[np.ndarray] | None) -> float:
    """Return ns a message of the turns; the messages of a turn lie ready in one array.

    Args:
        handles: Messages for each book.
        turns: Number of turns.
        tapes: List to which every book's trades of every turn are appended, or None.
    """
    desks = allocate_desks(_BOOKS, *_BATCH_CLASS)
    desks["lowest"], desks["highest"] = _BATCH_RANGE
    desks["max_orders"] = _BATCH_CLASS[1]
    desks["owners"], desks["rule"] = 1_001, SelfTrade.CANCEL_NEWEST
    messages = np.zeros((_BOOKS, _CHUNK), handles.dtype)
    receipts = np.zeros((_BOOKS, _CHUNK), RECEIPT_DTYPE)
    tape = np.empty((_BOOKS, 2 * _CHUNK + _BATCH_CLASS[1]), TAPE_DTYPE)
    elapsed = 0
    for start in range(0, _N_SEED + turns * _CHUNK, _CHUNK):
        messages[:] = handles[start : start + _CHUNK]
        started = time.perf_counter_ns()
        replay(desks, messages, receipts, tape)
        if start >= _N_SEED:
            elapsed += time.perf_counter_ns() - started
            if tapes is not None:
                counts = desks["n_tape"].tolist()
                tapes.extend(rows[:n].copy() for rows, n in zip(tape, counts, strict=True))
    return elapsed / (turns * _CHUNK * _BOOKS)


def bench_peers(s: Settings, stream: Stream) -> list[PeerResult]:
    """The order books of PyPI, and ours in two ways, on the first messages of a stream."""
    n = s.peer_messages
    first = dataclasses.replace(
        stream, raw=stream.raw[:n], by_id=stream.by_id[:n], by_handle=stream.by_handle[:n]
    )
    ours = Ours(first)
    fills = ours.fills("caller", n)
    runs = [(ours.run("caller", n), fills[:, 2:]) for _ in range(s.repeats)]
    calls = [_one_by_one(first) for _ in range(min(3, s.repeats))]
    mine = []
    for what, timed in (
        ("replay: everything in one call; ids by the sender", runs),
        ("submit, cancel: a Python call a message, whose receipt lists the fills", calls),
    ):
        same = all(np.array_equal(found, fills[:, 2:]) for _, found in timed)
        times = [ns for ns, _ in timed]
        mine.append(PeerResult("squeezegym", __version__, what, times, len(fills), same, ""))
    return [*mine, *run_peers(first.raw, fills, min(3, s.repeats))]


def _one_by_one(stream: Stream) -> tuple[float, np.ndarray]:
    """Return ns a message of a Python loop as for the peers, and prices and quantities traded."""
    book, rows, sides = stream.book("caller"), stream.raw.tolist(), ("buy", "sell")
    given: dict[int, int] = {}
    fills: list[tuple[int, int, int]] = []
    started = time.perf_counter_ns()
    for op, side, price, qty, order in rows:
        if op == CANCEL:
            book.cancel(given[order])
            continue
        receipt = book.submit(sides[side], qty, price or None)
        given[order] = receipt.order_id
        fills += receipt.fills
    elapsed = time.perf_counter_ns() - started
    return elapsed / len(rows), np.array(fills, np.int64).reshape(-1, 3)[:, :2]


def yardstick(s: Settings, folder: Path) -> tuple[np.ndarray, int]:
    """Generate the yardstick's stream; returns it and the hash that its generator expects."""
    _call([sys.executable, str(s.yardstick.resolve() / "gen_stream.py"), str(s.messages)], folder)
    raw = np.fromfile(folder / "stream.bin", np.int32).reshape(-1, 5)
    return raw, json.loads((folder / "stream.json").read_text())["check"]


def bench(s: Settings, log: Console) -> tuple[list[Result], list[PeerResult]]:
    """Measure everything, with a line on stderr for each part."""

    def say(name: str) -> None:
        log.print(f"measuring {name} ...", highlight=False)

    with tempfile.TemporaryDirectory() as scratch:
        native = Native(s.yardstick, Path(scratch) / "native")
        say("yardstick")
        raw, check = yardstick(s, native.folder)
        stream = Stream.of("yardstick", raw, _POOL)
        if any(found != check for _, found in native.run(1).values()):
            raise SystemExit("the native book does not give the hash of stream.json")
        results = bench_stream(s, stream, native)
        say("batch")
        batch = bench_batch(s, stream, native)
        say("peers")
        peers = bench_peers(s, stream)
        say("wide")
        large = Native(s.yardstick, Path(scratch) / "large", 4 * _POOL)
        results += bench_stream(s, Stream.of("wide", wide(s.messages), 4 * _POOL), large)
        say("swing")
        results += bench_stream(s, Stream.of("swing", swing(s.messages), _POOL), native)
    return [*results, batch], peers


def _spread(times: list[float], form: str) -> str:
    low, mid, high = min(times), statistics.median(times), max(times)
    return f"{low:{form}} / {mid:{form}} / {high:{form}}"


def table(results: list[Result]) -> Table:
    """Lay out native and ours."""
    out = Table(box=box.MARKDOWN)
    columns = ("stream", "ids", "sent", "native min/med/max", "ours min/med/max")
    for i, column in enumerate((*columns, "of medians", "of minima", "same trades")):
        out.add_column(column, justify="left" if i < 3 else "right", no_wrap=True)
    for r in results:
        times = [_spread(x, ".2f") for x in (r.native, r.ours)]
        ratios = [f"{x:.2f}" for x in (r.of_medians, r.of_minima)]
        out.add_row(r.stream, r.ids, r.way, *times, *ratios, "yes" if r.same_trades else "NO")
    return out


def peer_table(peers: list[PeerResult]) -> Table:
    """Lay out the packages; the first line is ours."""
    out = Table(box=box.MARKDOWN)
    columns = ("package", "ns/message min/med/max", "to ours", "what it does", "trades", "note")
    for i, column in enumerate(columns):
        out.add_column(column, justify="right" if i in (1, 2) else "left", no_wrap=True)
    best = statistics.median(peers[0].ns_per_message)
    agrees = {None: "-", True: "the same", False: "DIFFERENT"}
    for r in peers:
        times = r.ns_per_message
        ratio = f"{statistics.median(times) / best:,.0f} x" if times else "-"
        cells = (_spread(times, ",.0f") if times else "-", ratio, r.what, agrees[r.agrees], r.note)
        out.add_row(f"{r.name} {r.version}", *cells)
    return out


def main(args: list[str] | None = None) -> None:
    """Measure and print."""
    s = tyro.cli(Settings, description=__doc__, args=args)
    absent = [f for f in ("book.c", "gen_stream.py") if not (s.yardstick / f).is_file()]
    if absent or shutil.which("gcc") is None:
        why = f"{s.yardstick / absent[0]} is absent" if absent else "gcc is absent"
        print(f"{why}: the native book cannot be built", file=sys.stderr)
        raise SystemExit(2)
    if s.short:
        s = dataclasses.replace(s, messages=50_000, repeats=2, runs=1, peer_messages=6_000)
    results, peers = bench(s, Console(stderr=True))
    about = machine()
    about["gcc"] = _call(["gcc", "-dumpfullversion"], Path.cwd()).strip()
    console = Console(width=240, highlight=False)
    console.print(", ".join(f"{key} {value}" for key, value in about.items()))
    console.print(f"\nns/message, {s.repeats} turns of {s.runs} runs:", table(results))
    console.print(f"\nThe first {s.peer_messages:,} messages:", peer_table(peers))
    if s.short:
        console.print("a smoke run: these numbers mean nothing")
    if s.json is not None:
        extra = ("of_medians", "of_minima")
        rows = [{**dataclasses.asdict(r), **{k: getattr(r, k) for k in extra}} for r in results]
        data = {"machine": about, "short": s.short, "results": rows}
        data["peers"] = [dataclasses.asdict(r) for r in peers]
        s.json.parent.mkdir(parents=True, exist_ok=True)
        s.json.write_text(json.dumps(data))


if __name__ == "__main__":
    main()
