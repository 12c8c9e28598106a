"""What is asked of a system under test: one question about one study, with its true answer.

Items are read from a built set. The diagnosis and the anatomy are *closed*: a system chooses from
the answers that the set itself holds for this question, so the same rule serves simulated cases,
public sets and the data of a hospital.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from echovlm.data.reader import SampleReader
from echovlm.data.sample import IMAGE_TAG, Sample, Split
from echovlm.errors import DataError, OptionError
from echovlm.evaluate.replies import read_choice, read_judgement, read_options
from echovlm.facts import Fact
from echovlm.prompts import MAX_QUESTION, Task
from echovlm.terms import Language

CLOSED = frozenset({Task.DIAGNOSIS, Task.ANATOMY})
"""Tasks whose answer is chosen from a closed set."""

UNKNOWN = "unknown"
"""The anatomy of an item whose source does not state one."""

_MOST_CANDIDATES = 60
_FITTED = 100_000  # training samples

View = tuple[str, ...]
"""The pictures an item is about: its study and their files."""


Answers = dict[tuple[str, ...], tuple[str, ...]]
"""What closed questions can be answered with, by what they ask."""


@dataclass(frozen=True)
class Item:
    """One question about one study.

    Attributes:
        id: of the sample it was read from, unique within the set.
        number: place of the sample in the reader of its split.
        study: its record.
        images: its picture files, at least one.
        patient: its patient.
        source: name of the data set.
        anatomy: region shown, :data:`UNKNOWN` where the source states none.
        task: what is asked.
        language: of question and answer.
        question: the words of the question, without image tags.
        reference: the true answer.
        candidates: answers to choose from, the reference among them; empty for open tasks.
        facts: what the reference rests on; empty where its text was not made from facts.
    """

    id: str
    number: int
    study: str
    images: tuple[str, ...]
    patient: str
    source: str
    anatomy: str
    task: Task
    language: Language
    question: str
    reference: str
    candidates: tuple[str, ...] = ()
    facts: tuple[Fact, ...] = ()

    @property
    def view(self) -> View:
        """The pictures it is about; equal for items that show the same."""
        return (self.study, *self.images)

    @property
    def digest(self) -> str:
        """What a stored reply depends on: the question and the candidates."""
        parts = (self.id, self.question, *self.candidates)
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


@dataclass(frozen=True, eq=False)
class Items:
    """The items of one evaluation.

    Attributes:
        chosen: in an order that keeps the items of a study together.
        ids: of all samples of the split, asked or not.
        reader: gives their pictures.
        left_out: why samples that were wanted were left out, with their number.
        answers: the set's answers to each closed question, over all its splits.
    """

    chosen: tuple[Item, ...]
    ids: frozenset[str]
    reader: SampleReader
    left_out: dict[str, int]
    answers: Answers
    _last: dict[View, list[np.ndarray]] = field(default_factory=dict)

    def pictures(self, item: Item) -> list[np.ndarray]:
        """The pictures of an item, ``(H, W, 3)`` uint8 RGB; those asked for last are kept.

        Raises:
            DataError: naming a picture that is missing or damaged.
        """
        if item.view not in self._last:
            pictures = self.reader[item.number].pictures
            self._last.clear()
            self._last[item.view] = pictures
        return self._last[item.view]


def read_items(
    data: Path,
    split: Split = Split.TEST,
    tasks: Collection[Task] = tuple(Task),
    languages: Collection[Language] = tuple(Language),
    sources: Collection[str] = (),
    most: int = 0,
    seed: int = 0,
) -> Items:
    """Read the questions of one split of a built set.

    Args:
        data: the built set.
        split: whose patients are asked about.
        tasks: which questions are asked.
        languages: in which languages.
        sources: of which data sets within the set; all where empty.
        most: most items of each task, language and anatomy; 0 for all. Both languages are asked
            about the same studies.
        seed: of that choice, at least 0.

    Raises:
        DataError: when the set cannot be read, two samples have one id, it holds nothing of one of
            the sources, or nothing is left to ask.
        OptionError: for a seed below 0.
    """
    if seed < 0:
        raise OptionError(f"The seed must be 0 or more, not {seed}.")
    reader, held = SampleReader(data, split), _Held()
    found, ids, left_out = _asked(data, reader, _Wanted(tasks, languages, sources), held)
    chosen = spread(found, most, seed) if most else found
    answers = _answers(data) if any(item.task in CLOSED for item in chosen) else {}
    if not held.sources:
        raise DataError(data, f"has no sample in its {split} split", "Name another split")
    for source in sources:
        if source not in held.sources:
            raise DataError(
                data,
                f"holds nothing of source '{source}' in its {split} split; it has "
                f"{_listed(held.sources)}",
                "Name one of these or another split",
            )
    if not chosen:
        reasons = "".join(f"; {count} left out: {why}" for why, count in left_out.items())
        raise DataError(
            data,
            f"holds nothing to ask in its {split} split; it has the tasks {_listed(held.tasks)} in "
            f"the languages {_listed(held.languages)}{reasons}",
            "Name another split or other tasks",
        )
    chosen = _with_candidates(chosen, answers)
    chosen.sort(key=lambda item: (item.study, item.number))
    return Items(tuple(chosen), frozenset(ids), reader, dict(left_out), answers)


def training_items(
    data: Path,
    tasks: Collection[Task],
    languages: Collection[Language],
    sources: Collection[str],
    answers: Answers,
    seed: int = 0,
) -> Items | None:
    """Questions about the training patients, for what is fitted to them.

    Of a larger split, 100,000 samples are drawn.

    Args:
        data: the built set.
        tasks: which questions.
        languages: in which languages.
        sources: of which data sets within the set; all where empty.
        answers: of :func:`read_items` on the same set.
        seed: of the draw.

    Returns:
        None where there are none.

    Raises:
        DataError: when the set cannot be read.
    """
    reader = SampleReader(data, Split.TRAIN)
    count = len(reader)
    drawn = np.random.default_rng(seed).permutation(count)[:_FITTED]
    wanted = _Wanted(tasks, languages, sources)
    samples = ((number, reader.sample(number)) for number in np.sort(drawn).tolist())
    found = [
        _item(number, sample)
        for number, sample in samples
        if wanted.may_be(sample) and not _unasked(sample)
    ]
    if not found:
        return None
    return Items(tuple(_with_candidates(found, answers)), frozenset(), reader, {}, answers)


@dataclass(frozen=True)
class _Wanted:
    """Which samples are asked about; one of unknown task or language may be among them."""

    tasks: Collection[Task]
    languages: Collection[Language]
    sources: Collection[str]

    def may_be(self, sample: Sample) -> bool:
        return (
            (sample.task is None or sample.task in self.tasks)
            and (sample.language is None or sample.language in self.languages)
            and (not self.sources or sample.source in self.sources)
        )


@dataclass(frozen=True)
class _Held:
    """What a split holds."""

    sources: set[str] = field(default_factory=set)
    tasks: set[Task | None] = field(default_factory=set)
    languages: set[Language | None] = field(default_factory=set)

    def add(self, sample: Sample) -> None:
        self.sources.add(sample.source)
        self.tasks.add(sample.task)
        self.languages.add(sample.language)


def _listed(names: Collection[str | None]) -> str:
    return ", ".join(sorted(name or UNKNOWN for name in names)) or "(none)"


def _asked(
    data: Path, reader: SampleReader, wanted: _Wanted, held: _Held
) -> tuple[list[Item], set[str], Counter[str]]:
    """Items, ids of all samples, and why wanted ones were left out."""
    left_out = Counter[str]()
    found: list[Item] = []
    ids: set[str] = set()
    for number in range(len(reader)):
        sample = reader.sample(number)
        if sample.id in ids:
            raise DataError(data, f"holds two samples '{sample.id}'", "Give each its own id")
        ids.add(sample.id)
        held.add(sample)
        if not wanted.may_be(sample):
            continue
        if reason := _unasked(sample) or _untold(sample):
            left_out[reason] += 1
        else:
            found.append(_item(number, sample))
    return found, ids, left_out


def _unasked(sample: Sample) -> str:
    """Why a sample cannot be asked, "" where it can."""
    if sample.task is None or sample.language is None:
        return "task or language unknown"
    if not sample.images:
        return "no picture"
    if not sample.question or not sample.answer.strip():
        return "no question or no answer"
    if sum(turn.role == "user" for turn in sample.turns) > 1:
        return "several questions in one conversation"
    if len(sample.question) > MAX_QUESTION:
        return f"a question of more than {MAX_QUESTION:,} characters"
    return ""


def _untold(sample: Sample) -> str:
    """Why the true answer of a choice or judgement cannot be told, "" where it can."""
    if sample.task is Task.CHOICE:
        options = read_options(sample.question)
        if not options:
            return "a choice whose options cannot be read"
        if read_choice(sample.answer, options) is None:
            return "a choice whose answer names no single option"
    if sample.task is Task.JUDGE and read_judgement(sample.answer) is None:
        return "a judgement whose answer is neither true nor false"
    return ""


def _item(number: int, sample: Sample) -> Item:
    assert sample.task is not None
    assert sample.language is not None
    return Item(
        id=sample.id,
        number=number,
        study=sample.study,
        images=sample.images,
        patient=sample.patient_key,
        source=sample.source,
        anatomy=str(sample.anatomy or UNKNOWN),
        task=sample.task,
        language=sample.language,
        question=sample.question.replace(IMAGE_TAG, "").strip(),
        reference=sample.answer,
        facts=tuple(fact for part in sample.turns[-1].statements for fact in part.facts),
    )


def spread(items: Iterable[Item], most: int, seed: int) -> list[Item]:
    """At most so many of each task, language and anatomy, in the seeded order of their studies.

    Args:
        items: to choose from.
        most: of each group.
        seed: of the order, which is the same for all tasks and languages.
    """
    groups: dict[tuple[str, ...], list[Item]] = {}
    for item in items:
        groups.setdefault((item.task, item.language, item.anatomy), []).append(item)

    def place(item: Item) -> tuple[bytes, str]:
        text = f"{seed}\0{item.study}"
        return hashlib.sha256(text.encode()).digest(), item.id

    return [item for group in groups.values() for item in sorted(group, key=place)[:most]]


def _group(task: Task, source: str, anatomy: str, language: Language) -> tuple[str, ...]:
    """Items of one group choose from the same answers."""
    where = (source, anatomy) if task is Task.DIAGNOSIS else ()
    return (str(task), str(language), *where)


def _answers(data: Path) -> Answers:
    """The different answers to each closed question of a set, over all its splits."""
    reader = SampleReader(data)
    found: dict[tuple[str, ...], set[str]] = {}
    for number in range(len(reader)):
        sample = reader.sample(number)
        if sample.task in CLOSED and not _unasked(sample):
            item = _item(number, sample)
            key = _group(item.task, item.source, item.anatomy, item.language)
            found.setdefault(key, set()).add(item.reference)
    return {key: tuple(sorted(answers)) for key, answers in found.items()}


def _with_candidates(items: Sequence[Item], answers: Answers) -> list[Item]:
    """Closed items with what they choose from.

    A question with a single answer, or with more than can be ranked, is open: there is nothing to
    choose, or the answers are free text.
    """
    done = []
    for item in items:
        candidates: tuple[str, ...] = ()
        if item.task in CLOSED:
            key = _group(item.task, item.source, item.anatomy, item.language)
            candidates = answers[key]
        if not 2 <= len(candidates) <= _MOST_CANDIDATES:
            candidates = ()
        done.append(dataclasses.replace(item, candidates=candidates))
    return done
