"""What an engine says of held-out cases, with their pictures and with blanked ones.

The engine comes in as an object; it is never told the anatomy that it has to name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from rich.progress import track

from echovlm import prompts
from echovlm.evaluate.blind import blanked
from echovlm.evaluate.calibration import probabilities
from echovlm.evaluate.held_out import HeldOutCase
from echovlm.prompts import Label, Task
from echovlm.prompts.wording import wording
from echovlm.study import Study
from echovlm.terms import Language

_BATCH = 16


class Reader(Protocol):
    """What is scored: an engine, or a scripted object in tests."""

    def report_many(self, studies: Sequence[Study], language: Language) -> Sequence[Any]:
        """Reports with ``findings`` and ``impression``."""
        ...

    def ask_many(self, studies: Sequence[Study], question: str) -> Sequence[Any]:
        """Answers with ``text``."""
        ...

    def diagnose(
        self, study: Study, labels: Sequence[Label] | None = None, *, language: Language
    ) -> Any:
        """A diagnosis with ``anatomy`` and ranked ``candidates`` (``key``, ``log_likelihood``)."""
        ...


ClosedSet = Mapping[str, tuple[Label, ...]]
"""Classes to choose from; a class may have several wordings, whose probabilities are added."""

Write = Callable[[Reader, Sequence[Study], Language], list[str]]
"""What is to be written about a batch of studies."""


@dataclass(frozen=True)
class Job:
    """What is asked about each case, in both languages.

    Attributes:
        anatomy: whether the anatomy is to be named.
        closed_set: gives the classes of a case, None where no class is to be chosen.
        write: gives the texts of a batch, None where nothing is to be written.
    """

    anatomy: bool = False
    closed_set: Callable[[HeldOutCase], ClosedSet] | None = None
    write: Write | None = None


@dataclass(frozen=True)
class Said:
    """What an engine said of one case, by language.

    Attributes:
        anatomy: the anatomy it named.
        scores: log-likelihood of every wording, by (class, place of the wording in it).
        text: what it wrote.
    """

    anatomy: dict[Language, str] = field(default_factory=dict)
    scores: dict[Language, dict[tuple[str, int], float]] = field(default_factory=dict)
    text: dict[Language, str] = field(default_factory=dict)

    def probabilities(self, language: Language, temperature: float = 1.0) -> dict[str, float]:
        """Probability of each class in one language."""
        scores = self.scores[language]
        chances: dict[str, float] = {}
        for (name, _), value in zip(
            scores, probabilities(list(scores.values()), temperature), strict=True
        ):
            chances[name] = chances.get(name, 0.0) + float(value)
        return chances

    def probability(self, name: str, temperature: float = 1.0) -> float:
        """Probability of one class, mean of both languages."""
        return float(np.mean([self.probabilities(one, temperature)[name] for one in self.scores]))

    def choice(self, language: Language, temperature: float = 1.0) -> str:
        """The most probable class in one language."""
        chances = self.probabilities(language, temperature)
        return max(chances, key=lambda name: chances[name])


def listen(
    reader: Reader, cases: Sequence[HeldOutCase], job: Job, *, blank: bool, title: str
) -> list[Said]:
    """Put a job to an engine, case by case.

    Args:
        reader: the engine.
        cases: held-out cases.
        job: what is asked.
        blank: replace every picture by its mean grey.
        title: what the progress bar says.
    """
    said: list[Said] = []
    for start in track(range(0, len(cases), _BATCH), description=title):
        batch = cases[start : start + _BATCH]
        studies = [blanked(case.study()) if blank else case.study() for case in batch]
        heard = [Said() for _ in batch]
        for language in Language:
            if job.write:
                for one, text in zip(heard, job.write(reader, studies, language), strict=True):
                    one.text[language] = text
            for case, study, one in zip(batch, studies, heard, strict=True):
                if job.anatomy:
                    one.anatomy[language] = str(reader.diagnose(study, language=language).anatomy)
                if job.closed_set:
                    classes = job.closed_set(case)
                    one.scores[language] = _scores(reader, study, classes, language)
        said += heard
    return said


def _scores(
    reader: Reader, study: Study, classes: ClosedSet, language: Language
) -> dict[tuple[str, int], float]:
    places = {
        label.key: (name, place)
        for name, wordings in classes.items()
        for place, label in enumerate(wordings)
    }
    labels = [label for wordings in classes.values() for label in wordings]
    found = reader.diagnose(study, labels, language=language)
    scores = {candidate.key: candidate.log_likelihood for candidate in found.candidates}
    return {places[key]: scores[key] for key in places}


def labels_of_anatomy(case: HeldOutCase) -> ClosedSet:
    """Every known diagnosis of a case's true anatomy, each a class of its own."""
    region = case.record.anatomy
    return {label.key: (label,) for label in prompts.labels(region)} if region else {}


def report(reader: Reader, studies: Sequence[Study], language: Language) -> list[str]:
    """Findings and impression without their headings, one above the other."""
    written = reader.report_many(studies, language)
    return [f"{one.findings}\n{one.impression}" for one in written]


def findings(reader: Reader, studies: Sequence[Study], language: Language) -> list[str]:
    """The findings alone."""
    return [one.text for one in reader.ask_many(studies, prompts.question(Task.FINDINGS, language))]


def head_circumference(reader: Reader, studies: Sequence[Study], language: Language) -> list[str]:
    """Answers to the first question about the head circumference."""
    question = wording("head_circumference_mm", 0.0, language).questions[0]
    return [one.text for one in reader.ask_many(studies, question)]
