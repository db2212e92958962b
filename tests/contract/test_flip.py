"""The flag of a flip: on the catalyst's side, after ignition, held for five seconds."""

import numpy as np

from squeezegym import Scenario
from squeezegym.envs.rows import Rows

EARLY = {
    "catalyst.start_s": [2.0, 2.0],
    "catalyst.squeeze": 1.0,
    "catalyst.near_miss": 0.0,
    "catalyst.squeeze_size": [6.0, 6.0],
    "learner.short_start": 0.0,
    "gateway.surge": 0.0,  # the learner's orders trade within a step
}
TARGETS = np.array([1.0, 0.3, 0.2, -1.0])
EVERYONE = np.ones(len(TARGETS), bool)


def started(scenario="short_squeeze", **overrides):
    rows = Rows(Scenario.load(scenario, **{**EARLY, **overrides}), len(TARGETS), 1)
    generators = [np.random.default_rng(3) for _ in TARGETS]
    rows.reset(EVERYONE, generators)
    return rows, generators


def play(rows, generators, targets, steps):
    """Return (steps, rows) of ignited, of the position in limits and of the flag."""
    seen = []
    for _ in range(steps):
        actions = np.column_stack([targets, np.ones(len(targets))])
        rows.step(actions, EVERYONE, ~EVERYONE, generators)
        info = rows.info()
        seen.append((info["ignited"], info["position"], info["flipped"]))
    return [np.array(column) for column in zip(*seen, strict=True)]


def test_it_is_raised_after_five_seconds_on_the_side_and_never_before():
    rows, generators = started()
    ignited, position, flipped = play(rows, generators, TARGETS, 200)
    assert ignited[-1].all() and not ignited[0].any()
    for row in range(2):
        held = ignited[:, row] & (position[:, row] >= 0.25)
        first = int(held.argmax())
        assert held[first:].all()
        assert int(flipped[:, row].argmax()) == first + 49  # the fiftieth step of 100 ms
    assert not flipped[:, 2:].any()
    rows.reset(EVERYONE, generators)
    assert not rows.info()["flipped"].any()
    assert (rows.flip_steps == 0).all()


def test_an_interruption_begins_the_count_anew():
    rows, generators = started()
    play(rows, generators, TARGETS, 100)
    play(rows, generators, np.zeros(4), 3)
    *_, flipped = play(rows, generators, TARGETS, 45)
    long_enough = rows.flip_steps[0] >= 40
    assert long_enough and not flipped[:, 1].any()


def test_where_longs_are_flushed_the_side_is_short():
    rows, generators = started("long_flush")
    *_, flipped = play(rows, generators, -TARGETS, 250)
    assert flipped[-1].tolist() == [True, True, False, False]
