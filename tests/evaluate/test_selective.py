"""Coverage against risk by hand, and what must not change either."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from echovlm.evaluate.selective import (
    area_under_risk_coverage,
    risk_coverage_curve,
)

CASES = st.lists(st.tuples(st.integers(0, 4), st.booleans()), min_size=1, max_size=20)


def _of_all(statistic, cases):
    return float(statistic(np.ones((1, cases), dtype=int))[0])


def test_the_curve_answers_the_surest_first():
    curve = risk_coverage_curve([0.7, 0.9, 0.8], [True, True, False])
    points = [(one.threshold, one.coverage, one.risk) for one in curve]
    assert points == [
        (0.9, pytest.approx(1 / 3), 0),
        (0.8, pytest.approx(2 / 3), pytest.approx(1 / 2)),
        (0.7, 1, pytest.approx(1 / 3)),
    ]


def test_the_area_is_the_mean_risk_of_the_surest_one_two_and_three():
    area = area_under_risk_coverage([0.7, 0.9, 0.8], [True, True, False])
    assert _of_all(area, 3) == pytest.approx((0 + 1 / 2 + 1 / 3) / 3)


def test_equal_confidences_are_answered_together():
    assert len(risk_coverage_curve([0.5, 0.5, 0.5], [True, False, False])) == 1
    area = area_under_risk_coverage([0.5, 0.5, 0.5], [True, False, False])
    assert _of_all(area, 3) == pytest.approx(2 / 3)


def test_doubt_where_the_answer_is_wrong_makes_the_area_smaller():
    right = [True, True, True, False]
    wary = area_under_risk_coverage([0.9, 0.8, 0.7, 0.1], right)
    bold = area_under_risk_coverage([0.1, 0.2, 0.3, 0.9], right)
    assert _of_all(wary, 4) == pytest.approx(1 / 4 * 1 / 4)
    assert _of_all(bold, 4) == pytest.approx((1 + 1 / 2 + 1 / 3 + 1 / 4) / 4)


@given(CASES, st.randoms(use_true_random=False))
def test_the_order_of_the_cases_does_not_matter(cases, random):
    shuffled = random.sample(cases, len(cases))
    areas = [
        _of_all(area_under_risk_coverage(*zip(*each, strict=True)), len(cases))
        for each in (cases, shuffled)
    ]
    assert areas[0] == pytest.approx(areas[1])


@given(CASES, st.data())
def test_a_weight_is_a_case_repeated(cases, data):
    counts = data.draw(st.lists(st.integers(0, 3), min_size=len(cases), max_size=len(cases)))
    repeated = [case for case, count in zip(cases, counts, strict=True) for _ in range(count)]
    found = area_under_risk_coverage(*zip(*cases, strict=True))(np.array([counts]))[0]
    if repeated:
        area = area_under_risk_coverage(*zip(*repeated, strict=True))
        assert found == pytest.approx(_of_all(area, len(repeated)))
    else:
        assert np.isnan(found)


def test_bad_confidences_are_refused_with_their_case():
    with pytest.raises(ValueError, match="case 1: confidence nan is not finite"):
        risk_coverage_curve([0.1, float("nan")], [True, True])
    with pytest.raises(ValueError, match="case 0: confidence inf"):
        risk_coverage_curve([float("inf")], [True])
    with pytest.raises(ValueError, match="one confidence for each answer"):
        area_under_risk_coverage([0.1], [True, False])
    with pytest.raises(ValueError, match="at least one"):
        risk_coverage_curve([], [])
