"""When a fact of one report agrees with a fact of another, and how many do.

One rule, the same for all kinds: a fact of the prediction is *supported* where some fact of the
reference agrees with it, a fact of the reference is *found* where some fact of the prediction
agrees. Then precision = supported / stated, recall = found / true, F1 is their harmonic mean. The
order of facts and repetitions do not matter.

Facts agree where kind, name and value are equal, with these exceptions: measurements agree within
the tolerance of :mod:`echovlm.facts.contradiction` (1 mm or 10 %, whichever is larger; 0.1 mm or
10 % for the intima-media), lengths whichever axis or structure they are said of; descriptors agree
where both values can be true of one lesion; a category without a letter agrees with its letters;
"multiple" agrees with every number from two. Where both reports describe lesions on both sides,
measurements, sites and descriptors agree only within a side.
"""

from __future__ import annotations

import numpy as np

from echovlm.evaluate.clinical.reading import FactKind, Reading, ReportFact
from echovlm.facts.contradiction import (
    COMPATIBLE,
    SIZE_TOLERANCE_MM,
    SIZE_TOLERANCE_RATIO,
    compatible,
    near,
    same_category,
)

KINDS = tuple(FactKind)
"""Every kind, in the order of the count arrays."""
COUNTS = ("supported", "stated", "found", "true")
"""What is counted per text and kind, in the order of the last axis."""

INTIMA_TOLERANCE_MM = 0.1
_OF_A_SIDE = (FactKind.MEASUREMENT, FactKind.SITE, FactKind.DESCRIPTOR)


def agree(one: ReportFact, other: ReportFact, by_side: bool = False) -> bool:
    """Whether two facts of one kind say the same.

    Args:
        one: of the prediction.
        other: of the reference.
        by_side: whether sides that exclude each other part them.
    """
    if by_side and one.kind in _OF_A_SIDE and {one.side, other.side} == {"left", "right"}:
        return False
    if one.kind is FactKind.MEASUREMENT:
        return same_quantity(one, other) and close(one, other)
    if one.kind is FactKind.LESION:
        return _same_lesion(one, other)
    if one.name != other.name:
        return False
    if one.name in COMPATIBLE:
        return compatible(one.name, str(one.value), str(other.value))
    if one.kind is FactKind.CATEGORY:
        return same_category(str(one.value), str(other.value))
    return one.value == other.value


def same_quantity(one: ReportFact, other: ReportFact) -> bool:
    """Whether two measurements may be of one thing: lengths always may, others by their name."""
    lengths = one.name.endswith("_mm") and other.name.endswith("_mm")
    return lengths or one.name == other.name


def close(one: ReportFact, other: ReportFact) -> bool:
    """Whether two measurements are equal within the tolerance of two readers."""
    thin = "intima_media_mm" in (one.name, other.name)
    floor = INTIMA_TOLERANCE_MM if thin else SIZE_TOLERANCE_MM
    return near(float(one.value), float(other.value), floor, SIZE_TOLERANCE_RATIO)


def _same_lesion(one: ReportFact, other: ReportFact) -> bool:
    first, second = int(one.value), int(other.value)
    return (
        first == second or (one.is_open and second >= first) or (other.is_open and first >= second)
    )


def on_both_sides(reading: Reading) -> bool:
    """Whether a report describes lesions on the left and on the right."""
    return reading.lesions > 0 and reading.sides >= {"left", "right"}


def compare(predicted: Reading, true: Reading) -> np.ndarray:
    """Count the facts of two reports.

    Returns:
        ``(kinds, 4)`` integers in the order of ``KINDS`` and ``COUNTS``.
    """
    by_side = on_both_sides(predicted) and on_both_sides(true)
    counts = np.zeros((len(KINDS), len(COUNTS)), dtype=np.int64)
    for row, kind in enumerate(KINDS):
        said, real = predicted.facts[kind], true.facts[kind]
        supported = sum(any(agree(one, other, by_side) for other in real) for one in said)
        found = sum(any(agree(one, other, by_side) for one in said) for other in real)
        counts[row] = supported, len(said), found, len(real)
    return counts
