"""Score an engine on unseen simulated cases, with and without their images.

The reader under test comes in as an object with ``report_many`` and ``diagnose``;
nothing here knows what is behind it. A score is believed only beside the same
score with the images blanked: what remains then is what the text alone gives away.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import numpy as np
from rich.progress import track

from echovlm import prompts
from echovlm.evaluate.text import bleu
from echovlm.simulate.cases import Case
from echovlm.study import Study
from echovlm.terms import Language

_BATCH = 10


class Reader(Protocol):
    """What is scored: an engine, or a scripted object in tests."""

    def report_many(self, studies: Sequence[Study], language: Language) -> Sequence[Any]:
        """Reports with ``findings`` and ``impression``."""
        ...

    def diagnose(self, study: Study, *, language: Language) -> Any:
        """A diagnosis with ranked ``candidates`` and ``anatomy_candidates``."""
        ...


def blanked(study: Study) -> Study:
    """The same study with every pixel at the mean grey of its clip: shapes stay, content goes."""
    clips = tuple(
        dataclasses.replace(clip, frames=np.full_like(clip.frames, int(clip.frames.mean())))
        for clip in study.clips
    )
    return dataclasses.replace(study, clips=clips)


def score(reader: Reader, cases: Sequence[Case], blank: bool = False) -> dict[str, Any]:
    """Score reports, anatomy and diagnosis on simulated cases.

    The engine is never told the anatomy: it is inferred, and scored. The diagnosis label is then
    chosen among the labels of the true anatomy, so that its chance level is known.

    Args:
        reader: the engine.
        cases: unseen cases.
        blank: replace every image by its mean grey.

    Returns:
        ``anatomy_accuracy`` and ``diagnosis_accuracy`` (0-1, mean of both languages),
        ``diagnosis_chance``, ``bleu1_zh`` and ``bleu1_en`` (0-100) with their signatures, and
        ``diagnosis_by_anatomy``.
    """
    studies = [_unnamed(blanked(case.study) if blank else case.study) for case in cases]
    result: dict[str, Any] = {"cases": len(cases), "blank": blank}
    for language in Language:
        written = [text for batch in _reports(reader, studies, language) for text in batch]
        true = [f"{case.findings(language)}\n{case.impression(language)}" for case in cases]
        scored = bleu(written, true, language, order=1)
        result[f"bleu1_{language}"] = round(scored.value, 2)
        result[f"bleu1_{language}_signature"] = scored.signature
    named, right = [], []
    for case, study in track(list(zip(cases, studies, strict=True)), description="diagnosing"):
        for language in Language:
            found = reader.diagnose(study, language=language)
            named.append(found.anatomy == case.anatomy)
            told = dataclasses.replace(study, anatomy=case.anatomy)
            best = reader.diagnose(told, language=language).candidates[0]
            right.append((case, best.key == case.label))
    result["anatomy_accuracy"] = round(float(np.mean(named)), 4)
    result["diagnosis_accuracy"] = round(float(np.mean([hit for _, hit in right])), 4)
    result["diagnosis_chance"] = round(float(np.mean([_chance(case) for case in cases])), 4)
    result["diagnosis_by_anatomy"] = {
        anatomy: round(float(np.mean([hit for case, hit in right if case.anatomy == anatomy])), 4)
        for anatomy in sorted({case.anatomy for case in cases})
    }
    return result


def _reports(reader: Reader, studies: Sequence[Study], language: Language) -> Iterator[list[str]]:
    starts = range(0, len(studies), _BATCH)
    for start in track(starts, description=f"reporting {language}"):
        reports = reader.report_many(studies[start : start + _BATCH], language)
        yield [f"{report.findings}\n{report.impression}" for report in reports]


def _chance(case: Case) -> float:
    return 1 / len(prompts.labels(case.anatomy))


def _unnamed(study: Study) -> Study:
    return dataclasses.replace(study, anatomy=None)
