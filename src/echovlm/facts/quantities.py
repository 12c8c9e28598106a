"""Quantities and categories that a text states: lengths in mm, velocities, shares, *-RADS.

Equation: ``mm = 10 x cm``, ``cm/s = 100 x m/s``. A product such as ``12 x 8 mm`` is one size per
axis, its largest number the long and its smallest the short one; a number without its own unit
takes that of the product.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from echovlm.facts import lexicon, patterns
from echovlm.terms import Language

_NUMBER = r"(?:\d{1,6}(?:\.\d{1,4})?|\.\d{1,4})"
_LENGTH = (
    r"(?:[mc]m(?!(?!x\s?[\d.])[a-z0-9/²³^])|毫米|厘米|公分|㎜|㎝|(?:milli|centi)met(?:er|re)s?(?![a-z]))"
    r"(?![\s]?(?:/|每|汞))"
)
_MEASURE = rf"{_NUMBER}(?:[\s-]?{_LENGTH})?"
_JOIN = r"\s?(?:x|乘以?|by|-|~|至|到|to)\s?"
_CHAIN = re.compile(rf"(?<![\d.a-z]){_MEASURE}(?:{_JOIN}{_MEASURE}){{0,3}}")
_PART = re.compile(rf"(?P<number>{_NUMBER})(?:[\s-]?(?P<unit>{_LENGTH}))?")
_PRODUCT = re.compile(r"x|乘|by")
_SPEED = re.compile(
    rf"(?P<number>{_NUMBER})\s?(?P<unit>cm|m|厘米|米)\s?(?:/|每)\s?(?:s(?:ec)?(?![a-z])|秒)"
)
_OTHER = re.compile(
    rf"(?P<number>{_NUMBER})\s?(?:"
    r"(?P<volume_ml>ml(?![a-z])|cc(?![a-z])|毫升|cm3|cm³|立方厘米)"
    r"|(?P<area_cm2>cm2|cm²|平方厘米)"
    r"|(?P<pressure_mmhg>mm\s?hg|毫米汞柱)"
    r"|(?P<rate_per_minute>bpm(?![a-z])|次/分|beats per minute))"
)
# A size without a unit: a product, or a number behind a word for size.
_BARE_PRODUCT = re.compile(
    rf"(?<![\d.a-z])(?P<first>{_NUMBER})(?:\s?x\s?{_NUMBER}){{1,2}}(?!\d|\.\d)"
)
_BARE_SIZE = {
    Language.CHINESE: re.compile(
        rf"(?:大小|范围|直径|长径|短径|横径|前后径|径线|最大径|内径|厚度?)(?:约|为|是|：|:|\s){{0,3}}(?P<number>{_NUMBER})"
    ),
    Language.ENGLISH: re.compile(
        r"\b(?:measur(?:es|ing)|diameter|thickness|size|long axis|short axis)"
        rf"(?:\s(?:is|of|about|approximately|up to)|[:\s]){{0,3}}\s?(?P<number>{_NUMBER})"
        rf"|(?<![\d.a-z-])(?P<behind>{_NUMBER})(?= (?:long|thick|wide|in diameter)\b)"
    ),
}
_UNIT_BEHIND = re.compile(
    rf"\s?-?(?:{_LENGTH}|x|乘|by\b|-|~|至|到|to\b|[mc]l|[mc]m|[个枚处级类点岁年月周天倍%]|\d"
    r"|per ?cent|o'? ?clock)"
)
_PERCENT = re.compile(rf"(?P<number>{_NUMBER})\s?(?:%|per ?cent(?![a-z]))")

_LOOK = 48  # characters before and behind a number in which its name may stand
_DISTANCE = {
    Language.CHINESE: re.compile("距|深度|深约|间距|厚|宽约|残端|阈值|≥|≤|>|<|大于|小于|超过"),
    Language.ENGLISH: re.compile(
        r"\b(?:distance|depth of|apart|thickness|thick|threshold|over|exceed\w*|above|below"
        r"|at least|more than|less than)\b|[≥≤<>]"
    ),
}
_DISTANCE_BEHIND = re.compile(
    r"[\s-]?(?:from|fn|deep|below|beneath|above|away|under|thick|in thickness|distal|proximal"
    r"|or (?:more|larger)|depth)\b"
)
_OPENS_NAME = re.compile(r"\s?(?:in|on|along|for|as)(?: its| the| their)? ")
# A thickness word behind these names belongs to the name.
_THICKNESS = frozenset({"intima_media_mm", "size_depth_extent_mm"})

_FILLER = (
    r"(?:[\s:：,(（-]|分类|分级|评估|类别|级别|categor(?:y|ies)|classification|class|grade|score"
    r"|assessment|final|system|为|是|考虑|约|(?<=\s)(?:is|of|as)(?=\s)){0,8}?"
)
_GRADE = r"(?P<grade>[0-6]\s?[abc]?|iv[abc]?|vi|v|iii|ii|i)(?![a-z0-9]|\.\d)"
_SYSTEMS = {
    "birads": re.compile(rf"bi[-\s]?rads(?:®|[-\s]us)?{_FILLER}{_GRADE}"),
    "tirads": re.compile(
        rf"ti[-\s]?rads{_FILLER}(?:tr\s?)?{_GRADE}|(?<![a-z])tr\s?(?P<level>[1-5])(?![a-z0-9])"
    ),
    "orads": re.compile(rf"(?<![a-z])o[-\s]?rads{_FILLER}{_GRADE}"),
}
# The other end of a range ("3-4A类"), which no size and no time is: "BI-RADS 3/6 months".
_OTHER_GRADE = re.compile(
    r"\s?[类级]?\s?(?:[-~/]|至|到|或)\s?(?P<grade>[0-6]\s?[abc]?)"
    r"(?![a-z0-9]|\.\d|\s?(?:[mc]m|毫米|厘米|个?月|年|周|months?|weeks?|years?))"
)
_BARE_GRADE = re.compile(r"(?<![a-z0-9.])(?P<grade>4\s?[abc])\s?[类级]")
_ROMAN = {"iv": "4", "vi": "6", "v": "5", "iii": "3", "ii": "2", "i": "1"}


@dataclass(frozen=True)
class Quantity:
    """What a text states: a canonical name, its value in the name's unit, and its span."""

    name: str
    value: float | str
    start: int
    end: int


@dataclass(frozen=True)
class Unitless:
    """A size without a unit: its first number and its span."""

    number: float
    start: int
    end: int


def stated(
    flat: str, language: Language, start: int, end: int, *, nameless: bool
) -> Iterator[Quantity]:
    """Every quantity within ``flat[start:end]``.

    Args:
        flat: the text, flattened.
        language: whose words are read.
        start: index of the first character.
        end: index after the last one.
        nameless: whether numbers with a unit count of which the text does not say what they are.
    """
    yield from lengths(flat, language, start, end)
    for rate in rates(flat, language, start, end):
        if nameless or rate.name not in _NAMELESS.values():
            yield rate
    if nameless:
        yield from others(flat, start, end)


def lengths(flat: str, language: Language, start: int, end: int) -> Iterator[Quantity]:
    """Every length within ``flat[start:end]``, in order."""
    floor = start
    for chain in _CHAIN.finditer(flat, start, end):
        parts = list(_PART.finditer(flat, chain.start(), chain.end()))
        units = [part["unit"] for part in parts if part["unit"]]
        product = bool(_PRODUCT.search(chain[0])) and len(parts) > 1
        if not units and not (product and _behind_size_word(flat, chain.start(), language)):
            continue
        unit = units[-1] if units else "mm"
        values = [_mm(float(part["number"]), part["unit"] or unit) for part in parts]
        before = flat[max(floor, chain.start() - _LOOK) : chain.start()]
        behind = flat[chain.end() : min(end, chain.end() + _LOOK)]
        name = _length_name(before, behind, language)
        for axis, value, part in zip(_axes(name, values, product), values, parts, strict=True):
            yield Quantity(axis, value, part.start(), part.end())
        floor = chain.end()


def _behind_size_word(flat: str, start: int, language: Language) -> bool:
    """A product without a unit counts only behind a word for size, as in 大小约12×8."""
    words = "大小|范围" if language is Language.CHINESE else r"\b(?:size|measur\w+)\b"
    return bool(re.search(words, flat[max(0, start - 16) : start]))


def _mm(number: float, unit: str) -> float:
    centimetres = unit.startswith(("cm", "厘", "公", "㎝", "centi"))
    return round(number * 10.0 if centimetres else number, 3)


def _axes(name: str, values: list[float], product: bool) -> list[str]:
    """Canonical names for the numbers of one chain."""
    if name != "size_mm":
        return [name] * len(values)
    if not product:
        return ["size_long_mm"] * len(values)
    axes = ["size_mm"] * len(values)
    axes[values.index(max(values))] = "size_long_mm"
    shortest = max(place for place, value in enumerate(values) if value == min(values))
    if axes[shortest] == "size_mm":
        axes[shortest] = "size_short_mm"
    return axes


def _length_name(before: str, behind: str, language: Language) -> str:
    """The name that stands behind ("12 mm in long axis") or before a length, else a plain size."""
    pattern, meaning = _names("length", language)
    if language is Language.ENGLISH:
        if _DISTANCE_BEHIND.match(behind):
            return "distance_mm"
        opening = _OPENS_NAME.match(behind)
        own = pattern.match(behind, opening.end()) if opening else None
        if own:
            return meaning[_spaced(own[0])]
    name, last = _last_name(before, pattern, meaning)
    for match in _DISTANCE[language].finditer(before):
        if match.start() > last and name not in _THICKNESS:
            name, last = "distance_mm", match.start()
    return name or "size_mm"


def _last_name(before: str, pattern: re.Pattern[str], meaning: dict[str, str]) -> tuple[str, int]:
    name, last = "", -1
    for match in pattern.finditer(before):
        name, last = meaning[_spaced(match[0])], match.start()
    return name, last


def _spaced(words: str) -> str:
    return " ".join(words.split())


_NAMELESS = {"velocity": "velocity_cm_per_s", "percent": "share_percent"}


@cache
def _names(kind: str, language: Language) -> tuple[re.Pattern[str], dict[str, str]]:
    """What finds the names of all quantities of one kind, and the name of each found word."""
    meaning = {
        word.lower(): name
        for name in lexicon.names()
        if lexicon.attribute(name).kind == kind
        for word in lexicon.attribute(name).names[language]
    }
    return re.compile(patterns.alternation(meaning, language)), meaning


def unitless(flat: str, language: Language) -> Iterator[Unitless]:
    """Every size that a flattened text gives without a unit: "大小约12×8", "measures 12".

    A product counts anywhere, a single number only behind a word for size.
    """
    products: set[int] = set()
    for match in _BARE_PRODUCT.finditer(flat):
        if not _UNIT_BEHIND.match(flat, match.end()):
            products.add(match.start())
            yield Unitless(float(match["first"]), *match.span())
    for match in _BARE_SIZE[language].finditer(flat):
        start, end = match.span(match.lastgroup or 0)
        if start not in products and not _UNIT_BEHIND.match(flat, end):
            yield Unitless(float(flat[start:end]), start, end)


def others(flat: str, start: int, end: int) -> Iterator[Quantity]:
    """Volumes in ml, areas in cm2, pressures in mmHg and rates per minute, named by their unit."""
    for match in _OTHER.finditer(flat, start, end):
        yield Quantity(str(match.lastgroup), float(match["number"]), *match.span())


def rates(flat: str, language: Language, start: int, end: int) -> Iterator[Quantity]:
    """Velocities in cm/s and percentages; those without a name are "velocity" and "share"."""
    for kind, pattern in (("velocity", _SPEED), ("percent", _PERCENT)):
        names, meaning = _names(kind, language)
        floor = start
        for match in pattern.finditer(flat, start, end):
            before = flat[max(floor, match.start() - _LOOK) : match.start()]
            name, _ = _last_name(before, names, meaning)
            number = float(match["number"])
            metres = kind == "velocity" and match["unit"] in ("m", "米")
            value = round(number * (100.0 if metres else 1.0), 3)
            yield Quantity(name or _NAMELESS[kind], value, match.start(), match.end())
            floor = match.end()


def categories(flat: str, bare_system: str | None) -> Iterator[Quantity]:
    """Every stated category ("BI-RADS 4a类", "TI-RADS IVa", "TR4") as "4A", "4"; a range is both.

    Args:
        flat: the text, flattened.
        bare_system: system of a letter category without one ("4B类"), None to pass over those.
    """
    taken: list[tuple[int, int]] = []
    for name, pattern in _SYSTEMS.items():
        for match in pattern.finditer(flat):
            grade = match["grade"] or match.groupdict()["level"]
            taken.append(match.span())
            yield Quantity(name, _category(grade), match.start(), match.end())
            other = _OTHER_GRADE.match(flat, match.end())
            if other:
                taken.append(other.span("grade"))
                yield Quantity(name, _category(other["grade"]), *other.span("grade"))
    for match in _BARE_GRADE.finditer(flat) if bare_system else ():
        if not any(left <= match.start() < right for left, right in taken):
            yield Quantity(bare_system or "", _category(match["grade"]), *match.span())


def _category(grade: str) -> str:
    compact = "".join(grade.split())
    for roman, digit in _ROMAN.items():
        if compact.startswith(roman):
            return (digit + compact[len(roman) :]).upper()
    return compact.upper()
