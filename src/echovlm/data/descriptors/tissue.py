"""The insonified part of a picture, and which way its beams run.

A pixel belongs to the tissue where its row has echoes on both sides of it and its column has echoes
above it. A shadow that is black down to the lower edge therefore still counts as tissue, and the
black margins beside and above a sector do not. Text and marks on the margin are islands, and small
islands are left out.

Beams run straight down under a linear transducer and fan out from an apex under a curved or phased
one. The straight sides of a sector lie on its outermost beams, so the apex is where they meet.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

_BLOCK = 4  # pixels; a margin needs no finer border, and one bright pixel is not an echo
_ECHO = 6.0  # grey levels, mean of a block: above compression noise, below any tissue on display
_ISLAND_SHARE = 0.1  # of the largest connected part
_VERTICAL_SLOPE = 0.1  # columns per row: a side steeper than this is no side of a sector
_STRAIGHT_SHARE = 0.015  # of the tissue's width: largest spread of a straight side about its line


@dataclass(frozen=True)
class Beams:
    """The way the beams run.

    Attributes:
        kind: "parallel" (straight down), "fan", or "unknown" (a slanted side that gives no apex).
        apex: ``(row, column)`` where the beams of a fan meet, usually above the picture.
    """

    kind: str
    apex: tuple[float, float] | None = None


def find_tissue(grey: np.ndarray) -> np.ndarray:
    """Find the insonified area of a picture.

    Args:
        grey: ``(H, W)`` uint8.

    Returns:
        ``(H, W)`` bool; all False for a black picture.
    """
    rows, columns = grey.shape
    padded = np.pad(grey, ((0, -rows % _BLOCK), (0, -columns % _BLOCK)), mode="edge")
    blocks = padded.reshape(padded.shape[0] // _BLOCK, _BLOCK, -1, _BLOCK).mean(axis=(1, 3))
    lit = ndimage.binary_closing(np.pad(blocks > _ECHO, 3), iterations=3)[3:-3, 3:-3]
    labels, count = ndimage.label(lit)
    if not count:
        return np.zeros(grey.shape, bool)
    sizes = np.bincount(labels.ravel())[1:]
    kept = np.flatnonzero(sizes >= _ISLAND_SHARE * sizes.max()) + 1
    lit = np.isin(labels, kept)
    after_left = np.logical_or.accumulate(lit, axis=1)
    before_right = np.logical_or.accumulate(lit[:, ::-1], axis=1)[:, ::-1]
    below_top = np.logical_or.accumulate(lit, axis=0)
    tissue = after_left & before_right & below_top
    return np.repeat(np.repeat(tissue, _BLOCK, 0), _BLOCK, 1)[:rows, :columns]


def find_beams(tissue: np.ndarray) -> Beams:
    """Tell from the sides of the tissue which way the beams run.

    Args:
        tissue: ``(H, W)`` bool.

    Returns:
        Parallel beams where neither side slants, a fan where both are straight and part
        downwards, else unknown.
    """
    filled = np.flatnonzero(tissue.any(axis=1))
    if filled.size < 8:
        return Beams("parallel")
    # The upper end is an arc of the transducer, the lower end an arc of equal depth.
    inner = filled[int(0.2 * filled.size) : int(0.65 * filled.size)]
    left = tissue[inner].argmax(axis=1).astype(float)
    right = tissue.shape[1] - 1.0 - tissue[inner, ::-1].argmax(axis=1)
    width = float(np.ptp(np.flatnonzero(tissue.any(axis=0)))) + 1
    (left_slope, left_start, left_spread) = _line(inner, left)
    (right_slope, right_start, right_spread) = _line(inner, right)
    if left_slope > -_VERTICAL_SLOPE and right_slope < _VERTICAL_SLOPE:
        return Beams("parallel")
    straight = max(left_spread, right_spread) <= _STRAIGHT_SHARE * width
    if not straight or left_slope > -_VERTICAL_SLOPE or right_slope < _VERTICAL_SLOPE:
        return Beams("unknown")
    row = (right_start - left_start) / (left_slope - right_slope)
    return Beams("fan", (float(row), float(left_start + left_slope * row)))


def _line(rows: np.ndarray, columns: np.ndarray) -> tuple[float, float, float]:
    """Slope, start and spread (median distance) of a line through a side."""
    slope, start = np.polyfit(rows, columns, 1)
    return float(slope), float(start), float(np.median(np.abs(columns - slope * rows - start)))
