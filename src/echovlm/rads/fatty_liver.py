"""Fatty liver on ultrasound: conventional grade, the Chinese rule, a score, and attenuation.

* Conventional: each sign allows one or two grades. Where the signs share none, the grade is that of
  the worst sign and ``possible`` has the range.
* Chinese: sign 1 and one of signs 2 to 4 mild; sign 1 and two of them moderate; these and sign 5
  severe. Some pages leave sign 1 out of mild; here it is always needed.
* Score after Hamaguchi: brightness 0-3 + attenuation 0-2 + vessels 0-1; 2 and more is steatosis.
* Controlled attenuation parameter (CAP): stages S0 to S3 by dB/m.

Sources: each table names its own. A hepatorenal index is not used: it is unreliable in advanced
fibrosis (PMC7880490).
"""

from __future__ import annotations

from collections.abc import Iterator

from echovlm.errors import RuleError
from echovlm.rads.inputs import number, whole, word
from echovlm.rads.result import Result, about
from echovlm.rads.table import load

PARENCHYMA = ("normal", "slight increase", "moderate increase", "marked increase")
VISIBILITY = ("seen", "impaired", "not seen")


class FattyLiver(Result):
    """A grade of fatty liver.

    Attributes:
        grade: 0 to 3.
        name: "none", "mild", "moderate" or "severe".
        zh: the same in Chinese.
        possible: grades the signs allow; more than one where they do not agree.
    """

    grade: int
    name: str
    zh: str
    possible: tuple[int, ...]


def grade(*, parenchyma: str, vessels: str, diaphragm: str) -> FattyLiver:
    """Grade by the conventional signs.

    Args:
        parenchyma: echogenicity against the renal cortex, one of ``PARENCHYMA``.
        vessels: walls of the intrahepatic vessels, one of ``VISIBILITY``.
        diaphragm: diaphragm and far field, one of ``VISIBILITY``.

    Raises:
        RuleError: for unknown words, and for obscured vessels in a liver of normal echogenicity.
    """
    said = {
        "parenchyma": word("parenchyma", parenchyma, PARENCHYMA),
        "vessels": word("vessels", vessels, VISIBILITY),
        "diaphragm": word("diaphragm", diaphragm, VISIBILITY),
    }
    if said["parenchyma"] == "normal" and {said["vessels"], said["diaphragm"]} != {"seen"}:
        raise RuleError(
            "A liver of normal echogenicity does not obscure vessels or diaphragm by fat; "
            "give a parenchyma that is increased, or another cause."
        )
    table = load("fatty_liver")
    signs = [table.row("signs", feature=name, value=value) for name, value in said.items()]
    shared = set.intersection(*(set(row["grades"]) for row in signs))
    lowest = min(max(row["grades"]) for row in signs)
    highest = max(min(row["grades"]) for row in signs)
    possible = tuple(sorted(shared)) or tuple(range(lowest, highest + 1))
    row = table.row("grades", grade=possible[-1])
    warnings = (
        ()
        if shared
        else (
            f"The signs point to different grades ({lowest} to {highest}); that of the worst sign "
            "is given.",
        )
    )
    return FattyLiver(
        **about(table, [*signs, row]),
        warnings=warnings,
        grade=row["grade"],
        name=row["name"],
        zh=row["zh"],
        possible=possible,
    )


def grade_chinese(
    *,
    bright_near_dark_far: bool,
    vessels_unclear: bool,
    enlarged_blunt: bool,
    flow_reduced: bool,
    capsule_unclear: bool,
) -> FattyLiver:
    """Grade by the five signs of the Chinese rule.

    Args:
        bright_near_dark_far: sign 1: near field brighter than kidney and spleen, far field dim.
        vessels_unclear: sign 2: ducts and vessels unclear.
        enlarged_blunt: sign 3: liver mildly to moderately enlarged, edge blunt.
        flow_reduced: sign 4: less colour flow, course normal.
        capsule_unclear: sign 5: capsule of the right lobe and diaphragm unclear or incomplete.
    """
    others = sum(map(bool, (vessels_unclear, enlarged_blunt, flow_reduced)))
    is_met = bool(bright_near_dark_far) and others > 0
    found = 0 if not is_met else 1 if others == 1 else 3 if capsule_unclear else 2
    table = load("fatty_liver_chinese")
    row = table.row("grades", grade=found)

    def warnings() -> Iterator[str]:
        if bright_near_dark_far and not others:
            yield "Sign 1 alone does not meet the rule: one of signs 2 to 4 has to go with it."
        if not bright_near_dark_far and (others or capsule_unclear):
            yield "Without sign 1 the rule is not met; look for another cause of the other signs."
        if capsule_unclear and found == 1:
            yield "Sign 5 counts only beside two of signs 2 to 4."

    return FattyLiver(
        **about(table, [row]),
        warnings=tuple(warnings()),
        grade=found,
        name=row["name"],
        zh=row["zh"],
        possible=(found,),
    )


class FattyLiverScore(Result):
    """A score after Hamaguchi.

    Attributes:
        score: 0 to 6.
        steatosis: True from 2 on.
    """

    score: int
    steatosis: bool


def score(*, brightness: int, attenuation: int, vessels: int) -> FattyLiverScore:
    """Add up the score.

    Args:
        brightness: bright liver and hepatorenal contrast, 0 to 3.
        attenuation: diaphragm in the far field, 0 to 2.
        vessels: blurring of vessels, 0 or 1.

    Raises:
        RuleError: outside these.
    """
    table = load("fatty_liver_score")
    given = {"brightness": brightness, "attenuation": attenuation, "vessels": vessels}
    parts = table.group("parts")
    total = sum(whole(row["part"], given[row["part"]], row["most"]) for row in parts)
    (threshold,) = table.group("threshold")
    warnings = ("Other signs of fat in a liver that is not bright.",)
    return FattyLiverScore(
        **about(table, [*parts, threshold]),
        warnings=warnings if total and not brightness else (),
        score=total,
        steatosis=total >= threshold["steatosis_from"],
    )


class Attenuation(Result):
    """A stage of steatosis by attenuation.

    Attributes:
        value_db_per_m: as measured.
        stage: "S0" to "S3".
    """

    value_db_per_m: float
    stage: str


def attenuation(value_db_per_m: float) -> Attenuation:
    """Stage steatosis by the controlled attenuation parameter.

    Args:
        value_db_per_m: 100 to 400 dB/m, what the device gives.

    Raises:
        RuleError: outside what the device gives.
    """
    value = number("value_db_per_m", value_db_per_m, 400.0, 100.0)
    table = load("attenuation")
    row = table.band("stages", value)
    return Attenuation(**about(table, [row]), value_db_per_m=value, stage=row["stage"])
