"""The default metrics against worked examples."""

from __future__ import annotations

import math

import numpy as np
import pytest

from echovlm.evaluate.text import METRICS, bleu, meteor, rouge
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
    assert bleu(["a"], ["a"], Language.ENGLISH, order=3).signature.startswith("BLEU-3|")


def test_an_empty_prediction_is_no_match_not_an_error():
    assert bleu([""], ["a cyst"], Language.ENGLISH).value == 0


@pytest.mark.parametrize(("predictions", "references"), [([], []), (["a"], ["a", "b"])])
def test_lists_that_do_not_pair_are_refused(predictions, references):
    with pytest.raises(ValueError, match="as many predictions as references"):
        bleu(predictions, references, Language.ENGLISH)


@pytest.mark.parametrize("references", [["a cyst", " \n"], ["a cyst", ""], ["a cyst", None]])
def test_a_missing_reference_is_refused_and_its_place_named(references):
    with pytest.raises(ValueError, match="reference 2 of 2 is empty"):
        bleu(["a", "b"], references, Language.ENGLISH)


# --- ROUGE and METEOR -------------------------------------------------------------------------


def test_english_rouge_by_hand():
    """ "the cat sat" in "the cat on the mat": 2 of 3 and 2 of 5 words, F1 = 1/2; one bigram."""
    said, true = ["the cat sat"], ["the cat on the mat"]
    assert rouge(said, true, Language.ENGLISH, "1").score.value == pytest.approx(50)
    assert rouge(said, true, Language.ENGLISH, "L").score.value == pytest.approx(50)
    assert rouge(said, true, Language.ENGLISH, "2").score.value == pytest.approx(
        100 * 2 * (1 / 2) * (1 / 4) / (3 / 4)
    )


def test_chinese_rouge_counts_words_of_jieba():
    """肝脏 | 内 | 可见 | 囊肿 against 肝脏 | 内 | 可见 | 结石: 3 of 4 words, 2 of 3 pairs."""
    said, true = ["肝脏内可见囊肿"], ["肝脏内可见结石"]
    values = [rouge(said, true, Language.CHINESE, kind).score.value for kind in ("1", "2", "L")]
    assert values == pytest.approx([75, 100 * 2 / 3, 75], abs=1e-4)


def test_chinese_rouge_counts_each_word_once():
    """Three times 囊肿 is one word of rouge-chinese's ROUGE-1, but three of its ROUGE-L."""
    said, true = ["囊肿 囊肿 囊肿"], ["囊肿"]
    assert rouge(said, true, Language.CHINESE, "1").score.value == pytest.approx(100, abs=1e-4)
    assert rouge(said, true, Language.CHINESE, "L").score.value == pytest.approx(50, abs=1e-4)


def test_meteor_by_hand():
    """One chunk of three matches: 1 - 0.5 / 27. Half of two words match: 0.5 * (1 - 0.5)."""
    assert meteor(["the cat sat"], ["the cat sat"], Language.ENGLISH).score.value == pytest.approx(
        100 * (1 - 0.5 / 27)
    )
    assert meteor(["a cyst"], ["the cyst"], Language.ENGLISH).score.value == pytest.approx(25)


def test_meteor_matches_stems_in_english_and_words_in_chinese():
    stems = meteor(["cysts seen"], ["cyst seen"], Language.ENGLISH).score
    assert stems.value == pytest.approx(100 * (1 - 0.5 / 8))
    assert "exact+porter|synonyms:none" in stems.signature
    words = meteor(["肝脏内可见囊肿"], ["肝脏内可见结石"], Language.CHINESE).score
    assert words.value == pytest.approx(100 * 0.75 * (1 - 0.5 / 27))
    assert "match:exact|synonyms:none" in words.signature


@pytest.mark.parametrize("name", METRICS)
@pytest.mark.parametrize("language", list(Language))
def test_every_metric_is_between_0_and_100_and_signed(name, language):
    true = {"zh": "肝脏内可见一个无回声囊性病灶，边界清晰。", "en": "There is one anechoic cyst."}
    equal = METRICS[name]([true[language]], [true[language]], language).score
    assert 99 < equal.value <= 100 + 1e-9
    assert equal.signature.startswith(f"{name}|library:")
    assert METRICS[name]([" "], [true[language]], language).score.value == 0
    with pytest.raises(ValueError, match="as many predictions as references"):
        METRICS[name]([], [], language)


def test_a_score_over_texts_is_a_statistic_of_their_weights():
    scored = METRICS["ROUGE-1"](["a cyst", "none"], ["a cyst", "a stone"], Language.ENGLISH)
    assert scored(np.array([[1, 1], [3, 1], [0, 2]])).tolist() == [50, 75, 0]
