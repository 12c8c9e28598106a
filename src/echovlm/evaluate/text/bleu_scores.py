"""BLEU (Papineni et al. 2002): precision of n-grams, less a penalty for brevity.

    BLEU-n = min(1, exp(1 - r / c)) (p_1 p_2 ... p_n)^(1/n)

p_k is the share of the k-grams written that are in the reference, each counted no more often than
there; c and r are the lengths of prediction and reference. Three readings of it are in use:

| function | library | p_k where no k-gram matches | over texts |
|---|---|---|---|
| corpus_bleu | sacrebleu | 1/2, then 1/4, ... of a match | counts and lengths summed |
| sentence_bleu | sacrebleu | the same; orders longer than the text left out | mean |
| nltk_bleu | nltk, method 3 | the same, also for orders longer than the text | mean |

The smoothing is that of NIST's mteval-v13a (Chen and Cherry 2014, method 3). A text of which no
single unit matches scores 0 in all three.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache, lru_cache

import numpy as np
from nltk.translate.bleu_score import SmoothingFunction
from nltk.translate.bleu_score import sentence_bleu as nltk_sentence_bleu
from sacrebleu.metrics import BLEU

from echovlm.evaluate.text.scored import Score, Scored, averaged, check_pairs, summed
from echovlm.evaluate.text.signature import Signature
from echovlm.evaluate.text.tokenisers import JIEBA, KEPT
from echovlm.terms import Language

LONGEST = 4
"""Longest n-gram that is ever counted."""

CHARACTERS: Mapping[Language, str] = {Language.CHINESE: "char", Language.ENGLISH: "13a"}
SACREBLEU: Mapping[Language, str] = {Language.CHINESE: "zh", Language.ENGLISH: "13a"}

_UNIFORM = tuple((1 / n,) * n for n in range(1, LONGEST + 1))


def bleu(
    predictions: Sequence[str], references: Sequence[str], language: Language, order: int = 1
) -> Score:
    """Corpus BLEU up to ``order``-grams: characters in Chinese, mteval-v13a in English.

    Args:
        predictions: generated texts; an empty text counts as no match.
        references: one true text per prediction.
        language: decides the tokeniser.
        order: longest n-gram, 1 to 4.

    Raises:
        ValueError: if there are no texts, the two lists differ in length or a reference is empty.
    """
    return corpus_bleu(predictions, references, language, order).score


def corpus_bleu(
    predictions: Sequence[str],
    references: Sequence[str],
    language: Language,
    order: int = 1,
    tokenisers: Mapping[Language, str] = CHARACTERS,
) -> Scored:
    """As :func:`bleu`, with the sums of every text: n-gram counts and lengths.

    Args:
        predictions: generated texts; an empty text counts as no match.
        references: one true text per prediction.
        language: decides the tokeniser.
        order: longest n-gram, 1 to 4.
        tokenisers: sacrebleu's tokeniser for each language.

    Raises:
        ValueError: as :func:`bleu`.
    """
    check_pairs("BLEU", predictions, references)
    tokeniser = tokenisers[Language(language)]
    return summed(
        match_counts(predictions, references, tokeniser),
        lambda total: _value(total, order, effective_order=False),
        _signature(order, tokeniser, "corpus", "eff:no"),
    )


def sentence_bleu(
    predictions: Sequence[str],
    references: Sequence[str],
    language: Language,
    order: int = 1,
) -> Scored:
    """Mean over texts of each text's BLEU: characters in Chinese, mteval-v13a in English.

    Orders that are longer than the prediction are left out of its product (sacrebleu's
    ``effective_order``, its default for single texts).

    Args:
        predictions: generated texts; an empty text scores 0.
        references: one true text per prediction.
        language: decides the tokeniser.
        order: longest n-gram, 1 to 4.

    Raises:
        ValueError: as :func:`bleu`.
    """
    check_pairs("BLEU", predictions, references)
    tokeniser = CHARACTERS[Language(language)]
    rows = match_counts(predictions, references, tokeniser)
    values = [_value(row, order, effective_order=True) / 100 for row in rows]
    return averaged(values, _signature(order, tokeniser, "mean", "eff:yes"))


def nltk_bleu(
    predictions: Sequence[str], references: Sequence[str], language: Language, order: int = 1
) -> Scored:
    """Mean over texts of nltk's sentence BLEU of jieba's words, smoothed by method 3.

    Args:
        predictions: generated texts; an empty text scores 0.
        references: one true text per prediction.
        language: makes no difference, as in the programs that score so.
        order: longest n-gram, 1 to 4.

    Raises:
        ValueError: as :func:`bleu`.
    """
    check_pairs("BLEU", predictions, references)
    values = [
        _nltk(JIEBA.split(said), JIEBA.split(true))[order - 1]
        for said, true in zip(predictions, references, strict=True)
    ]
    return averaged(
        values, Signature(f"BLEU-{order}", "nltk", JIEBA.name, "mixed", "method3", "mean")
    )


@lru_cache(maxsize=KEPT)
def _nltk(said: tuple[str, ...], true: tuple[str, ...]) -> tuple[float, ...]:
    smoothing = SmoothingFunction().method3
    return tuple(nltk_sentence_bleu([true], said, _UNIFORM, smoothing_function=smoothing))


def match_counts(
    predictions: Sequence[str], references: Sequence[str], tokeniser: str
) -> np.ndarray:
    """What BLEU sums over texts, as sacrebleu counts it.

    Args:
        predictions: generated texts.
        references: one true text per prediction.
        tokeniser: sacrebleu's; "none" takes what lies between blanks as a unit.

    Returns:
        ``(texts, 10)``: matches of 1- to 4-grams, 1- to 4-grams written, and the lengths of
        prediction and reference.
    """
    pairs = zip(predictions, references, strict=True)
    return np.array([_counts(said, true, tokeniser) for said, true in pairs])


@lru_cache(maxsize=KEPT)
def _counts(said: str, true: str, tokeniser: str) -> tuple[int, ...]:
    found = _sacrebleu(tokeniser).corpus_score([said], [[true]])
    return (*found.counts, *found.totals, found.sys_len, found.ref_len)


def _value(sums: np.ndarray, order: int, *, effective_order: bool) -> float:
    metric = _sacrebleu(CHARACTERS[Language.CHINESE])
    return float(
        BLEU.compute_bleu(
            correct=sums[:order].tolist(),
            total=sums[LONGEST : LONGEST + order].tolist(),
            sys_len=int(sums[-2]),
            ref_len=int(sums[-1]),
            smooth_method=metric.smooth_method,
            smooth_value=metric.smooth_value,
            effective_order=effective_order,
            max_ngram_order=order,
        ).score
    )


def _signature(order: int, tokeniser: str, averaging: str, effective: str) -> Signature:
    smoothing = _sacrebleu(tokeniser).smooth_method
    return Signature(
        f"BLEU-{order}", "sacrebleu", tokeniser, "mixed", smoothing, averaging, (effective,)
    )


@cache
def _sacrebleu(tokeniser: str) -> BLEU:
    return BLEU(max_ngram_order=LONGEST, tokenize=tokeniser)
