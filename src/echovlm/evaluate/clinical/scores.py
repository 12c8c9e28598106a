"""Clinical scores of texts: facts that are right, facts that are found, and texts with mistakes.

With the counts of :mod:`echovlm.evaluate.clinical.matching`, summed over texts (micro):

    precision = supported / stated, recall = found / true, F1 = 2 P R / (P + R)

and, for each kind of mistake of :mod:`echovlm.evaluate.clinical.mistakes`, the share of texts with
at least one. An empty prediction states nothing: its recall is 0, and it omits what the reference
holds. Every score is a statistic of :mod:`echovlm.evaluate.intervals`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np

from echovlm.evaluate.clinical.against import mistakes_against
from echovlm.evaluate.clinical.matching import COUNTS, KINDS, compare
from echovlm.evaluate.clinical.mistakes import MistakeKind
from echovlm.evaluate.clinical.reading import FactKind, Reading, read_report
from echovlm.evaluate.clinical.within import mistakes_within
from echovlm.evaluate.intervals import Statistic, mean_of
from echovlm.facts.contradiction import SIZE_TOLERANCE_MM, SIZE_TOLERANCE_RATIO
from echovlm.terms import Language

_Join = Callable[[np.ndarray, np.ndarray], np.ndarray]
MISTAKES = tuple(MistakeKind)
"""Every kind of mistake, in the order of the count arrays."""


@cache
def signature() -> str:
    """What it takes to compute the scores again: rules, words (as a hash) and tolerances."""
    digest = hashlib.sha256()
    for name in ("lexicon.json", "findings.json", "sites.json"):
        digest.update(resources.files("echovlm.facts").joinpath(name).read_bytes())
    return (
        f"echovlm-clinical|v:1|words:{digest.hexdigest()[:8]}|size:{SIZE_TOLERANCE_MM:g}mm"
        f"/{SIZE_TOLERANCE_RATIO:.0%}|match:any|micro"
    )


@dataclass(frozen=True, eq=False)
class ClinicalScores:
    """Facts and mistakes of texts against their references.

    Attributes:
        facts: ``(texts, kinds, 4)``, in the order of ``KINDS`` and ``COUNTS``.
        mistakes: ``(texts, kinds of mistakes)`` in the order of ``MISTAKES``: how many there are.
        signature: what it takes to compute them again.
    """

    facts: np.ndarray
    mistakes: np.ndarray
    signature: str

    def precision(self, kind: FactKind | None = None) -> Statistic:
        """Share of the stated facts that the reference supports, 0 to 1; None is all kinds."""
        return self._ratio(kind, lambda p, r: p)

    def recall(self, kind: FactKind | None = None) -> Statistic:
        """Share of the reference's facts that are found, 0 to 1; None is all kinds."""
        return self._ratio(kind, lambda p, r: r)

    def f1(self, kind: FactKind | None = None) -> Statistic:
        """Harmonic mean of precision and recall, 0 to 1; None is all kinds (micro)."""
        return self._ratio(kind, _harmonic)

    def rate(self, kind: MistakeKind) -> Statistic:
        """Share of the texts with at least one mistake of a kind, 0 to 1."""
        return mean_of(self.mistakes[:, MISTAKES.index(kind)] > 0)

    def _ratio(self, kind: FactKind | None, join: _Join) -> Statistic:
        table = self.facts.sum(axis=1) if kind is None else self.facts[:, KINDS.index(kind)]

        def statistic(weights: np.ndarray) -> np.ndarray:
            supported, stated, found, true = (weights @ table).astype(float).T
            return join(_share(supported, stated, true), _share(found, true, stated))

        return statistic


def _share(part: np.ndarray, whole: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Part of a whole; 0 where it is empty and the other is not, NaN where both are."""
    empty = np.where(other > 0, 0.0, np.nan)
    return np.divide(part, whole, out=empty, where=whole > 0)


def _harmonic(precision: np.ndarray, recall: np.ndarray) -> np.ndarray:
    total = precision + recall
    return np.divide(2 * precision * recall, total, out=np.zeros_like(total), where=total != 0)


def clinical_scores(
    predictions: Sequence[str],
    references: Sequence[str],
    languages: Sequence[Language | str],
) -> ClinicalScores:
    """Read and compare texts.

    Args:
        predictions: generated texts; may be empty.
        references: one true text per prediction.
        languages: language of each reference. A prediction in the other language is read in that
            one, and its facts compare as well: their names and values belong to no language.

    Raises:
        ValueError: if there are no texts or the lists differ in length.
    """
    if not predictions or not len(predictions) == len(references) == len(languages):
        raise ValueError(
            "clinical scores need one reference and one language per prediction and at least one, "
            f"got {len(predictions)} predictions, {len(references)} references and "
            f"{len(languages)} languages"
        )
    return score_readings(read_reports(predictions, languages), read_reports(references, languages))


def score_readings(predicted: Sequence[Reading], true: Sequence[Reading]) -> ClinicalScores:
    """As :func:`clinical_scores`, of reports that are read already.

    Raises:
        ValueError: if the lists differ in length.
    """
    facts = np.zeros((len(predicted), len(KINDS), len(COUNTS)), dtype=np.int64)
    mistakes = np.zeros((len(predicted), len(MISTAKES)), dtype=np.int64)
    for row, (said, real) in enumerate(zip(predicted, true, strict=True)):
        facts[row] = compare(said, real)
        for each in (*mistakes_within(said), *mistakes_against(said, real)):
            mistakes[row, MISTAKES.index(each.kind)] += 1
    return ClinicalScores(facts, mistakes, signature())


def read_reports(texts: Sequence[str], languages: Sequence[Language | str]) -> list[Reading]:
    """Read reports, equal ones once.

    Args:
        texts: reports; may be empty.
        languages: language that each was asked for; one that is plainly in the other language is
            read in that one.

    Raises:
        ValueError: if the lists differ in length.
    """
    known: dict[tuple[str, Language], Reading] = {}
    found = []
    for text, asked in zip(texts, languages, strict=True):
        key = (text, _language_of(text, Language(asked)))
        if key not in known:
            known[key] = read_report(*key)
        found.append(known[key])
    return found


_LATIN = re.compile("[A-Za-z]")
_CHINESE = re.compile("[\u4e00-\u9fff]")


def _language_of(said: str, asked: Language) -> Language:
    """The asked language unless the text is plainly in the other one."""
    chinese = len(_CHINESE.findall(said))
    if asked is Language.CHINESE:
        return asked if chinese or not _LATIN.search(said) else Language.ENGLISH
    return Language.CHINESE if chinese > len(_LATIN.findall(said)) else asked
