"""What is true of a study, as language-neutral facts, and how the two languages say it."""

from echovlm.facts.contradiction import Contradiction, ContradictionKind
from echovlm.facts.contradictions import against_facts, check_text, within_text
from echovlm.facts.fact import Fact, Origin
from echovlm.facts.parse import read_all_statements, read_statements
from echovlm.facts.statement import Certainty, Context, Section, Statement, Subject

__all__ = [
    "Certainty",
    "Context",
    "Contradiction",
    "ContradictionKind",
    "Fact",
    "Origin",
    "Section",
    "Statement",
    "Subject",
    "against_facts",
    "check_text",
    "read_all_statements",
    "read_statements",
    "within_text",
]
