"""Checks of a text against the facts of its study; a fact that is absent is never missed."""

from __future__ import annotations

from collections.abc import Callable

from echovlm.facts.claims import Claims, claim_of
from echovlm.facts.contradiction import (
    COMPATIBLE,
    SIZE_TOLERANCE_MM,
    SIZE_TOLERANCE_RATIO,
    Contradiction,
    ContradictionKind,
    agrees,
    compatible,
    same_category,
    spoken,
)
from echovlm.facts.fact import Fact
from echovlm.facts.statement import Certainty, Statement, Subject


def _against(kind: ContradictionKind, said: Statement, saying: str, fact: Fact) -> Contradiction:
    known = f"{fact.name} is {spoken(fact.value)}"
    if isinstance(fact.value, bool):
        known = "there is one" if fact.value else "there is none"
    sentence = f"The text says {saying}, but {known} according to {fact.source}."
    return Contradiction(kind, sentence, said, fact)


Known = dict[str, list[Fact]]


def _lesion_state(known: Known) -> tuple[bool, Fact] | None:
    """Whether the facts hold a lesion, with the fact that says so; None where they are silent."""
    for fact in known.get("lesion_present", []):
        return bool(fact.value), fact
    for fact in known.get("pathology", []):
        return fact.value != "normal", fact
    for fact in known.get("lesion_count", []):
        return bool(fact.value), fact
    for fact in known.get("diagnosis", []):
        if str(fact.value).endswith("-normal"):
            return False, fact
    return None


def _lesion_in_normal(said: Claims, known: Known) -> list[Contradiction]:
    state = _lesion_state(known)
    if state is None or state[0] or not said.lesions:
        return []
    return [
        _against(
            ContradictionKind.LESION_IN_NORMAL, said.lesions[0], "that a lesion is seen", state[1]
        )
    ]


def _no_lesion(said: Claims, known: Known) -> list[Contradiction]:
    state = _lesion_state(known)
    denials = [each for each in said.denials if not each.restricted] + said.normal
    if state is None or not state[0] or said.lesions or not denials:
        return []
    fact_sides = {str(fact.value) for fact in known.get("laterality", [])}
    anatomies = {str(fact.value) for fact in known.get("anatomy", [])}
    for denial in denials:
        if anatomies and denial.organ not in anatomies | {None}:
            continue
        if not fact_sides or denial.side in (None, "bilateral") or denial.side in fact_sides:
            saying = "that no lesion is seen"
            return [_against(ContradictionKind.NO_LESION, denial, saying, state[1])]
    return []


def _stones(said: Claims, known: Known) -> list[Contradiction]:
    stated = said.named("stone_present")
    for fact in known.get("stone_present", []):
        if stated and all(each.value != fact.value for each in stated):
            kind = ContradictionKind.NO_LESION if fact.value else ContradictionKind.LESION_IN_NORMAL
            saying = f"that {'a' if stated[0].value else 'no'} stone is seen"
            return [_against(kind, stated[0], saying, fact)]
    return []


def _pathology_fact(known: Known) -> Fact | None:
    for fact in known.get("pathology", []):
        if fact.value in ("benign", "malignant"):
            return fact
    return None


def _benign_malignant(said: Claims, known: Known) -> list[Contradiction]:
    fact = _pathology_fact(known)
    claims = said.pathologies()
    if fact is None or any(claim_of(each) == fact.value for each in claims):
        return []
    for each in claims:
        if each.certainty is not Certainty.POSSIBLE:
            saying = f"that the lesion is {claim_of(each)}"
            return [_against(ContradictionKind.BENIGN_MALIGNANT, each, saying, fact)]
    return []


def _left_right(said: Claims, known: Known) -> list[Contradiction]:
    facts = [fact for fact in known.get("laterality", []) if fact.value in ("left", "right")]
    sides = {str(fact.value) for fact in facts}
    if len(sides) != 1:
        return []
    stated = said.lesion_sides()
    if not stated:
        stated = [each for each in said.named("laterality") if each.organ != "other"]
    anatomies = {str(fact.value) for fact in known.get("anatomy", [])}
    stated = [each for each in stated if not anatomies or each.organ in anatomies | {None}]
    values = {str(each.value) for each in stated}
    if not values or values & (sides | {"bilateral"}):
        return []
    saying = f"{stated[0].value}"
    return [_against(ContradictionKind.LEFT_RIGHT, stated[0], saying, facts[0])]


def _count_of(said: Claims) -> tuple[str, Statement] | None:
    """Whether the text counts "single" or "multiple", with the statement behind it."""
    counts = [each for each in said.named("lesion_count") if not each.restricted]
    several = [each for each in counts if each.value != 1]
    if several:
        return "multiple", several[0]
    numbered = [each for each in said.lesions if each.lesion and each.lesion > 1]
    if numbered:
        return "multiple", numbered[0]
    return ("single", counts[0]) if counts else None


def _single_multiple(said: Claims, known: Known) -> list[Contradiction]:
    counted = _count_of(said)
    for fact in known.get("lesion_count", []):
        if counted and isinstance(fact.value, int) and fact.value > 0:
            is_single = fact.value == 1
            if is_single != (counted[0] == "single"):
                number = "one lesion" if counted[0] == "single" else "more than one lesion"
                saying = f"that there is {number}"
                return [_against(ContradictionKind.SINGLE_MULTIPLE, counted[1], saying, fact)]
    return []


def _sizes(said: Claims, known: Known) -> list[Contradiction]:
    """Numbers of the text against those of the facts.

    A report gives the size of the organ and of what else is there too. A size that no fact holds
    is therefore a contradiction only where the text leaves the size of a known lesion untold.
    """
    found: list[Contradiction] = []
    for name in _NUMBERS:
        facts = [fact for fact in known.get(name, []) if _is_number(fact.value)]
        stated = said.named(name) if facts else []
        if name in _SIZES and all(any(_is_near(each, fact) for each in stated) for fact in facts):
            continue
        for each in stated:
            if not any(_is_near(each, fact) for fact in facts):
                rivals = [fact for fact in facts if _same_lesion(each, fact)] or facts
                saying = f"{spoken(each.value)} {each.unit or ''}".strip()
                found.append(_against(ContradictionKind.SIZE, each, saying, rivals[0]))
    return found


def _is_near(statement: Statement, fact: Fact) -> bool:
    return agrees(statement, fact.value, SIZE_TOLERANCE_MM, SIZE_TOLERANCE_RATIO)


_SIZES = ("size_long_mm", "size_short_mm", "size_lateral_mm", "size_depth_extent_mm")
_NUMBERS = (
    *_SIZES,
    "head_circumference_mm", "lumen_diameter_mm", "intima_media_mm", "ejection_fraction_percent",
    "psv_cm_per_s", "edv_cm_per_s",
)  # fmt: skip


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _descriptors(said: Claims, known: Known) -> list[Contradiction]:
    found: list[Contradiction] = []
    for name in COMPATIBLE:
        facts = known.get(name, [])
        stated = [
            each
            for each in said.claimed
            if each.name == name and each.subject is Subject.LESION and not each.partial
        ]
        for each in stated if facts else ():
            rivals = [
                f
                for f in facts
                if not _same_lesion(each, f) or not _disagrees(name, each, str(f.value))
            ]
            if len(rivals) < len(facts) and not any(
                not _disagrees(name, each, str(fact.value)) for fact in facts
            ):
                saying = f"that {name} is {'not ' if each.negated else ''}{each.value}"
                found.append(_against(ContradictionKind.DESCRIPTOR, each, saying, facts[0]))
    return found


def _same_lesion(statement: Statement, fact: Fact) -> bool:
    return statement.lesion is None or fact.lesion in (None, statement.lesion)


def _disagrees(name: str, statement: Statement, value: str) -> bool:
    if statement.negated:
        return str(statement.value) == value
    return not compatible(name, str(statement.value), value)


def _categories(said: Claims, known: Known) -> list[Contradiction]:
    found: list[Contradiction] = []
    for name in ("birads", "tirads", "orads"):
        facts = known.get(name, [])
        stated = said.named(name)
        if (
            facts
            and stated
            and not any(
                same_category(str(each.value), str(fact.value)) for each in stated for fact in facts
            )
        ):
            found.append(
                _against(
                    ContradictionKind.CATEGORY, stated[0], f"{name} {stated[0].value}", facts[0]
                )
            )
    return found


def _organs(said: Claims, known: Known) -> list[Contradiction]:
    facts = known.get("anatomy", [])
    stated = said.named("anatomy")
    named = {str(each.value) for each in stated}
    if not facts or not named or any(str(fact.value) in named for fact in facts):
        return []
    return [_against(ContradictionKind.ORGAN, stated[0], f"{stated[0].value}", facts[0])]


FACT_CHECKS: tuple[Callable[[Claims, Known], list[Contradiction]], ...] = (
    _lesion_in_normal, _benign_malignant, _left_right, _single_multiple, _no_lesion, _stones,
    _sizes, _descriptors, _categories, _organs,
)  # fmt: skip
