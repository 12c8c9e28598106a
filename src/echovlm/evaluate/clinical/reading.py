"""A report read as facts, sorted by kind, so that two reports can be compared fact by fact.

One rule: a fact is what the text claims of this examination. Advice, history and questions are
none; what a text only cannot exclude is an uncertainty and nothing else; a denial is a negation.
The reader is :mod:`echovlm.facts`. What counts as a fact of each kind:

| kind | fact |
|---|---|
| organ | one of the seven anatomies that is named |
| lesion | each lesion, counted: "two", "lesion 2", one on either side; "multiple" is two or more |
| finding | a lesion type, abnormality or feature of ``facts/findings.json``; benign, malignant |
| side | left or right of the lesions; of the organ where there is no lesion |
| site | quadrant, clock, pole, lobe, segment, wall, layer of a lesion |
| measurement | a number with its unit: sizes, distances, velocities, shares |
| descriptor | a value of a lesion's descriptor, and grades of stenosis, steatosis, SFU |
| category | BI-RADS, TI-RADS or O-RADS |
| negation | a lesion, finding or descriptor that is denied |
| uncertainty | a lesion, finding or nature with how sure the text is of it |
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from echovlm.facts import Certainty, Statement, Subject, read_all_statements
from echovlm.facts.claims import Claims, claim_of
from echovlm.facts.clauses import flatten, language_of
from echovlm.facts.contradiction import ROUNDING_MM, ROUNDING_RATIO, near
from echovlm.facts.findings import FindingKind, findings
from echovlm.facts.sites import group_of
from echovlm.terms import Language

DESCRIPTORS = (
    "shape", "orientation", "margin", "echogenicity", "echotexture", "posterior", "calcification",
    "vascularity", "composition",
)  # fmt: skip
"""Descriptors of a lesion."""
GRADES = ("stenosis", "sfu_grade", "steatosis_grade", "tissue_composition")
"""Graded findings of the organ."""
CATEGORIES = ("birads", "tirads", "orads")
"""Assessment systems."""

WRONG = (FindingKind.LESION, FindingKind.ABNORMALITY)
"""Kinds of findings that are wrong."""
SUSPICIOUS = "suspicious lesion"
"""The finding that leaves the nature open and leans to malignant."""

_NUMBER = re.compile(r"\d*\.?\d+")


class FactKind(StrEnum):
    """Kinds of facts, in the order of tables."""

    ORGAN = "organ"
    LESION = "lesion"
    FINDING = "finding"
    SIDE = "side"
    SITE = "site"
    MEASUREMENT = "measurement"
    DESCRIPTOR = "descriptor"
    CATEGORY = "category"
    NEGATION = "negation"
    UNCERTAINTY = "uncertainty"


@dataclass(frozen=True)
class ReportFact:
    """One fact of a report.

    Attributes:
        kind: what it is.
        name: canonical name ("margin", "size_long_mm", "finding").
        value: canonical value; a number in the unit of the name, for a lesion its running number.
        side: body side in force ("left", "right"), None where the text leaves it open.
        statement: where the text says it; None for a lesion that follows from a count.
        unit: as the text states it ("cm"), "" for what is no measurement.
        number: as the text states it (1.2 for "1.2 cm"), None for what is no measurement.
        is_open: whether it stands for this lesion and any further ones ("multiple").
    """

    kind: FactKind
    name: str
    value: float | int | str
    side: str | None = None
    statement: Statement | None = None
    unit: str = ""
    number: float | None = None
    is_open: bool = False

    @property
    def words(self) -> str:
        """The fact for a reader, in names and values alone."""
        if self.kind is FactKind.MEASUREMENT:
            return f"{self.number:g} {self.unit}"
        if self.kind in (FactKind.DESCRIPTOR, FactKind.CATEGORY):
            return f"{self.name} {self.value}"
        if self.kind is FactKind.LESION:
            return f"lesion {self.value}"
        if self.kind is FactKind.NEGATION:
            return f"no {self.value}"
        if self.kind is FactKind.UNCERTAINTY:
            return f"{self.value}, {self.name.rpartition(', ')[2]}"
        return str(self.value)


@dataclass(frozen=True)
class Reading:
    """A report and what it says.

    Attributes:
        text: the report.
        language: whose words were read.
        statements: everything that was read, in order.
        said: what of it counts.
        facts: facts by kind; every kind is there.
    """

    text: str
    language: Language
    statements: tuple[Statement, ...]
    said: Claims
    facts: Mapping[FactKind, tuple[ReportFact, ...]]

    @property
    def lesions(self) -> int:
        """How many lesions the text claims at least."""
        return len(self.facts[FactKind.LESION])

    @property
    def sides(self) -> frozenset[str]:
        """Sides of its lesions, of the organ where it has none."""
        return frozenset(str(fact.value) for fact in self.facts[FactKind.SIDE])

    def affirmed(self, *kinds: FindingKind) -> list[Statement]:
        """Findings of these kinds that are claimed."""
        return [
            each for each in self.said.named("finding") if findings()[str(each.value)].kind in kinds
        ]

    def wrong(self) -> list[Statement]:
        """Claimed findings that no healthy organ has."""
        return [
            each
            for each in self.affirmed(*WRONG)
            if not findings()[str(each.value)].is_physiological
        ]

    def natures(self) -> set[str]:
        """Whether the lesion is called benign or malignant; suspicious counts as malignant."""
        found = {str(f.value) for f in self.facts[FactKind.FINDING]}
        if SUSPICIOUS in found:
            found.add("malignant")
        return found & {"benign", "malignant"}

    def mentioned(self) -> frozenset[str]:
        """Findings that are claimed or held possible."""
        return frozenset(
            str(each.value)
            for each in self.said.current
            if each.name == "finding" and not each.negated
        )

    def denied(self) -> list[Statement]:
        """Findings that are denied for the whole organ, not only for a part or beside another."""
        return [
            each
            for each in self.said.claimed
            if each.name == "finding" and each.negated and not each.restricted
        ]


def read_report(text: str, language: Language | str | None = None) -> Reading:
    """Read a report.

    Args:
        text: a report, a part of one or a single sentence; may be empty.
        language: of the text; None decides by its characters.
    """
    tongue = language_of(text) if language is None else Language(language)
    statements = read_all_statements(text, tongue)
    said = Claims(statements)
    found: dict[FactKind, list[ReportFact]] = {kind: [] for kind in FactKind}
    for fact in _facts(text, said):
        if not any(_repeats(fact, known) for known in found[fact.kind]):
            found[fact.kind].append(fact)
    facts = {kind: tuple(kept) for kind, kept in found.items()}
    return Reading(text, tongue, statements, said, facts)


def _repeats(fact: ReportFact, known: ReportFact) -> bool:
    if fact.side != known.side and fact.kind in (FactKind.MEASUREMENT, FactKind.FINDING):
        return False
    if fact.kind is FactKind.MEASUREMENT:
        return fact.name == known.name and near(
            float(fact.value), float(known.value), ROUNDING_MM, ROUNDING_RATIO
        )
    return (fact.name, fact.value) == (known.name, known.value)


def _facts(text: str, said: Claims) -> Iterator[ReportFact]:
    yield from _stated(FactKind.ORGAN, (e for e in said.named("anatomy") if e.organ != "other"))
    yield from _lesions(said)
    yield from _findings(said)
    yield from _sides(said)
    yield from _stated(FactKind.SITE, _lesion_sites(said))
    for each in said.claimed:
        if each.unit and not isinstance(each.value, (str, bool)):
            yield _measurement(text, each)
    yield from _stated(FactKind.DESCRIPTOR, _descriptors(said))
    yield from _bloodless(said)
    yield from _degrees(flatten(text), said)
    yield from _stated(FactKind.CATEGORY, (e for n in CATEGORIES for e in said.named(n)))
    yield from _negations(said)
    yield from _uncertainties(said)


def _stated(kind: FactKind, statements: Iterable[Statement]) -> Iterator[ReportFact]:
    for each in statements:
        value = each.value if isinstance(each.value, (int, float)) else str(each.value)
        yield ReportFact(kind, each.name, value, each.side, each)


def _lesions(said: Claims) -> Iterator[ReportFact]:
    """One fact per lesion; the last one is open where the text says "multiple"."""
    if not said.lesions:
        return
    counts = [each for each in said.named("lesion_count") if not each.restricted]
    sides = {each.value for each in said.lesion_sides()}
    number = max(
        1,
        *(int(each.value) for each in counts if isinstance(each.value, int)),
        *(each.lesion or 1 for each in said.lesions),
        2 if {"left", "right"} <= sides or "bilateral" in sides else 1,
    )
    is_open = any(each.value == "multiple" for each in counts)
    number = max(number, 2) if is_open else number
    for place in range(1, number + 1):
        first = said.lesions[0] if place == 1 else None
        last = is_open and place == number
        yield ReportFact(FactKind.LESION, "lesion", place, statement=first, is_open=last)


def _findings(said: Claims) -> Iterator[ReportFact]:
    for each in said.named("finding"):
        if _is_told(each):
            side = each.side if findings()[str(each.value)].is_sided else None
            yield ReportFact(FactKind.FINDING, each.name, str(each.value), side, each)
    for each in said.pathologies():
        if each.certainty is not Certainty.POSSIBLE:
            yield ReportFact(FactKind.FINDING, "pathology", claim_of(each), None, each)


def _sides(said: Claims) -> Iterator[ReportFact]:
    stated = said.lesion_sides()
    if not stated and not said.lesions:
        stated = [each for each in said.named("laterality") if each.organ != "other"]
    for each in stated:
        both = ("left", "right") if each.value == "bilateral" else (str(each.value),)
        for side in both:
            yield ReportFact(FactKind.SIDE, "laterality", side, None, each)


def _lesion_sites(said: Claims) -> Iterator[Statement]:
    """Sites of clauses with a lesion, and of clauses of its sentence that deny none."""
    clauses = {each.clause for each in said.lesions}
    sentences = {each.sentence for each in said.lesions}
    denials = {each.clause for each in said.denials} - clauses
    for each in said.named("site"):
        if each.clause in clauses or (each.sentence in sentences and each.clause not in denials):
            yield each


def site_group(fact: ReportFact) -> str:
    """The group of a site, of which a lesion has one member ("clock")."""
    return group_of(str(fact.value))


def _measurement(text: str, each: Statement) -> ReportFact:
    value = float(each.value)
    match = _NUMBER.search(flatten(text[each.start : each.end]))
    number = float(match[0]) if match else value
    unit = each.unit or ""
    larger = {"mm": "cm", "cm/s": "m/s"}.get(unit)
    if larger and number and not near(value / number, 1.0, 0.01, 0.0):
        unit = larger
    return ReportFact(FactKind.MEASUREMENT, each.name, value, each.side, each, unit, number)


def _descriptors(said: Claims) -> Iterator[Statement]:
    for name in DESCRIPTORS:
        yield from (each for each in said.named(name) if each.subject is Subject.LESION)
    for name in GRADES:
        yield from (each for each in said.named(name) if each.value != "normal")


def _bloodless(said: Claims) -> Iterator[ReportFact]:
    """No flow inside a lesion, where none is seen elsewhere, is none at all."""
    named = [each for each in said.claimed if each.name == "vascularity"]
    if named and all(each.negated for each in named):
        yield ReportFact(FactKind.DESCRIPTOR, "vascularity", "absent", named[0].side, named[0])


_DEGREES = {
    "mild": re.compile(
        r"轻度|少量|微量|少许|\b(?:mild(?:ly)?|small|trace|minimal|slight(?:ly)?)\b"
    ),
    "moderate": re.compile(r"中度|中等量|中量|\bmoderate(?:ly)?\b"),
    "severe": re.compile(r"重度|大量|\b(?:severe(?:ly)?|large|marked(?:ly)?|massive)\b"),
}
_GRADED = frozenset({"steatosis", "stenosis"})  # these have a grade of their own
_PART_END = re.compile(r"[,，。;；、]|\band\b|\bwith\b")
_BEFORE, _BEHIND = 24, 8  # characters around a finding in which its degree may stand


def _degrees(flat: str, said: Claims) -> Iterator[ReportFact]:
    """How severe an abnormality is said to be, where one word beside it says so."""
    for each in said.named("finding"):
        known = findings()[str(each.value)]
        if known.kind is not FindingKind.ABNORMALITY or known.key in _GRADED:
            continue
        before = _PART_END.split(flat[max(0, each.start - _BEFORE) : each.start])[-1]
        behind = _PART_END.split(flat[each.end : each.end + _BEHIND])[0]
        around = before + flat[each.start : each.end] + behind
        degrees = [degree for degree, pattern in _DEGREES.items() if pattern.search(around)]
        if len(degrees) == 1:
            name = f"degree of {known.key}"
            yield ReportFact(FactKind.DESCRIPTOR, name, degrees[0], None, each)


def _negations(said: Claims) -> Iterator[ReportFact]:
    for each in said.denials:
        what = "other lesion" if each.restricted else "lesion"
        yield ReportFact(FactKind.NEGATION, "lesion_present", what, None, each)
    for each in said.normal:  # a normal ovary is one without a lesion
        yield ReportFact(FactKind.NEGATION, "lesion_present", "lesion", None, each)
    for each in said.claimed:
        is_descriptor = each.name in DESCRIPTORS and each.subject is Subject.LESION
        bloodless = each.name == "vascularity"  # a descriptor, see above
        if each.negated and (_is_told(each) or (is_descriptor and not bloodless)):
            yield ReportFact(FactKind.NEGATION, each.name, str(each.value), None, each)


def _is_told(each: Statement) -> bool:
    """Whether it is a finding and no mere sign of one."""
    return each.name == "finding" and findings()[str(each.value)].kind is not FindingKind.SIGN


def _uncertainties(said: Claims) -> Iterator[ReportFact]:
    for each in said.current:
        nature = each.name == "pathology" and each.value != "normal"
        if each.uncertain and not each.negated and (nature or _is_told(each)):
            name = f"{each.name}, {each.certainty.value}"
            yield ReportFact(FactKind.UNCERTAINTY, name, str(each.value), None, each)
