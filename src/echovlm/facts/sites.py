"""Where in its organ a text places a thing: quadrant, clock, pole, lobe, segment, wall, layer.

The words stand in ``sites.json``, sorted into groups of which a lesion has one member each. Clock
positions and segments of the liver (Couinaud I to VIII) are read as numbers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from echovlm.facts import patterns
from echovlm.terms import Language

_CLOCK = {
    Language.CHINESE: re.compile(
        r"(?<![\d.])(?P<hour>1[0-2]|[1-9])(?::[03]0)?\s?(?:点|钟点)(?!状)"
    ),
    Language.ENGLISH: re.compile(
        r"(?<![\d.:])(?P<hour>1[0-2]|[1-9])(?:(?::[03]0)?\s?o'? ?clock|:[03]0(?!\d))"
    ),
}
_SEGMENT = {
    Language.CHINESE: re.compile(
        r"(?<![a-z])s(?P<number>[1-8])(?!\d)段?|(?P<roman>viii|vii|vi|iv|v|iii|ii|i)[ab]?段"
    ),
    Language.ENGLISH: re.compile(
        r"\bseg(?:ment)?s?\.? ?(?:(?P<roman>viii|vii|vi|iv|v|iii|ii|i)|(?P<number>[1-8]))[ab]?\b"
    ),
}
_ROMAN = ("i", "ii", "iii", "iv", "v", "vi", "vii", "viii")
# What names a place in the picture, a chamber or another thing.
_BEFORE_ZH = re.compile("[图像画面]|左室$|囊$|肠$")
_BEHIND_ZH = re.compile("回声|血流|声影")


@dataclass(frozen=True)
class Site:
    """A place that is named: its group ("clock"), its value ("2 o'clock") and its span."""

    group: str
    value: str
    start: int
    end: int


@cache
def _groups() -> Mapping[str, Mapping[str, Mapping[str, list[str]]]]:
    return json.loads(resources.files(__package__).joinpath("sites.json").read_text("utf-8"))


@cache
def group_of(value: str) -> str:
    """The group of a site; "clock" and "segment" for those that are numbers."""
    for group, values in _groups().items():
        if value in values:
            return group
    return "segment" if value.startswith("segment") else "clock"


@cache
def _words(language: Language) -> tuple[re.Pattern[str], dict[str, str]]:
    meaning = {
        word: value
        for values in _groups().values()
        for value, words in values.items()
        for word in words[language.value]
    }
    return re.compile(patterns.alternation(meaning, language)), meaning


def sites(flat: str, language: Language, organ: str | None) -> Iterator[Site]:
    """Every place that a flattened text names.

    Args:
        flat: the text, flattened.
        language: whose words are read.
        organ: anatomy the text is about: lobes and segments belong to the liver alone, since those
            of the thyroid are its sides.
    """
    chinese = language is Language.CHINESE
    pattern, meaning = _words(language)
    for match in pattern.finditer(flat):
        value = meaning[" ".join(match[0].split())]
        group = group_of(value)
        if group == "lobe" and organ != "liver":
            continue
        before = flat[max(0, match.start() - 2) : match.start()]
        if chinese and (_BEFORE_ZH.search(before) or _BEHIND_ZH.match(flat, match.end())):
            continue
        yield Site(group, value, *match.span())
    for match in _CLOCK[language].finditer(flat):
        yield Site("clock", f"{match['hour']} o'clock", *match.span())
    for match in _SEGMENT[language].finditer(flat) if organ == "liver" else ():
        number = match["number"] or str(_ROMAN.index(match["roman"]) + 1)
        yield Site("segment", f"segment {number}", *match.span())
