"""What a reader should look at again in one report: contradictions, units, sizes, categories.

The same checks as the scores, on a report alone; with a reference also what differs from it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from echovlm.evaluate.clinical.against import mistakes_against, unitless_numbers
from echovlm.evaluate.clinical.categories import inconsistent_categories
from echovlm.evaluate.clinical.reading import Reading
from echovlm.evaluate.clinical.within import mistakes_within


class RemarkKind(StrEnum):
    """What a remark is about; the kinds of mistakes come on top of these."""

    NO_UNIT = "missing unit"
    CATEGORY = "inconsistent category"


@dataclass(frozen=True)
class Remark:
    """One thing to look at again.

    Attributes:
        kind: a :class:`RemarkKind` or a kind of mistake.
        sentence: the remark for a reader; names and values only.
        spans: where the text says it, as ``(start, end)``.
    """

    kind: str
    sentence: str
    spans: tuple[tuple[int, int], ...] = ()


def remarks(reading: Reading, reference: Reading | None = None) -> tuple[Remark, ...]:
    """Everything to look at again, without repetitions.

    Args:
        reading: the report.
        reference: the report that is true, where there is one.
    """
    found = [Remark(e.kind.value, e.sentence, e.spans) for e in mistakes_within(reading)]
    found += remarks_by_rule(reading)
    if reference is not None:
        against = mistakes_against(reading, reference)
        found += [Remark(e.kind.value, e.sentence, e.spans) for e in against]
    return tuple(dict.fromkeys(found))


def remarks_by_rule(reading: Reading) -> Iterator[Remark]:
    """What no mistake stands for: sizes without a unit, categories against the description."""
    for bare in unitless_numbers(reading):
        sentence = f"{bare.number:g} has no unit."
        yield Remark(RemarkKind.NO_UNIT.value, sentence, ((bare.start, bare.end),))
    for sentence, fact in inconsistent_categories(reading):
        said = fact.statement
        spans = ((said.start, said.end),) if said else ()
        yield Remark(RemarkKind.CATEGORY.value, sentence, spans)
