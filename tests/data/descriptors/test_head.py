from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from drawn import ellipse
from PIL import Image
from scipy.special import ellipe

from echovlm.data.descriptors import head_facts, measure_head
from echovlm.data.descriptors.head import perimeter
from echovlm.errors import InputError


@pytest.mark.parametrize(("a", "b"), [(1.0, 1.0), (1.0, 0.8), (1.0, 0.5)])
def test_perimeter_agrees_with_the_elliptic_integral(a: float, b: float) -> None:
    assert perimeter(a, b) == pytest.approx(4 * a * ellipe(1 - (b / a) ** 2), rel=1e-6)


@pytest.mark.parametrize("degrees", [0, 25, -40, 90])
def test_a_drawn_head_is_measured(degrees: float) -> None:
    head = measure_head(ellipse((150, 170), 110, 85, degrees), pixel_spacing_mm=(0.5, 0.5))
    # The centres of the outermost pixels lie up to one pixel inside the border.
    assert 0.5 * perimeter(109, 84) < head.circumference_mm < 0.5 * perimeter(110, 85)
    assert head.sure
    turn = (head.angle_degrees - degrees + 90) % 180 - 90
    assert turn == pytest.approx(0, abs=1.0)


def test_a_line_gives_the_same_head_as_a_filled_mask() -> None:
    filled = ellipse((150, 170), 110, 85, 20)
    line = filled & ~ellipse((150, 170), 107, 82, 20)
    one, other = (measure_head(mask, pixel_spacing_mm=(0.4, 0.4)) for mask in (filled, line))
    assert one.circumference_mm == pytest.approx(other.circumference_mm)


def test_unequal_spacing_is_stretched_before_the_fit() -> None:
    head = measure_head(ellipse((150, 170), 110, 55), pixel_spacing_mm=(1.0, 0.5))
    assert head.circumference_mm == pytest.approx(2 * np.pi * 55, rel=0.01)


def test_facts_need_calibration_and_an_ellipse() -> None:
    round_head = ellipse((150, 170), 110, 85)
    square = np.zeros((300, 340), bool)
    square[80:220, 100:240] = True
    assert head_facts(round_head, image_index=0, pixel_spacing_mm=None) == ()
    assert head_facts(square, image_index=0, pixel_spacing_mm=(0.5, 0.5)) == ()
    (fact,) = head_facts(round_head, image_index=2, pixel_spacing_mm=(0.5, 0.5))
    assert (fact.name, fact.lesion, fact.image) == ("head_circumference_mm", None, 2)


def test_a_line_that_is_no_head_is_refused() -> None:
    mask = np.zeros((300, 340), bool)
    mask[10:13, 10] = True
    with pytest.raises(InputError, match="no ellipse fits"):
        measure_head(mask)


def test_circumference_agrees_with_the_published_one(shared_dir: Path) -> None:
    folder = shared_dir / "ultrasound/obstetrics/HC18"
    errors = []
    with (folder / "training_set_pixel_size_and_HC.csv").open() as file:
        for row in csv.DictReader(file):
            name = row["filename"].replace(".png", "_Mask.png")
            mask = np.asarray(Image.open(folder / "training_set" / name).convert("L")) > 0
            spacing = float(row["pixel size(mm)"])
            head = measure_head(mask, pixel_spacing_mm=(spacing, spacing))
            errors.append(abs(head.circumference_mm - float(row["head circumference (mm)"])))
            assert head.sure
    assert len(errors) == 77
    # The filled masks end about one pixel outside the drawn line: 0.7 mm at the median.
    assert np.median(errors) < 0.8
    assert max(errors) < 1.8
