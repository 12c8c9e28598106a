"""What can be said about a record: facts that hold for the study, without those that disagree.

Two pictures of one lesion may show it differently (oval in one plane, round in the other). Such a
word is true of its picture and of neither the study nor the lesion, so nothing is said of it.
"""

from __future__ import annotations

from dataclasses import dataclass

from echovlm.data.record import Record
from echovlm.errors import OptionError
from echovlm.facts import Fact
from echovlm.facts.lexicon import words
from echovlm.prompts import asked_attributes
from echovlm.terms import Anatomy, Language

# Words of the breast and thyroid lexicons say little about a mass of the liver.
_SKIN_ORGANS = (Anatomy.BREAST, Anatomy.THYROID)
_OF_SKIN_ORGANS = {"orientation", "margin", "shape"}
_BREAST_WORDS = {"lobulated"}  # no shape of BI-RADS, 5th edition (2013)
_ACR_BOUNDS = {"2": {"benign"}, "5": {"malignant"}}  # where category and pathology must agree


@dataclass(frozen=True)
class Known:
    """Facts of one record that can be stated, by name.

    Attributes:
        record: the record.
        facts: one fact per name, of the study or of its only lesion.
        lesions: number of lesions that facts describe.
    """

    record: Record
    facts: dict[str, Fact]
    lesions: int

    def value(self, name: str) -> bool | int | float | str | None:
        """Value of a fact, None where it is not known."""
        fact = self.facts.get(name)
        return None if fact is None else fact.value

    def words(self, name: str, language: Language) -> str:
        """How a known fact is written, empty where it is unknown or has no words."""
        fact = self.facts.get(name)
        return "" if fact is None else written_value(name, fact.value, language)

    @property
    def has_lesion(self) -> bool | None:
        """Whether there is a lesion; None where no fact says so."""
        value = self.value("lesion_present")
        return value if isinstance(value, bool) else None

    def asked(self, language: Language) -> list[str]:
        """Attributes that can be asked about: known, and with words in the language."""
        return [
            name
            for name in asked_attributes(language)
            if name in self.facts and self.words(name, language)
        ]


def known_of(record: Record) -> Known:
    """Gather what can be said about a record."""
    lesions = {fact.lesion for fact in record.facts if fact.lesion is not None}
    by_name: dict[str, list[Fact]] = {}
    for fact in record.facts:
        if len(lesions) > 1 and fact.lesion is not None:
            continue  # which of several lesions a word describes would have to be said
        by_name.setdefault(fact.name, []).append(fact)
    agreed = {
        name: facts[0]
        for name, facts in by_name.items()
        if len({fact.value for fact in facts}) == 1 and _may_be_said(record, facts)
    }
    if _category_disagrees(agreed):
        agreed.pop("birads")
    return Known(record, agreed, len(lesions))


def written_value(name: str, value: bool | int | float | str, language: Language) -> str:
    """How a value is written, empty where the lexicon has no words for it."""
    try:
        return words(name, value, language)
    except OptionError:
        return ""


def _may_be_said(record: Record, facts: list[Fact]) -> bool:
    fact = facts[0]
    if fact.name in _OF_SKIN_ORGANS and record.anatomy not in _SKIN_ORGANS:
        return False
    if record.anatomy is Anatomy.BREAST and fact.value in _BREAST_WORDS:
        return False
    # A length read from one picture of several is that picture's, not the lesion's.
    one_of_several = fact.image is not None and len(record.pictures) > 1
    return not (one_of_several and fact.name.endswith(("_mm", "image_position")))


def _category_disagrees(facts: dict[str, Fact]) -> bool:
    category, pathology = facts.get("birads"), facts.get("pathology")
    if category is None or pathology is None:
        return False
    expected = _ACR_BOUNDS.get(str(category.value))
    return expected is not None and str(pathology.value) not in expected
