"""Taking things away from pictures."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from echovlm.errors import OptionError
from echovlm.evaluate.marks import find_marks, without_marks
from echovlm.evaluate.perturb import Perturbation, exchanged, noisy
from echovlm.simulate.annotations import Overlay, annotate, lesion_diameters
from echovlm.simulate.body_marks import BodyMark
from echovlm.simulate.cases import make_case
from echovlm.study import Clip, Study
from echovlm.terms import Anatomy

_PATIENTS = ["a", "a", "b", "c", "d", "e"]
_ANATOMIES = ["liver"] * 4 + ["heart"] * 2


def test_every_perturbation_says_what_it_takes_away():
    assert all(kind.takes_away for kind in Perturbation)
    assert Perturbation.TEXT_ONLY.takes_away == "the pictures"


def test_shuffled_pictures_are_of_another_patient_with_the_same_anatomy():
    donors = exchanged(_PATIENTS, _ANATOMIES, Perturbation.PATIENT_SHUFFLED)
    assert sorted(donors) == [0, 1, 2, 3, 4, 5]
    for case, donor in enumerate(donors):
        assert _PATIENTS[case] != _PATIENTS[donor]
        assert _ANATOMIES[case] == _ANATOMIES[donor]


def test_pictures_of_another_organ_are_of_another_anatomy():
    # Liver holds more than half of the cases, so that heart pictures are shown several times.
    for case, donor in enumerate(exchanged(_PATIENTS, _ANATOMIES, Perturbation.OTHER_ORGAN)):
        assert _ANATOMIES[case] != _ANATOMIES[donor]


def test_equal_seeds_give_equal_exchanges():
    patients, anatomies = [str(n) for n in range(30)], ["liver"] * 30
    kind = Perturbation.PATIENT_SHUFFLED
    assert exchanged(patients, anatomies, kind, 3) == exchanged(patients, anatomies, kind, 3)
    assert exchanged(patients, anatomies, kind, 3) != exchanged(patients, anatomies, kind, 4)


@given(
    st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from(["liver", "heart"])), min_size=1),
    st.integers(0, 9),
)
def test_no_case_keeps_its_patient_or_organ(pairs, seed):
    patients, anatomies = [p for p, _ in pairs], [a for _, a in pairs]
    for kind in (Perturbation.PATIENT_SHUFFLED, Perturbation.OTHER_ORGAN):
        try:
            donors = exchanged(patients, anatomies, kind, seed)
        except OptionError:
            continue
        for place, donor in enumerate(donors):
            same_organ = anatomies[place] == anatomies[donor]
            assert same_organ is (kind is Perturbation.PATIENT_SHUFFLED)
            assert not same_organ or patients[place] != patients[donor]


@pytest.mark.parametrize(
    ("cases", "kind", "sentence"),
    [
        (2, Perturbation.PATIENT_SHUFFLED, "two patients of each anatomy; liver has one"),
        (4, Perturbation.OTHER_ORGAN, "cases of two anatomies; all are liver"),
        (0, Perturbation.OTHER_ORGAN, "There are no cases, so nothing can be other-organ"),
    ],
)
def test_what_cannot_be_exchanged_is_told_at_once(cases, kind, sentence):
    with pytest.raises(OptionError, match=sentence):
        exchanged(_PATIENTS[:cases], _ANATOMIES[:cases], kind)


def _sector() -> np.ndarray:
    """Speckle between two slanted sides on black, ``(1, 120, 160, 3)``."""
    rng = np.random.default_rng(0)
    frame = np.zeros((120, 160, 3), np.uint8)
    for row in range(10, 110):
        left, right = 60 - row // 2, 100 + row // 2
        frame[row, left:right] = rng.integers(60, 120, (right - left, 1))
    return frame[None]


def test_noise_fills_the_insonified_area_and_leaves_what_lies_beside_it():
    study = Study((Clip(_sector()),))
    first, again, other = (noisy(study, seed).clips[0].frames for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert not first[0, :5].any()
    inside = first[0, 40:100, 60:100]
    assert np.array_equal(inside[..., 0], inside[..., 2])
    assert inside.mean() == pytest.approx(127.5, abs=5)
    assert inside.std() == pytest.approx(73.9, abs=3)  # of even values 0 to 255


def test_a_black_picture_becomes_noise_all_over():
    frames = noisy(Study((Clip(np.zeros((2, 50, 60, 3), np.uint8)),)), 0).clips[0].frames
    assert frames.mean() == pytest.approx(127.5, abs=5)
    assert not np.array_equal(frames[0], frames[1])


# --- callipers and annotations ---


def _annotated(seed: int, label: str, **overlay):
    """A simulated picture and the same with annotations; the place of the one in the other."""
    case = make_case(seed, label, views=1)
    plain = np.repeat(case.images[0].pixels[..., None], 3, axis=2)
    spacing = case.images[0].spacing_mm
    callipers = lesion_diameters(case.images[0])
    assert callipers
    drawn = annotate(plain, spacing, Overlay(callipers=callipers, **overlay))
    return plain, drawn


@pytest.mark.parametrize("label", ["breast-cyst", "thyroid-suspicious"])
def test_callipers_scale_texts_and_body_mark_go_and_tissue_stays(label):
    mark = BodyMark(Anatomy.BREAST, 0.4, 0.6, 30.0)
    plain, drawn = _annotated(4, label, settings="D 4.0cm  G 50  MI 0.9", body_mark=mark)
    x0, y0, x1, y1 = drawn.region
    cleaned = without_marks(Study((Clip(drawn.pixels[None]),))).clips[0].frames[0]
    beside = np.ones(cleaned.shape[:2], bool)
    beside[y0:y1, x0:x1] = False
    assert not cleaned[beside].any()
    inside = cleaned[y0:y1, x0:x1]
    assert np.ptp(inside, axis=-1).max() == 0  # nothing coloured is left
    marked = (drawn.pixels[y0:y1, x0:x1] != plain).any(axis=-1)
    error = np.abs(inside[marked].astype(int) - plain[marked]).mean()
    drawn_error = np.abs(drawn.pixels[y0:y1, x0:x1][marked].astype(int) - plain[marked]).mean()
    assert error < drawn_error / 4
    assert (inside == plain).all(axis=-1).mean() > 0.97


def test_a_picture_without_marks_stays_nearly_as_it_is():
    for label in ("breast-cyst", "liver-normal", "kidney-normal", "carotid-plaque"):
        frames = make_case(6, label, views=1).study.clips[0].frames
        beside, over = find_marks(frames)
        assert over.mean() < 0.01
        assert (frames[0, beside].max(axis=-1) > 6).sum() < 0.002 * beside.size


@pytest.mark.parametrize("arms", [[(1, 0), (0, 1)], [(1, 1), (1, -1)]])
def test_grey_crosses_go_too(arms):
    plain = make_case(6, "liver-normal", views=1).study.clips[0].frames[0]
    image = Image.fromarray(plain.copy())
    pen = ImageDraw.Draw(image)
    y, x = plain.shape[0] // 2, plain.shape[1] // 2
    for across, down in arms:
        reach = 6
        ends = (x - reach * across, y - reach * down, x + reach * across, y + reach * down)
        pen.line(ends, fill=(240, 240, 240))
    marked = np.asarray(image)
    drawn = (marked != plain).any(axis=-1)
    cleaned = without_marks(Study((Clip(marked[None]),))).clips[0].frames[0]
    before = np.abs(marked[drawn].astype(int) - plain[drawn]).mean()
    after = np.abs(cleaned[drawn].astype(int) - plain[drawn]).mean()
    assert after < before / 4


def test_marks_of_a_loop_go_from_every_frame():
    _, drawn = _annotated(4, "breast-cyst")
    loop = np.stack([drawn.pixels, drawn.pixels])
    frames = without_marks(Study((Clip(loop, frame_time_ms=20.0),))).clips[0].frames
    assert frames.shape == loop.shape
    assert np.ptp(frames, axis=-1).max() == 0


def test_a_flow_map_is_not_taken_for_writing():
    frames = np.repeat(_sector(), 1, axis=0)
    frames[0, 40:80, 60:100] = (200, 30, 30)
    cleaned = without_marks(Study((Clip(frames),))).clips[0].frames
    assert np.array_equal(cleaned[0, 40:80, 60:100], frames[0, 40:80, 60:100])
