"""Every preset against examples that are worked by hand, in both languages."""

from __future__ import annotations

import math

import pytest
from rouge_chinese import Rouge
from rouge_score.rouge_scorer import RougeScorer
from sacrebleu.metrics import BLEU, CHRF

from echovlm.errors import OptionError
from echovlm.evaluate.text import (
    DEFAULT,
    METRICS,
    PRESETS,
    chrf,
    multiset_rouge,
    preset,
    rouge,
)
from echovlm.evaluate.text.tokenisers import words
from echovlm.terms import Language

ZH, EN = Language.CHINESE, Language.ENGLISH

# Four units, of which the last differs: 3/4 single ones match, 2/3 pairs, 1/2 triples, none of one
# four. Its logarithm is smoothed to half a match.
THREE_OF_FOUR = [
    75,
    100 * (3 / 4 * 2 / 3) ** (1 / 2),
    100 * (3 / 4 * 2 / 3 * 1 / 2) ** (1 / 3),
    100 * (3 / 4 * 2 / 3 * 1 / 2 * 1 / 2) ** (1 / 4),
]
WORDS = {ZH: ("肝脏内可见囊肿", "肝脏内可见结石"), EN: ("no liver cyst seen", "no liver cyst here")}
CHARACTERS = ("肝囊肿大", "肝囊肿小")

# 20 characters of 20, and 4 of 7.
TOY_SAID = ["肝脏大小形态正常被膜光整回声均匀血管清晰", "左肾可见高回声"]
TOY_TRUE = ["肝脏大小形态正常被膜光整回声均匀血管清晰", "左肾可见一囊肿"]


def values(name: str, language: Language, said, true, metrics=None) -> list[float]:
    said, true = ([said], [true]) if isinstance(said, str) else (said, true)
    every = PRESETS[name].metrics(language)
    return [every[one](said, true, language).score.value for one in metrics or every]


BLEUS = ["BLEU-1", "BLEU-2", "BLEU-3", "BLEU-4"]
ROUGES = ["ROUGE-1", "ROUGE-2", "ROUGE-L"]


# --- what the presets are for -----------------------------------------------------------------


def test_averaging_alone_moves_bleu_by_ten_points():
    """Corpus: 24 of 27. Mean of texts: 20 of 20 and 4 of 7."""
    assert values("default", ZH, TOY_SAID, TOY_TRUE, ["BLEU-1"]) == pytest.approx([100 * 24 / 27])
    found = values("sentence-mean", ZH, TOY_SAID, TOY_TRUE, ["BLEU-1"])
    assert found == pytest.approx([(100 + 100 * 4 / 7) / 2])


def test_a_flipped_side_costs_two_points_of_a_text_of_fifty_characters():
    true = (
        "左叶甲状腺下极可见一枚低回声结节，形态不规则，边缘模糊，"
        "纵横比大于一，内部见点状强回声，周边见血流。"
    )
    assert (len(true), true.count("左"), true.count("右")) == (50, 1, 0)
    assert values("char", ZH, true.replace("左", "右"), true, ["BLEU-1"]) == pytest.approx([98])


def test_a_whitespace_split_of_chinese_scores_0_where_characters_score_5_of_7():
    said, true = WORDS[ZH]
    assert BLEU(tokenize="none").corpus_score([said], [[true]]).score == 0
    assert values("char", ZH, said, true, ["BLEU-1"]) == pytest.approx([100 * 5 / 7])
    # The tokeniser of rouge-score knows a-z and 0-9 alone.
    assert multiset_rouge([said], [said], EN).score.value == 0


def test_jieba_cuts_one_side_into_two_words_and_the_other_into_one():
    """左 / 肾 / 可见 / 结石 against 右肾 / 可见 / 结石: a flip costs more than one word."""
    found = values("paper", ZH, "左肾可见结石", "右肾可见结石", ["BLEU-1", "ROUGE-1"])
    assert found == pytest.approx([50, 100 * 2 * (2 / 4) * (2 / 3) / (2 / 4 + 2 / 3)], abs=1e-4)


def test_sides_that_change_places_go_unseen_by_single_units():
    said, true = "左肾可见一囊肿。右肾未见异常。", "右肾可见一囊肿。左肾未见异常。"
    assert values("default", ZH, said, true, ["BLEU-1", "ROUGE-1"]) == pytest.approx(
        [100, 100], abs=1e-4
    )


def test_the_tokeniser_of_the_reference_splits_a_prediction_in_the_other_language():
    """No character of the English text but 5, m and m is in the Chinese one: 3 of 7."""
    found = values("default", ZH, "cyst5mm", "囊肿约5mm", ["BLEU-1"])
    assert found == pytest.approx([100 * 3 / 7])


# --- paper ------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", [ZH, EN])
def test_paper_averages_smoothed_bleu_of_words(language):
    """The second pair is equal and counts as much as the first."""
    said, true = WORDS[language]
    assert values("paper", language, said, true, BLEUS) == pytest.approx(THREE_OF_FOUR)
    both = values("paper", language, [said, true], [true, true], BLEUS)
    assert both == pytest.approx([(100 + one) / 2 for one in THREE_OF_FOUR])


@pytest.mark.parametrize("language", [ZH, EN])
def test_paper_counts_each_word_once_for_rouge_1_but_not_for_rouge_l(language):
    """囊肿 three times: 1 of 1 different words; a subsequence of 1 of 3 and 1 of 1."""
    said, true = {ZH: ("囊肿囊肿囊肿", "囊肿"), EN: ("cyst cyst cyst", "cyst")}[language]
    found = values("paper", language, said, true, ["ROUGE-1", "ROUGE-L"])
    assert found == pytest.approx([100, 50], abs=1e-4)


def test_paper_can_have_rouge_l_above_rouge_1_as_the_published_heart_reports_do():
    """5 of 6 words of a subsequence match, but only 3 of 4 different ones."""
    said, true = "正常 正常 正常 血流 室壁 增厚", "正常 正常 正常 血流 室壁 变薄"
    assert values("paper", ZH, said, true, ["ROUGE-1", "ROUGE-L"]) == pytest.approx(
        [75, 100 * 5 / 6], abs=1e-4
    )


@pytest.mark.parametrize("language", [ZH, EN])
def test_paper_meteor_is_of_words(language):
    """Three of four words in one chunk: 3/4 (1 - 0.5 / 27)."""
    found = values("paper", language, *WORDS[language], ["METEOR"])
    assert found == pytest.approx([75 * (1 - 0.5 / 27)])


def test_a_text_shorter_than_four_words_is_half_a_match_to_nltk_and_whole_to_sacrebleu():
    """Three equal words have no four in a row: (1/2)^(1/4) of 1, or left out."""
    for language, text in {ZH: "肝脏内可见", EN: "no liver cyst"}.items():
        found = values("paper", language, text, text, ["BLEU-4"])
        assert found == pytest.approx([100 * 0.5**0.25])
    assert values("sentence-mean", EN, "no liver cyst", "no liver cyst", BLEUS) == pytest.approx(
        [100] * 4
    )


# --- char -------------------------------------------------------------------------------------


def test_char_counts_characters_as_often_as_they_occur():
    assert values("char", ZH, *CHARACTERS, BLEUS) == pytest.approx(THREE_OF_FOUR)
    assert values("char", ZH, *CHARACTERS, ROUGES) == pytest.approx([75, 100 * 2 / 3, 75])
    assert values("char", ZH, *CHARACTERS, ["METEOR"]) == pytest.approx([75 * (1 - 0.5 / 27)])
    assert values("char", ZH, "肝肝肝", "肝", ["ROUGE-1", "ROUGE-L"]) == pytest.approx([50, 50])


def test_char_has_words_in_english():
    assert values("char", EN, *WORDS[EN], BLEUS) == pytest.approx(THREE_OF_FOUR)
    assert values("char", EN, *WORDS[EN], ROUGES) == pytest.approx([75, 100 * 2 / 3, 75])


@pytest.mark.parametrize(("said", "true"), [("肝囊", "肝囊肿"), ("ab", "a b c")])
def test_chrf_by_hand(said, true):
    """Precision 1 and 1 of single characters and pairs, recall 2/3 and 1/2; no triple written."""
    recall = (2 / 3 + 1 / 2) / 2
    assert chrf([said], [true], ZH).score.value == pytest.approx(
        100 * 5 * 1 * recall / (4 * 1 + recall)
    )


def test_chrf_is_that_of_sacrebleu_over_a_corpus():
    said, true = ["a renal cyst", "no stone", ""], ["a hepatic cyst", "no stone seen", "a cyst"]
    assert chrf(said, true, EN).score.value == pytest.approx(
        CHRF().corpus_score(said, [true]).score
    )


@pytest.mark.parametrize(
    ("name", "language", "said", "true"),
    [
        ("char", ZH, ["左肾结石", "右肝囊性"], ["左肾结石", "右肝囊肿"]),
        ("kmve", ZH, ["左侧肾脏两个结石", "右侧乳腺没有钙化"],
         ["左侧肾脏两个结石", "右侧乳腺没有肿块"]),
        ("char", EN, ["one large renal cyst", "two small bladder cysts"],
         ["one large renal cyst", "two small bladder stones"]),
        ("kmve", EN, ["one large renal cyst", "two small bladder cysts"],
         ["one large renal cyst", "two small bladder stones"]),
    ],
)  # fmt: skip
def test_cider_by_hand(name, language, said, true):
    """No unit is in both references, so that all weigh log 2.

    The first text is equal: cosine 1 at each length. Of the second, vectors of four, three, two
    and one units share three, two, one and none.
    """
    second = (3 / 4 + 2 / 3 + 1 / 2 + 0) / 4
    assert values(name, language, said, true, ["CIDEr"]) == pytest.approx([50 * (1 + second)])


def test_cider_is_lowered_where_lengths_differ():
    """Two units more: cosines 4/sqrt(6 4), 3/sqrt(5 3), 2/sqrt(4 2), 1/sqrt(3); exp(-4/72)."""
    said = ["one large renal cyst", "two small bladder stones here now"]
    true = ["one large renal cyst", "two small bladder stones"]
    cosines = (4 / math.sqrt(24) + 3 / math.sqrt(15) + 2 / math.sqrt(8) + 1 / math.sqrt(3)) / 4
    assert values("kmve", EN, said, true, ["CIDEr"]) == pytest.approx(
        [50 * (1 + cosines * math.exp(-4 / 72))]
    )


def test_cider_of_one_pair_is_0_because_its_units_are_in_every_reference():
    assert values("kmve", EN, "a renal cyst seen", "a renal cyst seen", ["CIDEr"]) == [0]


# --- kmve -------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", [ZH, EN])
def test_kmve_sums_bleu_over_texts_and_hardly_smooths(language):
    """1e-15 matches of one four: (1/4 1e-15)^(1/4)."""
    said, true = WORDS[language]
    found = values("kmve", language, said, true, BLEUS)
    assert found == pytest.approx([*THREE_OF_FOUR[:3], 100 * (1e-15 / 4) ** 0.25])
    # With an equal text of four words: 7/8, 5/6, 3/4 and 1/2 of the corpus.
    both = values("kmve", language, [said, true], [true, true], BLEUS)
    product = [7 / 8, 7 / 8 * 5 / 6, 7 / 8 * 5 / 6 * 3 / 4, 7 / 8 * 5 / 6 * 3 / 4 * 1 / 2]
    assert both == pytest.approx([100 * one ** (1 / (n + 1)) for n, one in enumerate(product)])


@pytest.mark.parametrize(
    ("language", "said", "true"),
    [(ZH, "肝脏囊肿", "肝脏内可见囊肿"), (EN, "liver cyst", "liver with one cyst")],
)
def test_kmve_rouge_l_leans_to_recall(language, said, true):
    """Precision 1, recall 1/2: 2.44 (1/2) / (1/2 + 1.44)."""
    assert values("kmve", language, said, true, ["ROUGE-L"]) == pytest.approx([122 / 1.94])


def test_kmve_says_that_it_has_no_meteor():
    assert "METEOR" not in PRESETS["kmve"].metrics(ZH)
    assert PRESETS["kmve"].leaves_out == (
        "METEOR 1.5, which needs Java; the protocol's dictionary of technical words and its "
        "vocabulary, which are not public"
    )


def test_each_preset_with_meteor_says_that_it_has_no_synonyms_and_no_other_does():
    for one in PRESETS.values():
        has_meteor = "METEOR" in one.metrics(ZH)
        assert ("METEOR's synonyms, which need WordNet" in one.leaves_out) == has_meteor, one.name
    assert PRESETS["sacrebleu"].leaves_out == ""


def test_paper_says_that_bert_score_needs_a_folder():
    """The paper reports it and names no encoder."""
    assert "BERTScore, which needs an encoder" in PRESETS["paper"].leaves_out


# --- sentence-mean and sacrebleu --------------------------------------------------------------


def test_sentence_mean_is_the_default_but_for_bleu():
    for language, (said, true) in WORDS.items():
        rest = [*ROUGES, "METEOR"]
        assert values("sentence-mean", language, said, true, rest) == values(
            DEFAULT, language, said, true, rest
        )
    assert values("sentence-mean", ZH, *CHARACTERS, BLEUS) == pytest.approx(THREE_OF_FOUR)
    assert values("sentence-mean", EN, *WORDS[EN], BLEUS) == pytest.approx(THREE_OF_FOUR)


def test_sacrebleu_keeps_latin_words_whole_in_chinese_where_char_does_not():
    """约 / 5mm against 约 / 6mm: 1 of 2. 约 / 5 / m / m: 3 of 4."""
    assert values("sacrebleu", ZH, "约5mm", "约6mm", ["BLEU-1"]) == pytest.approx([50])
    assert values("char", ZH, "约5mm", "约6mm", ["BLEU-1"]) == pytest.approx([75])
    assert values("sacrebleu", EN, *WORDS[EN], BLEUS) == pytest.approx(THREE_OF_FOUR)


# --- the libraries themselves -----------------------------------------------------------------

LONGER = {
    ZH: [
        ("左肾可见囊肿，大小约5 mm。右肾正常。", "左肾可见结石，大小约6 mm。右肾可见囊肿？"),
        ("正常。正常。......正常", "正常。未见异常。"),
    ],
    EN: [
        ("The left kidney shows a cyst of 5 mm. Normal right kidney.", "Left kidney: one cyst."),
        ("Normal. Normal. Normal.", "Normal. No stone is seen."),
    ],
}


@pytest.mark.parametrize("language", [ZH, EN])
def test_subsequences_are_those_of_the_libraries(language):
    """rapidfuzz against the tables of rouge-chinese and rouge-score."""
    for said, true in LONGER[language]:
        split = [" ".join(words(text)) for text in (said, true)]
        chinese = Rouge().get_scores(*split)[0]["rouge-l"]["f"]
        google = RougeScorer(["rougeL"]).score(true, said)["rougeL"].fmeasure
        own = {ZH: chinese, EN: google}[language]
        assert rouge([said], [true], language).score.value == pytest.approx(100 * own)


def test_the_default_is_what_is_on_record():
    assert preset(DEFAULT).metrics(ZH) == METRICS
    assert list(METRICS) == [*BLEUS, *ROUGES, "METEOR"]


def test_an_unknown_preset_is_refused_with_those_there_are():
    with pytest.raises(OptionError, match="no preset 'bleu'; choose one of default, paper"):
        preset("bleu")
