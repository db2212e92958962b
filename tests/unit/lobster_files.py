"""LOBSTER files of a few literal lines."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from pathlib import Path


def write(path: Path, lines: Sequence[str], zipped: bool = False) -> Path:
    content = "".join(line + "\n" for line in lines).encode()
    path.write_bytes(gzip.compress(content) if zipped else content)
    return path
