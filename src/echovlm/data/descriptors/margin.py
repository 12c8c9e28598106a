"""Margin: whether the whole border is even and sharp (circumscribed) or not.

    roughness    RMS distance of the outline from its first six harmonics / radius of equal area
    clear share  share of the sectors around the lesion in which the step across the outline,
                 |mean outside - mean inside| / standard deviation of both strips, is above 0.8
                 and has the sign of the whole

    not circumscribed   roughness > 0.035
    circumscribed       roughness < 0.035 and clear share > 0.80
    no word             an even outline over an edge that is unclear in parts: the border may be
                        indistinct, or the tissue beside it may only be as dark as the lesion

Whether a border that is not circumscribed is indistinct, angular, microlobulated or spiculated is
not stated: a drawn mask is a smoothed copy of such a border.

Source: ACR BI-RADS Ultrasound, 5th edition (2013): the entire margin of a circumscribed mass is
sharp, and if any part is not, the mass is not circumscribed. The numbers are this package's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from echovlm.data.descriptors.descriptor import Descriptor, decided, undetermined
from echovlm.data.descriptors.lesion import Lesion
from echovlm.data.descriptors.outline import Outline

SECTORS = 24
CLEAR_STEP = 0.8
ROUGH = 0.035
CLEAR_SHARE = 0.80

_ROUGH_MARGIN = 0.012
_SHARE_MARGIN = 0.08
_STRIP_SHARE = 0.15  # depth of a strip over the diameter of equal area
_SMALLEST_AREA_PX = 400
_SMALLEST_STRIP_PX = 6


@dataclass(frozen=True, eq=False)
class Edge:
    """The step across the outline.

    Attributes:
        sector: ``(H, W)`` int, number of the sector of the pixels of both strips, -1 elsewhere.
        step: step of each sector, positive where the outside is brighter; NaN where the strips
            are too small or leave the tissue.
        sign: 1 where the outside is brighter as a whole, -1 where it is darker.
        clear_share: share of the sectors with a clear step, NaN where fewer than half count.
    """

    sector: np.ndarray
    step: np.ndarray
    sign: float
    clear_share: float


def measure_edge(lesion: Lesion) -> Edge:
    """Measure the step of grey levels across the outline, sector by sector."""
    width = max(3.0, _STRIP_SHARE * lesion.diameter_px)
    inside, outside, window = _strips(lesion, width)
    rows, columns = np.indices(inside.shape)
    row, column = lesion.centre_px
    angle = np.arctan2(rows + window[0].start - row, columns + window[1].start - column)
    sector = ((angle + np.pi) * (SECTORS / (2 * np.pi))).astype(int) % SECTORS
    grey = lesion.grey[window].astype(np.float64)
    (inner, inner_var, inner_count) = _moments(grey, sector, inside)
    (outer, outer_var, outer_count) = _moments(grey, sector, outside)
    usable = np.minimum(inner_count, outer_count) >= _SMALLEST_STRIP_PX
    spread = np.maximum(np.sqrt((inner_var + outer_var) / 2), 1.0)
    step = np.where(usable, (outer - inner) / spread, np.nan)
    places = np.full(lesion.grey.shape, -1)
    places[window] = np.where(inside | outside, sector, -1)
    known = step[usable]
    if known.size < SECTORS / 2:
        return Edge(places, step, 1.0, float("nan"))
    sign = -1.0 if np.median(known) < 0 else 1.0
    return Edge(places, step, sign, float((sign * known > CLEAR_STEP).mean()))


def margin(lesion: Lesion, outline: Outline, edge: Edge) -> Descriptor:
    """Tell whether the border is circumscribed.

    Numbers: ``roughness`` and ``clear share``.
    """
    if lesion.unfit:
        return undetermined("margin", lesion.unfit)
    if lesion.area_px < _SMALLEST_AREA_PX:
        return undetermined("margin", f"the mask has fewer than {_SMALLEST_AREA_PX} pixels")
    rough, share = outline.roughness, edge.clear_share
    if np.isnan(share):
        return undetermined("margin", "too little tissue around the lesion", {"roughness": rough})
    numbers = {"roughness": rough, "clear share": share}
    if rough > ROUGH:
        doubt = "" if rough > ROUGH + _ROUGH_MARGIN else "only slightly uneven"
        return decided("margin", "not circumscribed", numbers, doubt)
    if share <= CLEAR_SHARE:
        return undetermined("margin", "the edge is unclear in parts", numbers)
    sure = rough < ROUGH - _ROUGH_MARGIN and share > CLEAR_SHARE + _SHARE_MARGIN
    return decided("margin", "circumscribed", numbers, "" if sure else "nearly uneven or unclear")


def _strips(lesion: Lesion, width: float) -> tuple[np.ndarray, np.ndarray, tuple[slice, slice]]:
    """Strip inside and strip outside the outline, and the window of the picture they lie in."""
    reach = int(width) + 3
    top, bottom, left, right = lesion.box
    window = (
        slice(max(top - reach, 0), bottom + reach),
        slice(max(left - reach, 0), right + reach),
    )
    mask = lesion.mask[window]
    within = ndimage.distance_transform_edt(mask)
    beyond = ndimage.distance_transform_edt(~mask)
    # The pixels next to the outline belong to neither side.
    inside = (within > 1.5) & (within <= width + 1.5)
    outside = (beyond > 1.5) & (beyond <= width + 1.5) & lesion.tissue[window]
    return inside, outside, window


def _moments(
    grey: np.ndarray, sector: np.ndarray, chosen: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean, variance and count of the chosen pixels of each sector."""
    where, values = sector[chosen], grey[chosen]
    count = np.bincount(where, minlength=SECTORS)
    divisor = np.maximum(count, 1)
    mean = np.bincount(where, values, SECTORS) / divisor
    square = np.bincount(where, values**2, SECTORS) / divisor
    return mean, np.maximum(square - mean**2, 0), count
