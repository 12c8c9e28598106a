"""Regular expressions built from the words of the lexicon.

Every expression is an alternation of literal words, longest first, without nested repetition, so
that reading takes time in proportion to the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from echovlm.facts import lexicon
from echovlm.terms import Language

# Words that may stand between the name of a feature and its value: 边界尚清晰, "margin is mostly
# smooth". Tried from none upwards, so that they never eat the 欠 or 不 of a value.
_CHINESE_GAP = (
    "(?:较为|略为|稍显|略显|较|尚|稍|略|呈|显示|显|基本|部分|局部|大部分|仍|均|为|是|可|很|明显|相对|整体|大致"
    "|表现为|比较|十分|非常|处|欠|回声|轮廓|边缘|形态){0,3}?"
)
_ENGLISH_GAP = (
    r"(?:\s+(?:is|are|was|were|appears?|of|with|the|a|an|its|their|be|has|have|mostly|partly"
    r"|slightly|relatively|quite|very|well)){0,3}\s+"
)


def alternation(words: Iterable[str], language: Language) -> str:
    """The words as one group, longest first; English words end at word boundaries."""
    ordered = sorted(set(words), key=lambda word: (-len(word), word))
    body = "|".join(re.escape(word).replace(r"\ ", r"\s+") for word in ordered)
    if language is Language.ENGLISH:
        return rf"(?<![a-z0-9])(?:{body})(?![a-z0-9])"
    return f"(?:{body})"


@cache
def group(name: str, language: Language) -> re.Pattern[str]:
    """Matches any word of a group of the lexicon."""
    return re.compile(alternation(lexicon.group(name, language), language))


def _starts_with_negation(word: str, language: Language) -> bool:
    if language is Language.ENGLISH:
        return word.split()[0] in ("no", "without")
    return word.startswith(("未", "没有")) or (
        word.startswith("无") and not word.startswith("无回声")
    )


@cache
def values(name: str, language: Language) -> tuple[re.Pattern[str], dict[str, str]]:
    """What finds the values of a word attribute, and the value of each found word.

    Words that open with a denial ("no calcification") are left to the reader of negation.
    """
    entry = lexicon.attribute(name)
    meaning = {
        word.lower(): value
        for value, by_language in entry.values.items()
        for word in by_language[language]
        if not _starts_with_negation(word, language)
    }
    return re.compile(alternation(meaning, language)), meaning


@cache
def bound_values(name: str, language: Language) -> tuple[re.Pattern[str], dict[str, str]] | None:
    """What finds values that count only beside the attribute's name, None where there are none.

    The value is the one named group that matched.
    """
    entry = lexicon.attribute(name)
    meaning = {
        word.lower(): value
        for value, by_language in entry.bound.items()
        for word in by_language[language]
    }
    if not meaning:
        return None
    heads, body = (alternation(each, language) for each in (entry.names[language], meaning))
    if language is Language.CHINESE:
        return re.compile(f"{heads}{_CHINESE_GAP}(?P<value>{body})"), meaning
    after = rf"{heads}{_ENGLISH_GAP}(?P<value>{body})"
    before = rf"(?P<early>{body})(?:,?\s+(?:and\s+)?[a-z-]+)?\s+{heads}"
    return re.compile(f"{after}|{before}"), meaning
