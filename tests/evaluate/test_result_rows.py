"""Rows of a table: intervals, averages over anatomies, what taking pictures away costs."""

import numpy as np
import pytest

from echovlm.evaluate.intervals import interval, mean_of, paired_difference
from echovlm.evaluate.rows import AVERAGE, PLAIN, Score, difference, rows_of

RIGHT = np.array([1, 0, 1, 1, 0, 1, 1, 1], dtype=float)
BLIND = np.array([0, 0, 1, 0, 0, 0, 1, 0], dtype=float)
PATIENTS = list("aabbcdef")


def score(**parts):
    return Score("report", "en", "BLEU-1", PATIENTS, parts, signature="s", decimals=2)


def of(values, places):
    return places, {
        ("m", PLAIN): mean_of(values[places]),
        ("m", "blank"): mean_of(BLIND[places]),
    }


def test_a_score_of_one_part_has_the_interval_of_the_bootstrap():
    (row,) = rows_of(score(all=of(RIGHT, list(range(8)))), resamples=300, seed=5)
    expected = interval(mean_of(RIGHT), PATIENTS, 300, 5)
    entry = row.told["systems"]["m"]
    assert (entry["value"], entry["low"], entry["high"]) == pytest.approx(
        (expected.value, expected.low, expected.high)
    )
    assert (row.told["anatomy"], row.told["items"], row.told["patients"]) == (AVERAGE, 8, 6)


def test_the_dependence_on_pictures_is_the_paired_difference():
    (row,) = rows_of(score(all=of(RIGHT, list(range(8)))), resamples=300, seed=5)
    expected = paired_difference(mean_of(RIGHT), mean_of(BLIND), PATIENTS, 300, 5)
    taken = row.told["systems"]["m"]["looks"]["blank"]
    assert taken["value"] == 0.25
    assert (taken["difference"], taken["low"], taken["high"], taken["p"]) == pytest.approx(
        (expected.value, expected.low, expected.high, expected.p)
    )


def test_the_average_weighs_anatomies_alike_whatever_their_size():
    parts = {"liver": of(RIGHT, [0, 1]), "breast": of(RIGHT, [2, 3, 4, 5, 6, 7])}
    average, liver, breast = rows_of(score(**parts), resamples=100, seed=0)
    value = {
        row.told["anatomy"]: row.told["systems"]["m"]["value"] for row in (average, liver, breast)
    }
    assert value == pytest.approx({"average": (1 / 2 + 5 / 6) / 2, "liver": 1 / 2, "breast": 5 / 6})
    assert (liver.told["items"], liver.told["patients"]) == (2, 1)


def test_a_resample_without_an_anatomy_does_not_count_it_as_zero():
    always_one = lambda weights: (weights.sum(axis=1) > 0).astype(float)  # noqa: E731
    parts = {
        "liver": ([0], {("m", PLAIN): always_one}),
        "breast": ([4, 5, 6, 7], {("m", PLAIN): always_one}),
    }
    average, liver, _ = rows_of(score(**parts), resamples=200, seed=0)
    assert average.told["systems"]["m"]["low"] == 1.0
    assert np.isnan(average.drawn["m"]).sum() < 200
    assert liver.told["systems"]["m"]["low"] == 1.0


def test_an_anatomy_without_a_defined_score_is_left_out_of_the_average():
    nowhere = lambda weights: np.full(len(weights), np.nan)  # noqa: E731
    parts = {
        "liver": ([0, 1], {("m", PLAIN): nowhere}),
        "breast": ([2, 3], {("m", PLAIN): mean_of(RIGHT[2:4])}),
    }
    average, liver, _ = rows_of(score(**parts), resamples=50, seed=0)
    assert average.told["systems"]["m"]["value"] == 1.0
    assert liver.told["systems"]["m"] == {"value": None, "low": None, "high": None, "looks": {}}


def test_two_averages_of_a_row_are_of_the_same_anatomies():
    nowhere = lambda weights: np.full(len(weights), np.nan)  # noqa: E731
    parts = {
        "liver": ([0, 1], {("m", PLAIN): mean_of(RIGHT[:2]), ("n", PLAIN): nowhere}),
        "breast": ([2, 3], {(name, PLAIN): mean_of(RIGHT[2:4]) for name in "mn"}),
    }
    average, *_ = rows_of(score(**parts), resamples=50, seed=0)
    values = {name: entry["value"] for name, entry in average.told["systems"].items()}
    assert values == {"m": 1.0, "n": 1.0}  # liver, where m has 0.5, counts for neither


def test_who_does_a_task_in_one_anatomy_alone_has_no_average():
    parts = {
        "liver": ([0, 1], {("m", PLAIN): mean_of(RIGHT[:2])}),
        "breast": ([2, 3], {(name, PLAIN): mean_of(RIGHT[2:4]) for name in "mn"}),
    }
    average, liver, breast = rows_of(score(**parts), resamples=50, seed=0)
    assert [sorted(row.told["systems"]) for row in (average, liver, breast)] == [
        ["m"],
        ["m"],
        ["m", "n"],
    ]


def test_a_difference_that_is_undefined_has_no_p():
    nan = np.full(11, np.nan)
    assert difference(nan, np.zeros(11)) == {
        "difference": None,
        "low": None,
        "high": None,
        "p": None,
    }
    assert difference(np.ones(11), np.zeros(11))["p"] == pytest.approx(2 / 11)
