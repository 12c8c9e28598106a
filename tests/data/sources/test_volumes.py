"""NIfTI-1 and MetaImage: what is read, and what is refused rather than guessed."""

from __future__ import annotations

import gzip
import struct
import zlib

import numpy as np
import pytest
import trees

from echovlm.data.sources.source import Reject
from echovlm.data.sources.volumes import as_grey, read_volume

PICTURE = np.arange(96 * 128, dtype=np.uint32).reshape(96, 128).astype(np.uint8)


def changed(path, offset: int, form: str, *values: float) -> None:
    """Overwrite a field of a gzipped header."""
    data = bytearray(gzip.decompress(path.read_bytes()))
    struct.pack_into(form, data, offset, *values)
    path.write_bytes(gzip.compress(bytes(data)))


@pytest.mark.parametrize(("write", "name"), [(trees.nifti, "a.nii.gz"), (trees.meta, "a.mhd")])
def test_rows_columns_and_spacing_are_those_written(tmp_path, write, name):
    write(tmp_path / name, PICTURE, 0.3)
    volume = read_volume(tmp_path / name)
    assert np.array_equal(volume.frames[0], PICTURE)
    assert volume.pixel_spacing_mm == pytest.approx((0.6, 0.3))


def test_a_big_endian_file_of_deeper_values_is_read(tmp_path):
    header = bytearray(352)
    struct.pack_into(">i", header, 0, 348)
    struct.pack_into(">8h", header, 40, 2, 128, 96, 1, 1, 1, 1, 1)
    struct.pack_into(">h", header, 70, 4)
    struct.pack_into(">8f", header, 76, 1, 0.2, 0.1, 1, 1, 1, 1, 1)
    struct.pack_into(">f", header, 108, 352)
    header[344:348] = b"n+1\0"
    values = PICTURE.astype(np.int16) * 4
    (tmp_path / "a.nii").write_bytes(bytes(header) + values.astype(">i2").tobytes())
    volume = read_volume(tmp_path / "a.nii")
    assert np.array_equal(volume.frames[0], values)
    assert as_grey(volume.frames[0]).max() == 255
    assert volume.pixel_spacing_mm == pytest.approx((0.1, 0.2))


def test_nibabel_and_itk_leave_the_scale_at_one_or_no_number(tmp_path):
    trees.nifti(tmp_path / "a.nii.gz", PICTURE, 0.3)
    for slope, intercept in ((1.0, 0.0), (float("nan"), float("nan"))):
        changed(tmp_path / "a.nii.gz", 112, "<2f", slope, intercept)
        assert np.array_equal(read_volume(tmp_path / "a.nii.gz").frames[0], PICTURE)


@pytest.mark.parametrize(
    ("offset", "form", "values"),
    [
        (70, "<h", [128]),  # RGB
        (112, "<2f", [2.0, 0.0]),  # scaled
        (112, "<2f", [1.0, -5.0]),
        (123, "<B", [3]),  # micrometres
        (80, "<f", [0.0]),  # no spacing
        (80, "<f", [float("nan")]),
        (42, "<h", [300]),  # more columns than there are values
        (344, "<4s", [b"ni1\0"]),  # header and picture in two files
    ],
)
def test_a_nifti_file_that_would_have_to_be_guessed_is_refused(tmp_path, offset, form, values):
    trees.nifti(tmp_path / "a.nii.gz", PICTURE, 0.3)
    changed(tmp_path / "a.nii.gz", offset, form, *values)
    with pytest.raises(Reject, match=r"a\.nii\.gz"):
        read_volume(tmp_path / "a.nii.gz")


def test_a_compressed_meta_image_is_read(tmp_path):
    trees.meta(tmp_path / "a.mhd", PICTURE, 0.3)
    raw = tmp_path / "a.raw"
    raw.write_bytes(zlib.compress(raw.read_bytes()))
    header = (tmp_path / "a.mhd").read_text()
    (tmp_path / "a.mhd").write_text(f"CompressedData = True\n{header}")
    assert np.array_equal(read_volume(tmp_path / "a.mhd").frames[0], PICTURE)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("a.raw", "../a.raw"),
        ("a.raw", "LOCAL"),
        ("MET_UCHAR", "MET_UCHAR_ARRAY"),
        ("DimSize", "Sizes"),
        ("0.3 0.6 1", "0 0.6 1"),
    ],
)
def test_a_meta_image_that_would_have_to_be_guessed_is_refused(tmp_path, old, new):
    trees.meta(tmp_path / "a.mhd", PICTURE, 0.3)
    header = (tmp_path / "a.mhd").read_text()
    assert old in header
    (tmp_path / "a.mhd").write_text(header.replace(old, new))
    with pytest.raises(Reject, match=r"a\.mhd"):
        read_volume(tmp_path / "a.mhd")
