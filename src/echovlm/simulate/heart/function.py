"""What is true of a beating heart: its systolic function, sampled before anything is drawn.

The grade comes first, then an ejection fraction inside it. Bands follow ASE/EACVI 2015
(DOI 10.1016/j.echo.2014.10.003), cut to where the bands of women and men agree, because a simulated
heart has no sex: normal from 54 %, mildly reduced 41-51 %, moderately 30-40 %, severely below 30 %.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from echovlm.simulate.heart import features as still
from echovlm.simulate.heart.features import HeartFeatures

GRADES: tuple[str, ...] = ("normal", "mild", "moderate", "severe")
"""Normal function, and how much it is reduced."""

_EJECTION_PERCENT = {"normal": (55, 70), "mild": (41, 51), "moderate": (30, 40), "severe": (16, 29)}
_EFFUSION_SHARE = 0.3  # of hearts with normal function
_DILATED_SHARE = {"normal": 0.0, "mild": 0.25, "moderate": 0.6, "severe": 0.8}


@dataclass(frozen=True)
class FunctionFeatures:
    """A heart and how well it pumps.

    Attributes:
        heart: its shape and ejection fraction, a whole number of percent; its label is "" where no
            key of ``prompts/labels.json`` fits (reduced function of a ventricle of usual size).
        grade: one of ``GRADES``.
        heart_rate_per_minute: beats per minute.
    """

    heart: HeartFeatures
    grade: str
    heart_rate_per_minute: int


def sample(rng: np.random.Generator) -> FunctionFeatures:
    """Sample a heart, each grade equally often; fluid surrounds only hearts that pump normally."""
    grade = str(rng.choice(GRADES))
    is_dilated = bool(rng.random() < _DILATED_SHARE[grade])
    has_effusion = bool(rng.random() < _EFFUSION_SHARE) and grade == "normal"
    label = "heart-dilated-ventricle" if is_dilated else "heart-normal"
    label = "heart-pericardial-effusion" if has_effusion else label
    low, high = _EJECTION_PERCENT[grade]
    heart = dataclasses.replace(
        still.sample(label, rng), ejection_fraction_percent=float(rng.integers(low, high + 1))
    )
    if grade != "normal" and not is_dilated:
        heart = dataclasses.replace(heart, label="")
    return FunctionFeatures(heart, grade, int(rng.integers(55, 96)))


def measurements(features: FunctionFeatures) -> dict[str, float]:
    """Return the true sizes and indices; the unit is the last word of each name."""
    rate = float(features.heart_rate_per_minute)
    return still.measurements(features.heart) | {"heart_rate_per_minute": rate}
