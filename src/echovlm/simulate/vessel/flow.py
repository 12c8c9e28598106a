"""Blood flow in a drawn artery: parabolic across, faster where it is narrow, a jet behind it.

Across the lumen the velocity is ``v_max (1 - (r/h)^2)`` (Poiseuille) along streamlines that follow
the walls. Along it, ``v_max`` rises as a power of the narrowing such that it is the PSV at the
narrowest place and the velocity of the common carotid artery where the lumen is wide: the power is
2 where the section stays round and less where a plaque bulges in from one side. Behind a stenosis a
jet as wide as the narrow place runs on and dies away.
"""

from __future__ import annotations

import numpy as np

from echovlm.simulate.bmode import BModeImage
from echovlm.simulate.doppler import Flow, pixel_positions
from echovlm.simulate.vessel.image import Lumen
from echovlm.simulate.vessel.stenosis import StenosisFeatures

_NARROW = 1.15  # widest over narrowest half-width from which the flow accelerates
_CALM = 0.06  # spread of velocities in undisturbed flow over their mean
_WILD = 0.14  # spread right behind a stenosis, over the peak velocity
_JET_MM = 7.0  # how far behind the narrowest place the jet reaches
_WAKE_MM = 14.0  # how far behind the narrowest place the flow stays disordered


def narrowest_mm(lumen: Lumen) -> float:
    """Return the lateral position where the lumen is narrowest, its middle where all is even."""
    half = (lumen.far_mm - lumen.near_mm) / 2
    inner = np.abs(lumen.x_mm) < 0.6 * np.abs(lumen.x_mm).max()
    if np.percentile(half, 90) < _NARROW * half[inner].min():
        return 0.0
    return float(lumen.x_mm[inner][half[inner].argmin()])


def lumen_flow(
    image: BModeImage, lumen: Lumen, features: StenosisFeatures, direction: int, part: float
) -> Flow:
    """Return the flow on the pixels of a picture.

    Args:
        image: the picture.
        lumen: where blood flows in it.
        features: velocities and disorder.
        direction: 1 where blood flows to the right, -1 to the left.
        part: velocity now over the velocity at the systolic peak.
    """
    x_mm, z_mm = pixel_positions(image)
    near, far = (np.interp(x_mm[0], lumen.x_mm, edge) for edge in (lumen.near_mm, lumen.far_mm))
    half, middle = (far - near) / 2, (far + near) / 2
    across = (z_mm - middle) / np.maximum(half, 1e-3)
    speed = part * _fastest(half, features) * np.clip(1 - across**2, 0, None)
    narrow_x = narrowest_mm(lumen)
    behind = (x_mm - narrow_x) * direction
    if features.reduction_percent > 50 and features.has_flow:
        speed = np.maximum(speed, part * _jet(z_mm - middle, behind, half, features))
    slopes = [np.gradient(edge, image.spacing_mm) for edge in (near, far)]
    slope = slopes[0] + (slopes[1] - slopes[0]) * np.clip((across + 1) / 2, 0, 1)
    length = np.hypot(1, slope)
    blood = np.clip((half - np.abs(z_mm - middle)) / image.spacing_mm + 0.5, 0, 1)
    return Flow(
        x_cm_per_s=direction * speed / length,
        z_cm_per_s=direction * speed * slope / length,
        blood=blood * (half > 0) * features.has_flow,
        disorder_cm_per_s=_disorder(behind, speed, features),
    )


def _fastest(half_mm: np.ndarray, features: StenosisFeatures) -> np.ndarray:
    """Return the systolic velocity in the middle of the lumen at each half-width, cm/s."""
    if not features.has_flow:
        return np.zeros_like(half_mm)
    least, wide = max(float(half_mm.min()), 0.05), float(np.percentile(half_mm, 90))
    if wide < _NARROW * least:
        return np.full_like(half_mm, features.psv_cm_per_s)
    before = min(features.common_psv_cm_per_s, 0.8 * features.psv_cm_per_s)
    power = np.log(features.psv_cm_per_s / before) / np.log(wide / least)
    return features.psv_cm_per_s * (least / np.maximum(half_mm, least)) ** power


def _jet(
    off_axis_mm: np.ndarray, behind_mm: np.ndarray, half_mm: np.ndarray, features: StenosisFeatures
) -> np.ndarray:
    """Return the velocity of the jet behind the narrowest place, cm/s."""
    width = max(1.2 * float(half_mm.min()), 0.5)
    profile = np.clip(1 - (off_axis_mm / width) ** 2, 0, None)
    fading = np.where(behind_mm >= 0, np.exp(-np.maximum(behind_mm, 0) / _JET_MM), 0)
    return features.psv_cm_per_s * profile * fading


def _disorder(behind_mm: np.ndarray, speed: np.ndarray, features: StenosisFeatures) -> np.ndarray:
    """Return the spread of velocities in cm/s, greatest just behind a narrow place."""
    wake = np.where(behind_mm > -1, np.exp(-np.maximum(behind_mm, 0) / _WAKE_MM), 0)
    wake *= features.broadening * (features.reduction_percent > 50)
    return _CALM * speed + _WILD * features.psv_cm_per_s * wake
