"""An engine that says what it was told to say: for tests of everything above a network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from echovlm import prompts
from echovlm.engine.base import BaseEngine
from echovlm.engine.decoding import Generation
from echovlm.prompts import Task
from echovlm.terms import Language

_REPORT = {
    Language.ENGLISH: "Findings: Normal echotexture.\nImpression: No abnormality.",
    Language.CHINESE: "超声所见：回声均匀。\n超声提示：未见异常。",
}


class ScriptedEngine(BaseEngine):
    """Same doors as :class:`~echovlm.engine.engine.Engine`, without a network.

    Args:
        answers: text per question; the canonical report questions have a default, any other
            question gets ``otherwise``.
        preferred: names that closed-set scoring puts first.
        otherwise: answer to a question that is not in ``answers``.
        temperature: as fitted for a checkpoint; None for an uncalibrated one.
    """

    name = "scripted"
    version = "1"

    def __init__(
        self,
        answers: Mapping[str, str] | None = None,
        preferred: Sequence[str] = (),
        otherwise: str = "No abnormality is seen.",
        temperature: float | None = 1.0,
    ) -> None:
        super().__init__()
        reports = {prompts.question(Task.REPORT, lang): text for lang, text in _REPORT.items()}
        self.answers = reports | dict(answers or {})
        self.preferred = tuple(preferred)
        self.otherwise = otherwise
        self.temperature = temperature

    def _write(
        self,
        pictures: Sequence[Sequence[np.ndarray]],
        questions: Sequence[str],
        max_new_tokens: int,
    ) -> list[Generation]:
        return [self._generation(question, max_new_tokens) for question in questions]

    def _generation(self, question: str, max_new_tokens: int) -> Generation:
        words = self.answers.get(question, self.otherwise).split(" ")
        return Generation(
            text=" ".join(words[:max_new_tokens]),
            finish_reason="length" if len(words) > max_new_tokens else "stop",
            tokens=min(len(words), max_new_tokens),
        )

    def _pieces(
        self, pictures: Sequence[np.ndarray], question: str, max_new_tokens: int
    ) -> Iterator[str | Generation]:
        generation = self._generation(question, max_new_tokens)
        yield from generation.text
        yield generation

    def _score(
        self, pictures: Sequence[np.ndarray], question: str, candidates: Sequence[str]
    ) -> list[float]:
        return [-0.5 if candidate in self.preferred else -2.0 for candidate in candidates]
