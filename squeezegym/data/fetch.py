"""Download recorded data once: checksums verified, broken transfers continued, files cached.

A file appears under its name only when it is whole. What a broken transfer left waits as ``.part``
and is continued by the next call.
"""

from __future__ import annotations

import hashlib
import http.client
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from squeezegym.data.addresses import Address
from squeezegym.errors import DataError

BLOCK = 1 << 18
TIMEOUT_S = 60.0
ATTEMPTS = 5
_NOT_FOUND, _BAD_RANGE, _PARTIAL = 404, 416, 206


@dataclass(frozen=True, slots=True)
class Fetched:
    """One file of a download.

    Attributes:
        path: Where it lies.
        bytes: Its size.
        source: ``cache``, ``download`` or ``continued``.
        is_verified: Whether the venue's checksum was compared.
    """

    path: Path
    bytes: int
    source: str
    is_verified: bool


def fetch(
    wanted: Sequence[Address],
    folder: Path,
    *,
    refresh: bool = False,
    progress: Callable[[int], None] = lambda count: None,
) -> list[Fetched]:
    """Download files that are not there yet.

    A file in the folder with its checksum beside it is taken as it is, without asking the venue,
    once its content matches. Venues replace archives now and then: ``refresh`` asks for the
    checksum again and downloads what has changed.

    Args:
        wanted: What to download.
        folder: Where to.
        refresh: Ask again for checksums of files that are there.
        progress: Told how many bytes have come since it was told last.

    Raises:
        DataError: A file is not there, the transfer breaks again and again, or the content does not
            match its checksum. Files that are whole by then stay.
    """
    return [_fetch(address, folder / address.path, refresh, progress) for address in wanted]


def _fetch(
    address: Address, target: Path, refresh: bool, progress: Callable[[int], None]
) -> Fetched:
    note = target.with_name(target.name + ".sha256")
    if target.is_file() and note.is_file():
        noted = note.read_text(encoding="utf-8").split()[0]
        current = _expected(address) if refresh and address.checksum_url else noted
        if current == noted == _sha256(target):
            return Fetched(target, target.stat().st_size, "cache", address.checksum_url is not None)
    expected = _expected(address)
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    continued = part.is_file() and part.stat().st_size > 0
    _transfer(address.url, part, progress)
    if expected is not None and _sha256(part) != expected and continued:
        part.unlink()  # the rest of another version: once more from the start
        continued = False
        _transfer(address.url, part, progress)
    found = _sha256(part)
    if expected is not None and found != expected:
        part.unlink()
        raise DataError(
            f"{address.url}: sha256 {found[:12]}… came, allowed is {expected[:12]}… of the"
            " venue's checksum file; nothing was kept, try again later."
        )
    part.replace(target)
    note.write_text(f"{found}  {target.name}\n", encoding="utf-8")
    source = "continued" if continued else "download"
    return Fetched(target, target.stat().st_size, source, expected is not None)


def _expected(address: Address) -> str | None:
    """Return the sha256 that the venue states; None where it states none."""
    if address.checksum_url is None:
        return None
    try:
        with urllib.request.urlopen(address.checksum_url, timeout=TIMEOUT_S) as answer:
            text: str = answer.read(4096).decode("ascii", "replace")
    except (OSError, http.client.HTTPException) as error:
        raise _unreachable(address.checksum_url, error) from error
    words = text.split()
    if not words or len(words[0]) != 64:
        raise DataError(
            f"{address.checksum_url}: {' '.join(words)[:60]!r} came, allowed is a sha256 of 64 hex"
            " digits; try again later."
        )
    return words[0].lower()


def _unreachable(url: str, error: Exception) -> DataError:
    if isinstance(error, urllib.error.HTTPError) and error.code == _NOT_FOUND:
        return DataError(
            f"{url} is not there (404): the day may not be published yet, or the venue has no such"
            " symbol, dataset or day; check them."
        )
    reason = getattr(error, "reason", None) or error
    return DataError(f"{url} cannot be reached ({reason}); check the connection and try again.")


def _transfer(url: str, part: Path, progress: Callable[[int], None]) -> None:
    """Download into ``part``, going on where it ends, over several broken connections."""
    for attempt in range(ATTEMPTS):
        try:
            if _stream(url, part, progress):
                return
        except urllib.error.HTTPError as error:
            if error.code != _BAD_RANGE or not part.is_file():
                raise _unreachable(url, error) from error
            part.unlink()
        except (OSError, http.client.HTTPException) as error:
            if attempt == ATTEMPTS - 1:
                raise _unreachable(url, error) from error
    raise DataError(
        f"{url}: the transfer broke {ATTEMPTS} times; {part.name} holds what came, run the command"
        " again to go on."
    )


def _stream(url: str, part: Path, progress: Callable[[int], None]) -> bool:
    """Append what comes; whether it was everything."""
    have = part.stat().st_size if part.is_file() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
        goes_on = have and answer.status == _PARTIAL
        length = answer.headers.get("Content-Length")
        got = 0
        with part.open("ab" if goes_on else "wb") as file:
            while block := answer.read(BLOCK):
                file.write(block)
                got += len(block)
                progress(len(block))
    return length is None or got >= int(length)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
