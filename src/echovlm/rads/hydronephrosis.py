"""Hydronephrosis: SFU grade, UTD class before and after birth, and usual Chinese words.

    SFU = 0 none, 1 pelvis only, 2 some (major) calyces, 3 virtually all (minor), 4 thin parenchyma
    UTD class = the most concerning of pelvis (APRPD), calyces, parenchyma, ureter and bladder

APRPD is the anteroposterior diameter of the renal pelvis.

Sources: Fernbach et al., Pediatr Radiol 1993 (SFU); Nguyen et al., J Pediatr Urol 2014,
10.1016/j.jpurol.2014.10.002, and Chow et al. 2017, 10.1007/s00247-017-3883-0 (UTD).
"""

from __future__ import annotations

from echovlm.errors import RuleError
from echovlm.rads.inputs import number, word
from echovlm.rads.result import Result, about
from echovlm.rads.table import Row, load

PELVIS = ("normal", "split", "dilated")
CALYCES = ("none", "central", "peripheral")
_WIDEST_MM = 200.0
_ORDER = ("normal", "A1", "P1", "P2", "A2-3", "P3")


class Sfu(Result):
    """An SFU grade.

    Attributes:
        grade: 0 to 4.
        name: the grade in words.
        zh: usual Chinese words.
    """

    grade: int
    name: str
    zh: str


def sfu(*, pelvis: str, calyces: str = "none", parenchyma_thin: bool = False) -> Sfu:
    """Grade by the Society for Fetal Urology.

    Args:
        pelvis: "normal", or "split" or "dilated", which count alike.
        calyces: "none" dilated, "central" (some, the major ones) or "peripheral" (virtually all,
            also the minor ones).
        parenchyma_thin: thinning of the parenchyma.

    Raises:
        RuleError: for dilated calyces behind a normal pelvis, and for thinning without dilated
            minor calyces: neither has a grade.
    """
    width = word("pelvis", pelvis, PELVIS)
    spread = word("calyces", calyces, CALYCES)
    if width == "normal" and (spread != "none" or parenchyma_thin):
        raise RuleError("SFU has no grade for changes behind a normal pelvis; check the pelvis.")
    if parenchyma_thin and spread != "peripheral":
        raise RuleError(
            "SFU has no grade for thin parenchyma without dilated peripheral calyces (grade 4)."
        )
    found = {"none": int(width != "normal"), "central": 2, "peripheral": 3}[spread]
    table = load("hydronephrosis_sfu")
    row = table.row("grades", grade=found + int(parenchyma_thin))
    said = table.row("words", grade=row["grade"])
    return Sfu(**about(table, [row, said]), grade=row["grade"], name=row["name"], zh=said["zh"])


class Utd(Result):
    """A UTD class.

    Attributes:
        category: "normal", "A1", "A2-3", "P1", "P2" or "P3".
        risk: "none", "low", "intermediate", "increased" or "high".
        decided_by: rows of the table that give this class.
    """

    category: str
    risk: str
    decided_by: tuple[str, ...]


def utd_antenatal(
    *,
    gestation_weeks: float,
    aprpd_mm: float,
    calyces: str = "none",
    parenchyma_abnormal: bool = False,
    ureter_abnormal: bool = False,
    bladder_abnormal: bool = False,
    unexplained_oligohydramnios: bool = False,
) -> Utd:
    """Classify before birth: normal, A1 (low risk) or A2-3 (increased risk).

    Args:
        gestation_weeks: 16 to 43, with days as a fraction.
        aprpd_mm: anteroposterior diameter of the renal pelvis.
        calyces: which are dilated, one of ``CALYCES``.
        parenchyma_abnormal: in thickness or appearance.
        ureter_abnormal: visible.
        bladder_abnormal: wall, ureterocele, or dilated posterior urethra.
        unexplained_oligohydramnios: thought to come from the urinary tract.

    Raises:
        RuleError: before 16 weeks, for impossible sizes and unknown words.
    """
    weeks = number("gestation_weeks", gestation_weeks, 43.0, 16.0)
    signs = _signs(calyces, parenchyma_abnormal, ureter_abnormal, bladder_abnormal)
    if unexplained_oligohydramnios:
        signs.append("oligohydramnios")
    when = "16-27 weeks" if weeks < 28 else "from 28 weeks"
    return _utd(_pelvis_row(aprpd_mm, when), "before birth", signs)


def utd_postnatal(
    *,
    aprpd_mm: float,
    calyces: str = "none",
    parenchyma_abnormal: bool = False,
    ureter_abnormal: bool = False,
    bladder_abnormal: bool = False,
    age_hours: float | None = None,
) -> Utd:
    """Classify after birth: normal, P1, P2 or P3.

    Args:
        aprpd_mm: anteroposterior diameter of the renal pelvis.
        calyces: which are dilated, one of ``CALYCES``.
        parenchyma_abnormal: in thickness or appearance.
        ureter_abnormal: dilated.
        bladder_abnormal: wall, ureterocele, or dilated posterior urethra.
        age_hours: age at the examination; in the first 48 hours dilatation is underestimated.

    Raises:
        RuleError: for impossible sizes and unknown words.
    """
    signs = _signs(calyces, parenchyma_abnormal, ureter_abnormal, bladder_abnormal)
    warnings = []
    if age_hours is not None and number("age_hours", age_hours, 1e6) < 48:
        warnings.append("In the first 48 hours dilatation is underestimated; examine again later.")
    pelvis = _pelvis_row(aprpd_mm, "after birth")
    is_dilated = pelvis["category"] != "normal" or any("calyces" in sign for sign in signs)
    if not is_dilated and {"parenchyma", "bladder"} & set(signs):
        warnings.append("P3 stands beside a dilatation, and none is given.")
    return _utd(pelvis, "after birth", signs, warnings)


def _signs(calyces: str, parenchyma: bool, ureter: bool, bladder: bool) -> list[str]:
    spread = word("calyces", calyces, CALYCES)
    found = [] if spread == "none" else [f"{spread} calyces"]
    given = {"parenchyma": parenchyma, "ureter": ureter, "bladder": bladder}
    return found + [name for name, is_so in given.items() if is_so]


def _pelvis_row(aprpd_mm: float, when: str) -> Row:
    value = number("aprpd_mm", aprpd_mm, _WIDEST_MM)
    return load("hydronephrosis_utd").band("pelvis", value, when=when)


def _utd(pelvis: Row, when: str, signs: list[str], warnings: list[str] | None = None) -> Utd:
    table = load("hydronephrosis_utd")
    rows = [pelvis, *(table.row("signs", when=when, sign=sign) for sign in signs)]
    worst = max((row["category"] for row in rows), key=_ORDER.index)
    deciding = [row["row"] for row in rows if row["category"] == worst]
    entry = table.row("categories", category=worst)
    return Utd(
        **about(table, [*rows, entry]),
        warnings=tuple(warnings or ()),
        category=worst,
        risk=entry["risk"],
        decided_by=tuple(deciding) if worst != "normal" else (),
    )


class ChineseDegree(Result):
    """A degree of hydronephrosis in an adult, in usual Chinese words.

    Attributes:
        name: "none", "mild", "moderate" or "severe".
        zh: the same in Chinese.
    """

    name: str
    zh: str


def degree_chinese(
    *, pelvis_mm: float, calyces_dilated: bool = False, cortex_thin: bool = False
) -> ChineseDegree:
    """Name hydronephrosis in an adult by the split of the pelvis.

    Args:
        pelvis_mm: anteroposterior split of the collecting system.
        calyces_dilated: expected from moderate on.
        cortex_thin: expected where severe.

    Raises:
        RuleError: for an impossible size.
    """
    table = load("hydronephrosis_chinese")
    row = table.band("degrees", number("pelvis_mm", pelvis_mm, _WIDEST_MM))
    warnings = []
    if calyces_dilated and row["name"] in ("none", "mild"):
        warnings.append("Dilated calyces go with a moderate degree, the width of the pelvis not.")
    if row["name"] in ("moderate", "severe") and not calyces_dilated:
        warnings.append(f"A {row['name']} degree goes with dilated calyces, and none are given.")
    if cortex_thin != (row["name"] == "severe"):
        warnings.append("A thin cortex goes with a severe degree; width and cortex do not agree.")
    return ChineseDegree(
        **about(table, [row]), warnings=tuple(warnings), name=row["name"], zh=row["zh"]
    )
