"""A question with its true answer, before it becomes a sample; and how a task is asked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from echovlm import prompts
from echovlm.data.conversations.composer import Written
from echovlm.data.conversations.descriptors import draw
from echovlm.prompts import Task
from echovlm.terms import Language

_CANONICAL_SHARE = 0.4  # of tasks asked in the wording that the engine uses
_ONE = {
    Language.CHINESE: re.compile("这幅|该图像|该声像图|这张|图注"),
    Language.ENGLISH: re.compile(r"\b(?:image|picture|sonogram|still)\b"),
}
_MANY = {
    Language.CHINESE: re.compile("这些图像"),
    Language.ENGLISH: re.compile(r"\b(?:images|pictures)\b"),
}
_ORGAN = re.compile("器官|organ")


@dataclass(frozen=True)
class Asked:
    """A question with its answer.

    Attributes:
        task: what is asked.
        question: what the user types, without image tags.
        answer: what is true.
    """

    task: Task
    question: str
    answer: Written


def fitting(wordings: Sequence[str], language: Language, pictures: int) -> tuple[str, ...]:
    """The wordings that do not speak of one picture where there are several, or the reverse."""
    wrong = (_MANY if pictures == 1 else _ONE)[language]
    return tuple(wording for wording in wordings if not wrong.search(wording))


def ask(
    task: Task,
    language: Language,
    pictures: int,
    rng: np.random.Generator,
    *,
    of_organ: bool = True,
) -> str:
    """A wording of a task: often the one that the engine asks, else a paraphrase.

    Args:
        task: what is asked.
        language: language of the wording.
        pictures: how many pictures are shown.
        rng: draws it.
        of_organ: whether the study shows one organ; a wording with that word is else left out.
    """
    if rng.random() < _CANONICAL_SHARE and task is not Task.CAPTION:
        return prompts.question(task, language)
    wordings = fitting(prompts.phrasings(task, language), language, pictures)
    if not of_organ:
        wordings = tuple(wording for wording in wordings if not _ORGAN.search(wording))
    return draw(wordings, rng)
