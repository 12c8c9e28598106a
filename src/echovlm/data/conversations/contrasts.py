"""Values that are false of a record: wrong options and false statements are made of them.

A word is false where an exclusive set holds it together with the true one; "not circumscribed" is
no contrast to "spiculated", nor is hypoechoic to isoechoic, on which readers differ. A number is
false where it lies at least a quarter away, far outside what two readers differ by.
"""

from __future__ import annotations

import numpy as np

from echovlm import prompts
from echovlm.data.conversations.descriptors import draw
from echovlm.data.conversations.known import Known, written_value
from echovlm.prompts.wording import exclusive_sets
from echovlm.terms import Anatomy, Language

LEAST_OPTIONS = 3
"""Of a single choice."""

_UNITS = ("_mm", "_percent", "_cm_per_s")
_STEP = 1.3  # between neighbouring options
_LEAST_APART = 1.0  # in any unit: more than the reader of texts forgives
_MOST_PERCENT = 85.0
_COUNTS = (1, 2, 3, 4, 5)


def contrasts(known: Known, name: str, language: Language) -> list[bool | int | float | str]:
    """Other values of an attribute that are false here and have words, in a fixed order."""
    true = known.value(name)
    found: list[bool | int | float | str]
    if isinstance(true, bool):
        return [not true]
    if name == "lesion_count":
        found = [count for count in _COUNTS if count != true]
    elif name == "diagnosis":
        found = _other_labels(known)
    elif name == "histology" and known.value("anatomy") != Anatomy.BREAST:
        found = []
    elif name.endswith(_UNITS):
        found = [*_numbers(name, true, -1), *_numbers(name, true, 1)]
    else:
        found = [value for value in _excluded(name, str(true)) if _is_apart(name, value, str(true))]
    return [value for value in found if written_value(name, value, language)]


def _excluded(name: str, true: str) -> list[str]:
    sets = [values for values in exclusive_sets(name) if true in values]
    return list(dict.fromkeys(value for values in sets for value in values if value != true))


def options(
    known: Known, name: str, language: Language, size: int, rng: np.random.Generator
) -> list[bool | int | float | str]:
    """The true value among false ones of which no two can be true together, in a drawn order.

    Args:
        known: what is known of the record.
        name: attribute, known.
        language: language in which the options must have words.
        size: how many, if there are as many.
        rng: draws them; the place of the true one is drawn first, evenly.
    """
    true = known.value(name)
    assert true is not None
    wrong = _wrong(known, name, language, size, rng)
    chosen = [wrong[index] for index in rng.permutation(len(wrong))[: size - 1]]
    chosen.insert(int(rng.integers(len(chosen) + 1)), true)
    return chosen


def _wrong(
    known: Known, name: str, language: Language, size: int, rng: np.random.Generator
) -> list[bool | int | float | str]:
    true = known.value(name)
    if name.endswith(_UNITS):
        return _ranked(name, true, size, rng)
    found = contrasts(known, name, language)
    # Two wrong options may not be true together either, so all are of one set.
    sets = [
        values
        for values in exclusive_sets(name)
        if str(true) in values and len(values) >= LEAST_OPTIONS
    ]
    if not sets:
        return found
    kept = draw(sets, rng)
    return [value for value in found if value in kept]


def _ranked(
    name: str, true: object, size: int, rng: np.random.Generator
) -> list[bool | int | float | str]:
    """Wrong numbers beside which the true one is of any rank, as far as there are as many."""
    lower, higher = _numbers(name, true, -1), _numbers(name, true, 1)
    above = min(size - 1 - min(int(rng.integers(size)), len(lower)), len(higher))
    return [*lower[: size - 1 - above], *higher[:above]]


def _numbers(name: str, true: object, direction: int) -> list[float]:
    """Clearly other numbers below (-1) or above (1) a true one, the nearest first."""
    value = float(true)  # type: ignore[arg-type]
    numbers = [round(value * _STEP ** (direction * power), 1) for power in range(1, 5)]
    most = _MOST_PERCENT if name.endswith("_percent") else float("inf")
    return [number for number in numbers if number <= most and abs(number - value) > _LEAST_APART]


def _other_labels(known: Known) -> list[bool | int | float | str]:
    anatomy = known.value("anatomy")
    keys = [each.key for each in prompts.labels(str(anatomy))] if anatomy else []
    return [key for key in keys if key != known.value("diagnosis")]


def _is_apart(name: str, one: str, other: str) -> bool:
    """For places in the picture: whether the cells do not touch, so that no reader mixes them."""
    if name != "image_position":
        return True
    (row, column), (row2, column2) = _cell(one), _cell(other)
    return abs(row - row2) > 1 or abs(column - column2) > 1


_CELLS = tuple(
    f"{row} {column}"
    for row in ("upper", "middle", "lower")
    for column in ("left", "middle", "right")
)


def _cell(name: str) -> tuple[int, int]:
    return divmod(4 if name == "centre" else _CELLS.index(name), 3)
