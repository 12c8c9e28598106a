"""What the network is asked, and the names it may answer with, as data in two languages.

Each task has one canonical question per language, which the engine asks, and a few paraphrases,
which training draws from so that the wording does not matter. How attributes of a study are asked
about and stated is in :mod:`echovlm.prompts.wording`. All images stand before the text of a turn
and the system turn is Qwen's default, as in the published system (its data set class and collator).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib import resources

from echovlm.errors import OptionError
from echovlm.terms import Anatomy, Language

SYSTEM_PROMPT = "You are a helpful assistant."
"""The system turn of every conversation: the default of Qwen2-VL's chat template."""

MAX_QUESTION = 4000
"""Most characters of a question."""


class Task(StrEnum):
    """What is asked of the network about a study."""

    REPORT = "report"
    FINDINGS = "findings"
    IMPRESSION = "impression"
    DIAGNOSIS = "diagnosis"
    ANATOMY = "anatomy"
    CAPTION = "caption"
    QUESTION = "question"
    CHOICE = "choice"
    JUDGE = "judge"


@dataclass(frozen=True)
class Label:
    """One diagnosis that closed-set scoring can choose.

    Attributes:
        key: stable lower-case identifier ("breast-cyst").
        zh: name in Chinese.
        en: name in English.
        anatomy: region it belongs to; None for a label the user typed.
    """

    key: str
    zh: str
    en: str
    anatomy: Anatomy | None = None

    def name(self, language: Language | str) -> str:
        """The label in words, as the network would write it."""
        return self.zh if Language(language) is Language.CHINESE else self.en


@cache
def _data(name: str) -> dict:
    return json.loads(resources.files(__name__).joinpath(name).read_text(encoding="utf-8"))


@cache
def labels(anatomy: Anatomy | str) -> tuple[Label, ...]:
    """Every diagnosis label of one anatomy, in the order of ``labels.json``."""
    region = Anatomy(anatomy)
    return tuple(Label(**entry, anatomy=region) for entry in _data("labels.json")[region.value])


@cache
def all_labels() -> tuple[Label, ...]:
    """The labels of all seven anatomies."""
    return tuple(entry for region in _data("labels.json") for entry in labels(region))


def label(key: str) -> Label:
    """The label with this key.

    Raises:
        OptionError: if no label has the key.
    """
    for entry in all_labels():
        if entry.key == key:
            return entry
    raise OptionError(
        f"'{key}' is not a known diagnosis label; choose one of "
        f"{', '.join(entry.key for entry in all_labels())}."
    )


def anatomy_name(anatomy: Anatomy | str, language: Language | str) -> str:
    """Name of an anatomical region in words, as the network would write it."""
    return _data("anatomies.json")[Anatomy(anatomy).value][Language(language).value]


def phrasings(task: Task | str, language: Language | str) -> tuple[str, ...]:
    """The canonical question of a task, followed by its paraphrases."""
    return tuple(_data(f"questions_{Language(language).value}.json")[Task(task).value])


def question(task: Task | str, language: Language | str) -> str:
    """The canonical question of a task: the one the engine asks."""
    return phrasings(task, language)[0]
