"""Simulated liver: features, pictures that show them, texts that say them."""

from __future__ import annotations

import dataclasses
import json
import re

import numpy as np
import pytest

from echovlm.simulate import liver
from echovlm.simulate.bmode import BModeImage
from echovlm.terms import Language

DIAGNOSES = ("steato", "cyst", "angioma", "fatty", "脂肪肝", "囊肿", "血管瘤")
NUMBER_WITH_UNIT = re.compile(r"\d+(\.\d+)?\s*(mm|cm|ml|%|度|毫米|厘米)", re.IGNORECASE)


def cases(label: str, count: int = 12) -> list[liver.LiverFeatures]:
    return [liver.sample(label, np.random.default_rng(seed)) for seed in range(count)]


def views(features: liver.LiverFeatures, count: int = 6) -> list[BModeImage]:
    return [liver.draw(features, np.random.default_rng(seed)) for seed in range(count)]


def beam_profile(image: BModeImage) -> np.ndarray:
    """Grey level along the middle beams, 20 steps from the face to full depth."""
    rows, columns = image.pixels.shape
    middle = image.pixels[:, columns // 2 - 25 : columns // 2 + 25].astype(float)
    top = round(-image.top_mm / image.spacing_mm)
    return np.array([part.mean() for part in np.array_split(middle[top:rows], 20)])


@pytest.mark.parametrize("label", liver.LABELS)
def test_every_label_draws_and_describes(label: str) -> None:
    for seed in range(2):
        rng = np.random.default_rng(seed)
        features = liver.sample(label, rng)
        image = liver.draw(features, rng)
        assert features.label == label
        assert 256 <= image.pixels.shape[0] <= 320
        assert image.pixels[-1, 0] == 0
        assert image.pixels.std() > 15
        assert json.loads(json.dumps(dataclasses.asdict(features))) == dataclasses.asdict(features)
        for language in Language:
            assert liver.findings(features, language)
            assert liver.impression(features, language)
            assert 4 <= len(liver.questions(features, language)) <= 7


def test_unknown_label_is_refused() -> None:
    with pytest.raises(ValueError, match="liver-abscess"):
        liver.sample("liver-abscess", np.random.default_rng(0))


@pytest.mark.parametrize("label", liver.LABELS)
def test_equal_seeds_give_equal_cases(label: str) -> None:
    pixels = []
    for _ in range(2):
        rng = np.random.default_rng(7)
        pixels.append(liver.draw(liver.sample(label, rng), rng).pixels)
    assert np.array_equal(*pixels)


@pytest.mark.parametrize("label", liver.LABELS)
def test_texts_hold_no_measurement_and_findings_no_diagnosis(label: str) -> None:
    for features in cases(label, 30):
        for language in Language:
            text = liver.findings(features, language)
            answers = [item.answer for item in liver.questions(features, language)]
            everything = [text, liver.impression(features, language), *answers]
            assert not any(NUMBER_WITH_UNIT.search(part) for part in everything)
            assert not any(word in text.lower() for word in DIAGNOSES)
        assert 60 <= len(liver.findings(features, Language.CHINESE)) <= 120
        assert 35 <= len(liver.findings(features, Language.ENGLISH).split()) <= 70


@pytest.mark.parametrize("label", liver.LABELS)
def test_languages_ask_the_same_topics(label: str) -> None:
    for features in cases(label):
        topics = [[item.topic for item in liver.questions(features, la)] for la in Language]
        assert topics[0] == topics[1]
        assert ("kidney" in topics[0]) == features.kidney_shown


def test_every_value_is_reached() -> None:
    drawn = [item for label in liver.LABELS for item in cases(label, 60)]
    expected = {
        "grade": {0, 1, 2, 3},
        "kidney_shown": {False, True},
        "lesion_count": {0, 1, 2},
        "shape": {"", "round", "oval", "lobulated"},
        "echo_pattern": {"", "anechoic", "hyperechoic"},
        "posterior": {"", "none", "enhancement"},
        "site": {"", "superficial", "central", "deep"},
    }
    for name, values in expected.items():
        assert {getattr(item, name) for item in drawn} == values


@pytest.mark.parametrize("language", list(Language))
def test_each_grade_has_its_own_words(language: Language) -> None:
    graded = [liver.LiverFeatures("liver-steatosis", grade=grade) for grade in (1, 2, 3)]
    assert len({liver.findings(features, language) for features in graded}) == 3
    assert len({liver.impression(features, language) for features in graded}) == 3


def test_measurements_name_their_unit() -> None:
    assert liver.measurements(liver.LiverFeatures("liver-normal")) == {}
    features = cases("liver-cyst")[0]
    sizes = liver.measurements(features)
    assert sizes["lesion_long_mm"] == features.lesion_long_mm
    assert all(name.endswith("_mm") for name in sizes)


def test_far_field_fades_with_the_grade() -> None:
    fall = []
    for grade in range(4):
        features = liver.LiverFeatures("liver-steatosis", grade=grade)
        profiles = np.mean([beam_profile(image) for image in views(features)], axis=0)
        fall.append(profiles[4:7].mean() - profiles[13:16].mean())
    assert fall == sorted(fall)
    assert fall[3] > fall[0] + 50


def brightest_line(image: BModeImage) -> float:
    """Brightest mean of three rows in the deep half of the middle columns, above its median."""
    rows, columns = image.pixels.shape
    deep = image.pixels[int(0.6 * rows) :, columns // 2 - 60 : columns // 2 + 60].astype(float)
    local = np.stack([deep[i : i + 3].mean(axis=0) for i in range(deep.shape[0] - 3)])
    return float(np.median(local.max(axis=0)) - np.median(deep))


def test_diaphragm_is_lost_in_severe_steatosis() -> None:
    seen = {}
    for grade in (0, 3):
        features = liver.LiverFeatures("liver-steatosis", grade=grade)
        seen[grade] = np.mean([brightest_line(image) for image in views(features)])
    assert seen[0] > seen[3] + 25


def lesion_contrast(label: str) -> float:
    """Mean difference between the block that deviates most and the median block."""
    features = liver.LiverFeatures(
        label,
        lesion_count=1,
        shape="round",
        echo_pattern="anechoic" if label == "liver-cyst" else "hyperechoic",
        posterior="none",
        site="central",
        lesion_long_mm=34.0,
        lesion_ratio=1.0,
    )
    differences = []
    for image in views(features):
        size = round(20 / image.spacing_mm)
        rows, columns = image.pixels.shape
        window = image.pixels[rows // 4 : 3 * rows // 4, columns // 4 : 3 * columns // 4]
        means = [
            window[i : i + size, j : j + size].mean()
            for i in range(0, window.shape[0] - size, 4)
            for j in range(0, window.shape[1] - size, 4)
        ]
        extreme = np.min(means) if label == "liver-cyst" else np.max(means)
        differences.append(extreme - np.median(means))
    return float(np.mean(differences))


def test_lesions_differ_from_the_parenchyma_in_the_stated_direction() -> None:
    assert lesion_contrast("liver-cyst") < -60
    assert lesion_contrast("liver-haemangioma") > 20
