"""BLEU, ROUGE-L and CIDEr-D of coco-caption against numbers that pycocoevalcap gave for them."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from echovlm.evaluate.text import cider, coco_bleu, coco_rouge
from echovlm.evaluate.text.tokenisers import Tokeniser
from echovlm.terms import Language

RECORDED = json.loads(Path(__file__).with_name("coco_caption.json").read_text(encoding="utf-8"))
CASES = {case["case"]: case for case in RECORDED["cases"]}
EN = Language.ENGLISH
BLANKS = {EN: Tokeniser("blanks", lambda text: tuple(text.split()))}


@pytest.fixture(params=CASES)
def case(request) -> dict:
    return CASES[request.param]


def _each(scored) -> np.ndarray:
    return scored(np.eye(scored.texts, dtype=np.int32))


def _as_recorded(values):
    return pytest.approx(values, rel=1e-9, abs=1e-12)


def test_bleu_is_that_of_the_library(case):
    said, true = case["predictions"], case["references"]
    found = [coco_bleu(said, true, EN, order, BLANKS).score.value for order in (1, 2, 3, 4)]
    assert found == _as_recorded([100 * one for one in case["BLEU"]])


def test_rouge_l_of_each_text_is_that_of_the_library(case):
    found = coco_rouge(case["predictions"], case["references"], EN, BLANKS)
    assert _each(found) == _as_recorded([100 * one for one in case["ROUGE-L"]])


def test_cider_of_each_text_is_ten_times_that_of_the_library(case):
    found = cider(case["predictions"], case["references"], EN, BLANKS)
    assert _each(found) == _as_recorded([10 * one for one in case["CIDEr"]])


def test_the_record_tells_good_texts_from_bad_ones():
    """Not all of it is 0 or 100, by which a wrong definition would pass."""
    for metric in ("BLEU", "ROUGE-L", "CIDEr"):
        scale = 10 if metric == "CIDEr" else 1
        between = [one for case in CASES.values() for one in case[metric] if 0.01 < one / scale < 1]
        assert len(between) > 20, metric


def test_repeating_a_word_of_the_reference_does_not_pay():
    """Of "cyst cyst cyst cyst" as of "cyst", one counts: the minimum of both is divided by four.

    Each unit is in one of two references, weight log 2. Single units: min(4, 1) 1 / (4 * 2) = 1/8
    and 1 / (1 * 2) = 1/2; no pair is shared. Lengths 4 and 4 leave the first as it is, lengths 1
    and 4 take exp(-9 / 72) of the second.
    """
    true = ["one cyst was seen", "no stone at all"]
    often = cider(["cyst cyst cyst cyst", "no"], true, EN, BLANKS)
    once = cider(["cyst", "no"], true, EN, BLANKS)
    assert _each(often)[0] == pytest.approx(100 * (1 / 8) / 4)
    assert _each(once)[0] == pytest.approx(100 * (1 / 2) / 4 * math.exp(-9 / 72))


def test_a_resample_averages_scores_with_the_idf_of_all_references():
    """Drawn twice, an equal text keeps its 100; scored alone with its own idf it would have 0."""
    said = true = ["one large renal cyst", "two small bladder stones"]
    scored = cider(said, true, EN, BLANKS)
    assert scored(np.array([[2, 0], [1, 1]])) == pytest.approx([100, 100])
    assert cider(said[:1] * 2, true[:1] * 2, EN, BLANKS).score.value == 0


def test_the_signature_names_our_definition_and_its_idf():
    said, true = ["a cyst"], ["a stone"]
    assert coco_bleu(said, true, EN, 2, BLANKS).signature == (
        "BLEU-2|library:echovlm-coco-1|tok:blanks|case:mixed|smooth:1e-15/1e-9|average:corpus"
    )
    assert coco_rouge(said, true, EN, BLANKS).signature == (
        "ROUGE-L|library:echovlm-coco-1|tok:blanks|case:mixed|smooth:none|average:mean"
        "|beta:1.2|ngrams:all"
    )
    assert cider(said, true, EN, BLANKS).signature == (
        "CIDEr|library:echovlm-coco-1|tok:blanks|case:mixed|smooth:none|average:mean"
        "|idf:all-references|sigma:6|times:100"
    )
