"""Errors of stated lengths by hand, and faults of the answers."""

from __future__ import annotations

import numpy as np
import pytest

from echovlm.evaluate.lengths import length_scores

HEAD = "head_circumference_mm"


def _scores(*replies, true=200.0):
    cases = len(replies)
    return length_scores(replies, [true] * cases, [None] * cases, [HEAD] * cases)


def _of_all(statistic, cases):
    return float(statistic(np.ones((1, cases), dtype=int))[0])


def test_errors_in_mm_and_in_percent_by_hand():
    """Errors: 10, 20 and 0 of 200 mm."""
    scores = _scores("头围190 mm", "The head circumference is 22 cm.", "200mm")
    assert scores.errors_mm.tolist() == pytest.approx([10, 20, 0])
    assert scores.errors_percent.tolist() == pytest.approx([5, 10, 0])
    assert _of_all(scores.mean_error_mm, 3) == pytest.approx(10)
    assert _of_all(scores.mean_error_percent, 3) == pytest.approx(5)
    assert _of_all(scores.median_error_mm, 3) == pytest.approx(10)
    assert _of_all(scores.median_error_percent, 3) == pytest.approx(5)


def test_a_missing_number_and_a_missing_unit_are_counted_apart_and_are_errors_of_100_percent():
    scores = _scores("头围190", "It is large.", "", "50 %", "头围200 mm")
    assert scores.errors_percent.tolist() == pytest.approx([100, 100, 100, 100, 0])
    assert _of_all(scores.without_unit, 5) == pytest.approx(2 / 5)
    assert _of_all(scores.without_number, 5) == pytest.approx(2 / 5)


@pytest.mark.parametrize(
    ("reply", "error_mm"),
    [
        ("1,200 mm", 1000),
        ("12,5 cm", 75),
        ("20 厘米", 0),
        ("头围：２００毫米", 0),
        ("BPD 50 mm, head circumference 210 mm", 10),
    ],
)
def test_commas_units_and_the_length_that_was_asked_for(reply, error_mm):
    assert _scores(reply).errors_mm[0] == pytest.approx(error_mm)


@pytest.mark.parametrize("true", [0.0, -1.0, float("nan"), float("inf")])
def test_a_true_length_is_above_zero(true):
    with pytest.raises(ValueError, match="case 0: a true length must be above 0"):
        _scores("1 mm", true=true)


def test_lists_pair():
    with pytest.raises(ValueError, match="zip"):
        length_scores(["1 mm"], [1.0, 2.0], [None], [HEAD])
