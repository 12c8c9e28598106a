"""Where a text contradicts itself, or the facts of the study it describes.

One rule: silence is no contradiction. Only what a text says of this examination counts, not
questions, advice, history, or what it cannot exclude; a fact is compared only where it exists.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from echovlm.facts.claims import Claims
from echovlm.facts.contradiction import Contradiction
from echovlm.facts.fact import Fact
from echovlm.facts.fact_checks import FACT_CHECKS
from echovlm.facts.parse import read_statements
from echovlm.facts.statement import Statement
from echovlm.facts.text_checks import TEXT_CHECKS
from echovlm.terms import Language


def check_text(
    text: str, facts: Iterable[Fact] = (), language: Language | str | None = None
) -> tuple[Contradiction, ...]:
    """Every contradiction of a text, with itself and with facts, in the order of kinds.

    Args:
        text: a report, a part of one, a caption or an answer.
        facts: what is known of the study.
        language: language of the text; None decides by its characters.
    """
    statements = read_statements(text, language)
    return tuple(against_facts(statements, facts) + within_text(statements))


def against_facts(statements: Sequence[Statement], facts: Iterable[Fact]) -> list[Contradiction]:
    """Contradictions between a text and the facts of its study."""
    known: dict[str, list[Fact]] = {}
    for fact in facts:
        known.setdefault(fact.name, []).append(fact)
    said = Claims(statements)
    found: list[Contradiction] = []
    for check in FACT_CHECKS:
        found += check(said, known)
    return found


def within_text(statements: Sequence[Statement]) -> list[Contradiction]:
    """Contradictions of a text with itself."""
    said = Claims(statements)
    found: list[Contradiction] = []
    for check in TEXT_CHECKS:
        found += check(said)
    return found
