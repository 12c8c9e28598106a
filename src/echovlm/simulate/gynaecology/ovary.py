"""The simulated ovary: an ovary with follicles, or one with a cyst.

Words follow O-RADS US v2022 (Strachowski et al., Radiology 2023;308:e230685): unilocular, bilocular
with one complete septum, reticular pattern, homogeneous low-level echoes. Every cyst sampled here
is smooth, shorter than 100 mm and without a solid component: category 2. An ovary whose only
fluid-filled spaces are follicles of at most 30 mm is category 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

LABELS: tuple[str, ...] = ("ovary-follicles", "ovary-cyst")

CONTENTS: tuple[str, ...] = ("anechoic", "septated", "reticular", "low-level")
"""What a cyst can hold."""


@dataclass(frozen=True)
class OvaryFeatures:
    """One ovary.

    Attributes:
        label: key of the diagnosis label.
        ovary_long_mm: longest diameter of the ovary without any cyst.
        ovary_short_mm: diameter across.
        follicles_mm: diameters of the follicles, largest first.
        has_dominant_follicle: True where the first follicle is plainly larger than the others.
        contents: what the cyst holds, one of ``CONTENTS``; "" without a cyst.
        cyst_shape: "round" or "oval"; "" without a cyst.
        cyst_long_mm: longest diameter of the cyst, 0 without one.
        cyst_short_mm: diameter across, 0 without one.
        has_free_fluid: True where fluid lies free in the pelvis.
    """

    label: str
    ovary_long_mm: float
    ovary_short_mm: float
    follicles_mm: tuple[float, ...]
    has_dominant_follicle: bool
    contents: str
    cyst_shape: str
    cyst_long_mm: float
    cyst_short_mm: float
    has_free_fluid: bool

    @property
    def has_many_follicles(self) -> bool:
        """True where the follicles are more than a few."""
        return len(self.follicles_mm) > 4


def sample(label: str, rng: np.random.Generator) -> OvaryFeatures:
    """Sample an ovary with the given label."""
    long_mm = float(rng.uniform(30, 40))
    has_cyst = label == "ovary-cyst"
    is_dominant = not has_cyst and bool(rng.random() < 0.45)
    count = int(rng.integers(2, 4)) if has_cyst else int(rng.choice([3, 4, 6, 7, 8]))
    sizes = rng.uniform(4.5, 8.0 if count < 6 else 7.0, count)
    if is_dominant:
        sizes[0] = rng.uniform(13, 17)
    shape = str(rng.choice(["round", "oval"])) if has_cyst else ""
    cyst_mm = float(rng.uniform(34, 62)) if has_cyst else 0.0
    ratio = rng.uniform(0.92, 1.0) if shape == "round" else rng.uniform(0.6, 0.74)
    return OvaryFeatures(
        label=label,
        ovary_long_mm=round(long_mm, 1),
        ovary_short_mm=round(long_mm * float(rng.uniform(0.56, 0.7)), 1),
        follicles_mm=tuple(round(float(size), 1) for size in sorted(sizes, reverse=True)),
        has_dominant_follicle=is_dominant,
        contents=str(rng.choice(CONTENTS)) if has_cyst else "",
        cyst_shape=shape,
        cyst_long_mm=round(cyst_mm, 1),
        cyst_short_mm=round(cyst_mm * float(ratio), 1),
        has_free_fluid=bool(rng.random() < 0.35),
    )


def measurements(features: OvaryFeatures) -> dict[str, float]:
    """Return the true sizes; the unit is the last word of each name."""
    sizes = {"largest_follicle_mm": features.follicles_mm[0]}
    if features.contents:
        sizes |= {"cyst_long_mm": features.cyst_long_mm, "cyst_short_mm": features.cyst_short_mm}
    else:
        sizes |= {
            "ovary_long_mm": features.ovary_long_mm,
            "ovary_short_mm": features.ovary_short_mm,
        }
    return sizes
