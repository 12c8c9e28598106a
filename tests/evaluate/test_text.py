"""BLEU against worked examples."""

from __future__ import annotations

import math

import pytest

from echovlm.evaluate.text import bleu
from echovlm.terms import Language


def test_equal_texts_score_100_in_both_languages():
    assert bleu(["肝脏回声均匀。"], ["肝脏回声均匀。"], Language.CHINESE).value == pytest.approx(
        100
    )
    assert bleu(["An even liver."], ["An even liver."], Language.ENGLISH).value == pytest.approx(
        100
    )


def test_chinese_is_scored_by_character():
    """Three of four characters match: unigram precision 3/4, no brevity penalty."""
    assert bleu(["肝囊肿大"], ["肝囊肿小"], Language.CHINESE).value == pytest.approx(75)


def test_english_is_scored_by_word_with_the_brevity_penalty():
    """Both words match, but 2 of 4 were written: 100 * exp(1 - 4 / 2)."""
    score = bleu(["hepatic cyst"], ["a hepatic cyst there"], Language.ENGLISH)
    assert score.value == pytest.approx(100 * math.exp(1 - 2))


def test_counts_are_clipped_to_the_reference():
    """Of four times "cyst" one is in the reference: 1/4."""
    score = bleu(["cyst cyst cyst cyst"], ["a cyst is seen"], Language.ENGLISH)
    assert score.value == pytest.approx(25)


def test_the_signature_names_tokeniser_and_order():
    assert "tok:char" in bleu(["肝"], ["肝"], Language.CHINESE).signature
    assert "tok:13a" in bleu(["a"], ["a"], Language.ENGLISH).signature
    assert bleu(["a"], ["a"], Language.ENGLISH, order=1).signature.endswith("n:1")


def test_an_empty_prediction_is_no_match_not_an_error():
    assert bleu([""], ["a cyst"], Language.ENGLISH).value == 0


@pytest.mark.parametrize(("predictions", "references"), [([], []), (["a"], ["a", "b"])])
def test_lists_that_do_not_pair_are_refused(predictions, references):
    with pytest.raises(ValueError, match="as many predictions as references"):
        bleu(predictions, references, Language.ENGLISH)
