"""Reads pytest's JUnit reports: a skipped test is a failure unless it waits for the shared data.

Usage:
    python .ci/check_skips.py REPORT...            # names the skips; exit 1 on one that may not be
    python .ci/check_skips.py --total REPORT...    # also counts all reports in one closing line
"""

import argparse
import sys
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ALLOWED_REASON = "../shared"


def cases(report: Path) -> Iterator[tuple[str, str, str]]:
    """Yields (name, outcome, reason of the skip) of each test in the report."""
    for case in ET.parse(report).iter("testcase"):
        name = f"{case.get('classname')}::{case.get('name')}"
        skip = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            yield name, "failed", ""
        elif skip is None:
            yield name, "passed", ""
        elif skip.get("type") == "pytest.xfail":
            yield name, "xfailed", ""
        else:
            # A module skipped whole has its reason in the text, not in the message.
            yield name, "skipped", f"{skip.get('message', '')} {skip.text or ''}".strip()


def main(arguments: list[str]) -> int:
    """Prints what was skipped and why, and returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("reports", nargs="+", type=Path, metavar="REPORT")
    parser.add_argument("--total", action="store_true", help="end on one count over all reports")
    options = parser.parse_args(arguments)

    count: Counter[str] = Counter()
    problems = []
    for report in options.reports:
        outcomes = list(cases(report))
        count.update(outcome for _, outcome, _ in outcomes)
        if not any(outcome == "passed" for _, outcome, _ in outcomes):
            problems.append(f"{report.name}: no test passed")
        for name, outcome, reason in outcomes:
            if outcome == "skipped" and ALLOWED_REASON not in reason:
                problems.append(f"{report.name}: {name} was skipped: {reason}")

    for problem in problems:
        print(f"check_skips: {problem}")
    if options.total:
        print(f"{count['passed']} passed, {count['failed']} failed, {count['skipped']} skipped")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
