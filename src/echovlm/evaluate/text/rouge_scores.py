"""ROUGE F1 (Lin 2004): overlap of n-grams, or of the longest common subsequence.

    F1 = 2 P R / (P + R),  P = common / written,  R = common / true

Two libraries count differently. rouge-chinese, of the usual Chinese fine-tuning programs, counts
each different n-gram once, but words of the subsequence as often as they occur: on repetitive
reports its ROUGE-L exceeds its ROUGE-1, which no multiset count can. rouge-score (Google) counts
n-grams as often as they occur. All is the mean over texts.

The subsequence is found by rapidfuzz: the tables that both libraries fill grow with the product of
both lengths, and rouge-chinese takes seconds and a gigabyte for one text of 100,000 characters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache, lru_cache

from rapidfuzz.distance import LCSseq
from rouge_chinese import Rouge
from rouge_chinese.rouge_score import f_r_p_rouge_n
from rouge_score.rouge_scorer import RougeScorer
from rouge_score.scoring import fmeasure
from rouge_score.tokenizers import Tokenizer

from echovlm.evaluate.text.scored import Scored, averaged, check_pairs
from echovlm.evaluate.text.signature import Signature
from echovlm.evaluate.text.tokenisers import (
    ALPHANUMERICS,
    CHARACTERS,
    JIEBA,
    KEPT,
    Tokeniser,
)
from echovlm.terms import Language

CHARACTERS_OR_WORDS: Mapping[Language, Tokeniser] = {
    Language.CHINESE: CHARACTERS,
    Language.ENGLISH: ALPHANUMERICS,
}


def rouge(
    predictions: Sequence[str], references: Sequence[str], language: Language, kind: str = "L"
) -> Scored:
    """Mean ROUGE F1: rouge-chinese of jieba's words in Chinese, rouge-score in English.

    Args:
        predictions: generated texts; an empty text scores 0.
        references: one true text per prediction.
        language: decides library and tokeniser.
        kind: "1", "2" or "L".

    Raises:
        ValueError: if there are no texts, the two lists differ in length or a reference is empty.
    """
    one = unique_rouge if Language(language) is Language.CHINESE else multiset_rouge
    return one(predictions, references, language, kind)


def unique_rouge(
    predictions: Sequence[str], references: Sequence[str], language: Language, kind: str = "L"
) -> Scored:
    """Mean F1 of rouge-chinese over jieba's words, whatever the language.

    Args:
        predictions: generated texts; an empty text scores 0.
        references: one true text per prediction.
        language: makes no difference, as in the programs that score so.
        kind: "1", "2" or "L".

    Raises:
        ValueError: as :func:`rouge`.
    """
    check_pairs("ROUGE", predictions, references)
    values = [
        _unique(" ".join(JIEBA.split(said)), " ".join(JIEBA.split(true)))[kind]
        for said, true in zip(predictions, references, strict=True)
    ]
    count = "all" if kind == "L" else "unique"
    return averaged(
        values,
        Signature(
            f"ROUGE-{kind}",
            "rouge-chinese",
            JIEBA.name,
            "mixed",
            "none",
            "mean",
            ("beta:1", f"ngrams:{count}"),
        ),
    )


@lru_cache(maxsize=KEPT)
def _unique(said: str, true: str) -> dict[str, float]:
    # The library adds 1e-8 to a divisor: equal texts stay just below 1.
    if not said or not true:
        return dict.fromkeys(("1", "2", "L"), 0.0)
    scorer = _rouge_chinese()
    scores = scorer.get_scores(said, true)[0]
    one, other = (_in_sentences(text) for text in (said, true))
    longest = f_r_p_rouge_n(len(one), len(other), LCSseq.similarity(one, other))
    return {"1": scores["rouge-1"]["f"], "2": scores["rouge-2"]["f"], "L": longest["f"]}


def _in_sentences(text: str) -> list[str]:
    """The words as the library sees them after it has cut the text into sentences."""
    return [word for sentence in _rouge_chinese().cut_sent(text) for word in sentence.split()]


def multiset_rouge(
    predictions: Sequence[str],
    references: Sequence[str],
    language: Language,
    kind: str = "L",
    tokenisers: Mapping[Language, Tokeniser] = CHARACTERS_OR_WORDS,
) -> Scored:
    """Mean F1 of rouge-score: characters in Chinese, its own words in English.

    Args:
        predictions: generated texts; an empty text scores 0.
        references: one true text per prediction.
        language: decides the tokeniser.
        kind: "1", "2" or "L".
        tokenisers: the tokeniser for each language.

    Raises:
        ValueError: as :func:`rouge`.
    """
    check_pairs("ROUGE", predictions, references)
    tokeniser = tokenisers[Language(language)]
    values = [
        _multiset(said, true, tokeniser)[kind]
        for said, true in zip(predictions, references, strict=True)
    ]
    case = "lc" if tokeniser is ALPHANUMERICS else "mixed"
    return averaged(
        values,
        Signature(
            f"ROUGE-{kind}",
            "rouge-score",
            tokeniser.name,
            case,
            "none",
            "mean",
            ("beta:1", "ngrams:all", "stem:no"),
        ),
    )


@lru_cache(maxsize=KEPT)
def _multiset(said: str, true: str, tokeniser: Tokeniser) -> dict[str, float]:
    one, other = tokeniser.split(said), tokeniser.split(true)
    if not one or not other:
        return dict.fromkeys(("1", "2", "L"), 0.0)
    scores = _rouge_score(tokeniser).score(true, said)
    common = LCSseq.similarity(one, other)
    return {
        "1": scores["rouge1"].fmeasure,
        "2": scores["rouge2"].fmeasure,
        "L": fmeasure(common / len(one), common / len(other)),
    }


class _Units(Tokenizer):
    """One of our tokenisers as rouge-score takes it."""

    def __init__(self, tokeniser: Tokeniser) -> None:
        self._tokeniser = tokeniser

    def tokenize(self, text: str) -> tuple[str, ...]:
        return self._tokeniser.split(text)


@cache
def _rouge_chinese() -> Rouge:
    return Rouge(metrics=["rouge-1", "rouge-2"])


@cache
def _rouge_score(tokeniser: Tokeniser) -> RougeScorer:
    return RougeScorer(["rouge1", "rouge2"], tokenizer=_Units(tokeniser))
