"""Sizes inside compressed frames, and the memory they must not cost."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pytest
from dicom_files import instance, speckle, write, write_encapsulated
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from pydicom import dcmread
from pydicom.encaps import generate_frames
from pydicom.uid import JPEG2000Lossless, JPEGBaseline8Bit, JPEGLSLossless

from echovlm.errors import StudyError
from echovlm.imaging import read
from echovlm.imaging.codestream import coded_size


def coded(pixels: np.ndarray, syntax: str) -> bytes:
    dataset = instance(pixels)
    dataset.compress(syntax)
    return next(generate_frames(dataset.PixelData, number_of_frames=1))


def as_jpeg(pixels: np.ndarray, **options: object) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", **options)
    return stream.getvalue()


@pytest.mark.parametrize("shape", [(64, 80, 3), (65, 47, 3), (64, 80)])
def test_every_codec_states_its_size(shape: tuple[int, ...]) -> None:
    pixels = np.full(shape, 77, np.uint8)
    expected = (shape[0], shape[1], 3 if len(shape) == 3 else 1)
    assert coded_size(as_jpeg(pixels)) == expected
    assert coded_size(as_jpeg(pixels, progressive=True)) == expected
    assert coded_size(coded(pixels, JPEG2000Lossless)) == expected
    assert coded_size(coded(pixels, JPEGLSLossless)) == expected
    jp2 = io.BytesIO()
    Image.fromarray(pixels).save(jp2, "JPEG2000", no_jp2=False)
    assert coded_size(jp2.getvalue()) == expected


@pytest.mark.parametrize("size", [(64, 80), (8, 256), (100, 100), (240, 320), (361, 640), (5, 7)])
def test_jpeg_xl_states_its_size(size: tuple[int, int]) -> None:
    imagecodecs = pytest.importorskip("imagecodecs", reason="needs the extra echovlm[jpegxl]")
    pixels = np.zeros((*size, 3), np.uint8)
    for options in ({}, {"usecontainer": True, "effort": 1}):
        assert coded_size(imagecodecs.jpegxl_encode(pixels, **options)) == (*size, None)


def test_the_real_jpeg_xl_file_states_its_size(shared_dir: Path) -> None:
    path = shared_dir / "ultrasound" / "dicom" / "will-jxl.dcm"
    if not path.is_file():
        pytest.skip("needs ../shared/ultrasound/dicom/will-jxl.dcm, which is absent")
    dataset = dcmread(path)
    frame = next(generate_frames(dataset.PixelData, number_of_frames=27))
    assert coded_size(frame) == (708, 1016, None)


@given(
    st.sampled_from([b"", b"\xff\xd8\xff", b"\xff\x4f\xff\x51", b"\xff\x0a", b"\0\0\0\x0cjP  "]),
    st.binary(max_size=200),
)
def test_any_bytes_give_a_size_or_none(start: bytes, rest: bytes) -> None:
    size = coded_size(start + rest)
    assert size is None or len(size) == 3


def test_a_frame_larger_than_the_header_says_is_refused_before_it_is_decoded(
    tmp_path: Path,
) -> None:
    picture = speckle()
    wavelet = bytearray(coded(picture, JPEG2000Lossless))
    struct.pack_into(">L", wavelet, 12, 11_665_888)  # 80 x 11 million pixels: 20 GB
    jpeg = bytearray(as_jpeg(picture))
    place = jpeg.index(b"\xff\xc0")
    struct.pack_into(">HH", jpeg, place + 5, 65_500, 65_500)
    for frame, syntax, interpretation in (
        (wavelet, JPEG2000Lossless, "RGB"),
        (jpeg, JPEGBaseline8Bit, "YBR_FULL_422"),
    ):
        dataset = instance(picture, PhotometricInterpretation=interpretation)
        path = write_encapsulated(dataset, [bytes(frame)], syntax, tmp_path / "a")
        with pytest.raises(StudyError, match="damaged DICOM"):
            read(path)


def tiled_tiff(tile: int, compression: int) -> bytes:
    """A grey 64 x 64 TIFF of one tile (TIFF 6.0, section 15)."""
    entries = [
        (256, 64),
        (257, 64),
        (258, 8),
        (259, compression),
        (262, 1),
        (277, 1),
        (322, tile),
        (323, tile),
        (324, 8),
        (325, 64 * 64),
    ]
    directory = struct.pack("<H", len(entries))
    directory += b"".join(struct.pack("<HHLL", tag, 4, 1, value) for tag, value in entries)
    return b"II*\0" + struct.pack("<L", 8 + 64 * 64) + b"\x80" * 64 * 64 + directory + b"\0" * 4


def test_a_tiff_with_a_huge_tile_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(tiled_tiff(64, compression=1))
    assert read(path).clips[0].frames[0, 5, 5].tolist() == [128, 128, 128]
    path.write_bytes(tiled_tiff(60000, compression=5))
    with pytest.raises(StudyError, match="damaged image"):
        read(path)


def test_wavelet_cine_is_decoded_frame_by_frame(tmp_path: Path) -> None:
    frames = np.stack([speckle(seed=index) for index in range(3)])
    dataset = instance(frames)
    dataset.compress(JPEG2000Lossless)
    assert np.array_equal(read(write(dataset, tmp_path / "a")).clips[0].frames, frames)
