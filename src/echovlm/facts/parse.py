"""Reads what an ultrasound report says, in Chinese and English, without a network.

One rule: words of the lexicon are found where they stand, and the clause around them decides who
they describe (subject, organ, side, lesion) and how they are said (denied, hedged, advised, of an
earlier examination). Time is proportional to the length of the text, and no text raises.
"""

from __future__ import annotations

from echovlm.facts.clauses import language_of
from echovlm.facts.reader import Reader
from echovlm.facts.statement import Statement
from echovlm.terms import Language


def read_statements(text: str, language: Language | str | None = None) -> tuple[Statement, ...]:
    """Every statement of a text, in the order of their positions.

    Args:
        text: a report, a part of one, a caption or an answer.
        language: language of the text; None decides by the presence of Chinese characters.

    Returns:
        Statements with canonical names and values; the positions are those of ``text``.
    """
    tongue = language_of(text) if language is None else Language(language)
    return tuple(Reader(text, tongue).read())


def read_all_statements(text: str, language: Language | str | None = None) -> tuple[Statement, ...]:
    """As :func:`read_statements`, with what no label or mask states, so that no fact is named so.

    Besides the names of the lexicon these are "finding", "site", "composition" and the numbers with
    a unit that have no name of their own ("volume_ml").
    """
    tongue = language_of(text) if language is None else Language(language)
    return tuple(Reader(text, tongue, beyond_facts=True).read())
