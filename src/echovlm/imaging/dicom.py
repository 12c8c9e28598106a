"""A DICOM instance as a clip: header, calibration and time here, pixel values in ``pixels.py``.

Nothing that identifies a patient leaves this file: names, identifiers, dates and free text are
never copied into the clip, a message or a log. The patient is only compared, through a digest.

Sources: DICOM PS3.10 7.1 (file format), PS3.3 C.7.6.5 (Cine), C.8.5.6 (US Image), A.6 and A.7.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    MediaStorageDirectoryStorage,
)

from echovlm.errors import StudyError
from echovlm.imaging.anatomy import stated_anatomy
from echovlm.imaging.encapsulation import inflates_beyond, is_whole
from echovlm.imaging.limits import Limits, check_size, frames_to_read
from echovlm.imaging.pixels import decode_frames, decode_moving, is_moving
from echovlm.imaging.regions import clip_spacing, regions_of
from echovlm.study import Clip, Mode, Region
from echovlm.terms import Anatomy

_ULTRASOUND = ("US", "IVUS", "EC", "CD", "DD")  # the last three are retired names of US
_UNSPECIFIC = ("", "OT", "SC")  # screenshots of ultrasound machines are stored as these

# The only elements that are read before the pixels; of a patient, just what tells two apart.
_ELEMENTS = [
    "SOPClassUID",
    "Modality",
    "ImageType",
    "PatientID",
    "BodyPartExamined",
    "AnatomicRegionSequence",
    "StudyDescription",
    "SeriesDescription",
    "FrameTime",
    "FrameTimeVector",
    "CineRate",
    "RecommendedDisplayFrameRate",
    "SequenceOfUltrasoundRegions",
    "PixelSpacing",
    "Rows",
    "Columns",
    "NumberOfFrames",
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "PlanarConfiguration",
    "BitsAllocated",
    "BitsStored",
    "PixelRepresentation",
    "RescaleSlope",
    "RescaleIntercept",
    "WindowCenter",
    "WindowWidth",
    "RedPaletteColorLookupTableDescriptor",
    *(
        f"{segmented}{colour}PaletteColorLookupTableData"
        for segmented in ("", "Segmented")
        for colour in ("Red", "Green", "Blue")
    ),
]

# PS3.3 C.8.5.6.1.1, Image Type value 4: one bit for each mode on the image.
_COLOUR_BITS = 0x0010 | 0x0100
_SPECTRAL_BITS = 0x0004 | 0x0008
_M_MODE_BITS = 0x0002
_B_MODE_BIT = 0x0001


@dataclass(frozen=True)
class Instance:
    """What a DICOM file gives to a study.

    Attributes:
        clip: its pixels with calibration and timing.
        anatomy: the anatomy it states, if any.
        patient: digest that tells patients apart and nothing else, empty where none is stated.
    """

    clip: Clip
    anatomy: Anatomy | None
    patient: bytes


def read_instance(path: Path, limits: Limits) -> Instance:
    """Read a DICOM file.

    Args:
        path: a file that starts like a DICOM file or a bare data set.
        limits: what reading may cost.

    Raises:
        StudyError: when the file is truncated or damaged, holds no pixels, is no ultrasound, or
            cannot be decoded.
    """
    try:
        dataset = _header(path, limits)
        return Instance(
            clip=_clip(path, dataset, limits),
            anatomy=stated_anatomy(dataset),
            patient=_patient(dataset),
        )
    except StudyError:
        raise
    except Exception:
        # Decoders raise anything on damaged bytes, and their words may quote the header.
        raise StudyError(path, "is a truncated or damaged DICOM file", "Export it again") from None


def is_directory_index(path: Path) -> bool:
    """True for a DICOMDIR: it lists the files of a medium and holds no picture."""
    return path.name.upper() == "DICOMDIR"


def _header(path: Path, limits: Limits) -> Dataset:
    """Read what is needed of the header, and refuse what cannot be a picture of ultrasound."""
    with open(path, "rb") as stream:
        try:
            if inflates_beyond(path, limits.study_bytes):
                raise StudyError(path, "inflates beyond the memory limit", "Export it uncompressed")
            dataset = dcmread(stream, stop_before_pixels=True, specific_tags=_ELEMENTS)
        except InvalidDicomError:
            stream.seek(0)
            dataset = dcmread(stream, stop_before_pixels=True, specific_tags=_ELEMENTS, force=True)
        _check_is_picture(path, dataset)
        if "TransferSyntaxUID" not in dataset.file_meta:
            dataset.file_meta.TransferSyntaxUID = _read_as(dataset)
        deflated = dataset.file_meta.TransferSyntaxUID == DeflatedExplicitVRLittleEndian
        if not deflated and not is_whole(stream):
            raise StudyError(path, "is a truncated DICOM file", "Export it again")
    return dataset


def _check_is_picture(path: Path, dataset: Dataset) -> None:
    """Refuse objects without pixels and those of other modalities.

    Raises:
        StudyError: with the kind of object, which is no patient data.
    """
    kind = dataset.get("SOPClassUID") or dataset.file_meta.get("MediaStorageSOPClassUID")
    if kind is None and "Rows" not in dataset:
        raise StudyError(path, "is neither an image nor a DICOM file", "Export it again")
    if kind == MediaStorageDirectoryStorage:
        raise StudyError(path, "is a DICOMDIR, an index without pictures", "Give its folder")
    if "Rows" not in dataset or "Columns" not in dataset:
        name = f" ({kind.name})" if kind.name != str(kind) else ""
        if "Image Storage" in name:
            raise StudyError(path, "is a truncated DICOM file", "Export it again")
        raise StudyError(path, f"is a DICOM file without pixels{name}", "Give the image files")
    modality = str(dataset.get("Modality", "")).strip().upper()
    if modality not in _ULTRASOUND + _UNSPECIFIC:
        raise StudyError(path, "is not ultrasound by its stated modality", "Give ultrasound files")


def _read_as(dataset: Dataset) -> UID:
    """Transfer syntax by which a data set without file meta information could be read."""
    implicit, little_endian = dataset.original_encoding
    if implicit:
        return ImplicitVRLittleEndian
    return ExplicitVRLittleEndian if little_endian else ExplicitVRBigEndian


def _clip(path: Path, dataset: Dataset, limits: Limits) -> Clip:
    rows, columns = int(dataset.Rows), int(dataset.Columns)
    count = max(1, int(dataset.get("NumberOfFrames") or 1))
    check_size(path, rows, columns, limits)
    step_ms = frame_time_ms(dataset)
    syntax = dataset.file_meta.TransferSyntaxUID
    if is_moving(syntax):
        stream = decode_moving(path, syntax, limits)
        frames, note = stream.frames, stream.note
        if note or step_ms is None:  # frames were passed over, or only the stream knows the time
            step_ms = stream.frame_time_ms
    else:
        wanted, note = frames_to_read(path, count, rows, columns, limits)
        frames = decode_frames(path, dataset, wanted)
        step_ms = step_ms and step_ms * wanted.step
    regions = regions_of(dataset, *frames.shape[1:3])
    spacing, calibration_note = clip_spacing(dataset, regions)
    return Clip(
        frames=frames,
        mode=_mode(dataset, regions),
        regions=regions,
        pixel_spacing_mm=spacing,
        calibration_note=calibration_note,
        frame_time_ms=step_ms if len(frames) > 1 else None,
        note=note,
    )


def frame_time_ms(dataset: Dataset) -> float | None:
    """Time between frames of a cine loop in ms, None where the file states none.

    The order is that of PS3.3 C.7.6.5: frame time, then the mean of the frame time vector (its
    first value is 0 by definition), then the rates at which the loop was made or should be shown.
    """
    frame_time = _positive(dataset.get("FrameTime"))
    if frame_time is not None:
        return frame_time
    vector = dataset.get("FrameTimeVector")
    if vector is not None and not isinstance(vector, (str, float, int)) and len(vector) > 1:
        mean = _positive(float(np.mean([float(step) for step in vector[1:]])))
        if mean is not None:
            return mean
    for name in ("CineRate", "RecommendedDisplayFrameRate"):
        rate_hz = _positive(dataset.get(name))
        if rate_hz is not None:
            return 1000.0 / rate_hz
    return None


def _positive(value: object) -> float | None:
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return number if np.isfinite(number) and number > 0 else None


def _mode(dataset: Dataset, regions: tuple[Region, ...]) -> Mode:
    """Name what most of the frame shows: by the regions, else by Image Type, else unknown."""
    if any(region.mode is Mode.COLOUR_DOPPLER for region in regions):
        return Mode.COLOUR_DOPPLER
    telling = [r for r in regions if r.mode not in (Mode.UNKNOWN, Mode.WAVEFORM, Mode.GRAPHICS)]
    if telling:
        return max(telling, key=_area).mode
    image_type = dataset.get("ImageType")
    if image_type is None or isinstance(image_type, str) or len(image_type) < 4:
        return Mode.UNKNOWN
    try:
        bits = int(str(image_type[3]), 16)
    except ValueError:
        return Mode.UNKNOWN
    for mask, mode in (
        (_SPECTRAL_BITS, Mode.SPECTRAL_DOPPLER),
        (_COLOUR_BITS, Mode.COLOUR_DOPPLER),
        (_M_MODE_BITS, Mode.M_MODE),
        (_B_MODE_BIT, Mode.B_MODE),
    ):
        if bits & mask:
            return mode
    return Mode.UNKNOWN


def _area(region: Region) -> int:
    x0, y0, x1, y1 = region.box
    return (x1 - x0) * (y1 - y0)


def _patient(dataset: Dataset) -> bytes:
    """Digest of the patient identifier, empty where there is none."""
    identifier = str(dataset.get("PatientID") or "").strip()
    return hashlib.sha256(identifier.encode()).digest() if identifier else b""
