"""Chamber sizes and function of adults, and a few gradings beside it.

Two sets of normal values: ASE/EACVI 2015 by sex, and the single table of both sexes that many
Chinese reports use; ``reference_set`` of every result says which one was applied. The tables of
2015 are printed in whole numbers, so values are rounded to whole numbers first, halves upwards.

The table of 2005 (ejection fraction normal from 55 %, mildly abnormal 45-54 %) is still in
circulation; it is refused by name.

Sources: Lang et al., J Am Soc Echocardiogr 2015, 10.1016/j.echo.2014.10.003; the other tables name
their own.
"""

from __future__ import annotations

from echovlm.errors import RuleError
from echovlm.rads.heart_formulas import area_length_volume_ml as area_length_volume_ml
from echovlm.rads.heart_formulas import fraction_percent
from echovlm.rads.inputs import number, size, word
from echovlm.rads.result import Result, about
from echovlm.rads.table import Row, as_printed, load, within

SEXES = ("male", "female")
REFERENCE_SETS = ("ase-eacvi-2015", "chinese-single-table")
_TABLES = dict(zip(REFERENCE_SETS, ("heart", "heart_chinese"), strict=True))


class Chamber(Result):
    """A graded measurement.

    Attributes:
        parameter: one of :func:`parameters`.
        name: the parameter in words.
        value: as measured, in ``unit``.
        unit: unit of the value.
        sex: whose bounds were used; "either" for the single table.
        reference_set: one of ``REFERENCE_SETS``.
        grade: "normal", "mildly abnormal", "moderately abnormal", "severely abnormal", "abnormal"
            where there are no degrees, "below normal", "above normal", or "differs between
            hospitals".
    """

    parameter: str
    name: str
    value: float
    unit: str
    sex: str
    reference_set: str
    grade: str


class EjectionFraction(Result):
    """An ejection fraction of the left ventricle.

    Attributes:
        percent: given, or worked out from volumes.
        sex: whose bounds were used.
        reference_set: which normal values.
        grade: as in :class:`Chamber`.
        phenotype: of heart failure, where there is one: "reduced", "mildly reduced", "preserved".
    """

    percent: float
    sex: str
    reference_set: str
    grade: str
    phenotype: str


def parameters(reference_set: str = REFERENCE_SETS[0]) -> tuple[str, ...]:
    """Names of the measurements that a reference set grades."""
    return load(_TABLES[_known_set(reference_set)]).words("parameters", "parameter")


def grade(
    *,
    parameter: str,
    value: float,
    sex: str | None = None,
    reference_set: str = REFERENCE_SETS[0],
) -> Chamber:
    """Grade one measurement.

    Args:
        parameter: one of :func:`parameters`; sizes in mm, areas in cm2, volumes in ml, indices per
            m2 of body surface, ejection fraction in percent.
        value: the measurement.
        sex: "male" or "female"; the single table of both sexes takes none.
        reference_set: one of ``REFERENCE_SETS``.

    Raises:
        RuleError: for unknown words, impossible values, and a sex that is missing.
    """
    chosen = _known_set(reference_set)
    by_sex = chosen == REFERENCE_SETS[0]
    table = load(_TABLES[chosen])
    asked = table.row("parameters", parameter=word("parameter", parameter, parameters(chosen)))
    if by_sex and sex is None:
        raise RuleError("The bounds of ASE/EACVI 2015 differ by sex; give 'male' or 'female'.")
    whose = word("sex", sex, SEXES) if by_sex and sex else "either"
    measured = size(asked["parameter"], value, asked["most"])
    wanted = {"parameter": asked["parameter"]} | ({"sex": whose} if by_sex else {})
    row = table.band("grades", as_printed(measured, asked["decimals"]), **wanted)
    exact = [
        band
        for band in table.group("grades")
        if all(band[key] == entry for key, entry in wanted.items()) and within(band, measured)
    ]
    return Chamber(
        **about(table, [row]),
        warnings=() if exact else (_rounded(measured, asked),),
        parameter=asked["parameter"],
        name=asked["name"],
        value=measured,
        unit=asked["unit"],
        sex=whose,
        reference_set=chosen,
        grade=row["grade"],
    )


def _known_set(name: str) -> str:
    if isinstance(name, str) and "2005" in name:
        raise RuleError(
            "The ASE table of 2005 (ejection fraction normal from 55 %) is out of date; use "
            f"{' or '.join(REFERENCE_SETS)}."
        )
    return word("reference set", name, REFERENCE_SETS)


def _rounded(value: float, asked: Row) -> str:
    near = as_printed(value, asked["decimals"])
    return f"{value:g} {asked['unit']} lies between two rows of the table; {near:g} was graded."


def ejection_fraction(
    *,
    sex: str | None = None,
    percent: float | None = None,
    edv_ml: float | None = None,
    esv_ml: float | None = None,
    reference_set: str = REFERENCE_SETS[0],
) -> EjectionFraction:
    """Grade an ejection fraction, given or worked out from volumes.

    Args:
        sex: "male" or "female".
        percent: the fraction.
        edv_ml: in place of it, the end-diastolic volume.
        esv_ml: and the end-systolic volume.
        reference_set: one of ``REFERENCE_SETS``.

    Raises:
        RuleError: unless there is either the fraction or both volumes; for impossible values.
    """
    given = [value is not None for value in (percent, edv_ml, esv_ml)]
    if given not in ([True, False, False], [False, True, True]):
        raise RuleError("Give either the ejection fraction, or both volumes.")
    if edv_ml is not None and esv_ml is not None:
        percent = fraction_percent(edv_ml=edv_ml, esv_ml=esv_ml)
    value = number("ejection fraction", percent if percent is not None else 0.0, 100.0)
    found = grade(parameter="ef", value=value, sex=sex, reference_set=reference_set)
    table = load("heart_failure")
    row = table.band("phenotypes", as_printed(value, 0))
    common = about(table, [row])
    return EjectionFraction(
        system=f"{found.system}; {common['system']}",
        version=f"{found.version}; {common['version']}",
        citation=f"{found.citation}; {common['citation']}",
        provenance=(*found.provenance, *common["provenance"]),
        warnings=found.warnings,
        percent=round(value, 1),
        sex=found.sex,
        reference_set=found.reference_set,
        grade=found.grade,
        phenotype=row["name"],
    )


class Effusion(Result):
    """A pericardial effusion.

    Attributes:
        width_mm: greatest width at end-diastole.
        name: "small", "moderate" or "large".
    """

    width_mm: float
    name: str


def effusion(width_mm: float) -> Effusion:
    """Name a pericardial effusion by its width at end-diastole.

    Raises:
        RuleError: for an impossible width.
    """
    width = size("width_mm", width_mm, 100.0)
    table = load("effusion")
    row = table.band("sizes", width)
    return Effusion(**about(table, [row]), width_mm=width, name=row["name"])


class AorticStenosis(Result):
    """Severity of aortic stenosis.

    Attributes:
        severity: "none", "mild", "moderate" or "severe"; "not severe" where only gradient or area
            were given.
        by_parameter: what each parameter says on its own.
    """

    severity: str
    by_parameter: dict[str, str]


def aortic_stenosis(
    *,
    peak_m_per_s: float | None = None,
    mean_gradient_mmhg: float | None = None,
    valve_area_cm2: float | None = None,
) -> AorticStenosis:
    """Grade aortic stenosis: the peak velocity grades, each parameter alone can make it severe.

    Args:
        peak_m_per_s: peak velocity in the valve.
        mean_gradient_mmhg: mean gradient.
        valve_area_cm2: area of the valve by the continuity equation.

    Raises:
        RuleError: without any of them, and for impossible values.
    """
    bounds = {"peak_m_per_s": 10.0, "mean_gradient_mmhg": 200.0, "valve_area_cm2": 10.0}
    values = (peak_m_per_s, mean_gradient_mmhg, valve_area_cm2)
    given = {
        name: size(name, value, bounds[name])
        for name, value in zip(bounds, values, strict=True)
        if value is not None
    }
    if not given:
        raise RuleError(f"Give at least one of {', '.join(bounds)}.")
    table = load("aortic_stenosis")
    rows = {name: table.band(name, value) for name, value in given.items()}
    said = {name: row["name"] for name, row in rows.items()}
    is_severe = "severe" in said.values()
    disagree = is_severe and set(said.values()) != {"severe"}
    return AorticStenosis(
        **about(table, rows.values()),
        warnings=("The parameters disagree: the flow state decides.",) if disagree else (),
        severity="severe" if is_severe else said.get("peak_m_per_s", "not severe"),
        by_parameter=said,
    )
