"""A statement: one thing that a text says, with how it says it and where.

Where a :class:`~echovlm.facts.fact.Fact` is true of a study, a statement is only claimed by a text;
names and values are the same, so that the two can be compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any


class Section(StrEnum):
    """Part of a report a statement stands in."""

    FINDINGS = "findings"
    IMPRESSION = "impression"
    WHOLE = "whole"


class Certainty(StrEnum):
    """How sure the text is; "cannot exclude a cyst" holds a cyst only possible."""

    SURE = "sure"
    LIKELY = "likely"
    POSSIBLE = "possible"


class Context(StrEnum):
    """What kind of sentence carries a statement; only ``CURRENT`` describes this examination."""

    CURRENT = "current"
    HISTORY = "history"
    ADVICE = "advice"
    QUESTION = "question"


class Subject(StrEnum):
    """What a descriptor describes."""

    LESION = "lesion"
    TISSUE = "tissue"


_UNITS = (
    ("_mm", "mm"), ("_cm_per_s", "cm/s"), ("_percent", "%"), ("_ml", "ml"), ("_cm2", "cm2"),
    ("_mmhg", "mmHg"), ("_per_minute", "/min"),
)  # fmt: skip


@cache
def unit_of(name: str) -> str | None:
    """Unit of the quantity with a name ("psv_cm_per_s": "cm/s"), None where it is no quantity."""
    return next((unit for ending, unit in _UNITS if name.endswith(ending)), None)


@dataclass(frozen=True)
class Statement:
    """One thing that a text says.

    Attributes:
        name: canonical name of ``lexicon.json``; also "size_mm" for an axis that the text leaves
            open and "distance_mm" for a length that is no size. Where all statements are read also
            "velocity_cm_per_s", "share_percent", "volume_ml", "area_cm2", "pressure_mmhg" and
            "rate_per_minute" for other numbers with a unit, "finding" and "composition"
            (:mod:`echovlm.facts.findings`) and "site" (:mod:`echovlm.facts.sites`).
        value: canonical value. "present" stands for a feature without its kind ("calcification"),
            "multiple" for a count that the text leaves open. Lengths are in mm, velocities in cm/s.
        start: index of the first character.
        end: index after the last character.
        negated: whether the text denies the value ("no spiculation").
        certainty: how sure the text is.
        context: whether the text speaks of this examination.
        section: part of the report.
        clause: running number of the clause within the text, from 0.
        sentence: running number of the sentence within the text, from 0.
        subject: what a descriptor describes.
        organ: anatomy it belongs to, "other" for a part outside the seven anatomies (the axilla),
            None where the text leaves it open.
        side: body side in force ("left", "right", "bilateral"), None where the text leaves it open.
        lesion: running number of the lesion, from 1; None where it is open or holds for several.
        partial: whether the text limits it to a part or a degree ("partly indistinct").
        restricted: for a denial, whether it covers only the rest of the organ, one kind of lesion
            or a neighbouring part ("no other mass", "no satellite lesion").
        concluding: whether the clause interprets ("consistent with ..."), in any section.
    """

    name: str
    value: bool | int | float | str
    start: int
    end: int
    negated: bool = False
    certainty: Certainty = Certainty.SURE
    context: Context = Context.CURRENT
    section: Section = Section.WHOLE
    clause: int = 0
    sentence: int = 0
    subject: Subject = Subject.TISSUE
    organ: str | None = None
    side: str | None = None
    lesion: int | None = None
    partial: bool = False
    restricted: bool = False
    concluding: bool = False

    def but(self, **changes: Any) -> Statement:
        """This statement with other values; ``dataclasses.replace`` in half the time."""
        return Statement(**(self.__dict__ | changes))

    @property
    def uncertain(self) -> bool:
        """Whether the text hedges."""
        return self.certainty is not Certainty.SURE

    @property
    def unit(self) -> str | None:
        """Unit of a quantity ("mm", "cm/s", "%"), None for everything else."""
        return unit_of(self.name)
