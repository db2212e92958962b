"""The command line as a person meets it: what it offers, and words that it does not know."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from squeezegym import Scenario
from squeezegym.cli import _COMMANDS, main

PARTS_OF_DATA = [["data", "check"], ["data", "fetch"]]


def test_list_names_ids_and_scenarios(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    out = capsys.readouterr().out
    for name in Scenario.names():
        assert name in out
    assert "squeezegym/ShortSqueeze-v0" in out


def test_show_prints_a_scenario_file_with_its_digest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "--scenario", "short_squeeze"]) == 0
    text = capsys.readouterr().out
    scenario = Scenario.load("short_squeeze")

    assert text.startswith(f"# digest {scenario.digest()}")
    assert Scenario.parse(tomllib.loads(text)) == scenario
    assert main(["show", "--scenario", "from_data", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["digest"] == Scenario.load("from_data").digest()


def test_the_list_of_commands_is_one_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    out = capsys.readouterr().out
    for word in ("simulate", "replay", "bench", "doctor", "Completion"):
        assert word in out
    assert "liquidation.destination" not in out
    with pytest.raises(SystemExit):
        main(["replay", "--help"])
    assert "liquidation.destination" in capsys.readouterr().out


@pytest.mark.parametrize("words", [[name] for name in _COMMANDS] + PARTS_OF_DATA)
def test_help_explains_every_option(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "500")
    with pytest.raises(SystemExit):
        main([*words, "--help"])
    out = capsys.readouterr().out
    if words == ["data"]:
        assert "check" in out and "fetch" in out
        return
    assert "--json" in out
    plain = re.sub("[│|]", " ", out)  # the frame, where the screen can show one
    options = re.findall(r"^ +(-\S.*?)(?: {2,}| *\n {6,})(\S.*?) *$", plain, re.MULTILINE)
    assert len(options) == len(re.findall("^ +-{1,2}[a-z]", plain, re.MULTILINE)) > 1
    for option, text in options:  # whole on its line
        assert re.search(r"^\w[^(]{8,}.*(\)|exit)$", text), option


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_complete_the_commands(shell: str, tmp_path: Path) -> None:
    script = tmp_path / "completion"
    with pytest.raises(SystemExit) as stop:
        main(["--tyro-write-completion", shell, str(script)])
    assert not stop.value.code and "simulate" in script.read_text()


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        ("simu", "simulate"),
        ("simulate --scen", "--scenario"),
        ("phase --plane thr", "throttle-resilience"),
        ("data fe", "fetch"),
    ],
)
def test_bash_completes(words: str, completed: str, tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        main(["--tyro-write-completion", "bash", str(tmp_path / "completion")])
    ask = f"""
source completion
COMP_WORDS=(squeezegym {words}) COMP_CWORD={len(words.split())} COMP_LINE="squeezegym {words}"
COMP_POINT=${{#COMP_LINE}}
$(complete -p squeezegym | sed "s/.*-F \\([^ ]*\\).*/\\1/")
echo "${{COMPREPLY[@]}}"
"""
    done = subprocess.run(
        ["bash", "-c", ask], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout == f"{completed}\n"


@pytest.mark.parametrize("args", [["simulat"], [], ["simulate", "--seconds", "x"]])
def test_unknown_words_exit_with_2(args: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(args)
    assert stop.value.code == 2
    assert "Traceback" not in capsys.readouterr().err


def test_the_process_ends_with_exit_code_2_and_no_traceback() -> None:
    command = [sys.executable, "-m", "squeezegym.cli", "simulate", "--scenario", "clam"]
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        command,
        env={**os.environ, "PYTHONPATH": root},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2
    assert "did you mean 'calm'" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
