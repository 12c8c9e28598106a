"""What is wrong with a picture: damaged, blank, too small, or no ultrasound at all.

A picture of an ultrasound scanner is grey echo on black, perhaps with a colour box and some
graphics. What is mostly colourful, mostly white, or mostly flat is something else: a photograph, a
page, a screenshot. A grey photograph cannot be told apart by this rule.
"""

from __future__ import annotations

import io

import numpy as np
from PIL import Image
from scipy import ndimage

SMALLEST_SIDE_PX = 32
_BLANK_SD = 3.0
_COLOURFUL = 40  # difference between the channels of a pixel that reads as colour
_WHITE = 240
_MOST_COLOURED = 0.5
_MOST_WHITE = 0.4
_LEAST_ROUGHNESS = 0.03


def decode(data: bytes) -> np.ndarray | None:
    """Pixels of an image file, ``(H, W, 3)`` uint8; None where it is damaged."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            return np.asarray(image.convert("RGB"))
    except Exception:  # decoders raise anything on damaged bytes
        return None


def size(data: bytes) -> tuple[int, int] | None:
    """Height and width that an image file states; None where it is damaged."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            return image.height, image.width
    except Exception:  # decoders raise anything on damaged bytes
        return None


def faults(pixels: np.ndarray | None) -> list[str]:
    """What is wrong with a picture, as clauses; empty where nothing is.

    Args:
        pixels: ``(H, W, 3)`` uint8 RGB, or None where it could not be decoded.
    """
    if pixels is None:
        return ["it cannot be decoded"]
    if min(pixels.shape[:2]) < SMALLEST_SIDE_PX:
        return [f"it is smaller than {SMALLEST_SIDE_PX} pixels"]
    if float(pixels.std()) < _BLANK_SD:
        return ["it is blank"]
    reason = not_ultrasound(pixels)
    return [reason] if reason else []


def not_ultrasound(pixels: np.ndarray) -> str:
    """Why a picture does not look like ultrasound, else "".

    Args:
        pixels: ``(H, W, 3)`` uint8 RGB.
    """
    spread = pixels.max(axis=2).astype(np.int16) - pixels.min(axis=2)
    if float((spread > _COLOURFUL).mean()) > _MOST_COLOURED:
        return "it is too colourful for ultrasound"
    if float((pixels.min(axis=2) >= _WHITE).mean()) > _MOST_WHITE:
        return "it is too white for ultrasound"
    if _roughness(pixels) < _LEAST_ROUGHNESS:
        return "it is too smooth for ultrasound"
    return ""


def _roughness(pixels: np.ndarray) -> float:
    """SD of the detail finer than about three pixels, against the mean of what is not black."""
    grey = pixels.mean(axis=2, dtype=np.float32)
    lit = grey > 8
    if not lit.any():
        return 0.0
    detail = grey - ndimage.gaussian_filter(grey, 1.5)
    return float(detail[lit].std() / grey[lit].mean())
