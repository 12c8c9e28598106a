"""What can be said about a record, or about one picture of it, without what disagrees.

Two pictures of one lesion may show it differently (oval in one plane, round in the other). Such a
word is true of its picture and of neither the study nor the lesion, so nothing is said of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from echovlm.data.record import Record
from echovlm.errors import OptionError
from echovlm.facts import Fact, Origin
from echovlm.facts.lexicon import pathology_of, words
from echovlm.prompts.wording import asked_attributes
from echovlm.terms import Anatomy, Language

# Words of the breast and thyroid lexicons that masks of other organs do not bear.
_SKIN_ORGANS = (Anatomy.BREAST, Anatomy.THYROID)
_OF_SKIN_ORGANS = {"orientation", "margin", "shape"}
_BREAST_WORDS = {"lobulated"}  # no shape of BI-RADS, 5th edition (2013)
_ACR_BOUNDS = {"2": {"benign"}, "5": {"malignant"}}  # where category and pathology must agree


@dataclass(frozen=True)
class Known:
    """What can be stated about a record.

    Attributes:
        record: the record.
        facts: per name the facts that agree, of the study or of its only lesion.
        structures: the facts behind each structure that is seen and is no lesion.
        kind: what kind of lesion it is said to be ("nodule"), with the facts; empty where unsaid.
        several: facts of several lesions, one each; empty where there is at most one.
        pictures: how many pictures are shown.
    """

    record: Record
    facts: dict[str, tuple[Fact, ...]]
    structures: dict[str, tuple[Fact, ...]]
    kind: tuple[Fact, ...]
    several: tuple[Fact, ...]
    pictures: int

    def value(self, name: str) -> bool | int | float | str | None:
        """Value of a fact, None where it is not known."""
        return self.facts[name][0].value if name in self.facts else None

    def words(self, name: str, language: Language) -> str:
        """How a known fact is written, empty where it is unknown or has no words."""
        value = self.value(name)
        return "" if value is None else written_value(name, value, language)

    def behind(self, *names: str) -> tuple[Fact, ...]:
        """The facts behind the names that are known."""
        return tuple(fact for name in names for fact in self.facts.get(name, ()))

    @property
    def has_lesion(self) -> bool | None:
        """Whether there is a lesion; None where no fact says so."""
        value = self.value("lesion_present")
        return value if isinstance(value, bool) else None

    @property
    def has_one_lesion(self) -> bool:
        """Whether descriptors belong to one lesion."""
        return self.has_lesion is True and not self.several

    def asked(self, language: Language) -> list[str]:
        """Attributes that can be asked about: known, and with words in the language."""
        unfit = "lesion_present" if self.several else ""  # its answers speak of one lesion
        names = asked_attributes(language)
        return [name for name in names if name != unfit and self.words(name, language)]


def known_of(record: Record, image: int | None = None) -> Known:
    """Gather what can be said.

    Args:
        record: an imported study.
        image: index of the only picture that is shown; None for all.
    """
    facts = [fact for fact in record.facts if image is None or fact.image in (None, image)]
    pictures = len(record.pictures) if image is None else 1
    several = _one_of_each_lesion(facts)
    counted = [fact for fact in facts if fact.name == "lesion_count" and fact.value != 1]
    if counted and not several:
        several = tuple(counted)
    by_name: dict[str, list[Fact]] = {}
    for fact in facts:
        of_one_of_several = bool(several) and fact.lesion is not None
        if not of_one_of_several and _may_be_said(record, fact, pictures):
            is_kind = fact.name == "structure" and fact.lesion is not None
            by_name.setdefault("kind" if is_kind else fact.name, []).append(fact)
    structures: dict[str, tuple[Fact, ...]] = {}
    for fact in by_name.get("structure", ()):
        structures[str(fact.value)] = (*structures.get(str(fact.value), ()), fact)
    agreed = {
        name: tuple(stated)
        for name, stated in by_name.items()
        if len({fact.value for fact in stated}) == 1
    }
    kind = agreed.pop("kind", ())
    _drop_conflicts(agreed, any(fact.lesion for fact in facts))
    return Known(record, agreed, structures, kind, several, pictures)


@cache
def written_value(name: str, value: bool | int | float | str, language: Language) -> str:
    """How a value is written, empty where the lexicon has no words for it."""
    try:
        return words(name, value, language)
    except OptionError:
        return ""


def _one_of_each_lesion(facts: Iterable[Fact]) -> tuple[Fact, ...]:
    """One fact of each lesion where there are several: together they say so."""
    first: dict[int, Fact] = {}
    for fact in facts:
        if fact.lesion is not None:
            first.setdefault(fact.lesion, fact)
    return tuple(first.values()) if len(first) > 1 else ()


def _may_be_said(record: Record, fact: Fact, pictures: int) -> bool:
    measured = fact.origin is Origin.MASK
    if fact.name == "orientation" and record.anatomy not in _SKIN_ORGANS:
        return False
    if fact.name in _OF_SKIN_ORGANS and measured and record.anatomy not in _SKIN_ORGANS:
        return False
    if record.anatomy is Anatomy.BREAST and fact.value in _BREAST_WORDS:
        return False
    # What is read from one picture of several holds for that picture alone.
    of_picture = fact.name.endswith("_mm") or fact.name in ("image_position", "view")
    return not (fact.image is not None and pictures > 1 and of_picture)


def _drop_conflicts(facts: dict[str, tuple[Fact, ...]], has_lesion_facts: bool) -> None:
    """Take out what cannot be true together."""

    def value(name: str) -> object:
        return facts[name][0].value if name in facts else None

    expected = _ACR_BOUNDS.get(str(value("birads")))
    if expected is not None and value("pathology") not in (None, *expected):
        facts.pop("birads")
    if value("lesion_present") is False and (has_lesion_facts or value("lesion_count")):
        facts.pop("lesion_present")
    if value("lesion_present") is True and value("pathology") == "normal":
        facts.pop("pathology")
    implied = pathology_of(str(value("histology"))) if "histology" in facts else None
    if implied is not None and value("pathology") not in (None, implied):
        facts.pop("histology")
    if value("echogenicity") == "anechoic":
        facts.pop("echotexture", None)  # nothing inside that could be even or uneven
