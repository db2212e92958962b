"""Write the tables that pages take from the code.

Usage:
    python docs/make_tables.py
"""

from __future__ import annotations

import re
from pathlib import Path

from squeezegym.envs.observation import table

PAGE = Path(__file__).parent / "observation.md"


def main() -> None:
    """Put the observation's table in the place of the one on its page."""
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(re.sub(r"(^\|.*\n)+", table() + "\n", text, flags=re.M), encoding="utf-8")


if __name__ == "__main__":
    main()
