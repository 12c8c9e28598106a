"""Places are measured on what was drawn."""

from __future__ import annotations

import numpy as np
import pytest

from echovlm.simulate.cases import make_case
from echovlm.simulate.facts import case_facts
from echovlm.simulate.phantom import Phantom


@pytest.mark.parametrize(
    ("semi_x", "semi_z", "tilt"), [(9.0, 5.0, 0.0), (8.0, 4.0, 30.0), (3.0, 7.0, 0.0)]
)
def test_the_place_of_an_ellipse_is_that_ellipse(semi_x, semi_z, tilt):
    phantom = Phantom.blank(60, 40, 0.2)
    phantom.mark("lesion", phantom.ellipse(4.0, 18.0, semi_x, semi_z, tilt))
    (place,) = phantom.places
    assert (place.x_mm, place.z_mm) == pytest.approx((4.0, 18.0), abs=0.05)
    long, short = 2 * max(semi_x, semi_z), 2 * min(semi_x, semi_z)
    assert (place.long_mm, place.short_mm) == pytest.approx((long, short), rel=0.01)
    direction = np.deg2rad(tilt if semi_x > semi_z else 90 - tilt)
    assert abs(np.sin(place.angle_rad - direction)) < 0.02
    for long_axis in (True, False):
        (x0, z0), (x1, z1) = place.ends_mm(long_axis)
        length = place.long_mm if long_axis else place.short_mm
        assert np.hypot(x1 - x0, z1 - z0) == pytest.approx(length)


def test_marking_draws_nothing_and_specks_have_no_place():
    phantom = Phantom.blank(20, 20, 0.5)
    before = phantom.echogenicity_db.copy()
    phantom.mark("lesion", phantom.ellipse(0.0, 10.0, 0.3, 0.3))
    assert phantom.places == []
    assert np.array_equal(phantom.echogenicity_db, before)


@pytest.mark.parametrize(
    "label",
    [
        "breast-cyst",
        "breast-fibroadenoma",
        "thyroid-benign-solid",
        "liver-cyst",
        "kidney-cyst",
        "kidney-stone",
        "ovary-cyst",
        "uterus-fibroid",
    ],
)
def test_a_lesion_lies_where_it_was_drawn_and_has_the_size_that_was_sampled(label):
    case = make_case(21, label, 1)
    image, facts = case.images[0], case_facts(case)
    count = next(fact.value for fact in facts if fact.name == "lesion_count")
    assert len(image.places) == count
    size = next(fact.value for fact in facts if fact.name == "size_long_mm" and fact.lesion == 1)
    assert image.places[0].long_mm == pytest.approx(size, rel=0.1)


def test_a_cyst_is_dark_at_its_place():
    image = make_case(2, "breast-cyst", 1).images[0]
    place = image.places[0]
    row, column = image.pixel(place.x_mm, place.z_mm)
    assert image.pixels[row - 3 : row + 4, column - 3 : column + 4].mean() < 8


def test_normal_organs_have_no_places():
    for label in ("breast-normal", "thyroid-normal", "kidney-normal", "uterus-normal"):
        assert make_case(1, label, 1).images[0].places == ()
