"""ACR TI-RADS 2017: points of five features, level, and what to do by size.

    total = composition + echogenicity + shape + margin + every kind of echogenic foci
    level = TR1 (0) TR2 (2) TR3 (3) TR4 (4-6) TR5 (7 and more); a spongiform nodule stops at 0

A total of 1 is impossible: a nodule with any solid part has at least 2 points. Thresholds of other
societies are often mixed up with these; they are not used.

Source: Tessler et al., J Am Coll Radiol 2017, 10.1016/j.jacr.2017.01.046.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from math import prod
from typing import Literal

from pydantic import BaseModel, ConfigDict

from echovlm.errors import RuleError
from echovlm.rads.inputs import size
from echovlm.rads.result import Result, about
from echovlm.rads.table import Row, load
from echovlm.rads.thyroid_nodule import LARGEST_MM, Nodule, describe, words_of

__all__ = ["Growth", "Points", "Selection", "TiRads", "assess", "growth", "select", "words_of"]

Action = Literal["FNA", "follow-up", "none"]


class Points(BaseModel):
    """Points of one feature.

    Attributes:
        feature: "composition", "echogenicity", "shape", "margin" or "foci".
        value: the word that was given.
        points: what it adds.
    """

    model_config = ConfigDict(frozen=True)

    feature: str
    value: str
    points: int


class TiRads(Result):
    """An ACR TI-RADS level.

    Attributes:
        level: "TR1" to "TR5".
        name: the level in words.
        total: sum of the points.
        trail: points by feature, in the order of the rule; a spongiform nodule has one line.
        risk_percent: published risk of malignancy.
        action: what the size asks for; None where the size decides and was not given.
        follow_up_years: when to look again, in years from now.
        max_diameter_mm: largest diameter, None where not given.
    """

    level: str
    name: str
    total: int
    trail: tuple[Points, ...]
    risk_percent: float
    action: Action | None
    follow_up_years: tuple[int, ...] = ()
    max_diameter_mm: float | None = None


def assess(
    *,
    composition: str,
    echogenicity: str,
    shape: str,
    margin: str,
    foci: Iterable[str] = ("none",),
    max_diameter_mm: float | None = None,
) -> TiRads:
    """Apply the rule to one nodule.

    Args:
        composition: see :func:`words_of`; so are the other words.
        echogenicity: of the solid part; "anechoic" for a cystic nodule and only there.
        shape: "wider-than-tall" or "taller-than-wide", in the transverse plane.
        margin: of the nodule.
        foci: every kind of echogenic foci that is seen.
        max_diameter_mm: largest diameter in mm, for the action.

    Raises:
        RuleError: for unknown words, impossible sizes and contradictory features.
    """
    nodule = describe(composition, echogenicity, shape, margin, foci, max_diameter_mm)
    table = load("acr_tirads")
    rows = [table.row("points", feature=name, value=said) for name, said in nodule.features()]
    counted = rows[:1] if nodule.composition == "spongiform" else rows
    total = sum(row["points"] for row in counted)
    level = _level(total)
    action, years = _action(level, nodule.size_mm)
    return TiRads(
        **about(table, [*counted, level]),
        warnings=tuple(_warnings(nodule, rows)),
        level=level["level"],
        name=level["name"],
        total=total,
        trail=tuple(Points(**{key: row[key] for key in Points.model_fields}) for row in counted),
        risk_percent=level["risk_percent"],
        action=action,
        follow_up_years=years,
        max_diameter_mm=nodule.size_mm,
    )


def _level(total: int) -> Row:
    for row in load("acr_tirads").group("levels"):
        most = row["most_points"]
        if row["least_points"] <= total and (most is None or total <= most):
            return row
    raise RuleError(
        f"A total of {total} is impossible in ACR TI-RADS: a purely cystic nodule has 0 points and "
        "one with any solid part at least 2; check composition and echogenic foci."
    )


def _action(level: Row, size_mm: float | None) -> tuple[Action | None, tuple[int, ...]]:
    if level["fna_mm"] is None:
        return "none", ()
    if size_mm is None:
        return None, ()
    if size_mm >= level["fna_mm"]:
        return "FNA", ()
    if size_mm >= level["follow_mm"]:
        return "follow-up", tuple(level["follow_years"])
    return "none", ()


def _warnings(nodule: Nodule, rows: list[Row]) -> Iterator[str]:
    if nodule.composition == "spongiform" and sum(row["points"] for row in rows[2:]):
        yield (
            "A spongiform nodule stops at 0 points, but shape, margin or echogenic foci would add "
            "some: is it spongiform?"
        )
    if "comet-tail" in nodule.foci and nodule.composition == "solid":
        yield (
            "Large comet-tails (0 points) lie in cystic parts; small ones in solid tissue are "
            "counted as punctate echogenic foci."
        )
    undetermined = [name for name, said in nodule.features() if said == "cannot be determined"]
    if undetermined:
        yield f"Points were assigned although {' and '.join(undetermined)} cannot be determined."


class Growth(Result):
    """Whether a nodule grew between two examinations.

    Attributes:
        has_grown: True where either criterion is met.
        grown_dimensions: dimensions that grew by enough percent and millimetres.
        volume_change_percent: of the ellipsoid; None where only two diameters were given.
    """

    has_grown: bool
    grown_dimensions: int
    volume_change_percent: float | None


def growth(before_mm: Sequence[float], after_mm: Sequence[float]) -> Growth:
    """Compare two examinations: 20 % and 2 mm in two dimensions, or 50 % in volume.

    Args:
        before_mm: two or three diameters at the earlier examination.
        after_mm: the same ones now, in the same order.

    Raises:
        RuleError: where these are not two or three sizes each.
    """
    if len(before_mm) != len(after_mm) or len(before_mm) not in (2, 3):
        raise RuleError("Give the same two or three diameters before and after.")
    before = [size("before_mm", value, LARGEST_MM) for value in before_mm]
    after = [size("after_mm", value, LARGEST_MM) for value in after_mm]
    table = load("acr_tirads")
    (row,) = table.group("growth")
    grown = sum(
        _exact(100 * (new - old) / old) >= row["least_percent"]
        and _exact(new - old) >= row["least_mm"]
        for old, new in zip(before, after, strict=True)
    )
    change = _exact(100 * (prod(after) / prod(before) - 1)) if len(before) == 3 else None
    return Growth(
        **about(table, [row]),
        has_grown=grown >= row["dimensions"]
        or (change is not None and change >= row["volume_percent"]),
        grown_dimensions=grown,
        volume_change_percent=change,
    )


def _exact(value: float) -> float:
    """A value on a threshold must not fall below it in its last binary digit."""
    return round(value, 9)


class Selection(Result):
    """Which of several nodules to report and to biopsy.

    Attributes:
        reported: indices of the nodules, the most points first.
        biopsied: those of them to biopsy.
    """

    reported: tuple[int, ...]
    biopsied: tuple[int, ...]


def select(nodules: Sequence[TiRads]) -> Selection:
    """Choose among several nodules: by points, then by size.

    Args:
        nodules: one result of :func:`assess` each; indices of the selection count from 0.
    """
    table = load("acr_tirads")
    (row,) = table.group("several")
    order = sorted(
        range(len(nodules)),
        key=lambda index: (-nodules[index].total, -(nodules[index].max_diameter_mm or 0.0), index),
    )
    wanted = [index for index in order if nodules[index].action == "FNA"]
    biopsied = tuple(wanted[: row["most_biopsies"]])
    warnings = []
    if len(wanted) > len(biopsied):
        warnings.append(f"{len(wanted)} nodules reach their size for FNA; two are biopsied.")
    if any(nodules[a].total == nodules[b].total for a, b in pairwise(order)):
        warnings.append("Nodules with equal points are ordered by size.")
    return Selection(
        **about(table, [row]),
        warnings=tuple(warnings),
        reported=tuple(order[: row["most_reported"]]),
        biopsied=biopsied,
    )
