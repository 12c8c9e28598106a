"""Colour Doppler: the colour is the velocity along the beam, wrapped at the Nyquist velocity."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from echovlm.simulate import vascularity, vascularity_text
from echovlm.simulate.bmode import BModeImage
from echovlm.simulate.doppler import (
    BAR_WIDTH_PX,
    ColourBox,
    ColourImage,
    Flow,
    alias,
    colour_image,
    colours,
    pixel_positions,
)
from echovlm.simulate.places import Place
from echovlm.simulate.scanner import Variation
from echovlm.simulate.studies import make_carotid_doppler, make_nodule_doppler
from echovlm.simulate.vessel import stenosis
from echovlm.simulate.vessel.flow import lumen_flow
from echovlm.simulate.vessel.image import Lumen
from echovlm.terms import Language, Mode

SPACING_MM = 0.13
MIDDLE_MM, HALF_MM = 16.0, 3.0
PICTURE = BModeImage(np.full((240, 300), 20, np.uint8), SPACING_MM, -149.5 * SPACING_MM, 0.0)
BOX = ColourBox(-9, 5, 11, 21, steering_deg=20, nyquist_cm_per_s=60, wall_filter_cm_per_s=2)


def tube(peak_cm_per_s: float, slope: float = 0.0) -> Flow:
    """Parabolic flow to the right in a straight tube."""
    x_mm, z_mm = pixel_positions(PICTURE)
    across = (z_mm - MIDDLE_MM - slope * x_mm) / HALF_MM
    speed = peak_cm_per_s * np.clip(1 - across**2, 0, None) / np.hypot(1, slope)
    return Flow(speed, speed * slope, (np.abs(across) < 1).astype(float), np.zeros(across.shape))


def scanned(peak_cm_per_s: float, box: ColourBox = BOX, slope: float = 0.0) -> ColourImage:
    return colour_image(PICTURE, tube(peak_cm_per_s, slope), box, np.random.default_rng(0))


def axis_values(picture: ColourImage, velocity: np.ndarray) -> np.ndarray:
    """Values along the tube's middle inside the box."""
    row = round(MIDDLE_MM / SPACING_MM - 0.5)
    return velocity[row, np.flatnonzero(picture.inside[row])[6:-6]]


@pytest.mark.parametrize("steering", [-20, -10, 10, 20])
def test_colour_is_the_velocity_times_the_cosine_of_the_beam_angle(steering: float) -> None:
    box = dataclasses.replace(BOX, steering_deg=steering)
    picture = scanned(100, box)
    # Beams that lean right with depth run along with flow to the right: it moves away.
    expected = -100 * np.sin(np.deg2rad(steering))
    assert axis_values(picture, picture.velocity_cm_per_s) == pytest.approx(expected, rel=0.01)
    shown = axis_values(picture, picture.shown_cm_per_s)
    assert np.nanmean(shown) == pytest.approx(expected, rel=0.06)


def test_beams_straight_down_see_no_flow_across_them_and_all_of_a_slope() -> None:
    straight = dataclasses.replace(BOX, steering_deg=0.0)
    assert np.isnan(scanned(100, straight).shown_cm_per_s).all()
    sloped = scanned(100, straight, slope=0.3)
    expected = -100 * 0.3 / np.hypot(1, 0.3)
    assert np.nanmin(sloped.velocity_cm_per_s) == pytest.approx(expected, rel=0.02)


def test_the_profile_across_the_tube_is_parabolic() -> None:
    picture = scanned(100)
    column = round((0.0 - PICTURE.left_mm) / SPACING_MM)
    shown = picture.shown_cm_per_s[:, column]
    rows = np.flatnonzero(np.isfinite(shown))
    across = ((rows + 0.5) * SPACING_MM - MIDDLE_MM) / HALF_MM
    inner = np.abs(across) < 0.7
    expected = -100 * np.sin(np.deg2rad(20)) * (1 - across**2)
    assert shown[rows][inner] == pytest.approx(expected[inner], rel=0.2)
    # Slow flow at the wall is filtered away.
    assert np.abs(shown[rows]).min() >= BOX.wall_filter_cm_per_s


def test_velocities_past_nyquist_turn_into_the_opposite_colour() -> None:
    picture = scanned(100, dataclasses.replace(BOX, nyquist_cm_per_s=25))
    true = axis_values(picture, picture.velocity_cm_per_s)
    shown = axis_values(picture, picture.shown_cm_per_s)
    assert (true < -25).all()
    assert np.nanmedian(shown) == pytest.approx(50 + np.median(true), abs=2)
    row = round(MIDDLE_MM / SPACING_MM - 0.5)
    red, _, blue = picture.pixels[row, 110].astype(int)
    assert red > blue


@given(st.floats(-500, 500), st.floats(5, 100))
def test_aliasing_keeps_the_phase_and_stays_on_the_scale(velocity: float, nyquist: float) -> None:
    wrapped = float(alias(np.array(velocity), nyquist))
    assert -nyquist <= wrapped <= nyquist
    turns = (velocity - wrapped) / (2 * nyquist)
    assert turns == pytest.approx(round(turns), abs=1e-6)


def test_red_is_towards_and_blue_away_and_faster_is_brighter() -> None:
    towards, away = colours(np.array([0.2, 0.5, 1.0])), colours(np.array([-0.2, -0.5, -1.0]))
    assert (towards[:, 0] > towards[:, 2]).all()
    assert (away[:, 2] > away[:, 0]).all()
    for ramp in (towards, away):
        assert (np.diff(ramp.sum(axis=1).astype(int)) > 0).all()


def test_outside_the_box_the_picture_is_unchanged_and_grey() -> None:
    picture = scanned(100)
    height, width = PICTURE.pixels.shape
    assert picture.pixels.shape == (height, width + BAR_WIDTH_PX, 3)
    outside = ~picture.inside
    for channel in range(3):
        assert np.array_equal(picture.pixels[:, :width, channel][outside], PICTURE.pixels[outside])
    x0, y0, x1, y1 = picture.region
    assert picture.inside[y0:y1, x0:x1].sum() == picture.inside.sum()
    assert picture.inside[y0].any()
    assert picture.inside[:, x1 - 1].any()


def test_without_flow_nothing_is_coloured() -> None:
    still = scanned(0)
    assert np.isnan(still.shown_cm_per_s).all()
    inner = still.pixels[:, : PICTURE.pixels.shape[1]]
    assert (inner[..., 0] == inner[..., 2]).all()


def test_bright_tissue_hides_colour() -> None:
    bright = dataclasses.replace(PICTURE, pixels=np.full_like(PICTURE.pixels, 240))
    picture = colour_image(bright, tube(100), BOX, np.random.default_rng(0))
    assert np.isnan(picture.shown_cm_per_s).all()


def test_a_box_outside_the_picture_is_refused() -> None:
    with pytest.raises(ValueError, match="outside the picture"):
        scanned(100, dataclasses.replace(BOX, top_mm=90, bottom_mm=99))


def test_equal_generators_give_equal_pictures() -> None:
    assert np.array_equal(scanned(80).pixels, scanned(80).pixels)


def test_the_jet_in_a_stenosis_has_the_stated_peak_velocity() -> None:
    x_mm = np.linspace(-19, 19, 400)
    narrow = 1.9 * np.exp(-((x_mm / 4) ** 2))
    lumen = Lumen(x_mm, MIDDLE_MM - 2.6 + narrow, np.full(400, MIDDLE_MM + 2.6))
    features = stenosis.sample(np.random.default_rng(1), ">=70 %")
    flow = lumen_flow(PICTURE, lumen, features, 1, 1.0)
    speed = np.hypot(flow.x_cm_per_s, flow.z_cm_per_s)
    assert speed.max() == pytest.approx(features.psv_cm_per_s, rel=0.03)
    assert abs(PICTURE.left_mm + speed.max(axis=0).argmax() * SPACING_MM) < 1
    far_before = speed[:, 10].max()
    assert far_before == pytest.approx(features.common_psv_cm_per_s, rel=0.1)


@pytest.mark.parametrize("name", stenosis.STENOSES)
def test_carotid_studies_show_colour_in_the_lumen_only(name: str) -> None:
    case = make_carotid_doppler(3, name)
    colour = case.study.clips[0]
    duplex = case.truth
    shown = np.isfinite(duplex.colour.shown_cm_per_s)
    if name == "occlusion":
        assert not shown.any()
    else:
        assert shown.sum() > 150
        near, far = duplex.lumen.near_mm.min(), duplex.lumen.far_mm.max()
        depth = pixel_positions(duplex.image)[1][shown]
        assert depth.min() > near - 0.7
        assert depth.max() < far + 0.7
    modes = [region.mode for region in colour.regions]
    assert modes[:2] == [Mode.COLOUR_DOPPLER, Mode.B_MODE]
    assert colour.mode is Mode.COLOUR_DOPPLER
    assert colour.is_calibrated
    height, width = colour.frames.shape[1:3]
    for region in colour.regions:
        x0, y0, x1, y1 = region.box
        assert 0 <= x0 < x1 <= width
        assert 0 <= y0 < y1 <= height


NODULE = Place("nodule", 1.0, 15.0, 14.0, 9.0, 0.3, (-6.0, 10.0, 8.0, 20.0))


def reach_in_nodule(picture: BModeImage) -> np.ndarray:
    """How far each pixel lies from the nodule's middle, 1 on its border."""
    x_mm, z_mm = pixel_positions(picture)
    dx, dz = x_mm - NODULE.x_mm, z_mm - NODULE.z_mm
    cos, sin = np.cos(NODULE.angle_rad), np.sin(NODULE.angle_rad)
    return np.hypot(
        (dx * cos + dz * sin) / (NODULE.long_mm / 2), (dz * cos - dx * sin) / (NODULE.short_mm / 2)
    )


@pytest.mark.parametrize("seed", range(3))
def test_vessels_lie_inside_the_nodule_or_along_its_rim(seed: int) -> None:
    reach = reach_in_nodule(PICTURE)
    blood = {
        pattern: vascularity.nodule_flow(
            PICTURE, NODULE, pattern, np.random.default_rng(seed)
        ).blood
        > 0.5
        for pattern in vascularity.PATTERNS
    }
    assert not blood["absent"].any()
    assert blood["internal"].sum() > 300
    assert reach[blood["internal"]].max() < 1.12
    assert np.median(reach[blood["internal"]]) < 0.8
    assert blood["rim"].sum() > 300
    assert reach[blood["rim"]].min() > 0.75
    assert reach[blood["rim"]].max() < 1.25
    turns = np.arctan2(
        *(pixel_positions(PICTURE)[k][blood["rim"]] - c for k, c in ((1, 15), (0, 1)))
    )
    assert np.histogram(turns, 8, (-np.pi, np.pi))[0].min() > 0


def test_nodule_studies_show_the_stated_vascularity_and_say_it() -> None:
    seen = set()
    for seed in range(24):
        case = make_nodule_doppler(seed)
        pattern = case.features.vascularity
        seen.add(pattern)
        shown = np.isfinite(case.truth.shown_cm_per_s).sum()
        assert (shown == 0) if pattern == "absent" else (shown > 60)
        stated = [fact for fact in case.facts() if fact.name == "vascularity"]
        assert [fact.lesion for fact in stated] == list(range(1, case.features.count + 1))
        assert {fact.value for fact in stated} == {pattern}
        described = {fact.name for fact in case.facts() if fact.lesion == 1}
        assert {"structure", "margin", "echogenicity", "size_long_mm"} <= described
        assert case.label.startswith(case.anatomy.value)
        topics = [[q.topic for q in case.questions(la)] for la in Language]
        assert topics[0] == topics[1]
    assert seen == set(vascularity.PATTERNS)


def test_cysts_have_no_vessels() -> None:
    for label in ("breast-cyst", "thyroid-colloid-cyst"):
        for seed in range(20):
            features = vascularity.sample(np.random.default_rng(seed), label)
            assert features.vascularity == "absent"
            assert "未见血流信号" in vascularity_text.findings(features, Language.CHINESE)


def test_a_label_without_a_nodule_is_refused() -> None:
    with pytest.raises(ValueError, match="no nodule belongs to 'liver-cyst'"):
        make_nodule_doppler(0, "liver-cyst")


def test_the_scanners_settings_change_the_picture_and_nothing_that_is_true() -> None:
    for make in (make_carotid_doppler, make_nodule_doppler):
        narrow, wide = make(2), make(2, variation=Variation.WIDE)
        assert narrow.features == wide.features
        assert narrow.facts() == wide.facts()
        pictures = [case.study.clips[0].frames for case in (narrow, wide)]
        assert pictures[0].shape != pictures[1].shape or (pictures[0] != pictures[1]).any()
