"""A text that remembers, for each of its stretches, the facts behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from echovlm.data.sample import Statement
from echovlm.facts import Fact
from echovlm.terms import Language


@dataclass(frozen=True)
class Said:
    """A stretch of text and the facts that make it true."""

    text: str
    facts: tuple[Fact, ...]


@dataclass(frozen=True)
class Written:
    """A text with its statements.

    Attributes:
        text: the whole text.
        statements: stretches of it with their facts, in order, without overlap.
    """

    text: str
    statements: tuple[Statement, ...]

    def __bool__(self) -> bool:
        return bool(self.text)

    def after(self, prefix: str) -> Written:
        """The same text behind a prefix that states nothing (a heading)."""
        moved = tuple(
            s.model_copy(update={"start": s.start + len(prefix), "end": s.end + len(prefix)})
            for s in self.statements
        )
        return Written(prefix + self.text, moved)

    def before(self, suffix: Written, between: str) -> Written:
        """This text, something in between that states nothing, and another text."""
        joined = suffix.after(self.text + between)
        return Written(joined.text, (*self.statements, *joined.statements))


@dataclass
class Composer:
    """Joins clauses into sentences of one language.

    Attributes:
        language: decides spaces and full stops.
    """

    language: Language
    _text: str = ""
    _statements: list[Statement] = field(default_factory=list)

    def sentence(self, clauses: Sequence[Said], joint: str) -> None:
        """Add a sentence of clauses; an empty list adds nothing."""
        if not clauses:
            return
        chinese = self.language is Language.CHINESE
        if self._text and not chinese:
            self._text += " "
        for number, clause in enumerate(clauses):
            words = clause.text if number or chinese else upper_first(clause.text)
            self._text += joint if number else ""
            self._add(words, clause.facts)
        self._text += "。" if chinese else "."

    def _add(self, words: str, facts: tuple[Fact, ...]) -> None:
        start = len(self._text)
        self._text += words
        self._statements.append(Statement(start=start, end=len(self._text), facts=facts))

    def written(self) -> Written:
        """The text so far."""
        return Written(self._text, tuple(self._statements))


def single(text: str, facts: Sequence[Fact]) -> Written:
    """A text that is one statement."""
    return Written(text, (Statement(start=0, end=len(text), facts=tuple(facts)),))


def upper_first(text: str) -> str:
    """The text with a capital first letter (a term such as BI-RADS stays)."""
    return text[:1].upper() + text[1:]
