"""The compile policy: signatures, cache key, notice and budget."""

import ast
import inspect
import json
import os
import re
import shutil
import subprocess
import sys

import numba
import pytest

import squeezegym._jit as jit
from squeezegym.core import clock
from tests.conftest import ROOT
from tests.kernels import small_market

PROBE = """
import json, sys, time
start = time.perf_counter()
import gymnasium, squeezegym
env = gymnasium.make("squeezegym/ShortSqueeze-v0")
env.reset(seed=1)
print(json.dumps({"seconds": time.perf_counter() - start}))
"""


def probe(cache, code=PROBE, **environment):
    """Run code in a fresh interpreter with its own kernel cache."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=ROOT,
        env={**os.environ, "NUMBA_CACHE_DIR": str(cache), "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        check=True,
    )


def test_one_signature_for_each_size_class():
    for seed in (1, 2):
        market = small_market(seed=seed)
        market.run(0.1)
        market.restore(market.snapshot())
        market.run(0.1)
    arrays = {str(signature[0].dtype) for signature in clock.advance.signatures}
    assert len(arrays) == len(clock.advance.signatures)
    assert all(len(signature) == 4 for signature in clock.advance.signatures)
    if not jit.JIT_DISABLED:
        assert len(clock.advance.signatures) >= 1


def test_importing_the_package_compiles_and_loads_no_kernel():
    code = (
        "import sys, squeezegym; from squeezegym import Scenario; Scenario.load('calm');"
        "assert 'squeezegym.core.clock' not in sys.modules;"
        "assert 'torch' not in sys.modules and 'stable_baselines3' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


@pytest.mark.parametrize(
    "name",
    [
        "core/rng.py",
        "core/ladder.py",
        "codes.py",
        "populationrecord.py",
        "rulecodes.py",
        "statuses.py",
        "state.py",
        "bookrecord.py",
        "viewrecord.py",
    ],
)
def test_the_fingerprint_changes_with_any_source(tmp_path, monkeypatch, name):
    package = tmp_path / "squeezegym"
    ignore = shutil.ignore_patterns("__pycache__", "envs", "data", "view", "_configs")
    shutil.copytree(ROOT / "squeezegym", package, ignore=ignore)
    monkeypatch.setattr(jit, "__file__", str(package / "_jit.py"))
    before = jit.source_fingerprint.__wrapped__()
    assert before == jit.source_fingerprint.__wrapped__()
    source = package / name
    source.write_text(source.read_text() + "\n# changed\n")
    after = jit.source_fingerprint.__wrapped__()
    assert re.fullmatch("[0-9a-f]{16}", after) and after != before


def test_the_fingerprint_covers_every_module_that_kernels_import():
    """A constant taken from elsewhere would be frozen into stale machine code."""
    covered = {
        "_jit",
        "codes",
        "gatewaycodes",
        "guardrecord",
        "measures",
        "state",
        "statuses",
        "params",
        "viewrecord",
    }
    for source in (ROOT / "squeezegym" / "core").glob("*.py"):
        for node in ast.walk(ast.parse(source.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("squeezegym."):
                room = node.module.split(".")[1]
                assert room == "core" or room in covered, f"{source.name} imports {node.module}"


def test_the_fingerprint_is_a_closure_cell_of_the_entry():
    function = getattr(clock.advance._kernel, "py_func", clock.advance._kernel)
    cells = inspect.getclosurevars(function).nonlocals
    assert cells == {"fingerprint": jit.source_fingerprint()}


@pytest.mark.nojit
def test_kernels_are_plain_functions_without_the_compiler():
    assert bool(numba.config.DISABLE_JIT) == jit.JIT_DISABLED
    if jit.JIT_DISABLED:
        assert inspect.isfunction(clock.run)


@pytest.mark.slow
def test_cold_compiles_once_with_a_notice_and_warm_is_silent_and_quick(tmp_path):
    cold, warm = probe(tmp_path), probe(tmp_path)
    assert len(re.findall("squeezegym: compiling", cold.stderr)) == 1
    assert warm.stderr == ""
    # The load of a shared machine slows both: only their ratio is a fact about the cache.
    assert json.loads(warm.stdout)["seconds"] < 0.5 * json.loads(cold.stdout)["seconds"]


@pytest.mark.slow
def test_an_edited_core_file_is_compiled_again(tmp_path):
    tree = tmp_path / "tree"
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "squeezegym", tree / "squeezegym", ignore=ignore)
    shutil.copytree(ROOT / "configs", tree / "configs")
    code = (
        "from squeezegym import Market; m = Market('short_squeeze', size_class='small',"
        "population={'shorts': 5, 'longs': 5}, episode={'burn_in_s': 0.0});"
        "m.run(0.1); print(m.record['clock']['events'], m.record['books']['last'][0])"
    )

    def run():
        return subprocess.run(
            [sys.executable, "-c", code],
            cwd=tree,
            env={**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "cache"), "PYTHONPATH": str(tree)},
            capture_output=True,
            text=True,
            check=True,
        )

    first, again = run(), run()
    assert "compiling" in first.stderr and again.stderr == ""
    assert first.stdout == again.stdout
    source = tree / "squeezegym" / "core" / "rng.py"
    changed = source.read_text().replace("_A = np.uint64(24)", "_A = np.uint64(23)")
    assert changed != source.read_text()
    source.write_text(changed)
    edited = run()
    assert "compiling" in edited.stderr
    assert edited.stdout != first.stdout
