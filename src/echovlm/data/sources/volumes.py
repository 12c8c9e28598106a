"""Pictures in the two plain volume files that research sets use: NIfTI-1 and MetaImage.

Only what such sets hold is read: one file, 2-D or 3-D, common number types as stored, lengths in
millimetres, no orientation. Anything else is refused rather than guessed.

Sources: NIfTI-1 data format, nifti.nimh.nih.gov/nifti-1 (header of 348 bytes); ITK MetaIO,
itk.org/Wiki/MetaIO/Documentation.
"""

from __future__ import annotations

import gzip
import math
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from echovlm.data.sources.source import Reject

_HEADER_BYTES = 348
_NIFTI_TYPES = {2: "u1", 4: "i2", 8: "i4", 16: "f4", 64: "f8", 256: "i1", 512: "u2"}
_META_TYPES = {
    "MET_UCHAR": "u1",
    "MET_CHAR": "i1",
    "MET_USHORT": "u2",
    "MET_SHORT": "i2",
    "MET_FLOAT": "f4",
}
_LARGEST_BYTES = 1 << 30
_UNITS_OF_LENGTH = 0b111  # of the header's xyzt_units
_MILLIMETRES = (0, 2)  # not stated, millimetres
_WIDEST_MM = 10.0


@dataclass(frozen=True, eq=False)
class Volume:
    """A stack of pictures.

    Attributes:
        frames: ``(N, H, W)``, values as stored.
        pixel_spacing_mm: ``(row, column)``.
    """

    frames: np.ndarray
    pixel_spacing_mm: tuple[float, float]


def read_volume(path: Path) -> Volume:
    """Read a ``.nii``, ``.nii.gz`` or ``.mhd`` file.

    Raises:
        Reject: when it is missing, damaged or of an unknown kind.
    """
    try:
        if path.name.endswith((".nii", ".nii.gz")):
            return _read_nifti(path)
        return _read_meta(path)
    except Reject:
        raise
    except (OSError, EOFError, ValueError, KeyError, zlib.error):
        raise Reject(f"its file {path.name} is missing or damaged") from None


def _read_nifti(path: Path) -> Volume:
    with open(path, "rb") as raw:
        stream = gzip.GzipFile(fileobj=raw) if path.name.endswith(".gz") else raw
        data = stream.read(_LARGEST_BYTES)
    header = data[:_HEADER_BYTES]
    order = "<" if int.from_bytes(header[:4], "little") == _HEADER_BYTES else ">"
    if header[344:347] != b"n+1":
        raise Reject(f"its file {path.name} is no single-file NIfTI-1")
    sizes = np.frombuffer(header, f"{order}i2", 8, 40)
    kind = int(np.frombuffer(header, f"{order}i2", 1, 70)[0])
    spacing = np.frombuffer(header, f"{order}f4", 8, 76)
    start, slope, intercept = np.frombuffer(header, f"{order}f4", 3, 108)
    scaled = (np.isfinite(slope) and slope not in (0, 1)) or (np.isfinite(intercept) and intercept)
    in_mm = header[123] & _UNITS_OF_LENGTH in _MILLIMETRES
    if kind not in _NIFTI_TYPES or not 2 <= sizes[0] <= 4 or scaled or not in_mm:
        raise Reject(f"its file {path.name} is of a kind that is not read")
    shape = [int(size) for size in sizes[1 : sizes[0] + 1]]
    count = math.prod(shape)
    values = np.frombuffer(data, f"{order}{_NIFTI_TYPES[kind]}", count, int(start))
    frames = values.reshape(-1, shape[1], shape[0])  # x runs fastest
    return Volume(frames, _spacing(path, spacing[2], spacing[1]))


def _read_meta(path: Path) -> Volume:
    lines = path.read_text(encoding="ascii", errors="strict").splitlines()
    fields = {key.strip(): value.strip() for key, _, value in (s.partition("=") for s in lines)}
    shape = [int(size) for size in fields["DimSize"].split()]
    spacing = [float(step) for step in fields["ElementSpacing"].split()]
    name = fields["ElementDataFile"]
    if "/" in name or name in ("LOCAL", "LIST") or fields["ElementType"] not in _META_TYPES:
        raise Reject(f"its file {path.name} is of a kind that is not read")
    data = (path.parent / name).read_bytes()
    if fields.get("CompressedData", "False") == "True":
        data = zlib.decompressobj().decompress(data, _LARGEST_BYTES)
    order = ">" if fields.get("BinaryDataByteOrderMSB", "False") == "True" else "<"
    values = np.frombuffer(data, f"{order}{_META_TYPES[fields['ElementType']]}", math.prod(shape))
    frames = values.reshape(-1, shape[1], shape[0])
    return Volume(frames, _spacing(path, spacing[1], spacing[0]))


def _spacing(path: Path, row_mm: float, column_mm: float) -> tuple[float, float]:
    if not (0 < row_mm < _WIDEST_MM and 0 < column_mm < _WIDEST_MM):  # also false for no number
        raise Reject(f"its file {path.name} gives no usable pixel spacing")
    return float(row_mm), float(column_mm)


def as_grey(frame: np.ndarray) -> np.ndarray:
    """A frame as ``(H, W)`` uint8; deeper values are scaled from 0 to the frame's largest."""
    if frame.dtype == np.uint8:
        return frame
    values = np.clip(frame.astype(np.float64), 0, None)
    largest = float(values.max())
    scale = 1.0 if largest <= 255 else 255 / largest
    return np.round(values * scale).astype(np.uint8)
