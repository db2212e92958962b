"""Finished parts of a run: kept, found again, refused to another run, removed at the end."""

import io
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from squeezegym.cli import main
from squeezegym.commands import unfinished
from squeezegym.errors import ConfigError, DataError
from squeezegym.files import write_whole
from squeezegym.parts import Parts, anew


def made(calls, value=1.5):
    def make():
        calls.append(value)
        return {"number": value, "text": "x", "rows": np.arange(3)}

    return make


def test_a_part_is_made_once_and_found_as_it_was(tmp_path):
    calls, known = [], []
    folder = tmp_path / "run.part"
    first = Parts(folder, {"seed": 1})
    assert not folder.exists()
    fresh = first(("row", 3), made(calls))
    again = Parts(folder, {"seed": 1})(("row", 3), made(calls), lambda: known.append(1))
    assert len(calls) == 1 and known == [1]
    assert all(np.array_equal(fresh[name], again[name]) for name in fresh)
    assert {name: value.dtype for name, value in fresh.items()} == {
        name: value.dtype for name, value in again.items()
    }
    assert anew(("row", 3), made(calls))["number"] == 1.5 and len(calls) == 2
    first(("row", 4), made(calls, 2.5))
    assert (first.finished, len(calls)) == (2, 3)
    first.remove()
    assert not any(tmp_path.iterdir())


def test_a_damaged_part_is_made_again(tmp_path):
    calls, parts = [], Parts(tmp_path / "run.part", {})
    parts(("row",), made(calls))
    (kept,) = parts.folder.glob("*.npz")
    whole = kept.read_bytes()
    method = whole.index(b"PK\x01\x02") + 10  # of the first entry of the directory
    alone = io.BytesIO()
    np.save(alone, np.arange(3))
    damaged = [
        b"",
        whole[: len(whole) // 2],
        whole[:method] + b"\x63" + whole[method + 1 :],  # compressed as nobody can read it
        whole[: method - 2] + b"\x01" + whole[method - 1 :],  # a password
        whole[:60] + bytes([whole[60] ^ 1]) + whole[61:],
        alone.getvalue(),  # an array and no archive
    ]
    for turn, content in enumerate(damaged, start=2):
        kept.write_bytes(content)
        assert parts(("row",), made(calls))["number"] == 1.5
        assert len(calls) == turn and kept.read_bytes() == whole


def test_what_others_put_beside_the_parts_stays(tmp_path):
    parts = Parts(tmp_path / "run.part", {})
    parts(("row",), made([]))
    (parts.folder / "notes").mkdir()
    (parts.folder / "notes" / "mine.txt").write_text("mine")
    (parts.folder / ".partial-7-row.npz").write_text("of a process that was killed")
    parts.remove()
    assert [path.name for path in parts.folder.iterdir()] == ["notes"]
    parts.remove()  # twice is as once
    assert (parts.folder / "notes" / "mine.txt").read_text() == "mine"


def test_another_run_is_refused(tmp_path, monkeypatch):
    folder = tmp_path / "run.part"
    Parts(folder, {"seed": 1, "rules": [("a", 1)]})(("row",), made([]))
    Parts(folder, {"seed": 1, "rules": [("a", 1)]})
    with pytest.raises(ConfigError, match="differs in rules, seed; repeat that one"):
        Parts(folder, {"seed": 2, "rules": [("a", 2)]})
    monkeypatch.setattr("squeezegym.parts._sources", lambda: "other code")
    with pytest.raises(ConfigError, match="differs in sources"):
        Parts(folder, {"seed": 1, "rules": [("a", 1)]})
    (folder / "run.json").write_text("3")
    with pytest.raises(ConfigError, match="something else"):
        Parts(folder, {"seed": 1})
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "notes.txt").write_text("mine")
    for other in (tmp_path / "own", tmp_path / "own" / "notes.txt"):
        with pytest.raises(ConfigError, match="something else"):
            Parts(other, {})


def test_threads_may_make_parts(tmp_path):
    parts, gate = Parts(tmp_path / "run.part", {}), threading.Barrier(8)

    def make():
        gate.wait()  # all of them find no folder
        return {"number": 1.0}

    with ThreadPoolExecutor(8) as pool:
        assert len(list(pool.map(lambda i: parts(("row", i), make), range(8)))) == 8
    assert parts.finished == 8 and len(list(parts.folder.iterdir())) == 9


def test_only_an_interrupt_leaves_parts(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    out = tmp_path / "out.json"
    with pytest.raises(DataError), unfinished.unfinished("x", (None, out)) as keep:
        keep(("row",), made([]))
        raise DataError("no")
    with pytest.raises(ConfigError), unfinished.unfinished("x", (out,)) as keep:
        keep(("row",), made([]))
        write_whole(tmp_path / "no" / "out.json", lambda path: path.write_text("x"))
    assert [path.name for path in tmp_path.iterdir()] == ["out.json.part"]  # worth keeping
    with unfinished.unfinished("x", (out,)):
        pass
    with pytest.raises(KeyboardInterrupt) as stop, unfinished.unfinished("x", (out,)):
        raise KeyboardInterrupt  # before anything was finished
    assert not isinstance(stop.value, unfinished.Resumable) and not any(tmp_path.iterdir())
    with pytest.raises(unfinished.Resumable, match="1 finished part kept in squeezegym-x-"):
        with unfinished.unfinished("x", (None,), seed=1) as keep:
            keep(("row",), made([]))
            raise KeyboardInterrupt
    (folder,) = tmp_path.iterdir()
    assert folder.name.endswith(".part")
    with unfinished.unfinished("x", (None,), seed=2) as keep:  # has a folder of its own
        keep(("row",), made([]))
    assert list(tmp_path.iterdir()) == [folder]
    monkeypatch.setattr("os.access", lambda path, mode: False)
    with unfinished.unfinished("x", (None,), seed=1) as keep:
        assert keep is anew


def test_contents_tell_files_apart(tmp_path):
    one, other = tmp_path / "a", tmp_path / "b"
    one.write_text("x")
    other.write_text("y")
    found = unfinished.contents(one, None, other, tmp_path / "none")
    assert found[0] != found[2] and found[1] == "None" and found[3].endswith("none")


def test_a_command_that_finished_nothing_says_so(tmp_path, monkeypatch, capsys):
    def stopped(of, point, *rest):
        raise KeyboardInterrupt

    monkeypatch.setattr("squeezegym.theory.phase._reduced_point", stopped)
    out = tmp_path / "a plane.parquet"
    options = ["--plane", "throttle-resilience", "--cells", "2", "--paths", "2"]
    assert main(["phase", *options, "--out", str(out)]) == 130
    assert capsys.readouterr().err == "squeezegym: stopped; nothing was written\n"
