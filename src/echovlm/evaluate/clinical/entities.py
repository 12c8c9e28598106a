"""Entity scores: which findings of an anatomy a text names, as labels that may hold together.

With a list of E entities per anatomy and texts as rows of 0 and 1:

    Hamming accuracy = share of the texts x E cells that are equal
    macro P, R, F1   = unweighted mean over entities of TP/(TP+FP), TP/(TP+FN), 2TP/(2TP+FP+FN)

The published system reports these for findings (its Table 8) and impressions (Table 10), averaged
without weights over the seven anatomies. Its entity list and its extractor (after Li et al. 2024)
are not published, so **the numbers here cannot be compared with those tables**. Our list holds
"normal", "mass" and "malignancy", and every finding of ``facts/findings.json`` that belongs to the
anatomy; these follow the largest labels of the paper's data set and ``prompts/labels.json``. An
entity is named where the text claims it of this examination at least as likely. Entities that
neither a reference nor a prediction names count for Hamming accuracy and for no macro mean.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from echovlm.evaluate.clinical.reading import FactKind, Reading, read_report
from echovlm.evaluate.clinical.scores import read_reports
from echovlm.evaluate.intervals import Statistic
from echovlm.facts.findings import findings
from echovlm.terms import Anatomy, Language

_WITH_MASSES = (
    Anatomy.BREAST, Anatomy.THYROID, Anatomy.LIVER, Anatomy.KIDNEY, Anatomy.GYNAECOLOGY,
)  # fmt: skip
NORMAL, MASS, MALIGNANCY = "normal", "mass", "malignancy"


@cache
def entities(anatomy: Anatomy | str) -> tuple[str, ...]:
    """The entities of one anatomy: "normal", "mass" and "malignancy" where it has masses, findings.

    In the order of ``facts/findings.json``.
    """
    region = Anatomy(anatomy)
    general = (NORMAL, MASS, MALIGNANCY) if region in _WITH_MASSES else (NORMAL,)
    return general + tuple(key for key, each in findings().items() if region in each.anatomies)


def named_entities(
    text: str, anatomy: Anatomy | str, language: Language | str | None = None
) -> frozenset[str]:
    """The entities of an anatomy that a text names.

    Args:
        text: a report, or one part of it; may be empty.
        anatomy: whose list is looked for.
        language: of the text; None decides by its characters.
    """
    return entities_of(read_report(text, language), anatomy)


def entities_of(reading: Reading, anatomy: Anatomy | str) -> frozenset[str]:
    """As :func:`named_entities`, of a report that is read already."""
    named = {str(fact.value) for fact in reading.facts[FactKind.FINDING]}
    if reading.lesions:
        named.add(MASS)
    if "malignant" in reading.natures():
        named.add(MALIGNANCY)
    if _is_normal(reading):
        named.add(NORMAL)
    return frozenset(named & set(entities(anatomy)))


def _is_normal(reading: Reading) -> bool:
    """Whether a text calls the organ normal or free of lesions, and describes nothing wrong."""
    free = reading.said.normal or any(not each.restricted for each in reading.said.denials)
    return bool(free) and not reading.wrong() and not reading.lesions


@dataclass(frozen=True, eq=False)
class _Table:
    """The texts of one anatomy.

    Attributes:
        rows: their places among all texts.
        named: ``(texts, entities)``, what predictions name.
        true: the same for references.
    """

    rows: np.ndarray
    named: np.ndarray
    true: np.ndarray


_Score = Callable[[np.ndarray, _Table], np.ndarray]


@dataclass(frozen=True, eq=False)
class EntityScores:
    """Entities of texts against those of their references.

    Every score takes an anatomy, or gives the unweighted mean over the anatomies that occur.

    Attributes:
        tables: the texts by anatomy, in the order of :class:`~echovlm.terms.Anatomy`.
    """

    tables: Mapping[Anatomy, _Table]

    @property
    def anatomies(self) -> tuple[Anatomy, ...]:
        """Anatomies that occur."""
        return tuple(self.tables)

    def hamming_accuracy(self, anatomy: Anatomy | None = None) -> Statistic:
        """Share of the cells that are equal, 0 to 1."""
        return self._over(anatomy, _hamming)

    def macro_precision(self, anatomy: Anatomy | None = None) -> Statistic:
        """Mean precision over entities, 0 to 1; that of an entity never predicted is 0."""
        return self._over(anatomy, lambda w, t: _macro(w, t, (1, 1, 0)))

    def macro_recall(self, anatomy: Anatomy | None = None) -> Statistic:
        """Mean recall over entities, 0 to 1; that of an entity no reference has is 0."""
        return self._over(anatomy, lambda w, t: _macro(w, t, (1, 0, 1)))

    def macro_f1(self, anatomy: Anatomy | None = None) -> Statistic:
        """Mean F1 over entities, 0 to 1."""
        return self._over(anatomy, lambda w, t: _macro(w, t, (2, 1, 1)))

    def _over(self, anatomy: Anatomy | None, score: _Score) -> Statistic:
        tables = list(self.tables.values()) if anatomy is None else [self.tables[anatomy]]

        def statistic(weights: np.ndarray) -> np.ndarray:
            values = np.stack([score(weights[:, table.rows], table) for table in tables])
            defined = np.isfinite(values).sum(axis=0)
            none = np.full(len(weights), np.nan)
            return np.divide(np.nansum(values, axis=0), defined, out=none, where=defined > 0)

        return statistic


def _hamming(weights: np.ndarray, table: _Table) -> np.ndarray:
    equal = (table.named == table.true).mean(axis=1)
    total = weights.sum(axis=1)
    none = np.full(len(weights), np.nan)
    return np.divide(weights @ equal, total, out=none, where=total > 0)


def _macro(weights: np.ndarray, table: _Table, parts: tuple[int, int, int]) -> np.ndarray:
    """Mean over entities of ``parts[0] TP / (parts . (TP, FP, FN))``."""
    right = weights @ (table.named & table.true)
    wrong = weights @ (table.named & ~table.true)
    missed = weights @ (~table.named & table.true)
    under = parts[0] * right + parts[1] * wrong + parts[2] * missed
    occurs = right + wrong + missed > 0
    shares = np.divide(parts[0] * right, under, out=np.zeros(under.shape), where=under > 0)
    count = occurs.sum(axis=1)
    none = np.full(len(weights), np.nan)
    return np.divide(shares.sum(axis=1), count, out=none, where=count > 0)


def entity_scores(
    predictions: Sequence[str],
    references: Sequence[str],
    anatomies: Sequence[Anatomy | str],
    languages: Sequence[Language | str],
) -> EntityScores:
    """Compare the entities that texts name.

    Args:
        predictions: generated texts; an empty one names nothing.
        references: one true text per prediction.
        anatomies: region of each.
        languages: language of each.

    Raises:
        ValueError: if there are no texts or the lists differ in length.
    """
    return entity_scores_of(
        read_reports(predictions, languages), read_reports(references, languages), anatomies
    )


def entity_scores_of(
    predicted: Sequence[Reading], true: Sequence[Reading], anatomies: Sequence[Anatomy | str]
) -> EntityScores:
    """As :func:`entity_scores`, of reports that are read already.

    Raises:
        ValueError: if there are no reports or the lists differ in length.
    """
    lengths = {len(predicted), len(true), len(anatomies)}
    if len(lengths) != 1 or not predicted:
        raise ValueError(
            "entity scores need one reference and one anatomy per prediction and at least one, "
            f"got lists of {sorted(lengths)}"
        )
    regions = [Anatomy(each) for each in anatomies]
    tables = {}
    for region in Anatomy:
        rows = [place for place, each in enumerate(regions) if each is region]
        if rows:
            said, real = (
                np.array([_row(readings[place], region) for place in rows])
                for readings in (predicted, true)
            )
            tables[region] = _Table(np.array(rows), said, real)
    return EntityScores(tables)


def _row(reading: Reading, region: Anatomy) -> list[bool]:
    named = entities_of(reading, region)
    return [entity in named for entity in entities(region)]
