"""Descriptors read out of texts, and their scores by hand."""

from __future__ import annotations

import numpy as np
import pytest

from echovlm.evaluate.descriptors import (
    DESCRIPTORS,
    descriptor_scores,
    known_descriptors,
    said_descriptors,
)
from echovlm.facts import Fact, Origin


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
