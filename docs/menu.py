"""A hook of mkdocs: pages that the menu of mkdocs.yml does not name stand under "More"."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any


def on_config(config: Any) -> Any:
    """Add the pages that are missing to the menu."""
    named = set(re.findall(r"[\w-]+\.md", str(config.nav)))
    missing = sorted({page.name for page in Path(config.docs_dir).glob("*.md")} - named)
    if missing:
        config.nav.append({"More": missing})
    return config
