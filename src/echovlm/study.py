"""A study: the stills and cine loops of one patient visit, as every room above speaks of it.

A *clip* is ``frames (N, H, W, 3) uint8``: a still is a clip of one frame, a cine loop has several.
Calibration is carried only where it can be trusted; without it ``pixel_spacing_mm`` is ``None``,
the clip is *uncalibrated*, and nothing in the package states a measurement for it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from echovlm.terms import Anatomy, Laterality, Mode

__all__ = ["Anatomy", "Clip", "Laterality", "LeftOut", "Mode", "Region", "Study"]


@dataclass(frozen=True)
class Region:
    """A rectangle of the frame with its own meaning and calibration (DICOM PS3.3 C.8.5.5).

    Attributes:
        mode: what the region shows.
        box: ``(x0, y0, x1, y1)`` in pixels, half-open, clipped to the frame.
        pixel_spacing_mm: ``(row, column)`` spacing, or None where uncalibrated.
        calibration_note: why the spacing is absent or distrusted, empty where it is trusted.
    """

    mode: Mode
    box: tuple[int, int, int, int]
    pixel_spacing_mm: tuple[float, float] | None = None
    calibration_note: str = ""


@dataclass(frozen=True, eq=False)
class Clip:
    """A still or a cine loop.

    Attributes:
        frames: ``(N, H, W, 3)`` uint8, 0-255, RGB.
        name: short name for messages (a file name or a running number), never patient data.
        mode: what most of the frame shows.
        regions: calibrated or labelled rectangles, highest priority first; may be empty.
        pixel_spacing_mm: ``(row, column)`` of the B-mode area, None where uncalibrated.
        calibration_note: why ``pixel_spacing_mm`` is None, empty where it is trusted.
        frame_time_ms: time between frames of a cine loop, None for a still or where unknown.
        note: what the reader of a result should know (frames passed over), else empty.
    """

    frames: np.ndarray
    name: str = "clip"
    mode: Mode = Mode.UNKNOWN
    regions: tuple[Region, ...] = ()
    pixel_spacing_mm: tuple[float, float] | None = None
    calibration_note: str = "no calibration in the file"
    frame_time_ms: float | None = None
    note: str = ""

    def __post_init__(self) -> None:
        if self.frames.ndim != 4 or self.frames.shape[-1] != 3 or self.frames.dtype != np.uint8:
            raise ValueError(
                f"frames must be (N, H, W, 3) uint8, got {self.frames.shape} {self.frames.dtype}"
            )
        if 0 in self.frames.shape:
            raise ValueError(f"frames must not be empty, got shape {self.frames.shape}")

    @property
    def is_cine(self) -> bool:
        """True where the clip has more than one frame."""
        return self.frames.shape[0] > 1

    @property
    def is_calibrated(self) -> bool:
        """True where the B-mode spacing in mm can be trusted."""
        return self.pixel_spacing_mm is not None


@dataclass(frozen=True)
class LeftOut:
    """A file of the study that could not be used, and the sentence that says why."""

    path: str
    reason: str


@dataclass(frozen=True, eq=False)
class Study:
    """One patient visit.

    Attributes:
        clips: at least one still or cine loop, in file order.
        name: short name for messages and output, never patient data.
        anatomy: the region examined where the source states it, else None.
        left_out: files that were present but could not be used.
        notes: what the reader of a result should know about the study as a whole.
    """

    clips: tuple[Clip, ...]
    name: str = "study"
    anatomy: Anatomy | None = None
    left_out: tuple[LeftOut, ...] = field(default=())
    notes: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        if not self.clips:
            raise ValueError("a study needs at least one clip")

    @classmethod
    def of_frames(cls, images: Iterable[np.ndarray], name: str = "study") -> Study:
        """Build an uncalibrated study from RGB stills ``(H, W, 3)`` uint8."""
        clips = tuple(
            Clip(frames=np.asarray(image)[None], name=f"image {index + 1}")
            for index, image in enumerate(images)
        )
        return cls(clips=clips, name=name)

    @property
    def is_calibrated(self) -> bool:
        """True where every clip has a trustworthy spacing in mm."""
        return all(clip.is_calibrated for clip in self.clips)
