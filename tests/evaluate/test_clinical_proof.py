"""The proof: planted mistakes are detected, paraphrases score well, true reports raise no alarm.

The seeds here were never used while the reader was worked on.
"""

from __future__ import annotations

from collections import Counter
from functools import cache
from time import process_time

import numpy as np
import pytest
from clinical_plants import CATEGORIES, Planted, planted
from clinical_reports import EN, ZH, true_reports
from clinical_rewordings import Pair, composed_pairs, reworded_pairs, written_pairs
from clinical_swaps import Swapped, swapped

from echovlm.evaluate.clinical import (
    clinical_scores,
    mistakes_against,
    mistakes_within,
    read_report,
    remarks,
)
from echovlm.terms import Anatomy

_SEED = 20260
_EACH = 50


@cache
def _planted() -> list[Planted]:
    return planted(_SEED, _EACH)


def _is_detected(case: Planted | Swapped) -> bool:
    true = case.true if isinstance(case, Swapped) else case.true.text
    language = case.language if isinstance(case, Swapped) else case.true.language
    predicted, real = read_report(case.text, language), read_report(true, language)
    found = mistakes_within(predicted) + mistakes_against(predicted, real)
    return bool({each.kind for each in found} & case.expected)


@cache
def _pairs() -> list[Pair]:
    return written_pairs() + composed_pairs(_SEED, 86) + reworded_pairs(_SEED, 86)


def test_the_planted_set_is_what_it_says() -> None:
    cases = _planted()
    assert Counter(case.category for case in cases) == dict.fromkeys(CATEGORIES, _EACH)
    assert Counter(case.true.language for case in cases) == {ZH: 150, EN: 150}
    assert {case.true.anatomy for case in cases} == set(Anatomy)
    assert {case.variant for case in cases} >= {
        "lesion in normal", "benign against malignant", "everywhere", "size of the impression",
        "count", "denial",
    }  # fmt: skip


def test_planted_mistakes_are_detected() -> None:
    cases = _planted()
    missed = [case for case in cases if not _is_detected(case)]
    report = [(case.category, case.variant, case.text) for case in missed]
    assert len(missed) <= 0.05 * len(cases), report
    by_category = Counter(case.category for case in missed)
    assert all(count <= 0.1 * _EACH for count in by_category.values()), report


def test_words_exchanged_blindly_in_independent_reports_are_told() -> None:
    cases = swapped(_SEED)
    assert len(cases) > 500
    told = Counter(case.kind for case in cases if _is_detected(case))
    assert sum(told.values()) >= 0.9 * len(cases), told


def test_a_report_against_itself_has_no_mistakes() -> None:
    for report in true_reports(_SEED, 140):
        reading = read_report(report.text, report.language)
        assert mistakes_against(reading, reading) == [], report.text


def test_true_reports_raise_few_remarks() -> None:
    reports = true_reports(_SEED + 1, 300)
    alarms = [r.text for r in reports if remarks(read_report(r.text, r.language))]
    assert len(alarms) <= 0.02 * len(reports), alarms


def test_the_paraphrases_are_200_and_differ() -> None:
    pairs = _pairs()
    assert len(pairs) == 200
    assert sum(pair.one != pair.other for pair in pairs) >= 195
    assert Counter(pair.language for pair in pairs) == {ZH: 100, EN: 100}


@pytest.mark.parametrize("source", ["by hand", "composed", "reworded", ""])
def test_paraphrases_keep_their_score(source: str) -> None:
    pairs = [pair for pair in _pairs() if source in pair.source]
    scores = clinical_scores(
        [pair.other for pair in pairs],
        [pair.one for pair in pairs],
        [pair.language for pair in pairs],
    )
    assert scores.f1()(np.ones((1, len(pairs)))) >= 0.95


def test_paraphrases_raise_few_alarms() -> None:
    alarms = []
    for pair in _pairs():
        predicted, true = (read_report(each, pair.language) for each in (pair.other, pair.one))
        if mistakes_within(predicted) + mistakes_against(predicted, true):
            alarms.append((pair.one, pair.other))
    assert len(alarms) <= 0.03 * len(_pairs()), alarms


def test_a_hundred_reports_are_scored_within_two_seconds() -> None:
    reports = true_reports(_SEED, 100)
    texts = [report.text for report in reports]
    others = [" ".join(report.normal) for report in reports]
    languages = [report.language for report in reports]
    clinical_scores(texts[:8], others[:8], languages[:8])  # builds its expressions
    start = process_time()
    clinical_scores(texts, others, languages)
    assert process_time() - start < 2.0
