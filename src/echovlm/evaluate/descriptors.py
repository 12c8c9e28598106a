"""Descriptors of lesions that texts state, against the facts of their studies.

They are read by the parser of :mod:`echovlm.facts`, in Chinese and English, so that a paraphrase
scores as well as the wording of the training texts:

    F1 = 2 found / (2 found + wrong + missed)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from echovlm.evaluate.intervals import Statistic
from echovlm.facts import Fact, Subject, read_statements
from echovlm.facts.claims import Claims
from echovlm.terms import Language

DESCRIPTORS = (
    "shape", "orientation", "margin", "echogenicity", "echotexture", "posterior", "calcification",
    "vascularity",
)  # fmt: skip
"""Descriptors of a lesion that are scored; where it lies in the picture is none of them."""


Descriptions = Mapping[str, frozenset[str]]
"""Values by the name of a descriptor."""


def said_descriptors(text: str, language: Language | str | None = None) -> Descriptions:
    """What a text claims of the lesions of this examination; denials and mere chances are none."""
    said = Claims(read_statements(text, language))
    return _by_name(
        (each.name, str(each.value))
        for name in DESCRIPTORS
        for each in said.named(name)
        if each.subject is Subject.LESION
    )


def known_descriptors(facts: Iterable[Fact]) -> Descriptions:
    """What the facts of a study say of its lesions, those of all its pictures together."""
    return _by_name((fact.name, str(fact.value)) for fact in facts if fact.name in DESCRIPTORS)


def _by_name(pairs: Iterable[tuple[str, str]]) -> Descriptions:
    values: dict[str, set[str]] = {}
    for name, value in pairs:
        values.setdefault(name, set()).add(value)
    return {name: frozenset(found) for name, found in values.items()}


@dataclass(frozen=True, eq=False)
class DescriptorScores:
    """Descriptors of texts against the facts of their studies.

    Only descriptors that the facts hold are judged. Such a descriptor is found (a true positive)
    where the text states one of its true values, else missed (a false negative); every other value
    stated for it is a false positive. What a text says of a descriptor that the facts leave open
    can be neither right nor wrong.

    Attributes:
        counts: ``(texts, descriptors, 3)``: found, wrong, missed, in the order of ``DESCRIPTORS``.
        unverifiable: descriptors stated that the facts leave open, over all texts.
    """

    counts: np.ndarray
    unverifiable: int

    @property
    def f1(self) -> Statistic:
        """Micro F1 = 2 found / (2 found + wrong + missed), 0 to 1, over texts and descriptors."""
        return self._share(2, (2, 1, 1))

    @property
    def precision(self) -> Statistic:
        """Found / (found + wrong), 0 to 1."""
        return self._share(1, (1, 1, 0))

    @property
    def recall(self) -> Statistic:
        """Found / (found + missed), 0 to 1."""
        return self._share(1, (1, 0, 1))

    def by_descriptor(self) -> dict[str, float]:
        """F1 of each descriptor that some facts hold."""
        found, wrong, missed = self.counts.sum(axis=0).T
        return {
            name: float(2 * found[place] / (2 * found[place] + wrong[place] + missed[place]))
            for place, name in enumerate(DESCRIPTORS)
            if found[place] + missed[place] > 0
        }

    def _share(self, times: int, parts: tuple[int, int, int]) -> Statistic:
        per_text = self.counts.sum(axis=1)

        def statistic(weights: np.ndarray) -> np.ndarray:
            total = (weights @ per_text).astype(float)
            under = total @ np.array(parts)
            return np.divide(
                times * total[:, 0], under, out=np.full(len(total), np.nan), where=under > 0
            )

        return statistic


def descriptor_scores(
    said: Sequence[Descriptions], known: Sequence[Descriptions]
) -> DescriptorScores:
    """Compare what texts say with what is known, text by text.

    Raises:
        ValueError: if the lists differ in length.
    """
    counts = np.zeros((len(said), len(DESCRIPTORS), 3), dtype=np.int64)
    unverifiable = 0
    for row, (stated, true) in enumerate(zip(said, known, strict=True)):
        for place, name in enumerate(DESCRIPTORS):
            values = stated.get(name, frozenset())
            if name in true:
                found = bool(values & true[name])
                counts[row, place] = found, len(values - true[name]), not found
            else:
                unverifiable += bool(values)
    return DescriptorScores(counts, unverifiable)
