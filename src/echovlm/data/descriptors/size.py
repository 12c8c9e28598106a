"""Size and position of a lesion.

    long axis       largest Feret diameter: the largest distance between two points of the hull
    short axis      smallest Feret diameter: the smallest distance between two parallel tangents
    lateral, depth  extents along the rows and down the columns

Lengths exist in mm only, and only where the picture is calibrated. Points of the hull are corners
of pixels, so that a mask of n pixels is n pixels wide.

Position: the picture is divided into thirds both ways; the word is the cell of the mask's centre.
It is a place in the picture, never a side of the body.

Source: Feret diameters as in ISO 13322-1:2014 (image analysis of particles).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.spatial import ConvexHull
from scipy.spatial.distance import pdist, squareform

from echovlm.data.descriptors.descriptor import Descriptor, decided
from echovlm.data.descriptors.lesion import Lesion

CELLS = (
    ("upper left", "upper middle", "upper right"),
    ("middle left", "centre", "middle right"),
    ("lower left", "lower middle", "lower right"),
)
_CELL_MARGIN = 0.03  # of the picture's height or width

Segment = tuple[tuple[float, float], tuple[float, float]]


@dataclass(frozen=True)
class Size:
    """Size of a lesion.

    Attributes:
        long_mm: largest Feret diameter; like the other lengths None where uncalibrated or cut.
        short_mm: smallest Feret diameter.
        lateral_mm: extent along the rows.
        depth_extent_mm: extent down the columns.
        long_axis_px: ends of the long axis as (row, column), for drawing.
        short_axis_px: ends of the short axis as (row, column), for drawing.
        reason: why there are no lengths, else empty.
    """

    long_mm: float | None
    short_mm: float | None
    lateral_mm: float | None
    depth_extent_mm: float | None
    long_axis_px: Segment
    short_axis_px: Segment
    reason: str = ""


def size(lesion: Lesion) -> Size:
    """Measure a lesion."""
    (long_unit, long_axis), (short_unit, short_axis) = feret(lesion)
    axes = (long_axis, short_axis)
    if lesion.pixel_spacing_mm is None:
        return Size(None, None, None, None, *axes, "the picture is not calibrated")
    if lesion.unfit:
        return Size(None, None, None, None, *axes, lesion.unfit)
    top, bottom, left, right = lesion.box
    row_mm, column_mm = lesion.pixel_spacing_mm
    return Size(
        long_unit * column_mm,
        short_unit * column_mm,
        (right - left) * column_mm,
        (bottom - top) * row_mm,
        *axes,
    )


def feret(lesion: Lesion) -> tuple[tuple[float, Segment], tuple[float, Segment]]:
    """Return largest and smallest Feret diameter in units, each with its ends in the picture."""
    hull = _hull(lesion)
    (long_unit, long_axis), (short_unit, short_axis) = _longest(hull), _shortest(hull)
    return (long_unit, _in_px(long_axis, lesion)), (short_unit, _in_px(short_axis, lesion))


def image_position(lesion: Lesion) -> Descriptor:
    """Tell in which ninth of the picture the lesion lies.

    Numbers: ``down`` and ``across``, the centre of gravity in shares of the picture.
    """
    height, width = lesion.grey.shape
    row, column = lesion.centre_px
    down, across = (row + 0.5) / height, (column + 0.5) / width
    word = CELLS[min(int(3 * down), 2)][min(int(3 * across), 2)]
    near = any(abs(value - line / 3) < _CELL_MARGIN for value in (down, across) for line in (1, 2))
    numbers = {"down": down, "across": across}
    return decided("image_position", word, numbers, "close to the next cell" if near else "")


def _hull(lesion: Lesion) -> np.ndarray:
    """Corners of the convex hull in units, ``(N, 2)`` as (down, across), in order."""
    edge = np.argwhere(lesion.mask & ~ndimage.binary_erosion(lesion.mask))
    corners = np.concatenate([edge + offset for offset in ((0, 0), (0, 1), (1, 0), (1, 1))]) - 0.5
    corners = np.unique(corners, axis=0) * (lesion.stretch, 1.0)
    return corners[ConvexHull(corners).vertices]


def _longest(hull: np.ndarray) -> tuple[float, np.ndarray]:
    distance = squareform(pdist(hull))
    first, last = np.unravel_index(int(distance.argmax()), distance.shape)
    return float(distance.max()), hull[[first, last]]


def _shortest(hull: np.ndarray) -> tuple[float, np.ndarray]:
    """Smallest width and a segment across it: one end on an edge's line, one in the far corner."""
    edge = np.roll(hull, -1, axis=0) - hull
    normal = np.stack([-edge[:, 1], edge[:, 0]], axis=1) / np.hypot(*edge.T)[:, None]
    height = np.einsum("ijk,ik->ij", hull[None] - hull[:, None], normal)
    far = np.abs(height).argmax(axis=1)
    width = height[np.arange(len(hull)), far]
    best = int(np.abs(width).argmin())
    corner = hull[far[best]]
    return float(abs(width[best])), np.stack([corner - width[best] * normal[best], corner])


def _in_px(ends: np.ndarray, lesion: Lesion) -> Segment:
    (a, b), (c, d) = ends / (lesion.stretch, 1.0)
    return (float(a), float(b)), (float(c), float(d))
