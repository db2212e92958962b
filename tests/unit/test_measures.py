"""What is measured of an episode, on paths drawn by hand."""

from dataclasses import replace

import numpy as np
from pytest import approx

from agents.measures import episodes, first_held
from agents.paths import PARTS, Paths, joined

STEPS = 40  # of half a second


def paths(position, *, ignition=5.0, mid=None, pnl=None, side=1, multiple=2.0, start=0.0):
    position = np.array(position, float)[None]
    n = position.shape[1]
    none = np.zeros(1)
    return Paths(
        seeds=(7,),
        step_s=0.5,
        side=side,
        earliest_s=4.0,
        feed_s=0.1,
        position=position,
        pnl=np.zeros((1, n)) if pnl is None else np.array(pnl, float)[None],
        mid=np.full((1, n), 100.0) if mid is None else np.array(mid, float)[None],
        steps=np.array([n]),
        start=np.array([start]),
        ignition_s=np.array([ignition]),
        multiple=np.array([multiple]),
        catalyst=np.array([multiple * 10]),
        ends={
            "forced": none,
            "liquidated": none,
            "flipped": none,
            "ignited": none,
            **{p: none for p in PARTS},
        },
    )


def of(*args, **kwargs):
    return episodes("p", paths(*args, **kwargs))[0]


def held(begin, end, size=1.0):
    """Long in columns begin..end."""
    position = np.zeros(STEPS)
    position[begin:end] = size
    return position


def test_first_run_that_is_long_enough():
    assert first_held(np.array([0, 1, 1, 0, 1, 1, 1], bool), 3) == 4
    assert first_held(np.array([0, 1, 1, 0, 1, 1, 0], bool), 3) is None
    assert first_held(np.ones(2, bool), 3) is None


def test_a_flip_is_held_a_quarter_for_five_seconds_after_ignition():
    assert of(held(12, 22, 0.25)).flipped
    assert of(held(12, 22, 0.25)).latency_s == approx(6.5 - 5.0)
    assert not of(held(12, 21, 0.25)).flipped
    assert not of(held(12, 30, 0.24)).flipped
    assert not of(-held(12, 30)).flipped


def test_who_was_long_before_ignition_flips_at_ignition():
    early = of(held(2, 25))
    assert early.flipped and early.latency_s == approx(0.0)
    assert not of(held(0, 12)).flipped  # sold two seconds after it


def test_the_mirror_image_is_measured_from_its_own_side():
    flush = of(-held(12, 30), side=-1)
    assert flush.flipped and flush.regime == "long flush"
    assert not of(held(12, 30), side=-1).flipped


def test_a_false_flip_needs_an_episode_without_ignition_and_a_time_at_which_one_might_be():
    quiet = of(held(12, 30), ignition=np.nan, multiple=0.7)
    assert quiet.false_flip and not quiet.flipped and quiet.regime == "near-miss"
    assert of(held(0, 10), ignition=np.nan, multiple=0.0).regime == "nothing"
    assert not of(held(0, 16), ignition=np.nan).false_flip  # 4.5 s of it since 4 s
    assert not of(held(12, 30)).false_flip


def test_the_leg_runs_from_ignition_to_the_exit_whose_price_is_compared_with_the_top():
    mid = 100.0 + np.concatenate([np.zeros(10), np.arange(10), 9 - np.arange(20.0)])
    pnl = np.concatenate([np.full(9, -1.0), np.arange(31.0)])
    flip = of(held(12, 24), mid=mid, pnl=pnl)
    assert flip.leg_percent == approx(pnl[24] - pnl[8])
    assert flip.exit_after_top_s == approx((24 - 19) * 0.5)
    assert flip.exit_short_of_top_bps == approx(1e4 * (109 - mid[24]) / 109)
    held_on = of(held(12, STEPS), mid=mid, pnl=pnl)
    assert held_on.leg_percent == approx(pnl[-1] + 1)
    assert of(np.zeros(STEPS), pnl=pnl).leg_percent == 0


def test_drawdown_counts_from_the_beginning_and_turnover_from_the_opening_position():
    assert of(np.zeros(4), pnl=[-1, 2, -1, 0]).drawdown_percent == 3
    assert of(np.zeros(4), pnl=[-2, -1, -1, 0]).drawdown_percent == 2
    assert of([-0.5, 0, 0.5, 0.5], start=-1.0).turnover == 1.5


def test_who_only_leaves_what_it_began_with_is_inactive():
    assert of([-0.5, 0, 0, 0], start=-1.0).inactive
    assert of([-1, -1, -1, -1], start=-1.0).inactive
    assert not of([-1, 0, 0.5, 0], start=-1.0).inactive


def test_only_the_steps_that_were_played_count():
    part = paths(held(12, STEPS))
    part = replace(part, steps=np.array([20]))
    assert not episodes("p", part)[0].flipped
    assert episodes("p", part)[0].steps == 20


def test_parts_of_different_length_are_joined_by_repeating_the_end():
    whole = joined([paths([0.0, 0.5]), paths([0.0, 0.5, 1.0])])
    np.testing.assert_array_equal(whole.position, [[0, 0.5, 0.5], [0, 0.5, 1]])
    assert whole.seeds == (7, 7) and len(whole.ends["price"]) == 2
