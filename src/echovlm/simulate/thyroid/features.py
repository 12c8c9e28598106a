"""What can be true of a simulated thyroid lobe, sampled before any picture or text.

Descriptors are those of ACR TI-RADS 2017 (DOI 10.1016/j.jacr.2017.01.046). No level is stated:
it follows from the descriptors by rule.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

LABELS: tuple[str, ...] = (
    "thyroid-normal",
    "thyroid-colloid-cyst",
    "thyroid-spongiform",
    "thyroid-benign-solid",
    "thyroid-suspicious",
)


@dataclass(frozen=True)
class ThyroidFeatures:
    """What is true of one simulated thyroid lobe; ``""`` and 0 where there is no nodule.

    Attributes:
        label: key of the diagnosis.
        side: lobe shown, "left" or "right". The patient's right is on the left of the image, so
            the trachea lies at the image's right edge when the right lobe is shown.
        jugular_seen: True where the jugular vein shows beside the carotid artery.
        nodule_count: 0 to 2 (two only for colloid cysts and spongiform nodules).
        composition: "cystic", "spongiform" or "solid".
        echogenicity: "anechoic", "isoechoic", "hyperechoic", "hypoechoic" or "very hypoechoic".
        shape: "wider-than-tall" or "taller-than-wide".
        margin: "smooth" or "irregular".
        foci: "none", "comet-tail" or "punctate".
        halo: True where a thin dark rim surrounds the nodule.
        nodule_lateral_mm: lateral diameter of the (larger) nodule.
        nodule_depth_extent_mm: its extent in depth.
    """

    label: str
    side: str
    jugular_seen: bool
    nodule_count: int = 0
    composition: str = ""
    echogenicity: str = ""
    shape: str = ""
    margin: str = ""
    foci: str = ""
    halo: bool = False
    nodule_lateral_mm: float = 0.0
    nodule_depth_extent_mm: float = 0.0


def sample(label: str, rng: np.random.Generator) -> ThyroidFeatures:
    """Sample the features of a thyroid lobe with the given diagnosis.

    Raises:
        ValueError: for a label that is not one of ``LABELS``.
    """
    if label not in LABELS:
        raise ValueError(f"unknown thyroid label {label!r}; choose one of {', '.join(LABELS)}")
    side = _choose(rng, {"left": 0.5, "right": 0.5})
    jugular = bool(rng.uniform() < 0.5)
    if label == "thyroid-normal":
        return ThyroidFeatures(label, side, jugular)
    if label == "thyroid-suspicious":
        return _suspicious(side, jugular, rng)
    lateral_mm = float(rng.uniform(9, 17))
    count = 1 if label == "thyroid-benign-solid" else int(rng.choice([1, 2], p=[0.75, 0.25]))
    lateral_mm = min(lateral_mm, 11.5) if count == 2 else lateral_mm
    composition, echogenicity = {
        "thyroid-colloid-cyst": ("cystic", "anechoic"),
        "thyroid-spongiform": ("spongiform", "isoechoic"),
        "thyroid-benign-solid": ("solid", _choose(rng, {"isoechoic": 0.5, "hyperechoic": 0.5})),
    }[label]
    # Without a halo an isoechoic nodule would hardly be seen.
    halo = label == "thyroid-benign-solid" and bool(
        echogenicity == "isoechoic" or rng.uniform() < 0.6
    )
    return ThyroidFeatures(
        label=label,
        side=side,
        jugular_seen=jugular,
        nodule_count=count,
        composition=composition,
        echogenicity=echogenicity,
        shape="wider-than-tall",
        margin="smooth",
        foci="comet-tail" if label == "thyroid-colloid-cyst" else "none",
        halo=halo,
        nodule_lateral_mm=round(lateral_mm, 2),
        nodule_depth_extent_mm=round(lateral_mm * float(rng.uniform(0.58, 0.82)), 2),
    )


def _suspicious(side: str, jugular: bool, rng: np.random.Generator) -> ThyroidFeatures:
    """Sample a solid dark nodule with at least one of the three suspicious signs."""
    signs = rng.uniform(size=3) < (0.6, 0.6, 0.5)
    if not signs.any():
        signs[int(rng.integers(3))] = True
    upright, irregular, punctate = (bool(sign) for sign in signs)
    long_mm = float(rng.uniform(8.5, 14))
    short_mm = long_mm * float(rng.uniform(0.6, 0.78))
    lateral_mm, extent_mm = (short_mm, long_mm) if upright else (long_mm, short_mm)
    return ThyroidFeatures(
        label="thyroid-suspicious",
        side=side,
        jugular_seen=jugular,
        nodule_count=1,
        composition="solid",
        echogenicity=_choose(rng, {"hypoechoic": 0.55, "very hypoechoic": 0.45}),
        shape="taller-than-wide" if upright else "wider-than-tall",
        margin="irregular" if irregular else "smooth",
        foci="punctate" if punctate else "none",
        nodule_lateral_mm=round(lateral_mm, 2),
        nodule_depth_extent_mm=round(extent_mm, 2),
    )


def _choose(rng: np.random.Generator, weights: dict[str, float]) -> str:
    return str(rng.choice(list(weights), p=list(weights.values())))


def measurements(features: ThyroidFeatures) -> dict[str, float]:
    """Return the true size of the (larger) nodule; empty without one."""
    if features.nodule_count == 0:
        return {}
    return {
        "nodule_lateral_mm": features.nodule_lateral_mm,
        "nodule_depth_extent_mm": features.nodule_depth_extent_mm,
    }
