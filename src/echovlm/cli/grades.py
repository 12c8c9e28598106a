"""The commands ``echovlm rads carotid``, ``fatty-liver``, ``hydronephrosis`` and ``heart``."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from echovlm.cli.rule_result import Json, show_rule
from echovlm.errors import OptionError

if TYPE_CHECKING:
    from echovlm.rads.hydronephrosis import Utd

_T = TypeVar("_T")


class Hydronephrosis(StrEnum):
    """Systems for hydronephrosis."""

    SFU = "sfu"
    UTD_ANTENATAL = "utd-antenatal"
    UTD_POSTNATAL = "utd-postnatal"


def carotid(
    psv_cm_per_s: Annotated[
        float | None, typer.Option("--psv-cm-per-s", help="Peak systolic velocity of the ICA.")
    ] = None,
    plaque_percent: Annotated[
        float | None,
        typer.Option("--plaque-percent", help="Reduction of the diameter by plaque, 0 for none."),
    ] = None,
    edv_cm_per_s: Annotated[
        float | None, typer.Option("--edv-cm-per-s", help="End-diastolic velocity of the ICA.")
    ] = None,
    ratio: Annotated[
        float | None, typer.Option("--ratio", help="PSV of the ICA over that of the CCA.")
    ] = None,
    flow: Annotated[str, typer.Option("--flow", help="present, string or absent")] = "present",
    unreliable: Annotated[
        list[str] | None,
        typer.Option(
            "--unreliable", help="Why PSV misleads: tandem lesion, low cardiac output, ..."
        ),
    ] = None,
    criteria: Annotated[
        str, typer.Option("--criteria", help="sru-2003, or the proposal pmc8493430.")
    ] = "sru-2003",
    as_json: Json = False,
) -> None:
    """SRU consensus 2003: stenosis of the internal carotid artery (ICA)."""
    from echovlm.rads.carotid import assess

    found = assess(
        psv_cm_per_s=psv_cm_per_s,
        plaque_percent=plaque_percent,
        edv_cm_per_s=edv_cm_per_s,
        ratio=ratio,
        flow=flow,
        unreliable=unreliable or (),
        criteria=criteria,
    )
    names = {"ratio": "ICA/CCA ratio", "edv": "EDV"}
    show_rule(
        found,
        as_json,
        f"Stenosis: {found.stenosis} ({found.zh})",
        *(f"  {names[name]} {said}" for name, said in found.supporting.items()),
    )


def fatty_liver(
    parenchyma: Annotated[
        str,
        typer.Option(
            "--parenchyma", help="normal, slight increase, moderate increase, marked increase"
        ),
    ],
    vessels: Annotated[str, typer.Option("--vessels", help="Walls: seen, impaired, not seen")],
    diaphragm: Annotated[str, typer.Option("--diaphragm", help="seen, impaired, not seen")],
    as_json: Json = False,
) -> None:
    """Fatty liver by the conventional grades."""
    from echovlm.rads.fatty_liver import grade

    found = grade(parenchyma=parenchyma, vessels=vessels, diaphragm=diaphragm)
    show_rule(found, as_json, f"Fatty liver: grade {found.grade}, {found.name} ({found.zh})")


def hydronephrosis(
    system: Annotated[Hydronephrosis, typer.Option("--system", help="Which system to apply.")],
    pelvis: Annotated[
        str | None, typer.Option("--pelvis", help="SFU: normal, split or dilated")
    ] = None,
    calyces: Annotated[
        str, typer.Option("--calyces", help="Dilated ones: none, central, peripheral")
    ] = "none",
    parenchyma_abnormal: Annotated[
        bool, typer.Option("--parenchyma-abnormal", help="SFU: thin; UTD: thin or echogenic.")
    ] = False,
    aprpd_mm: Annotated[
        float | None,
        typer.Option("--aprpd-mm", help="UTD: anteroposterior diameter of the renal pelvis."),
    ] = None,
    gestation_weeks: Annotated[
        float | None, typer.Option("--gestation-weeks", help="UTD before birth.")
    ] = None,
    ureter_abnormal: Annotated[bool, typer.Option("--ureter-abnormal", help="UTD.")] = False,
    bladder_abnormal: Annotated[bool, typer.Option("--bladder-abnormal", help="UTD.")] = False,
    oligohydramnios: Annotated[
        bool, typer.Option("--oligohydramnios", help="UTD before birth: unexplained.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Hydronephrosis: SFU grade, or UTD class before or after birth."""
    from echovlm.rads import hydronephrosis as rule

    _refuse_others(
        system,
        {
            "--pelvis": (pelvis, "sfu"),
            "--aprpd-mm": (aprpd_mm, "utd"),
            "--ureter-abnormal": (ureter_abnormal, "utd"),
            "--bladder-abnormal": (bladder_abnormal, "utd"),
            "--gestation-weeks": (gestation_weeks, "utd-antenatal"),
            "--oligohydramnios": (oligohydramnios, "utd-antenatal"),
        },
    )
    if system is Hydronephrosis.SFU:
        width = _needed(system, "--pelvis", pelvis)
        found = rule.sfu(pelvis=width, calyces=calyces, parenchyma_thin=parenchyma_abnormal)
        show_rule(found, as_json, f"SFU grade {found.grade}: {found.name} ({found.zh})")
    elif system is Hydronephrosis.UTD_ANTENATAL:
        before = rule.utd_antenatal(
            gestation_weeks=_needed(system, "--gestation-weeks", gestation_weeks),
            aprpd_mm=_needed(system, "--aprpd-mm", aprpd_mm),
            calyces=calyces,
            parenchyma_abnormal=parenchyma_abnormal,
            ureter_abnormal=ureter_abnormal,
            bladder_abnormal=bladder_abnormal,
            unexplained_oligohydramnios=oligohydramnios,
        )
        show_rule(before, as_json, *_utd(before))
    else:
        after = rule.utd_postnatal(
            aprpd_mm=_needed(system, "--aprpd-mm", aprpd_mm),
            calyces=calyces,
            parenchyma_abnormal=parenchyma_abnormal,
            ureter_abnormal=ureter_abnormal,
            bladder_abnormal=bladder_abnormal,
        )
        show_rule(after, as_json, *_utd(after))


def heart(
    sex: Annotated[
        str | None, typer.Option("--sex", help="male or female; the Chinese table takes none.")
    ] = None,
    parameter: Annotated[
        str | None,
        typer.Option("--parameter", help="ef, lvidd, lvids, lvedv, lvedv_index, lvesv, ivsd, ..."),
    ] = None,
    value: Annotated[
        float | None, typer.Option("--value", help="In mm, cm2, ml, %, or per m2 for an index.")
    ] = None,
    edv_ml: Annotated[
        float | None, typer.Option("--edv-ml", help="Instead: end-diastolic volume.")
    ] = None,
    esv_ml: Annotated[
        float | None, typer.Option("--esv-ml", help="Instead: end-systolic volume.")
    ] = None,
    reference_set: Annotated[
        str, typer.Option("--reference-set", help="ase-eacvi-2015 or chinese-single-table")
    ] = "ase-eacvi-2015",
    as_json: Json = False,
) -> None:
    """ASE/EACVI 2015: grade a size of the heart, or an ejection fraction from volumes."""
    from echovlm.rads import heart as rule

    by_volumes, by_value = {edv_ml, esv_ml} != {None}, (parameter, value) != (None, None)
    if by_volumes == by_value:
        raise OptionError("Give either --parameter and --value, or --edv-ml and --esv-ml.")
    if by_volumes:
        fraction = rule.ejection_fraction(
            sex=sex, edv_ml=edv_ml, esv_ml=esv_ml, reference_set=reference_set
        )
        show_rule(
            fraction,
            as_json,
            f"EF {fraction.percent:g} % ({fraction.sex}): {fraction.grade}",
            f"Phenotype of heart failure, where there is one: {fraction.phenotype}",
        )
        return
    found = rule.grade(
        parameter=_needed("heart", "--parameter", parameter),
        value=_needed("heart", "--value", value),
        sex=sex,
        reference_set=reference_set,
    )
    show_rule(
        found,
        as_json,
        f"{found.name}: {found.value:g} {found.unit} ({found.sex}): {found.grade}",
    )


def _needed(system: str, option: str, value: _T | None) -> _T:
    if value is None:
        raise OptionError(f"{option} is needed for '{system}'.")
    return value


def _refuse_others(system: str, options: Mapping[str, tuple[object, str]]) -> None:
    """An option that the system does not know must not be lost in silence."""
    for option, (value, whose) in options.items():
        if value not in (None, False) and not system.startswith(whose):
            raise OptionError(f"{option} is for '{whose}', not for '{system}'.")


def _utd(found: Utd) -> list[str]:
    decided = (f"  decided by {row}" for row in found.decided_by)
    return [f"UTD {found.category}, risk: {found.risk}", *decided]
