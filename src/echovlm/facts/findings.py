"""Clinical findings that a text names: what is wrong, what kind of lesion it is, what it shows.

One rule: a finding is a word of its own ("hydronephrosis", 肾积水) or a subject with a state that
stand in one clause ("the collecting system is dilated", 集合系统分离). A state may also be denied
by its opposite ("of normal size", 不大). The words stand in ``findings.json``, those of tissue
kinds in ``lexicon.json`` and those of diagnoses in :mod:`echovlm.prompts`.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Any

from echovlm import prompts
from echovlm.facts import lexicon, patterns
from echovlm.facts.clauses import Clause
from echovlm.facts.mentions import Mention
from echovlm.terms import Anatomy, Language


class FindingKind(StrEnum):
    """What a finding is.

    A lesion is a focal thing of a known type, an abnormality anything else that is wrong. A feature
    is not wrong by itself. A sign is named besides the finding that it stands for ("anechoic area"
    for a cyst) and asked about only where a text denies it.
    """

    LESION = "lesion"
    ABNORMALITY = "abnormality"
    FEATURE = "feature"
    SIGN = "sign"


@dataclass(frozen=True)
class Finding:
    """A clinical finding.

    Attributes:
        key: its name, as in the statements.
        kind: what it is.
        anatomies: regions whose list of entities holds it.
        is_sided: whether it belongs to one side of the body.
        is_physiological: whether it may be seen in a healthy organ too.
        is_outside: whether it lies in a neighbour of its region: a stone of the gallbladder.
    """

    key: str
    kind: FindingKind
    anatomies: tuple[Anatomy, ...]
    is_sided: bool
    is_physiological: bool
    is_outside: bool


@dataclass(frozen=True)
class FindingMention:
    """Where a text names a finding; ``opposite`` where it names the state that excludes it."""

    key: str
    start: int
    end: int
    opposite: bool = False


@cache
def _data() -> dict[str, Any]:
    return json.loads(resources.files(__package__).joinpath("findings.json").read_text("utf-8"))


@cache
def findings() -> Mapping[str, Finding]:
    """Every finding by its key, in the order of ``findings.json``."""
    return {
        key: Finding(
            key,
            FindingKind(entry["kind"]),
            tuple(Anatomy(name) for name in entry.get("anatomies", ())),
            bool(entry.get("sided")),
            bool(entry.get("physiological")),
            bool(entry.get("outside")),
        )
        for key, entry in _data()["findings"].items()
    }


@dataclass(frozen=True)
class _Roles:
    """What one word can stand for."""

    findings: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    opposites: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Token:
    """A word with its roles, where it stands."""

    roles: _Roles
    start: int
    end: int


@cache
def _words(language: Language) -> tuple[re.Pattern[str], dict[str, _Roles]]:
    tongue = language.value
    roles: dict[str, dict[str, list[str]]] = {}

    def add(words: Sequence[str], role: str, name: str) -> None:
        for word in words:
            roles.setdefault(word.lower(), {}).setdefault(role, []).append(name)

    data = _data()
    for name, by_language in data["subjects"].items():
        add(by_language[tongue], "subjects", name)
    for name, entry in data["states"].items():
        add(entry["yes"][tongue], "states", name)
        add(entry["no"][tongue], "opposites", name)
    histology = lexicon.attribute("histology").values
    for key, entry in data["findings"].items():
        own = set(entry.get(tongue, ()))
        own.update(
            word for kind in entry.get("histology", ()) for word in histology[kind][language]
        )
        own.update(prompts.label(label).name(language) for label in entry.get("labels", ()))
        add(sorted(own), "findings", key)
    pattern = re.compile(patterns.alternation(roles, language))
    return pattern, {
        word: _Roles(**{role: tuple(names) for role, names in kinds.items()})
        for word, kinds in roles.items()
    }


# A part of a lesion, or of the organ, says nothing of what the lesion is made of.
_OF_A_PART = {
    Language.CHINESE: re.compile("成分|部分|区|为主|变|暗区|无回声区|组织"),
    Language.ENGLISH: re.compile(
        r" (?:components?|parts?|portions?|areas?|spaces?|tissue|fibrosis)\b"
    ),
}


@cache
def _made_of(language: Language) -> tuple[re.Pattern[str], dict[str, str]]:
    meaning = {
        word: value
        for value, words in _data()["compositions"].items()
        for word in words[language.value]
    }
    return re.compile(patterns.alternation(meaning, language)), meaning


def compositions(flat: str, language: Language) -> Iterator[Mention]:
    """What a flattened text says that lesions are made of: cystic, solid, mixed, spongiform."""
    pattern, meaning = _made_of(language)
    for match in pattern.finditer(flat):
        if not _OF_A_PART[language].match(flat, match.end()):
            value = meaning[" ".join(match[0].split())]
            yield Mention("composition", value, *match.span())


@cache
def _pairs() -> dict[tuple[str, str], str]:
    return {
        (entry["of"], entry["is"]): key
        for key, entry in _data()["findings"].items()
        if "of" in entry
    }


# What a state belongs to where a text about this organ names nothing else: "no stenosis".
_ALONE = {"vessel": "lumen"}
# A clause that opens with its state goes on with the subject of the clause before.
_HEADLESS = {
    Language.CHINESE: re.compile(
        "(?:腔内|内|并|且|均|未见|无|未探及|可见|见|探及|轻度|中度|重度|明显|明确|稍|略|弥漫性|少量|大量|中等量|显著)*"
    ),
    Language.ENGLISH: re.compile(
        r"\s*(?:(?:and|but|with|without|no|not|also|is|are|mildly|moderately|severely|mild|moderate"
        r"|severe|markedly|slightly|diffusely|there|a|an|any)\s+)*"
    ),
}
# "The left atrium is enlarged; the right atrium and right ventricle are not."
_ARE_NOT = re.compile(r"\b(?:is|are)\s+not\s*[.;,]?\s*\Z")


def mentions(
    flat: str, language: Language, clauses: Sequence[Clause], organ: str | None
) -> dict[int, list[FindingMention]]:
    """The findings of a flattened text by the number of their clause, in order.

    Args:
        flat: the text, flattened.
        language: whose words are read.
        clauses: its clauses.
        organ: anatomy the text is about.
    """
    pattern, meaning = _words(language)
    starts = [clause.start for clause in clauses]
    tokens: dict[int, list[_Token]] = {}
    for match in pattern.finditer(flat):
        place = bisect_right(starts, match.start()) - 1
        if place >= 0 and match.end() <= clauses[place].end:
            roles = meaning[" ".join(match[0].split())]
            tokens.setdefault(place, []).append(_Token(roles, *match.span()))
    reader = _Reader(flat, language, _ALONE.get(organ or "", ""))
    found = {}
    for place, here in tokens.items():
        said = list(reader.read(clauses[place], here))
        if said:
            found[place] = said
    return found


class _Reader:
    """Pairs subjects with states, clause by clause.

    Args:
        flat: the text, flattened.
        language: whose order of words holds.
        alone: subject of a state that has none, "" where there is no such subject.
    """

    def __init__(self, flat: str, language: Language, alone: str) -> None:
        self._flat = flat
        self._language = language
        self._alone = alone
        self._clause: Clause | None = None
        self._subjects: list[_Token] = []  # of the clause before
        self._state: _Token | None = None  # the last one of the clause before

    def read(self, clause: Clause, tokens: list[_Token]) -> Iterator[FindingMention]:
        """The findings of one clause, given its words in order."""
        is_next = self._clause is not None and clause.number - self._clause.number <= 2
        before = self._clause if is_next else None
        same = before is not None and before.sentence == clause.sentence
        yield from self._stated(clause, tokens, self._subjects if same else [])
        subjects = [token for token in tokens if token.roles.subjects]
        states = [token for token in tokens if token.roles.states]
        if subjects and not states and before and self._state and self._is_ellipsis(clause):
            for said in _keys(subjects, self._state):
                yield FindingMention(said.key, subjects[0].start, subjects[-1].end, True)
        self._clause = clause
        self._subjects = subjects or (self._subjects if same else [])
        self._state = states[-1] if states else None

    def _is_ellipsis(self, clause: Clause) -> bool:
        stretch = self._flat[max(clause.start, clause.end - _LOOK) : clause.end]
        return self._language is Language.ENGLISH and bool(_ARE_NOT.search(stretch))

    def _stated(
        self, clause: Clause, tokens: list[_Token], before: list[_Token]
    ) -> Iterator[FindingMention]:
        english = self._language is Language.ENGLISH
        group: list[_Token] = []  # subjects since the last state
        last: list[_Token] = []
        for place, token in enumerate(tokens):
            own = [FindingMention(key, token.start, token.end) for key in token.roles.findings]
            if token.roles.subjects:
                group.append(token)
            if not (token.roles.states or token.roles.opposites):
                yield from own
                continue
            about = (_ahead(self._flat, tokens, place) if english else []) or group or last
            if not about and _HEADLESS[self._language].fullmatch(
                self._flat, max(clause.start, token.start - _LOOK), token.start
            ):
                about = before
            keys = list(_keys(about, token))
            if not keys and english:  # "no fluid is seen around the heart"
                keys = list(_keys(tokens[place + 1 :], token))
            if not keys and self._alone:
                keys = list(_keys([_Token(_Roles(subjects=(self._alone,)), 0, 0)], token))
            yield from keys or own  # a stone of the gallbladder is none of the kidney
            last, group = about, []


_LOOK = 160  # characters of a clause that are read
_ATTRIBUTIVE = re.compile(r"(?:\s+(?:of|the|both|a|an|in)\b)*\s+")
_CONJUNCT = re.compile(r"\s+|,?\s+(?:and|or)(?:\s+the)?\s+|,\s+(?:the\s+)?")


def _ahead(flat: str, tokens: list[_Token], place: int) -> list[_Token]:
    """Subjects that a state stands before: "dilated left atrium and left ventricle"."""
    found: list[_Token] = []
    end, joint = tokens[place].end, _ATTRIBUTIVE
    for token in tokens[place + 1 :]:
        if not (token.roles.subjects and joint.fullmatch(flat, end, token.start)):
            break
        found.append(token)
        end, joint = token.end, _CONJUNCT
    return found


def _keys(about: Sequence[_Token], state: _Token) -> Iterator[FindingMention]:
    """The findings that a state makes with its subjects, each once."""
    subjects = dict.fromkeys(name for token in about for name in token.roles.subjects)
    for opposite, names in ((False, state.roles.states), (True, state.roles.opposites)):
        for name in names:
            for subject in subjects:
                key = _pairs().get((subject, name))
                if key:
                    yield FindingMention(key, state.start, state.end, opposite)
