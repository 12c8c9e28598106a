"""How the attributes of a study are asked about, stated and answered, as data in two languages.

One rule: a wording belongs to an attribute of ``echovlm.facts`` (a name of its lexicon) and holds
``{value}`` where the lexicon's words go (``{Value}`` with a capital letter), so that no word for a
value stands here twice.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from echovlm.terms import Language


@dataclass(frozen=True)
class Wording:
    """One attribute with one value in one language.

    Attributes:
        questions: open questions; none of them is asked where the attribute is unknown.
        stem: what stands above the options of a single choice, empty where there is no choice.
        option: how a value stands as an option.
        statement: a sentence that states the attribute.
        answers: short answers.
    """

    questions: tuple[str, ...]
    stem: str
    option: str
    statement: str
    answers: tuple[str, ...]


@cache
def _data(name: str) -> dict[str, Any]:
    return json.loads(resources.files(__package__).joinpath(name).read_text(encoding="utf-8"))


def _of_language(kind: str, language: Language | str) -> dict[str, Any]:
    return _data(f"{kind}_{Language(language).value}.json")


@cache
def asked_attributes(language: Language | str) -> tuple[str, ...]:
    """Names of the attributes that can be asked about."""
    return tuple(_of_language("attributes", language)["attributes"])


def wording(name: str, value: object, language: Language | str) -> Wording:
    """The wording for one attribute.

    Args:
        name: attribute, one of :func:`asked_attributes`.
        value: its value; a few values have statements and answers of their own.
        language: language of all texts.

    Raises:
        KeyError: for an attribute without wording.
    """
    entry = _of_language("attributes", language)["attributes"][name]
    return Wording(
        questions=tuple(entry["questions"]),
        stem=entry.get("stem", ""),
        option=entry.get("option", "{value}"),
        statement=_for_value(entry["statement"], value),
        answers=tuple(_for_value(entry["answers"], value)),
    )


def _for_value(entry: Any, value: object) -> Any:
    """What an entry holds for a value: its own, else the one for all others."""
    if not isinstance(entry, Mapping):
        return entry
    key = str(value).lower() if isinstance(value, bool) else str(value)
    return entry[key] if key in entry else entry[""]


def restating(language: Language | str) -> tuple[str, ...]:
    """Requests to choose an option and to repeat its text."""
    return tuple(_of_language("attributes", language)["restating"])


def clauses(name: str, kind: str, value: object, language: Language | str) -> tuple[str, ...]:
    """Clauses of a report that state an attribute, with ``{value}``; ``{an}`` is its article.

    Args:
        name: attribute.
        kind: "is" for a clause that can stand alone; in English also "with" for what may follow
            that word, and "bare" for an entry of a list.
        value: canonical value.
        language: language of the clauses.

    Returns:
        Alternatives that mean the same; none where the attribute has no clause of this kind.
    """
    entry = _of_language("clauses", language).get(name, {}).get(kind)
    return () if entry is None else tuple(_for_value(entry, value))


def exclusive_sets(name: str) -> tuple[tuple[str, ...], ...]:
    """Sets of values of an attribute of which no two can be true of the same thing."""
    return tuple(tuple(values) for values in _data("exclusive.json").get(name, ()))
