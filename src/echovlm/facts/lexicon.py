"""The words of both languages for every fact: ``lexicon.json`` read once, and looked up.

One rule: of the words of a value the first is how this package writes it, and all of them are how
it reads it. The values follow ACR BI-RADS Ultrasound, 5th edition (2013) for the breast, and plain
report language for the other organs. Names of anatomies and diagnoses come from
:mod:`echovlm.prompts`, so that they stand in one place.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Literal

from echovlm.errors import OptionError
from echovlm.prompts import all_labels, anatomy_name
from echovlm.terms import Anatomy, Language

Kind = Literal["word", "flag", "count", "length", "percent", "velocity", "category"]

_UNITS = {"length": "mm", "percent": "%", "velocity": "cm/s"}
_EN_NUMBERS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_ZH_NUMBERS = "一两三四五六七八九十"


@dataclass(frozen=True)
class Attribute:
    """Everything the lexicon holds about one name.

    Attributes:
        name: canonical name, as in ``Fact.name``.
        kind: what its values are.
        names: its words per language, the canonical one first.
        values: words per canonical value and language, the canonical one first.
        bound: words per value and language that mean the value only beside a word of ``names``
            ("smooth" is a margin in "smooth border" alone).
        pathology: "benign" or "malignant" per value that implies it, for histology.
    """

    name: str
    kind: Kind
    names: Mapping[Language, tuple[str, ...]]
    values: Mapping[str, Mapping[Language, tuple[str, ...]]]
    bound: Mapping[str, Mapping[Language, tuple[str, ...]]]
    pathology: Mapping[str, str]


@cache
def _data() -> dict[str, Any]:
    return json.loads(resources.files(__package__).joinpath("lexicon.json").read_text("utf-8"))


def names() -> tuple[str, ...]:
    """Every canonical name, in the order of ``lexicon.json``."""
    return tuple(_data()["attributes"])


@cache
def attribute(name: str) -> Attribute:
    """The entry of one canonical name.

    Raises:
        OptionError: if the lexicon has no such name.
    """
    if name not in _data()["attributes"]:
        raise OptionError(f"'{name}' is not a name of the lexicon; choose one of {list(names())}.")
    entry = _data()["attributes"][name]
    values = {value: _by_language(words) for value, words in entry["values"].items()}
    return Attribute(
        name=name,
        kind=entry["kind"],
        names=_by_language(entry["names"]),
        values=values | _names_of_prompts(name),
        bound={
            value: _by_language(words["bound"])
            for value, words in entry["values"].items()
            if "bound" in words
        },
        pathology={
            value: words["pathology"]
            for value, words in entry["values"].items()
            if "pathology" in words
        },
    )


def _by_language(words: Mapping[str, Any]) -> dict[Language, tuple[str, ...]]:
    return {tongue: tuple(words.get(tongue.value, ())) for tongue in Language}


def _names_of_prompts(name: str) -> dict[str, dict[Language, tuple[str, ...]]]:
    if name == "anatomy":
        return {
            region.value: {tongue: (anatomy_name(region, tongue),) for tongue in Language}
            for region in Anatomy
        }
    if name == "diagnosis":
        return {
            label.key: {tongue: (label.name(tongue),) for tongue in Language}
            for label in all_labels()
        }
    return {}


def name_words(name: str, language: Language | str) -> str:
    """How this package writes a name ("margin", 边缘).

    Raises:
        OptionError: if the lexicon has no such name.
    """
    return attribute(name).names[Language(language)][0]


def words(name: str, value: bool | int | float | str, language: Language | str) -> str:
    """How this package writes a value: a phrase that can stand in a sentence.

    Quantities carry their unit and are written to a tenth ("12.3 mm"), counts in words up to ten
    ("two", 两个), categories with their system ("BI-RADS 4A", "BI-RADS 4A类").

    Raises:
        OptionError: if the lexicon has no such name, or no words for the value.
    """
    entry, tongue = attribute(name), Language(language)
    if entry.kind in _UNITS and isinstance(value, (int, float)) and not isinstance(value, bool):
        return f"{_tenth(value)}{'' if entry.kind == 'percent' else ' '}{_UNITS[entry.kind]}"
    if entry.kind == "count" and isinstance(value, int) and not isinstance(value, bool):
        return _counted(value, tongue)
    if entry.kind == "category":
        system = _data()["attributes"][name]["system"]
        return f"{system} {value}{'类' if tongue is Language.CHINESE else ''}"
    known = entry.values.get(str(value).lower() if entry.kind == "flag" else str(value))
    if not known or not known[tongue]:
        raise OptionError(
            f"the lexicon has no words for the value '{value}' of '{name}'; "
            f"choose one of {list(entry.values)}."
        )
    return known[tongue][0]


def _tenth(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _counted(value: int, language: Language) -> str:
    chinese = language is Language.CHINESE
    if not 1 <= value <= 10:
        return f"{value}个" if chinese else str(value)
    return f"{_ZH_NUMBERS[value - 1]}个" if chinese else _EN_NUMBERS[value - 1]


def pathology_of(histology: str) -> str | None:
    """The pathology a histology word implies ("benign", "malignant"), or None."""
    return attribute("histology").pathology.get(histology)


def group(name: str, language: Language | str) -> tuple[str, ...]:
    """Words of a group that is no attribute: "lesions", "negation", "advice", "history" ...

    A dot descends ("uncertainty.possible", "organs.breast").
    """
    entry = _data()
    for step in name.split("."):
        entry = entry[step]
    return tuple(entry[Language(language).value])
