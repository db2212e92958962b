"""The command ``squeezegym``: run markets and look at scenarios without writing Python."""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Union

import tyro

from squeezegym.commands.bench import bench
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
from squeezegym.commands.reports import FAILED, STOPPED
from squeezegym.commands.show import show
from squeezegym.commands.simulate import simulate
from squeezegym.commands.unfinished import Resumable
from squeezegym.commands.validate import validate
from squeezegym.commands.warmup import warmup
from squeezegym.errors import SqueezegymError

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
    "bench": bench,
    "warmup": warmup,
    "doctor": doctor,
}
_ABOUT = """Leveraged spot-perp markets with short squeezes and liquidation cascades.

To learn about a command: `squeezegym COMMAND --help`. To begin with: `squeezegym list`,
then `squeezegym simulate --seconds 300` and `squeezegym replay short_squeeze`. Completion for
bash, zsh or fish: `squeezegym --tyro-write-completion bash FILE`."""


def _parser(words: Sequence[str]) -> Any:
    """Return the union of the commands; those that are only listed say one sentence."""
    chosen = words[0] if words else ""
    commands = []
    for name, command in _COMMANDS.items():
        text = command.__doc__ or ""
        # The parser keeps the breaks inside the text of an argument, wherever the screen ends.
        command.__doc__ = re.sub(r"\n {9,}", " ", text)
        brief = None if name == chosen else text.partition("\n\n")[0]
        how = tyro.conf.subcommand(name=name, constructor=command, description=brief)
        commands.append(Annotated[Any, how])
    return Union[tuple(commands)]  # noqa: UP007  (made of a tuple)


def main(args: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        args: Arguments instead of those of the process.

    Returns:
        Exit code: 0, 2 after bad input, of which one sentence stands on stderr, or 130 after an
        interrupt.
    """
    words = sys.argv[1:] if args is None else list(args)
    try:
        result = tyro.cli(
            _parser(words),
            prog="squeezegym",
            description=_ABOUT,
            args=words,
            config=(tyro.conf.FlagCreatePairsOff, tyro.conf.DisallowNone),
        )
        sys.stdout.flush()
    except SqueezegymError as error:
        print(f"squeezegym: {error}", file=sys.stderr)
        return FAILED
    except Resumable as stop:
        again = shlex.join(["squeezegym", *words])
        print(f"squeezegym: stopped; {stop}; to go on: {again}", file=sys.stderr)
        return STOPPED
    except KeyboardInterrupt:
        print("squeezegym: stopped; nothing was written", file=sys.stderr)
        return STOPPED
    except BrokenPipeError:  # whoever read the output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return result if isinstance(result, int) else 0


if __name__ == "__main__":
    sys.exit(main())
