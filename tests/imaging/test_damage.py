"""Random damage: whatever the bytes, a study or one StudyError comes out, in silence."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
from dicom_files import instance, region, speckle, write, write_encapsulated
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from pydicom.sequence import Sequence
from pydicom.uid import JPEGBaseline8Bit, RLELossless

from echovlm.errors import StudyError
from echovlm.imaging import Limits, read, study_images
from echovlm.study import Study

LIMITS = Limits(frame_pixels=4_000_000, clip_bytes=16 << 20, study_bytes=32 << 20)
SAMPLES = ["png", "jpg", "tif", "lzw", "bmp", "gif", "mp4", "avi", "dcm", "rle", "jpeg.dcm"]


def _still(pixels: np.ndarray, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, kind, **options)
    return stream.getvalue()


def _cine(codec: str, container: str, pixel_format: str) -> bytes:
    stream = io.BytesIO()
    with av.open(stream, "w", format=container) as sink:
        video = sink.add_stream(codec, rate=20)
        video.width, video.height, video.pix_fmt = 80, 64, pixel_format
        for seed in range(4):
            sink.mux(video.encode(av.VideoFrame.from_ndarray(speckle(seed=seed), format="rgb24")))
        sink.mux(video.encode())
    return stream.getvalue()


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], bytes]:
    """One sound file of every kind, by its name."""
    folder = tmp_path_factory.mktemp("samples")
    picture = speckle()
    native = instance(picture, SequenceOfUltrasoundRegions=Sequence([region()]), PatientID="1")
    packed = instance(picture)
    packed.compress(RLELossless)
    jpeg = instance(picture, PhotometricInterpretation="YBR_FULL_422")
    files = {
        "png": _still(picture, "PNG"),
        "jpg": _still(picture, "JPEG"),
        "tif": _still(picture, "TIFF"),
        "lzw": _still(picture, "TIFF", compression="tiff_lzw"),
        "bmp": _still(picture, "BMP"),
        "gif": _still(picture, "GIF"),
        "mp4": _cine("libx264", "mp4", "yuv420p"),
        "avi": _cine("mjpeg", "avi", "yuvj420p"),
        "dcm": write(native, folder / "native").read_bytes(),
        "rle": write(packed, folder / "rle").read_bytes(),
        "jpeg.dcm": write_encapsulated(
            jpeg, [_still(picture, "JPEG")], JPEGBaseline8Bit, folder / "jpeg"
        ).read_bytes(),
    }
    return files.__getitem__


@pytest.fixture
def read_bytes(tmp_path: Path) -> Callable[[bytes], Study | None]:
    """Read bytes as a file; None where they are refused as they should be."""

    def read_or_refuse(data: bytes) -> Study | None:
        path = tmp_path / "file"
        path.write_bytes(data)
        refusal = None
        try:
            study = read(path, LIMITS)
        except StudyError as error:
            refusal = error
        if refusal is not None:
            assert str(refusal).startswith(f"{path}: ")
            assert "\n" not in str(refusal)
            return None
        for clip in study.clips:
            assert clip.frames.dtype == np.uint8
            assert clip.frames.nbytes <= LIMITS.clip_bytes
        assert study_images(study)
        return study

    return read_or_refuse


fuzzing = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
starts = st.sampled_from(
    [
        b"",
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff\xe0",
        b"II*\x00",
        b"MM\x00*",
        b"BM",
        b"GIF89a",
        b"RIFF\0\0\0\0AVI ",
        b"\0\0\0\x18ftypisom",
        b"\0" * 128 + b"DICM",
        b"\x08\x00\x05\x00CS",
    ]
)


@fuzzing
@given(starts, st.binary(max_size=600))
def test_random_bytes(
    read_bytes: Callable[[bytes], Study | None],
    capfd: pytest.CaptureFixture[str],
    start: bytes,
    rest: bytes,
) -> None:
    read_bytes(start + rest)
    assert capfd.readouterr() == ("", "")


@fuzzing
@given(st.sampled_from(SAMPLES), st.floats(0, 1))
def test_truncated_files(
    read_bytes: Callable[[bytes], Study | None],
    sample: Callable[[str], bytes],
    capfd: pytest.CaptureFixture[str],
    kind: str,
    share: float,
) -> None:
    whole = sample(kind)
    study = read_bytes(whole[: int(len(whole) * share)])
    if study is not None:  # what is still read has lost nothing but trailing bytes
        sound = read_bytes(whole)
        assert sound is not None
        for clip, other in zip(study.clips, sound.clips, strict=True):
            kept = len(clip.frames)
            assert np.array_equal(clip.frames, other.frames[:kept])
            assert kept >= len(other.frames) - 1
    assert capfd.readouterr() == ("", "")


@fuzzing
@given(
    st.sampled_from(SAMPLES),
    st.lists(st.tuples(st.floats(0, 1), st.integers(1, 255)), min_size=1, max_size=12),
    st.booleans(),
)
def test_flipped_bits(
    read_bytes: Callable[[bytes], Study | None],
    sample: Callable[[str], bytes],
    capfd: pytest.CaptureFixture[str],
    kind: str,
    flips: list[tuple[float, int]],
    in_header: bool,
) -> None:
    data = bytearray(sample(kind))
    span = min(len(data), 1200) if in_header else len(data)
    for place, bits in flips:
        data[min(int(place * span), span - 1)] ^= bits
    read_bytes(bytes(data))
    assert capfd.readouterr() == ("", "")


def test_every_sample_is_sound(
    read_bytes: Callable[[bytes], Study | None], sample: Callable[[str], bytes]
) -> None:
    assert all(read_bytes(sample(kind)) is not None for kind in SAMPLES)
