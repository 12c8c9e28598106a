"""Still images (PNG, JPEG, TIFF, BMP, GIF) through Pillow; several pages make a cine loop.

Grey values deeper than 8 bits are scaled by the depth they use (10, 12 or 16 bits), transparency is
laid over black (the background of an ultrasound picture), EXIF orientation is applied, and printed
resolution (PNG pHYs, JPEG density) is never taken for a calibration.
"""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from echovlm.errors import StudyError
from echovlm.imaging.limits import Limits, check_size, frames_to_read
from echovlm.imaging.quiet import silent_stderr
from echovlm.study import Clip

_FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "GIF")
_TILE_WIDTH, _TILE_LENGTH = 322, 323
_DEPTHS_BITS = (8, 10, 12, 16)


def read_still(path: Path, limits: Limits) -> Clip:
    """Read an image file as an uncalibrated clip.

    Args:
        path: a file whose first bytes name a still image format.
        limits: what reading may cost.

    Returns:
        A clip of one frame, or of every page of a TIFF and every frame of an animated GIF or PNG.

    Raises:
        StudyError: when the file is truncated, damaged, too large or of an unsupported kind.
    """
    try:
        with Image.open(path, formats=_FORMATS) as image:
            columns, rows = image.size
            check_size(path, rows, columns, limits)
            count = 1 if image.format == "MPO" else getattr(image, "n_frames", 1)
            _check_tiles(image, limits)
            wanted, note = frames_to_read(path, count, rows, columns, limits)
            with silent_stderr() if image.format == "TIFF" else nullcontext():
                frames, durations_ms = _decode(path, image, wanted)
    except StudyError:
        raise
    except Image.DecompressionBombError:
        raise StudyError(
            path,
            f"has more than the {limits.frame_pixels / 1e6:g} million pixels read per frame",
            "Save it smaller",
        ) from None
    except Exception:
        raise StudyError(path, "is a truncated or damaged image", "Export the file again") from None
    return Clip(frames=frames, note=note, frame_time_ms=_common_ms(durations_ms, wanted.step))


def _check_tiles(image: Image.Image, limits: Limits) -> None:
    """Refuse a TIFF whose tiles are larger than a whole picture may be (TIFF 6.0, section 15).

    Raises:
        ValueError: since libtiff would reserve memory for such a tile.
    """
    tags = getattr(image, "tag_v2", {})
    if tags.get(_TILE_WIDTH, 0) * tags.get(_TILE_LENGTH, 0) > limits.frame_pixels:
        raise ValueError("a tile is larger than a picture may be")


def _decode(path: Path, image: Image.Image, wanted: range) -> tuple[np.ndarray, list[float | None]]:
    """Decode the wanted pages, all of one size: ``(N, H, W, 3)`` uint8, and how long each shows."""
    size = image.size
    frames: np.ndarray | None = None
    durations_ms: list[float | None] = []
    for slot, index in enumerate(wanted):
        image.seek(index)
        if image.size != size:
            raise StudyError(path, "holds pages of different sizes", "Save each page as a file")
        durations_ms.append(image.info.get("duration"))
        pixels = _rgb(path, ImageOps.exif_transpose(image))
        if frames is None:
            frames = np.empty((len(wanted), *pixels.shape), dtype=np.uint8)
        frames[slot] = pixels
    assert frames is not None
    return frames, durations_ms


def _rgb(path: Path, image: Image.Image) -> np.ndarray:
    """Convert one decoded page to ``(H, W, 3)`` uint8 RGB."""
    if image.mode == "F":
        raise StudyError(path, "holds floating-point pixels", "Save it with 8 or 16 bits")
    if image.mode.startswith("I"):
        return np.repeat(eight_bits(np.asarray(image))[..., None], 3, axis=-1)
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        coloured = image.convert("RGBA")
        black = Image.new("RGBA", image.size, (0, 0, 0, 255))
        image = Image.alpha_composite(black, coloured)
    return np.asarray(image.convert("RGB"))


def eight_bits(grey: np.ndarray) -> np.ndarray:
    """Scale whole-number grey values to 8 bits by the depth that the brightest one needs.

    Twelve-bit pictures are commonly stored in 16-bit files; dividing those by 257 would show black.

    Args:
        grey: any integer array, values from 0 to 65535 (others are clipped).

    Returns:
        uint8 array of the same shape.
    """
    clipped = np.clip(grey, 0, 65535)
    brightest = int(clipped.max(initial=0))
    depth_bits = next(bits for bits in _DEPTHS_BITS if brightest < 1 << bits)
    if depth_bits == 8:
        return clipped.astype(np.uint8)
    scale = np.float32(255.0 / ((1 << depth_bits) - 1))
    return np.rint(clipped.astype(np.float32) * scale).astype(np.uint8)


def _common_ms(durations_ms: list[float | None], step: int) -> float | None:
    """Time between the frames that were read, where all frames of the file show equally long."""
    first = durations_ms[0]
    if len(durations_ms) == 1 or not first or any(other != first for other in durations_ms):
        return None
    return float(first) * step
