"""What a section of a text has set up so far, and how it numbers its lesions.

A lesion gets its number from an ordinal ("lesion 2", 第二个结节), from a word for one more
("another nodule", 另见), or by lying on a side where none was yet.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from echovlm.facts.clauses import Clause
from echovlm.facts.mentions import Mention
from echovlm.facts.statement import Section, Subject
from echovlm.terms import Language

_LOOK = 160  # characters of a clause that are read


@dataclass
class State:
    """What the text has set up so far in its section.

    Attributes:
        section: part of the report, None before the first clause.
        sentence: running number of the sentence.
        subject: what a descriptor without its own subject describes.
        side: body side named last.
        old_side: body side named last in a clause of the past, for its sentence.
        lesion: running number of the lesion in force, None where several are.
        lesions: how many there are so far.
        lesion_sides: side by lesion.
    """

    section: Section | None = None
    sentence: int = -1
    subject: Subject = Subject.TISSUE
    side: str | None = None
    old_side: str | None = None
    lesion: int | None = None
    lesions: int = 0
    lesion_sides: dict[int, str | None] = field(default_factory=dict)

    def introduce(
        self,
        flat: str,
        language: Language,
        clause: Clause,
        lesions: Sequence[Mention],
        found: Sequence[Mention],
        stated: str | None,
    ) -> None:
        """Give the lesion of a clause its running number.

        Args:
            flat: the text, flattened.
            language: whose words are read.
            clause: the clause.
            lesions: lesions that it says are there, at least one.
            found: everything that it mentions.
            stated: body side that it names.
        """
        side = stated or self.side
        counts = [each.value for each in found if each.name == "lesion_count"]
        ordinal = _ordinal(flat[clause.start : clause.end], language)
        another = _ANOTHER[language].search(flat, clause.start, lesions[-1].start)
        if ordinal:
            self.lesion = ordinal
        elif any(count not in (1, "article") for count in counts):
            self.lesion = None
            self.lesions = max(self.lesions, 2)
        elif another and (self.lesions or another.start() > lesions[0].start):
            self.lesion = max(1, self.lesions) + 1
        elif side and counts and self.lesions and self._is_new_side(side):
            self.lesion = self.lesions + 1
        elif self.lesions == 0:
            self.lesion = 1
        if self.lesion:
            self.lesions = max(self.lesions, self.lesion)
            self.lesion_sides.setdefault(self.lesion, side)

    def _is_new_side(self, side: str) -> bool:
        known = {each for each in self.lesion_sides.values() if each}
        return bool(known) and side not in known and "bilateral" not in known


_ANOTHER = {
    Language.CHINESE: re.compile("另[一外见有可于在]|再见|还可见|第二|附近可?见|旁边?可?见"),
    Language.ENGLISH: re.compile(r"\b(?:another|a second|a further|an additional|a separate)\b"),
}

_ORDINAL = {
    Language.CHINESE: re.compile(
        "(?:病灶|结节|肿块|第)(?P<n>[1-9一二三四五])(?![\\d.x]|\\s?[mc毫厘]|[^号个枚：:，,、])"
    ),
    Language.ENGLISH: re.compile(
        r"\b(?:lesion|nodule|mass|cyst)s? (?:no\.? ?|#)?(?P<n>[1-9])\b(?![.\d]|\s?[mcx])"
        r"|\b(?P<word>first|second|third) (?:lesion|nodule|mass|cyst)\b"
    ),
}
_ORDINAL_WORDS = {"一": 1, "二": 2, "三": 3, "四": 4, "五": 5, "first": 1, "second": 2, "third": 3}


def _ordinal(stretch: str, language: Language) -> int | None:
    """The running number that a clause gives its lesion, None where it gives none."""
    match = _ORDINAL[language].search(stretch[:_LOOK])
    if not match:
        return None
    said = next(each for each in match.groupdict().values() if each)
    return _ORDINAL_WORDS.get(said) or int(said)
