"""The outline of a mask as a curve, and the numbers of form that are read from it.

    axes            of the ellipse with the mask's second moments: semi-axes 2 sqrt(eigenvalue)
    ellipse misfit  |mask xor that ellipse| / |mask|
    solidity        |mask| / |convex hull|
    roughness       RMS distance of the outline from its own first harmonics / radius of equal area;
                    its places are spaced evenly on the circle that the moment ellipse is stretched
                    from, so that an ellipse of any elongation is its own first harmonic
    indentation     depth of a bay of the outline below the hull / diameter of equal area

Source: moments and hull as in skimage.measure.regionprops; harmonics after Kuhl and Giardina,
Elliptic Fourier features of a closed contour, Comput Graph Image Process 1982;18:236-258.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.spatial import ConvexHull

from echovlm.data.descriptors.lesion import Lesion

_POINTS = 256
_HARMONICS = 6  # an ellipse is the first; six still follow two or three gentle lobes


@dataclass(frozen=True, eq=False)
class Outline:
    """Form of a mask; all lengths in units (column spacings).

    Attributes:
        curve: closed curve ``(256, 2)`` as (down, across).
        axis_ratio: short axis over long axis of the moment ellipse, 0 to 1.
        angle_degrees: its long axis against the horizontal, 0 (lying) to 90 (standing).
        misfit: area between mask and moment ellipse over the mask's area.
        solidity: area over hull area, 0 to 1.
        circularity: 4 pi area / perimeter^2 of the curve, 1 for a disk.
        roughness: RMS distance from the smooth curve over the radius of equal area.
        indentations: depths of the bays over the diameter of equal area, deepest first.
    """

    curve: np.ndarray
    axis_ratio: float
    angle_degrees: float
    misfit: float
    solidity: float
    circularity: float
    roughness: float
    indentations: tuple[float, ...]


def trace(lesion: Lesion) -> Outline:
    """Trace the outline of a lesion and measure its form."""
    values, vectors = np.linalg.eigh(_covariance(lesion))
    curve = closed_curve(lesion.mask, lesion.stretch, round_by=vectors / np.sqrt(values))
    area = _polygon_area(curve)
    radius = np.sqrt(area / np.pi)
    hull = ConvexHull(curve)
    steps = np.hypot(*(np.roll(curve, -1, axis=0) - curve).T)
    axis_ratio, angle, misfit = moment_ellipse(lesion)
    return Outline(
        curve=curve,
        axis_ratio=axis_ratio,
        angle_degrees=angle,
        misfit=misfit,
        solidity=float(area / hull.volume),
        circularity=float(4 * np.pi * area / steps.sum() ** 2),
        roughness=_roughness(curve) / float(radius),
        indentations=_indentations(curve, np.sort(hull.vertices), 2 * float(radius)),
    )


def closed_curve(
    mask: np.ndarray, stretch: float, round_by: np.ndarray | None = None
) -> np.ndarray:
    """Return the outline of a mask without the staircase of its pixels.

    Args:
        mask: ``(H, W)`` bool, one part.
        stretch: row spacing over column spacing.
        round_by: ``(2, 2)`` matrix that makes the curve about round; the points are spaced
            equally after it. None spaces them equally as they are.

    Returns:
        ``(256, 2)`` (down, across) in units.
    """
    from skimage.measure import find_contours

    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    cut = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    # One pixel of smoothing takes the staircase away and moves a straight edge nowhere.
    soft = ndimage.gaussian_filter(np.pad(cut, 5).astype(np.float32), 1.0)
    # A line one pixel wide does not survive the smoothing.
    contours = find_contours(soft, 0.5) or find_contours(np.pad(cut, 5).astype(np.float32), 0.5)
    longest = max(contours, key=len)
    curve = (longest - 5 + (rows[0], columns[0])) * (stretch, 1.0)
    spaced = curve if round_by is None else curve @ round_by
    along = np.concatenate([[0], np.hypot(*np.diff(spaced, axis=0).T).cumsum()])
    at = np.linspace(0, along[-1], _POINTS, endpoint=False)
    return np.stack([np.interp(at, along, curve[:, axis]) for axis in (0, 1)], axis=1)


def _polygon_area(curve: np.ndarray) -> float:
    down, across = curve.T
    return float(abs(down @ np.roll(across, -1) - across @ np.roll(down, -1)) / 2)


def moment_ellipse(lesion: Lesion) -> tuple[float, float, float]:
    """Axis ratio, angle of the long axis and misfit of the ellipse with the mask's moments."""
    points = lesion.points - lesion.points.mean(axis=0)
    covariance = _covariance(lesion)
    values, vectors = np.linalg.eigh(covariance)
    down, across = vectors[:, 1]
    angle = float(np.degrees(np.arctan2(abs(down), abs(across))))
    # Inside the ellipse the squared Mahalanobis distance is at most 2^2.
    distance = np.einsum("ij,jk,ik->i", points, np.linalg.inv(covariance), points)
    area = len(points) * lesion.stretch
    shared = float((distance <= 4).sum()) * lesion.stretch
    ellipse = 4 * np.pi * float(np.sqrt(np.linalg.det(covariance)))
    misfit = (area + ellipse - 2 * shared) / area
    return float(np.sqrt(values[0] / values[1])), angle, max(float(misfit), 0.0)


def _covariance(lesion: Lesion) -> np.ndarray:
    """Second moments of the mask, ``(2, 2)``; a pixel has an extent of its own."""
    points = lesion.points - lesion.points.mean(axis=0)
    return points.T @ points / len(points) + np.diag([lesion.stretch**2, 1.0]) / 12


def _roughness(curve: np.ndarray) -> float:
    """RMS distance of a curve from its first harmonics."""
    spectrum = np.fft.fft(curve[:, 0] + 1j * curve[:, 1])
    order = np.abs(np.fft.fftfreq(len(curve), 1 / len(curve)))
    spectrum[order <= _HARMONICS] = 0
    return float(np.sqrt((np.abs(np.fft.ifft(spectrum)) ** 2).mean()))


def _indentations(curve: np.ndarray, corners: np.ndarray, diameter: float) -> tuple[float, ...]:
    """Depths of the bays between neighbouring corners of the hull."""
    depths = []
    for first, last in zip(corners, np.roll(corners, -1), strict=True):
        bay = curve[np.arange(first, last + (len(curve) if last <= first else 0)) % len(curve)]
        chord = curve[last] - curve[first]
        length = float(np.hypot(*chord))
        if len(bay) > 2 and length > 0:
            off = (bay - curve[first]) @ np.array([-chord[1], chord[0]]) / length
            depths.append(float(np.abs(off).max()) / diameter)
    return tuple(sorted(depths, reverse=True))
