from __future__ import annotations

import numpy as np
import pytest
from drawn import ellipse, grid, speckle
from hypothesis import given, settings
from hypothesis import strategies as st

from echovlm.data.descriptors import describe, lesion_facts
from echovlm.errors import InputError
from echovlm.facts import Origin

LESION = ellipse((130, 170), 60, 35)
ROWS, COLUMNS = grid()
BEHIND = (ROWS > 130) & (np.abs(COLUMNS - 170) < 58) & ~LESION
PICTURE = speckle(0, np.where(LESION, 70.0, np.where(BEHIND, 155.0, 110.0)))

WORDS = {
    "shape": {"oval", "round", "irregular", "lobulated"},
    "orientation": {"parallel", "not parallel"},
    "margin": {"circumscribed", "not circumscribed"},
    "echogenicity": {"anechoic", "very hypoechoic", "hypoechoic", "isoechoic", "hyperechoic"},
    "echotexture": {"homogeneous", "heterogeneous"},
    "posterior": {"none", "enhancement", "shadowing", "combined"},
    "image_position": {
        f"{row} {column}"
        for row in ("upper", "middle", "lower")
        for column in ("left", "middle", "right")
    }
    - {"middle middle"}
    | {"centre"},
}


def test_a_clear_lesion_is_stated_in_full() -> None:
    facts = lesion_facts(PICTURE, LESION, lesion=2, image_index=1, pixel_spacing_mm=(0.1, 0.1))
    values = {fact.name: fact.value for fact in facts}
    assert values == {
        "shape": "oval",
        "orientation": "parallel",
        "margin": "circumscribed",
        "echogenicity": "hypoechoic",
        "echotexture": "homogeneous",
        "posterior": "enhancement",
        "image_position": "centre",
        "size_long_mm": pytest.approx(12.0, abs=0.11),
        "size_short_mm": pytest.approx(7.0, abs=0.11),
        "size_lateral_mm": pytest.approx(12.1, abs=0.05),
        "size_depth_extent_mm": pytest.approx(7.1, abs=0.05),
    }
    assert {(fact.lesion, fact.image, fact.origin) for fact in facts} == {(2, 1, Origin.MASK)}


def test_the_source_names_the_descriptor_and_its_number() -> None:
    facts = lesion_facts(PICTURE, LESION, lesion=1, image_index=0)
    (source,) = (fact.source for fact in facts if fact.name == "orientation")
    assert source.startswith("descriptors: orientation, depth/lateral 0.59")


def test_an_uncalibrated_picture_gives_no_lengths_and_no_pixels() -> None:
    facts = lesion_facts(PICTURE, LESION, lesion=1, image_index=0)
    assert facts
    assert not [fact for fact in facts if fact.name.endswith("_mm")]
    assert not [fact for fact in facts if "px" in fact.source or "pixel" in fact.source]


def test_equal_input_gives_equal_facts() -> None:
    arguments = {"lesion": 1, "image_index": 0, "pixel_spacing_mm": (0.1, 0.1)}
    assert lesion_facts(PICTURE, LESION, **arguments) == lesion_facts(PICTURE, LESION, **arguments)


def test_rgb_and_grey_pictures_give_equal_facts() -> None:
    colour = np.repeat(PICTURE[..., None], 3, axis=2)
    one = lesion_facts(PICTURE, LESION, lesion=1, image_index=0)
    assert lesion_facts(colour, LESION, lesion=1, image_index=0) == one


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_any_mask_gives_canonical_words_or_a_reason(data: st.DataObject) -> None:
    size = st.floats(0.6, 90)
    mask = ellipse(
        (data.draw(st.integers(0, 299)), data.draw(st.integers(0, 339))),
        data.draw(size),
        data.draw(size),
        data.draw(st.integers(0, 90)),
    )
    if not mask.any():
        return
    level = data.draw(st.integers(0, 255))
    picture = speckle(1, np.where(mask, float(level), 90.0))
    description = describe(picture, mask)
    for found in description.descriptors:
        assert found.word is None or found.word in WORDS[found.name]
        assert found.sure == (found.word is not None and not found.reason)
        assert found.word is not None or found.reason
        assert all(np.isfinite(list(found.numbers.values())))


@pytest.mark.parametrize("mask", [LESION[:100], LESION.astype(np.uint8), np.zeros_like(LESION)])
def test_a_mask_that_does_not_fit_is_refused(mask: np.ndarray) -> None:
    with pytest.raises(InputError, match="the mask"):
        lesion_facts(PICTURE, mask, lesion=1, image_index=0)


@pytest.mark.parametrize("spacing", [(0.0, 0.1), (-1.0, 1.0), (0.1,), (float("nan"), 0.1)])
def test_a_spacing_that_is_no_pair_of_lengths_is_refused(spacing: tuple[float, ...]) -> None:
    with pytest.raises(InputError, match="spacing"):
        describe(PICTURE, LESION, pixel_spacing_mm=spacing)


def test_a_picture_of_another_type_is_refused() -> None:
    with pytest.raises(InputError, match="uint8"):
        describe(PICTURE.astype(float), LESION)


def test_several_parts_have_no_form_but_a_speck_does_not_matter() -> None:
    two = ellipse((130, 90), 30, 25) | ellipse((130, 250), 30, 25)
    speck = LESION.copy()
    speck[10:13, 10:13] = True
    assert describe(PICTURE, two).shape.reason == "the mask has several parts"
    assert describe(PICTURE, speck).shape.word == "oval"


def test_a_mask_one_pixel_wide_is_described_without_an_error() -> None:
    line = np.zeros_like(LESION)
    line[100, 50:300] = True
    assert describe(PICTURE, line).lesion.area_px == 250
