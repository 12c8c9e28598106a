from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from drawn import ellipse, grid
from PIL import Image

from echovlm.data.descriptors import lumen_facts, measure_lumen

ROWS, COLUMNS = grid()


def band(width: float, degrees: float, taper: float = 0.0) -> np.ndarray:
    """A straight vessel through the picture; its width changes by ``taper`` from end to end."""
    turn = np.radians(degrees)
    along = (COLUMNS - 170) * np.cos(turn) + (ROWS - 150) * np.sin(turn)
    across = (ROWS - 150) * np.cos(turn) - (COLUMNS - 170) * np.sin(turn)
    local = width + taper * np.clip(along / 240, -0.5, 0.5)
    # A quarter of a pixel aside, so that a lying band of n pixels has n rows.
    return (np.abs(across + 0.25) <= local / 2) & (np.abs(along) <= 120)


@pytest.mark.parametrize("degrees", [0, 12, 30, -30])
@pytest.mark.parametrize("width", [20, 40])
def test_thickness_of_a_straight_band_is_its_width(width: float, degrees: float) -> None:
    lumen = measure_lumen(band(width, degrees), pixel_spacing_mm=(0.1, 0.1))
    assert lumen.section == "longitudinal"
    for value in (lumen.diameter_mm, lumen.smallest_mm, lumen.largest_mm):
        assert value == pytest.approx(0.1 * width, abs=0.1)


def test_a_tapered_band_has_a_smallest_and_a_largest_thickness() -> None:
    lumen = measure_lumen(band(40, 10, taper=20), pixel_spacing_mm=(0.1, 0.1))
    # A tenth at each end does not count: 32 to 48 pixels, 40 on average.
    assert lumen.smallest_mm == pytest.approx(3.2, abs=0.1)
    assert lumen.diameter_mm == pytest.approx(4.0, abs=0.1)
    assert lumen.largest_mm == pytest.approx(4.8, abs=0.1)


def test_a_curved_band_is_measured_at_right_angles_to_its_centre_line() -> None:
    radius = np.hypot(ROWS - 400, COLUMNS - 170)
    arc = (np.abs(radius - 250) <= 15) & (np.abs(COLUMNS - 170) < 120)
    lumen = measure_lumen(arc, pixel_spacing_mm=(0.1, 0.1))
    assert lumen.diameter_mm == pytest.approx(3.0, abs=0.12)
    assert lumen.largest_mm - lumen.smallest_mm < 0.35


def test_spacing_that_differs_by_direction_is_respected() -> None:
    lumen = measure_lumen(band(30, 0), pixel_spacing_mm=(0.2, 0.1))
    assert lumen.diameter_mm == pytest.approx(6.0, abs=0.1)


def test_a_round_lumen_has_the_diameter_of_its_area() -> None:
    lumen = measure_lumen(ellipse((150, 170), 40, 36, 30), pixel_spacing_mm=(0.1, 0.1))
    assert lumen.section == "transverse"
    assert lumen.diameter_mm == pytest.approx(0.2 * np.sqrt(40 * 36), abs=0.05)
    # Corners of pixels lie up to 1/sqrt(2) of a pixel outside, at both ends.
    assert 7.2 <= lumen.smallest_mm <= 7.2 + 0.1 * np.sqrt(2)
    assert 8.0 <= lumen.largest_mm <= 8.0 + 0.1 * np.sqrt(2)


@pytest.mark.parametrize("section", ["transverse", "longitudinal"])
def test_without_spacing_there_is_a_section_but_no_length(section: str) -> None:
    mask = ellipse((150, 170), 40, 36) if section == "transverse" else band(30, 5)
    lumen = measure_lumen(mask)
    assert lumen.section == section
    assert (lumen.diameter_mm, lumen.smallest_mm, lumen.largest_mm) == (None, None, None)
    assert lumen_facts(mask, image_index=0, pixel_spacing_mm=None) == ()


def test_an_oblique_section_has_no_diameter() -> None:
    lumen = measure_lumen(ellipse((150, 170), 80, 42), pixel_spacing_mm=(0.1, 0.1))
    assert lumen.section is None
    assert lumen.diameter_mm is None


def test_facts_are_stated_of_a_calibrated_lumen() -> None:
    (fact,) = lumen_facts(band(40, 5), image_index=1, pixel_spacing_mm=(0.1, 0.1))
    assert (fact.name, fact.image, fact.lesion) == ("lumen_diameter_mm", 1, None)
    assert fact.value == pytest.approx(4.0, abs=0.11)
    assert "longitudinal" in fact.source


def test_real_carotid_masks_are_transverse_and_without_length(shared_dir: Path) -> None:
    folder = shared_dir / "ultrasound/vessel/CCAUS/Common Carotid Artery Ultrasound Images"
    files = sorted((folder / "Expert mask images").glob("*.png"))
    assert len(files) == 29
    for file in files:
        lumen = measure_lumen(np.asarray(Image.open(file).convert("L")) > 127)
        assert lumen.section == "transverse"
        assert lumen.diameter_mm is None
