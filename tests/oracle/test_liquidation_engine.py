"""The kernel's liquidation engine against the naive one, event by event."""

from collections import Counter
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.oracle.engine_draws import MS, draw
from tests.oracle.engine_twins import Alone, Kernel, play
from tests.oracle.naive_remainder import ADL

POLICIES, REMAINDERS, RANKINGS = range(6), range(3), range(4)
EVERY_RULE = list(product(POLICIES, REMAINDERS, RANKINGS))
SEEDS = range(5)  # of each combination
RULES = ("_adl", "_pro_rata", "_socialised")  # of the remainder
BRANCHES = (
    "a share first",
    "above the cap",
    "back to the ladder",
    "block spends",
    "fee is capped",
    "filled",
    "fund aggresses",
    "fund comes on",
    "fund goes off",
    "fund is exhausted",
    "fund is off",
    "fund pays",
    "loss is shared",
    "no size covers",
    "nothing filled",
    "orders are cancelled",
    "outside takes",
    "partly filled",
    "pause",
    "queues tie",
    "recovered",
    "reduction was not enough",
    "remainder goes on",
    "tier is reduced",
    "time limits",
    "vault pays a debt",
    "vault refuses",
    "vault takes",
)


@pytest.fixture(scope="module")
def kernel():
    pytest.importorskip("squeezegym.core.triggers")
    return Kernel


def seeded(policy, remainder, ranking):
    """Return the cases of one combination of rules."""
    first = 1000 * (policy * 100 + remainder * 10 + ranking)
    return [draw(first + seed, policy, remainder, ranking) for seed in SEEDS]


def test_the_drawn_cases_go_everywhere():
    reached, shared = Counter(), Counter()
    for policy, remainder, ranking in EVERY_RULE:
        for case in seeded(policy, remainder, ranking):
            oracle = play(case, Alone)
            reached.update(oracle.reached)
            shared[policy, remainder, ranking if remainder == ADL else None] += oracle.reached[
                RULES[remainder]
            ]
    assert [name for name in BRANCHES if not reached[name]] == []
    assert [rules for rules, times in shared.items() if not times] == []


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("remainder", REMAINDERS)
@pytest.mark.parametrize("ranking", RANKINGS)
def test_kernel_and_oracle_agree_event_by_event(kernel, policy, remainder, ranking):
    for case in seeded(policy, remainder, ranking):
        play(case, kernel)


@given(
    seed=st.integers(0, 2**32),
    policy=st.sampled_from(POLICIES),
    remainder=st.sampled_from(REMAINDERS),
    ranking=st.sampled_from(RANKINGS),
    fund=st.integers(0, 10**6),
    vault=st.integers(0, 10**6),
    support=st.integers(0, 2 * 10**7),
    share=st.integers(1, 1000).map(lambda thousandths: thousandths * 10**5),
    cooldown=st.integers(1, 60).map(lambda ms: ms * MS),
)
def test_kernel_and_oracle_agree_whatever_the_rules(
    kernel, seed, policy, remainder, ranking, **rules
):
    play(draw(seed, policy, remainder, ranking, **rules), kernel)
