"""The command ``squeezegym``: run markets and look at scenarios without writing Python."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

import tyro

from squeezegym.commands.calibrate import calibrate
from squeezegym.commands.causes import causes
from squeezegym.commands.compare import compare
from squeezegym.commands.data import data
from squeezegym.commands.doctor import doctor
from squeezegym.commands.listing import list_scenarios
from squeezegym.commands.phase import phase
from squeezegym.commands.proof import proof
from squeezegym.commands.proximity import proximity
from squeezegym.commands.replay import replay
from squeezegym.commands.show import show
from squeezegym.commands.simulate import simulate
from squeezegym.commands.validate import validate
from squeezegym.commands.warmup import warmup
from squeezegym.errors import SqueezegymError

_FAILED = 2
_STOPPED = 130

_COMMANDS: dict[str, Callable[..., Any]] = {
    "list": list_scenarios,
    "simulate": simulate,
    "replay": replay,
    "show": show,
    "validate": validate,
    "causes": causes,
    "compare": compare,
    "calibrate": calibrate,
    "data": data,
    "proximity": proximity,
    "phase": phase,
    "proof": proof,
    "warmup": warmup,
    "doctor": doctor,
}


def main(args: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        args: Arguments instead of those of the process.

    Returns:
        Exit code: 0, 2 after bad input, of which one sentence stands on stderr, or 130 after an
        interrupt.
    """
    try:
        result = tyro.extras.subcommand_cli_from_dict(
            _COMMANDS,
            prog="squeezegym",
            description="Leveraged spot-perp markets with short squeezes and liquidation cascades.",
            args=args,
            config=(tyro.conf.FlagCreatePairsOff,),
        )
    except SqueezegymError as error:
        print(f"squeezegym: {error}", file=sys.stderr)
        return _FAILED
    except KeyboardInterrupt:
        print("squeezegym: stopped; nothing was written", file=sys.stderr)
        return _STOPPED
    return result if isinstance(result, int) else 0


if __name__ == "__main__":
    sys.exit(main())
