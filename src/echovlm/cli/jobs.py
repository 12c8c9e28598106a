"""Paths in, results out: what ``report``, ``diagnose`` and ``ask`` have in common.

Paths are read and answered a few at a time, so that memory stays bounded however many are given. A
path that cannot be read is told on stderr and in the JSON; the others get their results.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from echovlm.cli import layout
from echovlm.errors import StudyError

if TYPE_CHECKING:
    from echovlm.engine import BaseEngine
    from echovlm.report import Answer
    from echovlm.study import Study

_BATCH = 4  # studies read and answered together
BAD_INPUT = 2

LoadArguments = tuple[str | None, str, str, int | None]


@dataclass(frozen=True)
class Job:
    """One of the three jobs.

    Attributes:
        name: key of the result in the JSON: "report", "diagnosis" or "answer".
        answer: results of a batch of studies.
        stream: pieces of the answer about one study, where the job can be shown as it is written.
    """

    name: str
    answer: Callable[[BaseEngine, list[Study]], list[Any]]
    stream: Callable[[BaseEngine, Study], Generator[str, None, Answer]] | None = None


@dataclass
class Outcome:
    """One path and what became of it.

    Attributes:
        path: as the user gave it.
        study: what was read; dropped once answered, so that memory stays bounded.
        summary: what the JSON says of the study.
        result: report, diagnosis or answer.
        error: why there is no result, else empty.
    """

    path: str
    study: Study | None = None
    summary: dict[str, Any] = field(default_factory=dict)
    result: Any = None
    error: str = ""


def run_job(job: Job, paths: Sequence[str], as_json: bool, load: LoadArguments) -> int:
    """Do a job for every path and print what came out.

    Args:
        job: which job.
        paths: as the user gave them.
        as_json: print one JSON document instead of the laid-out text.
        load: model, device, dtype and visual tokens, as :meth:`Engine.load` takes them.

    Returns:
        The exit code.
    """
    engine: BaseEngine | None = None
    outcomes: list[Outcome] = []
    for start in range(0, len(paths), _BATCH):
        batch = [_read(path) for path in paths[start : start + _BATCH]]
        readable = [outcome for outcome in batch if outcome.study is not None]
        if readable:
            if engine is None:
                with layout.busy("Loading the model"):
                    engine = _load(load)
            if job.stream is not None and len(paths) == 1 and not as_json:
                layout.show_stream(readable[0], job.stream(engine, _study(readable[0])))
            else:
                with layout.busy("Looking at the images"):
                    results = job.answer(engine, [_study(outcome) for outcome in readable])
                for outcome, result in zip(readable, results, strict=True):
                    outcome.result = result
                    if not as_json:
                        layout.show(outcome)
        for outcome in readable:
            outcome.study = None
        outcomes += batch
    if as_json:
        layout.print_json([_entry(job, outcome) for outcome in outcomes])
    return BAD_INPUT if any(outcome.error for outcome in outcomes) else 0


def _study(outcome: Outcome) -> Study:
    assert outcome.study is not None
    return outcome.study


def _read(path: str) -> Outcome:
    from echovlm.imaging import read

    try:
        if not path:
            raise StudyError("''", "is an empty path", "Name a file or folder")
        study = read(path)
    except StudyError as error:
        layout.show_error(str(error))
        return Outcome(path, error=str(error))
    summary = {
        "clips": len(study.clips),
        "frames": sum(len(clip.frames) for clip in study.clips),
        "calibrated": study.is_calibrated,
        "left_out": [{"path": file.path, "reason": file.reason} for file in study.left_out],
    }
    return Outcome(path, study=study, summary=summary)


def _entry(job: Job, outcome: Outcome) -> dict[str, Any]:
    """One element of ``results`` in the JSON."""
    if outcome.error:
        return {"path": outcome.path, "error": outcome.error}
    result = outcome.result.model_dump(mode="json")
    return {"path": outcome.path, "error": None, "study": outcome.summary, job.name: result}


def _load(load: LoadArguments) -> BaseEngine:
    from transformers.utils import logging

    from echovlm.engine import Engine

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    return Engine.load(*load)
