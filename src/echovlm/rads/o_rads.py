"""O-RADS US v2022: category of an adnexal lesion from its description.

Every row of the table is a set of conditions; a complete description meets exactly one. Whatever
the rows that are left do not agree on must be given: an error names it. Ascites or peritoneal
nodules make category 5 out of 3 to 5; beside category 1 or 2 they have another cause.

Definitions: bilocular is one complete septum, multilocular three locules or more; a solid component
is at least 3 mm high, less is an irregularity of the wall; a lesion is solid from 80 % on; colour
score 1 no, 2 minimal, 3 moderate, 4 very strong flow.

Source: Strachowski et al., Radiology 2023;308:e230685, 10.1148/radiol.230685. The version of 2020
differs (sizes and times of follow-up of haemorrhagic and simple cysts) and is refused by name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass

from echovlm.errors import RuleError
from echovlm.rads.inputs import edition, size, whole, word
from echovlm.rads.result import Result, about
from echovlm.rads.table import Row, Table, load, within

CONTOURS = ("smooth", "irregular")
LARGEST_MM = 500.0
_MANY_PROJECTIONS = 4
_CYSTS = ("unilocular cyst", "bilocular cyst", "multilocular cyst")
_WITHOUT_FLOW = ("typical benign ovarian", "haemorrhagic cyst", "dermoid", "endometrioma")
_ASKED = {
    "max_diameter_mm": "the largest diameter",
    "colour_score": "the colour score",
    "shadowing": "whether it shadows",
    "postmenopausal": "whether menopause is over",
}


class ORads(Result):
    """An O-RADS US category.

    Attributes:
        category: "0" to "5".
        name: the category in words.
        risk: published risk of malignancy.
        lesion: the row of the table that applied.
        management: what the category asks for; more than one where menopause decides and was not
            given.
    """

    category: str
    name: str
    risk: str
    lesion: str
    management: tuple[str, ...]


@dataclass(frozen=True)
class _Lesion:
    """A checked description; None for what was not given."""

    lesion: str
    contour: str
    max_diameter_mm: float | None
    solid_component: bool
    many_projections: bool
    shadowing: bool | None
    colour_score: int | None
    postmenopausal: bool | None

    @property
    def solid_lesion(self) -> bool:
        return self.lesion == "solid" or self.solid_component


def lesions() -> tuple[str, ...]:
    """Words for the kind of lesion, in the order of the table."""
    rows = load("o_rads").group("lesions")
    return tuple(dict.fromkeys(kind for row in rows for kind in row["lesions"]))


def assess(
    *,
    lesion: str,
    contour: str = "smooth",
    max_diameter_mm: float | None = None,
    solid_component: bool | None = None,
    papillary_projections: int = 0,
    shadowing: bool | None = None,
    colour_score: int | None = None,
    postmenopausal: bool | None = None,
    ascites_or_nodules: bool = False,
    complete: bool = True,
    version: str = "v2022",
) -> ORads:
    """Apply the rule to one lesion.

    Args:
        lesion: see :func:`lesions`.
        contour: inner wall of a cyst or outer contour of a solid lesion, one of ``CONTOURS``.
        max_diameter_mm: largest diameter in mm.
        solid_component: a part of a cyst that is solid and at least 3 mm high; follows from the
            papillary projections where not given.
        papillary_projections: their number.
        shadowing: of a solid lesion.
        colour_score: 1 to 4.
        postmenopausal: True after menopause, False before.
        ascites_or_nodules: ascites or peritoneal nodules.
        complete: False where the examination is technically incomplete (category 0).
        version: edition; only "v2022" is written here.

    Raises:
        RuleError: for unknown words, impossible or contradictory values, and for a value that the
            category depends on and that was not given.
    """
    table = load("o_rads")
    edition("O-RADS US", version, table.version, "v2020 has other sizes and times of follow-up")
    projections = whole("papillary_projections", papillary_projections, 100)
    if solid_component is False and projections:
        raise RuleError("Papillary projections are solid components; a lesion has both or neither.")
    described = _Lesion(
        word("lesion", lesion, lesions()),
        word("contour", contour, CONTOURS),
        None if max_diameter_mm is None else size("max_diameter_mm", max_diameter_mm, LARGEST_MM),
        bool(solid_component or projections),
        projections >= _MANY_PROJECTIONS,
        shadowing,
        None if colour_score is None else whole("colour_score", colour_score, 4, 1),
        postmenopausal,
    )
    if described.solid_component and described.lesion not in _CYSTS:
        raise RuleError(
            f"A solid component belongs to a {', '.join(_CYSTS)}, not to the lesion "
            f"'{described.lesion}'."
        )
    if described.lesion in ("follicle", "simple cyst") and described.contour == "irregular":
        raise RuleError(
            f"A {described.lesion} is smooth; one with an irregular wall is unilocular."
        )
    if not complete:
        return _result(table, described, "0", [], ["The examination is incomplete."])
    row = _only(described, table.group("lesions"))
    category, rows = row["category"], [row]
    if ascites_or_nodules and category in ("3", "4", "5"):
        (ascites,) = table.group("ascites")
        category, rows = ascites["category"], [row, ascites]
    return _result(table, described, category, rows, _warnings(described, row, ascites_or_nodules))


def _only(described: _Lesion, rows: list[Row]) -> Row:
    """The one row that fits.

    Raises:
        RuleError: where none fits, or several do for want of a value.
    """
    left = _fitting(described, rows)
    if len(left) == 1:
        return left[0]
    if not left:
        raise RuleError(
            f"A {described.lesion} is at most 30 mm and occurs before menopause; describe this one "
            "as a simple cyst, or as a cyst by its locules."
        )
    missing = [
        asked
        for name, asked in _ASKED.items()
        if getattr(described, name) is None and any(_asks(row, name) for row in left)
    ]
    raise RuleError(
        f"The category of the lesion '{described.lesion}' depends on {' and '.join(missing)}; "
        "give it."
    )


def _fitting(described: _Lesion, rows: list[Row]) -> list[Row]:
    return [row for row in rows if _fits(described, row)]


def _fits(described: _Lesion, row: Row) -> bool:
    """Whether nothing that is known contradicts a row."""
    said = asdict(described) | {"solid_lesion": described.solid_lesion}
    if "lesions" in row and described.lesion not in row["lesions"]:
        return False
    if described.max_diameter_mm is not None and not within(row, described.max_diameter_mm):
        return False
    if described.colour_score not in (None, *row.get("colour_scores", (described.colour_score,))):
        return False
    flags = ("contour", "solid_component", "many_projections", "shadowing", "postmenopausal")
    return all(
        name not in row or said[name] is None or row[name] == said[name]
        for name in (*flags, "solid_lesion")
    )


def _asks(row: Row, name: str) -> bool:
    """Whether a row has a condition on a value."""
    if name == "max_diameter_mm":
        return any(bound in row for bound in ("at_least", "above", "below", "at_most"))
    return ("colour_scores" if name == "colour_score" else name) in row


def _warnings(described: _Lesion, row: Row, ascites: bool) -> Iterator[str]:
    if ascites and row["category"] in ("1", "2"):
        yield "Ascites or nodules beside category 1 or 2: think of other causes."
    if described.lesion in _WITHOUT_FLOW and (described.colour_score or 1) > 1:
        yield f"A typical {described.lesion} has no inner flow; is the description complete?"
    if described.lesion == "haemorrhagic cyst" and described.postmenopausal:
        yield "A haemorrhagic cyst is unusual after menopause; describe it by its locules as well."
    if row["row"].endswith("a follicle"):
        yield "Before menopause a simple cyst of up to 30 mm is a follicle."


def _result(
    table: Table, described: _Lesion, category: str, rows: list[Row], warnings: Iterable[str]
) -> ORads:
    entry = table.row("categories", category=category)
    advice = [row for row in table.group("management") if row["category"] == category]
    advice = _fitting(described, advice)
    return ORads(
        **about(table, [*rows, entry, *advice]),
        warnings=tuple(warnings),
        category=category,
        name=entry["name"],
        risk=entry["risk"],
        lesion=rows[0]["row"] if rows else described.lesion,
        management=tuple(_said(described, row) for row in advice),
    )


def _said(described: _Lesion, row: Row) -> str:
    """The advice of a row; with the condition where menopause decides and was not given."""
    if described.postmenopausal is None and "postmenopausal" in row:
        when = "after menopause" if row["postmenopausal"] else "before menopause"
        return f"{row['management']} ({when})"
    return str(row["management"])
