"""Errors of stated measurements by hand, and faults of the answers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from echovlm.evaluate.measurements import measured_value, measurement_error, measurement_scores

HEAD, EJECTION = "head_circumference_mm", "ejection_fraction_percent"
PSV, EDV = "psv_cm_per_s", "edv_cm_per_s"


def _scores(*replies, true=200.0, name=HEAD):
    cases = len(replies)
    return measurement_scores(replies, [true] * cases, [name] * cases, [None] * cases)


def _of_all(statistic, cases):
    return float(statistic(np.ones((1, cases), dtype=int))[0])


# --- what an answer states ----------------------------------------


@pytest.mark.parametrize(
    ("text", "mm"),
    [
        ("62.3 mm.", 62.3),
        ("The head circumference is 175.2mm.", 175.2),
        ("The head circumference measures 17.4 cm.", 174.0),
        ("头围约17.4 cm。", 174.0),
        ("胎儿头围１７５毫米。", 175.0),
        ("可见胎头，头围230.1 mm。", 230.1),
        ("1,200 mm", 1200.0),
        ("12,5 cm", 125.0),
        ("头围约17,4厘米。", 174.0),
    ],
)
def test_a_length_is_read_in_both_languages_units_and_ways_to_write_numbers(text, mm):
    assert measured_value(text, HEAD) == pytest.approx(mm)


@pytest.mark.parametrize(
    "text", ["", "头围 175", "The head is large.", "可见胎头。", "42%", "9 cm/s"]
)
def test_an_answer_without_number_or_unit_states_no_length(text):
    assert measured_value(text, HEAD) is None
    assert measurement_error(text, 170.0, HEAD) == 170


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("58 %.", EJECTION, 58.0),
        ("左室射血分数约60%。", EJECTION, 60.0),
        ("A stenosis of 50 %, ejection fraction 45 percent.", EJECTION, 45.0),
        ("0.58", EJECTION, None),
        ("58 mm", EJECTION, None),
        ("0.95 m/s.", PSV, 95.0),
        ("收缩期峰值流速1.25 m/s。", PSV, 125.0),
        ("PSV 95 cm/s, EDV 22,5 cm/s.", EDV, 22.5),
        ("95 cm", PSV, None),
        ("95", PSV, None),
    ],
)
def test_shares_and_velocities_are_read_in_the_unit_of_their_name(text, name, value):
    assert measured_value(text, name) == (value if value is None else pytest.approx(value))


def test_what_was_asked_for_comes_first():
    text = "A cyst of 12 mm. The head circumference is 180 mm."
    assert measured_value(text, HEAD) == 180
    assert measured_value(text, "lumen_diameter_mm") == 12


def test_a_name_without_a_unit_has_no_value():
    assert measured_value("12 mm", "margin") is None


def test_the_error_is_the_distance_to_the_true_value():
    assert measurement_error("头围 16 cm", 200.0, HEAD, "zh") == pytest.approx(40)
    assert measurement_error("500 mm", 200.0, HEAD) == pytest.approx(300)


@given(st.floats(0.1, 900).map(lambda value: round(value, 1)), st.sampled_from([HEAD, PSV]))
def test_a_value_written_in_the_larger_unit_is_the_same(value, name):
    larger, factor = ("cm", 10) if name == HEAD else ("m/s", 100)
    assert measured_value(f"{value / factor:.4f} {larger}", name) == pytest.approx(value, abs=1e-3)


# --- scores ----------------------------------------


def test_errors_in_mm_and_in_percent_by_hand():
    """Errors: 10, 20 and 0 of 200 mm."""
    scores = _scores("头围190 mm", "The head circumference is 22 cm.", "200mm")
    assert scores.errors.tolist() == pytest.approx([10, 20, 0])
    assert scores.errors_percent.tolist() == pytest.approx([5, 10, 0])
    assert _of_all(scores.mean_error, 3) == pytest.approx(10)
    assert _of_all(scores.mean_error_percent, 3) == pytest.approx(5)
    assert _of_all(scores.median_error, 3) == pytest.approx(10)
    assert _of_all(scores.median_error_percent, 3) == pytest.approx(5)
    assert scores.units == ("mm", "mm", "mm")


def test_errors_of_an_ejection_fraction_are_percentage_points():
    """48 % for 60 % is 12 points, a fifth of the true value."""
    scores = _scores("48 %", true=60.0, name=EJECTION)
    assert scores.errors.tolist() == pytest.approx([12])
    assert scores.errors_percent.tolist() == pytest.approx([20])
    assert scores.units == ("%",)


def test_a_missing_number_and_a_missing_unit_are_counted_apart_and_are_errors_of_100_percent():
    scores = _scores("头围190", "It is large.", "", "50 %", "头围200 mm")
    assert scores.errors_percent.tolist() == pytest.approx([100, 100, 100, 100, 0])
    assert _of_all(scores.without_unit, 5) == pytest.approx(2 / 5)
    assert _of_all(scores.without_number, 5) == pytest.approx(2 / 5)


def test_errors_in_different_units_have_no_joint_median():
    """50 of 100 mm and 20 of 80 cm/s: 50 % and 25 %."""
    scores = measurement_scores(["50 mm", "60 cm/s"], [100.0, 80.0], [HEAD, PSV], ["en", "en"])
    assert _of_all(scores.mean_error_percent, 2) == pytest.approx(37.5)
    for score in ("mean_error", "median_error"):
        with pytest.raises(ValueError, match="errors in cm/s, mm have no joint mean"):
            getattr(scores, score)


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
    assert _scores(reply).errors[0] == pytest.approx(error_mm)


@pytest.mark.parametrize("true", [0.0, -1.0, float("nan"), float("inf")])
def test_a_true_value_is_above_zero(true):
    with pytest.raises(ValueError, match="case 0: a true value must be above 0"):
        _scores("1 mm", true=true)


def test_a_measurement_has_a_unit():
    with pytest.raises(ValueError, match="case 0: 'margin' is no measurement with a unit"):
        _scores("1 mm", name="margin")


def test_lists_pair():
    with pytest.raises(ValueError, match="zip"):
        measurement_scores(["1 mm"], [1.0, 2.0], [HEAD], [None])
