"""Small DICOM files written for the tests, every element under the test's control."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import (
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    UltrasoundImageStorage,
    generate_uid,
)


def instance(
    pixels: np.ndarray, syntax: str = ExplicitVRLittleEndian, **elements: object
) -> Dataset:
    """An ultrasound instance around ``(H, W)`` or ``(H, W, 3)``, or a cine of ``(N, ...)``."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.SOPClassUID = UltrasoundImageStorage
    dataset.SOPInstanceUID = generate_uid(entropy_srcs=["test"])
    dataset.Modality = "US"
    colour = pixels.shape[-1] == 3
    dataset.SamplesPerPixel = 3 if colour else 1
    dataset.PhotometricInterpretation = "RGB" if colour else "MONOCHROME2"
    if colour:
        dataset.PlanarConfiguration = 0
    sizes = pixels.shape[:-1] if colour else pixels.shape
    dataset.Rows, dataset.Columns = sizes[-2:]
    if len(sizes) == 3:
        dataset.NumberOfFrames = sizes[0]
    bits = pixels.dtype.itemsize * 8
    dataset.BitsAllocated = dataset.BitsStored = bits
    dataset.HighBit = bits - 1
    dataset.PixelRepresentation = int(pixels.dtype.kind == "i")
    order = ">" if syntax == ExplicitVRBigEndian else "<"
    data = pixels.astype(pixels.dtype.newbyteorder(order)).tobytes()
    dataset.PixelData = data + b"\0" * (len(data) % 2)
    dataset["PixelData"].VR = "OW" if bits > 8 else "OB"
    for name, value in elements.items():
        setattr(dataset, name, value)
    return dataset


def write(dataset: Dataset, path: Path) -> Path:
    """Write an instance as a DICOM file, whatever irregular values it holds."""
    known = dataset.file_meta.TransferSyntaxUID.is_transfer_syntax
    if known:
        dataset.save_as(path, enforce_file_format=True)
    else:  # a syntax that pydicom has no name for
        dataset.preamble = b"\0" * 128
        dataset["PixelData"].is_undefined_length = True
        dataset.save_as(path, force_encoding=True, implicit_vr=False, little_endian=True)
    return path


def write_encapsulated(dataset: Dataset, frames: list[bytes], syntax: str, path: Path) -> Path:
    """Replace the pixels by compressed frames and write the file."""
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.PixelData = encapsulate(frames)
    dataset["PixelData"].VR = "OB"
    return write(dataset, path)


def region(**changes: object) -> Dataset:
    """A trusted B-mode region of 0.2 mm pixels on a frame of 64 rows and 80 columns."""
    item = Dataset()
    item.RegionSpatialFormat = 1
    item.RegionDataType = 1
    item.RegionFlags = 0
    item.RegionLocationMinX0, item.RegionLocationMinY0 = 0, 0
    item.RegionLocationMaxX1, item.RegionLocationMaxY1 = 79, 63
    item.PhysicalUnitsXDirection = item.PhysicalUnitsYDirection = 3
    item.PhysicalDeltaX = item.PhysicalDeltaY = 0.02
    for name, value in changes.items():
        setattr(item, name, value)
    return item


def with_regions(*regions: Dataset, **elements: object) -> Dataset:
    """A grey instance of 64 rows and 80 columns with these regions."""
    return instance(
        np.full((64, 80), 90, np.uint8),
        SequenceOfUltrasoundRegions=Sequence(regions),
        **elements,
    )


def speckle(rows: int = 64, columns: int = 80, seed: int = 0) -> np.ndarray:
    """Smooth random colours ``(H, W, 3)`` uint8, so that lossy coding stays close."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (rows // 8 + 2, columns // 8 + 2, 3)).astype(float)
    y, x = np.arange(rows) / 8, np.arange(columns) / 8
    y0, x0 = y.astype(int), x.astype(int)
    fy, fx = (y - y0)[:, None, None], (x - x0)[None, :, None]
    top = coarse[y0][:, x0] * (1 - fx) + coarse[y0][:, x0 + 1] * fx
    bottom = coarse[y0 + 1][:, x0] * (1 - fx) + coarse[y0 + 1][:, x0 + 1] * fx
    return np.rint(top * (1 - fy) + bottom * fy).astype(np.uint8)
