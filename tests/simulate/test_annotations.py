"""What is written on a frame stands where it is said to stand, and says what is true."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from echovlm.simulate.annotations import (
    Diameter,
    Overlay,
    annotate,
    annotate_loop,
    diameter_mm,
    has_chinese_font,
    lesion_diameters,
)
from echovlm.simulate.body_marks import BodyMark, body_mark_for
from echovlm.simulate.cases import make_case
from echovlm.simulate.overlays import draw_overlay, settings_line
from echovlm.simulate.people import draw_person
from echovlm.simulate.scanner import Variation
from echovlm.terms import Anatomy, Language

PICTURE = np.full((200, 260, 3), 40, np.uint8)
HEADER = Overlay(
    header=("Name: Agnes Kestrel", "ID: P12345678"),
    header_right=("Larkhill General Hospital", "2024-03-05 10:11:12"),
    inside=("Name: Agnes Kestrel",),
    settings="D 4.0cm  G 50",
    callipers=(Diameter((60, 80), (140, 80)), Diameter((100, 50), (100, 110))),
    body_mark=BodyMark(Anatomy.BREAST, 0.5, 0.3, 20.0),
)


def overlaps(one, other) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def test_the_picture_lies_unchanged_in_its_region():
    frame = annotate(PICTURE, 0.2, dataclasses.replace(HEADER, inside=(), callipers=()))
    x0, y0, x1, y1 = frame.region
    assert np.array_equal(frame.pixels[y0:y1, x0:x1], PICTURE)


def test_all_ink_lies_in_the_boxes_that_are_returned():
    bare = annotate(PICTURE, 0.2, dataclasses.replace(HEADER, callipers=()))
    left = bare.pixels.copy()
    for text in bare.texts:
        x0, y0, x1, y1 = text.box
        left[y0:y1, x0:x1] = 0
    for x0, y0, x1, y1 in bare.graphics:
        left[y0:y1, x0:x1] = 0
    x0, y0, x1, y1 = bare.region
    covered = left[y0:y1, x0:x1]
    assert set(np.unique(covered)) <= {0, 40}
    left[y0:y1, x0:x1] = 0
    assert left.max() == 0


def test_every_text_has_ink_and_texts_do_not_overlap():
    frame = annotate(PICTURE, 0.2, HEADER)
    for text in frame.texts:
        x0, y0, x1, y1 = text.box
        assert frame.pixels[y0:y1, x0:x1].max() > 120
        assert x1 <= frame.pixels.shape[1]
        assert y1 <= frame.pixels.shape[0]
    boxes = [text.box for text in frame.texts]
    assert not any(overlaps(a, b) for i, a in enumerate(boxes) for b in boxes[:i])


def test_patient_data_is_told_from_the_rest_and_inside_from_outside():
    frame = annotate(PICTURE, 0.2, HEADER)
    patient = {text.text for text in frame.texts if text.is_patient}
    assert patient == {*HEADER.header, *HEADER.header_right}
    inside = [text for text in frame.texts if text.is_inside]
    assert [text.text for text in inside] == ["Name: Agnes Kestrel"]
    assert all(overlaps(text.box, frame.region) for text in inside)
    outside = [text for text in frame.texts if text.is_patient and not text.is_inside]
    assert not any(overlaps(text.box, frame.region) for text in outside)


def test_calliper_text_is_the_distance_of_the_crosses():
    frame = annotate(PICTURE, 0.2, HEADER)
    written = [text.text for text in frame.texts if " D " in text.text and "mm" in text.text]
    assert written == ["1 D 16.0 mm", "2 D 12.0 mm"]
    x0, y0 = frame.region[:2]
    for x, y in ((60, 80), (140, 80), (100, 50), (100, 110)):
        assert frame.pixels[y + y0, x + x0].tolist() == [240, 220, 90]


@pytest.mark.parametrize("variation", list(Variation))
@pytest.mark.parametrize("label", ["breast-cyst", "thyroid-benign-solid", "liver-haemangioma"])
def test_callipers_measure_the_lesion_truly(label, variation):
    case = make_case(8, label, 1, variation)
    image = case.images[0]
    long, short = lesion_diameters(image)
    place = image.places[0]
    assert diameter_mm(long, image.spacing_mm) == pytest.approx(place.long_mm, abs=0.4)
    assert diameter_mm(short, image.spacing_mm) == pytest.approx(place.short_mm, abs=0.4)


def test_a_lesion_of_unknown_place_gets_no_callipers():
    assert lesion_diameters(make_case(1, "heart-normal", 1).images[0]) == ()


def test_a_lesion_that_leaves_the_picture_gets_no_callipers():
    image = make_case(8, "breast-cyst", 1).images[0]
    moved = dataclasses.replace(image.places[0], x_mm=500.0)
    assert lesion_diameters(dataclasses.replace(image, places=(moved,))) == ()


def test_the_depth_scale_counts_from_the_face():
    frame = annotate(PICTURE, 0.2, Overlay(face_px=20, has_grey_bar=False))
    numbers = {text.text: text.box for text in frame.texts}
    assert set(numbers) == {"1", "2", "3"}
    top = frame.region[1] + 20
    for text, box in numbers.items():
        middle = (box[1] + box[3]) / 2
        assert middle == pytest.approx(top + int(text) * 50, abs=4)


def test_the_settings_line_states_the_true_depth():
    image = make_case(4, "liver-normal", 1).images[0]
    depth_mm = image.top_mm + image.pixels.shape[0] * image.spacing_mm
    assert settings_line(image, np.random.default_rng(0)).startswith(f"D {depth_mm / 10:.1f}cm")


def test_a_loop_carries_the_same_text_in_every_frame():
    frames = np.stack([PICTURE, PICTURE + 30])
    loop = annotate_loop(frames, 0.2, Overlay(header=("ID: P1",)))
    x0, y0, x1, y1 = loop.region
    assert np.array_equal(loop.pixels[:, y0:y1, x0:x1], frames)
    margins = loop.pixels.copy()
    margins[:, y0:y1, x0:x1] = 0
    assert np.array_equal(margins[0], margins[1])


@pytest.mark.parametrize(
    ("anatomy", "side", "known"),
    [
        (Anatomy.BREAST, None, True),
        (Anatomy.KIDNEY, None, True),
        (Anatomy.THYROID, "left", True),
        (Anatomy.THYROID, None, False),
        (Anatomy.HEART, None, False),
    ],
)
def test_body_marks_exist_where_the_place_is_known(anatomy, side, known):
    mark = body_mark_for(anatomy, side, np.random.default_rng(0))
    assert (mark is not None) is known


def test_the_right_lobe_is_marked_on_the_left():
    marks = [
        body_mark_for(Anatomy.THYROID, side, np.random.default_rng(0)) for side in ("right", "left")
    ]
    assert marks[0].x < 0.5 < marks[1].x


def test_marks_do_not_depend_on_what_the_lesion_is():
    drawn = [
        draw_overlay(make_case(7, label, 1).images[0], Anatomy.BREAST, "", np.random.default_rng(4))
        for label in ("breast-cyst", "breast-malignant")
    ]
    assert drawn[0].body_mark == drawn[1].body_mark
    assert bool(drawn[0].callipers) is bool(drawn[1].callipers)
    assert drawn[0].font_px == drawn[1].font_px


def test_chinese_text_is_drawn_where_a_font_is_installed():
    if not has_chinese_font():
        pytest.skip("no font with Chinese characters is installed")
    two = [annotate(PICTURE, 0.2, Overlay(header=(name,))) for name in ("姓名: 王敏", "姓名: 李慧")]
    boxes = [frame.texts[0].box for frame in two]
    inks = [frame.pixels[y0:y1, x0:x1] for frame, (x0, y0, x1, y1) in zip(two, boxes, strict=True)]
    assert inks[0].shape != inks[1].shape or not np.array_equal(*inks)


@pytest.mark.parametrize("language", list(Language))
def test_people_are_the_same_for_equal_seeds_and_adults(language):
    people = [draw_person(np.random.default_rng(seed), language) for seed in range(60)]
    assert people[7] == draw_person(np.random.default_rng(7), language)
    assert len({person.number for person in people}) == 60
    assert all(1939 < person.born.year < 2006 for person in people)
    assert all(person.name.isascii() is (language is Language.ENGLISH) for person in people)
