"""Calibration against bins filled by hand."""

from __future__ import annotations

import numpy as np
import pytest

from echovlm.evaluate.calibration import (
    BINS,
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
    with pytest.raises(ValueError, match="between 0 and 1"):
        calibration_error([confidence], [True])


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
