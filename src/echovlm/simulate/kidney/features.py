"""What can be true of a simulated kidney, sampled before any picture or text.

Dilatation is graded by the Society for Fetal Urology (SFU): 1 pelvis only, 2 pelvis and major
calyces, 3 virtually all minor calyces as well, 4 as 3 with thinning of the parenchyma.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

LABELS: tuple[str, ...] = (
    "kidney-normal",
    "kidney-hydronephrosis",
    "kidney-stone",
    "kidney-cyst",
)
SITES: tuple[str, ...] = ("upper pole", "middle third", "lower pole")
"""Where a lesion lies; the upper pole is on the left of a longitudinal image."""

_PELVIS_MM = {1: (9.0, 13.0), 2: (12.0, 17.0), 3: (16.0, 22.0), 4: (21.0, 28.0)}
_PARENCHYMA_MM = (14.0, 18.0)
_THINNED_MM = (4.0, 6.5)


@dataclass(frozen=True)
class KidneyFeatures:
    """What is true of one simulated kidney; ``""`` and 0 where nothing of the kind is present.

    Attributes:
        label: key of the diagnosis.
        pyramids_distinct: True where dark medullary pyramids stand out from the cortex.
        sfu_grade: 0 (not dilated) to 4.
        pelvis_mm: extent in depth of the dilated pelvis, 0 where not dilated.
        stone_count: 0 to 2.
        cyst_count: 0 to 2.
        site: where the (larger) stone or cyst lies, one of ``SITES``.
        exophytic: True where the cyst bulges beyond the outline of the kidney.
        lesion_mm: longest diameter of the (larger) stone or cyst.
        kidney_length_mm: length of the kidney.
        parenchyma_mm: thickness of cortex and medulla together.
    """

    label: str
    pyramids_distinct: bool
    kidney_length_mm: float
    parenchyma_mm: float
    sfu_grade: int = 0
    pelvis_mm: float = 0.0
    stone_count: int = 0
    cyst_count: int = 0
    site: str = ""
    exophytic: bool = False
    lesion_mm: float = 0.0


def sample(label: str, rng: np.random.Generator) -> KidneyFeatures:
    """Sample the features of a kidney with the given diagnosis.

    Raises:
        ValueError: for a label that is not one of ``LABELS``.
    """
    if label not in LABELS:
        raise ValueError(f"unknown kidney label {label!r}; choose one of {', '.join(LABELS)}")
    pyramids = bool(rng.uniform() < 0.6)
    length_mm = round(float(rng.uniform(95, 118)), 1)
    parenchyma_mm = round(float(rng.uniform(*_PARENCHYMA_MM)), 1)
    if label == "kidney-normal":
        return KidneyFeatures(label, pyramids, length_mm, parenchyma_mm)
    if label == "kidney-hydronephrosis":
        return _dilated(pyramids, length_mm, parenchyma_mm, rng)
    count = int(rng.choice([1, 2], p=[0.75, 0.25]))
    site = str(rng.choice(SITES))
    if label == "kidney-stone":
        return KidneyFeatures(
            label,
            pyramids,
            length_mm,
            parenchyma_mm,
            stone_count=count,
            site=site,
            lesion_mm=round(float(rng.uniform(10, 18)), 1),
        )
    exophytic = bool(rng.uniform() < 0.5)
    return KidneyFeatures(
        label,
        pyramids,
        length_mm,
        parenchyma_mm,
        cyst_count=count,
        site=site,
        exophytic=exophytic,
        lesion_mm=round(float(rng.uniform(22, 36) if exophytic else rng.uniform(16, 24)), 1),
    )


def _dilated(
    pyramids: bool, length_mm: float, parenchyma_mm: float, rng: np.random.Generator
) -> KidneyFeatures:
    grade = int(rng.integers(1, 5))
    if grade == 4:
        pyramids = False
        parenchyma_mm = round(float(rng.uniform(*_THINNED_MM)), 1)
    return KidneyFeatures(
        "kidney-hydronephrosis",
        pyramids,
        length_mm,
        parenchyma_mm,
        sfu_grade=grade,
        pelvis_mm=round(float(rng.uniform(*_PELVIS_MM[grade])), 1),
    )


def measurements(features: KidneyFeatures) -> dict[str, float]:
    """Return the true sizes."""
    sizes = {
        "kidney_length_mm": features.kidney_length_mm,
        "parenchyma_mm": features.parenchyma_mm,
    }
    if features.sfu_grade:
        sizes["pelvis_mm"] = features.pelvis_mm
    if features.stone_count:
        sizes["stone_long_mm"] = features.lesion_mm
    if features.cyst_count:
        sizes["cyst_long_mm"] = features.lesion_mm
    return sizes
