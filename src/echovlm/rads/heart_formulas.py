"""Left ventricle by formula: ejection fraction, volume by area-length, mass and geometry.

    EF = (EDV - ESV) / EDV          V = 0.85 A^2 / L          RWT = 2 PWd / LVIDd
    mass = 0.8 x 1.04 ((LVIDd + IVSd + PWd)^3 - LVIDd^3) + 0.6 g, lengths in cm

Source: Lang et al., J Am Soc Echocardiogr 2015, 10.1016/j.echo.2014.10.003.
"""

from __future__ import annotations

from echovlm.errors import RuleError
from echovlm.rads.inputs import size, word
from echovlm.rads.result import Result, about
from echovlm.rads.table import as_printed, load, within


def fraction_percent(*, edv_ml: float, esv_ml: float) -> float:
    """Ejection fraction in percent from the volumes of the left ventricle.

    Args:
        edv_ml: end-diastolic volume, above 0.
        esv_ml: end-systolic volume, above 0 and below the other.

    Raises:
        RuleError: for impossible volumes.
    """
    full = size("edv_ml", edv_ml, 1000.0)
    rest = size("esv_ml", esv_ml, 1000.0)
    if rest >= full:
        raise RuleError(
            f"The end-systolic volume ({rest:g} ml) must be smaller than the end-diastolic one "
            f"({full:g} ml)."
        )
    return 100 * (full - rest) / full


def area_length_volume_ml(area_cm2: float, length_cm: float) -> float:
    """Volume of a ventricle from one view: 0.85 A^2 / L.

    Args:
        area_cm2: area of the cavity.
        length_cm: length of its long axis.

    Raises:
        RuleError: for impossible sizes.
    """
    return 0.85 * size("area_cm2", area_cm2, 200.0) ** 2 / size("length_cm", length_cm, 20.0)


class VentricularMass(Result):
    """Mass and geometry of the left ventricle by the cube formula.

    Attributes:
        mass_g: mass.
        index_g_per_m2: mass over body surface; None where that was not given.
        relative_wall_ratio: twice the posterior wall over the inner diameter.
        grade: of the index; "" without body surface.
        geometry: "normal", "concentric remodelling", "concentric hypertrophy" or "eccentric
            hypertrophy"; "" without body surface.
    """

    mass_g: float
    index_g_per_m2: float | None
    relative_wall_ratio: float
    grade: str
    geometry: str


def ventricular_mass(
    *,
    lvidd_mm: float,
    ivsd_mm: float,
    pwd_mm: float,
    sex: str | None = None,
    body_surface_m2: float | None = None,
) -> VentricularMass:
    """Work out mass, and with sex and body surface its grade and the geometry.

    Args:
        lvidd_mm: inner diameter at end-diastole.
        ivsd_mm: septal thickness at end-diastole.
        pwd_mm: thickness of the posterior wall at end-diastole.
        sex: "male" or "female".
        body_surface_m2: body surface.

    Raises:
        RuleError: for impossible sizes, and for a body surface without sex.
    """
    inner = size("lvidd_mm", lvidd_mm, 150.0) / 10
    septum, wall = size("ivsd_mm", ivsd_mm, 60.0) / 10, size("pwd_mm", pwd_mm, 60.0) / 10
    mass = 0.8 * 1.04 * ((inner + septum + wall) ** 3 - inner**3) + 0.6
    relative = round(2 * wall / inner, 3)
    table = load("heart")
    rows = [table.row("formulas", row="LV mass, cube formula")]
    index, found, geometry = None, "", ""
    if body_surface_m2 is not None:
        index = mass / size("body_surface_m2", body_surface_m2, 4.0)
        if sex is None:
            raise RuleError("The bounds of the mass index differ by sex; give 'male' or 'female'.")
        whose = word("sex", sex, ("male", "female"))
        band = table.band("grades", as_printed(index, 0), parameter="lv_mass_index", sex=whose)
        (concentric,) = table.group("geometry")
        found = band["grade"]
        geometry = _geometry("abnormal" in found, within(concentric, relative))
        rows += [band, concentric]
    return VentricularMass(
        **about(table, rows),
        mass_g=round(mass, 1),
        index_g_per_m2=None if index is None else round(index, 1),
        relative_wall_ratio=relative,
        grade=found,
        geometry=geometry,
    )


def _geometry(is_heavy: bool, is_concentric: bool) -> str:
    if is_heavy:
        return "concentric hypertrophy" if is_concentric else "eccentric hypertrophy"
    return "concentric remodelling" if is_concentric else "normal"
