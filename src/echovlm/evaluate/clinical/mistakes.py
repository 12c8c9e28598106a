"""What is wrong with a report, by itself and against the report that is true.

One rule, that of :mod:`echovlm.facts.contradictions`: silence contradicts nothing. What is missing
is an omission, and only where it is a lesion or an abnormality. The kinds:

* laterality: a side of a lesion or finding that the reference does not have while it has another;
  a left lobe or chamber for a right one; a size that the reference gives on the other side.
* contradiction within the text: the checks of ``facts/text_checks.py``, and a finding or an
  abnormality that another sentence denies or calls normal.
* contradiction against the reference: a lesion or finding that it denies, or the other way round;
  benign for malignant; one lesion for several; a descriptor, grade, category, site or organ that
  excludes what the reference has.
* omission, invention: a lesion or an abnormality that only the reference, only the text, holds.
  A type of lesion is lacking only where the other report has no lesion that may be it.
* invented measurement: a number with a unit that agrees with no measurement of the reference.
* unit: a number of the reference with another unit, or without one.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from echovlm.facts import Statement


class MistakeKind(StrEnum):
    """Kinds of mistakes, in the order of tables."""

    LATERALITY = "laterality"
    WITHIN = "contradiction within the text"
    AGAINST = "contradiction against the reference"
    OMISSION = "omission"
    INVENTION = "invention"
    INVENTED_MEASUREMENT = "invented measurement"
    UNIT = "unit"


@dataclass(frozen=True)
class Mistake:
    """One thing that is wrong with a text.

    Attributes:
        kind: what it is.
        sentence: the mistake for a reader; names and values only, no words of the text.
        spans: where the text says it, as ``(start, end)``; none for an omission.
    """

    kind: MistakeKind
    sentence: str
    spans: tuple[tuple[int, int], ...] = ()


def mistake(kind: MistakeKind, sentence: str, *statements: Statement | None) -> Mistake:
    """A mistake at the places of statements."""
    return Mistake(kind, sentence, tuple((e.start, e.end) for e in statements if e is not None))
