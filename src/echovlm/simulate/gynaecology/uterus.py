"""The simulated uterus: even myometrium, or one fibroid.

Location words follow the FIGO classes of fibroids: submucosal (types 0 to 2) reaches the uterine
cavity, intramural (types 3 and 4) lies inside the myometrium, subserosal (types 5 to 7) bulges
beyond the outer contour.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

LABELS: tuple[str, ...] = ("uterus-normal", "uterus-fibroid")

POSITIONS: tuple[str, ...] = ("anteverted", "retroverted")
ENDOMETRIA: tuple[str, ...] = ("thin", "triple-line", "thick")
LOCATIONS: tuple[str, ...] = ("intramural", "subserosal", "submucosal")


@dataclass(frozen=True)
class UterusFeatures:
    """One uterus.

    Attributes:
        label: key of the diagnosis label.
        length_mm: length of body and cervix together.
        depth_mm: front-to-back diameter of the body.
        position: one of ``POSITIONS``.
        endometrium: one of ``ENDOMETRIA``.
        endometrium_mm: double-layer thickness.
        location: where the fibroid lies, one of ``LOCATIONS``; "" without one.
        site: part of the uterus that holds it, "fundus" or "body"; "" without one.
        fibroid_mm: its diameter, 0 without one.
        has_free_fluid: True where fluid lies free behind the uterus.
    """

    label: str
    length_mm: float
    depth_mm: float
    position: str
    endometrium: str
    endometrium_mm: float
    location: str
    site: str
    fibroid_mm: float
    has_free_fluid: bool


def sample(label: str, rng: np.random.Generator) -> UterusFeatures:
    """Sample a uterus with the given label."""
    has_fibroid = label == "uterus-fibroid"
    endometrium = str(rng.choice(ENDOMETRIA))
    thickness = {"thin": (2.5, 4.5), "triple-line": (8, 11), "thick": (11, 15)}[endometrium]
    location = str(rng.choice(LOCATIONS)) if has_fibroid else ""
    diameters = {
        "": (0, 0),
        "intramural": (16, 19.5),
        "subserosal": (24, 40),
        "submucosal": (19, 26),
    }
    return UterusFeatures(
        label=label,
        length_mm=round(float(rng.uniform(72, 88)), 1),
        depth_mm=round(float(rng.uniform(42, 52)), 1),
        position=str(rng.choice(POSITIONS, p=[0.65, 0.35])),
        endometrium=endometrium,
        endometrium_mm=round(float(rng.uniform(*thickness)), 1),
        location=location,
        site=str(rng.choice(["fundus", "body"])) if has_fibroid else "",
        fibroid_mm=round(float(rng.uniform(*diameters[location])), 1),
        has_free_fluid=bool(rng.random() < 0.35),
    )


def measurements(features: UterusFeatures) -> dict[str, float]:
    """Return the true sizes; the unit is the last word of each name."""
    sizes = {
        "uterus_length_mm": features.length_mm,
        "uterus_depth_mm": features.depth_mm,
        "endometrium_mm": features.endometrium_mm,
    }
    return sizes | ({"fibroid_mm": features.fibroid_mm} if features.location else {})
