"""True or false: a statement as the facts have it, or with exactly one value changed."""

from __future__ import annotations

import numpy as np

from echovlm.data.conversations.asked import Asked, fitting
from echovlm.data.conversations.composer import single, upper_first
from echovlm.data.conversations.contrasts import contrasts
from echovlm.data.conversations.descriptors import draw
from echovlm.data.conversations.known import Known, written_value
from echovlm.prompts import Task, phrasings
from echovlm.prompts.wording import wording
from echovlm.terms import Language


def judgements(
    known: Known, language: Language, rng: np.random.Generator, count: int
) -> list[Asked]:
    """Ask whether statements are true, at most ``count``; true and false in turn."""
    names = [name for name in known.asked(language) if contrasts(known, name, language)]
    drawn = [names[index] for index in rng.permutation(len(names))[:count]]
    first = bool(rng.integers(2))
    frames = fitting(phrasings(Task.JUDGE, language), language, known.pictures)
    return [
        _judgement(known, name, language, frames, rng, true=bool(number % 2) is not first)
        for number, name in enumerate(drawn)
    ]


def _judgement(
    known: Known,
    name: str,
    language: Language,
    frames: tuple[str, ...],
    rng: np.random.Generator,
    *,
    true: bool,
) -> Asked:
    value = known.value(name) if true else draw(contrasts(known, name, language), rng)
    assert value is not None
    words = written_value(name, value, language)
    form = wording(name, value, language).statement
    statement = form.format(value=words, Value=upper_first(words))
    question = f"{draw(frames, rng)}\n{statement}"
    return Asked(Task.JUDGE, question, single(str(true), known.behind(name)))
