"""What can be true of a simulated breast, drawn before any picture or text.

Descriptors are those of ACR BI-RADS ultrasound, 5th edition (2013). BI-RADS has no point formula,
so no category is stated.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

LABELS: tuple[str, ...] = (
    "breast-normal",
    "breast-cyst",
    "breast-fibroadenoma",
    "breast-malignant",
)


@dataclass(frozen=True)
class BreastFeatures:
    """What is true of one simulated breast; ``""`` and 0 where there is no lesion.

    Attributes:
        label: key of the diagnosis.
        composition: "homogeneous fat", "homogeneous fibroglandular" or "heterogeneous".
        lesion_count: 0 to 2 (two only for cysts).
        shape: "oval", "round" or "irregular".
        orientation: "parallel" or "not parallel".
        margin: "circumscribed", "indistinct", "angular", "microlobulated" or "spiculated".
        echo_pattern: "anechoic", "hypoechoic" or "heterogeneous".
        posterior: "none", "enhancement" or "shadowing".
        calcifications: True where the mass holds punctate echogenic foci.
        lesion_long_mm: longest diameter of the (larger) lesion.
        lesion_ratio: its extent in depth over its lateral extent.
    """

    label: str
    composition: str
    lesion_count: int = 0
    shape: str = ""
    orientation: str = ""
    margin: str = ""
    echo_pattern: str = ""
    posterior: str = ""
    calcifications: bool = False
    lesion_long_mm: float = 0.0
    lesion_ratio: float = 0.0


def sample(label: str, rng: np.random.Generator) -> BreastFeatures:
    """Draw the features of a breast with the given diagnosis.

    Raises:
        ValueError: for a label that is not one of ``LABELS``.
    """
    if label not in LABELS:
        raise ValueError(f"unknown breast label {label!r}")
    compositions = ["homogeneous fat", "homogeneous fibroglandular", "heterogeneous"]
    composition = _choose(rng, compositions, [0.3, 0.35, 0.35])
    if label == "breast-normal":
        return BreastFeatures(label, composition)
    if label == "breast-cyst":
        return _cyst(composition, rng)
    if label == "breast-fibroadenoma":
        return _fibroadenoma(composition, rng)
    return _malignant(composition, rng)


def _cyst(composition: str, rng: np.random.Generator) -> BreastFeatures:
    shape = _choose(rng, ["oval", "round"], [0.7, 0.3])
    return BreastFeatures(
        label="breast-cyst",
        composition=composition,
        lesion_count=int(rng.choice([1, 2], p=[0.75, 0.25])),
        shape=shape,
        orientation="parallel",
        margin="circumscribed",
        echo_pattern="anechoic",
        posterior="enhancement",
        lesion_long_mm=_round(rng.uniform(7, 18)),
        lesion_ratio=_round(rng.uniform(0.45, 0.75) if shape == "oval" else 0.97),
    )


def _fibroadenoma(composition: str, rng: np.random.Generator) -> BreastFeatures:
    shape = _choose(rng, ["oval", "round"], [0.85, 0.15])
    return BreastFeatures(
        label="breast-fibroadenoma",
        composition=composition,
        lesion_count=1,
        shape=shape,
        orientation="parallel",
        margin="circumscribed",
        echo_pattern=_choose(rng, ["hypoechoic", "heterogeneous"], [0.8, 0.2]),
        posterior=_choose(rng, ["none", "enhancement"], [0.6, 0.4]),
        lesion_long_mm=_round(rng.uniform(9, 22)),
        lesion_ratio=_round(rng.uniform(0.42, 0.68) if shape == "oval" else 0.96),
    )


def _malignant(composition: str, rng: np.random.Generator) -> BreastFeatures:
    upright = rng.uniform() < 0.65
    margins = ["spiculated", "angular", "microlobulated", "indistinct"]
    return BreastFeatures(
        label="breast-malignant",
        composition=composition,
        lesion_count=1,
        shape="irregular",
        orientation="not parallel" if upright else "parallel",
        margin=_choose(rng, margins, [0.35, 0.25, 0.2, 0.2]),
        echo_pattern=_choose(rng, ["hypoechoic", "heterogeneous"], [0.65, 0.35]),
        posterior=_choose(rng, ["shadowing", "none"], [0.75, 0.25]),
        calcifications=bool(rng.uniform() < 0.4),
        lesion_long_mm=_round(rng.uniform(9, 20)),
        lesion_ratio=_round(rng.uniform(1.15, 1.5) if upright else rng.uniform(0.6, 0.8)),
    )


def _choose(rng: np.random.Generator, values: list[str], weights: list[float]) -> str:
    return str(rng.choice(values, p=weights))


def _round(value: float) -> float:
    return round(float(value), 2)


def measurements(features: BreastFeatures) -> dict[str, float]:
    """Return the true sizes; empty without a lesion."""
    if features.lesion_count == 0:
        return {}
    long_mm, ratio = features.lesion_long_mm, features.lesion_ratio
    lateral_mm = long_mm / ratio if ratio > 1 else long_mm
    return {
        "lesion_long_mm": long_mm,
        "lesion_lateral_mm": round(lateral_mm, 2),
        "lesion_depth_extent_mm": round(lateral_mm * ratio, 2),
    }
