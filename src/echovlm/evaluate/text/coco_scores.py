"""BLEU, ROUGE-L and CIDEr by coco-caption (pycocoevalcap), as captioning papers report them.

CIDEr (Vedantam et al. 2015, as CIDEr-D) is the mean over n-grams of 1 to 4 units of the cosine
between the tf-idf vectors of both texts, clipped at the reference's counts, less a Gaussian penalty
for the difference in length (sigma 6):

    CIDEr = 100 mean_n [ exp(-(l_c - l_r)^2 / 72) sum min(g_c, g_r) g_r / (|g_c| |g_r|) ]

Ten times what the library gives, so that equal texts score 100. The idf is that of the references
that are scored together, also in a resample of them; an n-gram of every reference weighs nothing,
so that of a single pair nothing is left and it scores 0.

The rest of coco-caption needs Java (its tokeniser, METEOR and SPICE) and is not used. BLEU's only
smoothing is 1e-15 added to matches and 1e-9 to counts; ROUGE-L leans to recall (beta 1.2), and its
subsequence is found by rapidfuzz, for the reason given in ``rouge_scores.py``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pycocoevalcap.bleu.bleu_scorer import BleuScorer
from pycocoevalcap.cider.cider import Cider
from pycocoevalcap.rouge.rouge import Rouge
from rapidfuzz.distance import LCSseq

from echovlm.evaluate.text.scored import Scored, averaged, check_pairs, summed
from echovlm.evaluate.text.signature import Signature
from echovlm.evaluate.text.tokenisers import JIEBA_ALWAYS, ByLanguage
from echovlm.terms import Language

_LONGEST = 4
_LIBRARY = "pycocoevalcap"


def coco_bleu(
    predictions: Sequence[str],
    references: Sequence[str],
    language: Language,
    order: int = 1,
    tokenisers: ByLanguage = JIEBA_ALWAYS,
) -> Scored:
    """Corpus BLEU up to ``order``-grams.

    Args:
        predictions: generated texts; an empty text counts as no match.
        references: one true text per prediction.
        language: decides the tokeniser.
        order: longest n-gram, 1 to 4.
        tokenisers: the tokeniser for each language.

    Raises:
        ValueError: if there are no texts, the two lists differ in length or a reference is empty.
    """
    check_pairs("BLEU", predictions, references)
    tokeniser = tokenisers[Language(language)]
    scorer = BleuScorer(n=_LONGEST)
    for said, true in zip(predictions, references, strict=True):
        scorer += (" ".join(tokeniser.split(said)), [" ".join(tokeniser.split(true))])
    rows = np.array(
        [
            [*text["correct"], *text["guess"], text["testlen"], *text["reflen"]]
            for text in scorer.ctest
        ]
    )
    return summed(
        rows,
        lambda total: _bleu(total, order),
        Signature(f"BLEU-{order}", _LIBRARY, tokeniser.name, "mixed", "1e-15/1e-9", "corpus"),
    )


def _bleu(sums: np.ndarray, order: int) -> float:
    """BLEU of summed counts: to the library they are one long text."""
    scorer = BleuScorer(n=_LONGEST)
    correct, guess, (testlen, reflen) = np.split(sums.tolist(), [_LONGEST, 2 * _LONGEST])
    scorer.ctest = [
        {"correct": correct, "guess": guess, "testlen": int(testlen), "reflen": [int(reflen)]}
    ]
    scores, _ = scorer.compute_score(option="closest")
    return 100 * float(scores[order - 1])


def coco_rouge(
    predictions: Sequence[str],
    references: Sequence[str],
    language: Language,
    tokenisers: ByLanguage = JIEBA_ALWAYS,
) -> Scored:
    """Mean ROUGE-L, ``F = 2.44 P R / (R + 1.44 P)``.

    Args:
        predictions: generated texts; an empty text scores 0.
        references: one true text per prediction.
        language: decides the tokeniser.
        tokenisers: the tokeniser for each language.

    Raises:
        ValueError: as :func:`coco_bleu`.
    """
    check_pairs("ROUGE-L", predictions, references)
    tokeniser, beta = tokenisers[Language(language)], Rouge().beta
    values = [
        _longest_common(tokeniser.split(said), tokeniser.split(true), beta)
        for said, true in zip(predictions, references, strict=True)
    ]
    settings = (f"beta:{beta}", "ngrams:all")
    return averaged(
        values, Signature("ROUGE-L", _LIBRARY, tokeniser.name, "mixed", "none", "mean", settings)
    )


def _longest_common(said: tuple[str, ...], true: tuple[str, ...], beta: float) -> float:
    common = LCSseq.similarity(said, true)
    if not common:
        return 0.0
    precision, recall = common / len(said), common / len(true)
    return (1 + beta**2) * precision * recall / (recall + beta**2 * precision)


def cider(
    predictions: Sequence[str],
    references: Sequence[str],
    language: Language,
    tokenisers: ByLanguage = JIEBA_ALWAYS,
) -> Scored:
    """Mean CIDEr-D.

    Args:
        predictions: generated texts; an empty text scores 0.
        references: one true text per prediction; the idf is theirs.
        language: decides the tokeniser.
        tokenisers: the tokeniser for each language.

    Raises:
        ValueError: as :func:`coco_bleu`.
    """
    check_pairs("CIDEr", predictions, references)
    tokeniser = tokenisers[Language(language)]
    said, true = (
        {place: [" ".join(tokeniser.split(text))] for place, text in enumerate(texts)}
        for texts in (predictions, references)
    )
    _, tens = Cider(n=_LONGEST).compute_score(true, said)
    settings = ("idf:references", "sigma:6", "times:10")
    return averaged(
        tens / 10, Signature("CIDEr", _LIBRARY, tokeniser.name, "mixed", "none", "mean", settings)
    )
