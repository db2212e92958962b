import numpy as np
from pytest import approx

from agents.estimates import draws, estimate, improvement, iqm, mean, profile, ratio


def test_interquartile_mean_leaves_out_a_quarter_at_either_end():
    assert iqm(np.array([100.0, 1.0, 2.0, -50.0])) == 1.5
    np.testing.assert_array_equal(iqm(np.array([[0, 1, 2, 9], [9, 5, 3, 0.0]])), [1.5, 4.0])


def test_interval_of_equal_values_is_a_point():
    assert estimate([np.full(10, 2.5)]) == (2.5, 2.5, 2.5)
    assert estimate([np.array([-1.0])], mean) == (-1.0, -1.0, -1.0)


def test_interval_of_two_values_has_both_at_its_ends():
    # A quarter of the resamples of (0, 1) are (0, 0), a quarter (1, 1).
    assert estimate([np.array([0.0, 1.0])], mean) == (0.5, 0.0, 1.0)


def test_interval_agrees_with_the_normal_one_on_many_values():
    values = np.random.default_rng(1).normal(3.0, 2.0, 400)
    found = estimate([values], mean)
    half = 1.96 * values.std() / np.sqrt(len(values))
    assert found.low == approx(values.mean() - half, abs=0.03)
    assert found.high == approx(values.mean() + half, abs=0.03)
    assert estimate([values], mean) == found


def test_resamples_stay_within_their_strata():
    places = draws([3, 5], 50)
    assert places.shape == (50, 8)
    assert (places[:, :3] < 3).all() and (places[:, 3:] >= 3).all() and places.max() == 7
    # The difference between strata is no chance: it widens no interval.
    apart = [np.zeros(20), np.full(20, 100.0)]
    assert estimate(apart, mean) == (50.0, 50.0, 50.0)
    assert estimate([np.concatenate(apart)], mean).low < 45


def test_improvement_counts_ties_half_and_compares_the_same_episode():
    ours, theirs = [np.array([1.0, 2.0, 3.0, 3.0])], [np.array([0.0, 3.0, 3.0, 2.0])]
    assert improvement(ours, theirs).value == 0.625
    assert improvement(theirs, ours).value == 0.375


def test_ratio_is_of_sums_and_none_without_a_gain():
    assert ratio(np.array([1.0, 2.0]), np.array([2.0, 4.0])) == (0.5, 0.5, 0.5)
    assert ratio(np.array([1.0]), np.array([0.0])) is None
    assert ratio(np.array([]), np.array([])) is None


def test_profile_falls_from_one_to_zero():
    found = profile([np.array([1.0, 2.0, 3.0, 4.0])], np.array([0.0, 2.0, 4.0]))
    np.testing.assert_array_equal(found[:, 0], [1.0, 0.5, 0.0])
    assert (found[:, 1] <= found[:, 0]).all() and (found[:, 0] <= found[:, 2]).all()
