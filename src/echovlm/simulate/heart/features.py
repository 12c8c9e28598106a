"""What is true of a simulated heart, sampled before anything is drawn or written.

Ranges follow the ASE/EACVI chamber quantification (2015, DOI 10.1016/j.echo.2014.10.003); the
depth of a pericardial effusion at end-diastole is small below 10 mm, moderate from 10 to 20 mm and
large above. The ejection fraction is exact for the drawn ventricle (a solid of revolution) but only
a cine loop shows it, so no text speaks of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from echovlm.simulate.heart.shape import fill_factor

LABELS: tuple[str, ...] = ("heart-normal", "heart-dilated-ventricle", "heart-pericardial-effusion")

EFFUSIONS: tuple[str, ...] = ("small", "moderate", "large")


@dataclass(frozen=True)
class HeartFeatures:
    """One heart.

    Attributes:
        label: key of the diagnosis label.
        is_dilated: True where the left ventricle is large and round.
        left_ventricle_diastolic_mm: inner diameter at end-diastole.
        left_ventricle_length_mm: inner length from apex to mitral ring at end-diastole.
        wall_mm: thickness of the left ventricular wall at end-diastole.
        is_left_atrium_large: True where the left atrium exceeds the right one plainly.
        ejection_fraction_percent: stroke volume over end-diastolic volume.
        mitral_valve: "open" or "closed" in the still.
        effusion: one of ``EFFUSIONS``; "" without fluid around the heart.
        effusion_mm: greatest depth of the fluid at end-diastole, 0 without.
        has_atrial_collapse: True where the fluid dents the free wall of the right atrium.
    """

    label: str
    is_dilated: bool
    left_ventricle_diastolic_mm: float
    left_ventricle_length_mm: float
    wall_mm: float
    is_left_atrium_large: bool
    ejection_fraction_percent: float
    mitral_valve: str
    effusion: str
    effusion_mm: float
    has_atrial_collapse: bool

    @property
    def end_diastolic_volume_ml(self) -> float:
        """Volume of the drawn ventricle, turned about its long axis."""
        area_mm2 = np.pi / 4 * self.left_ventricle_diastolic_mm**2
        cylinder_ml = area_mm2 * self.left_ventricle_length_mm / 1000
        return float(fill_factor(self.is_dilated) * cylinder_ml)


def sample(label: str, rng: np.random.Generator) -> HeartFeatures:
    """Sample a heart with the given label.

    Args:
        label: one of ``LABELS``.
        rng: source of every choice.

    Raises:
        ValueError: for a label that is not one of ``LABELS``.
    """
    if label not in LABELS:
        raise ValueError(f"unknown heart label {label!r}; choose one of {', '.join(LABELS)}")
    is_dilated = label == "heart-dilated-ventricle"
    diameter = float(rng.uniform(61, 73) if is_dilated else rng.uniform(42, 50))
    ratio = float(rng.uniform(1.25, 1.4) if is_dilated else rng.uniform(1.72, 1.9))
    has_effusion = label == "heart-pericardial-effusion"
    effusion = str(rng.choice(EFFUSIONS)) if has_effusion else ""
    depth = {"": (0, 0), "small": (6, 8), "moderate": (12, 16), "large": (22, 28)}[effusion]
    fraction = rng.uniform(18, 38) if is_dilated else rng.uniform(55, 70)
    return HeartFeatures(
        label=label,
        is_dilated=is_dilated,
        left_ventricle_diastolic_mm=round(diameter, 1),
        left_ventricle_length_mm=round(diameter * ratio, 1),
        wall_mm=round(float(rng.uniform(5.0, 6.5) if is_dilated else rng.uniform(8.5, 10)), 1),
        is_left_atrium_large=is_dilated and bool(rng.random() < 0.5),
        ejection_fraction_percent=round(float(fraction), 1),
        mitral_valve=str(rng.choice(["open", "closed"])),
        effusion=effusion,
        effusion_mm=round(float(rng.uniform(*depth)), 1),
        has_atrial_collapse=effusion == "large" and bool(rng.random() < 0.5),
    )


def measurements(features: HeartFeatures) -> dict[str, float]:
    """Return the true sizes and indices; the unit is the last word of each name."""
    diastolic = features.end_diastolic_volume_ml
    systolic = diastolic * (1 - features.ejection_fraction_percent / 100)
    values = {
        "left_ventricle_diastolic_mm": features.left_ventricle_diastolic_mm,
        "left_ventricle_length_mm": features.left_ventricle_length_mm,
        "left_ventricle_wall_mm": features.wall_mm,
        "end_diastolic_volume_ml": round(diastolic, 1),
        "end_systolic_volume_ml": round(systolic, 1),
        "ejection_fraction_percent": features.ejection_fraction_percent,
    }
    return values | ({"effusion_depth_mm": features.effusion_mm} if features.effusion else {})
