"""Phase diagrams: the simulated edge lies on theory's, and a stopped run goes on."""

import json

import numpy as np
import polars
import pytest

from squeezegym import cli
from squeezegym.errors import ConfigError
from squeezegym.theory.phase import PLANES, _reduced_point, phase, points


@pytest.mark.parametrize(
    "plane",
    [
        pytest.param("leverage-depth", marks=pytest.mark.slow),
        "throttle-resilience",
        "mark-arbitrage",
    ],
)
def test_the_edge_lies_where_theory_puts_it(plane):
    rows = list(phase(plane, cells=8, paths=40, seed=3))
    index = np.array([row["index"] for row in rows])
    ran_away = np.array([row["ran_away"] for row in rows])
    assert (index > 1).any() and (index < 1).any()
    assert (ran_away[index > 1.1] > 0.9).all()
    assert (ran_away[index < 0.9] < 0.1).all()


def test_points_do_not_depend_on_which_others_are_run():
    whole = {(row["x"], row["y"]): row for row in phase("mark-arbitrage", cells=3, paths=10)}
    done = points("mark-arbitrage", 3)[:5]
    rest = list(phase("mark-arbitrage", cells=3, paths=10, done=done, workers=1))
    assert len(rest) == 4
    assert all(whole[row["x"], row["y"]] == row for row in rest)


def test_the_market_has_a_plane():
    # Reached from Python with few seeds; the command runs all points.
    rows = phase("market", cells=2, paths=4, done=points("market", 2)[1:], workers=1)
    (row,) = list(rows)
    assert 0 <= row["ran_away"] <= 1 and 0.1 < row["index"] < 20


def test_the_command_writes_the_points_in_order(tmp_path, capsys):
    out, figure = tmp_path / "p.parquet", tmp_path / "p.png"
    options = ["phase", "--plane", "throttle-resilience", "--cells", "4", "--paths", "8"]
    said = ["--figure", str(figure), "--json", "-"]
    assert cli.main([*options, "--out", str(out), *said]) == 0
    whole = polars.read_parquet(out)
    assert list(whole.select("x", "y").iter_rows()) == points("throttle-resilience", 4)
    assert figure.read_bytes()[:4] == b"\x89PNG"
    assert json.loads(capsys.readouterr().out) == whole.to_dicts()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["p.parquet", "p.png"]


def test_a_stopped_diagram_goes_on(tmp_path, capsys, monkeypatch):
    seen = []

    def counted(of, point, *rest):
        if len(seen) == 5:
            raise KeyboardInterrupt
        seen.append(point)
        return _reduced_point(of, point, *rest)

    monkeypatch.setattr("squeezegym.theory.phase._reduced_point", counted)
    out, whole = tmp_path / "a plane.parquet", tmp_path / "whole.parquet"
    options = ["--plane", "throttle-resilience", "--cells", "3", "--paths", "4", "--workers", "1"]
    assert cli.main(["phase", *options, "--out", str(out)]) == 130
    said = capsys.readouterr().err
    assert "56 % of the points done; 5 finished parts kept in" in said
    assert said.endswith(f"squeezegym phase {' '.join(options)} --out '{out}'\n")
    seen.clear()
    assert cli.main(["phase", *options, "--seed", "2", "--out", str(out)]) == 2
    assert "differs in seed" in capsys.readouterr().err and not out.exists()
    assert cli.main(["phase", *options, "--out", str(out)]) == 0
    assert len(seen) == 4
    monkeypatch.undo()
    assert cli.main(["phase", *options, "--out", str(whole)]) == 0
    assert out.read_bytes() == whole.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a plane.parquet", "whole.parquet"]


def test_bad_planes():
    with pytest.raises(ConfigError, match="plane must be one of"):
        list(phase("leverage"))
    assert PLANES["market"].reactions is None
