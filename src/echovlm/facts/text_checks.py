"""Checks of a text against itself."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from itertools import combinations

from echovlm.facts.claims import Claims
from echovlm.facts.contradiction import (
    ROUNDING_MM,
    ROUNDING_RATIO,
    Contradiction,
    ContradictionKind,
    agrees,
    compatible,
    spoken,
)
from echovlm.facts.statement import Certainty, Section, Statement


def _within(
    kind: ContradictionKind, one: Statement, first: str, other: Statement, second: str
) -> Contradiction:
    return Contradiction(kind, f"The text says {first}, and also {second}.", one, other)


def _few(statements: list[Statement]) -> list[Statement]:
    """The first two of each kind, so that pairs are few however long the text is."""
    kept: dict[tuple[object, ...], list[Statement]] = {}
    for each in statements:
        alike = kept.setdefault((each.value, each.side, each.organ, each.lesion), [])
        if len(alike) < 2 and (not alike or alike[0].sentence != each.sentence):
            alike.append(each)
    return [each for alike in kept.values() for each in alike][:_MOST]


_MOST = 64


def _apart(one: Statement, other: Statement) -> bool:
    """Whether two statements speak of different sides or different lesions."""
    sides = {one.side, other.side}
    if None not in sides and "bilateral" not in sides and len(sides) == 2:
        return True
    return one.lesion is not None and other.lesion is not None and one.lesion != other.lesion


def _lesion_and_none(said: Claims) -> list[Contradiction]:
    denials = [each for each in said.denials if not each.restricted] + said.normal
    for denial in _few(denials):
        for lesion in _few(said.lesions):
            same_organ = lesion.organ == denial.organ or None in (lesion.organ, denial.organ)
            # "No mass, but a cyst": what follows in the sentence limits what was denied.
            limits = lesion.sentence == denial.sentence and lesion.start >= denial.start
            if not limits and same_organ and not _apart_sides(lesion, denial):
                return [
                    _within(
                        ContradictionKind.NO_LESION,
                        denial,
                        "that no lesion is seen",
                        lesion,
                        "that a lesion is seen",
                    )
                ]
    return []


def _apart_sides(one: Statement, other: Statement) -> bool:
    sides = {one.side, other.side}
    if None in sides:
        # The uterus has no side: one that has a side is about an ovary.
        return len(sides) == 2 and "gynaecology" in (one.organ, other.organ)
    return "bilateral" not in sides and len(sides) == 2


def _sides_of_parts(said: Claims) -> list[Contradiction]:
    """A side of a lesion in the impression that the findings do not have."""
    stated = set(said.lesion_sides())
    described = [each for each in said.lesion_sides() if not each.concluding]
    sides = {str(each.value) for each in described}
    if not sides or "bilateral" in sides:
        return []
    diagnosed = {each.clause for each in said.named("pathology") if each.value != "normal"}
    for each in said.named("laterality"):
        of_lesion = each in stated or (each.clause in diagnosed and each.organ != "other")
        if not (each.concluding and of_lesion and each.value in ("left", "right")):
            continue
        if each.value not in sides:
            rival = next((one for one in described if one.organ == each.organ), None)
            if rival:
                return [
                    _within(
                        ContradictionKind.LEFT_RIGHT, each, f"{each.value}", rival, f"{rival.value}"
                    )
                ]
    return []


def _sizes_of_parts(said: Claims) -> list[Contradiction]:
    """A size in the impression that the findings do not have."""
    sizes = [each for each in said.claimed if each.name.startswith("size_")]
    described = [
        each for each in sizes if each.section is not Section.IMPRESSION and not each.concluding
    ]
    for each in sizes:
        if each.section is not Section.IMPRESSION:
            continue
        if not any(agrees(each, one.value, ROUNDING_MM, ROUNDING_RATIO) for one in described):
            rival = described[0] if described else each
            second = f"{spoken(rival.value)} mm" if described else "no such size in the findings"
            return [
                _within(
                    ContradictionKind.SIZE_MISSING,
                    each,
                    f"{spoken(each.value)} mm in the impression",
                    rival,
                    second,
                )
            ]
    return []


def _pathologies_of_text(said: Claims) -> list[Contradiction]:
    claims = [each for each in said.pathologies() if each.certainty is not Certainty.POSSIBLE]
    benign = [each for each in claims if each.value == "benign" and not each.negated]
    malignant = [each for each in claims if each.value == "malignant" and not each.negated]
    for one in _few(benign):
        for other in _few(malignant):
            if one.sentence != other.sentence and not _apart(one, other):
                return [
                    _within(
                        ContradictionKind.BENIGN_MALIGNANT,
                        one,
                        "that the lesion is benign",
                        other,
                        "that it is malignant",
                    )
                ]
    return []


def _counts_of_text(said: Claims) -> list[Contradiction]:
    counts = said.named("lesion_count")
    single = [each for each in counts if each.value == 1]
    several = [each for each in counts if each.value != 1]
    for one in _few(single):
        for other in _few(several):
            if one.sentence != other.sentence and not _apart_sides(one, other):
                return [
                    _within(
                        ContradictionKind.SINGLE_MULTIPLE,
                        one,
                        "that there is one lesion",
                        other,
                        "that there are several",
                    )
                ]
    return []


def _echoes_of_text(said: Claims) -> list[Contradiction]:
    """One lesion with two echogenicities that exclude each other."""
    echoes = [
        each
        for each in said.named("echogenicity")
        if not each.partial and each.lesion is not None and _names_a_lesion(said, each)
    ]
    for one, other in combinations(_few(echoes), 2):
        if (
            one.lesion == other.lesion
            and one.sentence != other.sentence
            and not compatible("echogenicity", str(one.value), str(other.value))
            and not _apart_sides(one, other)
        ):
            first, second = f"that the lesion is {one.value}", f"that it is {other.value}"
            return [_within(ContradictionKind.DESCRIPTOR, one, first, other, second)]
    return []


def _names_a_lesion(said: Claims, echo: Statement) -> bool:
    """Whether the word stands right before its lesion: a hypoechoic mass."""
    starts = said.lesion_starts
    place = bisect_left(starts, echo.end)
    return place < len(starts) and starts[place] - echo.end <= _NEAR


_NEAR = 24  # characters


TEXT_CHECKS: tuple[Callable[[Claims], list[Contradiction]], ...] = (
    _lesion_and_none, _pathologies_of_text, _sides_of_parts, _sizes_of_parts, _counts_of_text,
    _echoes_of_text,
)  # fmt: skip
