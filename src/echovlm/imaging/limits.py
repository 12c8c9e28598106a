"""How much of a file is read: memory stays bounded whatever the file says of itself.

Sizes are checked from headers, before a single pixel is decoded. A still beyond the limit is
refused (no ultrasound machine writes thirty million pixels, and shrinking it in silence would break
its calibration); of a cine loop beyond the limit only every second, third or so frame is read, and
its note says which.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from echovlm.errors import StudyError

MIB = 1 << 20

SMALLEST_SIDE = 16
"""Pixels. Below this a picture shows no anatomy, and the network would invent one."""

LARGEST_ASPECT_RATIO = 200
"""Long side over short side, above which Qwen2-VL's image processor refuses a picture."""


@dataclass(frozen=True)
class Limits:
    """What reading may cost.

    Attributes:
        frame_pixels: rows times columns of one frame; above it a file is refused.
        clip_bytes: decoded frames of one clip; above it a cine loop is thinned.
        study_bytes: decoded frames of one study; files past it are left out by name.
        cine_frames: frames a cine file may hold; above it the file is refused.
        files: files below one folder; above it the folder is refused.
    """

    frame_pixels: int = 32_000_000
    clip_bytes: int = 256 * MIB
    study_bytes: int = 1024 * MIB
    cine_frames: int = 36_000
    files: int = 5_000


DEFAULT_LIMITS = Limits()


def check_size(path: Path, rows: int, columns: int, limits: Limits) -> None:
    """Refuse a picture that is too small, too large or too narrow to be an ultrasound image.

    Args:
        path: the file, for the message.
        rows: height in pixels.
        columns: width in pixels.
        limits: what reading may cost.

    Raises:
        StudyError: when the size lies outside what is read.
    """
    size = f"{columns} x {rows} pixels"
    if rows < SMALLEST_SIDE or columns < SMALLEST_SIDE:
        raise StudyError(
            path,
            f"is {size}, too small for an ultrasound image",
            f"Each side needs at least {SMALLEST_SIDE} pixels",
        )
    if rows * columns > limits.frame_pixels:
        raise StudyError(
            path,
            f"is {size}, more than the {limits.frame_pixels / 1e6:g} million pixels read per frame",
            "Save it smaller",
        )
    if max(rows, columns) > LARGEST_ASPECT_RATIO * min(rows, columns):
        raise StudyError(path, f"is {size}, too narrow for an ultrasound image", "Crop it")


def frames_to_read(
    path: Path, count: int, rows: int, columns: int, limits: Limits
) -> tuple[range, str]:
    """Choose which frames of a cine loop are decoded, within the clip's memory limit.

    Args:
        path: the file, for the message.
        count: frames in the file, at least 1.
        rows: height in pixels.
        columns: width in pixels.
        limits: what reading may cost.

    Returns:
        Frame indices at a constant step, all of them where they fit, and a note that is empty
        unless frames were passed over. Time between frames grows by the step.

    Raises:
        StudyError: when the loop holds more frames than are read from one file.
    """
    if count > limits.cine_frames:
        raise StudyError(
            path,
            f"holds {count} frames, more than the {limits.cine_frames} read from one cine loop",
            "Cut it to the loop of interest",
        )
    most = max(1, limits.clip_bytes // (rows * columns * 3))
    step = math.ceil(count / most)
    note = f"one frame in {step} of {count} was read to bound memory" if step > 1 else ""
    return range(0, count, step), note


def evenly_spaced(total: int, count: int) -> np.ndarray:
    """Indices of ``count`` of ``total`` things, each the middle of an equal share, ``(count,)``.

    >>> evenly_spaced(9, 3).tolist()
    [1, 4, 7]
    """
    count = min(total, count)
    return ((np.arange(count) + 0.5) * total / count).astype(np.int64)
