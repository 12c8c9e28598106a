from __future__ import annotations

import numpy as np
import pytest
from drawn import ellipse, grid, speckle, star

from echovlm.data.descriptors import describe

LESION = ellipse((130, 170), 60, 35)
ROWS, COLUMNS = grid()
BEHIND = (ROWS > 130) & (np.abs(COLUMNS - 170) < 58) & ~LESION


def picture(inside: float, behind: float = 0.0, gain: float = 0.0, seed: int = 0) -> np.ndarray:
    """Tissue of 110, a lesion, a change behind it, and a gain that falls with depth."""
    level = 110 + gain * (150 - ROWS) / 150
    level = np.where(BEHIND, level + behind, level)
    return speckle(seed, np.where(LESION, level + inside, level))


@pytest.mark.parametrize("contrast", [-60, -30, 0, 30, 60])
@pytest.mark.parametrize("gain", [-40, 0, 40])
def test_contrast_is_measured_at_equal_depth(contrast: float, gain: float) -> None:
    found = describe(picture(contrast, gain=gain), LESION).echogenicity
    assert found.numbers["contrast at equal depth"] == pytest.approx(contrast, abs=3)


@pytest.mark.parametrize("behind", [-60, 60])
def test_what_lies_behind_a_lesion_does_not_change_its_echogenicity(behind: float) -> None:
    found = describe(picture(-30, behind), LESION).echogenicity
    assert found.numbers["contrast at equal depth"] == pytest.approx(-30, abs=3)


@pytest.mark.parametrize(
    ("inside", "word"), [(-40, "hypoechoic"), (0, "isoechoic"), (40, "hyperechoic")]
)
def test_clear_contrasts_are_sure(inside: float, word: str) -> None:
    found = describe(picture(inside), LESION).echogenicity
    assert (found.word, found.sure) == (word, True), found


@pytest.mark.parametrize("inside", [-14, -10, 10, 14])
def test_contrasts_near_a_threshold_are_not_sure(inside: float) -> None:
    assert not describe(picture(inside), LESION).echogenicity.sure


def test_an_empty_lesion_is_anechoic_only_with_enhancement_behind_it() -> None:
    cyst = np.where(LESION, 2, picture(0, behind=40)).astype(np.uint8)
    dark = np.where(LESION, 2, picture(0, behind=-40)).astype(np.uint8)
    found = describe(cyst, LESION)
    assert (found.echogenicity.word, found.echogenicity.sure) == ("anechoic", True)
    assert found.echotexture.word is None
    assert describe(dark, LESION).echogenicity.word is None


def test_a_difference_in_decibels_needs_the_dynamic_range() -> None:
    known = describe(picture(-51), LESION, dynamic_range_db=60.0).echogenicity.numbers
    assert known["contrast dB"] == pytest.approx(-12.0, abs=0.7)
    assert "contrast dB" not in describe(picture(-51), LESION).echogenicity.numbers


def test_dark_surroundings_give_no_word() -> None:
    found = describe(speckle(0, np.full(LESION.shape, 14.0), 4.0), LESION).echogenicity
    assert found.word is None


def test_another_lesion_beside_it_is_not_compared() -> None:
    other = ellipse((130, 270), 36, 60)
    shown = np.where(other, 0, picture(-30)).astype(np.uint8)
    found = describe(shown, LESION, others=other).echogenicity
    assert found.numbers["contrast at equal depth"] == pytest.approx(-30, abs=4)


@pytest.mark.parametrize(("behind", "word"), [(45, "enhancement"), (-45, "shadowing"), (0, "none")])
def test_bands_behind_are_found_and_sure(behind: float, word: str) -> None:
    found = describe(picture(-30, behind), LESION).posterior
    assert (found.word, found.sure) == (word, True), found
    assert found.numbers["difference"] == pytest.approx(behind, abs=4)


def test_half_enhanced_and_half_shadowed_is_combined() -> None:
    side = np.where(COLUMNS < 170, 50, -50)
    shown = speckle(0, np.where(BEHIND, 110 + side, np.where(LESION, 80, 110)))
    found = describe(shown, LESION).posterior
    assert (found.word, found.sure) == ("combined", True), found


@pytest.mark.parametrize("behind", [12, 17, -17])
def test_slight_changes_behind_are_not_sure(behind: float) -> None:
    assert not describe(picture(-30, behind), LESION).posterior.sure


def test_a_change_that_starts_in_front_of_the_lesion_is_not_sure() -> None:
    column = np.where(np.abs(COLUMNS - 170) < 58, 150.0, 110.0)
    assert not describe(speckle(0, np.where(LESION, 80, column)), LESION).posterior.sure


def test_a_lesion_at_the_lower_end_has_no_posterior_features() -> None:
    low = ellipse((255, 170), 60, 35)
    found = describe(speckle(0, np.where(low, 80.0, 110.0)), low).posterior
    assert found.word is None
    assert "behind" in found.reason


def test_black_far_field_gives_no_posterior_word() -> None:
    shown = speckle(0, np.where(ROWS > 168, 3.0, np.where(LESION, 80.0, 110.0)), 2.0)
    assert describe(shown, LESION).posterior.word is None


def test_even_speckle_is_homogeneous_and_patches_are_heterogeneous() -> None:
    level = np.where(LESION, 70.0, 110.0)
    blobs = ellipse((125, 140), 14, 12) | ellipse((135, 195), 14, 12)
    even = describe(speckle(0, level), LESION).echotexture
    patchy = describe(speckle(0, level + 45 * blobs), LESION).echotexture
    assert (even.word, even.sure) == ("homogeneous", True), even
    assert (patchy.word, patchy.sure) == ("heterogeneous", True), patchy


def test_attenuation_inside_a_lesion_is_no_heterogeneity() -> None:
    level = np.where(LESION, 90 - 0.8 * (ROWS - 130), 110.0)
    assert describe(speckle(0, level), LESION).echotexture.word == "homogeneous"


def test_a_smooth_sharp_border_is_circumscribed_and_a_rough_one_is_not() -> None:
    rough = star((130, 170), 55, 0.10, 11, aspect=1.5)
    smooth = describe(picture(-50), LESION).margin
    uneven = describe(speckle(0, np.where(rough, 60.0, 110.0)), rough).margin
    assert (smooth.word, smooth.sure) == ("circumscribed", True), smooth
    assert (uneven.word, uneven.sure) == ("not circumscribed", True), uneven


def test_a_smooth_outline_over_no_edge_has_no_margin_word() -> None:
    found = describe(speckle(0, np.full(LESION.shape, 110.0)), LESION).margin
    assert found.word is None


def test_words_do_not_change_when_the_picture_is_mirrored() -> None:
    shown = picture(-40, 45)
    one = describe(shown, LESION)
    other = describe(shown[:, ::-1].copy(), LESION[:, ::-1].copy())
    for found, mirrored in zip(one.descriptors, other.descriptors, strict=True):
        assert (found.word, found.sure) == (mirrored.word, mirrored.sure)
