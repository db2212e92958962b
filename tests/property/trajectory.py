"""A small market run with a learner, digested; also a script, for runs without the compiler."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from tests.kernels import integers, same, small_market

QUICK = {
    "episode.burn_in_s": 0.0,
    "population.shorts": 40,
    "population.longs": 20,
    "catalyst.start_s": [0.2, 0.2],
    "catalyst.squeeze_size": [30.0, 30.0],
    "learner.short_start": 1.0,
    "learner.capital_quote": 9_000.0,
}


def digest(record):
    """Return the SHA-256 of the integers and of the bytes of the floats of a record."""
    hashes = {"i": hashlib.sha256(), "f": hashlib.sha256()}
    for path, values in integers(record):
        kind = "f" if values.dtype.kind == "f" else "i"
        hashes[kind].update(path.encode())
        hashes[kind].update(np.ascontiguousarray(values).tobytes())
    return {kind: found.hexdigest() for kind, found in hashes.items()}


def run(seed=7, steps=20, **overrides):
    """Run with drawn actions; return digests of the record and of every observation."""
    market = small_market(seed=seed, **{**QUICK, **overrides})
    view = market._batch.views[0]
    draw = np.random.default_rng(seed)
    seen = hashlib.sha256(view["observation"].tobytes())
    for _ in range(steps):
        view["target"], view["aggression"] = draw.uniform(-1, 1, 2)
        view["has_action"] = 1
        market.run(0.1)
        seen.update(view["observation"].tobytes())
    return {
        **digest(market.record),
        "observations": seen.hexdigest(),
        "liquidations": market.record["score"]["liquidations"].tolist(),
        "events": market.events,
    }


def interpreted(**overrides):
    """Return what :func:`run` returns in the interpreter, in a process of its own."""
    root = Path(__file__).parents[2]
    out = subprocess.run(
        [sys.executable, "-W", "error", "-m", "tests.property.trajectory", json.dumps(overrides)],
        cwd=root,
        env={**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(out.stdout)


def assert_arrivals_unchanged(seconds, **section):
    """What a section adds leaves the draws of those who do not answer the market as they were."""
    plain, mine = small_market(seed=3), small_market(seed=3, **section)
    for market in (plain, mine):
        market.run(seconds)
    assert not same(plain.record["accounts"], mine.record["accounts"])
    streams = [0, 3, 4, 5, 6, 8, 9, 11]  # as in test_determinism
    np.testing.assert_array_equal(
        plain.record["clock"]["rng"][streams], mine.record["clock"]["rng"][streams]
    )


if __name__ == "__main__":
    json.dump(run(**json.loads(sys.argv[1] if len(sys.argv) > 1 else "{}")), sys.stdout)
