"""Pixels outside the ultrasound regions become black, in every frame; then they are written.

    kept = union of the declared regions that show something, clipped to the frame
    where no region is declared, the whole frame is kept (and read by ocr.py)

A region of spatial format 0 ("none") or 5 (graphics) shows no picture: it is not kept where another
region does. A box that exceeds the frame makes the calibration suspect, but still says where the
picture is.

Sources: DICOM PS3.3 C.8.5.5.1.1 (Region Spatial Format), C.7.6.3 (Image Pixel), PS3.15 E.3.1
(Clean Pixel Data Option).
"""

from __future__ import annotations

import numpy as np
from pydicom.dataset import Dataset
from pydicom.tag import Tag

from echovlm.imaging.deidentify.policy import Change
from echovlm.study import Clip, Mode, Region

Box = tuple[int, int, int, int]
_NO_PICTURE = (Mode.UNKNOWN, Mode.GRAPHICS)


def kept_boxes(regions: tuple[Region, ...], rows: int, columns: int) -> list[Box]:
    """Choose the boxes ``(x0, y0, x1, y1)``, half-open, that stay visible."""
    pictures = [region.box for region in regions if region.mode not in _NO_PICTURE]
    return pictures or [region.box for region in regions] or [(0, 0, columns, rows)]


def kept_mask(boxes: list[Box], rows: int, columns: int) -> np.ndarray:
    """Draw the boxes, ``(H, W)`` bool."""
    mask = np.zeros((rows, columns), dtype=bool)
    for x0, y0, x1, y1 in boxes:
        mask[y0:y1, x0:x1] = True
    return mask


def blank_outside(frames: np.ndarray, mask: np.ndarray) -> bool:
    """Blacken what lies outside the mask, in place.

    Args:
        frames: ``(N, H, W, 3)`` uint8.
        mask: ``(H, W)`` bool, True where pixels stay.

    Returns:
        True where a pixel was changed.
    """
    outside = ~mask
    changed = bool(outside.any()) and any(frame[outside].any() for frame in frames)
    frames[:, outside] = 0
    return changed


def blank_boxes(frames: np.ndarray, boxes: list[Box]) -> tuple[Change, ...]:
    """Blacken boxes in every frame, in place, and list them."""
    for x0, y0, x1, y1 in boxes:
        frames[:, y0:y1, x0:x1] = 0
    return tuple(Change("pixels", f"box {x0},{y0},{x1},{y1}", "masked") for x0, y0, x1, y1 in boxes)


def put_pixels(clean: Dataset, clip: Clip, lossy: bool) -> None:
    """Write frames into a clean header, uncompressed, grey where no pixel is coloured.

    Args:
        clean: header with its SOP class; changed in place.
        clip: the cleaned frames and their timing.
        lossy: True where the input was ever compressed with loss.
    """
    frames = clip.frames
    count, rows, columns = frames.shape[:3]
    grey = all(
        np.array_equal(frame[..., 0], frame[..., 1])
        and np.array_equal(frame[..., 0], frame[..., 2])
        for frame in frames
    )
    clean.SamplesPerPixel = 1 if grey else 3
    clean.PhotometricInterpretation = "MONOCHROME2" if grey else "RGB"
    if not grey:
        clean.PlanarConfiguration = 0
    clean.Rows, clean.Columns = rows, columns
    clean.BitsAllocated = clean.BitsStored = 8
    clean.HighBit, clean.PixelRepresentation = 7, 0
    clean.UltrasoundColorDataPresent = 0 if grey else 1
    if lossy:
        clean.LossyImageCompression = "01"
    if count > 1:
        clean.NumberOfFrames = count
        if clip.frame_time_ms is not None:
            clean.FrameTime = f"{clip.frame_time_ms:.6g}"
            clean.FrameIncrementPointer = Tag("FrameTime")
    data = np.ascontiguousarray(frames[..., 0] if grey else frames).tobytes()
    clean.PixelData = data + b"\0" * (len(data) % 2)
    clean["PixelData"].VR = "OB"
