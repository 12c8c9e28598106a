"""Calibration against bins filled by hand."""

from __future__ import annotations

import numpy as np
import pytest

from echovlm.evaluate.calibration import (
    BINS,
    brier,
    calibration_error,
    fit_temperature,
    probabilities,
    reliability,
)


def _of_all(statistic, cases):
    return float(statistic(np.ones((1, cases)))[0])


def test_calibration_error_is_the_weighted_gap_of_the_bins():
    """Bin of 0.9: confidence 0.9, accuracy 1/2, gap 0.4; bin of 0.5: 0.5 against 1, gap 0.5."""
    error = calibration_error([0.9, 0.9, 0.5, 0.5], [True, False, True, True])
    assert _of_all(error, 4) == pytest.approx(0.5 * 0.4 + 0.5 * 0.5)


def test_gaps_of_opposite_sign_cancel_within_a_bin_but_not_between_bins():
    assert _of_all(calibration_error([0.5, 0.5], [True, False]), 2) == pytest.approx(0)
    assert _of_all(calibration_error([0.99, 0.01], [False, True]), 2) == pytest.approx(0.99)


def test_a_bound_belongs_to_the_bin_below_it():
    bins = reliability([1 / BINS, 1 / BINS + 1e-9, 1.0, 0.0], [True, True, True, False])
    assert [one.count for one in bins] == [2, 1, *[0] * (BINS - 3), 1]


def test_reliability_gives_confidence_and_accuracy_of_every_bin():
    bins = reliability([0.9, 0.92, 0.3], [True, False, False])
    filled = [one for one in bins if one.count]
    assert [(one.count, one.accuracy) for one in filled] == [(1, 0.0), (2, 0.5)]
    assert filled[1].confidence == pytest.approx(0.91)
    assert filled[1].low == pytest.approx(13 / 15)


def test_weights_count_a_case_several_times():
    error = calibration_error([0.9, 0.9], [True, False])
    assert error(np.array([[2, 0], [0, 2]])) == pytest.approx([0.1, 0.9])


@pytest.mark.parametrize("confidence", [-0.1, 1.1, float("nan")])
def test_what_is_no_probability_is_refused(confidence):
    with pytest.raises(ValueError, match=r"case 1: confidence .* is not between 0 and 1"):
        calibration_error([0.5, confidence], [True, True])


def test_cases_that_were_not_drawn_leave_the_calibration_error_undefined():
    assert np.isnan(calibration_error([0.5], [True])(np.zeros((1, 1), dtype=int))[0])


def test_brier_score_by_hand():
    """Of two classes the distance counts once, of three that of every class."""
    two = brier(np.array([[0.7, 0.3], [0.2, 0.8]]), np.array([0, 0]))
    assert _of_all(two, 2) == pytest.approx((0.3**2 + 0.8**2) / 2)
    three = brier(np.array([[0.5, 0.3, 0.2]]), np.array([1]))
    assert _of_all(three, 1) == pytest.approx(0.5**2 + 0.7**2 + 0.2**2)
    assert _of_all(brier(np.eye(3), np.array([1, 2, 0])), 3) == pytest.approx(2)


def test_probabilities_are_the_softmax_of_scores_over_the_temperature():
    assert probabilities([0.0, np.log(3)], 1.0) == pytest.approx([0.25, 0.75])
    assert probabilities([0.0, 2 * np.log(3)], 2.0) == pytest.approx([0.25, 0.75])
    assert probabilities([-5000.0, -5001.0], 0.01) == pytest.approx([1, 0])


def test_the_fitted_temperature_makes_probabilities_match_frequencies():
    """Scores twice as steep as the truth need temperature 2."""
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(4000, 4))
    chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    truth = [int(rng.choice(4, p=row)) for row in chances]
    assert fit_temperature((2 * logits).tolist(), truth) == pytest.approx(2, rel=0.1)


def test_cases_with_fewer_candidates_count_in_the_fitted_temperature():
    """Two candidates, the first true in 3 of 4: softmax(log 9 / t) is 3/4 at t = 2."""
    scores = [[0.0, -np.log(9)]] * 4 + [[-1.0]] * 2
    assert fit_temperature(scores, [0, 0, 0, 1, 0, 0]) == pytest.approx(2, rel=0.03)


def test_a_temperature_needs_cases_and_scores_of_their_true_candidates():
    with pytest.raises(ValueError, match="at least one case"):
        fit_temperature([], [])
    with pytest.raises(ValueError, match="case 1: the true candidate"):
        fit_temperature([[0.0, -1.0], [0.0]], [0, 1])
    with pytest.raises(ValueError, match="case 0: the true candidate"):
        fit_temperature([[float("nan"), -1.0]], [0])
