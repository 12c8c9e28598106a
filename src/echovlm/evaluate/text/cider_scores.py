"""CIDEr-D (Vedantam et al. 2015, arXiv 1411.5726, section on CIDEr-D): n-grams weighed by rarity.

    CIDEr-D = 100 exp(-(l_c - l_r)^2 / 72) mean over n = 1..4 of
              sum over n-grams of min(g_c, g_r) g_r / (|g_c| |g_r|)
    g(n-gram) = its count in the text x (log N - log of the references that hold it)

c is the prediction, r its one reference, l their lengths in units, N the number of references (an
n-gram of no reference counts as one of a single reference). The minimum keeps repetition from
paying, the Gaussian (sigma 6) length.

The *idf*, log N less the other logarithm, is of all references that are scored together, and stays:
every text has its score, and a resample or a subset of the texts is a mean of these scores, not a
CIDEr-D with an idf of its own. An n-gram of every reference weighs nothing, so that of a single
pair nothing is left and it scores 0.

Two things are as in pycocoevalcap 1.2, from which papers report, and not as printed: counts are not
divided by the length of their text before the minimum is taken; and the factor is 100 where both
have 10, so that equal texts score 100 as in every other metric here. The library's numbers are
recorded in tests/evaluate/coco_caption.json.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sacrebleu.metrics.helpers import extract_all_word_ngrams
from scipy.sparse import csr_array, diags_array
from sklearn.feature_extraction import DictVectorizer

from echovlm.evaluate.text.coco_scores import LIBRARY, VERSION
from echovlm.evaluate.text.scored import Scored, averaged, check_pairs
from echovlm.evaluate.text.signature import Signature
from echovlm.evaluate.text.tokenisers import JIEBA_ALWAYS, ByLanguage
from echovlm.terms import Language

_LONGEST = 4
_SIGMA = 6.0


def cider(
    predictions: Sequence[str],
    references: Sequence[str],
    language: Language,
    tokenisers: ByLanguage = JIEBA_ALWAYS,
) -> Scored:
    """Mean CIDEr-D, with the idf of all references given.

    Args:
        predictions: generated texts; an empty text scores 0.
        references: one true text per prediction.
        language: decides the tokeniser.
        tokenisers: the tokeniser for each language.

    Raises:
        ValueError: if there are no texts, the two lists differ in length or a reference is empty.
    """
    check_pairs("CIDEr", predictions, references)
    tokeniser = tokenisers[Language(language)]
    texts = [tokeniser.split(text) for text in (*predictions, *references)]
    settings = ("idf:all-references", f"sigma:{_SIGMA:g}", "times:100")
    return averaged(
        _cider(texts),
        Signature("CIDEr", LIBRARY, tokeniser.name, "mixed", "none", "mean", settings, VERSION),
    )


def _cider(texts: Sequence[Sequence[str]]) -> np.ndarray:
    """Score of each pair, 0-1; predictions first, then as many references."""
    pairs = len(texts) // 2
    counted = [extract_all_word_ngrams(" ".join(units), 1, _LONGEST) for units in texts]
    vectors = DictVectorizer(sort=False)
    counts = csr_array(vectors.fit_transform([grams for grams, _ in counted]))
    orders = np.array([len(gram) for gram in vectors.feature_names_])
    of_order = csr_array(orders[:, None] == np.arange(1, _LONGEST + 1))
    holding = np.bincount(counts[pairs:].indices, minlength=len(orders))
    idf = np.log(pairs) - np.log(np.maximum(holding, 1))
    weighed = csr_array(counts @ diags_array(idf))
    said, true = weighed[:pairs], weighed[pairs:]
    shared = (said.minimum(true).multiply(true) @ of_order).toarray()
    squares = (weighed.power(2) @ of_order).toarray()
    norms = np.sqrt(squares[:pairs] * squares[pairs:])
    cosines = np.divide(shared, norms, out=np.zeros_like(shared), where=norms > 0)
    lengths = np.array([length for _, length in counted])
    apart = lengths[:pairs] - lengths[pairs:]
    return cosines.mean(axis=1) * np.exp(-(apart**2) / (2 * _SIGMA**2))
