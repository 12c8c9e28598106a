"""Texts cut into sentences and clauses, with the positions of the original text.

A clause is what stands between two commas, a sentence what stands between two full stops. Clauses
carry negation in Chinese ("未见结节、肿块"), sentences carry it over lists in English ("no mass,
cyst or calcification").
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

from echovlm.facts.numbers import with_points
from echovlm.facts.statement import Section
from echovlm.report import section_spans
from echovlm.terms import Language

# One character for one character, so that every position stays valid: capitals and full-width
# letters, digits and signs become small and half-width, odd dashes and multiplication signs plain.
_FLAT = (
    {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}
    | {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F) if chr(code) not in "，；：！？（）"}
    | {code: code - 0xFEE0 + 32 for code in range(0xFF21, 0xFF3B)}
    | {ord(dash): ord("-") for dash in "‐‑‒–—−"}
    | {ord(sign): ord("x") for sign in "×✕✖╳*＊"}
    | {ord("’"): ord("'"), ord("．"): ord("."), 0x3000: 0x20, 0xA0: 0x20}
)
_CHINESE = re.compile("[\u4e00-\u9fff]")
# A full stop inside a number does not end a sentence; a line break does only in Chinese or after
# an empty line, since English texts are wrapped.
_SENTENCE_END = re.compile(r"[。；;！!？?]|\.(?!\d)|\n")
_CLAUSE_END = re.compile(r"，|(?<!\d),|,(?!\d{3}(?!\d))|[。；;！!？?\n]|\.(?!\d)")
_QUESTION = re.compile(r"[?？]\s*\Z")


@dataclass(frozen=True)
class Clause:
    """One clause of a text.

    Attributes:
        start: index of its first character.
        end: index after its last character, behind the mark that ends it.
        number: running number within the text, from 0.
        sentence: running number of its sentence, from 0.
        sentence_start: index of the first character of its sentence.
        sentence_end: index after the last character of its sentence.
        section: part of the report.
        is_question: whether its sentence asks.
    """

    start: int
    end: int
    number: int
    sentence: int
    sentence_start: int
    sentence_end: int
    section: Section
    is_question: bool


def flatten(text: str) -> str:
    """The text in small, half-width characters with decimal points, of the same length."""
    return with_points(text.translate(_FLAT))


def language_of(text: str) -> Language:
    """Chinese where the text holds a Chinese character, else English."""
    return Language.CHINESE if _CHINESE.search(text) else Language.ENGLISH


def clauses(text: str) -> list[Clause]:
    """Cut a text into clauses, in order; every character within a section is in exactly one."""
    found: list[Clause] = []
    spans = section_spans(text)
    flat = flatten(text)
    sentence = 0
    for kind, start, end in spans:
        section = Section.WHOLE if len(spans) == 1 else Section(kind)
        for first, last in _pieces(flat, start, end, _SENTENCE_END):
            asks = bool(_QUESTION.search(flat, max(first, last - 8), last))
            for left, right in _pieces(flat, first, last, _CLAUSE_END):
                found.append(Clause(left, right, len(found), sentence, first, last, section, asks))
            sentence += 1
    return found


def _pieces(text: str, start: int, end: int, ending: re.Pattern[str]) -> list[tuple[int, int]]:
    cuts = [match.end() for match in ending.finditer(text, start, end)]
    bounds = [start, *cuts] if cuts and cuts[-1] == end else [start, *cuts, end]
    return [(left, right) for left, right in pairwise(bounds) if left < right]
