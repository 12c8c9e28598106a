from __future__ import annotations

import numpy as np
import pytest
from drawn import ellipse, speckle

from echovlm.data.descriptors import describe

PICTURE = speckle(0, np.full((300, 340), 100.0))


@pytest.mark.parametrize("degrees", [0, 20, 45, 90])
def test_feret_diameters_of_an_ellipse_are_its_axes(degrees: float) -> None:
    size = describe(PICTURE, ellipse((150, 170), 80, 40, degrees), pixel_spacing_mm=(0.1, 0.1)).size
    assert size.long_mm == pytest.approx(16.0, abs=0.15)
    assert size.short_mm == pytest.approx(8.0, abs=0.15)


def test_a_rectangle_is_as_many_pixels_wide_as_it_has_columns() -> None:
    mask = np.zeros((300, 340), bool)
    mask[100:150, 120:220] = True
    size = describe(PICTURE, mask, pixel_spacing_mm=(0.2, 0.1)).size
    assert size.lateral_mm == pytest.approx(10.0)
    assert size.depth_extent_mm == pytest.approx(10.0)
    assert size.short_mm == pytest.approx(10.0)
    assert size.long_mm == pytest.approx(np.hypot(10, 10))


def test_an_uncalibrated_picture_has_no_lengths() -> None:
    size = describe(PICTURE, ellipse((150, 170), 80, 40)).size
    assert (size.long_mm, size.short_mm, size.lateral_mm, size.depth_extent_mm) == (None,) * 4
    assert size.reason == "the picture is not calibrated"


def test_a_lesion_cut_by_the_border_has_no_lengths_and_no_form() -> None:
    found = describe(PICTURE, ellipse((150, 10), 40, 30), pixel_spacing_mm=(0.1, 0.1))
    assert found.size.long_mm is None
    for descriptor in (found.shape, found.orientation, found.margin, found.posterior):
        assert descriptor.word is None
        assert descriptor.reason == "the mask touches the border of the picture"


@pytest.mark.parametrize(
    ("centre", "word"),
    [((50, 57), "upper left"), ((150, 170), "centre"), ((250, 284), "lower right")],
)
def test_position_is_the_cell_of_the_centre(centre: tuple[float, float], word: str) -> None:
    found = describe(PICTURE, ellipse(centre, 25, 20)).image_position
    assert (found.word, found.sure) == (word, True)


def test_position_is_not_sure_beside_a_line_between_cells() -> None:
    assert not describe(PICTURE, ellipse((150, 114), 25, 20)).image_position.sure
