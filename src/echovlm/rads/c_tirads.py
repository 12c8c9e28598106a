"""C-TIRADS 2020: one point for each of five suspicious features, one less for a comet-tail.

    score = vertical + solid + markedly hypoechoic + microcalcification + margin - comet-tail
    category = 2 (-1) 3 (0) 4A (1) 4B (2) 4C (3-4) 5 (5); 1 without nodule, 6 proven by biopsy

Chinese hospitals also write the older system of Kwak under the name TI-RADS, so a category never
stands without its system. The words are those of ACR TI-RADS, so that one description serves both.

Source: Zhou et al., Endocrine 2020, 10.1007/s12020-020-02441-y.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pydantic import BaseModel, ConfigDict

from echovlm.rads.inputs import words
from echovlm.rads.result import Result, about
from echovlm.rads.table import Row, Table, load
from echovlm.rads.thyroid_nodule import Nodule, describe

NEIGHBOURS = ("capsule", "trachea", "recurrent laryngeal nerve")
"""What a nodule can lie next to, so that a smaller one is biopsied."""


class CPoint(BaseModel):
    """One feature that counts.

    Attributes:
        feature: the feature in the words of C-TIRADS.
        points: 1, or -1 for a comet-tail artefact.
    """

    model_config = ConfigDict(frozen=True)

    feature: str
    points: int


class CTiRads(Result):
    """A C-TIRADS category.

    Attributes:
        category: "1", "2", "3", "4A", "4B", "4C", "5" or "6".
        name: the category in words.
        score: -1 to 5; None for the categories 1 and 6, which have none.
        trail: the features that counted.
        risk: published risk of malignancy.
        fna: whether the size asks for FNA; None where the size decides and was not given.
        max_diameter_mm: largest diameter, None where not given.
    """

    category: str
    name: str
    score: int | None
    trail: tuple[CPoint, ...]
    risk: str
    fna: bool | None
    max_diameter_mm: float | None = None


def assess(
    *,
    composition: str,
    echogenicity: str,
    shape: str,
    margin: str,
    foci: Iterable[str] = ("none",),
    max_diameter_mm: float | None = None,
    multifocal: bool = False,
    next_to: Iterable[str] = (),
    is_proven: bool = False,
) -> CTiRads:
    """Apply the rule to one nodule.

    Args:
        composition: in the words of :mod:`echovlm.rads.acr_tirads`; so are the other features.
        echogenicity: "very hypoechoic" counts.
        shape: "taller-than-wide" counts as vertical.
        margin: ill-defined, lobulated, irregular or with extrathyroidal extension counts.
        foci: "punctate" counts as microcalcification.
        max_diameter_mm: largest diameter in mm, for FNA.
        multifocal: suspicious nodules are several.
        next_to: what the nodule lies next to, of ``NEIGHBOURS``.
        is_proven: malignancy is proven by biopsy (category 6).

    Raises:
        RuleError: for unknown words, impossible sizes and contradictory features.
    """
    nodule = describe(composition, echogenicity, shape, margin, foci, max_diameter_mm)
    at_risk = bool(words("next_to", next_to, NEIGHBOURS)) or multifocal
    table = load("c_tirads")
    said = nodule.features()
    used = [
        row
        for row in table.group("points")
        if any(row["feature"] == name and value in row["values"] for name, value in said)
    ]
    score = sum(row["points"] for row in used)
    if is_proven:
        return _result(table, table.row("categories", category="6"), nodule, None, [], [])
    category = next(
        row
        for row in table.group("categories")
        if row["least_score"] is not None and row["least_score"] <= score <= row["most_score"]
    )
    biopsy = [row for row in table.group("biopsy") if row["category"] == category["category"]]
    key = "above_mm_at_risk" if at_risk else "above_mm"
    fna: bool | None = False
    if biopsy:
        fna = None if nodule.size_mm is None else nodule.size_mm > biopsy[0][key]
    return _result(table, category, nodule, score, used, biopsy, fna)


def without_nodule() -> CTiRads:
    """Category 1: a thyroid without a nodule."""
    table = load("c_tirads")
    return _result(table, table.row("categories", category="1"), None, None, [], [])


def _result(
    table: Table,
    category: Row,
    nodule: Nodule | None,
    score: int | None,
    used: list[Row],
    biopsy: list[Row],
    fna: bool | None = False,
) -> CTiRads:
    return CTiRads(
        **about(table, [*used, category, *biopsy]),
        warnings=tuple(_warnings(nodule)) if nodule else (),
        category=category["category"],
        name=category["name"],
        score=score,
        trail=tuple(CPoint(feature=row["row"], points=row["points"]) for row in used),
        risk=category["risk"],
        fna=fna,
        max_diameter_mm=nodule.size_mm if nodule else None,
    )


def _warnings(nodule: Nodule) -> Iterator[str]:
    unclear = [name for name, said in nodule.features() if said == "cannot be determined"]
    if unclear:
        yield f"C-TIRADS has no points for what cannot be determined ({', '.join(unclear)})."
    if {"comet-tail", "punctate"} <= set(nodule.foci):
        yield "Comet-tail artefact and microcalcification cancel out; were both seen?"
