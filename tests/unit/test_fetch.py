"""Downloads from a server of the test: verified, continued where they broke, taken from cache."""

from __future__ import annotations

import hashlib
import threading
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from squeezegym.data.addresses import Address, addresses
from squeezegym.data.fetch import fetch
from squeezegym.errors import ConfigError, DataError

CONTENT = bytes(range(256)) * 4_000


class Server(BaseHTTPRequestHandler):
    """Serves ``files``; the first ``breaks`` answers end half-way."""

    files: dict[str, bytes] = {}  # noqa: RUF012
    breaks = 0
    asked: list[tuple[str, str | None]] = []  # noqa: RUF012

    def do_GET(self):
        served, wanted = type(self), self.headers.get("Range")
        served.asked.append((self.path, wanted))
        content = served.files.get(self.path)
        if content is None:
            self.send_error(404)
            return
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted else 0
        if start >= len(content):
            self.send_error(416)
            return
        body = content[start:]
        self.send_response(206 if wanted else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if served.breaks and not self.path.endswith(".CHECKSUM"):
            served.breaks -= 1
            body = body[: len(body) // 2]
            self.close_connection = True
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    Server.files, Server.breaks, Server.asked = {}, 0, []
    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as http:
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{http.server_port}"
        http.shutdown()
        thread.join()


def offer(name: str, content: bytes = CONTENT, digest: str | None = None) -> None:
    digest = digest or hashlib.sha256(content).hexdigest()
    Server.files[f"/{name}"] = content
    Server.files[f"/{name}.CHECKSUM"] = f"{digest}  {name}\n".encode()


def address(base: str, name: str = "a.zip") -> list[Address]:
    return [Address(f"{base}/{name}", f"x/{name}", f"{base}/{name}.CHECKSUM")]


def test_a_file_comes_once_and_is_verified(server, tmp_path):
    offer("a.zip")
    (first,) = fetch(address(server), tmp_path)
    assert (first.source, first.bytes, first.is_verified) == ("download", len(CONTENT), True)
    assert (tmp_path / "x/a.zip").read_bytes() == CONTENT
    asked = len(Server.asked)
    (again,) = fetch(address(server), tmp_path)
    assert again.source == "cache" and len(Server.asked) == asked


def test_a_broken_transfer_goes_on_where_it_ended(server, tmp_path):
    offer("a.zip")
    Server.breaks = 2
    fetch(address(server), tmp_path)
    assert (tmp_path / "x/a.zip").read_bytes() == CONTENT
    ranges = [wanted for path, wanted in Server.asked if path == "/a.zip"]
    half = len(CONTENT) // 2
    assert ranges == [None, f"bytes={half}-", f"bytes={half + half // 2}-"]


def test_the_next_call_continues_what_an_earlier_one_left(server, tmp_path):
    offer("a.zip")
    Server.breaks = 5
    with pytest.raises(DataError, match=r"broke 5 times; a.zip.part holds what came"):
        fetch(address(server), tmp_path)
    assert [p.name for p in (tmp_path / "x").iterdir()] == ["a.zip.part"]
    (got,) = fetch(address(server), tmp_path)
    assert got.source == "continued"
    assert (tmp_path / "x/a.zip").read_bytes() == CONTENT


def test_the_rest_of_another_version_is_fetched_anew(server, tmp_path):
    offer("a.zip")
    (tmp_path / "x").mkdir()
    (tmp_path / "x/a.zip.part").write_bytes(b"of an older archive")
    (got,) = fetch(address(server), tmp_path)
    assert got.source == "download"
    assert (tmp_path / "x/a.zip").read_bytes() == CONTENT


def test_a_part_longer_than_the_file_is_thrown_away(server, tmp_path):
    offer("a.zip", b"short")
    (tmp_path / "x").mkdir()
    (tmp_path / "x/a.zip.part").write_bytes(b"longer than short")
    fetch(address(server), tmp_path)
    assert (tmp_path / "x/a.zip").read_bytes() == b"short"


def test_a_wrong_checksum_leaves_nothing(server, tmp_path):
    offer("a.zip", digest="0" * 64)
    with pytest.raises(DataError, match=r"sha256 .* came, allowed is 000000000000"):
        fetch(address(server), tmp_path)
    assert list((tmp_path / "x").iterdir()) == []


def test_a_spoilt_file_of_the_cache_comes_again(server, tmp_path):
    offer("a.zip")
    fetch(address(server), tmp_path)
    (tmp_path / "x/a.zip").write_bytes(b"spoilt")
    (got,) = fetch(address(server), tmp_path)
    assert got.source == "download"
    assert (tmp_path / "x/a.zip").read_bytes() == CONTENT


def test_refresh_takes_what_the_venue_has_replaced(server, tmp_path):
    offer("a.zip")
    fetch(address(server), tmp_path)
    offer("a.zip", b"replaced")
    assert fetch(address(server), tmp_path)[0].source == "cache"
    assert fetch(address(server), tmp_path, refresh=True)[0].source == "download"
    assert (tmp_path / "x/a.zip").read_bytes() == b"replaced"
    assert fetch(address(server), tmp_path, refresh=True)[0].source == "cache"


def test_what_is_not_there_is_said(server, tmp_path):
    with pytest.raises(DataError, match=r"CHECKSUM is not there \(404\)"):
        fetch(address(server), tmp_path)
    plain = [Address(f"{server}/b.gz", "b.gz")]
    with pytest.raises(DataError, match=r"b.gz is not there \(404\)"):
        fetch(plain, tmp_path)
    Server.files["/b.gz"] = b"no checksum"
    assert fetch(plain, tmp_path)[0].is_verified is False
    with pytest.raises(DataError, match="cannot be reached"):
        fetch([Address("http://127.0.0.1:9/x", "x")], tmp_path)


DAYS = date(2024, 10, 31), date(2024, 12, 1)


def test_addresses_take_whole_months_where_there_are_any():
    klines = addresses("binance", "klines", "btcusdt", *DAYS, interval="1h")
    assert [a.path.rpartition("/")[2] for a in klines] == [
        "BTCUSDT-1h-2024-10-31.zip",
        "BTCUSDT-1h-2024-11.zip",
        "BTCUSDT-1h-2024-12-01.zip",
    ]
    root = "https://data.binance.vision/data/futures/um"
    assert klines[1].url == f"{root}/monthly/klines/BTCUSDT/1h/BTCUSDT-1h-2024-11.zip"
    assert klines[1].checksum_url == f"{klines[1].url}.CHECKSUM"
    assert len(addresses("binance", "metrics", "BTCUSDT", *DAYS)) == 32
    assert len(addresses("binance", "fundingRate", "BTCUSDT", *DAYS)) == 3


def test_addresses_of_other_venues():
    day = date(2024, 3, 1)
    (bybit,) = addresses("bybit", "trades", "BTCUSDT", day, day)
    assert bybit.url == "https://public.bybit.com/trading/BTCUSDT/BTCUSDT2024-03-01.csv.gz"
    (bitmex,) = addresses("bitmex", "quote", "XBTUSD", day, day)
    assert bitmex.url.endswith("public.bitmex.com/data/quote/20240301.csv.gz")
    (okx,) = addresses("okx", "trades", "BTC-USDT-SWAP", day, day)
    assert okx.url.endswith("/trades/daily/20240301/BTC-USDT-SWAP-trades-2024-03-01.zip")
    (tardis,) = addresses("tardis", "liquidations", "BTCUSDT", day, day)
    assert tardis.url.endswith("v1/binance-futures/liquidations/2024/03/01/BTCUSDT.csv.gz")
    with pytest.raises(
        ConfigError, match=r"dataset is 'kline', allowed are .*did you mean 'klines'"
    ):
        addresses("binance", "kline", "BTCUSDT", day, day)
    with pytest.raises(ConfigError, match="is before the first"):
        addresses("binance", "klines", "BTCUSDT", day, date(2024, 2, 1))
