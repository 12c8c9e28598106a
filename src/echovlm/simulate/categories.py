"""Assessment categories of a simulated case, computed by the rules of ``rads/`` from its features.

No category is sampled: each follows from descriptors, as it does for a reader. BI-RADS has no
formula and gives none.
"""

from __future__ import annotations

from typing import Any

from echovlm.rads import acr_tirads, fatty_liver, hydronephrosis, o_rads
from echovlm.simulate.gynaecology.ovary import OvaryFeatures
from echovlm.simulate.kidney.features import KidneyFeatures
from echovlm.simulate.liver.features import LiverFeatures
from echovlm.simulate.thyroid.features import ThyroidFeatures

_CYSTS = {
    "anechoic": "simple cyst",
    "septated": "bilocular cyst",
    "reticular": "typical benign ovarian",
    "low-level": "typical benign ovarian",
}
_CALYCES = ("none", "none", "central", "peripheral", "peripheral")
# What is drawn and written of a liver, by grade: see the tables of ``liver/text.py``.
_VESSELS = ("seen", "seen", "impaired", "not seen")


def study_categories(features: Any) -> dict[str, tuple[int | str, str]]:
    """Return the categories of the study as a whole: name to value and the rule's edition."""
    if isinstance(features, KidneyFeatures):
        dilated = hydronephrosis.sfu(
            pelvis="dilated" if features.sfu_grade else "normal",
            calyces=_CALYCES[features.sfu_grade],
            parenchyma_thin=features.sfu_grade == 4,
        )
        return {"sfu_grade": (dilated.grade, "SFU 1993")}
    if isinstance(features, LiverFeatures):
        fatty = fatty_liver.grade(
            parenchyma=fatty_liver.PARENCHYMA[features.grade],
            vessels=_VESSELS[features.grade],
            diaphragm=_VESSELS[features.grade],
        )
        return {"steatosis_grade": (fatty.grade, "conventional grades of fatty liver")}
    if isinstance(features, OvaryFeatures) and not features.contents:
        normal = o_rads.assess(lesion="normal ovary")
        return {"orads": (normal.category, "O-RADS US v2022")}
    return {}


def lesion_categories(features: Any) -> dict[str, tuple[int | str, str]]:
    """Return the categories of each lesion: name to value and the rule's edition."""
    if isinstance(features, ThyroidFeatures) and features.nodule_count:
        nodule = acr_tirads.assess(
            composition=features.composition,
            echogenicity=features.echogenicity,
            shape=features.shape,
            margin=features.margin,
            foci=(features.foci,),
        )
        return {"tirads": (nodule.level.removeprefix("TR"), "ACR TI-RADS 2017")}
    if isinstance(features, OvaryFeatures) and features.contents:
        cyst = o_rads.assess(
            lesion=_CYSTS[features.contents], max_diameter_mm=features.cyst_long_mm
        )
        return {"orads": (cyst.category, "O-RADS US v2022")}
    return {}
