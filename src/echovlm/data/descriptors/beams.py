"""The picture around a lesion, laid out by beam and depth, so that "behind" and "beside" are exact.

Parallel beams: row = depth, column = beam, a plain cut. Fan: depth is the distance from the apex
and beam the angle, resampled so that one beam is one pixel wide at the depth of the lesion.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import ndimage

from echovlm.data.descriptors.lesion import Lesion

SIDE_SHARE = 0.6  # width of the neighbourhood on each side over the lesion's width
BEHIND_SHARE = 0.8  # depth of the band behind the lesion over its extent in depth
SMALLEST_BAND_PX = 12
FEWEST_PLACES = 4  # on one depth: fewer do not give a median
CORE_SHARE = 0.1
GAP_SHARE = 0.06  # of the diameter of equal area: the drawn outline is only about so exact


@dataclass(frozen=True, eq=False)
class BeamView:
    """A lesion and its neighbourhood; every array is ``(depths, beams)``.

    Attributes:
        grey: grey levels, float32.
        mask: the lesion.
        tissue: the insonified area without other lesions and what lies behind them.
        rows: row of the picture of each place.
        columns: column of the picture of each place.
        gap: distance kept from the outline, in places.
        side: width of the neighbourhood on each side.
        behind: depth of the band behind.
    """

    grey: np.ndarray
    mask: np.ndarray
    tissue: np.ndarray
    rows: np.ndarray
    columns: np.ndarray
    gap: int
    side: int
    behind: int

    @cached_property
    def core(self) -> np.ndarray:
        """The lesion without its outer tenth, so that the drawn outline does not matter."""
        return self._depth_within > max(1.5, CORE_SHARE * self._diameter)

    @cached_property
    def deep_core(self) -> np.ndarray:
        """The lesion without its outer fifth, free of wall and of a generously drawn outline."""
        return self._depth_within > max(2.5, 2 * CORE_SHARE * self._diameter)

    @cached_property
    def _depth_within(self) -> np.ndarray:
        distance: np.ndarray = ndimage.distance_transform_edt(self.mask)
        return distance

    @property
    def _diameter(self) -> float:
        return float(np.sqrt(self.mask.sum() * 4 / np.pi))

    def levels(self, places: np.ndarray) -> np.ndarray:
        """Median grey level of some places, depth by depth.

        Args:
            places: ``(depths, beams)`` bool.

        Returns:
            ``(depths,)``, NaN where fewer than four places give no median.
        """
        count = places.sum(axis=1)
        ordered = np.sort(np.where(places, self.grey, np.inf), axis=1)
        rows = np.arange(len(count))
        low, high = np.maximum(count - 1, 0) // 2, np.minimum(count // 2, places.shape[1] - 1)
        middle = (ordered[rows, low] + ordered[rows, high]) / 2
        return np.where(count >= FEWEST_PLACES, middle, np.nan)

    def in_picture(self, places: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        """Return a mask of places as a mask of the picture, for drawing."""
        picture = np.zeros(shape, bool)
        rows = np.rint(self.rows[places]).astype(int)
        columns = np.rint(self.columns[places]).astype(int)
        inside = (rows >= 0) & (rows < shape[0]) & (columns >= 0) & (columns < shape[1])
        picture[rows[inside], columns[inside]] = True
        return ndimage.binary_closing(picture, iterations=1) | picture


def view(lesion: Lesion) -> BeamView:
    """Lay the neighbourhood of a lesion out by beam and depth.

    Beams of unknown direction are taken as parallel: good enough for what lies beside a lesion,
    not for what lies behind it.
    """
    rows, columns = _grid(lesion)
    rows_px, columns_px = np.rint(rows).astype(int), np.rint(columns).astype(int)
    height, width = lesion.grey.shape
    inside = (rows_px >= 0) & (rows_px < height) & (columns_px >= 0) & (columns_px < width)
    at = rows_px.clip(0, height - 1), columns_px.clip(0, width - 1)
    mask = lesion.mask[at] & inside
    others = lesion.others[at] & inside
    gap, side, behind = _widths(lesion, mask)
    return BeamView(
        grey=lesion.grey[at].astype(np.float32),
        mask=mask,
        tissue=lesion.tissue[at] & inside & ~np.logical_or.accumulate(others, axis=0),
        rows=rows,
        columns=columns,
        gap=gap,
        side=side,
        behind=behind,
    )


def _widths(lesion: Lesion, mask: np.ndarray) -> tuple[int, int, int]:
    depths, beams = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    gap = max(2, round(GAP_SHARE * lesion.diameter_px))
    side = max(SMALLEST_BAND_PX, round(SIDE_SHARE * (np.ptp(beams) + 1)))
    behind = max(SMALLEST_BAND_PX, round(BEHIND_SHARE * (np.ptp(depths) + 1)))
    return gap, side, behind


def _grid(lesion: Lesion) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of the picture, each ``(depths, beams)``, around the lesion."""
    pixels = np.argwhere(lesion.mask).astype(float)
    fan = lesion.beams.kind == "fan" and abs(lesion.stretch - 1) < 0.02
    if not fan or lesion.beams.apex is None:
        depth, beam = _axes(pixels, lesion)
        shape = (depth.size, beam.size)
        return np.broadcast_to(depth[:, None], shape), np.broadcast_to(beam[None, :], shape)
    apex = np.array(lesion.beams.apex)
    down, across = (pixels - apex).T
    radius, angle = np.hypot(down, across), np.arctan2(across, down)
    middle = float(np.median(radius))
    depth, beam = _axes(np.stack([radius, angle * middle], axis=1), lesion)
    angles = beam[None, :] / middle
    rows = apex[0] + depth[:, None] * np.cos(angles)
    return rows, apex[1] + depth[:, None] * np.sin(angles)


def _axes(places: np.ndarray, lesion: Lesion) -> tuple[np.ndarray, np.ndarray]:
    """Depths and beams to lay out: the lesion, both neighbourhoods, and the bands around it."""
    (top, first), (bottom, last) = places.min(axis=0), places.max(axis=0)
    gap = max(2, round(GAP_SHARE * lesion.diameter_px))
    side = max(SMALLEST_BAND_PX, round(SIDE_SHARE * (last - first + 1))) + gap + 1
    deep = max(SMALLEST_BAND_PX, round(BEHIND_SHARE * (bottom - top + 1))) + gap + 1
    return np.arange(top - deep, bottom + deep + 1), np.arange(first - side, last + side + 1)
