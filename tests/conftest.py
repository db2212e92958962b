"""Settings that every test shares."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parents[1]

# The first example of a kernel test compiles it: deadlines would measure numba.
_COMMON = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("dev", **_COMMON, max_examples=60)
settings.register_profile("ci", **_COMMON, max_examples=60, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "dev")


@pytest.fixture(scope="session")
def shared() -> Path:
    path = ROOT / "../shared"
    if not path.is_dir():
        pytest.skip("../shared is absent: the recorded data lives beside the checkout")
    return path.resolve()
