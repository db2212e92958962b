"""Regenerate the screenshots of the replay page: ``python docs/make_screenshots.py``.

Needs Chromium, and Pillow (which matplotlib brings) to make the pictures small.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from PIL import Image

from squeezegym import Scenario
from squeezegym.view.replay import write_page
from squeezegym.view.runs import record_market

SEED = 5
IMAGES = Path(__file__).parent / "images"
IGNITED = {"catalyst.squeeze": 1.0, "catalyst.near_miss": 0.0}
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run")


def shoot(page: Path, address: str, name: str, size: tuple[int, int]) -> None:
    """Open a page at a place and save what it shows."""
    browser = shutil.which("chromium") or "google-chrome"
    target = IMAGES / f"{name}.png"
    with tempfile.TemporaryDirectory() as profile:
        command = [
            browser,
            *FLAGS,
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--hide-scrollbars",
            f"--user-data-dir={profile}",
            f"--window-size={size[0]},{size[1]}",
            "--virtual-time-budget=4000",
            f"--screenshot={target}",
            f"{page.as_uri()}#{address}",
        ]
        subprocess.run(command, check=True, capture_output=True)
    method = Image.Quantize.MAXCOVERAGE
    picture = Image.open(target).convert("RGB").quantize(256, method, dither=Image.Dither.NONE)
    picture.save(target, optimize=True)


def main() -> None:
    """Record the runs, write their pages and shoot them."""
    squeeze = Scenario.load("short_squeeze", **IGNITED)
    halt = Scenario.load("equity_halt", **IGNITED)
    off = Scenario.load(squeeze, **{"liquidation.destination": "off"})
    whole = record_market(squeeze, SEED, 300.0)
    without = record_market(off, SEED, 300.0, title="nobody liquidated")
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "page.html"
        write_page(page, [whole])
        shoot(page, "t=158&from=140&to=200&theme=light", "replay", (1400, 1090))
        write_page(page, [whole, without])
        shoot(page, "t=175&theme=light", "replay_two", (1600, 1060))
        write_page(page, [record_market(halt, 6, 1800.0)])
        shoot(page, "t=1100&theme=dark", "replay_halt", (1400, 940))


if __name__ == "__main__":
    main()
