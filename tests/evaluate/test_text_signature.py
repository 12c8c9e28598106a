"""Signatures, and the warning where they differ."""

from __future__ import annotations

import re
from importlib.metadata import version
from pathlib import Path

import pytest

from echovlm.evaluate.text import PRESETS, Score, incomparable
from echovlm.terms import Language

SAID, TRUE = ["左肾可见一囊肿", "a renal cyst"], ["左肾可见结石", "a renal stone"]


def score(preset: str, metric: str, language: Language = Language.CHINESE) -> Score:
    return PRESETS[preset].metrics(language)[metric](SAID, TRUE, language).score


def test_a_signature_states_library_version_tokeniser_case_smoothing_and_averaging():
    assert score("default", "BLEU-1").signature == (
        f"BLEU-1|library:sacrebleu-{version('sacrebleu')}|tok:char|case:mixed|smooth:exp"
        "|average:corpus|eff:no"
    )
    assert score("paper", "ROUGE-1", Language.ENGLISH).signature == (
        f"ROUGE-1|library:rouge-chinese-{version('rouge-chinese')}|tok:jieba-{version('jieba')}"
        "|case:mixed|smooth:none|average:mean|beta:1|ngrams:unique"
    )


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("language", list(Language))
def test_every_metric_of_every_preset_states_all_six(preset, language):
    for name in PRESETS[preset].metrics(language):
        first, *settings = score(preset, name, language).signature.split("|")
        assert first == name
        keys = [one.partition(":")[0] for one in settings]
        assert keys[:5] == ["library", "tok", "case", "smooth", "average"]
        assert all(one.partition(":")[2] for one in settings)


def _unversioned(text: str) -> str:
    return re.sub(r"(library:[a-z-]+|jieba)-[\d.]+", r"\1", text)


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("language", list(Language))
def test_the_documentation_states_the_signature_of_every_metric(preset, language):
    """Once for BLEU-1 to 4, and once for ROUGE-1 and 2."""
    page = Path(__file__).parents[2] / "docs" / "evaluation_text.md"
    stated = _unversioned(page.read_text(encoding="utf-8")).splitlines()
    for name in PRESETS[preset].metrics(language):
        line = re.sub("^BLEU-[1234]", "BLEU-n", score(preset, name, language).signature)
        line = _unversioned(re.sub("^ROUGE-[12]", "ROUGE-n", line))
        assert line in stated


def test_scores_compare_where_the_same_metric_comes_from_two_presets():
    same = {"nano": score("default", "BLEU-4"), "base": score("char", "BLEU-4")}
    assert incomparable(same) == ""


def test_the_warning_names_every_setting_that_differs():
    warning = incomparable({"nano": score("default", "BLEU-1"), "base": score("paper", "BLEU-1")})
    assert warning == (
        f"The scores of nano, base do not compare: they differ in library "
        f"(sacrebleu-{version('sacrebleu')}, nltk-{version('nltk')}); "
        f"tok (char, jieba-{version('jieba')}); smooth (exp, method3); average (corpus, mean); "
        "eff (no, unstated)."
    )


def test_a_published_score_of_an_unknown_stack_compares_with_no_measured_one():
    published = Score(53.87, "BLEU-1|published:arXiv 2509.14977 Table 2")
    assert "library" in incomparable({"paper": published, "nano": score("paper", "BLEU-1")})
    assert incomparable({"paper": published, "paper again": published}) == ""


def test_orders_and_languages_do_not_compare():
    assert "metric (BLEU-1, BLEU-2)" in incomparable(
        {"a": score("default", "BLEU-1"), "b": score("default", "BLEU-2")}
    )
    assert "tok (char, 13a)" in incomparable(
        {"a": score("default", "BLEU-1"), "b": score("default", "BLEU-1", Language.ENGLISH)}
    )
