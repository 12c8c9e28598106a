"""Text scores with a signature: the number means nothing without its tokeniser.

The choice of tokeniser or averaging alone moves BLEU by more than most published gains, so every
score carries the signature that makes it repeatable. BLEU comes from sacrebleu (Post 2018).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sacrebleu.metrics import BLEU

from echovlm.terms import Language

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
    if len(predictions) != len(references) or not predictions:
        raise ValueError(
            f"BLEU needs as many predictions as references and at least one, "
            f"got {len(predictions)} and {len(references)}"
        )
    metric = BLEU(max_ngram_order=order, tokenize=_TOKENISER[Language(language)])
    result = metric.corpus_score(list(predictions), [list(references)])
    return Score(value=float(result.score), signature=f"{metric.get_signature()}|n:{order}")
