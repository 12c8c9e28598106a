"""Which pictures of a study the network sees: key frames of cine loops, then a bounded list.

The published system samples eight frames of a cine loop evenly. Here each of the equal shares of
the loop gives its sharpest frame near the middle, so that a blurred frame (a moving transducer, a
fast valve) does not stand for its share; frozen loops give each picture once.

    sharpness = mean squared Laplacian of the grey picture, on every second pixel

Whole frames are shown by default, as the published system was trained on them. Cropping to the
calibrated B-mode box removes burned-in text and margins; each picture keeps the box it was cut
from, so that its pixels lead back to the frame and to mm.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from echovlm.imaging.limits import evenly_spaced
from echovlm.study import Clip, Mode, Study

KEY_FRAMES = 8
"""Frames per cine loop, as in the published system."""

MAX_IMAGES = 16
"""Pictures per study; training cases of the published system hold seven on average."""


@dataclass(frozen=True, eq=False)
class StudyImage:
    """One picture for the network, and where it comes from.

    Attributes:
        pixels: ``(H, W, 3)`` uint8 RGB, a view into the clip.
        clip_index: which clip of the study.
        frame_index: which frame of that clip.
        box: ``(x0, y0, x1, y1)`` of the frame that ``pixels`` shows, half-open.
        pixel_spacing_mm: ``(row, column)`` of these pixels, None where uncalibrated.
    """

    pixels: np.ndarray
    clip_index: int
    frame_index: int
    box: tuple[int, int, int, int]
    pixel_spacing_mm: tuple[float, float] | None

    def to_frame(self, x: float, y: float, shown: tuple[int, int]) -> tuple[float, float]:
        """Map a point of this picture, shown at another size, back to pixels of the frame.

        Args:
            x: column in the shown picture, in pixels from its left edge.
            y: row in the shown picture, in pixels from its top edge.
            shown: ``(height, width)`` at which the network saw the picture.

        Returns:
            ``(x, y)`` in the frame; times the clip's column and row spacing this is in mm.
        """
        x0, y0, x1, y1 = self.box
        return x0 + x * (x1 - x0) / shown[1], y0 + y * (y1 - y0) / shown[0]


def key_frames(clip: Clip, count: int = KEY_FRAMES) -> tuple[int, ...]:
    """Choose frames that stand for a clip; the same clip always gives the same frames.

    The loop is parted into ``count`` equal shares. Of each share the sharpest frame of its middle
    half is taken (the one nearest the middle where two are alike), and a picture that equals the
    one chosen before is passed over.

    Args:
        clip: a still or cine loop.
        count: most frames to give, at least 1.

    Returns:
        Increasing frame indices, at least one; all frames where the clip has no more than ``count``
        different ones.
    """
    if count < 1:
        raise ValueError(f"count must be at least 1, got {count}")
    total = len(clip.frames)
    if total <= count:
        return _without_repeats(clip, range(total))
    edges = np.linspace(0, total, count + 1)
    return _without_repeats(
        clip,
        [_sharpest(clip, *share) for share in pairwise(edges)],
    )


def _sharpest(clip: Clip, start: float, stop: float) -> int:
    """Sharpest frame of the middle half of a share, nearest its middle where two are alike.

    Frame ``i`` lies at ``i + 0.5``, so that shares and frames are measured on one line.
    """
    middle, quarter = (start + stop) / 2, (stop - start) / 4
    share = range(int(start), int(np.ceil(stop)))
    candidates = [index for index in share if abs(index + 0.5 - middle) <= quarter]
    return max(
        candidates or [int(middle)],
        key=lambda index: (_sharpness(clip.frames[index]), -abs(index + 0.5 - middle), -index),
    )


def _sharpness(frame: np.ndarray) -> float:
    grey = frame[::2, ::2].astype(np.float32).sum(axis=-1)
    if min(grey.shape) < 3:
        return 0.0
    laplacian = (
        grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:] - 4 * grey[1:-1, 1:-1]
    )
    return float(np.mean(laplacian**2))


def _without_repeats(clip: Clip, indices: range | list[int]) -> tuple[int, ...]:
    kept: list[int] = []
    for index in indices:
        if not kept or not np.array_equal(clip.frames[index], clip.frames[kept[-1]]):
            kept.append(index)
    return tuple(kept)


def choose_images(
    study: Study, max_images: int = MAX_IMAGES, *, crop: bool = False
) -> list[StudyImage]:
    """Choose the pictures of a study for the network, at most ``max_images``.

    Every clip is shown by one picture before any cine loop is shown by a second one; where there
    are more clips than pictures, clips are taken evenly over the study.

    Args:
        study: the study.
        max_images: most pictures to give, at least 1.
        crop: cut each picture to the clip's B-mode box where the file states one that can be
            trusted; whole frames by default.

    Returns:
        At least one picture, in the order of the study.
    """
    if max_images < 1:
        raise ValueError(f"max_images must be at least 1, got {max_images}")
    chosen = evenly_spaced(len(study.clips), max_images).tolist()
    shares = _shares([len(study.clips[index].frames) for index in chosen], max_images)
    return [
        _image(study.clips[index], index, frame, crop)
        for index, share in zip(chosen, shares, strict=True)
        for frame in key_frames(study.clips[index], share)
    ]


def study_images(study: Study, max_images: int = MAX_IMAGES) -> list[np.ndarray]:
    """Pictures of a study for the network: :func:`choose_images`, pixels only.

    Args:
        study: the study.
        max_images: most pictures to give, at least 1.

    Returns:
        At least one array ``(H, W, 3)`` uint8 RGB, whole frames, in the order of the study.
    """
    return [image.pixels for image in choose_images(study, max_images)]


def _shares(frame_counts: list[int], max_images: int) -> list[int]:
    """Deal pictures to clips one at a time, none more than it has frames or ``KEY_FRAMES``."""
    shares = [1] * len(frame_counts)
    left = max_images - len(shares)
    while left > 0:
        hungry = [
            index
            for index, count in enumerate(frame_counts)
            if shares[index] < min(count, KEY_FRAMES)
        ]
        if not hungry:
            break
        for index in hungry[:left]:
            shares[index] += 1
        left -= len(hungry[:left])
    return shares


def _image(clip: Clip, clip_index: int, frame_index: int, crop: bool) -> StudyImage:
    _, rows, columns, _ = clip.frames.shape
    box = (0, 0, columns, rows)
    if crop:
        box = _picture_box(clip) or box
    x0, y0, x1, y1 = box
    pixels = clip.frames[frame_index, y0:y1, x0:x1]
    return StudyImage(pixels, clip_index, frame_index, box, clip.pixel_spacing_mm)


def _picture_box(clip: Clip) -> tuple[int, int, int, int] | None:
    """Box of the first trusted two-dimensional region, the highest in priority."""
    for region in clip.regions:
        if region.mode in (Mode.B_MODE, Mode.COLOUR_DOPPLER) and region.pixel_spacing_mm:
            return region.box
    return None
