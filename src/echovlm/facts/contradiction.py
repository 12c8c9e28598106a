"""A contradiction: two things that cannot both be true, and when values can.

Tolerances: a stated length agrees with a fact within 1 mm or 10 %, whichever is larger (two readers
place callipers that far apart), and with another length of the same text within 0.5 mm or 5 %
(rounding to a tenth of a centimetre).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from echovlm.facts.fact import Fact
from echovlm.facts.statement import Statement

SIZE_TOLERANCE_MM = 1.0
SIZE_TOLERANCE_RATIO = 0.10
ROUNDING_MM = 0.5
ROUNDING_RATIO = 0.05


class ContradictionKind(StrEnum):
    """What disagrees; the first six are the documented kinds of the quality check."""

    LESION_IN_NORMAL = "lesion in normal"
    BENIGN_MALIGNANT = "benign against malignant"
    LEFT_RIGHT = "left against right"
    SIZE_MISSING = "size of the impression missing in the findings"
    SINGLE_MULTIPLE = "single against multiple"
    NO_LESION = "no lesion against lesion"
    SIZE = "size"
    DESCRIPTOR = "descriptor"
    CATEGORY = "category"
    ORGAN = "organ"


@dataclass(frozen=True)
class Contradiction:
    """Two things that cannot both be true.

    Attributes:
        kind: what disagrees.
        sentence: the disagreement for a reader; names and values only, no words of the text.
        statement: what the text says.
        against: the fact, or the other statement of the same text.
    """

    kind: ContradictionKind
    sentence: str
    statement: Statement
    against: Fact | Statement

    @property
    def spans(self) -> tuple[tuple[int, int], ...]:
        """Where the text says it: one stretch, or two where it contradicts itself."""
        sides = [self.statement]
        if isinstance(self.against, Statement):
            sides.append(self.against)
        return tuple((each.start, each.end) for each in sides)


# Values that can both be true of one lesion.
COMPATIBLE: dict[str, tuple[frozenset[str], ...]] = {
    "margin": (
        frozenset({"indistinct", "angular", "microlobulated", "spiculated", "not circumscribed"}),
    ),
    "echogenicity": (
        frozenset({"hypoechoic", "very hypoechoic"}),
        frozenset({"complex cystic and solid", "anechoic"}),
        frozenset({"complex cystic and solid", "hypoechoic", "very hypoechoic"}),
        frozenset({"complex cystic and solid", "isoechoic"}),
        frozenset({"complex cystic and solid", "hyperechoic"}),
    ),
    "shape": (
        frozenset({"oval", "round or oval"}),
        frozenset({"round", "round or oval"}),
        frozenset({"oval", "lobulated"}),
        frozenset({"irregular", "lobulated"}),
    ),
    "posterior": (frozenset({"combined", "enhancement"}), frozenset({"combined", "shadowing"})),
    "calcification": (
        frozenset({"present", "punctate"}),
        frozenset({"present", "macrocalcification"}),
        frozenset({"present", "peripheral"}),
        frozenset({"punctate", "macrocalcification", "peripheral"}),
    ),
    "vascularity": (frozenset({"present", "internal", "rim"}),),
    "composition": (),
    "orientation": (),
    "echotexture": (),
}


def compatible(name: str, one: str, other: str) -> bool:
    """Whether two values of a descriptor can both be true of one lesion."""
    return one == other or any({one, other} <= group for group in COMPATIBLE[name])


def same_category(one: str, other: str) -> bool:
    """Whether two categories agree; one without a letter holds all of its letters."""
    one, other = one.upper(), other.upper()
    return one == other or (one[:1] == other[:1] and 1 in (len(one), len(other)))


def agrees(statement: Statement, value: object, floor: float, ratio: float) -> bool:
    """Whether a stated number is within ``floor`` or ``ratio`` of another, in its unit."""
    return near(float(statement.value), float(value), floor, ratio)  # type: ignore[arg-type]


def near(one: float, other: float, floor: float, ratio: float) -> bool:
    """Whether two numbers are within ``floor``, or within ``ratio`` of the larger one."""
    return abs(one - other) <= max(floor, ratio * max(one, other)) + 1e-9


def spoken(value: object) -> str:
    """A value as a sentence names it."""
    return f"{value:g}" if isinstance(value, float) else str(value)
