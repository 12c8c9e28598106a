"""Single choice: three to five options of which one is true.

An attribute is asked so only where every value it can have finds two contrasts; else the options
would give the answer away (a lesion that is "spiculated" may also be "indistinct", so that only
"circumscribed" could ever be right).
"""

from __future__ import annotations

import numpy as np

from echovlm.data.conversations.asked import Asked, fitting
from echovlm.data.conversations.composer import Written, single
from echovlm.data.conversations.contrasts import LEAST_OPTIONS, contrasts, options
from echovlm.data.conversations.descriptors import draw
from echovlm.data.conversations.known import Known, written_value
from echovlm.prompts import Task, phrasings
from echovlm.prompts.wording import restating, wording
from echovlm.terms import Language

_MOST_OPTIONS = 5
# How options are marked: before and after the letter or number, and whether in lines.
_LAYOUTS = (
    ("ABCDE", "{}. ", "\n"),
    ("ABCDE", "{}) ", "\n"),
    ("ABCDE", "({}) ", "\n"),
    ("ABCDE", "{}: ", "\n"),
    ("ABCDE", "{}. ", "  "),
    ("12345", "{}. ", "\n"),
    ("12345", "({}) ", "  "),
)


def choices(known: Known, language: Language, rng: np.random.Generator, count: int) -> list[Asked]:
    """Ask to choose, at most ``count`` times; every second answer restates its option."""
    names = [name for name in known.asked(language) if _can_be_chosen(known, name, language)]
    drawn = [names[index] for index in rng.permutation(len(names))[:count]]
    first = bool(rng.integers(2))
    return [
        _choice(known, name, language, rng, restate=bool(number % 2) is first)
        for number, name in enumerate(drawn)
    ]


def _can_be_chosen(known: Known, name: str, language: Language) -> bool:
    has_stem = bool(wording(name, known.value(name), language).stem)
    return has_stem and len(contrasts(known, name, language)) >= LEAST_OPTIONS - 1


def _choice(
    known: Known, name: str, language: Language, rng: np.random.Generator, *, restate: bool
) -> Asked:
    size = int(rng.integers(LEAST_OPTIONS, _MOST_OPTIONS + 1))
    values = options(known, name, language, size, rng)
    form = wording(name, known.value(name), language)
    marks, pattern, joint = draw(_LAYOUTS, rng)
    lines = [
        pattern.format(mark) + form.option.format(value=written_value(name, value, language))
        for mark, value in zip(marks, values, strict=False)
    ]
    right = values.index(known.value(name))  # type: ignore[arg-type]
    frames = restating(language) if restate else phrasings(Task.CHOICE, language)
    frame = draw(fitting(frames, language, known.pictures), rng)
    parts = [form.stem, joint.join(lines)]
    parts.insert(draw((0, 2), rng), frame)
    answer: Written = single(lines[right] if restate else marks[right], known.behind(name))
    return Asked(Task.CHOICE, "\n".join(parts), answer)
