"""Still images of every depth, colour model and defect."""

from __future__ import annotations

import contextlib
import warnings
from pathlib import Path

import numpy as np
import pytest
from dicom_files import speckle
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from echovlm.errors import StudyError
from echovlm.imaging import Limits, read
from echovlm.imaging.stills import eight_bits


def frames_of(path: Path) -> np.ndarray:
    return read(path).clips[0].frames


def saved(path: Path, image: Image.Image, **options: object) -> Path:
    image.save(path, **options)
    return path


@settings(max_examples=25, deadline=None)
@given(
    arrays.arrays(
        np.uint8,
        st.tuples(st.integers(16, 40), st.integers(16, 40), st.just(3)),
        elements=st.integers(0, 255),
    )
)
def test_stills_written_without_loss_come_back_unchanged(
    tmp_path_factory: pytest.TempPathFactory, pixels: np.ndarray
) -> None:
    folder = tmp_path_factory.mktemp("stills")
    for name in ("a.png", "b.bmp", "c.tif"):
        Image.fromarray(pixels).save(folder / name)
    study = read(folder)
    assert [clip.name for clip in study.clips] == ["image 1", "image 2", "image 3"]
    assert all(np.array_equal(clip.frames[0], pixels) for clip in study.clips)
    assert study.left_out == ()
    assert not study.is_calibrated


def test_the_suffix_is_not_believed(tmp_path: Path) -> None:
    picture = speckle()
    saved(tmp_path / "a.png", Image.fromarray(picture)).rename(tmp_path / "a.mp4")
    assert np.array_equal(frames_of(tmp_path / "a.mp4")[0], picture)


def test_deep_grey_is_scaled_by_the_depth_it_uses(tmp_path: Path) -> None:
    ramp = np.tile(np.linspace(0, 1, 64), (32, 1))
    for bits in (8, 10, 12, 16):
        stored = np.rint(ramp * ((1 << bits) - 1)).astype(np.uint16)
        for name in ("a.png", "a.tif"):
            shown = frames_of(saved(tmp_path / name, Image.fromarray(stored)))[0]
            assert np.abs(shown[..., 1] - ramp * 255).max() <= 0.51, (bits, name)


@given(arrays.arrays(np.int32, (4, 4), elements=st.integers(-(2**31), 2**31 - 1)))
def test_scaling_to_eight_bits_keeps_the_order_of_grey_values(grey: np.ndarray) -> None:
    shown = eight_bits(grey).ravel().astype(int)
    order = np.argsort(grey, axis=None)
    assert (np.diff(shown[order]) >= 0).all()


def test_bilevel_palette_and_grey_pictures_become_rgb(tmp_path: Path) -> None:
    picture = Image.fromarray(speckle())
    grey = np.asarray(picture.convert("L"))
    assert np.array_equal(
        frames_of(saved(tmp_path / "l.png", picture.convert("L")))[0, ..., 2], grey
    )
    one = picture.convert("1")
    assert set(np.unique(frames_of(saved(tmp_path / "1.png", one)))) == {0, 255}
    few = picture.quantize(32)
    assert np.array_equal(
        frames_of(saved(tmp_path / "p.png", few))[0], np.asarray(few.convert("RGB"))
    )


def test_transparency_is_laid_over_black(tmp_path: Path) -> None:
    rgba = np.full((32, 32, 4), 200, np.uint8)
    rgba[:, :16, 3], rgba[:, 16:, 3] = 0, 255
    shown = frames_of(saved(tmp_path / "a.png", Image.fromarray(rgba)))[0]
    assert shown[0, 0].tolist() == [0, 0, 0]
    assert shown[0, 31].tolist() == [200, 200, 200]
    keyed = Image.new("P", (32, 32), 3)
    assert frames_of(saved(tmp_path / "b.png", keyed, transparency=3)).max() == 0


def test_a_cmyk_jpeg_is_neither_inverted_nor_refused(tmp_path: Path) -> None:
    picture = speckle()
    path = saved(tmp_path / "a.jpg", Image.fromarray(picture).convert("CMYK"), quality=95)
    assert np.abs(frames_of(path)[0].astype(int) - picture).mean() < 6


def test_exif_orientation_is_applied(tmp_path: Path) -> None:
    picture = np.zeros((32, 64, 3), np.uint8)
    picture[:8, :8] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: show it a quarter clockwise
    shown = frames_of(saved(tmp_path / "a.jpg", Image.fromarray(picture), exif=exif, quality=95))
    assert shown.shape == (1, 64, 32, 3)
    assert shown[0, 2, 28].min() > 200


def test_pages_and_animations_are_cine_loops(tmp_path: Path) -> None:
    few = [Image.fromarray(speckle(seed=index)).quantize(64) for index in range(5)]
    for name, step_ms in (("a.gif", 40.0), ("a.png", 40.0), ("a.tif", None)):
        timing = {"duration": 40} if step_ms else {}
        # One palette serves a whole animated PNG, so its frames are written as RGB.
        pages = [page.convert("RGB") for page in few] if name == "a.png" else few
        path = saved(tmp_path / name, pages[0], save_all=True, append_images=pages[1:], **timing)
        clip = read(path).clips[0]
        assert clip.name == "cine loop 1"
        assert clip.frame_time_ms == step_ms
        for frame, page in zip(clip.frames, pages, strict=True):
            assert np.array_equal(frame, np.asarray(page.convert("RGB"))), name


def test_pages_of_different_sizes_are_refused(tmp_path: Path) -> None:
    pages = [Image.new("L", (40, 40)), Image.new("L", (50, 40))]
    path = saved(tmp_path / "a.tif", pages[0], save_all=True, append_images=pages[1:])
    with pytest.raises(StudyError, match="different sizes"):
        read(path)


@pytest.mark.parametrize("size", [(1, 1), (15, 200), (20000, 20000), (9000, 9000), (16, 3300)])
def test_absurd_sizes_are_refused_in_one_sentence(tmp_path: Path, size: tuple[int, int]) -> None:
    path = saved(tmp_path / "a.png", Image.new("1", size))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(StudyError, match="pixels") as caught:
            read(path)
    assert "\n" not in str(caught.value)


def test_the_limit_of_pixels_is_a_parameter(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.png", Image.new("L", (100, 100)))
    assert read(path, Limits(frame_pixels=10_000)).clips
    with pytest.raises(StudyError, match="100 x 100 pixels, more than"):
        read(path, Limits(frame_pixels=9_999))


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tif", "a.bmp", "a.gif"])
@pytest.mark.parametrize("share", [0.02, 0.2, 0.6, 0.9])
def test_a_truncated_image_is_refused_in_silence(
    tmp_path: Path, name: str, share: float, capfd: pytest.CaptureFixture[str]
) -> None:
    path = saved(tmp_path / name, Image.fromarray(speckle()))
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(StudyError):
        read(path)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_deflate", "jpeg", "packbits"])
def test_libtiff_stays_silent_about_damage(
    tmp_path: Path, compression: str, capfd: pytest.CaptureFixture[str]
) -> None:
    path = saved(tmp_path / "a.tif", Image.fromarray(speckle()), compression=compression)
    data = bytearray(path.read_bytes())
    for index in range(20, len(data) - 260, 41):
        data[index] ^= 0x5A
    path.write_bytes(data)
    with contextlib.suppress(StudyError):
        read(path)
    assert capfd.readouterr() == ("", "")


def test_floating_point_pixels_are_refused(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.tif", Image.fromarray(np.zeros((32, 32), np.float32)))
    with pytest.raises(StudyError, match="floating-point"):
        read(path)


def test_printed_resolution_is_no_calibration(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.png", Image.fromarray(speckle()), dpi=(254, 254))
    clip = read(path).clips[0]
    assert clip.pixel_spacing_mm is None
    assert clip.calibration_note
