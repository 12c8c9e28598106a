"""A thyroid nodule in words, as both TI-RADS systems take it, and which words exclude one another.

The words are those of ACR TI-RADS 2017 (10.1016/j.jacr.2017.01.046). "Cannot be determined" is one
of them for composition (hidden by calcification), echogenicity and margin.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from echovlm.errors import RuleError
from echovlm.rads.inputs import size, word, words
from echovlm.rads.table import load

LARGEST_MM = 200.0
"""No thyroid nodule is longer."""


@dataclass(frozen=True)
class Nodule:
    """The checked description of one nodule; ``size_mm`` is None where it was not given."""

    composition: str
    echogenicity: str
    shape: str
    margin: str
    foci: tuple[str, ...]
    size_mm: float | None

    def features(self) -> list[tuple[str, str]]:
        """Feature and word, every kind of echogenic foci on its own."""
        single = ("composition", "echogenicity", "shape", "margin")
        return [(name, getattr(self, name)) for name in single] + [
            ("foci", kind) for kind in self.foci
        ]


def words_of(feature: str) -> tuple[str, ...]:
    """Words that are accepted for a feature, in the order of the table."""
    return load("acr_tirads").words("points", feature=feature)


def describe(
    composition: str,
    echogenicity: str,
    shape: str,
    margin: str,
    foci: Iterable[str],
    max_diameter_mm: float | None,
) -> Nodule:
    """Check a description.

    Raises:
        RuleError: for unknown words, impossible sizes and contradictory features.
    """
    said = {
        name: word(name, value, words_of(name))
        for name, value in (
            ("composition", composition),
            ("echogenicity", echogenicity),
            ("shape", shape),
            ("margin", margin),
        )
    }
    kinds = words("foci", foci, words_of("foci")) or ("none",)
    if "none" in kinds and len(kinds) > 1:
        raise RuleError("The echogenic foci cannot be 'none' and something else at once.")
    _check_echogenicity(said["composition"], said["echogenicity"])
    long_mm = (
        None if max_diameter_mm is None else size("max_diameter_mm", max_diameter_mm, LARGEST_MM)
    )
    return Nodule(**said, foci=kinds, size_mm=long_mm)


def _check_echogenicity(composition: str, echogenicity: str) -> None:
    if echogenicity == "anechoic" and composition != "cystic":
        raise RuleError(
            f"Only a cystic nodule is anechoic, not one that is '{composition}'; "
            "give the echogenicity of its solid part."
        )
    if composition == "cystic" and echogenicity != "anechoic":
        raise RuleError(
            f"A cystic nodule is anechoic, not '{echogenicity}'; where a solid part has that "
            "echogenicity, the composition is 'mixed cystic and solid'."
        )
