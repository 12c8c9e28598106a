"""Where on the frame what is shown, and how large a pixel is: DICOM ultrasound region calibration.

A measurement is only as good as this file, so every doubt ends in "uncalibrated":

    spacing in mm = 10 x |PhysicalDelta|   only where both axes are in cm (unit code 3)
    region box    = inclusive corners, clipped to the frame

A box that exceeds the frame by more than one pixel means that the image was rescaled after
acquisition, and its calibration is not used.

One pixel of excess is allowed because real machines write half-open boxes (Philips CX50, Sonoque).
Source: DICOM PS3.3 C.8.5.5 (US Region Calibration module).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from pydicom.dataset import Dataset

from echovlm.study import Mode, Region

_CENTIMETRES = 3  # PS3.3 C.8.5.5.1.15, physical units
_LOW_PRIORITY = 0b1  # PS3.3 C.8.5.5.1.3, region flags, bit 0
_EXCESS_PIXELS = 1

SMALLEST_SPACING_MM = 0.002
LARGEST_SPACING_MM = 5.0
"""Spacing outside these bounds is no ultrasound image (from 50 MHz to a shrunken abdomen)."""

NO_CALIBRATION = "the file states no pixel spacing"
SUSPECT = "a region box exceeds the frame, so the image was rescaled and its calibration is suspect"
_DISAGREE = "the file states pixel spacings that disagree"
_NOT_CENTIMETRES = "the region is not measured in cm on both axes"
_IMPLAUSIBLE = "the stated pixel spacing is not plausible"

# PS3.3 C.8.5.5.1.1, region spatial format, refined by C.8.5.5.1.2, region data type.
_MODE_OF_FORMAT = {
    1: Mode.B_MODE,
    2: Mode.M_MODE,
    3: Mode.SPECTRAL_DOPPLER,
    4: Mode.WAVEFORM,
    5: Mode.GRAPHICS,
}
_COLOUR_FLOW = 2


def regions_of(dataset: Dataset, rows: int, columns: int) -> tuple[Region, ...]:
    """Read the ultrasound regions of an instance.

    Args:
        dataset: the instance's header.
        rows: height of the frame in pixels.
        columns: width of the frame in pixels.

    Returns:
        Regions that overlap the frame, high priority first, then larger first. If any box exceeds
        the frame, no region carries a spacing.
    """
    items = [
        item
        for item in _sequence(dataset.get("SequenceOfUltrasoundRegions"))
        if _corners(item) is not None
    ]
    suspect = any(_exceeds(_corners(item), rows, columns) for item in items)
    ranked: list[tuple[int, int, Region]] = []
    for item in items:
        box = _clipped(_corners(item), rows, columns)
        if box is None:
            continue
        spacing, note = (None, SUSPECT) if suspect else _spacing_mm(item)
        region = Region(_mode(item), box, spacing, note)
        flags = _number(item.get("RegionFlags"), default=0.0)
        priority = int(flags) & _LOW_PRIORITY
        ranked.append((priority, -(box[2] - box[0]) * (box[3] - box[1]), region))
    ranked.sort(key=lambda entry: entry[:2])
    return tuple(region for _, _, region in ranked)


def clip_spacing(
    dataset: Dataset, regions: Sequence[Region]
) -> tuple[tuple[float, float] | None, str]:
    """Decide the spacing of the two-dimensional picture, and why there is none.

    Args:
        dataset: the instance's header.
        regions: what :func:`regions_of` gave for it.

    Returns:
        ``(row, column)`` spacing in mm with an empty note, or None with the reason.
    """
    if any(region.calibration_note == SUSPECT for region in regions):
        return None, SUSPECT
    pictures = [r for r in regions if r.mode in (Mode.B_MODE, Mode.COLOUR_DOPPLER)]
    stated = [r.pixel_spacing_mm for r in pictures if r.pixel_spacing_mm is not None]
    if (whole := _pixel_spacing(dataset)) is not None:
        stated.append(whole)
    if not stated:
        return None, pictures[0].calibration_note if pictures else NO_CALIBRATION
    if not all(_agree(stated[0], other) for other in stated[1:]):
        return None, _DISAGREE
    return stated[0], ""


def _pixel_spacing(dataset: Dataset) -> tuple[float, float] | None:
    values = dataset.get("PixelSpacing")
    if not isinstance(values, Sequence) or isinstance(values, str) or len(values) != 2:
        return None
    row, column = (_number(value, default=0.0) for value in values)
    return (row, column) if _plausible(row) and _plausible(column) else None


def _spacing_mm(item: Dataset) -> tuple[tuple[float, float] | None, str]:
    if (
        item.get("PhysicalUnitsXDirection") != _CENTIMETRES
        or item.get("PhysicalUnitsYDirection") != _CENTIMETRES
    ):
        return None, _NOT_CENTIMETRES
    column = 10.0 * abs(_number(item.get("PhysicalDeltaX"), default=0.0))
    row = 10.0 * abs(_number(item.get("PhysicalDeltaY"), default=0.0))
    if not (_plausible(row) and _plausible(column)):
        return None, _IMPLAUSIBLE
    return (row, column), ""


def _mode(item: Dataset) -> Mode:
    spatial_format = item.get("RegionSpatialFormat")
    if spatial_format == 1 and item.get("RegionDataType") == _COLOUR_FLOW:
        return Mode.COLOUR_DOPPLER
    return _MODE_OF_FORMAT.get(spatial_format, Mode.UNKNOWN)


_Corners = tuple[int, int, int, int]


def _corners(item: Dataset) -> _Corners | None:
    """Inclusive corners (x0, y0, x1, y1), None where one is absent or the box is turned over."""
    names = ("MinX0", "MinY0", "MaxX1", "MaxY1")
    values = [item.get(f"RegionLocation{name}") for name in names]
    if not all(isinstance(value, int) for value in values):
        return None
    x0, y0, x1, y1 = values
    return (x0, y0, x1, y1) if x0 <= x1 and y0 <= y1 else None


def _exceeds(corners: _Corners | None, rows: int, columns: int) -> bool:
    assert corners is not None
    _, _, x1, y1 = corners
    return x1 > columns - 1 + _EXCESS_PIXELS or y1 > rows - 1 + _EXCESS_PIXELS


def _clipped(corners: _Corners | None, rows: int, columns: int) -> _Corners | None:
    """Half-open box inside the frame, None where nothing is left."""
    assert corners is not None
    x0, y0, x1, y1 = corners
    box = (max(x0, 0), max(y0, 0), min(x1 + 1, columns), min(y1 + 1, rows))
    return box if box[0] < box[2] and box[1] < box[3] else None


def _sequence(value: object) -> Sequence[Dataset]:
    if not isinstance(value, Sequence):
        return ()
    return [item for item in value if isinstance(item, Dataset)]


def _number(value: object, default: float) -> float:
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return default
    return number if math.isfinite(number) else default


def _plausible(spacing_mm: float) -> bool:
    return SMALLEST_SPACING_MM <= spacing_mm <= LARGEST_SPACING_MM


def _agree(one: tuple[float, float], other: tuple[float, float]) -> bool:
    return all(math.isclose(a, b, rel_tol=0.01) for a, b in zip(one, other, strict=True))
