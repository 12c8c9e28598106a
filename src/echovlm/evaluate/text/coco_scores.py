"""BLEU and ROUGE-L as coco-caption defines them, with which captioning papers report.

    BLEU-n  = min(1, exp(1 - (r + 1e-9) / (c + 1e-15))) (q_1 ... q_n)^(1/n),
    q_k     = (matching k-grams + 1e-15) / (k-grams written + 1e-9)
    ROUGE-L = 2.44 P R / (R + 1.44 P)

c and r are the lengths of all predictions and all references; P and R are the shares of the longest
common subsequence in prediction and reference, so that ROUGE-L leans to recall (beta 1.2).

The definitions are those of pycocoevalcap 1.2, of which nothing is used: its BLEU is not free for
commercial use. Matches are counted by sacrebleu and subsequences found by rapidfuzz; numbers agree
with the library's to 1e-9 (tests/evaluate/coco_caption.json). METEOR 1.5 and SPICE, the rest of
coco-caption, need Java. Its CIDEr-D is in ``cider_scores.py``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from rapidfuzz.distance import LCSseq

from echovlm.evaluate.text.bleu_scores import LONGEST, match_counts
from echovlm.evaluate.text.scored import Scored, averaged, check_pairs, summed
from echovlm.evaluate.text.signature import Signature
from echovlm.evaluate.text.tokenisers import JIEBA_ALWAYS, ByLanguage
from echovlm.terms import Language

LIBRARY, VERSION = "echovlm-coco", "1"
"""What signatures call coco-caption as defined here; a number that changes takes a new version."""

_TINY, _SMALL = 1e-15, 1e-9
_BETA = 1.2


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
    said, true = (
        [" ".join(tokeniser.split(text)) for text in texts] for texts in (predictions, references)
    )
    return summed(
        match_counts(said, true, "none"),
        lambda total: _bleu(total, order),
        Signature(
            f"BLEU-{order}", LIBRARY, tokeniser.name, "mixed", "1e-15/1e-9", "corpus", (), VERSION
        ),
    )


def _bleu(sums: np.ndarray, order: int) -> float:
    matches, written = sums[:order], sums[LONGEST : LONGEST + order]
    precisions = (matches + _TINY) / (written + _SMALL)
    longer = (sums[-1] + _SMALL) / (sums[-2] + _TINY)
    return 100 * float(precisions.prod()) ** (1 / order) * math.exp(min(0, 1 - longer))


def coco_rouge(
    predictions: Sequence[str],
    references: Sequence[str],
    language: Language,
    tokenisers: ByLanguage = JIEBA_ALWAYS,
) -> Scored:
    """Mean ROUGE-L.

    Args:
        predictions: generated texts; an empty text scores 0.
        references: one true text per prediction.
        language: decides the tokeniser.
        tokenisers: the tokeniser for each language.

    Raises:
        ValueError: as :func:`coco_bleu`.
    """
    check_pairs("ROUGE-L", predictions, references)
    tokeniser = tokenisers[Language(language)]
    said, true = ([tokeniser.split(text) for text in texts] for texts in (predictions, references))
    return rouge_of_units(said, true, tokeniser.name)


def rouge_of_units(
    predictions: Sequence[Sequence[str]], references: Sequence[Sequence[str]], tokeniser: str
) -> Scored:
    """Mean ROUGE-L of texts that are split already.

    Args:
        predictions: units of each generated text; a text without units scores 0.
        references: units of one true text per prediction.
        tokeniser: what split them, for the signature.
    """
    values = [
        _longest_common(said, true) for said, true in zip(predictions, references, strict=True)
    ]
    settings = (f"beta:{_BETA}", "ngrams:all")
    return averaged(
        values, Signature("ROUGE-L", LIBRARY, tokeniser, "mixed", "none", "mean", settings, VERSION)
    )


def _longest_common(said: Sequence[str], true: Sequence[str]) -> float:
    common = LCSseq.similarity(said, true)
    if not common:
        return 0.0
    precision, recall = common / len(said), common / len(true)
    return (1 + _BETA**2) * precision * recall / (recall + _BETA**2 * precision)
