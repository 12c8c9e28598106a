"""Samples of a record: reports, descriptions, diagnoses and questions in both languages.

Texts that the source gives are used as they are; where it gives none, they are written from facts.
Everything that is drawn depends on the seed and the record alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from echovlm import prompts
from echovlm.data.conversations.composer import Written, single
from echovlm.data.conversations.findings import findings, impression, region
from echovlm.data.conversations.known import Known, known_of
from echovlm.data.conversations.questions import choices, judgements, open_questions
from echovlm.data.record import Record, ReportText
from echovlm.data.sample import IMAGE_TAG, Provenance, Sample, Turn
from echovlm.facts import Fact, Origin
from echovlm.prompts import Task
from echovlm.report import render_text
from echovlm.terms import Language

OPEN_QUESTIONS, CHOICES, JUDGEMENTS = 3, 2, 2
"""Most samples of each kind per record and language."""

_CANONICAL_SHARE = 0.4  # of tasks asked in the wording that the engine uses
_PROVENANCE = {
    Origin.HUMAN: Provenance.HUMAN,
    Origin.SIMULATED: Provenance.SIMULATED,
    Origin.MACHINE: Provenance.MACHINE,
}


@dataclass(frozen=True)
class _Said:
    """A task with its question and answer, before it is a sample."""

    task: Task
    question: str
    answer: Written
    provenance: Provenance


def samples_of(record: Record, *, seed: int) -> list[Sample]:
    """Write true samples about a record.

    Args:
        record: an imported study whose reports can be trusted.
        seed: decides every drawn wording; equal seeds give equal samples.

    Returns:
        Samples of both languages, without a split; few or none where little is known.
    """
    known = known_of(record)
    samples = []
    for language in Language:
        rng = _rng(seed, record.id, language)
        numbers: dict[Task, int] = {}
        for said in _all(known, language, rng):
            number = numbers[said.task] = numbers.get(said.task, 0) + 1
            samples.append(_sample(record, language, said, number))
    return samples


def _rng(seed: int, record: str, language: Language) -> np.random.Generator:
    digest = hashlib.sha256(f"{seed}\0{record}\0{language}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "big"))


def _sample(record: Record, language: Language, said: _Said, number: int) -> Sample:
    tags = IMAGE_TAG * len(record.pictures)
    return Sample(
        id=f"{record.id}/{said.task}/{language}/{number}",
        study=record.id,
        images=tuple(picture.path for picture in record.pictures),
        turns=(
            Turn(role="user", text=f"{tags}\n{said.question}", provenance=Provenance.DERIVED),
            Turn(
                role="assistant",
                text=said.answer.text,
                provenance=said.provenance,
                statements=said.answer.statements,
            ),
        ),
        task=said.task,
        language=language,
        anatomy=record.anatomy,
        source=record.source,
        licence=record.licence,
        patient_key=record.patient_key,
    )


def _all(known: Known, language: Language, rng: np.random.Generator) -> Iterator[_Said]:
    reports = [text for text in known.record.reports if text.language is language]
    if reports:
        for report in reports:
            yield from _given(report, rng)
    else:
        yield from _described(known, language, rng)
    yield from _named(known, language, rng)
    for asked in (
        *open_questions(known, language, rng, OPEN_QUESTIONS),
        *choices(known, language, rng, CHOICES),
        *judgements(known, language, rng, JUDGEMENTS),
    ):
        yield _Said(asked.task, asked.question, asked.answer, _of_facts(known))
    for text in known.record.asked:
        if text.language is language:
            answer = Written(text.answer, ())
            yield _Said(Task.QUESTION, text.question, answer, _PROVENANCE[text.origin])


def _of_facts(known: Known) -> Provenance:
    """Texts made of sampled facts are simulated, those of labels and masks are derived."""
    simulated = any(fact.origin is Origin.SIMULATED for fact in known.record.facts)
    return Provenance.SIMULATED if simulated else Provenance.DERIVED


def _ask(task: Task, language: Language, rng: np.random.Generator) -> str:
    phrasings = prompts.phrasings(task, language)
    return phrasings[0] if rng.random() < _CANONICAL_SHARE else str(rng.choice(phrasings[1:]))


def _given(text: ReportText, rng: np.random.Generator) -> Iterator[_Said]:
    """Samples of a report that the source gives, verbatim."""
    language, provenance = text.language, _PROVENANCE.get(text.origin, Provenance.DERIVED)
    parts = {
        Task.REPORT: render_text(text.findings, text.impression, language)
        if text.findings and text.impression
        else "",
        Task.FINDINGS: text.findings,
        Task.IMPRESSION: text.impression,
    }
    for task, words in parts.items():
        if words:
            yield _Said(task, _ask(task, language, rng), Written(words, ()), provenance)


def _described(known: Known, language: Language, rng: np.random.Generator) -> Iterator[_Said]:
    """Samples written from facts."""
    provenance = _of_facts(known)
    seen, concluded = findings(known, language, rng), impression(known, language, rng)
    texts = {Task.FINDINGS: seen, Task.IMPRESSION: concluded}
    if seen and concluded:
        texts[Task.REPORT] = _report(seen, concluded, language)
    if seen and len(known.record.pictures) == 1:
        texts[Task.CAPTION] = findings(known, language, rng)
    for task, written in texts.items():
        if written:
            yield _Said(task, _ask(task, language, rng), written, provenance)


def _report(seen: Written, concluded: Written, language: Language) -> Written:
    whole = render_text(seen.text, concluded.text, language)
    heading = whole[: whole.index(seen.text)]
    between = whole[len(heading) + len(seen.text) : -len(concluded.text)]
    return seen.after(heading).before(concluded, between)


def _named(known: Known, language: Language, rng: np.random.Generator) -> Iterator[_Said]:
    """The diagnosis and the region, in a few words."""
    provenance = _of_facts(known)
    words, facts = _diagnosis(known, language)
    if words:
        question = _ask(Task.DIAGNOSIS, language, rng)
        yield _Said(Task.DIAGNOSIS, question, single(words, facts), provenance)
    words, facts = region(known, language)
    if words:
        question = _ask(Task.ANATOMY, language, rng)
        yield _Said(Task.ANATOMY, question, single(words, facts), provenance)


def _diagnosis(known: Known, language: Language) -> tuple[str, tuple[Fact, ...]]:
    for names in (("diagnosis",), ("histology", "pathology"), ("pathology",)):
        words = [known.words(name, language) for name in names]
        if all(words):
            facts = tuple(known.facts[name] for name in names)
            if len(words) == 1:
                return words[0], facts
            chinese = language is Language.CHINESE
            return (f"{words[0]}（{words[1]}）" if chinese else f"{words[0]} ({words[1]})"), facts
    return "", ()
