"""Cine loops in video files (MP4, AVI) and in encapsulated DICOM streams, through PyAV.

The stream is counted by demultiplexing before anything is decoded, so that a long recording costs
no more memory than the frames that are kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import av
import numpy as np

from echovlm.errors import StudyError
from echovlm.imaging.limits import Limits, check_size, frames_to_read
from echovlm.study import Clip

_SLACK_FRAMES = 1
"""Frames by which header, packets and pictures of a sound file may differ."""


def read_cine(path: Path, container: str, limits: Limits) -> Clip:
    """Read a video file as an uncalibrated clip.

    Args:
        path: a file whose first bytes name a video container.
        container: ffmpeg's name of that container; no other is tried, so that a playlist in
            disguise cannot open further files.
        limits: what reading may cost.

    Raises:
        StudyError: when there is no video stream, or it is truncated, damaged or too large.
    """
    with open(path, "rb") as stream:
        return decode_stream(path, stream, container, limits)


def decode_stream(path: Path, stream: BinaryIO, container: str, limits: Limits) -> Clip:
    """Decode the first video stream of an open file, or of a DICOM object's pixel data.

    Args:
        path: the file, for messages only.
        stream: binary, seekable, at its start.
        container: ffmpeg's name of the container or elementary stream.
        limits: what reading may cost.

    Raises:
        StudyError: when there is no video stream, or it is truncated, damaged or too large.
    """
    try:
        count, rows, columns, frame_time_ms = _survey(path, stream, container)
        check_size(path, rows, columns, limits)
        wanted, note = frames_to_read(path, count, rows, columns, limits)
        stream.seek(0)
        frames = _collect(stream, container, wanted, limits)
    except StudyError:
        raise
    except Exception:  # a broken header leaves PyAV's objects without their attributes
        raise _damaged(path) from None
    if frames is None or len(frames) < len(wanted) - _SLACK_FRAMES:
        raise _damaged(path)
    if len(frames) == 1:
        frame_time_ms = None
    elif frame_time_ms is not None:
        frame_time_ms *= wanted.step
    return Clip(frames=frames, note=note, frame_time_ms=frame_time_ms)


def _survey(path: Path, stream: BinaryIO, container: str) -> tuple[int, int, int, float | None]:
    """Count the frames without decoding; returns (frames, rows, columns, ms between frames)."""
    with av.open(stream, "r", format=container) as source:
        if not source.streams.video:
            raise StudyError(path, "holds no moving picture", "Export the cine loop again")
        video = source.streams.video[0]
        packets = [packet.is_corrupt for packet in source.demux(video) if packet.size]
        count = len(packets)
        if not packets or any(packets) or count < video.frames - _SLACK_FRAMES:
            raise _damaged(path)
        rate = video.average_rate or video.guessed_rate
        return count, video.height, video.width, float(1000 / rate) if rate else None


def _collect(stream: BinaryIO, container: str, wanted: range, limits: Limits) -> np.ndarray | None:
    """Decode the stream and keep the wanted frames, ``(N, H, W, 3)`` uint8, None for none."""
    frames: np.ndarray | None = None
    kept = 0
    for index, pixels in enumerate(_pictures(stream, container, limits)):
        if kept == len(wanted):
            break
        if index != wanted[kept]:
            continue
        if frames is None:
            frames = np.empty((len(wanted), *pixels.shape), dtype=np.uint8)
        frames[kept] = pixels
        kept += 1
    return None if frames is None else frames[:kept]


def _pictures(stream: BinaryIO, container: str, limits: Limits) -> Iterator[np.ndarray]:
    """Decode frame by frame to RGB ``(H, W, 3)``, turned as the display matrix says.

    Raises:
        ValueError: when the decoder marks a frame as corrupt.
    """
    with av.open(stream, "r", format=container) as source:
        video = source.streams.video[0]
        video.thread_type = "AUTO"
        # The stream may state another size than the container that was checked.
        video.codec_context.options = {"max_pixels": str(limits.frame_pixels)}
        for frame in source.decode(video):
            if frame.is_corrupt:
                raise ValueError("a frame is corrupt")
            pixels = frame.to_ndarray(format="rgb24")
            yield np.rot90(pixels, round(frame.rotation / 90)) if frame.rotation else pixels


def _damaged(path: Path) -> StudyError:
    return StudyError(path, "is a truncated or damaged cine loop", "Export it again")
