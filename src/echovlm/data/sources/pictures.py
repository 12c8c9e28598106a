"""Pictures and masks of public sets, read into drafts.

The published files are kept as they are where they can be (PNG and JPEG bytes), so that an import
loses nothing; masks become label pictures of the same size.
"""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from echovlm.data.descriptors import lesion_facts
from echovlm.data.sources.source import DraftPicture, Reject
from echovlm.errors import InputError
from echovlm.facts import Fact
from echovlm.terms import Mode

_KEPT = ("PNG", "JPEG")
_HUES_APART = 50  # of 255, red against blue
_COLOURED = 0.003  # least share of a picture that is reddish, and that is bluish
_FARTHEST = 1e6  # pixels, of a corner


def read_pixels(path: Path) -> np.ndarray:
    """Pixels of a picture, ``(H, W, 3)`` uint8.

    Raises:
        Reject: when it is missing or damaged.
    """
    try:
        with Image.open(path) as image:
            return np.asarray(image.convert("RGB"))
    except Exception:
        raise Reject(f"its picture {path.name} is missing or damaged") from None


def mode_of(frames: np.ndarray) -> Mode:
    """Colour Doppler where reds and blues both show, B-mode otherwise.

    A tint of the whole picture has one hue, and coloured marks are few. Flow in one direction alone
    is not told from them.

    Args:
        frames: ``(H, W, 3)`` or ``(N, H, W, 3)`` uint8; one frame with colours is enough.
    """
    shift = frames[..., 0].astype(np.int16) - frames[..., 2]
    shares = [np.mean(sign * shift > _HUES_APART, axis=(-2, -1)).max() for sign in (1, -1)]
    return Mode.COLOUR_DOPPLER if min(shares) > _COLOURED else Mode.B_MODE


def picture(
    path: Path,
    mask: np.ndarray | None,
    view: str = "",
    pixel_spacing_mm: tuple[float, float] | None = None,
) -> DraftPicture:
    """A picture of the set with its bytes kept where they are PNG or JPEG.

    Raises:
        Reject: when it is missing or damaged, or the mask is of another size.
    """
    return _picture(path, read_pixels(path), mask, view, pixel_spacing_mm)


def measured(
    path: Path, mask: np.ndarray, image: int = 0, view: str = ""
) -> tuple[DraftPicture, list[Fact]]:
    """A picture with lesion masks, and what the masks show of each lesion (values 1, 2, ...).

    Nothing is measured in colour Doppler, which covers the echoes.

    Args:
        path: the picture.
        mask: ``(H, W)`` uint8, 0 outside.
        image: index of the picture within the study.
        view: what the source calls the view.

    Raises:
        Reject: when it is missing or damaged, or the mask is of another size.
    """
    pixels = read_pixels(path)
    drafted = _picture(path, pixels, mask, view, None)
    if drafted.mode is not Mode.B_MODE:
        return drafted, []
    return drafted, mask_facts(pixels, mask, image)


def _picture(
    path: Path,
    pixels: np.ndarray,
    mask: np.ndarray | None,
    view: str,
    pixel_spacing_mm: tuple[float, float] | None,
) -> DraftPicture:
    if mask is not None and mask.shape != pixels.shape[:2]:
        raise Reject(
            f"its mask is {mask.shape[1]} x {mask.shape[0]} pixels, "
            f"the picture {pixels.shape[1]} x {pixels.shape[0]}"
        )
    data = path.read_bytes()
    with Image.open(io.BytesIO(data)) as image:
        kept = image.format in _KEPT
    return DraftPicture(
        pixels=None if kept else pixels,
        encoded=data if kept else None,
        mask=mask,
        mode=mode_of(pixels),
        view=view,
        pixel_spacing_mm=pixel_spacing_mm,
    )


def read_mask(path: Path) -> np.ndarray:
    """A mask as ``(H, W)`` uint8; palette and grey values are kept, colours give 1.

    Raises:
        Reject: when it is missing or damaged.
    """
    try:
        with Image.open(path) as image:
            values = np.asarray(image if image.mode in ("1", "L", "P") else image.convert("L"))
    except Exception:
        raise Reject(f"its mask {path.name} is missing or damaged") from None
    return values.astype(np.uint8)


def lesion_mask(path: Path, above: int = 0) -> np.ndarray:
    """A mask of one lesion: 1 inside, 0 outside.

    Args:
        path: its file.
        above: pixels above this value are inside; 127 leaves out the fringe of JPEG compression.

    Raises:
        Reject: when it is missing, damaged or empty.
    """
    mask = (read_mask(path) > above).astype(np.uint8)
    if not mask.any():
        raise Reject(f"its mask {path.name} is empty")
    return mask


def polygon_mask(points: Sequence[Sequence[float]], shape: tuple[int, int]) -> np.ndarray:
    """Fill a closed polygon.

    Args:
        points: ``(x, y)`` in pixels.
        shape: ``(rows, columns)`` of the mask.

    Raises:
        Reject: when it is no polygon inside the picture.
    """
    try:
        corners = np.asarray(points, dtype=np.float64)
    except (TypeError, ValueError):
        raise Reject("its outline is no list of points") from None
    if corners.ndim != 2 or corners.shape[1] != 2 or len(corners) < 3:
        raise Reject("its outline is no list of three or more points")
    if not (np.abs(corners) < _FARTHEST).all():  # also true for what is no number
        raise Reject("its outline lies outside the picture")
    canvas = Image.new("L", (shape[1], shape[0]))
    ImageDraw.Draw(canvas).polygon([tuple(corner) for corner in corners], fill=1, outline=1)
    mask = np.asarray(canvas)
    if not mask.any():
        raise Reject("its outline lies outside the picture")
    return mask


def polygon_file(path: Path, shape: tuple[int, int]) -> np.ndarray:
    """Fill the polygon of a JSON file.

    Raises:
        Reject: when the file is missing or damaged.
    """
    try:
        points = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise Reject(f"its outline {path.name} is missing or damaged") from None
    return polygon_mask(points, shape)


def mask_facts(pixels: np.ndarray, mask: np.ndarray, image: int = 0) -> list[Fact]:
    """What the masks of one picture show of each lesion (values 1, 2, ... of the mask)."""
    found: list[Fact] = []
    for value in np.unique(mask[mask > 0]):
        lesion = mask == value
        others = (mask > 0) & ~lesion
        try:
            found += lesion_facts(
                pixels,
                lesion,
                lesion=int(value),
                image_index=image,
                others=others if others.any() else None,
            )
        except InputError as error:
            raise Reject(f"its mask cannot be measured ({type(error).__name__})") from None
    return found
