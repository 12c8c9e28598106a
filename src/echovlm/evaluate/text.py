"""Text scores with a signature: the number means nothing without its tokeniser.

The choice of tokeniser or averaging alone moves BLEU by more than most published gains, so every
score carries the signature that makes it repeatable. A metric is a function of predictions,
references and their language; what it gives holds sums per text, so that a bootstrap over patients
(:mod:`echovlm.evaluate.intervals`) scores a thousand resamples with one matrix product.

| metric | Chinese | English | over texts |
|---|---|---|---|
| BLEU-1 to 4 (sacrebleu, Post 2018) | characters | mteval-v13a | corpus: counts are summed first |
| ROUGE-1, 2, L, F1 | jieba words, rouge-chinese | rouge-score's own tokeniser | mean |
| METEOR (nltk) | jieba words, exact matches | mteval-v13a, exact and stem matches | mean |

rouge-chinese counts each different n-gram once (ROUGE-L is an ordinary subsequence), rouge-score
counts repetitions. METEOR's third stage, synonyms, needs WordNet, which is no part of nltk; it is
left out and the signature says so. METEOR's penalty for fragments keeps equal texts of n words at
``100 (1 - 0.5 / n^3)``.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from importlib.metadata import version

import numpy as np
from nltk.stem.porter import PorterStemmer
from nltk.translate.meteor_score import single_meteor_score
from rouge_chinese import Rouge
from rouge_score.rouge_scorer import RougeScorer
from sacrebleu.metrics import BLEU
from sacrebleu.tokenizers.tokenizer_13a import Tokenizer13a

from echovlm.evaluate.intervals import mean_of
from echovlm.terms import Language

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of setuptools, which jieba could do without
    import jieba

_TOKENISER = {Language.CHINESE: "char", Language.ENGLISH: "13a"}


@dataclass(frozen=True)
class Score:
    """A number and what it takes to compute it again.

    Attributes:
        value: 0-100.
        signature: library, version, tokeniser, smoothing and averaging.
    """

    value: float
    signature: str


@dataclass(frozen=True, eq=False)
class Scored:
    """A metric over some texts; it is itself a statistic for intervals.

    Attributes:
        signature: as of :class:`Score`.
        texts: number of texts.
        statistic: weights ``(R, texts)`` to values ``(R,)``, 0-100.
    """

    signature: str
    texts: int
    statistic: Callable[[np.ndarray], np.ndarray]

    def __call__(self, weights: np.ndarray) -> np.ndarray:
        """The score where text ``i`` counts ``weights[r, i]`` times."""
        return self.statistic(weights)

    @property
    def score(self) -> Score:
        """The score of all texts, each counted once."""
        value = self.statistic(np.ones((1, self.texts), dtype=np.int32))[0]
        return Score(float(value), self.signature)


Metric = Callable[[Sequence[str], Sequence[str], Language], Scored]
"""Predictions, one reference for each, and their language, to what they score."""


def bleu(
    predictions: Sequence[str], references: Sequence[str], language: Language, order: int = 1
) -> Score:
    """Corpus BLEU up to ``order``-grams.

    Chinese is split into characters, English by mteval-v13a.

    Args:
        predictions: generated texts; an empty text counts as no match.
        references: one true text per prediction.
        language: decides the tokeniser.
        order: longest n-gram, 1 to 4.

    Raises:
        ValueError: if there are no texts or the two lists differ in length.
    """
    return corpus_bleu(predictions, references, language, order).score


def corpus_bleu(
    predictions: Sequence[str], references: Sequence[str], language: Language, order: int = 1
) -> Scored:
    """As :func:`bleu`, with the sums of every text: n-gram counts and lengths."""
    _paired("BLEU", predictions, references)
    metric = BLEU(max_ngram_order=order, tokenize=_TOKENISER[Language(language)])
    rows = [
        metric.corpus_score([said], [[true]])
        for said, true in zip(predictions, references, strict=True)
    ]
    sums = np.array([[*row.counts, *row.totals, row.sys_len, row.ref_len] for row in rows])

    def value(total: np.ndarray) -> float:
        correct, written, lengths = total[:order], total[order:-2], total[-2:]
        return float(
            BLEU.compute_bleu(
                correct=correct.tolist(),
                total=written.tolist(),
                sys_len=int(lengths[0]),
                ref_len=int(lengths[1]),
                smooth_method=metric.smooth_method,
                smooth_value=metric.smooth_value,
                max_ngram_order=order,
            ).score
        )

    return Scored(
        signature=f"{metric.get_signature()}|n:{order}",
        texts=len(rows),
        statistic=lambda weights: np.array([value(total) for total in weights @ sums]),
    )


def rouge(
    predictions: Sequence[str], references: Sequence[str], language: Language, kind: str = "L"
) -> Scored:
    """Mean ROUGE F1.

    Args:
        predictions: generated texts; an empty text scores 0.
        references: one true text per prediction.
        language: decides library and tokeniser.
        kind: "1", "2" or "L".

    Raises:
        ValueError: if there are no texts or the two lists differ in length.
    """
    _paired("ROUGE", predictions, references)
    if Language(language) is Language.CHINESE:
        values = _rouge_chinese(predictions, references, kind)
        signature = f"rouge-chinese|v:{version('rouge-chinese')}|tok:{_jieba()}|ngrams:unique"
    else:
        scorer = RougeScorer([f"rouge{kind}"], use_stemmer=False)
        values = [
            scorer.score(true, said)[f"rouge{kind}"].fmeasure
            for said, true in zip(predictions, references, strict=True)
        ]
        signature = f"rouge-score|v:{version('rouge-score')}|tok:default|stem:no|ngrams:all|case:lc"
    return _averaged(values, f"{signature}|f1|mean|{kind}")


def _rouge_chinese(predictions: Sequence[str], references: Sequence[str], kind: str) -> list[float]:
    name = f"rouge-{kind.lower()}"
    scorer = Rouge(metrics=[name])
    values = []
    for said, true in zip(predictions, references, strict=True):
        texts = " ".join(_words(said)), " ".join(_words(true))
        # The library adds 1e-8 to a divisor: equal texts stay just below 1.
        values.append(scorer.get_scores(*texts)[0][name]["f"] if all(texts) else 0.0)
    return values


def meteor(predictions: Sequence[str], references: Sequence[str], language: Language) -> Scored:
    """Mean METEOR without synonyms (Lavie and Agarwal 2007; alpha 0.9, beta 3, gamma 0.5).

    Args:
        predictions: generated texts; an empty text scores 0.
        references: one true text per prediction.
        language: decides tokeniser and stemmer.

    Raises:
        ValueError: if there are no texts or the two lists differ in length.
    """
    _paired("METEOR", predictions, references)
    chinese = Language(language) is Language.CHINESE
    split = _words if chinese else _english_tokens
    stemmer = _NoStems() if chinese else PorterStemmer()
    values = [
        single_meteor_score(split(true), split(said), stemmer=stemmer, wordnet=_NoSynonyms())
        for said, true in zip(predictions, references, strict=True)
    ]
    tokeniser, matches = (_jieba(), "exact") if chinese else ("13a", "exact+porter")
    return _averaged(
        values,
        f"nltk-meteor|v:{version('nltk')}|tok:{tokeniser}|match:{matches}|synonyms:none"
        "|alpha:0.9|beta:3|gamma:0.5|case:lc|mean",
    )


METRICS: Mapping[str, Metric] = {
    **{f"BLEU-{n}": partial(corpus_bleu, order=n) for n in (1, 2, 3, 4)},
    **{f"ROUGE-{kind}": partial(rouge, kind=kind) for kind in ("1", "2", "L")},
    "METEOR": meteor,
}
"""Every text metric by the name it has in tables."""


class _NoSynonyms:
    """Stands in for WordNet, which cannot be fetched everywhere: no word has a synonym."""

    def synsets(self, word: str) -> list[object]:
        return []


class _NoStems:
    """Chinese words have no stems: each stands for itself."""

    def stem(self, word: str) -> str:
        return word


@cache
def _english() -> Tokenizer13a:
    return Tokenizer13a()


def _english_tokens(text: str) -> list[str]:
    return _english()(text).split()


def _words(text: str) -> list[str]:
    jieba.setLogLevel(logging.WARNING)
    return [word for word in jieba.lcut(text) if word.strip()]


def _jieba() -> str:
    return f"jieba-{version('jieba')}"


def _averaged(values: Sequence[float], signature: str) -> Scored:
    return Scored(signature, len(values), mean_of(100 * np.asarray(values, dtype=float)))


def _paired(name: str, predictions: Sequence[str], references: Sequence[str]) -> None:
    if len(predictions) != len(references) or not predictions:
        raise ValueError(
            f"{name} needs as many predictions as references and at least one, "
            f"got {len(predictions)} and {len(references)}"
        )
