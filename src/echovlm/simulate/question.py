"""A question about a simulated case whose answer is known because it was sampled first."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Question:
    """One question and its true answer in one language.

    Attributes:
        topic: what is asked, as a stable lower-case word ("echogenicity"), equal in all languages.
        text: the question as a user would type it.
        answer: one short sentence that the image alone supports.
    """

    topic: str
    text: str
    answer: str
