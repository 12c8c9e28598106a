"""Simulated cases on disk, made once on all cores and read back by the training recipes.

A shard is one ``.npz`` file without pickles: the grey stills of its cases in one flat array, their
shapes, and one JSON text with everything that is said about each case. A shard is a function of its
label and first seed alone; it appears under its name only when it is whole, so building can be
stopped at any moment and goes on where it was.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from echovlm.simulate.cases import LABELS, Case, make_case
from echovlm.terms import Language

CASES_PER_SHARD = 50
SEEDS_PER_LABEL = 10_000


@dataclass(frozen=True, eq=False)
class StoredCase:
    """A simulated case as training reads it back.

    Attributes:
        seed: seed of :func:`echovlm.simulate.cases.make_case`.
        anatomy: region shown.
        label: key of the diagnosis label.
        features: categorical features, flat name to value.
        reports: report text per language.
        diagnoses: name of the label per language.
        questions: ``(question, answer)`` pairs per language.
        stills: grey images ``(H, W)`` uint8, 0-255.
    """

    seed: int
    anatomy: str
    label: str
    features: dict[str, str]
    reports: dict[str, str]
    diagnoses: dict[str, str]
    questions: dict[str, list[list[str]]]
    stills: list[np.ndarray]


def build_shards(
    folder: Path, first_seed: int, cases_per_label: int, workers: int = 1
) -> list[Path]:
    """Simulate equally many cases of every label and store them as shards of 50.

    Args:
        folder: where the shards go; made where absent. Whole shards found there are kept.
        first_seed: seed of the first case; each label owns the next 10,000 seeds.
        cases_per_label: how many of each label, at most 10,000.
        workers: processes. Each wants one core: set ``OMP_NUM_THREADS=1``.

    Returns:
        The paths of all shards, label by label in the order of their seeds.
    """
    folder.mkdir(parents=True, exist_ok=True)
    jobs = [
        (
            folder / f"{label}-{offset:04d}.npz",
            label,
            first_seed + number * SEEDS_PER_LABEL + offset,
            min(CASES_PER_SHARD, cases_per_label - offset),
        )
        for number, label in enumerate(sorted(LABELS))
        for offset in range(0, cases_per_label, CASES_PER_SHARD)
    ]
    missing = [job for job in jobs if not job[0].exists()]
    columns = (TextColumn("simulating"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns) as progress, ProcessPoolExecutor(max_workers=workers) as pool:
        bar = progress.add_task("shards", total=len(jobs), completed=len(jobs) - len(missing))
        try:
            for done in as_completed([pool.submit(_write_shard, *job) for job in missing]):
                done.result()
                progress.advance(bar)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return [path for path, *_ in jobs]


def read_shards(paths: Sequence[Path]) -> Iterator[StoredCase]:
    """Read cases back in the order of the shards."""
    for path in paths:
        with np.load(path, allow_pickle=False) as shard:
            records = json.loads(bytes(shard["records"]).decode("utf-8"))
            pixels, shapes = shard["pixels"], shard["shapes"]
        ends = np.cumsum(shapes.prod(axis=1))
        stills = [
            pixels[end - height * width : end].reshape(height, width)
            for end, (height, width) in zip(ends, shapes, strict=True)
        ]
        taken = 0
        for record in records:
            count = record.pop("stills")
            yield StoredCase(**record, stills=stills[taken : taken + count])
            taken += count


def _write_shard(path: Path, label: str, first_seed: int, count: int) -> None:
    cases = [make_case(first_seed + offset, label) for offset in range(count)]
    stills = [clip.frames[0, :, :, 0] for case in cases for clip in case.study.clips]
    records = json.dumps([_record(case) for case in cases], ensure_ascii=False).encode("utf-8")
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with temporary.open("wb") as file:
        np.savez(
            file,
            records=np.frombuffer(records, dtype=np.uint8),
            shapes=np.array([still.shape for still in stills], dtype=np.int64),
            pixels=np.concatenate([still.reshape(-1) for still in stills]),
        )
    os.replace(temporary, path)


def _record(case: Case) -> dict[str, Any]:
    return {
        "seed": case.seed,
        "anatomy": str(case.anatomy),
        "label": case.label,
        "features": categorical_features(case.feature_values()),
        "reports": {str(lang): case.report_text(lang) for lang in Language},
        "diagnoses": {str(lang): case.diagnosis(lang) for lang in Language},
        "questions": {
            str(lang): [[question.text, question.answer] for question in case.questions(lang)]
            for lang in Language
        },
        "stills": len(case.study.clips),
    }


def categorical_features(values: dict[str, Any], prefix: str = "") -> dict[str, str]:
    """The words, flags and counts among sampled features; continuous values are left out.

    A tuple gives its length, and members that have features of their own (the plaques of an
    artery) give theirs under ``name.position.``.
    """
    found: dict[str, str] = {}
    for name, value in values.items():
        if isinstance(value, (tuple, list)):
            found[prefix + name] = str(len(value))
            for position, member in enumerate(value):
                if isinstance(member, dict):
                    found |= categorical_features(member, f"{prefix}{name}.{position}.")
        elif isinstance(value, (str, bool, int)):
            found[prefix + name] = str(value)
    return found
