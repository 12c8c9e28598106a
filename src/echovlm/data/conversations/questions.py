"""Questions whose answers follow from facts: open, single choice, and true or false.

A wrong option and a false statement are another valid value of the same attribute, and one that
does not overlap with the true one ("not circumscribed" is no wrong option beside "spiculated").
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from echovlm import prompts
from echovlm.data.conversations.composer import Written, single, upper_first
from echovlm.data.conversations.known import Known, written_value
from echovlm.facts import Fact
from echovlm.facts.lexicon import attribute, name_words
from echovlm.prompts import Task
from echovlm.terms import Language

_MARKS = ("{}. ", "({}) ", "{}) ", "{}: ")
_MOST_OPTIONS = 5
_LEAST_OPTIONS = 3

# Values that may hold at once, or that a reader may call by either name.
_OVERLAP = (
    {"hypoechoic", "very hypoechoic", "complex cystic and solid"},
    {"not circumscribed", "indistinct", "angular", "microlobulated", "spiculated"},
    {"irregular", "lobulated"},
    {"oval", "lobulated"},
    {"round or oval", "oval", "round"},
    {"enhancement", "combined"},
    {"shadowing", "combined"},
)
_NO_OPTIONS = {"present", "multiple", "round or oval", "combined"}
_CHOICES = (
    "anatomy",
    "diagnosis",
    "pathology",
    "shape",
    "margin",
    "echogenicity",
    "posterior",
    "calcification",
    "vascularity",
    "image_position",
    "birads",
    "structure",
    "tissue_composition",
    "stenosis",
    "sfu_grade",
    "steatosis_grade",
)
_CATEGORIES = ("2", "3", "4", "5")


@dataclass(frozen=True)
class Asked:
    """A question with its answer.

    Attributes:
        task: QUESTION, CHOICE or JUDGE.
        question: what the user types, without image tags.
        answer: what is true.
    """

    task: Task
    question: str
    answer: Written


def open_questions(
    known: Known, language: Language, rng: np.random.Generator, count: int
) -> list[Asked]:
    """Ask about drawn attributes, at most ``count``."""
    names = [n for n in known.asked(language) if _wording(known, n, language).questions]
    drawn = [names[i] for i in rng.permutation(len(names))[:count]]
    asked = []
    for name in drawn:
        wording = _wording(known, name, language)
        value = known.words(name, language)
        pattern = str(rng.choice(wording.answers))
        said = pattern.format(value=value, Value=upper_first(value))
        facts = (known.facts[name],)
        question = str(rng.choice(wording.questions))
        asked.append(Asked(Task.QUESTION, question, single(said, facts)))
    return asked


def _wording(known: Known, name: str, language: Language) -> prompts.Wording:
    named = name_words(name, language)
    return prompts.wording(name, known.value(name), named, language)


def choices(known: Known, language: Language, rng: np.random.Generator, count: int) -> list[Asked]:
    """Ask to choose, at most ``count`` times; every second answer restates its option."""
    names = [name for name in known.asked(language) if name in _CHOICES]
    phrasings = prompts.phrasings(Task.CHOICE, language)
    restating = [text for text in phrasings if _restates(text)]
    plain = [text for text in phrasings if not _restates(text)]
    asked: list[Asked] = []
    for position in rng.permutation(len(names)):
        name = names[position]
        wrong = distractors(known, name, language)
        if len(asked) == count:
            break
        if len(wrong) < _LEAST_OPTIONS - 1:
            continue
        restate = bool(len(asked) % 2)
        frame = str(rng.choice(restating if restate else plain))
        asked.append(_choice(known, name, language, rng, wrong, frame, restate))
    return asked


def _restates(frame: str) -> bool:
    words = ("restate", "repeat", "wording", "its text", "内容", "复述", "文字")
    return any(word in frame for word in words)


def _choice(
    known: Known,
    name: str,
    language: Language,
    rng: np.random.Generator,
    wrong: list[str],
    frame: str,
    restate: bool,
) -> Asked:
    right = known.words(name, language)
    size = min(int(rng.integers(_LEAST_OPTIONS, _MOST_OPTIONS + 1)), len(wrong) + 1)
    options = [wrong[i] for i in rng.permutation(len(wrong))[: size - 1]]
    place = int(rng.integers(size))
    options.insert(place, right)
    mark = str(rng.choice(_MARKS))
    lines = [f"{mark.format(chr(65 + i))}{option}" for i, option in enumerate(options)]
    subject = _subject(known, name, language, rng)
    joint = "\n" if rng.random() < 0.7 else ("；" if language is Language.CHINESE else "; ")
    question = f"{frame}\n{subject}\n{joint.join(lines)}"
    answer = lines[place] if restate else chr(65 + place)
    return Asked(Task.CHOICE, question, single(answer, (known.facts[name],)))


def _subject(known: Known, name: str, language: Language, rng: np.random.Generator) -> str:
    questions = _wording(known, name, language).questions
    if not questions:
        task = Task.ANATOMY if name == "anatomy" else Task.DIAGNOSIS
        questions = prompts.phrasings(task, language)
    return str(rng.choice(questions))


def distractors(known: Known, name: str, language: Language) -> list[str]:
    """Other values of an attribute, in words, that are false for this record."""
    true = known.value(name)
    every = _CATEGORIES if name == "birads" else tuple(attribute(name).values)
    if name == "birads" and true not in _CATEGORIES:
        return []
    if name == "structure":
        present = {fact.value for fact in known.record.facts if fact.name == "structure"}
        every = tuple(value for value in every if value not in present | {"lesion", "mass"})
    if name == "diagnosis" and known.record.anatomy is not None:
        every = tuple(label.key for label in prompts.labels(known.record.anatomy))
    if name == "image_position":
        every = tuple(value for value in every if value == true or _apart(str(value), str(true)))
    found = {
        written_value(name, value, language)
        for value in every
        if value != true and value not in _NO_OPTIONS and not _overlap(str(value), str(true))
    }
    return sorted(found - {"", known.words(name, language)})


def _overlap(one: str, other: str) -> bool:
    return any(one in group and other in group for group in _OVERLAP)


def _apart(one: str, other: str) -> bool:
    """Whether two of the nine cells do not touch, so that neither could be called by the other."""
    (row, column), (row2, column2) = _cell(one), _cell(other)
    return abs(row - row2) > 1 or abs(column - column2) > 1


def _cell(name: str) -> tuple[int, int]:
    if name == "centre":
        return 1, 1
    first, second = name.split()
    rows = {"upper": 0, "middle": 1, "lower": 2}
    return rows[first], {"left": 0, "middle": 1, "right": 2}[second]


def judgements(
    known: Known, language: Language, rng: np.random.Generator, count: int
) -> list[Asked]:
    """Ask whether statements are true, at most ``count``; true and false in turn."""
    names = [name for name in known.asked(language) if _can_be_judged(known, name, language)]
    frames = list(prompts.phrasings(Task.JUDGE, language))
    asked: list[Asked] = []
    first = bool(rng.integers(2))
    for number, position in enumerate(rng.permutation(len(names))[:count]):
        name = names[position]
        true = first if number % 2 == 0 else not first
        statement = _statement(known, name, language, rng, true)
        frame = frames.pop(int(rng.integers(len(frames))))
        answer = single(str(true), _behind(known, name))
        asked.append(Asked(Task.JUDGE, f"{frame}\n{statement}", answer))
    return asked


def _behind(known: Known, name: str) -> tuple[Fact, ...]:
    return (known.facts[name],)


def _can_be_judged(known: Known, name: str, language: Language) -> bool:
    if isinstance(known.value(name), bool):
        return True
    return name in _CHOICES and bool(distractors(known, name, language))


def _statement(
    known: Known, name: str, language: Language, rng: np.random.Generator, true: bool
) -> str:
    value = known.value(name)
    if isinstance(value, bool):
        shown = value if true else not value
        return prompts.wording(name, shown, name_words(name, language), language).statement
    words = known.words(name, language)
    if not true:
        words = str(rng.choice(distractors(known, name, language)))
    return _wording(known, name, language).statement.format(value=words)
