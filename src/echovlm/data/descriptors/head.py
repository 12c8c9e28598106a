"""Fetal head circumference from a drawn head: ellipse fit and perimeter of the ellipse.

    h = ((a - b) / (a + b))^2
    circumference = pi (a + b) (1 + 3 h / (10 + sqrt(4 - 3 h)))

with the semi-axes a and b in mm.

Source: ellipse by direct least squares, Halir and Flusser, Numerically stable direct least squares
fitting of ellipses, WSCG 1998 (skimage.measure.EllipseModel); perimeter after Ramanujan, Modular
equations and approximations to pi, 1914, section 16; measured on the outer border of the skull as
in ISUOG Practice Guidelines (2022), 10.1002/uog.24888.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from echovlm.data.descriptors.lesion import check_mask, check_spacing
from echovlm.errors import InputError

_LARGEST_MISFIT = 0.03  # RMS distance of the outline from the ellipse over the mean semi-axis


@dataclass(frozen=True)
class Head:
    """A fetal head as an ellipse.

    Attributes:
        circumference_mm: None where uncalibrated.
        centre_px: ``(row, column)``.
        semi_axes_px: long and short semi-axis in units of column spacings.
        angle_degrees: the long axis against the horizontal, positive downwards to the right.
        misfit: RMS distance of the outline from the ellipse over the mean semi-axis.
        stretch: row spacing over column spacing.
        sure: True where the outline is an ellipse.
    """

    circumference_mm: float | None
    centre_px: tuple[float, float]
    semi_axes_px: tuple[float, float]
    angle_degrees: float
    misfit: float
    stretch: float
    sure: bool

    def source(self) -> str:
        """Name the rule and its numbers, as the source of a fact."""
        return f"descriptors: head circumference, ellipse misfit {self.misfit:.3f}"


def measure_head(mask: np.ndarray, *, pixel_spacing_mm: tuple[float, float] | None = None) -> Head:
    """Fit an ellipse to a head that was drawn filled or as a line.

    Args:
        mask: ``(H, W)`` bool.
        pixel_spacing_mm: ``(row, column)``, None where uncalibrated.

    Raises:
        InputError: for another type, an empty mask, a bad spacing, or a mask no ellipse fits.
    """
    from skimage.measure import EllipseModel

    check_mask(mask, mask.shape[:2])
    check_spacing(pixel_spacing_mm)
    stretch = 1.0 if pixel_spacing_mm is None else pixel_spacing_mm[0] / pixel_spacing_mm[1]
    rows, columns = np.nonzero(_outline(mask))
    points = np.stack([columns.astype(float), rows * stretch], axis=1)
    ellipse = EllipseModel.from_estimate(points) if len(points) >= 6 else None
    if not ellipse:
        raise InputError("no ellipse fits the mask; check that it shows a whole head.")
    axes, angle = np.asarray(ellipse.axis_lengths, float), float(ellipse.theta)
    if axes[0] < axes[1]:
        axes, angle = axes[::-1], angle + np.pi / 2
    misfit = float(np.sqrt((_distance(points, ellipse.center, axes, angle) ** 2).mean()))
    misfit /= float(axes.mean())
    circumference = None
    if pixel_spacing_mm is not None:
        circumference = perimeter(float(axes[0]), float(axes[1])) * pixel_spacing_mm[1]
    return Head(
        circumference_mm=circumference,
        centre_px=(float(ellipse.center[1]) / stretch, float(ellipse.center[0])),
        semi_axes_px=(float(axes[0]), float(axes[1])),
        angle_degrees=float(np.degrees((angle + np.pi / 2) % np.pi - np.pi / 2)),
        misfit=misfit,
        stretch=stretch,
        sure=misfit < _LARGEST_MISFIT,
    )


def perimeter(a: float, b: float) -> float:
    """Perimeter of an ellipse with semi-axes a and b (Ramanujan's second formula)."""
    h = ((a - b) / (a + b)) ** 2
    return float(np.pi * (a + b) * (1 + 3 * h / (10 + np.sqrt(4 - 3 * h))))


def _outline(mask: np.ndarray) -> np.ndarray:
    """Return the drawn line, or the outermost pixels of a filled mask."""
    filled = ndimage.binary_fill_holes(mask)
    return filled & ~ndimage.binary_erosion(filled)


def _distance(
    points: np.ndarray, centre: tuple[float, float], axes: np.ndarray, angle: float
) -> np.ndarray:
    """Distance along the ray from the centre; near the ellipse close to the shortest one."""
    across, down = (points - np.asarray(centre)).T
    u = across * np.cos(angle) + down * np.sin(angle)
    v = down * np.cos(angle) - across * np.sin(angle)
    radius = np.hypot(u, v)
    return radius - radius / np.hypot(u / axes[0], v / axes[1])
