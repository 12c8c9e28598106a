"""Cine loops: speckle that follows a known motion, and a heart of known ejection fraction."""

from __future__ import annotations

import re

import numpy as np
import pytest
from scipy import ndimage

from echovlm.facts.contradictions import check_text
from echovlm.rads.heart import ejection_fraction
from echovlm.simulate.bmode import Scan, envelope, scan_image, scatterer_grid
from echovlm.simulate.cine import TissueScatterers
from echovlm.simulate.heart import function, function_text
from echovlm.simulate.heart.cine import draw_cine
from echovlm.simulate.heart.features import HeartFeatures
from echovlm.simulate.heart.image import compose
from echovlm.simulate.heart.motion import origin
from echovlm.simulate.heart.shape import HeartShape
from echovlm.simulate.studies import SimulatedStudy, make_heart_cine
from echovlm.terms import Anatomy, Language, Mode, Transducer

LINEAR = Scan(Transducer.LINEAR, frequency_mhz=8, depth_mm=36, width_mm=38, noise_db=-50)
PHASED = Scan(
    Transducer.PHASED, frequency_mhz=3, depth_mm=120, sector_deg=80, radius_mm=0, noise_db=-50
)
FRAMES = 14
RESTING = HeartShape(
    is_round=False,
    radius=23.0,
    length=83.0,
    resting_length=83.0,
    wall=9.0,
    right_width=32.0,
    left_atrium=(19.0, 38.0),
    right_atrium=(18.0, 33.0),
    dent=0.0,
)


def shifted_pair(scan: Scan, x_mm: float, z_mm: float) -> tuple[np.ndarray, np.ndarray, float]:
    """Two pictures of even tissue, the second after everything moved by (x, z)."""
    phantom = scan.blank_phantom(0.4)
    scatterers = TissueScatterers(scan, np.random.default_rng(3))
    pictures = []
    for part in (0, 1):
        moved = scatterers.moved(lambda x, z, part=part: (x - part * x_mm, z - part * z_mm))
        image = scan_image(phantom, scan, np.random.default_rng(9 + part), scatterers=moved)
        pictures.append(image.pixels.astype(float))
    return pictures[0], pictures[1], image.spacing_mm


def correlation(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.corrcoef(first.ravel(), second.ravel())[0, 1])


def best_shift(
    before: np.ndarray, after: np.ndarray, at: tuple[int, int], half: int = 24, reach: int = 12
) -> tuple[int, int, float]:
    """Block matching: rows and columns by which a block moved, and the correlation there."""
    row, column = at
    block = before[row - half : row + half, column - half : column + half]
    best = (0, 0, -1.0)
    for down in range(-reach, reach + 1):
        for right in range(-reach, reach + 1):
            rows = slice(row - half + down, row + half + down)
            columns = slice(column - half + right, column + half + right)
            match = correlation(block, after[rows, columns])
            if match > best[2]:
                best = (down, right, match)
    return best


@pytest.mark.parametrize(("x_mm", "z_mm"), [(0.0, 0.8), (0.9, 0.0), (-0.7, -0.5)])
def test_block_matching_recovers_an_imposed_displacement(x_mm: float, z_mm: float) -> None:
    before, after, spacing = shifted_pair(LINEAR, x_mm, z_mm)
    for at in ((100, 90), (160, 200)):
        down, right, match = best_shift(before, after, at)
        assert down * spacing == pytest.approx(z_mm, abs=spacing)
        assert right * spacing == pytest.approx(x_mm, abs=spacing)
        assert match > 0.85


def test_speckle_keeps_along_the_motion_and_is_lost_without_following_it() -> None:
    before, after, spacing = shifted_pair(LINEAR, 1.3, 0.0)
    step = round(1.3 / spacing)
    inner = slice(60, 240)
    followed = correlation(before[inner, 60:200], after[inner, 60 + step : 200 + step])
    assert followed > 0.9
    assert correlation(before[inner, 60:200], after[inner, 60:200]) < 0.2


def test_a_sector_follows_a_displacement_in_depth_as_well() -> None:
    before, after, spacing = shifted_pair(PHASED, 0.0, 2.2)
    middle = before.shape[1] // 2
    down, right, match = best_shift(before, after, (140, middle), reach=8)
    assert down * spacing == pytest.approx(2.2, abs=spacing)
    assert abs(right) <= 1
    assert match > 0.8


def test_moved_tissue_keeps_its_brightness_and_its_speckle_statistics() -> None:
    scatterers = TissueScatterers(LINEAR, np.random.default_rng(0))
    ranges, lateral = scatterer_grid(LINEAR)
    step, pitch = float(ranges[1] - ranges[0]), float(lateral[1] - lateral[0])
    powers = []
    for across, down in ((0.0, 0.0), (0.5, 0.0), (0.0, 0.5), (0.5, 0.5), (7.3, 3.25)):
        moved = scatterers.moved(lambda x, z, a=across, d=down: (x - a * pitch, z - d * step))
        echo = envelope(LINEAR.blank_phantom(0.4), LINEAR, np.random.default_rng(1), moved)
        middle = echo.amplitude[40:-40, 20:-20]
        powers.append(10 * np.log10(np.mean(middle**2)))
        assert middle.mean() / middle.std() == pytest.approx(1.913, abs=0.1)
    assert np.ptp(powers) < 0.3  # dB


def test_equal_seeds_give_equal_scatterers() -> None:
    first, second = (TissueScatterers(LINEAR, np.random.default_rng(5)) for _ in range(2))
    still = [field.moved(lambda x, z: (x, z)) for field in (first, second)]
    assert np.array_equal(*still)


@pytest.mark.parametrize("part", [0.1, 0.4, 0.66, 0.9])
def test_material_points_of_the_wall_stay_on_its_borders(part: float) -> None:
    now = RESTING.contracted(1.0, 0.6)
    v = np.array([part * now.length] * 2)
    inner = float(now.side(np.array(part)))
    for sign in (-1, 1):
        u, along = origin(sign * np.array([inner, inner + now.wall]), v, now, RESTING)
        rest = float(RESTING.side(np.array(part)))
        assert sign * u == pytest.approx([rest, rest + RESTING.wall], rel=1e-3)
        assert along == pytest.approx(part * RESTING.length, rel=1e-6)


def test_nothing_moves_at_end_diastole_and_far_from_the_heart() -> None:
    u, v = np.meshgrid(np.linspace(-80, 80, 33), np.linspace(-30, 150, 37))
    assert np.allclose(origin(u, v, RESTING, RESTING), (u, v))
    far_u, far_v = origin(np.array([160.0, -190.0]), np.array([40.0, 40.0]), *moved())
    assert far_u == pytest.approx([160, -190], abs=0.05)
    assert far_v == pytest.approx([40, 40], abs=0.05)


def moved() -> tuple[HeartShape, HeartShape]:
    return RESTING.contracted(1.0, 0.6), RESTING


@pytest.fixture(scope="module")
def loops() -> list[SimulatedStudy]:
    """One loop of each grade."""
    found: dict[str, SimulatedStudy] = {}
    for seed in range(60):
        features = function.sample(np.random.default_rng([seed, 1]))
        if features.grade not in found:
            found[features.grade] = make_heart_cine(seed, FRAMES)
    return [found[grade] for grade in function.GRADES]


def test_area_length_from_the_true_masks_gives_the_stated_ejection_fraction(
    loops: list[SimulatedStudy],
) -> None:
    for case in loops:
        stated = case.measurements()["ejection_fraction_percent"]
        volumes = [mask_volume(mask) for mask in case.truth.ventricle]
        assert 100 * (1 - min(volumes) / volumes[0]) == pytest.approx(stated, abs=2)
        by_truth = case.truth.volumes_ml()
        assert 100 * (1 - by_truth.min() / by_truth[0]) == pytest.approx(stated, abs=2)
        assert by_truth[0] == pytest.approx(case.measurements()["end_diastolic_volume_ml"], rel=0.1)
        assert by_truth.argmin() == case.truth.contraction.argmax()


def mask_volume(mask: np.ndarray) -> float:
    """Volume by area-length, up to a factor, from the mask alone: its length along its own axis."""
    spots = np.argwhere(mask).astype(float)
    spots -= spots.mean(axis=0)
    axis = np.linalg.svd(spots, full_matrices=False)[2][0]
    along = spots @ axis
    return float(mask.sum()) ** 2 / float(np.ptp(along) + 1)


def test_the_ventricle_is_dark_inside_its_mask_and_bright_around_it(
    loops: list[SimulatedStudy],
) -> None:
    for case in loops:
        for index in (0, 5):
            picture, mask = case.truth.pixels[index], case.truth.ventricle[index]
            core = ndimage.binary_erosion(mask, iterations=8)
            rim = ndimage.binary_dilation(mask, iterations=9)
            rim &= ~ndimage.binary_dilation(mask, iterations=3)
            assert np.median(picture[core]) < 0.6 * np.median(picture[rim])


def wall_spots(features: HeartFeatures, seed: int, time: float, spacing_mm: float) -> np.ndarray:
    """Rows and columns of the middle of the left ventricular wall at a few parts of its length."""
    scene_seed = int(np.random.default_rng(seed).integers(2**63))
    scene = compose(features, np.random.default_rng(scene_seed), time, origin)
    parts = np.array([0.45, 0.6, 0.75])
    flank = scene.shape.side(parts) + scene.shape.wall / 2
    spots = [np.stack([sign * flank, parts * scene.shape.length], axis=1) for sign in (-1, 1)]
    x_mm, z_mm = scene.view.place(np.concatenate(spots)).T
    left_mm = -(scene_width(scene.scan, spacing_mm) - 1) / 2 * spacing_mm
    return np.stack([z_mm / spacing_mm - 0.5, (x_mm - left_mm) / spacing_mm], axis=1)


def scene_width(scan: Scan, spacing_mm: float) -> int:
    return round(2 * scan.half_width_mm / spacing_mm)


def test_block_matching_follows_the_ventricles_wall() -> None:
    features = function.sample(np.random.default_rng([4, 1])).heart
    cine = draw_cine(features, np.random.default_rng(8), 20)
    early, late = (wall_spots(features, 8, k / 20, cine.spacing_mm) for k in (2, 3))
    first, second = cine.pixels[2].astype(float), cine.pixels[3].astype(float)
    matches, stays = [], []
    for before, after in zip(early, late, strict=True):
        at = (round(before[0]), round(before[1]))
        down, right, match = best_shift(first, second, at, half=7, reach=8)
        assert down == pytest.approx(after[0] - before[0], abs=1.5)
        assert right == pytest.approx(after[1] - before[1], abs=1.5)
        matches.append(match)
        stays.append(best_shift(first, second, at, half=7, reach=0)[2])
    assert np.hypot(*(late - early).T).max() > 2
    assert np.median(matches) > 0.9
    assert np.median(stays) < np.median(matches) - 0.15


def test_studies_are_bit_equal_per_seed_and_carry_timing_and_calibration(
    loops: list[SimulatedStudy],
) -> None:
    case = loops[0]
    again = make_heart_cine(case.seed, FRAMES)
    clip = case.study.clips[0]
    assert np.array_equal(clip.frames, again.study.clips[0].frames)
    assert case.features == again.features
    assert clip.frames.shape == (FRAMES, *case.truth.pixels.shape[1:], 3)
    assert clip.mode is Mode.B_MODE
    assert clip.is_calibrated
    assert clip.frame_time_ms is not None
    beat_ms = 60_000 / case.measurements()["heart_rate_per_minute"]
    assert FRAMES * clip.frame_time_ms == pytest.approx(beat_ms)


def test_facts_state_the_ejection_fraction_and_a_label_only_where_one_fits(
    loops: list[SimulatedStudy],
) -> None:
    for case in loops:
        facts = {fact.name: fact.value for fact in case.facts()}
        assert facts["anatomy"] == Anatomy.HEART
        assert facts["ejection_fraction_percent"] == case.features.heart.ejection_fraction_percent
        assert ("diagnosis" in facts) == bool(case.label)
        assert all(fact.origin == "simulated" for fact in case.facts())
        for language in Language:
            assert not check_text(case.report_text(language), case.facts(), language)


def test_grades_lie_in_their_bands_and_texts_part_them_without_numbers() -> None:
    bands = {"normal": (54, 72), "mild": (41, 51), "moderate": (30, 40), "severe": (10, 29)}
    words: dict[str, set[str]] = {}
    for seed in range(120):
        features = function.sample(np.random.default_rng(seed))
        low, high = bands[features.grade]
        assert low <= features.heart.ejection_fraction_percent <= high
        for language in Language:
            found = function_text.findings(features, language)
            impression = function_text.impression(features, language)
            answers = [q.answer for q in function_text.questions(features, language)]
            assert not re.search(r"\d", " ".join([found, impression, *answers]))
            assert not re.search(r"正常心脏|扩大|减低|积液|dilated|reduced|effusion", found)
            words.setdefault(features.grade, set()).add(f"{features.heart.is_dilated} {impression}")
    assert set(words) == set(bands)
    seen = [text for group in words.values() for text in group]
    assert len(seen) == len(set(seen))


def test_the_guideline_grades_the_fraction_alike_for_both_sexes() -> None:
    words = {"normal": "normal", "mild": "mildly", "moderate": "moderately", "severe": "severely"}
    for seed in range(80):
        features = function.sample(np.random.default_rng(seed))
        percent = features.heart.ejection_fraction_percent
        for sex in ("male", "female"):
            grade = ejection_fraction(sex=sex, percent=percent).grade
            assert grade.split()[0] == words[features.grade]


def test_a_loop_too_short_to_show_end_systole_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 12 frames"):
        make_heart_cine(0, frames=5)
