"""Samples of a record: reports, descriptions, diagnoses and questions in both languages.

Texts that the source gives are used as they are; where it gives none, they are written from facts.
Everything that is drawn depends on the seed, the record, the language and the task alone.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from echovlm.data.conversations.asked import Asked, ask
from echovlm.data.conversations.choices import choices
from echovlm.data.conversations.composer import Written
from echovlm.data.conversations.findings import caption, findings
from echovlm.data.conversations.impression import diagnosis, impression, region
from echovlm.data.conversations.judgements import judgements
from echovlm.data.conversations.known import known_of
from echovlm.data.conversations.questions import open_questions
from echovlm.data.record import Record, ReportText
from echovlm.data.sample import IMAGE_TAG, Provenance, Sample, Turn
from echovlm.facts import Origin
from echovlm.prompts import Task
from echovlm.report import render_text
from echovlm.terms import Anatomy, Language

OPEN_QUESTIONS, CHOICES, JUDGEMENTS, CAPTIONS = 3, 2, 2, 2
"""Most samples of each kind per record and language."""

_NO_ORGANS = (Anatomy.VESSEL, Anatomy.GYNAECOLOGY)
_PROVENANCE = {
    Origin.HUMAN: Provenance.HUMAN,
    Origin.SIMULATED: Provenance.SIMULATED,
    Origin.MACHINE: Provenance.MACHINE,
}


def samples_of(
    record: Record, *, seed: int, languages: Sequence[Language] = tuple(Language)
) -> list[Sample]:
    """Write true samples about a record.

    Args:
        record: an imported study whose reports can be trusted.
        seed: decides every drawn wording; equal seeds give equal samples.
        languages: of the answers.

    Returns:
        Samples without a split; few or none where little is known.
    """
    return [sample for language in languages for sample in _Samples(record, seed, language).all()]


class _Samples:
    """The samples of one record in one language."""

    def __init__(self, record: Record, seed: int, language: Language) -> None:
        self._record = record
        self._seed = seed
        self._language = language
        self._known = known_of(record)
        self._numbers: Counter[Task] = Counter()
        self._of_facts = _provenance_of_facts(record)

    def all(self) -> Iterator[Sample]:
        reports = [text for text in self._record.reports if text.language is self._language]
        if reports:
            for text in reports:
                yield from self._given(text)
        else:
            yield from self._reported()
        yield from self._captioned()
        yield from self._named()
        for draw_asked, count, task in (
            (open_questions, OPEN_QUESTIONS, Task.QUESTION),
            (choices, CHOICES, Task.CHOICE),
            (judgements, JUDGEMENTS, Task.JUDGE),
        ):
            for asked in draw_asked(self._known, self._language, self._rng(task), count):
                yield self._sample(asked, self._of_facts)
        yield from self._asked()

    def _given(self, text: ReportText) -> Iterator[Sample]:
        """Samples of a report that the source gives, verbatim."""
        parts = {Task.FINDINGS: text.findings, Task.IMPRESSION: text.impression}
        if all(parts.values()):
            whole = render_text(text.findings, text.impression, self._language)
            parts = {Task.REPORT: whole, **parts}
        for task, words in parts.items():
            if words:
                provenance = _PROVENANCE.get(text.origin, Provenance.UNKNOWN)
                yield self._task(task, Written(words, ()), provenance)

    def _reported(self) -> Iterator[Sample]:
        """Samples of a report written from facts."""
        seen = findings(self._known, self._language, self._rng(Task.FINDINGS))
        concluded = impression(self._known, self._language, self._rng(Task.IMPRESSION))
        if seen and concluded:
            rng = self._rng(Task.REPORT)
            first = findings(self._known, self._language, rng)
            second = impression(self._known, self._language, rng)
            yield self._task(Task.REPORT, _report(first, second, self._language))
        if seen:
            yield self._task(Task.FINDINGS, seen)
        if concluded:
            yield self._task(Task.IMPRESSION, concluded)

    def _captioned(self) -> Iterator[Sample]:
        """Captions of single pictures."""
        for image in range(min(len(self._record.pictures), CAPTIONS)):
            known = known_of(self._record, image)
            written = caption(known, self._language, self._rng(Task.CAPTION, image))
            if written:
                yield self._task(Task.CAPTION, written, image=image)

    def _named(self) -> Iterator[Sample]:
        """The diagnosis and the region, in a few words."""
        for task, write in ((Task.DIAGNOSIS, diagnosis), (Task.ANATOMY, region)):
            written = write(self._known, self._language)
            if written:
                yield self._task(task, written)

    def _asked(self) -> Iterator[Sample]:
        """Questions with answers that the source gives, verbatim."""
        for text in self._record.asked:
            if text.language is self._language:
                provenance = _PROVENANCE.get(text.origin, Provenance.UNKNOWN)
                asked = Asked(Task.QUESTION, text.question, Written(text.answer, ()))
                yield self._sample(asked, provenance, asked_by=provenance)

    def _task(
        self,
        task: Task,
        answer: Written,
        provenance: Provenance | None = None,
        image: int | None = None,
    ) -> Sample:
        pictures = len(self._record.pictures) if image is None else 1
        rng = self._rng(task, self._numbers[task], "wording")
        of_organ = self._record.anatomy not in _NO_ORGANS
        question = ask(task, self._language, pictures, rng, of_organ=of_organ)
        asked = Asked(task, question, answer)
        return self._sample(asked, provenance or self._of_facts, image=image)

    def _rng(self, task: Task, *more: object) -> np.random.Generator:
        parts = (self._seed, self._record.id, self._language, task, *more)
        digest = hashlib.sha256("\0".join(str(part) for part in parts).encode()).digest()
        return np.random.default_rng(int.from_bytes(digest[:16], "big"))

    def _sample(
        self,
        asked: Asked,
        provenance: Provenance,
        *,
        asked_by: Provenance = Provenance.DERIVED,
        image: int | None = None,
    ) -> Sample:
        record = self._record
        self._numbers[asked.task] += 1
        number = self._numbers[asked.task]
        pictures = record.pictures if image is None else (record.pictures[image],)
        tags = IMAGE_TAG * len(pictures)
        answer = asked.answer
        return Sample(
            id=f"{record.id}/{asked.task}/{self._language}/{number}",
            study=record.id,
            images=tuple(picture.path for picture in pictures),
            turns=(
                Turn(role="user", text=f"{tags}\n{asked.question}", provenance=asked_by),
                Turn(
                    role="assistant",
                    text=answer.text,
                    provenance=provenance,
                    statements=answer.statements,
                ),
            ),
            task=asked.task,
            language=self._language,
            anatomy=record.anatomy,
            source=record.source,
            licence=record.licence,
            patient_key=record.patient_key,
        )


def _provenance_of_facts(record: Record) -> Provenance:
    """Texts made of sampled facts are simulated, those of labels and masks are derived."""
    simulated = any(fact.origin is Origin.SIMULATED for fact in record.facts)
    return Provenance.SIMULATED if simulated else Provenance.DERIVED


def _report(seen: Written, concluded: Written, language: Language) -> Written:
    """Findings and impression as one report; the headings state nothing."""
    whole = render_text(seen.text, concluded.text, language)
    heading = whole[: whole.index(seen.text)]
    between = whole[len(heading) + len(seen.text) : -len(concluded.text)]
    return seen.after(heading).before(concluded, between)
