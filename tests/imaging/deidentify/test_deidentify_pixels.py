"""Pixels: text outside the regions and inside is gone, the picture is not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from dicom_files import instance, region, write
from planted import burn, ink, tissue
from pydicom import dcmread
from pydicom.sequence import Sequence

from echovlm.imaging.deidentify import Policy, deidentify_instance, write_instance
from echovlm.imaging.deidentify.glyphs import TEXT_SCORE, rows_of_glyphs
from echovlm.imaging.deidentify.pixels import kept_boxes
from echovlm.simulate.cases import make_case
from echovlm.study import Mode, Region

SALT = b"salt of the tests, no secret"


def _framed(picture: np.ndarray, margin: int = 40) -> tuple[np.ndarray, dict[str, int]]:
    """A picture inside a black screen, and the inclusive corners of its region."""
    rows, columns = picture.shape[:2]
    screen = np.zeros((rows + 2 * margin, columns + 2 * margin, 3), np.uint8)
    screen[margin : margin + rows, margin : margin + columns] = picture
    names = ("MinX0", "MinY0", "MaxX1", "MaxY1")
    corners = (margin, margin, margin + columns - 1, margin + rows - 1)
    return screen, {f"RegionLocation{n}": c for n, c in zip(names, corners, strict=True)}


def _file(frames: np.ndarray, path: Path, box: dict[str, int] | None, **elements: object) -> Path:
    if box is not None:
        elements["SequenceOfUltrasoundRegions"] = Sequence([region(**box)])
    return write(instance(frames, **elements), path)


def test_outside_the_region_all_is_black_and_inside_nothing_changes(tmp_path: Path) -> None:
    picture = tissue(seed=3)
    screen, box = _framed(picture)
    burnt = burn(screen, "DOE, JOHN 8472913", (5, 8), size=18)
    path = _file(burnt, tmp_path / "in.dcm", box, PatientName="DOE^JOHN")
    result = deidentify_instance(path, Policy(salt=SALT))
    inside = result.clip.frames[0, 40:-40, 40:-40]
    assert np.array_equal(inside, picture)
    outside = result.clip.frames[0].copy()
    outside[40:-40, 40:-40] = 0
    assert not outside.any()
    assert any(change.action == "blanked" for change in result.changes)


@pytest.mark.parametrize(
    ("text", "place", "size", "grey"),
    [
        ("DOE, JOHN", (30, 30), 16, 255),
        ("ID 8472913", (20, 120), 14, 230),
        ("1981-02-14", (60, 200), 20, 255),
        ("Mercy Hospital", (20, 160), 24, 240),
    ],
)
def test_text_over_tissue_is_masked(
    tmp_path: Path, reader: None, text: str, place: tuple[int, int], size: int, grey: int
) -> None:
    picture = (tissue(seed=3) * 0.6).astype(np.uint8)
    burnt = burn(picture, text, place, size, grey)
    result = deidentify_instance(_file(burnt, tmp_path / "in.dcm", None), Policy(salt=SALT))
    clean = result.clip.frames[0]
    written = ink(picture, burnt)
    assert (clean[written] == 0).mean() > 0.97
    away = ~(clean == 0).all(axis=-1)
    assert np.array_equal(clean[away], picture[away])
    assert away.mean() > 0.75
    assert result.quarantine == ""
    assert result.dataset.BurnedInAnnotation == "NO"


@pytest.mark.parametrize("text", ["张三丰", "姓名：李小明", "北京协和医院"])
def test_chinese_text_is_masked(
    tmp_path: Path, reader: None, chinese_font: Path, text: str
) -> None:
    picture = (tissue(seed=3) * 0.6).astype(np.uint8)
    burnt = burn(picture, text, (40, 60), 20, 255, chinese_font)
    result = deidentify_instance(_file(burnt, tmp_path / "in.dcm", None), Policy(salt=SALT))
    assert (result.clip.frames[0][ink(picture, burnt)] == 0).mean() > 0.97


def test_text_that_shows_in_one_frame_of_a_loop_is_masked_in_all(
    tmp_path: Path, reader: None
) -> None:
    picture = (tissue(seed=3) * 0.6).astype(np.uint8)
    burnt = burn(picture, "DOE, JOHN", (30, 30), 18)
    loop = np.stack([picture, picture, burnt, picture])
    path = _file(loop, tmp_path / "in.dcm", None, FrameTime="40")
    result = deidentify_instance(path, Policy(salt=SALT))
    written = ink(picture, burnt)
    assert (result.clip.frames[:, written] == 0).mean() > 0.97


def test_measurements_stay_only_where_the_policy_says_so(tmp_path: Path, reader: None) -> None:
    picture = np.zeros((240, 320, 3), np.uint8)
    picture = burn(burn(picture, "PSV 85.2 cm/s", (30, 40), 20), "DOE, JOHN", (30, 150), 20)
    path = _file(picture, tmp_path / "in.dcm", None, PatientName="DOE^JOHN")
    strict = deidentify_instance(path, Policy(salt=SALT)).clip.frames[0]
    kept = deidentify_instance(path, Policy(salt=SALT, keep_measurements=True)).clip.frames[0]
    assert not strict.any()
    assert np.array_equal(kept[:120], picture[:120])
    assert not kept[120:].any()


def test_quarantine_is_said_where_the_policy_wants_it(tmp_path: Path, reader: None) -> None:
    burnt = burn((tissue(seed=3) * 0.6).astype(np.uint8), "DOE, JOHN", (30, 30), 18)
    path = _file(burnt, tmp_path / "in.dcm", None)
    result = deidentify_instance(path, Policy(salt=SALT, on_text="quarantine"))
    assert "text was found" in result.quarantine
    assert result.dataset.BurnedInAnnotation == "YES"
    assert [item.CodeValue for item in result.dataset.DeidentificationMethodCodeSequence] == [
        "113100"
    ]


def test_pictures_without_text_are_hardly_touched() -> None:
    masked = []
    for seed in range(8):
        frame = make_case(seed=seed).study.clips[0].frames[0]
        mask = np.zeros(frame.shape[:2], bool)
        for row in rows_of_glyphs(frame):
            x0, y0, x1, y1 = row.box
            mask[y0:y1, x0:x1] |= row.score > TEXT_SCORE
        masked.append(mask.mean())
    assert np.mean(masked) < 0.01
    assert np.max(masked) < 0.04


def test_shape_finds_nearly_all_text_over_dimmed_tissue() -> None:
    rng = np.random.default_rng(5)
    found = []
    for seed in range(12):
        picture = (tissue(seed) * 0.7).astype(np.uint8)
        text = str(rng.choice(["DOE, JOHN", "ID: 8472913", "14/02/1981", "Mercy Hospital"]))
        place = (int(rng.integers(5, 60)), int(rng.integers(20, 220)))
        burnt = burn(picture, text, place, int(rng.integers(12, 26)), int(rng.integers(200, 256)))
        mask = np.zeros(picture.shape[:2], bool)
        for row in rows_of_glyphs(burnt):
            x0, y0, x1, y1 = row.box
            mask[max(0, y0 - 3) : y1 + 3, max(0, x0 - 6) : x1 + 6] |= row.score > TEXT_SCORE
        found.append(mask[ink(picture, burnt)].mean() > 0.9)
    assert np.mean(found) >= 0.9


def test_a_region_that_shows_no_picture_is_not_kept_beside_one_that_does() -> None:
    screen = Region(Mode.UNKNOWN, (0, 0, 640, 480))
    picture = Region(Mode.B_MODE, (84, 48, 484, 416))
    assert kept_boxes((screen, picture), 480, 640) == [picture.box]
    assert kept_boxes((screen,), 480, 640) == [screen.box]
    assert kept_boxes((), 480, 640) == [(0, 0, 640, 480)]


def test_a_box_that_exceeds_the_frame_is_clipped(tmp_path: Path) -> None:
    box = {"RegionLocationMinX0": 20, "RegionLocationMaxX1": 500, "RegionLocationMaxY1": 400}
    path = _file(np.full((64, 80, 3), 90, np.uint8), tmp_path / "in.dcm", box)
    result = deidentify_instance(path, Policy(salt=SALT))
    assert not result.clip.frames[0, :, :20].any()
    assert (result.clip.frames[0, :, 20:] == 90).all()
    assert not result.clip.is_calibrated


@pytest.mark.parametrize("colour", [True, False])
def test_written_pixels_read_back_the_same(tmp_path: Path, colour: bool) -> None:
    picture = tissue(seed=3)
    if colour:
        picture[100:160, 100:160] = (200, 30, 30)
    path = _file(np.stack([picture, picture // 2]), tmp_path / "in.dcm", None, FrameTime="40")
    result = deidentify_instance(path, Policy(salt=SALT))
    write_instance(result, tmp_path / "out.dcm")
    dataset = dcmread(tmp_path / "out.dcm")
    assert dataset.PhotometricInterpretation == ("RGB" if colour else "MONOCHROME2")
    pixels = dataset.pixel_array
    assert np.array_equal(
        pixels if colour else np.repeat(pixels[..., None], 3, -1), result.clip.frames
    )
