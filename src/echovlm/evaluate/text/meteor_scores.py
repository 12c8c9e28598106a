"""METEOR (Lavie and Agarwal 2007) by nltk, without synonyms.

    METEOR = (1 - 0.5 (chunks / matches)^3) P R / (0.9 P + 0.1 R)

Words match by themselves or, in English, by their Porter stem; a chunk is a run of matches in the
same order in both texts. Equal texts of n words score ``100 (1 - 0.5 / n^3)``.

The third stage of the paper, synonyms, needs WordNet, which is no part of nltk; METEOR 1.5, which
adds paraphrases and is what coco-caption calls, needs Java. Both are left out, and the signature
says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, lru_cache

from nltk.stem.porter import PorterStemmer
from nltk.translate.meteor_score import single_meteor_score

from echovlm.evaluate.text.scored import Scored, averaged, check_pairs
from echovlm.evaluate.text.signature import Signature
from echovlm.evaluate.text.tokenisers import KEPT, WORDS, ByLanguage, Tokeniser
from echovlm.terms import Language

_LONGEST_STEMMED_CHARACTERS = 100


def meteor(
    predictions: Sequence[str],
    references: Sequence[str],
    language: Language,
    tokenisers: ByLanguage = WORDS,
) -> Scored:
    """Mean METEOR without synonyms (alpha 0.9, beta 3, gamma 0.5).

    Args:
        predictions: generated texts; an empty text scores 0.
        references: one true text per prediction.
        language: decides tokeniser and stemmer.
        tokenisers: the tokeniser for each language.

    Raises:
        ValueError: if there are no texts, the two lists differ in length or a reference is empty.
    """
    check_pairs("METEOR", predictions, references)
    tokeniser, stems = tokenisers[Language(language)], Language(language) is Language.ENGLISH
    values = [
        _meteor(said, true, tokeniser, stems)
        for said, true in zip(predictions, references, strict=True)
    ]
    matches = "exact+porter" if stems else "exact"
    settings = (f"match:{matches}", "synonyms:none", "alpha:0.9", "beta:3", "gamma:0.5")
    return averaged(
        values, Signature("METEOR", "nltk", tokeniser.name, "lc", "none", "mean", settings)
    )


@lru_cache(maxsize=KEPT)
def _meteor(said: str, true: str, tokeniser: Tokeniser, stems: bool) -> float:
    return single_meteor_score(
        tokeniser.split(true),
        tokeniser.split(said),
        stemmer=_Stems() if stems else _NoStems(),
        wordnet=_NoSynonyms(),
    )


class _NoSynonyms:
    """Stands in for WordNet, which cannot be fetched everywhere: no word has a synonym."""

    def synsets(self, word: str) -> list[object]:
        return []


class _NoStems:
    """Chinese words have no stems: each stands for itself."""

    def stem(self, word: str) -> str:
        return word


class _Stems:
    """Porter's stems, each found once; a run of letters too long for a word stands for itself."""

    def stem(self, word: str) -> str:
        return _stem(word) if len(word) <= _LONGEST_STEMMED_CHARACTERS else word


@lru_cache(maxsize=KEPT)
def _stem(word: str) -> str:
    return _porter().stem(word)


@cache
def _porter() -> PorterStemmer:
    return PorterStemmer()
