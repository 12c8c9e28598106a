"""The heart: texts, stills, and a cine loop with a known ejection fraction."""

from __future__ import annotations

import dataclasses
import json
import re

import numpy as np
import pytest

from echovlm import prompts
from echovlm.simulate import heart
from echovlm.simulate.heart import image, shape
from echovlm.simulate.heart.shape import HeartShape
from echovlm.terms import Language

MEASUREMENT = re.compile(r"\d")
DIAGNOSIS = ("积液", "扩大", "正常", "effusion", "dilated", "normal")


def sampled(label: str, count: int) -> list[heart.HeartFeatures]:
    return [heart.sample(label, np.random.default_rng(seed)) for seed in range(count)]


def shape_of(features: heart.HeartFeatures) -> HeartShape:
    return HeartShape(
        is_round=features.is_dilated,
        radius=features.left_ventricle_diastolic_mm / 2,
        length=features.left_ventricle_length_mm,
        resting_length=features.left_ventricle_length_mm,
        wall=features.wall_mm,
        right_width=32.0,
        left_atrium=(19.0, 38.0),
        right_atrium=(18.0, 33.0),
        dent=0.0,
    )


def volume_ml(shape: HeartShape) -> float:
    """Volume of the outline turned about the long axis, by summation of discs."""
    parts = np.linspace(0, 1, 20001)
    return float(np.pi * np.mean(shape.side(parts) ** 2) * shape.length / 1000)


def dark_share(pixels: np.ndarray) -> float:
    """Share of the sector that is nearly black."""
    sector = np.zeros(pixels.shape, bool)
    columns = np.flatnonzero(pixels.any(axis=0))
    for column in columns:
        rows = np.flatnonzero(pixels[:, column])
        sector[rows[0] : rows[-1] + 1, column] = True
    return float((pixels[sector] < 18).mean())


def test_labels_are_those_of_the_prompts() -> None:
    for label in heart.LABELS:
        assert prompts.label(label).name(Language.ENGLISH)


@pytest.mark.parametrize("label", heart.LABELS)
def test_texts_describe_without_measuring_or_diagnosing(label: str) -> None:
    for features in sampled(label, 40):
        for language in Language:
            findings = heart.findings(features, language)
            impression = heart.impression(features, language)
            answers = [q.answer for q in heart.questions(features, language)]
            for text in (findings, impression, *answers):
                assert not MEASUREMENT.search(text), text
            assert not any(word in findings.lower() for word in DIAGNOSIS), findings
            assert prompts.label(label).name(language).lower() in impression.lower()
        assert 60 <= len(heart.findings(features, Language.CHINESE)) <= 120
        assert 35 <= len(heart.findings(features, Language.ENGLISH).split()) <= 70


@pytest.mark.parametrize("label", heart.LABELS)
def test_both_languages_answer_the_same_topics(label: str) -> None:
    for features in sampled(label, 20):
        zh = [q.topic for q in heart.questions(features, Language.CHINESE)]
        en = [q.topic for q in heart.questions(features, Language.ENGLISH)]
        assert zh == en
        assert 4 <= len(zh) == len(set(zh)) <= 7


def test_unknown_label_is_refused() -> None:
    with pytest.raises(ValueError, match="heart-block"):
        heart.sample("heart-block", np.random.default_rng(0))


def test_every_feature_value_is_reached() -> None:
    fluid = sampled("heart-pericardial-effusion", 80)
    assert {f.effusion for f in fluid} == set(heart.EFFUSIONS)
    assert {f.mitral_valve for f in fluid} == {"open", "closed"}
    assert {f.has_atrial_collapse for f in fluid if f.effusion == "large"} == {True, False}
    assert not any(f.has_atrial_collapse for f in fluid if f.effusion != "large")
    dilated = sampled("heart-dilated-ventricle", 40)
    assert {f.is_left_atrium_large for f in dilated} == {True, False}
    json.dumps(dataclasses.asdict(fluid[0]))


def test_sizes_agree_with_the_guideline_ranges() -> None:
    for features in sampled("heart-normal", 40):
        values = heart.measurements(features)
        assert 52 <= values["ejection_fraction_percent"] <= 74
        assert 38 <= values["left_ventricle_diastolic_mm"] <= 58
        assert 46 <= values["end_diastolic_volume_ml"] <= 150
        assert "effusion_depth_mm" not in values
    for features in sampled("heart-dilated-ventricle", 40):
        values = heart.measurements(features)
        assert values["ejection_fraction_percent"] < 40
        assert values["left_ventricle_diastolic_mm"] > 58
        assert values["end_diastolic_volume_ml"] > 150
    limits = {"small": (0, 10), "moderate": (10, 20), "large": (20, 40)}
    for features in sampled("heart-pericardial-effusion", 40):
        low, high = limits[features.effusion]
        assert low < heart.measurements(features)["effusion_depth_mm"] < high


@pytest.mark.parametrize("label", heart.LABELS)
def test_drawn_ventricle_has_the_stated_volume_and_ejection_fraction(label: str) -> None:
    for features in sampled(label, 10):
        resting = shape_of(features)
        fraction = features.ejection_fraction_percent / 100
        smallest = resting.contracted(1.0, fraction)
        assert volume_ml(resting) == pytest.approx(features.end_diastolic_volume_ml, rel=1e-3)
        ejected = 1 - volume_ml(smallest) / volume_ml(resting)
        assert ejected == pytest.approx(fraction, abs=1e-6)
        assert smallest.wall > resting.wall


def test_beat_closes_and_the_mitral_valve_is_shut_while_the_heart_ejects() -> None:
    assert shape.contraction(0.0) == pytest.approx(0.0, abs=1e-9)
    assert shape.contraction(1.0) == pytest.approx(0.0, abs=1e-9)
    assert shape.contraction(0.35) == pytest.approx(1.0)
    times = np.linspace(0, 1, 101)
    squeeze = np.array([shape.contraction(float(t)) for t in times])
    opening = np.array([shape.valve_opening(float(t)) for t in times])
    ejecting = np.diff(squeeze, append=0.0) > 1e-3
    assert opening[ejecting].max() < 1e-6
    assert opening.max() == pytest.approx(1.0)


@pytest.mark.parametrize("label", heart.LABELS)
def test_equal_seeds_give_equal_stills_and_a_second_call_another_view(label: str) -> None:
    features = sampled(label, 1)[0]
    rng = np.random.default_rng(5)
    first, second = heart.draw(features, rng), heart.draw(features, rng)
    again = heart.draw(features, np.random.default_rng(5))
    assert np.array_equal(first.pixels, again.pixels)
    assert first.pixels.shape != second.pixels.shape or (first.pixels != second.pixels).any()
    assert first.pixels.shape[0] == 272


def widths_mm(features: heart.HeartFeatures, part: float, below_db: float) -> list[float]:
    """Widths of the dark stretches met across the drawn heart at a part of the ventricle's length,
    from the lateral side of the left ventricle to the right side of the heart."""
    rng = np.random.default_rng(0)
    resting = image._resting_shape(features, rng)
    scan, view = image._view(features, rng, resting)
    phantom = scan.blank_phantom(0.5)
    view.fill(phantom, rng, resting, resting, features.effusion_mm)
    across = np.arange(90.0, -110.0, -0.25)
    x, z = view.place(np.stack([across, np.full(across.shape, part * resting.length)], axis=1)).T
    rows = np.rint((z - phantom.z_mm[0, 0]) / 0.5).astype(int)
    columns = np.rint((x - phantom.x_mm[0, 0]) / 0.5).astype(int)
    inside = (columns >= 0) & (columns < phantom.x_mm.shape[1])
    dark = phantom.echogenicity_db[rows[inside], columns[inside]] < below_db
    edges = np.flatnonzero(np.diff(np.concatenate([[0], dark.astype(int), [0]])))
    return [float(width) for width in np.diff(edges)[::2] * 0.25 if width > 1]


def test_drawn_cavity_and_fluid_have_their_true_widths() -> None:
    for label in ("heart-normal", "heart-dilated-ventricle"):
        for features in sampled(label, 2):
            true_mm = 2 * float(
                shape_of(features).side(np.array(0.74))
            )  # below the papillary muscle
            cavity = max(widths_mm(features, 0.74, -25.0)[:2])
            assert cavity == pytest.approx(true_mm, rel=0.1)
    for features in sampled("heart-pericardial-effusion", 4):
        rim = widths_mm(features, 0.6, -45.0)[0]
        assert rim == pytest.approx(features.effusion_mm, rel=0.25)


def test_cine_shows_one_beat_of_the_same_view() -> None:
    features = sampled("heart-normal", 1)[0]
    cine = heart.draw_cine(features, np.random.default_rng(2), frames=8)
    again = heart.draw_cine(features, np.random.default_rng(2), frames=8)
    assert np.array_equal(cine.pixels, again.pixels)
    assert cine.pixels.shape[0] == 8
    assert cine.pixels.dtype == np.uint8
    assert 750 / 8 <= cine.frame_time_ms <= 1000 / 8
    assert cine.contraction[0] == 0
    assert cine.contraction.argmax() in (2, 3)
    # Far from the heart nothing moves: the lowest corners of the sector stay as they are.
    moving = cine.pixels.std(axis=0)
    assert np.median(moving[-12:]) < 1.0
    middle = moving[60:200, moving.shape[1] // 2 - 40 : moving.shape[1] // 2 + 60]
    assert np.percentile(middle, 80) > 5


def test_a_strong_ventricle_empties_more_in_the_cine_than_a_weak_one() -> None:
    emptied = {}
    for label in ("heart-normal", "heart-dilated-ventricle"):
        features = sampled(label, 1)[0]
        cine = heart.draw_cine(features, np.random.default_rng(4), frames=3)
        end_systole = int(cine.contraction.argmax())
        full, small = (dark_share(cine.pixels[k]) for k in (0, end_systole))
        emptied[label] = (full - small) / full
    assert emptied["heart-normal"] > emptied["heart-dilated-ventricle"]
