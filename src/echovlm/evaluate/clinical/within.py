"""Mistakes that a report shows by itself, see :mod:`echovlm.evaluate.clinical.mistakes`."""

from __future__ import annotations

from collections.abc import Iterator

from echovlm.evaluate.clinical.mistakes import Mistake, MistakeKind, mistake
from echovlm.evaluate.clinical.reading import WRONG, FactKind, Reading, site_group
from echovlm.facts import Section, Statement, within_text
from echovlm.facts.findings import findings


def mistakes_within(reading: Reading) -> list[Mistake]:
    """Contradictions of a report with itself."""
    found = [
        Mistake(MistakeKind.WITHIN, each.sentence, each.spans)
        for each in within_text(reading.statements)
    ]
    return [
        *found,
        *_denied_within(reading),
        *_called_normal(reading),
        *_lobes_of_parts(reading),
    ]


def _denied_within(reading: Reading) -> Iterator[Mistake]:
    """A finding that one sentence affirms and another one denies."""
    denials = {_place(each): each for each in reading.denied()}
    told: set[object] = set()
    for said in reading.affirmed(*WRONG):
        denial = denials.get(_place(said))
        if denial and said.value not in told and said.clause != denial.clause:
            told.add(said.value)
            sentence = f"The text says {said.value}, and also that there is none."
            yield mistake(MistakeKind.WITHIN, sentence, said, denial)


def _lobes_of_parts(reading: Reading) -> Iterator[Mistake]:
    """A lobe of the liver in the impression where the findings have another one alone."""
    lobes = [f for f in reading.facts[FactKind.SITE] if site_group(f) == "lobe"]
    parts: dict[bool, dict[str, Statement]] = {True: {}, False: {}}
    for statement in (each.statement for each in lobes if each.statement):
        concluded = statement.section is Section.IMPRESSION
        parts[concluded].setdefault(str(statement.value), statement)
    described = parts[False]
    for lobe, statement in parts[True].items():
        if len(described) == 1 and lobe not in described:
            ((other, place),) = described.items()
            sentence = f"The text says {lobe} in the impression, and also {other}."
            yield mistake(MistakeKind.WITHIN, sentence, statement, place)


def _place(each: Statement) -> tuple[object, ...]:
    """What a finding is, in which organ and, where it belongs to one, on which side."""
    side = each.side if findings()[str(each.value)].is_sided else None
    return each.value, each.organ, side


def _called_normal(reading: Reading) -> Iterator[Mistake]:
    """An organ whose conclusion is normal although an abnormality is described."""
    for normal, said in against_normal(reading, reading):
        sentence = f"The text says {said.value}, and also that the organ is normal."
        yield mistake(MistakeKind.WITHIN, sentence, said, normal)
        return


def against_normal(one: Reading, other: Reading) -> Iterator[tuple[Statement, Statement]]:
    """Where one report concludes that an organ is normal, and the other one what is wrong with it.

    What may be seen in a healthy organ too, as a little free fluid, is passed over, and what lies
    beside it, as a stone of the gallbladder.
    """
    normals = {(each.organ, each.side, each.section): each for each in one.said.normal}
    wrong = {(each.value, each.organ, each.side): each for each in other.wrong()}
    for normal in normals.values():
        if normal.section is Section.FINDINGS:
            continue
        for each in wrong.values():
            apart = {each.side, normal.side} == {"left", "right"}
            outside = findings()[str(each.value)].is_outside
            if each.organ == normal.organ and not apart and not outside:
                yield normal, each
