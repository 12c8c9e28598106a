"""From scores to results: who is said not to look, and what is compared with what."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from echovlm.evaluate.comparisons import sign_flip_p
from echovlm.evaluate.intervals import Statistic, mean_of
from echovlm.evaluate.results import judged
from echovlm.evaluate.rows import PLAIN, Score

RIGHT = np.array([1, 0, 1, 1, 0, 1, 1, 1], dtype=float)
NONE = np.zeros(8)
PATIENTS = list("abcdefgh")


@dataclass
class Named:
    name: str
    sees: bool = True
    version: str = "1"
    temperature: float = 1.0

    def replies(self, asked):
        return []


def scored(
    metric: str,
    statistics: dict[tuple[str, str], Statistic],
    lower: bool = False,
    task: str = "report",
) -> Score:
    parts = {"liver": (list(range(8)), statistics)}
    return Score(task, "en", metric, PATIENTS, parts, "s", lower_is_better=lower)


def results(*scores: Score, names=("m",)):
    return judged(scores, [Named(name) for name in names], resamples=200, seed=0)


def blind(found, look, row=0):
    return found.rows[row]["systems"]["m"]["looks"][look]["blind"]


def test_who_scores_the_same_without_pictures_is_said_not_to_look():
    same = {("m", PLAIN): mean_of(RIGHT), ("m", "blank"): mean_of(RIGHT)}
    found = results(scored("BLEU-1", same))
    assert blind(found, "blank")
    assert found.notes == [
        "m is not shown to look: it is not surely worse without what it should see, by report en "
        "BLEU-1 (blank)."
    ]


def test_who_gets_worse_looks_also_where_lower_is_better():
    worse = {("m", PLAIN): mean_of(RIGHT), ("m", "blank"): mean_of(NONE)}
    errors = {("m", PLAIN): mean_of(NONE), ("m", "blank"): mean_of(RIGHT)}
    found = results(scored("BLEU-1", worse), scored("median error in %", errors, lower=True))
    assert not blind(found, "blank")
    assert not blind(found, "blank", row=1)
    assert found.notes == []


def test_to_do_without_callipers_is_no_fault():
    same = {("m", PLAIN): mean_of(RIGHT), ("m", "caliper-removed"): mean_of(RIGHT)}
    found = results(scored("BLEU-1", same))
    assert not blind(found, "caliper-removed")
    assert found.notes == []


def test_another_patient_s_picture_tells_the_anatomy_as_well():
    same = {("m", PLAIN): mean_of(RIGHT), ("m", "patient-shuffled"): mean_of(RIGHT)}
    assert not blind(results(scored("accuracy", same, task="anatomy")), "patient-shuffled")
    assert blind(results(scored("accuracy", same, task="diagnosis")), "patient-shuffled")


def test_an_undefined_difference_says_nothing():
    nowhere = lambda weights: np.full(len(weights), np.nan)  # noqa: E731
    found = results(scored("BLEU-1", {("m", PLAIN): nowhere, ("m", "blank"): nowhere}))
    assert not blind(found, "blank")


def test_the_first_system_is_compared_with_each_other_one_by_the_main_scores():
    values = {"m": RIGHT, "n": 1 - RIGHT, "o": NONE}
    statistics = {(name, PLAIN): mean_of(own) for name, own in values.items()}
    found = results(scored("METEOR", statistics), scored("BLEU-4", statistics), names="mno")
    assert [(one["metric"], one["one"], one["other"]) for one in found.comparisons] == [
        ("METEOR", "m", "n"),
        ("METEOR", "m", "o"),
    ]
    p = [sign_flip_p(RIGHT, values[name], PATIENTS) for name in "no"]
    assert [one["p"] for one in found.comparisons] == p
    assert [one["p_corrected"] for one in found.comparisons] == pytest.approx(
        [max(p[0], 2 * p[1]), 2 * p[1]] if p[1] < p[0] else [2 * p[0], max(2 * p[0], p[1])]
    )
