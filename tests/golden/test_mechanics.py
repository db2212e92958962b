"""Worked cases of venues' formulas, each answered by the function that the package uses.

The file is ``../shared/golden/mechanics.json`` beside the checkout, or the one that the environment
variable SQUEEZEGYM_GOLDEN names: any file of that form runs.
"""

from __future__ import annotations

import copy
import json
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conftest import ROOT
from tests.golden import market_adapters, mechanics_adapters, protection_adapters

pytestmark = [pytest.mark.nojit, pytest.mark.boundscheck]

GOLDEN = Path(os.environ.get("SQUEEZEGYM_GOLDEN") or ROOT / "../shared/golden/mechanics.json")
ADAPTERS: dict[str, Callable[[dict[str, Any]], Any]] = {
    **mechanics_adapters.ADAPTERS,
    **market_adapters.ADAPTERS,
    **protection_adapters.ADAPTERS,
}


def due_cases(path: Path) -> list[dict[str, Any]]:
    """The cases of a file: all of them, whether an adapter answers or not."""
    cases: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["cases"]
    return cases


def differences(expected: Any, found: Any, tolerance: float, path: str = "result") -> list[str]:
    """Where two results differ, by more than the tolerance for numbers; nested ones by part."""
    if isinstance(expected, dict):
        if not isinstance(found, dict) or expected.keys() != found.keys():
            return [f"{path}: expected the keys of {expected!r}, found {found!r}"]
        parts = [(f"{path}.{key}", expected[key], found[key]) for key in expected]
    elif isinstance(expected, list):
        if not isinstance(found, list | tuple) or len(expected) != len(found):
            return [f"{path}: expected {expected!r}, found {found!r}"]
        parts = [
            (f"{path}[{i}]", e, f) for i, (e, f) in enumerate(zip(expected, found, strict=True))
        ]
    else:
        if isinstance(expected, bool | str) or expected is None:
            same = type(found) in (type(expected), np.bool_) and found == expected
        else:
            number = isinstance(found, int | float | np.number) and not isinstance(found, bool)
            same = number and abs(found - expected) <= tolerance
        return [] if same else [f"{path}: expected {expected!r} +- {tolerance:g}, found {found!r}"]
    return [line for part, e, f in parts for line in differences(e, f, tolerance, part)]


def asked(expected: Any) -> dict[str, Any]:
    """The moments whose states a case tells: they stand beside its answers, not its inputs."""
    states = expected.get("state_at") if isinstance(expected, dict) else None
    return {"times": list(states)} if states else {}


def check(case: dict[str, Any]) -> None:
    """Raise AssertionError when a case is not answered, or not as expected."""
    adapter = ADAPTERS.get(case["fn"])
    if adapter is None:
        raise AssertionError(
            f"fn '{case['fn']}' (topic {case['topic']}, case {case['id']}) has no adapter"
        )
    found = adapter({**copy.deepcopy(case["inputs"]), **asked(case["expected"])})
    wrong = differences(case["expected"], found, case["abs_tol"])
    assert not wrong, f"{case['id']}: " + "; ".join(wrong)


CASES = due_cases(GOLDEN) if GOLDEN.is_file() else []
PARAMETERS = [pytest.param(case, id=case["id"]) for case in CASES]
ABSENT = pytest.mark.skip(reason=f"no worked cases at {GOLDEN} (default: under ../shared)")


@pytest.mark.parametrize("case", PARAMETERS or [pytest.param(None, id="absent", marks=ABSENT)])
def test_worked_case(case: dict[str, Any]) -> None:
    check(case)


def written(tmp_path: Path, *cases: dict[str, Any]) -> list[dict[str, Any]]:
    path = tmp_path / "cases.json"
    path.write_text(json.dumps({"meta": {}, "cases": cases}), encoding="utf-8")
    return due_cases(path)


def case_of(fn: str, inputs: Any, expected: Any, topic: str = "adl", tol: float = 1e-9) -> Any:
    return {
        "id": f"own_{fn}",
        "topic": topic,
        "fn": fn,
        "inputs": inputs,
        "expected": expected,
        "abs_tol": tol,
    }


def test_an_unknown_function_fails_with_its_name(tmp_path: Path) -> None:
    (case,) = written(tmp_path, case_of("adl_score_unheard_of", {}, 1.0))
    with pytest.raises(AssertionError, match=r"fn 'adl_score_unheard_of'.*own_adl_score"):
        check(case)


def test_an_unknown_topic_is_due(tmp_path: Path) -> None:
    (case,) = written(tmp_path, case_of("something_else", {}, 1.0, topic="unheard_of"))
    with pytest.raises(AssertionError, match="something_else"):
        check(case)


def test_a_wrong_number_fails_and_says_where(tmp_path: Path) -> None:
    inputs = {"side": 1, "exec_price": 8700.0, "bankruptcy_prices": [8730.0, 8680.0]}
    (case,) = written(tmp_path, case_of("insurance_fund_sign", inputs, {"signs": [-1, -1]}))
    with pytest.raises(AssertionError, match=r"result\.signs\[1\]: expected -1 .*found 1"):
        check(case)


@pytest.mark.parametrize(
    ("expected", "found", "same"),
    [
        (1.0, 1.0 + 1e-10, True),
        (1.0, 1.0 + 1e-8, False),
        (1, 1.0, True),
        (1.0, float("nan"), False),
        (1.0, True, False),
        (True, np.bool_(True), True),
        (True, 1, False),
        (None, None, True),
        (None, 0.0, False),
        ("book", "backstop", False),
        ({"a": [1.0, {"b": 2}]}, {"a": (1.0, {"b": 2})}, True),
        ({"a": 1}, {"a": 1, "b": 2}, False),
        ([1, 2], [1], False),
    ],
)
def test_results_are_compared_part_by_part(expected: Any, found: Any, same: bool) -> None:
    assert (differences(expected, found, 1e-9) == []) == same


TIERS = [
    {"notional_cap": 50_000, "mmr": 0.004, "max_leverage": 125},
    {"notional_cap": 600_000, "mmr": 0.005, "max_leverage": 100},
    {"notional_cap": None, "mmr": 0.0065, "max_leverage": 75},
]
OTHER_NUMBERS = [
    # (0.375 * 61,234.56789 - 987.654321 - 12.5) / 0.375
    case_of(
        "bankruptcy_price_linear_cross",
        {
            "side": 1,
            "qty": 0.375,
            "entry": 61234.56789,
            "position_margin": 987.654321,
            "wallet_balance": 12.5,
        },
        58567.489700666667,
    ),
    case_of(
        "bankruptcy_price_linear_cross",
        {
            "side": -1,
            "qty": 0.375,
            "entry": 61234.56789,
            "position_margin": 987.654321,
            "wallet_balance": 12.5,
        },
        63901.646079333333,
    ),
    # (12,345.678901 * 23.45678901 + 4,567.890123) / 12,345.678901
    case_of(
        "bankruptcy_price_linear_cross",
        {
            "side": -1,
            "qty": 12345.678901,
            "entry": 23.45678901,
            "position_margin": 4567.890123,
            "wallet_balance": 0,
        },
        23.826788113300022,
    ),
    # 987,654.321 * 0.65 % - 950
    case_of(
        "maintenance_margin",
        {"notional": 987_654.321, "tiers": TIERS},
        {"mmr": 0.0065, "cum": 950.0, "mm": 5469.7530865},
    ),
    # Long: (1,000.5 + 0 - 0.5 * 60,000.25) / (0.5 * 0.004 - 0.5), in tier 0.
    case_of(
        "liq_price_linear_tiered_solve",
        {"wallet_balance": 1000.5, "side": 1, "qty": 0.5, "entry": 60000.25, "tiers": TIERS},
        {"price": 58232.17871485944, "tier_index": 0},
    ),
    case_of(
        "adl_allocate",
        {
            "accounts": [
                {"id": 7, "qty": 0.1, "score": 0.5},
                {"id": 8, "qty": 0.25, "score": 0.5},
                {"id": 9, "qty": 1.5, "score": -2.0},
            ],
            "liquidated_qty": 0.2,
            "bankruptcy_price": 0.123456789,
        },
        {
            "order": [7, 8, 9],
            "closed": {"7": 0.1, "8": 0.1},
            "price": 0.123456789,
            "remaining": {"8": 0.15},
        },
    ),
    # 25 minutes before the close: 2 x 20 % of 2.50 up to 3 USD in tier 2, 10 % above, undoubled.
    case_of(
        "luld_bands",
        {"tier": 2, "prev_close": 2.6, "reference": 2.5, "time": "15:35"},
        {"lower": 1.5, "upper": 3.5},
    ),
    case_of(
        "luld_bands",
        {"tier": 2, "prev_close": 20.0, "reference": 21.0, "time": "15:59"},
        {"lower": 18.9, "upper": 23.1},
    ),
    # The lesser of 0.15 USD and 75 % of 0.10 USD.
    case_of(
        "luld_bands",
        {"tier": 1, "prev_close": 0.7, "reference": 0.1, "time": "10:00"},
        {"lower": 0.03, "upper": 0.18},
    ),
    case_of(
        "luld_reference_update",
        {"current": 50.0, "mean_5min": 49.51, "threshold": 0.01},
        50.0,
    ),
    case_of(
        "luld_state_machine",
        {"events": [[2, "ask_at_lower_band"]], "limit_state_s": 15, "pause_s": 300},
        {
            "state_at": {
                "1": "normal",
                "3": "limit",
                "16.9": "limit",
                "17": "pause",
                "317": "normal",
            }
        },
    ),
    case_of(
        "market_order_price_cap",
        {
            "mark": 100.0,
            "bound": 0.05,
            "side": "SELL",
            "bids": [[97.5, 1.5], [95.0, 0.5], [94.9, 9.0]],
            "qty": 2.5,
        },
        {"filled": 2.0, "expired": 0.5, "avg_price": 96.875},
    ),
    case_of("ssr_triggered", {"prev_close": 50.0, "last": 45.0, "threshold": 0.1}, True),
    case_of("ssr_active_days", {"trigger_day": 3, "retrigger_day": 4}, {"active": [3, 4, 5]}),
    case_of(
        "reopening_collar",
        {
            "reference": 50.0,
            "initial_collar": 0.04,
            "widen": 0.02,
            "indicative": [46.5, 47.0],
            "interval_s": 300,
        },
        {"reopen_after_intervals": 2, "collar_upper_each": [52.0, 53.0], "reopen_price": 47.0},
    ),
]


def test_other_numbers_in_another_order(tmp_path: Path) -> None:
    cases = written(tmp_path, *random.Random(3).sample(OTHER_NUMBERS, len(OTHER_NUMBERS)))
    assert len(cases) == len(OTHER_NUMBERS)
    for case in cases:
        check(case)
