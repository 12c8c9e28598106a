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
        language: decides spaces, capitals and full stops.
    """

    language: Language
    _text: str = ""
    _statements: list[Statement] = field(default_factory=list)

    def sentence(self, clauses: Sequence[Said], joint: str, first: str | None = None) -> None:
        """Add a sentence.

        Args:
            clauses: what it says; an empty list adds nothing.
            joint: what stands between clauses.
            first: what stands after the first clause instead.
        """
        if not clauses:
            return
        chinese = self.language is Language.CHINESE
        if self._text and not chinese:
            self._text += " "
        for number, clause in enumerate(clauses):
            words = clause.text if number or chinese else upper_first(clause.text)
            if number:
                self._text += first if number == 1 and first is not None else joint
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


def merged(text: str, clauses: Sequence[Said]) -> Said:
    """A stretch that says what several clauses say."""
    return Said(text, tuple(dict.fromkeys(fact for clause in clauses for fact in clause.facts)))


def upper_first(text: str) -> str:
    """The text with a capital first letter (a term such as BI-RADS stays)."""
    return text[:1].upper() + text[1:]


def with_article(text: str) -> str:
    """An English noun phrase behind "a" or "an"."""
    return f"{article(text)} {text}"


def article(text: str) -> str:
    """The indefinite article for what follows."""
    return "an" if text[:1].lower() in "aeiou" else "a"
