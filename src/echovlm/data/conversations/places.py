"""How a lesion is called, and where it lies: the organ, with the side where a fact gives it."""

from __future__ import annotations

from echovlm.data.conversations.known import Known, written_value
from echovlm.facts import Fact
from echovlm.prompts import anatomy_name
from echovlm.terms import Anatomy, Language

# A lesion lies in these; in a vessel, a heart or a pelvis the part would have to be named.
_ORGANS = (Anatomy.BREAST, Anatomy.THYROID, Anatomy.LIVER, Anatomy.KIDNEY)
_PAIRED = (Anatomy.BREAST, Anatomy.KIDNEY)


def place(known: Known, language: Language) -> tuple[str, tuple[Fact, ...]]:
    """The organ in words ("left breast", 左侧乳腺) and the facts behind it.

    Returns:
        Empty words where no fact states the anatomy, or it is no organ that a lesion lies in.
    """
    anatomy = known.value("anatomy")
    if anatomy not in _ORGANS:
        return "", ()
    organ = anatomy_name(str(anatomy), language)
    side = known.value("laterality")
    if side not in ("left", "right") or anatomy not in _PAIRED:
        return organ, known.behind("anatomy")
    words = known.words("laterality", language)
    facts = known.behind("anatomy", "laterality")
    return (f"{words}{organ}" if language is Language.CHINESE else f"{words} {organ}"), facts


def noun(known: Known, language: Language, before: str) -> tuple[str, tuple[Fact, ...]]:
    """What a lesion is called behind its descriptors, and the facts behind the word.

    Args:
        known: what is known of the record.
        language: language of the word.
        before: the descriptors; a lesion without any is a "focal lesion".
    """
    if known.kind and (word := written_value("structure", known.kind[0].value, language)):
        return word, known.kind
    if language is Language.CHINESE:
        return ("病灶" if before else "局灶性病灶"), ()
    return ("lesion" if before else "focal lesion"), ()
