"""Open questions about attributes of a study."""

from __future__ import annotations

import numpy as np

from echovlm.data.conversations.asked import Asked, fitting
from echovlm.data.conversations.composer import single, upper_first
from echovlm.data.conversations.descriptors import draw
from echovlm.data.conversations.known import Known
from echovlm.prompts import Task
from echovlm.prompts.wording import wording
from echovlm.terms import Language


def open_questions(
    known: Known, language: Language, rng: np.random.Generator, count: int
) -> list[Asked]:
    """Ask about drawn attributes, at most ``count``; only what is known is asked."""
    names = [name for name in known.asked(language) if _questions(known, name, language)]
    drawn = [names[index] for index in rng.permutation(len(names))[:count]]
    return [_question(known, name, language, rng) for name in drawn]


def _questions(known: Known, name: str, language: Language) -> tuple[str, ...]:
    questions = wording(name, known.value(name), language).questions
    return fitting(questions, language, known.pictures)


def _question(known: Known, name: str, language: Language, rng: np.random.Generator) -> Asked:
    value = known.words(name, language)
    answer = draw(wording(name, known.value(name), language).answers, rng)
    text = answer.format(value=value, Value=upper_first(value))
    question = draw(_questions(known, name, language), rng)
    return Asked(Task.QUESTION, question, single(text, known.behind(name)))
