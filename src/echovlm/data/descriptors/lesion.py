"""A lesion ready to be described: its picture in grey, one filled mask, the tissue and the scale.

Lengths are taken in *units*: one unit is the spacing of the columns, and rows are stretched by
row spacing / column spacing. Without calibration pixels are taken as square.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import ndimage

from echovlm.data.descriptors.tissue import Beams, find_beams, find_tissue
from echovlm.errors import InputError

SMALLEST_AREA_PX = 150
"""Below about 14 pixels across, one pixel of the outline changes a ratio by more than a tenth."""

LARGEST_PART_SHARE = 0.95
"""Share of a mask that its largest part must hold; less is several structures, not a speck."""

_EDGE_SHARE = 0.04  # of the outline on the edge of the tissue


@dataclass(frozen=True, eq=False)
class Lesion:
    """One lesion in one picture.

    Attributes:
        grey: ``(H, W)`` uint8.
        mask: ``(H, W)`` bool, one connected part without holes.
        tissue: ``(H, W)`` bool, the insonified area.
        others: ``(H, W)`` bool, other lesions: neither they nor what lies behind them is compared.
        pixel_spacing_mm: ``(row, column)``, None where uncalibrated.
        beams: which way the beams run.
        part_share: share of the given mask that its largest part holds.
        dynamic_range_db: range of the log compression, None where unknown.
    """

    grey: np.ndarray
    mask: np.ndarray
    tissue: np.ndarray
    others: np.ndarray
    pixel_spacing_mm: tuple[float, float] | None
    beams: Beams
    part_share: float
    dynamic_range_db: float | None = None

    @property
    def stretch(self) -> float:
        """Row spacing over column spacing; 1 where unknown."""
        if self.pixel_spacing_mm is None:
            return 1.0
        return self.pixel_spacing_mm[0] / self.pixel_spacing_mm[1]

    @cached_property
    def area_px(self) -> int:
        """Pixels of the mask."""
        return int(self.mask.sum())

    @cached_property
    def box(self) -> tuple[int, int, int, int]:
        """Half-open ``(row0, row1, column0, column1)`` around the mask."""
        rows = np.flatnonzero(self.mask.any(axis=1))
        columns = np.flatnonzero(self.mask.any(axis=0))
        return int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1

    @cached_property
    def points(self) -> np.ndarray:
        """Pixel centres of the mask in units, ``(N, 2)`` as (down, across)."""
        return np.argwhere(self.mask) * np.array([self.stretch, 1.0])

    @cached_property
    def centre_px(self) -> tuple[float, float]:
        """Centre of gravity as (row, column)."""
        row, column = np.argwhere(self.mask).mean(axis=0)
        return float(row), float(column)

    @property
    def diameter_px(self) -> float:
        """Diameter of the disk of the same number of pixels."""
        return float(np.sqrt(4 * self.area_px / np.pi))

    @cached_property
    def unfit(self) -> str:
        """Why the outline cannot be described, empty where it can."""
        if self.area_px < SMALLEST_AREA_PX:
            return f"the mask has fewer than {SMALLEST_AREA_PX} pixels"
        if self.part_share < LARGEST_PART_SHARE:
            return "the mask has several parts"
        if _on_border(self.mask):
            return "the mask touches the border of the picture"
        edge = self.mask & ~ndimage.binary_erosion(self.mask)
        outside = edge & ~ndimage.binary_erosion(self.tissue)
        if outside.sum() > _EDGE_SHARE * edge.sum():
            return "the mask reaches the edge of the insonified area"
        return ""


def prepare(
    image: np.ndarray,
    mask: np.ndarray,
    *,
    others: np.ndarray | None = None,
    pixel_spacing_mm: tuple[float, float] | None = None,
    tissue: np.ndarray | None = None,
    dynamic_range_db: float | None = None,
) -> Lesion:
    """Check a picture and its mask and find what the rules need.

    Args:
        image: ``(H, W)`` or ``(H, W, 3)`` uint8.
        mask: ``(H, W)`` bool, the lesion. Holes are filled; of several parts the largest is used.
        others: ``(H, W)`` bool, other lesions of the picture; parts of ``mask`` that are not used
            are added to them.
        pixel_spacing_mm: ``(row, column)``, None where uncalibrated.
        tissue: ``(H, W)`` bool, the insonified area; found where None.
        dynamic_range_db: range of the log compression of the picture, None where unknown.

    Raises:
        InputError: for arrays of another shape or type, an empty mask, or a spacing that is no
            pair of positive numbers.
    """
    grey = to_grey(image)
    check_mask(mask, grey.shape)
    check_spacing(pixel_spacing_mm)
    if tissue is not None:
        check_mask(tissue, grey.shape)
    area = find_tissue(grey) if tissue is None else tissue
    part, share = _largest_part(mask)
    rest = mask & ~part
    if others is not None:
        check_mask(others | part, grey.shape)
        rest |= others & ~part
    return Lesion(
        grey=grey,
        mask=part,
        tissue=area | part,
        others=rest,
        pixel_spacing_mm=pixel_spacing_mm,
        beams=find_beams(area),
        part_share=share,
        dynamic_range_db=dynamic_range_db,
    )


def to_grey(image: np.ndarray) -> np.ndarray:
    """Return the picture as ``(H, W)`` uint8.

    Raises:
        InputError: for anything but ``(H, W)`` or ``(H, W, 3)`` uint8.
    """
    if image.dtype != np.uint8 or image.ndim not in (2, 3) or image.shape[2:] not in ((), (3,)):
        raise InputError(
            f"the picture must be (H, W) or (H, W, 3) uint8, not {image.shape} {image.dtype}; "
            "convert it before it is described."
        )
    if image.ndim == 2:
        return image
    weights = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601 luma
    return np.rint(image.astype(np.float32) @ weights).astype(np.uint8)


def check_mask(mask: np.ndarray, shape: tuple[int, ...]) -> None:
    """Refuse a mask that does not fit the picture.

    Raises:
        InputError: for another shape or type, or an empty mask.
    """
    if mask.dtype != bool or mask.shape != shape:
        raise InputError(
            f"the mask must be {shape} bool like its picture, not {mask.shape} {mask.dtype}; "
            "check that both belong together."
        )
    if not mask.any():
        raise InputError("the mask is empty; leave pictures without a structure out.")


def check_spacing(pixel_spacing_mm: tuple[float, float] | None) -> None:
    """Refuse a spacing that is no pair of positive numbers.

    Raises:
        InputError: for such a spacing.
    """
    if pixel_spacing_mm is None:
        return
    pair = np.asarray(pixel_spacing_mm, float)
    if pair.shape != (2,) or not (np.isfinite(pair).all() and (pair > 0).all()):
        raise InputError(
            "the pixel spacing must be two positive numbers in mm; pass None where uncalibrated."
        )


def _largest_part(mask: np.ndarray) -> tuple[np.ndarray, float]:
    labels, count = ndimage.label(mask, np.ones((3, 3)))
    if count > 1:
        sizes = np.bincount(labels.ravel())[1:]
        share = float(sizes.max() / sizes.sum())
        mask = labels == int(sizes.argmax()) + 1
    else:
        share = 1.0
    return ndimage.binary_fill_holes(mask), share


def _on_border(mask: np.ndarray) -> bool:
    return bool(mask[0].any() or mask[-1].any() or mask[:, 0].any() or mask[:, -1].any())
