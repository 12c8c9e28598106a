"""What can be true of a simulated common carotid artery, sampled before any picture or text.

An intima-media thickness below 1.0 mm is normal, from 1.0 to below 1.5 mm it is thickened, and a
focal protrusion of 1.5 mm or more is a plaque (Chinese guideline for carotid health checks).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

LABELS: tuple[str, ...] = ("carotid-normal", "carotid-plaque")

_NORMAL_IMT_MM = (0.6, 0.8)
_THICK_IMT_MM = (1.2, 1.45)
_REDUCTION = {"mild": (0.27, 0.4), "marked": (0.55, 0.68)}


@dataclass(frozen=True)
class Plaque:
    """One plaque.

    Attributes:
        echo: "hypoechoic", "isoechoic" or "calcified" (strongly echogenic with a shadow).
        wall: "near" (towards the transducer) or "far".
        position: middle of the plaque along the image, -1 (left edge) to 1 (right edge).
        length_mm: extent along the vessel.
        thickness_mm: how far it reaches into the lumen from the adventitia.
    """

    echo: str
    wall: str
    position: float
    length_mm: float
    thickness_mm: float


@dataclass(frozen=True)
class VesselFeatures:
    """What is true of one simulated common carotid artery.

    Attributes:
        label: key of the diagnosis.
        course: "straight" or "curved".
        jugular_seen: True where the jugular vein lies between skin and artery.
        imt_thickened: True where the intima-media layer is thickened throughout.
        plaques: none, one or two, from left to right.
        narrowing: "" (no plaque), "mild" or "marked", as the lumen looks at the thickest plaque.
        diameter_mm: distance between the adventitial borders.
        imt_mm: intima-media thickness away from plaques.
    """

    label: str
    course: str
    jugular_seen: bool
    imt_thickened: bool
    diameter_mm: float
    imt_mm: float
    plaques: tuple[Plaque, ...] = ()
    narrowing: str = ""


def sample(label: str, rng: np.random.Generator) -> VesselFeatures:
    """Sample the features of a carotid artery with the given diagnosis.

    Raises:
        ValueError: for a label that is not one of ``LABELS``.
    """
    if label not in LABELS:
        raise ValueError(f"unknown vessel label {label!r}; choose one of {', '.join(LABELS)}")
    course = str(rng.choice(["straight", "curved"], p=[0.65, 0.35]))
    jugular = bool(rng.uniform() < 0.4)
    diameter_mm = round(float(rng.uniform(6.2, 8.2)), 2)
    if label == "carotid-normal":
        imt_mm = round(float(rng.uniform(*_NORMAL_IMT_MM)), 2)
        return VesselFeatures(label, course, jugular, False, diameter_mm, imt_mm)
    thickened = bool(rng.uniform() < 0.5)
    imt_mm = round(float(rng.uniform(*(_THICK_IMT_MM if thickened else _NORMAL_IMT_MM))), 2)
    narrowing = str(rng.choice(["mild", "marked"], p=[0.65, 0.35]))
    thickness_mm = diameter_mm * float(rng.uniform(*_REDUCTION[narrowing]))
    return VesselFeatures(
        label=label,
        course=course,
        jugular_seen=jugular,
        imt_thickened=thickened,
        diameter_mm=diameter_mm,
        imt_mm=imt_mm,
        plaques=_plaques(thickness_mm, rng),
        narrowing=narrowing,
    )


def _plaques(thickness_mm: float, rng: np.random.Generator) -> tuple[Plaque, ...]:
    """Sample one or two plaques that do not overlap; the first drawn is the thickest."""
    if rng.uniform() < 0.7:
        return (_plaque(float(rng.uniform(-0.5, 0.5)), thickness_mm, (10, 19), rng),)
    places = [float(rng.uniform(-0.6, -0.42)), float(rng.uniform(0.42, 0.6))]
    thinner_mm = max(thickness_mm * float(rng.uniform(0.6, 0.85)), 1.8)
    sizes = [thickness_mm, thinner_mm]
    if rng.uniform() < 0.5:
        sizes.reverse()
    return tuple(_plaque(x, t, (8, 11), rng) for x, t in zip(places, sizes, strict=True))


def _plaque(
    position: float, thickness_mm: float, length_mm: tuple[float, float], rng: np.random.Generator
) -> Plaque:
    echo = str(rng.choice(["hypoechoic", "isoechoic", "calcified"], p=[0.35, 0.3, 0.35]))
    long_mm = max(float(rng.uniform(*length_mm)), 2.6 * thickness_mm)
    return Plaque(
        echo=echo,
        wall=str(rng.choice(["near", "far"], p=[0.4, 0.6])),
        position=round(position, 3),
        length_mm=round(long_mm, 2),
        thickness_mm=round(thickness_mm, 2),
    )


def measurements(features: VesselFeatures) -> dict[str, float]:
    """Return the true diameter, intima-media thickness and size of the thickest plaque."""
    sizes = {"vessel_diameter_mm": features.diameter_mm, "intima_media_mm": features.imt_mm}
    if features.plaques:
        thickest = max(features.plaques, key=lambda plaque: plaque.thickness_mm)
        sizes["plaque_length_mm"] = thickest.length_mm
        sizes["plaque_thickness_mm"] = thickest.thickness_mm
        part = thickest.thickness_mm / features.diameter_mm
        sizes["diameter_reduction_percent"] = round(100 * part, 1)
    return sizes
