"""Lengths and descriptors read out of answers, and their scores by hand."""

from __future__ import annotations

import numpy as np
import pytest

from echovlm.evaluate.measures import (
    DESCRIPTORS,
    descriptor_scores,
    known_descriptors,
    length_error_mm,
    length_mm,
    said_descriptors,
)
from echovlm.facts import Fact, Origin

HEAD = "head_circumference_mm"


@pytest.mark.parametrize(
    ("text", "mm"),
    [
        ("62.3 mm.", 62.3),
        ("The head circumference is 175.2mm.", 175.2),
        ("The head circumference measures 17.4 cm.", 174.0),
        ("头围约17.4 cm。", 174.0),
        ("胎儿头围１７５毫米。", 175.0),
        ("可见胎头，头围230.1 mm。", 230.1),
    ],
)
def test_a_length_is_read_in_both_languages_and_units(text, mm):
    assert length_mm(text, name=HEAD) == pytest.approx(mm)


@pytest.mark.parametrize("text", ["", "头围 175", "The head is large.", "可见胎头。", "42%"])
def test_an_answer_without_number_or_unit_states_no_length(text):
    assert length_mm(text, name=HEAD) is None
    assert length_error_mm(text, 170.0, name=HEAD) == 170


def test_the_length_that_was_asked_for_comes_first():
    text = "A cyst of 12 mm. The head circumference is 180 mm."
    assert length_mm(text, name=HEAD) == 180
    assert length_mm(text) == 12


def test_the_error_is_the_distance_to_the_true_length():
    assert length_error_mm("头围 16 cm", 200.0, "zh", HEAD) == pytest.approx(40)
    assert length_error_mm("500 mm", 200.0) == pytest.approx(300)


def _facts(*pairs):
    return [
        Fact(name=name, value=value, origin=Origin.MASK, source="test") for name, value in pairs
    ]


def test_descriptors_of_a_text_are_claims_about_the_lesion():
    english = said_descriptors(
        "Oval hypoechoic lesion in the breast, margins circumscribed, parallel to the skin, "
        "posterior acoustic enhancement."
    )
    chinese = said_descriptors("乳腺内探及椭圆形低回声病灶，边缘光整，与皮肤平行，后方回声增强。")
    assert dict(english) == dict(chinese)
    assert english["shape"] == {"oval"}
    assert english["posterior"] == {"enhancement"}
    assert said_descriptors("The liver is hyperechoic. No focal lesion.") == {}


def test_known_descriptors_join_the_pictures_of_a_study():
    facts = _facts(("margin", "circumscribed"), ("margin", "indistinct"), ("birads", "4"))
    assert known_descriptors(facts) == {"margin": {"circumscribed", "indistinct"}}


def test_descriptor_f1_by_hand():
    """Found: shape, margin. Wrong: oval beside round. Missed: echogenicity. Open: posterior."""
    known = {"shape": {"round"}, "margin": {"circumscribed", "indistinct"}, "echogenicity": {"x"}}
    said = {"shape": {"round", "oval"}, "margin": {"indistinct"}, "posterior": {"none"}}
    scores = descriptor_scores([_frozen(said)], [_frozen(known)])
    once = np.ones((1, 1))
    assert scores.f1(once)[0] == pytest.approx(2 * 2 / (2 * 2 + 1 + 1))
    assert scores.precision(once)[0] == pytest.approx(2 / 3)
    assert scores.recall(once)[0] == pytest.approx(2 / 3)
    assert scores.unverifiable == 1
    assert scores.by_descriptor() == {
        "shape": pytest.approx(2 / 3),
        "margin": 1.0,
        "echogenicity": 0.0,
    }


def test_a_text_that_says_nothing_finds_nothing():
    scores = descriptor_scores([{}], [_frozen({"shape": {"oval"}})])
    assert scores.f1(np.ones((1, 1)))[0] == 0
    assert np.isnan(scores.precision(np.ones((1, 1)))[0])
    assert scores.counts.shape == (1, len(DESCRIPTORS), 3)


def _frozen(values):
    return {name: frozenset(found) for name, found in values.items()}
