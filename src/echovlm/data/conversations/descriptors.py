"""Clauses about a lesion and measurements, in the orders in which reports give them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from echovlm.data.conversations.composer import Said, article
from echovlm.data.conversations.known import Known
from echovlm.prompts.wording import clauses
from echovlm.terms import Language

QUANTITIES = (
    "head_circumference_mm",
    "lumen_diameter_mm",
    "intima_media_mm",
    "ejection_fraction_percent",
    "psv_cm_per_s",
    "edv_cm_per_s",
)
"""Measurements that belong to no lesion."""

# First the order of ACR BI-RADS, 5th edition (2013), then that of Chinese reports.
_ORDERS = (
    ("shape", "orientation", "margin", "echogenicity", "echotexture", "calcification", "posterior"),
    ("echogenicity", "shape", "margin", "orientation", "echotexture", "posterior", "calcification"),
    ("shape", "margin", "orientation", "echogenicity", "echotexture", "calcification", "posterior"),
)
DESCRIPTORS = (*_ORDERS[0], "vascularity")
"""What can be said of a lesion besides its place and size."""


_T = TypeVar("_T")


def draw(items: Sequence[_T], rng: np.random.Generator) -> _T:
    """One of the items."""
    return items[int(rng.integers(len(items)))]


def order(rng: np.random.Generator) -> tuple[str, ...]:
    """An order of the descriptors; blood flow comes last."""
    return (*draw(_ORDERS, rng), "vascularity")


def clause(
    known: Known, name: str, kind: str, language: Language, rng: np.random.Generator
) -> list[Said]:
    """A clause about one attribute, see :func:`echovlm.prompts.wording.clauses`; or none."""
    value = known.words(name, language)
    forms = clauses(name, kind, known.value(name), language) if value else ()
    if not forms:
        return []
    return [Said(draw(forms, rng).format(value=value, an=article(value)), known.behind(name))]


def size(known: Known, language: Language) -> list[Said]:
    """How large the lesion is, as a part of a sentence; none where it is not calibrated."""
    long_mm, short_mm = (known.words(f"size_{axis}_mm", language) for axis in ("long", "short"))
    if not long_mm:
        return []
    chinese = language is Language.CHINESE
    if not short_mm:
        text = f"长径约{long_mm}" if chinese else f"{long_mm} in longest diameter"
        return [Said(text, known.behind("size_long_mm"))]
    text = f"大小约{long_mm} × {short_mm}" if chinese else f"measuring {long_mm} × {short_mm}"
    return [Said(text, known.behind("size_long_mm", "size_short_mm"))]


def quantities(known: Known, language: Language, rng: np.random.Generator) -> list[Said]:
    """Every measurement that belongs to no lesion."""
    return [said for name in QUANTITIES for said in clause(known, name, "is", language, rng)]
