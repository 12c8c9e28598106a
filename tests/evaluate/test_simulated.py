"""Scoring on simulated cases, with readers that are scripted to know everything or nothing."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from echovlm import prompts
from echovlm.evaluate.simulated import blanked, score
from echovlm.simulate.cases import make_case
from echovlm.terms import Anatomy, Language


@pytest.fixture(scope="module")
def cases():
    return [make_case(i, label) for i, label in enumerate(["breast-cyst", "carotid-plaque"])]


class KnowsByPixels:
    """Looks its answers up by the pixels of the first still; says what it was told otherwise."""

    def __init__(self, cases):
        self.by_pixels = {case.study.clips[0].frames.tobytes(): case for case in cases}

    def _case(self, study):
        return self.by_pixels.get(study.clips[0].frames.tobytes())

    def report_many(self, studies, language):
        known = [self._case(study) for study in studies]
        return [
            SimpleNamespace(
                findings=case.findings(language) if case else "",
                impression=case.impression(language) if case else "",
            )
            for case in known
        ]

    def diagnose(self, study, *, language):
        case = self._case(study)
        anatomy = study.anatomy or (case.anatomy if case else Anatomy.LIVER)
        key = case.label if case else prompts.labels(anatomy)[0].key
        return SimpleNamespace(anatomy=anatomy, candidates=[SimpleNamespace(key=key)])


def test_a_reader_that_knows_everything_scores_full_marks(cases):
    result = score(KnowsByPixels(cases), cases)
    assert result["anatomy_accuracy"] == result["diagnosis_accuracy"] == 1.0
    assert result["bleu1_zh"] == result["bleu1_en"] == pytest.approx(100)
    assert result["diagnosis_chance"] == pytest.approx((1 / 4 + 1 / 2) / 2)


def test_blanking_takes_away_what_the_pixels_told(cases):
    result = score(KnowsByPixels(cases), cases, blank=True)
    assert result["anatomy_accuracy"] == 0.0
    assert result["diagnosis_accuracy"] == 0.0
    assert result["bleu1_zh"] == 0


def test_a_reader_under_test_is_never_told_the_anatomy_it_must_name(cases):
    told = []

    class Spy(KnowsByPixels):
        def diagnose(self, study, *, language):
            told.append(study.anatomy)
            return super().diagnose(study, language=language)

    score(Spy(cases), cases)
    assert told.count(None) == len(cases) * len(Language)


def test_blanking_keeps_shapes_and_mean_grey(cases):
    original, blank = cases[0].study.clips[0].frames, blanked(cases[0].study).clips[0].frames
    assert blank.shape == original.shape
    assert np.unique(blank).size == 1
    assert abs(float(blank.mean()) - float(original.mean())) < 1
