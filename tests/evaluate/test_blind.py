"""Baselines that do not look."""

from __future__ import annotations

import numpy as np
import pytest

from echovlm.evaluate.blind import GreyBaseline, blanked, grey_statistics, most_frequent
from echovlm.simulate.cases import make_case


def test_the_most_frequent_value_of_each_group_ties_alphabetically():
    groups = ["liver", "liver", "liver", "breast", "breast"]
    assert most_frequent(groups, ["cyst", "normal", "normal", "cyst", "benign"]) == {
        "liver": "normal",
        "breast": "benign",
    }


def test_blanking_keeps_shapes_and_mean_grey():
    study = make_case(0, "breast-cyst").study
    original, blank = study.clips[0].frames, blanked(study).clips[0].frames
    assert blank.shape == original.shape
    assert np.unique(blank).size == 1
    assert abs(float(blank.mean()) - float(original.mean())) < 1


def test_grey_statistics_are_mean_deviation_and_quartiles():
    pixels = np.repeat(np.array([[0, 10, 20, 30, 40]], np.uint8)[..., None], 3, axis=2)
    assert grey_statistics(pixels) == pytest.approx([20, np.sqrt(200), 10, 20, 30])


def _features(rng, level, count):
    return rng.normal([level, 10, level - 5, level, level + 5], 2, size=(count, 5))


def test_the_grey_baseline_learns_what_brightness_tells():
    rng = np.random.default_rng(0)
    features = np.concatenate([_features(rng, 60, 40), _features(rng, 120, 10)])
    baseline = GreyBaseline(features, ["dark"] * 40 + ["bright"] * 10)
    assert baseline.label(_features(rng, 60, 1)[0]) == "dark"
    chances = baseline.probabilities(_features(rng, 120, 1)[0])
    assert chances["bright"] > 0.9
    assert sum(chances.values()) == pytest.approx(1)


def test_each_group_has_its_own_labels():
    rng = np.random.default_rng(0)
    features = np.concatenate([_features(rng, level, 20) for level in (60, 120, 60)])
    labels = ["a"] * 20 + ["b"] * 20 + ["c"] * 20
    groups = ["one"] * 40 + ["two"] * 20
    baseline = GreyBaseline(features, labels, groups)
    assert baseline.label(_features(rng, 60, 1)[0], "one") == "a"
    assert baseline.probabilities(_features(rng, 60, 1)[0], "two") == {"c": 1.0}
    assert baseline.label(_features(rng, 60, 1)[0], "never seen") == ""
