"""Bad input: exit code 2 and one sentence on stderr."""

from __future__ import annotations

import pytest

from squeezegym.cli import main


def refused(capsys: pytest.CaptureFixture[str], *args: str) -> str:
    """Run a command that is refused, and return the sentence."""
    assert main(args) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("squeezegym: ")
    assert err.count("\n") == 1
    assert "Traceback" not in err
    return err
