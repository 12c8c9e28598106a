"""Diameter of a vessel's lumen from its mask, cut across or along.

    section       moments of the mask: transverse where short/long axis > 0.60, longitudinal where
                  it is below 0.45 or the mask leaves the picture on both sides; else no word
    transverse    diameter = that of the disk of equal area; smallest and largest = Feret diameters
    longitudinal  thickness at each place of the axis, at right angles to the local centre line:
                  extent across the long axis x cosine of the centre line's slope; mean, smallest
                  and largest over the axis, without a tenth at each end

A carotid bifurcation, or a vessel cut obliquely, is neither: it gets no diameter. Lengths exist in
mm only, and only where calibrated.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from echovlm.data.descriptors.lesion import LARGEST_PART_SHARE, Lesion, check_mask, prepare
from echovlm.data.descriptors.outline import moment_ellipse
from echovlm.data.descriptors.size import Segment, feret

TRANSVERSE_RATIO = 0.60
LONGITUDINAL_RATIO = 0.45

_SMALLEST_AREA_PX = 50
_END_SHARE = 0.1
_STEP_UNITS = 0.5
_LARGEST_MISFIT = 0.15  # ellipse misfit above which a transverse lumen is no disk


@dataclass(frozen=True)
class Lumen:
    """A lumen.

    Attributes:
        section: "transverse", "longitudinal", or None where neither.
        diameter_mm: see the module; like the others None where uncalibrated or neither.
        smallest_mm: smallest diameter.
        largest_mm: largest diameter.
        axis_ratio: short over long axis of the mask.
        chords_px: lines that were measured, each ``((row, column), (row, column))``, for drawing:
            the smallest and the largest first, then evenly along the axis.
        reason: why there is no diameter, or why it is not sure; empty where it is sure.
    """

    section: str | None
    diameter_mm: float | None
    smallest_mm: float | None
    largest_mm: float | None
    axis_ratio: float
    chords_px: tuple[Segment, ...]
    reason: str = ""

    def source(self) -> str:
        """Name the rule and its numbers, as the source of a fact."""
        return f"descriptors: lumen diameter, {self.section}, axis ratio {self.axis_ratio:.2f}"


def measure_lumen(
    mask: np.ndarray, *, pixel_spacing_mm: tuple[float, float] | None = None
) -> Lumen:
    """Measure a lumen.

    Args:
        mask: ``(H, W)`` bool, one lumen; of several parts the largest is used.
        pixel_spacing_mm: ``(row, column)``, None where uncalibrated.

    Raises:
        InputError: for another type, an empty mask or a bad spacing.
    """
    check_mask(mask, mask.shape[:2])
    blank = np.zeros(mask.shape, np.uint8)
    lumen = prepare(blank, mask, pixel_spacing_mm=pixel_spacing_mm, tissue=np.ones_like(mask))
    ratio, _, misfit = moment_ellipse(lumen)
    if lumen.part_share < LARGEST_PART_SHARE or lumen.area_px < _SMALLEST_AREA_PX:
        return _without(ratio, "the mask has several parts or too few pixels")
    through = lumen.mask[:, 0].any() and lumen.mask[:, -1].any()
    if ratio < LONGITUDINAL_RATIO or through:
        return _longitudinal(lumen, ratio)
    if ratio > TRANSVERSE_RATIO:
        return _transverse(lumen, ratio, misfit)
    return _without(ratio, "between a transverse and a longitudinal section")


def _transverse(lumen: Lesion, ratio: float, misfit: float) -> Lumen:
    (long_unit, long_axis), (short_unit, short_axis) = feret(lumen)
    diameter = float(np.sqrt(4 * lumen.area_px * lumen.stretch / np.pi))
    reason = _doubt(lumen) or ("not round" if misfit > _LARGEST_MISFIT else "")
    values = _in_mm(lumen, (diameter, short_unit, long_unit))
    return Lumen("transverse", *values, ratio, (short_axis, long_axis), reason)


def _longitudinal(lumen: Lesion, ratio: float) -> Lumen:
    """Measure a band along its own axis."""
    points = lumen.points
    middle = points.mean(axis=0)
    _, vectors = np.linalg.eigh(np.cov((points - middle).T))
    across, along = vectors[:, 0], vectors[:, 1]
    position = (points - middle) @ along
    reach = np.abs((points - middle) @ across).max() + 3
    start, end = position.min(), position.max()
    cut = _END_SHARE * (end - start)
    places = np.arange(start + cut, end - cut, _STEP_UNITS)
    offsets = np.arange(-reach, reach + _STEP_UNITS, _STEP_UNITS)
    grid = middle + places[:, None, None] * along + offsets[None, :, None] * across
    at = (grid / (lumen.stretch, 1.0)).transpose(2, 0, 1)
    inside = ndimage.map_coordinates(lumen.mask.astype(np.float32), at, order=1)
    extent = inside.sum(axis=1) * _STEP_UNITS
    if not (extent > 0).all():
        return _without(ratio, "the band is interrupted along its axis")
    centre = (inside * offsets).sum(axis=1) / inside.sum(axis=1)
    # The slope of the centre line over about one diameter; finer slopes are the drawer's hand.
    sigma = max(float(extent.mean()) / _STEP_UNITS / 2, 2.0)
    smooth = ndimage.gaussian_filter1d(centre, sigma, mode="nearest")
    slope = np.gradient(smooth, _STEP_UNITS)
    cosine = 1 / np.hypot(1, slope)
    thickness = ndimage.uniform_filter1d(extent * cosine, 5, mode="nearest")
    values = _in_mm(
        lumen, (float(thickness.mean()), float(thickness.min()), float(thickness.max()))
    )
    order = [int(thickness.argmin()), int(thickness.argmax())]
    order += [int(index) for index in np.linspace(0, len(places) - 1, 9)]
    chords = []
    for index in order:
        normal = (across - slope[index] * along) * cosine[index]
        foot = middle + places[index] * along + centre[index] * across
        half = normal * thickness[index] / 2
        chords.append(_segment(foot - half, foot + half, lumen.stretch))
    return Lumen("longitudinal", *values, ratio, tuple(chords), _doubt(lumen, along=along))


def _doubt(lumen: Lesion, along: np.ndarray | None = None) -> str:
    """Why a diameter is not sure; a band may leave the picture at its ends."""
    if lumen.pixel_spacing_mm is None:
        return "the picture is not calibrated"
    mask = lumen.mask
    ends = along is not None
    if (not ends and (mask[:, 0].any() or mask[:, -1].any())) or mask[0].any() or mask[-1].any():
        return "the mask touches the border of the picture"
    return ""


def _without(ratio: float, reason: str) -> Lumen:
    return Lumen(None, None, None, None, ratio, (), reason)


def _in_mm(
    lumen: Lesion, units: tuple[float, float, float]
) -> tuple[float | None, float | None, float | None]:
    if lumen.pixel_spacing_mm is None:
        return None, None, None
    mean, low, high = (value * lumen.pixel_spacing_mm[1] for value in units)
    return mean, low, high


def _segment(first: np.ndarray, last: np.ndarray, stretch: float) -> Segment:
    (a, b), (c, d) = first / (stretch, 1.0), last / (stretch, 1.0)
    return (float(a), float(b)), (float(c), float(d))
