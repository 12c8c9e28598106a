"""What an arm writes of held-out studies, kept as text, and the scores of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from echovlm.data.sample import Split
from echovlm.engine import Engine
from echovlm.errors import DataError
from echovlm.evaluate.answers import Job, Reader, listen
from echovlm.evaluate.held_out import HeldOutCase, read_cases, spread
from echovlm.evaluate.intervals import Statistic
from echovlm.evaluate.text import METRICS
from echovlm.reproduce.ablation_base import read_splits
from echovlm.reproduce.ablation_data import SIMULATED
from echovlm.reproduce.ablation_plan import HELD_OUT
from echovlm.study import Study
from echovlm.terms import Language

SCORES = ("BLEU-1", "ROUGE-1", "ROUGE-L", "METEOR")


@dataclass(frozen=True)
class Written:
    """What was written of one study, by language.

    Attributes:
        study: its record.
        patient: its patient.
        anatomy: its true region, which the writer was not told.
        said: findings and impression as written.
        true: as they should be.
    """

    study: str
    patient: str
    anatomy: str
    said: dict[str, str]
    true: dict[str, str]


def chosen_cases(work: Path, split: Split, most: int) -> list[HeldOutCase]:
    """Studies of the held-out anatomies, of each at most so many, evenly over their labels.

    Raises:
        DataError: when there is none.
    """
    found = [
        case
        for case in read_cases(work / SIMULATED, read_splits(work))[split]
        if case.record.anatomy in HELD_OUT and _references(case)
    ]
    chosen: list[HeldOutCase] = []
    for anatomy in HELD_OUT:
        own = [case for case in found if case.record.anatomy is anatomy]
        chosen += spread(own, [case.value("diagnosis") for case in own], most)
    if not chosen:
        raise DataError(work / SIMULATED, f"has no {split} study to report", "Simulate more cases")
    return chosen


def write_reports(
    checkpoint: Path, cases: Sequence[HeldOutCase], tokens: int, *, blank: bool
) -> list[Written]:
    """Reports by greedy decoding, canonical question, anatomy not told.

    Args:
        checkpoint: folder.
        cases: what to report.
        tokens: most of one report.
        blank: whether every picture is replaced by its mean grey.
    """
    job = Job(write=partial(_report, tokens=tokens))
    said = listen(Engine.load(checkpoint), cases, job, blank=blank, title=checkpoint.parent.name)
    return [
        Written(
            study=case.record.id,
            patient=case.record.patient_key,
            anatomy=str(case.record.anatomy),
            said={str(language): text for language, text in one.text.items()},
            true=_references(case),
        )
        for case, one in zip(cases, said, strict=True)
    ]


def _report(reader: Reader, studies: Sequence[Study], language: Language, tokens: int) -> list[str]:
    assert isinstance(reader, Engine)
    written = reader.report_many(studies, language, max_new_tokens=tokens)
    return [f"{one.findings}\n{one.impression}" for one in written]


def _references(case: HeldOutCase) -> dict[str, str]:
    """The true report by language, {} where one is missing."""
    texts = {str(one.language): f"{one.findings}\n{one.impression}" for one in case.record.reports}
    return texts if set(texts) == {str(language) for language in Language} else {}


@dataclass(frozen=True, eq=False)
class ReportScore:
    """One metric over the studies of one arm: the mean over anatomies and languages.

    Attributes:
        parts: (anatomy, language) to the places of its studies and the statistic over them.
        signatures: what it takes to compute the metric again, by language.
    """

    parts: dict[tuple[str, str], tuple[list[int], Statistic]]
    signatures: dict[str, str]

    @classmethod
    def of(cls, rows: Sequence[Written], name: str) -> ReportScore:
        """Score texts.

        Args:
            rows: what was written.
            name: of :data:`echovlm.evaluate.text.METRICS`.
        """
        parts: dict[tuple[str, str], tuple[list[int], Statistic]] = {}
        signatures: dict[str, str] = {}
        for anatomy in sorted({row.anatomy for row in rows}):
            places = [place for place, row in enumerate(rows) if row.anatomy == anatomy]
            for language in Language:
                key = str(language)
                said = [rows[place].said[key] for place in places]
                true = [rows[place].true[key] for place in places]
                scored = METRICS[name](said, true, language)
                parts[anatomy, key] = places, scored
                signatures[key] = scored.signature
        return cls(parts, signatures)

    def __call__(self, weights: np.ndarray) -> np.ndarray:
        """The score ``(R,)``, 0-100, where study ``i`` counts ``weights[r, i]`` times."""
        return np.mean([score(weights[:, places]) for places, score in self.parts.values()], axis=0)

    def by_anatomy(self) -> dict[str, float]:
        """The score of each anatomy, mean of both languages."""
        return self._means(0)

    def by_language(self) -> dict[str, float]:
        """The score of each language, mean over anatomies."""
        return self._means(1)

    def _means(self, side: int) -> dict[str, float]:
        values: dict[str, list[float]] = {}
        for key, (places, score) in self.parts.items():
            value = float(score(np.ones((1, len(places)), dtype=np.int32))[0])
            values.setdefault(key[side], []).append(value)
        return {name: float(np.mean(found)) for name, found in values.items()}
