"""Rows of scores beside their baselines and targets."""

from __future__ import annotations

import numpy as np
import pytest

from echovlm.evaluate.intervals import mean_of
from echovlm.evaluate.scorecard import MODEL, Measure, render, row

PATIENTS = ["a", "b", "c", "d"]


def _measure(**changes):
    settings = {
        "name": "accuracy",
        "patients": PATIENTS,
        "systems": {MODEL: mean_of([1, 1, 1, 0]), "blanked images": mean_of([0, 0, 1, 0])},
        "target": 0.8,
    }
    return Measure(**(settings | changes))


def test_a_row_holds_score_baselines_and_how_far_the_target_is():
    found = row(_measure(detail={"labels": 2}), resamples=200)
    assert found["score"]["value"] == 0.75
    assert found["score"]["low"] <= 0.75 <= found["score"]["high"]
    blank = found["baselines"]["blanked images"]
    assert blank["value"] == 0.25
    assert blank["difference"]["value"] == 0.5
    assert 0 < blank["p"] <= 1
    assert found["met"] is False
    assert found["short_by"] == pytest.approx(0.05)
    assert found["detail"] == {"labels": 2}


def test_an_error_meets_its_target_from_below():
    found = row(_measure(lower_is_better=True, target=0.8), resamples=50)
    assert found["met"] is True
    assert found["short_by"] == 0
    missed = row(_measure(lower_is_better=True, target=0.7), resamples=50)
    assert missed["short_by"] == pytest.approx(0.05)


def test_a_score_that_is_undefined_says_why():
    found = row(_measure(systems={MODEL: lambda w: np.full(len(w), np.nan)}))
    assert found["score"] is None
    assert found["met"] is None
    assert "a class is missing" in found["note"]
    assert "not scored" in render([found])


def test_the_table_says_what_was_met_and_what_was_missed_by_how_much():
    rows = [
        row(_measure(), resamples=50),
        row(_measure(name="error", target=90.0, lower_is_better=True, decimals=1), resamples=50),
        row(_measure(name="without target", target=None), resamples=50),
    ]
    lines = render(rows).splitlines()
    assert len(lines) == 5
    assert "| accuracy | 4 | 0.750 (" in lines[2]
    assert "blanked images 0.250 (" in lines[2]
    assert lines[2].endswith("| ≥ 0.8: missed by 0.0500 |")
    assert lines[3].endswith("| ≤ 90: met |")
    assert lines[4].endswith("|  |")
