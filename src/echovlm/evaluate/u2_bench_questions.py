"""What is asked of a system in U2-BENCH: its questions as items, its pictures when they are needed.

Every item is open: the benchmark scores what a system writes, so candidates are never ranked.
Beside the benchmark's own questions, a lesion or organ with a box is asked about once more, for the
box itself; the id of that item is the row's with ``:box``.

Pictures stay in the benchmark's files and are read again when they are asked about, a row at a
time, so that memory does not grow with the benchmark.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from echovlm.data.writing import sha256_of
from echovlm.errors import DataError
from echovlm.evaluate.items import UNKNOWN, Item
from echovlm.evaluate.u2_bench import LOCATED, Sample, Task, files, ids_of, rows_of
from echovlm.evaluate.u2_bench_metrics import task_scores
from echovlm.prompts import Task as Prompt
from echovlm.terms import Language

_BOX = ":box"
_PROMPTS = {Task.REPORT: Prompt.REPORT, Task.CAPTION: Prompt.CAPTION}  # the others are questions


@dataclass(frozen=True)
class Plan:
    """What is asked of U2-BENCH, and how it is scored.

    Attributes:
        folder: a download of the benchmark.
        tasks: which of its tasks.
        most: most questions of each file; 0 for all.
        resamples: of the bootstrap over patients.
        seed: of the choice of questions and of the bootstrap.
    """

    folder: Path
    tasks: tuple[Task, ...] = tuple(Task)
    most: int = 0
    resamples: int = 1000
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Questions:
    """The questions of a plan.

    Attributes:
        samples: in the order of their files, without the bytes of their pictures.
        digest: SHA-256 over all files of the benchmark, asked about or not.
        unmeasured: rows whose clinical value was not measured; they are not asked about.
    """

    samples: tuple[Sample, ...]
    digest: str
    unmeasured: int

    @property
    def items(self) -> tuple[Item, ...]:
        """What systems are asked: per sample its own question, then that for its box if any."""
        return tuple(
            item
            for sample in self.samples
            for item in (question_of(sample), *((box_of(sample),) if sample.box else ()))
        )


def read_questions(plan: Plan) -> Questions:
    """The questions of a plan; every row of its tasks is checked, pictures are not decoded.

    Raises:
        DataError: when the folder holds no file of these tasks, naming the first row that cannot be
            read or scored, or when nothing is left to ask.
    """
    chosen: list[Sample] = []
    unmeasured = 0
    for task, path in files(plan.folder, plan.tasks):
        rows = [sample for _, sample in _light(task, path)]
        measured = [sample for sample in rows if sample is not None]
        unmeasured += len(rows) - len(measured)
        chosen += _spread(measured, plan.most, plan.seed)
    if not chosen:
        raise DataError(plan.folder, "holds no question of these tasks", "Name other tasks")
    values = [sample for sample in chosen if sample.task is Task.CLINICAL_VALUE]
    if values:  # one that has no range cannot be scored, which is better told before asking
        task_scores(Task.CLINICAL_VALUE, values, [""] * len(values))
    return Questions(tuple(chosen), _digest(plan.folder), unmeasured)


def _light(task: Task, path: Path) -> Iterator[tuple[str, Sample | None]]:
    for name, sample in rows_of(task, path):
        yield name, sample and replace(sample, picture=b"")


def _spread(samples: Sequence[Sample], most: int, seed: int) -> Sequence[Sample]:
    """At most so many of a file, chosen by the seed, in the order of the file."""
    if not 0 < most < len(samples):
        return samples

    def place(sample: Sample) -> bytes:
        return hashlib.sha256(f"{seed}\0{sample.id}".encode()).digest()

    kept = {sample.id for sample in sorted(samples, key=place)[:most]}
    return [sample for sample in samples if sample.id in kept]


def _digest(folder: Path) -> str:
    told = "".join(f"{task}/{path.name} {sha256_of(path)}\n" for task, path in files(folder))
    return hashlib.sha256(told.encode()).hexdigest()


def known_ids(folder: Path) -> frozenset[str]:
    """Every id that a file of predictions may name: all rows of the benchmark and their boxes.

    Raises:
        DataError: when there is no file, or one is no table.
    """
    found: set[str] = set()
    for task, path in files(folder):
        ids = ids_of(task, path)
        found.update(ids)
        if task in LOCATED:
            found.update(name + _BOX for name in ids)
    return frozenset(found)


def question_of(sample: Sample) -> Item:
    """The benchmark's own question."""
    _, _, row = sample.id.rpartition(":")
    return Item(
        id=sample.id,
        number=int(row),
        study=sample.id,
        images=(sample.id.removesuffix(f":{row}"),),
        patient=sample.patient,
        source=sample.file,
        anatomy=sample.anatomy or UNKNOWN,
        task=_PROMPTS.get(sample.task, Prompt.QUESTION),
        language=Language.ENGLISH,
        question=sample.question,
        reference=sample.reference,
    )


def box_of(sample: Sample) -> Item:
    """The question for the box of a sample that has one."""
    assert sample.box is not None
    return replace(
        question_of(sample),
        id=sample.id + _BOX,
        question=sample.box_question,
        reference=str([round(side, 4) for side in sample.box]),
    )


class Pictures:
    """Gives the picture of an item, read from its file again; one row is held at a time.

    Items in the order of their file take one pass over it; a step back begins it anew.

    Args:
        folder: the benchmark.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file, self._row = "", -1
        self._rows: Iterator[tuple[str, Sample | None]] = iter(())
        self._last: tuple[str, list[np.ndarray]] = "", []

    def __call__(self, item: Item) -> Sequence[np.ndarray]:
        """The picture, ``(H, W, 3)`` uint8 RGB, alone in a list.

        Raises:
            DataError: when it is damaged, or its row is no longer there.
        """
        if item.study != self._last[0]:
            self._last = item.study, [self._sample(item).pixels()]
        return self._last[1]

    def _sample(self, item: Item) -> Sample:
        path = self._folder / item.images[0]
        if item.images[0] != self._file or item.number <= self._row:
            self._file = item.images[0]
            self._rows = rows_of(Task(path.parent.name), path)
        self._row = item.number
        for name, sample in self._rows:
            if name == item.study and sample is not None:
                return sample
        raise DataError(path, f"has lost row {item.number}", "Leave it as it is during a run")
