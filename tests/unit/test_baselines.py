import numpy as np
import pytest

from agents.baselines import (
    BASELINES,
    AvellanedaStoikov,
    CusumSniper,
    Flat,
    FlipRule,
    HoldLong,
    HoldShort,
    Momentum,
    ShortWithStop,
    Sniper,
    TwapFollower,
)
from squeezegym.envs.action import action_space
from squeezegym.envs.observation import FEATURES, INDEX, observation_space
from squeezegym.theory.criticality import final_rise


def observations(*rows: dict[str, float]) -> np.ndarray:
    table = np.zeros((len(rows), len(FEATURES)), np.float32)
    for table_row, row in zip(table, rows, strict=True):
        for name, value in row.items():
            table_row[INDEX[name]] = value
    return table


@pytest.mark.parametrize("name", list(BASELINES))
def test_actions_fit_the_environment(name):
    policy = BASELINES[name]()
    policy.reset(64)
    space = observation_space()
    rng = np.random.default_rng(3)
    for _ in range(20):
        drawn = rng.uniform(space.low, space.high, (64, len(FEATURES))).astype(np.float32)
        actions = policy.act(drawn)
        assert actions.shape == (64, 2)
        assert all(action_space().contains(action) for action in actions)


@pytest.mark.parametrize(("policy", "target"), [(Flat(), 0), (HoldLong(), 1), (HoldShort(), -1)])
def test_hold_never_moves(policy, target):
    policy.reset(2)
    actions = policy.act(observations({"perp_trend_10s": 1}, {"forced_bought_1s": 1}))
    np.testing.assert_array_equal(actions, [[target, 1], [target, 1]])


def targets(policy, *steps):
    return [policy.act(observations(step))[0, 0] for step in steps]


def test_momentum_follows_a_strong_trend_and_leaves_when_it_is_gone():
    policy = Momentum(enter=0.5, leave=0.1)
    policy.reset(1)
    trends = [0.4, 0.6, 0.2, 0.05, 0.2, -0.6, -0.2, 0.0]
    assert targets(policy, *({"perp_trend_10s": t} for t in trends)) == [0, 1, 1, 0, 0, -1, -1, 0]


def test_momentum_turns_around_at_once():
    policy = Momentum(enter=0.5, leave=0.1)
    policy.reset(1)
    assert targets(policy, {"perp_trend_10s": 0.6}, {"perp_trend_10s": -0.6}) == [1, -1]


def test_sniper_buys_a_burst_of_forced_buying_and_leaves_when_it_fades():
    policy = Sniper(enter=0.3, leave=0.1)
    policy.reset(1)
    steps = [(0.2, 0.2), (0.4, 0.2), (0.0, 0.15), (0.0, 0.05), (0.0, 0.15)]
    seen = ({"forced_bought_1s": fast, "forced_bought_10s": slow} for fast, slow in steps)
    assert targets(policy, *seen) == [0, 1, 1, 0, 0]


def test_sniper_ignores_forced_selling():
    policy = Sniper()
    policy.reset(1)
    assert targets(policy, {"forced_sold_1s": 1.0, "forced_sold_10s": 1.0}) == [0]


@pytest.mark.parametrize("name", ["momentum", "sniper"])
def test_rows_are_independent_and_reset_forgets(name):
    policy = BASELINES[name]()
    policy.reset(2)
    strong = {"perp_trend_10s": 1.0, "forced_bought_1s": 1.0, "forced_bought_10s": 1.0}
    weak = {"perp_trend_10s": 0.2, "forced_bought_10s": 0.2}
    np.testing.assert_array_equal(policy.act(observations(strong, {}))[:, 0], [1, 0])
    np.testing.assert_array_equal(policy.act(observations(weak, weak))[:, 0], [1, 0])
    policy.reset(2)
    np.testing.assert_array_equal(policy.act(observations(weak, weak))[:, 0], [0, 0])


def test_short_with_stop_stays_out_once_it_has_lost_enough():
    policy = ShortWithStop(stop=0.02)
    policy.reset(1)
    assert targets(policy, *({"equity_change": c} for c in (0.0, -0.01, -0.03, 0.05))) == [
        -1,
        -1,
        0,
        0,
    ]


def flow(bought, sold):
    """Ten seconds' volume of the perp, in depths within 10 bp."""
    return {
        "perp_bought_10s": np.log1p(50 * bought) / 8,
        "perp_sold_10s": np.log1p(50 * sold) / 8,
    }


def test_twap_follower_joins_flow_that_stays_one_sided_and_leaves_when_it_turns():
    policy = TwapFollower(enter=0.6, leave=0.1, least=0.5, stand_s=0.3, step_s=0.1)
    policy.reset(1)
    steps = [flow(1, 0.1)] * 4 + [flow(1, 0.7)] * 2 + [flow(1, 1)]
    assert targets(policy, *steps) == [0, 0, 1, 1, 1, 1, 0]
    policy.reset(1)
    assert targets(policy, *[flow(0.1, 1)] * 3) == [0, 0, -1]
    policy.reset(1)
    assert targets(policy, *[flow(1, 0.1), flow(0.1, 1)] * 4) == [0] * 8
    policy.reset(1)
    assert targets(policy, *[flow(0.3, 0.01)] * 6) == [0] * 6  # too little to speak of


def forced(rate, **more):
    return {"forced_bought_1s": np.log1p(50 * rate) / 8, **more}


def test_cusum_sniper_adds_up_what_is_unusual_and_waits_for_quiet():
    policy = CusumSniper(drift=0.02, bound=0.12, quiet_s=0.3, step_s=0.1)
    policy.reset(1)
    assert targets(policy, *[forced(0.02)] * 50)[-1] == 0  # the usual never adds up
    # 0.05 a step: over the bound at the third.
    steps = [forced(0.52)] * 3 + [forced(0.0)] * 4
    assert targets(policy, *steps) == [0, 0, 1, 1, 1, 0, 0]


def book(**more):
    """Both books offer a tenth of the depth a bp over 5 bp."""
    entries = {}
    for name in ("perp", "spot"):
        for level in range(1, 6):
            entries[f"{name}_ask{level}_distance"] = level / 10
            entries[f"{name}_ask{level}_lots"] = np.log1p(5.0) / 6
    return {**entries, **more}


def test_flip_rule_compares_the_expected_rise_with_the_cost():
    rule = FlipRule(cost_bps=12.0, persistence_s=5.0, leave=0.25)
    seen = observations(
        book(
            forced_bought_1s=np.log1p(4.0) / 8,
            forced_bought_10s=np.log1p(10.0) / 8,
            perp_bought_10s=np.log1p(20.0) / 8,
        )
    )
    # 20 pending, 10 a bp on offer, half of what was bought was forced: 20 / (10 * (1 - 1/2)) bp.
    assert rule.expected_rise(seen)[0] == pytest.approx(4.0, rel=1e-4)
    assert final_rise(demand=20.0, depth=10.0, density=0.5 * 10.0) == 4.0


def test_flip_rule_enters_above_the_cost_and_leaves_below_a_share_of_it():
    rule = FlipRule(cost_bps=12.0, persistence_s=5.0, leave=0.25)
    rule.reset(1)
    rises = [11.0, 13.0, 4.0, 2.9, 4.0]  # bp; 2 forced a bp, for 10 are on offer and 5 s pass
    steps = [book(forced_bought_1s=np.log1p(2 * rise) / 8) for rise in rises]
    assert targets(rule, *steps) == [0, 1, 1, 0, 0]


def test_avellaneda_stoikov_quotes_where_the_touch_is_far_enough_from_its_reservation_price():
    policy = AvellanedaStoikov(risk_bps=40.0, half_bps=2.5, size=0.25)
    policy.reset(1)
    narrow = {"perp_bid1_distance": 0.02, "perp_ask1_distance": 0.02, "time_left": 1.0}
    wide = {"perp_bid1_distance": 0.8, "perp_ask1_distance": 0.8, "time_left": 1.0}
    acts = policy.act(
        observations(
            {**narrow, "position": 0.5},  # 20 bp below the mid, 7.5 bp around it
            {**narrow, "position": -0.5},
            {**narrow, "perp_imbalance": 0.3},
            {**wide, "perp_imbalance": 0.3},
            {**wide, "perp_imbalance": -0.3},
            {**narrow, "position": 0.5, "time_left": 0.0},
        )
    )
    np.testing.assert_allclose(acts[:, 0], [0.25, -0.25, 0.0, 0.25, -0.25, 0.5])
    assert (acts[:, 1] < 0).all()


@pytest.mark.parametrize("name", ["TWAP follower", "CUSUM sniper", "flip rule", "short with stop"])
def test_state_is_of_a_row_and_forgotten_with_a_reset(name):
    policy = BASELINES[name]()
    strong = {**flow(5, 0), **forced(5), "equity_change": -0.9}
    policy.reset(2)
    for _ in range(80):
        acts = policy.act(observations(strong, {}))
    assert acts[0, 0] != acts[1, 0]
    policy.reset(2)
    assert len(set(policy.act(observations({}, {}))[:, 0])) == 1
