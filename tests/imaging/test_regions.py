"""Region calibration: a spacing is given only where every statement of the file supports it."""

from __future__ import annotations

from pathlib import Path

import pytest
from dicom_files import region, with_regions, write
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from echovlm.imaging import read
from echovlm.imaging.regions import clip_spacing, regions_of
from echovlm.study import Clip, Mode


def spacing(*regions: Dataset, **elements: object) -> tuple[tuple[float, float] | None, str]:
    dataset = with_regions(*regions, **elements)
    return clip_spacing(dataset, regions_of(dataset, 64, 80))


def boxes(*regions: Dataset) -> list[tuple[int, int, int, int]]:
    return [found.box for found in regions_of(with_regions(*regions), 64, 80)]


def clip_of(tmp_path: Path, *regions: Dataset) -> Clip:
    return read(write(with_regions(*regions), tmp_path / "a")).clips[0]


def test_spacing_is_ten_times_the_delta_in_cm_by_row_and_column(tmp_path: Path) -> None:
    clip = clip_of(tmp_path, region(PhysicalDeltaX=0.02, PhysicalDeltaY=-0.03))
    assert clip.pixel_spacing_mm == pytest.approx((0.3, 0.2))
    assert clip.calibration_note == ""
    assert clip.mode is Mode.B_MODE
    assert clip.is_calibrated


@pytest.mark.parametrize("units", [(3, 4), (4, 3), (7, 7), (0, 0), (None, 3)])
def test_only_centimetres_on_both_axes_give_a_spacing(units: tuple[int | None, int]) -> None:
    found, note = spacing(
        region(PhysicalUnitsXDirection=units[0], PhysicalUnitsYDirection=units[1])
    )
    assert found is None
    assert "not measured in cm" in note


@pytest.mark.parametrize("delta_cm", [0.0, 1e-6, 40.0, float("nan"), float("inf"), None])
def test_an_implausible_delta_gives_no_spacing(delta_cm: float | None) -> None:
    found, note = spacing(region(PhysicalDeltaX=delta_cm))
    assert found is None
    assert "not plausible" in note


def test_boxes_are_inclusive_and_become_half_open() -> None:
    assert boxes(region(RegionLocationMaxX1=9, RegionLocationMaxY1=19)) == [(0, 0, 10, 20)]


def test_one_pixel_of_excess_is_a_half_open_box_and_trusted() -> None:
    found, note = spacing(region(RegionLocationMaxX1=80, RegionLocationMaxY1=64))
    assert found == pytest.approx((0.2, 0.2))
    assert note == ""


@pytest.mark.parametrize("changes", [{"RegionLocationMaxX1": 81}, {"RegionLocationMaxY1": 200}])
def test_a_box_beyond_the_frame_is_clipped_and_makes_every_calibration_suspect(
    changes: dict[str, int],
) -> None:
    good = region(RegionLocationMaxX1=39)
    dataset = with_regions(region(**changes), good, PixelSpacing=[0.2, 0.2])
    found = regions_of(dataset, 64, 80)
    assert all(0 <= r.box[0] < r.box[2] <= 80 and 0 <= r.box[1] < r.box[3] <= 64 for r in found)
    assert {r.pixel_spacing_mm for r in found} == {None}
    spacing_mm, note = clip_spacing(dataset, found)
    assert spacing_mm is None
    assert "suspect" in note


def test_a_suspect_box_outside_the_frame_still_spoils_the_calibration() -> None:
    outside = region(RegionLocationMinY0=100, RegionLocationMaxY1=150, RegionSpatialFormat=4)
    found, note = spacing(outside, region())
    assert found is None
    assert "suspect" in note


def test_high_priority_comes_first_then_the_larger_region() -> None:
    low_large = region(RegionFlags=1)
    high_small = region(RegionFlags=2, RegionLocationMaxX1=9, RegionLocationMaxY1=9)
    high_large = region(RegionFlags=2, RegionLocationMaxX1=39)
    assert boxes(low_large, high_small, high_large) == [
        (0, 0, 40, 64),
        (0, 0, 10, 10),
        (0, 0, 80, 64),
    ]


def test_panes_that_agree_share_a_spacing_and_panes_that_differ_have_none() -> None:
    left = region(RegionLocationMaxX1=39)
    right = region(RegionLocationMinX0=40)
    assert spacing(left, right)[0] == pytest.approx((0.2, 0.2))
    found, note = spacing(left, region(RegionLocationMinX0=40, PhysicalDeltaX=0.05))
    assert found is None
    assert "disagree" in note


def test_velocity_and_time_axes_do_not_disturb_the_picture(tmp_path: Path) -> None:
    spectrum = region(
        RegionSpatialFormat=3,
        RegionDataType=3,
        RegionLocationMinY0=40,
        PhysicalUnitsXDirection=4,
        PhysicalUnitsYDirection=7,
        PhysicalDeltaX=0.004,
        PhysicalDeltaY=-0.5,
    )
    clip = clip_of(tmp_path, region(RegionLocationMaxY1=39), spectrum)
    assert clip.pixel_spacing_mm == pytest.approx((0.2, 0.2))
    assert [r.mode for r in clip.regions] == [Mode.B_MODE, Mode.SPECTRAL_DOPPLER]
    assert clip.regions[1].pixel_spacing_mm is None
    assert clip.mode is Mode.B_MODE


def test_a_colour_box_makes_the_clip_colour_doppler(tmp_path: Path) -> None:
    box = region(RegionDataType=2, RegionLocationMinX0=20, RegionLocationMaxX1=50)
    clip = clip_of(tmp_path, region(), box)
    assert clip.mode is Mode.COLOUR_DOPPLER
    assert clip.pixel_spacing_mm == pytest.approx((0.2, 0.2))


def test_pixel_spacing_is_used_alone_and_must_agree_with_regions() -> None:
    assert spacing(PixelSpacing=[0.3, 0.2]) == ((0.3, 0.2), "")
    assert spacing(region(), PixelSpacing=[0.2, 0.2])[0] == pytest.approx((0.2, 0.2))
    assert spacing(region(), PixelSpacing=[0.4, 0.4]) == (
        None,
        "the file states pixel spacings that disagree",
    )
    for nonsense in ([0, 0], [-1, 0.2], [900, 900], [0.2]):
        assert spacing(PixelSpacing=nonsense)[0] is None


def test_without_any_statement_the_note_says_so() -> None:
    assert spacing() == (None, "the file states no pixel spacing")


def test_incomplete_regions_are_passed_over() -> None:
    broken = region()
    del broken.RegionLocationMaxX1
    turned = region(RegionLocationMinX0=50, RegionLocationMaxX1=40)
    bare = Dataset()
    assert boxes(broken, turned, bare) == []


codes = st.one_of(st.none(), st.integers(0, 65535))
lengths = st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True))
corners = st.one_of(st.none(), st.integers(0, 2**31))


@given(
    st.lists(
        st.tuples(
            codes, codes, codes, codes, codes, lengths, lengths, corners, corners, corners, corners
        ),
        max_size=3,
    )
)
def test_any_regions_give_boxes_inside_the_frame_and_plausible_spacing(
    values: list[tuple[object, ...]],
) -> None:
    names = (
        "RegionSpatialFormat",
        "RegionDataType",
        "RegionFlags",
        "PhysicalUnitsXDirection",
        "PhysicalUnitsYDirection",
        "PhysicalDeltaX",
        "PhysicalDeltaY",
        "RegionLocationMinX0",
        "RegionLocationMinY0",
        "RegionLocationMaxX1",
        "RegionLocationMaxY1",
    )
    dataset = with_regions(*(region(**dict(zip(names, v, strict=True))) for v in values))
    found = regions_of(dataset, 64, 80)
    for one in found:
        x0, y0, x1, y1 = one.box
        assert 0 <= x0 < x1 <= 80
        assert 0 <= y0 < y1 <= 64
        assert (one.pixel_spacing_mm is None) == bool(one.calibration_note)
    spacing_mm, note = clip_spacing(dataset, found)
    assert (spacing_mm is None) == bool(note)
    if spacing_mm is not None:
        assert all(0.002 <= value <= 5 for value in spacing_mm)
