from __future__ import annotations

import numpy as np
import pytest
from drawn import ellipse, speckle, star
from hypothesis import given, settings
from hypothesis import strategies as st

from echovlm.data.descriptors import describe
from echovlm.data.descriptors.lesion import prepare
from echovlm.data.descriptors.outline import trace

PICTURE = speckle(0, np.full((300, 340), 100.0))
MIDDLE = (150.0, 170.0)
PIXEL_SHARE = 0.29  # of a pixel: RMS error of a border rounded to whole pixels is 1/sqrt(12)


def traced(mask: np.ndarray):
    return trace(prepare(PICTURE, mask))


@pytest.mark.parametrize("degrees", [0, 15, 30, 45, 60, 90])
@pytest.mark.parametrize("axes", [(80, 40), (60, 45)])
def test_axes_of_a_drawn_ellipse_are_found(axes: tuple[int, int], degrees: int) -> None:
    form = traced(ellipse(MIDDLE, *axes, degrees))
    assert form.axis_ratio == pytest.approx(axes[1] / axes[0], abs=0.01)
    assert form.angle_degrees == pytest.approx(degrees, abs=1.0)
    assert form.misfit < 0.02
    assert form.solidity > 0.99
    assert form.roughness < PIXEL_SHARE / np.sqrt(axes[0] * axes[1])


def test_a_disk_has_circularity_one_and_a_square_less() -> None:
    square = np.zeros((300, 340), bool)
    square[100:200, 120:220] = True
    assert traced(ellipse(MIDDLE, 60, 60)).circularity == pytest.approx(1.0, abs=0.01)
    assert traced(square).circularity == pytest.approx(np.pi / 4, abs=0.02)
    # The moment ellipse of a square of side 1 is a circle of radius 1/sqrt(3). It leaves the square
    # by 4 segments of half-angle 30 degrees; what is not shared is 2 segments' area + area - 1.
    segments = 4 / 3 * (np.pi / 6 - np.sqrt(3) / 4)
    misfit = 2 * segments - (np.pi / 3 - 1)
    assert traced(square).misfit == pytest.approx(misfit, abs=0.005)


@pytest.mark.parametrize(
    ("mask", "word"),
    [
        (ellipse(MIDDLE, 70, 70), "round"),
        (ellipse(MIDDLE, 80, 45), "oval"),
        (ellipse(MIDDLE, 80, 45, 35), "oval"),
        (star(MIDDLE, 60, 0.35, 7), "irregular"),
        (ellipse((150, 140), 50, 45) | ellipse((150, 205), 48, 45), "lobulated"),
    ],
)
def test_shapes_have_their_words_and_are_sure(mask: np.ndarray, word: str) -> None:
    found = describe(PICTURE, mask).shape
    assert (found.word, found.sure) == (word, True), found


def test_between_round_and_oval_no_word_is_sure() -> None:
    found = describe(PICTURE, ellipse(MIDDLE, 70, 59)).shape
    assert not found.sure
    assert found.reason == "between round and oval"


@pytest.mark.parametrize(
    ("along", "across", "degrees", "word"),
    [
        (80, 40, 0, "parallel"),
        (80, 40, 15, "parallel"),
        (80, 40, 90, "not parallel"),
        (80, 40, 60, "not parallel"),
        (80, 40, 45, "not parallel"),
    ],
)
def test_orientation_is_sure_of_clear_cases(
    along: float, across: float, degrees: float, word: str
) -> None:
    found = describe(PICTURE, ellipse(MIDDLE, along, across, degrees)).orientation
    assert (found.word, found.sure) == (word, True), found


@pytest.mark.parametrize(("along", "across", "degrees"), [(60, 60, 0), (60, 57, 0), (80, 40, 29)])
def test_orientation_is_not_sure_of_round_and_slightly_oblique_lesions(
    along: float, across: float, degrees: float
) -> None:
    assert not describe(PICTURE, ellipse(MIDDLE, along, across, degrees)).orientation.sure


def test_orientation_is_measured_in_millimetres() -> None:
    flat = ellipse(MIDDLE, 80, 40)
    tall = describe(PICTURE, flat, pixel_spacing_mm=(0.3, 0.1)).orientation
    assert tall.word == "not parallel"
    assert tall.numbers["depth/lateral"] == pytest.approx(3 * 81 / 161, abs=0.05)


def test_orientation_has_no_word_under_a_fan_of_beams() -> None:
    rows, columns = np.indices((300, 340))
    sector = (np.abs(columns - 170) < 0.7 * (rows + 40)) & (rows < 290)
    picture = speckle(1, np.where(sector, 100.0, 0), 0.0)
    found = describe(picture, ellipse((180, 170), 40, 20)).orientation
    assert found.word is None
    assert "skin" in found.reason


@settings(max_examples=12, deadline=None)
@given(
    st.integers(-40, 40),
    st.integers(-40, 40),
    st.sampled_from([(70, 35, 20), (50, 48, 0), (60, 30, 70)]),
)
def test_form_does_not_change_when_a_lesion_is_moved_or_mirrored(
    down: int, across: int, drawn: tuple[int, int, int]
) -> None:
    mask = ellipse(MIDDLE, *drawn)
    moved = np.roll(mask, (down, across), axis=(0, 1))
    one, other, mirrored = traced(mask), traced(moved), traced(mask[:, ::-1].copy())
    assert other.misfit == pytest.approx(one.misfit, abs=1e-9)
    assert other.roughness == pytest.approx(one.roughness, abs=1e-9)
    assert mirrored.axis_ratio == pytest.approx(one.axis_ratio, abs=1e-9)
    assert mirrored.angle_degrees == pytest.approx(one.angle_degrees, abs=1e-6)
    assert mirrored.solidity == pytest.approx(one.solidity, abs=0.003)


@settings(max_examples=8, deadline=None)
@given(
    st.floats(1.2, 3.0), st.sampled_from([(40, 20, 20), (35, 33, 0), (40, 20, 70), (40, 14, 45)])
)
def test_form_does_not_change_with_scale(factor: float, drawn: tuple[int, int, int]) -> None:
    small = traced(ellipse(MIDDLE, *drawn))
    big = traced(ellipse(MIDDLE, drawn[0] * factor, drawn[1] * factor, drawn[2]))
    assert big.axis_ratio == pytest.approx(small.axis_ratio, abs=0.01)
    assert big.misfit == pytest.approx(small.misfit, abs=0.02)
    radius = np.sqrt(drawn[0] * drawn[1])
    assert big.roughness == pytest.approx(small.roughness, abs=PIXEL_SHARE / radius)
    assert big.solidity == pytest.approx(small.solidity, abs=0.005)


@pytest.mark.parametrize("across", [20, 30, 50, 80])
def test_an_elongated_ellipse_is_not_rough(across: float) -> None:
    radius = np.sqrt(80 * across)
    assert traced(ellipse(MIDDLE, 80, across, 10)).roughness < PIXEL_SHARE / radius
