"""Cases: one source of truth, the same every time, and nothing said that was not measured."""

from __future__ import annotations

import json

import numpy as np
import pytest

from echovlm import prompts
from echovlm.report import measurement_spans, parse_text
from echovlm.simulate.cases import LABELS, make_case
from echovlm.terms import Anatomy, Language


def test_every_label_of_the_prompts_can_be_simulated():
    assert set(LABELS) == {label.key for label in prompts.all_labels()}
    assert len(LABELS) == 26
    assert set(LABELS.values()) == set(Anatomy)


@pytest.mark.parametrize("label", sorted(LABELS))
def test_a_case_is_whole_and_its_text_survives_the_report_parser(label):
    case = make_case(11, label, views=1)
    assert case.study.is_calibrated
    assert case.study.anatomy == case.anatomy == LABELS[label]
    json.dumps(case.feature_values())
    assert all(isinstance(value, (int, float)) for value in case.measurements().values())
    for language in Language:
        parts = parse_text(case.report_text(language), language)
        assert parts == (case.findings(language), case.impression(language))
        assert measurement_spans(case.report_text(language)) == []
        assert len(case.questions(language)) >= 4
    topics = [[question.topic for question in case.questions(lang)] for lang in Language]
    assert topics[0] == topics[1]


def test_equal_seeds_give_equal_cases_and_others_differ():
    one, again, other = make_case(3), make_case(3), make_case(4)
    assert one.label == again.label
    assert one.feature_values() == again.feature_values()
    for first, second in zip(one.study.clips, again.study.clips, strict=True):
        assert np.array_equal(first.frames, second.frames)
    assert not np.array_equal(one.study.clips[0].frames, other.study.clips[0].frames)


def test_views_of_a_case_are_different_pictures_of_the_same_features():
    case = make_case(5, "kidney-stone", views=2)
    first, second = case.study.clips
    assert first.frames.shape != second.frames.shape or not np.array_equal(
        first.frames, second.frames
    )


@pytest.mark.parametrize(("label", "views"), [("no-such-label", 1), ("breast-cyst", 4)])
def test_impossible_cases_are_refused(label, views):
    with pytest.raises(ValueError, match=r"unknown label|1 to 3 views"):
        make_case(0, label, views)
