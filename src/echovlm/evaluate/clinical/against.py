"""Mistakes of a report against the true one, see :mod:`echovlm.evaluate.clinical.mistakes`."""

from __future__ import annotations

from collections.abc import Iterator

from echovlm.evaluate.clinical.matching import agree, close, on_both_sides, same_quantity
from echovlm.evaluate.clinical.mistakes import Mistake, MistakeKind, mistake
from echovlm.evaluate.clinical.reading import (
    DESCRIPTORS,
    SUSPICIOUS,
    WRONG,
    FactKind,
    Reading,
    ReportFact,
    site_group,
)
from echovlm.evaluate.clinical.within import against_normal
from echovlm.facts import ContradictionKind, Fact, Origin, Statement, Subject, against_facts
from echovlm.facts.clauses import flatten
from echovlm.facts.contradiction import (
    ROUNDING_RATIO,
    SIZE_TOLERANCE_MM,
    SIZE_TOLERANCE_RATIO,
    near,
)
from echovlm.facts.findings import FindingKind, findings
from echovlm.facts.quantities import Unitless, unitless

_REFERENCE = "the reference"


def mistakes_against(predicted: Reading, true: Reading) -> list[Mistake]:
    """What a report says wrongly or leaves out, measured by the report that is true."""
    return [
        *_lateralities(predicted, true),
        *_contradictions(predicted, true),
        *_lacking(true, predicted, MistakeKind.OMISSION),
        *_lacking(predicted, true, MistakeKind.INVENTION),
        *_measurements(predicted, true),
    ]


def _lateralities(predicted: Reading, true: Reading) -> Iterator[Mistake]:
    if bool(predicted.lesions) == bool(true.lesions) and true.sides:
        for fact in predicted.facts[FactKind.SIDE]:
            if fact.value not in true.sides:
                yield _other_side(str(fact.value), _listed(true.sides), fact.statement)
    yield from _sides_of_findings(predicted, true)
    yield from _swapped_names(predicted, true)
    yield from _swapped_sizes(predicted, true)


def _other_side(said: str, real: str, statement: Statement | None) -> Mistake:
    sentence = f"The text says {said}, but the reference says {real}."
    return mistake(MistakeKind.LATERALITY, sentence, statement)


def _listed(values: frozenset[str]) -> str:
    return " and ".join(sorted(values))


def _sides_of_findings(predicted: Reading, true: Reading) -> Iterator[Mistake]:
    real: dict[object, set[str]] = {}
    for fact in true.facts[FactKind.FINDING]:
        for side in _both(fact.side):
            real.setdefault(fact.value, set()).add(side)
    for fact in predicted.facts[FactKind.FINDING]:
        known = frozenset(real.get(fact.value, ()))
        wrong = [side for side in _both(fact.side) if known and side not in known]
        if wrong:
            said = f"{fact.value} on the {wrong[0]}"
            yield _other_side(said, _listed(known), fact.statement)


def _both(side: str | None) -> tuple[str, ...]:
    if side == "bilateral":
        return ("left", "right")
    return (side,) if side in ("left", "right") else ()


_MIRROR = {"left": "right", "right": "left"}


def _swapped_names(predicted: Reading, true: Reading) -> Iterator[Mistake]:
    """A left lobe or chamber for a right one: names that hold a side."""
    for kind in (FactKind.FINDING, FactKind.SITE):
        real = {str(fact.value) for fact in true.facts[kind]}
        for fact in predicted.facts[kind]:
            name = str(fact.value)
            side = name.split(" ")[0]
            if side not in _MIRROR or name in real:
                continue
            mirrored = name.replace(side, _MIRROR[side], 1)
            if mirrored in real:
                yield _other_side(name, mirrored, fact.statement)


def _swapped_sizes(predicted: Reading, true: Reading) -> Iterator[Mistake]:
    """A size that the reference gives on the other side alone."""
    for fact in predicted.facts[FactKind.MEASUREMENT]:
        equal = [f for f in true.facts[FactKind.MEASUREMENT] if agree(fact, f)]
        sides = {each.side for each in equal}
        if fact.side in _MIRROR and sides == {_MIRROR[fact.side]}:
            other = [f for f in predicted.facts[FactKind.MEASUREMENT] if agree(f, equal[0])]
            if all(each.side == fact.side for each in other):
                said = f"{fact.words} on the {fact.side}"
                yield _other_side(said, _MIRROR[fact.side], fact.statement)


def _contradictions(predicted: Reading, true: Reading) -> Iterator[Mistake]:
    for each in against_facts(predicted.statements, reference_facts(true)):
        if each.kind is not ContradictionKind.LEFT_RIGHT:
            yield mistake(MistakeKind.AGAINST, each.sentence, each.statement)
    yield from _suspicions(predicted, true)
    yield from _denied_findings(predicted, true)
    yield from _denied_lesions(predicted, true)
    yield from _denied_descriptors(predicted, true)
    yield from _normal_against(predicted, true)
    yield from _grades(predicted, true)
    yield from _sites(predicted, true)


def reference_facts(true: Reading) -> list[Fact]:
    """What a report says that can be contradicted, as facts; sides and sizes are left to others."""
    said = true.said
    values: list[tuple[str, bool | int | float | str]] = []
    if said.lesions:
        values.append(("lesion_present", True))
    elif said.normal or any(not each.restricted for each in said.denials):
        values.append(("lesion_present", False))
    natures = true.natures()
    if len(natures) == 1:
        values.append(("pathology", natures.pop()))
    counted = [each for each in said.named("lesion_count") if not each.restricted]
    if true.lesions and (counted or true.lesions > 1):
        values.append(("lesion_count", true.lesions))
    for name in DESCRIPTORS:
        named = (each for each in said.named(name) if each.subject is Subject.LESION)
        values += ((name, str(each.value)) for each in named)
    values += (("anatomy", str(e.value)) for e in said.named("anatomy") if e.value != "other")
    return [
        Fact(name=name, value=value, origin=Origin.MACHINE, source=_REFERENCE)
        for name, value in dict.fromkeys(values)
    ]


def _suspicions(predicted: Reading, true: Reading) -> Iterator[Mistake]:
    """A lesion called suspicious that the reference calls benign."""
    if true.natures() == {"benign"} and SUSPICIOUS in predicted.mentioned():
        sentence = "The text says suspicious, but the reference says benign."
        said = [e for e in predicted.affirmed(FindingKind.ABNORMALITY) if e.value == SUSPICIOUS]
        yield mistake(MistakeKind.AGAINST, sentence, *said[:1])


def _denied_findings(predicted: Reading, true: Reading) -> Iterator[Mistake]:
    """A finding that one report affirms, and the other one denies and nowhere affirms."""
    every = tuple(FindingKind)
    for said, real, saying in (
        (predicted, true, "says {}, but the reference that there is none"),
        (true, predicted, "says that there is no {}, but the reference has it"),
    ):
        denied = {str(each.value): each for each in real.denied()}
        for each in said.affirmed(*every):
            denial = denied.pop(str(each.value), None)
            if denial is not None and str(each.value) not in real.mentioned():
                sentence = f"The text {saying.format(each.value)}."
                yield mistake(MistakeKind.AGAINST, sentence, each if said is predicted else denial)


def _denied_lesions(predicted: Reading, true: Reading) -> Iterator[Mistake]:
    """A lesion where the reference has none and denies one kind ("no echogenic focus")."""
    real = true.said
    if real.lesions or real.normal or not predicted.said.lesions:
        return
    if real.denials and all(each.restricted for each in real.denials):
        sentence = "The text says that a lesion is seen, but the reference that none is."
        yield mistake(MistakeKind.AGAINST, sentence, predicted.said.lesions[0])


def _denied_descriptors(predicted: Reading, true: Reading) -> Iterator[Mistake]:
    """A descriptor of the lesion that one report affirms and the other one denies."""
    for said, real in ((predicted, true), (true, predicted)):
        affirmed = {(f.name, f.value): f for f in said.facts[FactKind.DESCRIPTOR]}
        kept = {(f.name, f.value) for f in real.facts[FactKind.DESCRIPTOR]}
        for denial in real.facts[FactKind.NEGATION]:
            key = (denial.name, denial.value)
            if denial.name in DESCRIPTORS and key in affirmed and key not in kept:
                told = affirmed[key] if said is predicted else denial
                words = "" if said is predicted else "not "
                sentence = (
                    f"The text says that {denial.name} is {words}{denial.value}, "
                    "but the reference says the reverse."
                )
                yield mistake(MistakeKind.AGAINST, sentence, told.statement)


def _normal_against(predicted: Reading, true: Reading) -> Iterator[Mistake]:
    """An organ called normal where the reference has an abnormality, or the other way round."""
    for said, real in ((predicted, true), (true, predicted)):
        for normal, each in against_normal(said, real):
            if str(each.value) not in said.mentioned():
                told = normal if said is predicted else each
                what = "normal" if said is predicted else str(each.value)
                sentence = f"The text says {what}, but the reference says the reverse."
                yield mistake(MistakeKind.AGAINST, sentence, told)
                return


def _grades(predicted: Reading, true: Reading) -> Iterator[Mistake]:
    """A grade or a category that the reference does not have while it has another."""
    for kind in (FactKind.DESCRIPTOR, FactKind.CATEGORY):
        real: dict[str, list[ReportFact]] = {}
        for fact in true.facts[kind]:
            real.setdefault(fact.name, []).append(fact)
        for fact in predicted.facts[kind]:
            graded = fact.name not in DESCRIPTORS
            rivals = real.get(fact.name, ()) if graded else ()
            if rivals and not any(agree(fact, each) for each in rivals):
                sentence = f"The text says {fact.words}, but the reference {rivals[0].words}."
                yield mistake(MistakeKind.AGAINST, sentence, fact.statement)


def _sites(predicted: Reading, true: Reading) -> Iterator[Mistake]:
    real: dict[str, list[ReportFact]] = {}
    for fact in true.facts[FactKind.SITE]:
        real.setdefault(site_group(fact), []).append(fact)
    by_side = on_both_sides(predicted) and on_both_sides(true)
    for fact in predicted.facts[FactKind.SITE]:
        group = site_group(fact)
        rivals = real.get(group, ())
        if group != "lobe" and rivals and not any(agree(fact, each, by_side) for each in rivals):
            sentence = f"The text says {fact.value}, but the reference says {rivals[0].value}."
            yield mistake(MistakeKind.AGAINST, sentence, fact.statement)


def _lacking(has: Reading, lacks: Reading, kind: MistakeKind) -> Iterator[Mistake]:
    """Lesions and abnormalities of one report that the other one does not hold."""
    verb = "lacks" if kind is MistakeKind.OMISSION else "adds"
    shown = kind is MistakeKind.INVENTION
    theirs = lacks.facts[FactKind.LESION]
    for fact in has.facts[FactKind.LESION]:
        if not any(agree(fact, other) for other in theirs):
            statement = fact.statement or has.said.lesions[0]
            yield mistake(kind, f"The text {verb} a lesion.", statement if shown else None)
            break
    types = _types(lacks) - _types(has)
    for each in _once(has.affirmed(*WRONG)):
        if str(each.value) in lacks.mentioned():
            continue
        is_type = findings()[str(each.value)].kind is FindingKind.LESION
        if not is_type or not has.lesions or (lacks.lesions and types):
            yield mistake(kind, f"The text {verb} {each.value}.", each if shown else None)


def _types(reading: Reading) -> set[str]:
    return {str(each.value) for each in reading.affirmed(FindingKind.LESION)}


def _once(statements: list[Statement]) -> list[Statement]:
    return list({each.value: each for each in reversed(statements)}.values())


def _measurements(predicted: Reading, true: Reading) -> Iterator[Mistake]:
    real = true.facts[FactKind.MEASUREMENT]
    for fact in predicted.facts[FactKind.MEASUREMENT]:
        if any(same_quantity(fact, each) and close(fact, each) for each in real):
            continue
        rival = next((each for each in real if _other_unit(fact, each)), None)
        if rival:
            sentence = f"The text says {fact.words}, but the reference says {rival.words}."
            yield mistake(MistakeKind.UNIT, sentence, fact.statement)
        else:
            sentence = f"The text says {fact.words}, which the reference does not hold."
            yield mistake(MistakeKind.INVENTED_MEASUREMENT, sentence, fact.statement)
    yield from _repeated_axes(predicted, true)
    for bare in unitless_numbers(predicted):
        rivals = [each for each in real if each.number and _same_number(bare.number, each.number)]
        if rivals:
            sentence = f"The text says {bare.number:g} without the unit {rivals[0].unit}."
            yield Mistake(MistakeKind.UNIT, sentence, ((bare.start, bare.end),))


def _repeated_axes(predicted: Reading, true: Reading) -> Iterator[Mistake]:
    """A product that takes one size of the reference for two axes: 18 x 18 mm for 18 x 9 mm."""
    real = [float(each.value) for each in _sizes(true)][:_MOST]
    for product in _products(predicted)[:_MOST]:
        left = list(real)
        for size in product:
            equal = [each for each in left if _is_close(float(size.value), each)]
            if equal:
                left.remove(min(equal, key=lambda each: abs(each - float(size.value))))
            elif any(_is_close(float(size.value), each) for each in real):
                sentence = f"The text says {size.value:g} mm twice, the reference once."
                yield mistake(MistakeKind.INVENTED_MEASUREMENT, sentence, size)


_MOST = 64  # sizes of a report; one with more is none, and time stays linear
_NEXT = 8  # characters between the numbers of one product


def _sizes(reading: Reading) -> list[Statement]:
    return [each for each in reading.said.claimed if each.name.startswith("size_")]


def _products(reading: Reading) -> list[list[Statement]]:
    products: list[list[Statement]] = []
    for size in _sizes(reading):
        last = products[-1][-1] if products else None
        if last and size.clause == last.clause and size.start - last.end <= _NEXT:
            products[-1].append(size)
        else:
            products.append([size])
    return products


def _is_close(one: float, other: float) -> bool:
    return near(one, other, SIZE_TOLERANCE_MM, SIZE_TOLERANCE_RATIO)


def unitless_numbers(reading: Reading) -> tuple[Unitless, ...]:
    """Sizes that a report gives without a unit."""
    return tuple(unitless(flatten(reading.text), reading.language))


def _other_unit(fact: ReportFact, other: ReportFact) -> bool:
    if fact.unit == other.unit or fact.number is None or other.number is None:
        return False
    return _same_number(fact.number, other.number)


def _same_number(one: float, other: float) -> bool:
    return near(one, other, 0.0, ROUNDING_RATIO)
