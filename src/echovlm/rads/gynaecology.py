"""Ovarian volume, polycystic morphology, endometrium with bleeding after menopause, fibroids.

    volume = 0.523 x length x width x thickness

Polycystic morphology is 20 follicles and more in an ovary seen at 8 MHz and more, or 10 ml
(edition 2018 and later; 12 follicles in 2003). Fibroids are typed 0 to 8 by FIGO; a hybrid that
touches endometrium and serosa has two numbers ("2-5").

Sources: Teede et al., Hum Reprod 2018, 10.1093/humrep/dey256; Munro et al., Int J Gynaecol Obstet
2011, 10.1016/j.ijgo.2010.11.011.
"""

from __future__ import annotations

from math import prod

from echovlm.errors import RuleError
from echovlm.rads.inputs import size, whole, word
from echovlm.rads.result import Result, about
from echovlm.rads.table import load

_LONGEST_MM = 300.0
_INNER, _OUTER = ("0", "1", "2", "3"), ("5", "6", "7")


class OvarianVolume(Result):
    """Volume of an ovary as an ellipsoid, in ml."""

    volume_ml: float


def ovarian_volume(*, length_mm: float, width_mm: float, thickness_mm: float) -> OvarianVolume:
    """Work out the volume of an ovary.

    Raises:
        RuleError: for impossible sizes.
    """
    given = {"length_mm": length_mm, "width_mm": width_mm, "thickness_mm": thickness_mm}
    table = load("ovary")
    row = table.row("volume", row="ellipsoid factor")
    sizes = [size(name, value, _LONGEST_MM) / 10 for name, value in given.items()]
    return OvarianVolume(**about(table, [row]), volume_ml=round(row["factor"] * prod(sizes), 2))


class PolycysticMorphology(Result):
    """Whether an ovary has polycystic morphology.

    Attributes:
        is_polycystic: True where count or volume reach the threshold.
        reached_by: "follicles", "volume", both or none of them.
    """

    is_polycystic: bool
    reached_by: tuple[str, ...]


def polycystic_morphology(
    *,
    follicles: int | None = None,
    volume_ml: float | None = None,
    frequency_mhz: float | None = None,
    edition: str = "2018",
) -> PolycysticMorphology:
    """Judge one ovary.

    Args:
        follicles: number of follicles in the whole ovary.
        volume_ml: volume of the ovary, without a corpus luteum, cyst or dominant follicle.
        frequency_mhz: highest frequency of the transducer; a count needs it in 2018.
        edition: "2018" or "2003".

    Raises:
        RuleError: without a value that counts, and for impossible ones.
    """
    table = load("ovary")
    chosen = word("edition", edition, table.words("polycystic", "edition"))
    row = table.row("polycystic", edition=chosen)
    warnings = []
    counted = None if follicles is None else whole("follicles", follicles, 300)
    volume = None if volume_ml is None else size("volume_ml", volume_ml, 1000.0)
    frequency = 0.0 if frequency_mhz is None else size("frequency_mhz", frequency_mhz, 50.0)
    if counted is not None and frequency < row["least_mhz"]:
        counted = None
        warnings.append(
            f"The count is not used: it needs a transducer of {row['least_mhz']} MHz or more."
        )
    if counted is None and volume is None:
        raise RuleError(
            "Give volume_ml, or follicles with a frequency_mhz at which a count is reliable."
        )
    reached = []
    if counted is not None and counted >= row["follicles"]:
        reached.append("follicles")
    if volume is not None and volume >= row["volume_ml"]:
        reached.append("volume")
    return PolycysticMorphology(
        **about(table, [row]) | {"version": chosen, "citation": row["citation"]},
        warnings=tuple(warnings),
        is_polycystic=bool(reached),
        reached_by=tuple(reached),
    )


class Endometrium(Result):
    """Endometrium of a woman who bleeds after menopause.

    Attributes:
        thickness_mm: of both layers.
        name: "low risk" or "not low risk".
    """

    thickness_mm: float
    name: str


def endometrium_with_bleeding(thickness_mm: float) -> Endometrium:
    """Judge the endometrium where there is bleeding after menopause.

    Raises:
        RuleError: for an impossible thickness.
    """
    thickness = size("thickness_mm", thickness_mm, 100.0)
    table = load("endometrium")
    row = table.band("thickness", thickness)
    return Endometrium(**about(table, [row]), thickness_mm=thickness, name=row["name"])


class Fibroid(Result):
    """A FIGO type of a fibroid.

    Attributes:
        figo: "0" to "8", or two types for a hybrid ("2-5").
        name: the type in words.
    """

    figo: str
    name: str


def fibroid(figo: str | int) -> Fibroid:
    """Name a FIGO type.

    Args:
        figo: 0 to 8, or two types joined by a hyphen: that of the endometrium, 0 to 3, then that
            of the serosa, 5 to 7.

    Raises:
        RuleError: for anything else.
    """
    table = load("fibroid")
    parts = str(figo).strip().split("-")
    known = {str(row["type"]): row for row in table.group("types")}
    is_hybrid = len(parts) == 2 and parts[0] in _INNER and parts[1] in _OUTER
    if not is_hybrid and (len(parts) != 1 or parts[0] not in known):
        raise RuleError(
            f"'{figo}' is not a FIGO type; give 0 to 8, or a hybrid of 0-3 and 5-7 such as '2-5'."
        )
    rows = [known[part] for part in parts]
    return Fibroid(
        **about(table, rows),
        figo="-".join(parts),
        name="; ".join(row["name"] for row in rows),
    )
