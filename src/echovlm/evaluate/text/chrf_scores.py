"""chrF (Popović 2015) by sacrebleu: F-score of character n-grams, recall counting twice.

    chrF = 5 P R / (4 P + R),  P and R averaged over n-grams of 1 to 6 characters

Blanks are no characters, so nothing depends on how a text is split into words: the one metric that
is the same in both languages. Counts are summed over texts first.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from sacrebleu.metrics import CHRF

from echovlm.evaluate.text.scored import Scored, check_pairs, summed
from echovlm.evaluate.text.signature import Signature
from echovlm.terms import Language


def chrf(predictions: Sequence[str], references: Sequence[str], language: Language) -> Scored:
    """Corpus chrF.

    Args:
        predictions: generated texts; an empty text counts as no match.
        references: one true text per prediction.
        language: makes no difference.

    Raises:
        ValueError: if there are no texts, the two lists differ in length or a reference is empty.
    """
    check_pairs("chrF", predictions, references)
    metric = _chrf()
    # Counts per text are what sacrebleu's own bootstrap sums; no public method hands them out.
    rows = np.array(metric._extract_corpus_statistics(predictions, [references]))
    settings = (f"nc:{metric.char_order}", f"nw:{metric.word_order}", f"beta:{metric.beta}")
    return summed(
        rows,
        lambda total: float(metric._compute_f_score(total.tolist())),
        Signature("chrF", "sacrebleu", "none", "mixed", "none", "corpus", settings),
    )


@cache
def _chrf() -> CHRF:
    return CHRF()
