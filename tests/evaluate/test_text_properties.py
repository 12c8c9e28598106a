"""What holds for every metric of every preset, and what it does with bad input."""

from __future__ import annotations

import random
import time

import jieba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from echovlm.evaluate.text import PRESETS
from echovlm.evaluate.text.tokenisers import words
from echovlm.terms import Language

_CHINESE = st.text("肝肾囊肿结石左右侧，。5", min_size=4, max_size=12)
_ENGLISH = st.lists(
    st.sampled_from(["no", "cyst", "cysts", "Stone", "left", "right", "5", "mm", "."]),
    min_size=4,
    max_size=9,
).map(" ".join)
_TEXTS = {Language.CHINESE: _CHINESE, Language.ENGLISH: _ENGLISH}
# With another pair, so that the idf of CIDEr leaves something.
_OTHER = {Language.CHINESE: "心包腔内未见积液", Language.ENGLISH: "there was an effusion"}

EVERY = {
    language: {
        metric([_OTHER[language]], [_OTHER[language]], language).signature: metric
        for preset in PRESETS.values()
        for metric in preset.metrics(language).values()
    }
    for language in Language
}
"""Every metric by its signature: once, though several presets may have it."""


def _scores(said, true, language) -> dict[str, float]:
    return {
        name: metric(said, true, language).score.value for name, metric in EVERY[language].items()
    }


@pytest.mark.parametrize("language", list(Language))
@settings(deadline=None, max_examples=25)
@given(data=st.data())
def test_no_text_scores_better_than_the_reference_itself(language, data):
    true, said = data.draw(_TEXTS[language]), data.draw(_TEXTS[language])
    other = _OTHER[language]
    itself = _scores([true, other], [true, other], language)
    another = _scores([said, other], [true, other], language)
    for name, best in itself.items():
        assert -1e-9 <= another[name] <= best + 1e-6, name
        assert best <= 100 + 1e-9, name


@pytest.mark.parametrize("language", list(Language))
@settings(deadline=None, max_examples=15)
@given(data=st.data())
def test_the_order_of_pairs_makes_no_difference(language, data):
    pairs = data.draw(st.lists(st.tuples(*[_TEXTS[language]] * 2), min_size=2, max_size=4))
    shuffled = data.draw(st.permutations(pairs))
    one, other = (
        _scores(*map(list, zip(*some, strict=True)), language) for some in (pairs, shuffled)
    )
    assert one == pytest.approx(other, abs=1e-6)


@pytest.mark.parametrize("language", list(Language))
@settings(deadline=None, max_examples=15)
@given(data=st.data())
def test_weights_of_one_are_the_score_and_doubled_weights_change_nothing(language, data):
    """With an equal pair, that no count is zero: a smoothed one is half a match of all texts."""
    pairs = data.draw(st.lists(st.tuples(*[_TEXTS[language]] * 2), max_size=3))
    pairs.append((_OTHER[language], _OTHER[language]))
    weights = np.array([[1] * len(pairs), [2] * len(pairs)], dtype=np.int32)
    for name, metric in EVERY[language].items():
        scored = metric(*map(list, zip(*pairs, strict=True)), language)
        assert scored(weights) == pytest.approx([scored.score.value] * 2, abs=1e-5), name


# --- bad input --------------------------------------------------------------------------------


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("empty", ["", " ", "\n\t　"])
def test_an_empty_prediction_scores_0(language, empty):
    true = _OTHER[language]
    assert set(_scores([empty], [true], language).values()) == {0}
    for name, metric in EVERY[language].items():
        beside = metric([empty, true], [true, true[:8]], language)
        assert beside(np.array([[1, 0]]))[0] == 0, name


@pytest.mark.parametrize("language", list(Language))
def test_control_characters_and_half_characters_get_a_number(language):
    true = {Language.CHINESE: "左肾\x00囊肿\x1b约5mm", Language.ENGLISH: "a \x00cyst\x7f of 5 mm"}
    said = ["\x00\x01\x02", "\ud800\x1f", "\u202e\ufeff囊肿 cyst"]
    for name, metric in EVERY[language].items():
        scored = metric(said, [true[language]] * 3, language)
        found = [scored.score.value, *scored(np.eye(3, dtype=np.int32))]
        assert np.isfinite(found).all(), name
        assert min(found) >= 0, name
        assert max(found) <= 100, name


_LONG = {
    "a report over and over": "左肾可见囊肿，大小约5 mm。A renal cyst is seen. ",
    "one character": "胆",
    "one letter": "y",
    "no punctuation": "肝脏大小形态正常回声均匀胆囊壁光滑囊肿结石左右侧叶",
    "control characters": "\x00\x01\x1f",
}


@pytest.mark.parametrize("text", _LONG.values(), ids=_LONG)
@pytest.mark.parametrize("language", list(Language))
def test_a_hundred_thousand_characters_are_scored_in_seconds(language, text):
    """About one second for each metric; unbounded, jieba or a table of lengths takes minutes."""
    letters = list(text * (100_000 // len(text)))
    if len(text) > 20:
        random.Random(0).shuffle(letters)
    said = "".join(letters)
    start = time.process_time()
    for name, metric in EVERY[language].items():
        value = metric([said, "cyst"], [_OTHER[language]] * 2, language).score.value
        assert 0 <= value < 60, name
    assert time.process_time() - start < 60


@pytest.mark.parametrize("language", list(Language))
def test_a_long_reference_beside_a_long_prediction_takes_seconds(language):
    """100,000 characters against 5,000: what grows with their product would take minutes."""
    report = _LONG["a report over and over"]
    said, true = report * (100_000 // len(report)), report[::-1] * (5_000 // len(report))
    start = time.process_time()
    for name, metric in EVERY[language].items():
        assert 0 <= metric([said], [true], language).score.value < 60, name
    assert time.process_time() - start < 60


@pytest.mark.parametrize("nothing", [None, float("nan"), 5])
def test_a_prediction_that_is_no_text_is_refused_and_its_place_named(nothing):
    for metric in EVERY[Language.ENGLISH].values():
        with pytest.raises(ValueError, match="prediction 2 of 2 is a"):
            metric(["a cyst", nothing], ["a cyst", "a stone"], Language.ENGLISH)
        with pytest.raises(ValueError, match="reference 2 of 2 is empty"):
            metric(["a cyst", "none"], ["a cyst", nothing], Language.ENGLISH)


def test_a_bounded_jieba_splits_usual_texts_as_jieba_does():
    text = (
        "超声所见：左肾大小约 10.5 cm×4.2 cm，形态正常，集合系统未见分离；CDFI：血流信号丰富。\r\n"
        "超声提示：1.左肾囊肿（BosniakⅠ级）2.右肾未见异常......建议复查? a_b-c 50%"
    )
    assert words(text) == tuple(word for word in jieba.cut(text) if word.strip())
    assert "".join(words("胆" * 1200)) == "胆" * 1200
