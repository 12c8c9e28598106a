"""Simulated breast: features, pictures that show them, texts that say them."""

from __future__ import annotations

import dataclasses
import json
import re

import numpy as np
import pytest

from echovlm.simulate import breast
from echovlm.terms import Language

DIAGNOSES = re.compile(r"\bcysts?\b|fibroadenoma|malignan|cancer|囊肿|腺瘤|恶性|癌", re.IGNORECASE)
NUMBER_WITH_UNIT = re.compile(r"\d+(\.\d+)?\s*(mm|cm|ml|%|度|毫米|厘米)", re.IGNORECASE)


def cases(label: str, count: int = 12) -> list[breast.BreastFeatures]:
    return [breast.sample(label, np.random.default_rng(seed)) for seed in range(count)]


def lesion(label: str, **changes: object) -> breast.BreastFeatures:
    """Features of one lesion with chosen descriptors."""
    found = next(item for item in cases(label, 60) if item.lesion_count == 1)
    return dataclasses.replace(found, **changes)


def region_means(features: breast.BreastFeatures, seeds: range) -> tuple[float, float]:
    """Mean over views of the darkest and the typical grey level in lesion-sized windows."""
    darkest, typical = [], []
    for seed in seeds:
        image = breast.draw(features, np.random.default_rng(seed))
        size = max(int(0.3 * features.lesion_long_mm / image.spacing_mm), 6)
        rows, columns = image.pixels.shape
        crop = image.pixels[: rows // size * size, : columns // size * size]
        blocks = crop.reshape(rows // size, size, columns // size, size).mean(axis=(1, 3))
        inner = blocks[1 : int(0.7 * blocks.shape[0])]
        darkest.append(inner.min())
        typical.append(np.median(inner))
    return float(np.mean(darkest)), float(np.mean(typical))


@pytest.mark.parametrize("label", breast.LABELS)
def test_every_label_draws_and_describes(label: str) -> None:
    for seed in range(3):
        rng = np.random.default_rng(seed)
        features = breast.sample(label, rng)
        image = breast.draw(features, rng)
        assert features.label == label
        assert 256 <= image.pixels.shape[0] <= 320
        assert image.pixels.std() > 15
        assert json.loads(json.dumps(dataclasses.asdict(features))) == dataclasses.asdict(features)
        for language in Language:
            assert breast.findings(features, language)
            assert breast.impression(features, language)
            assert 4 <= len(breast.questions(features, language)) <= 7


def test_unknown_label_is_refused() -> None:
    with pytest.raises(ValueError, match="breast-abscess"):
        breast.sample("breast-abscess", np.random.default_rng(0))


@pytest.mark.parametrize("label", breast.LABELS)
def test_equal_seeds_give_equal_cases(label: str) -> None:
    pixels = []
    for _ in range(2):
        rng = np.random.default_rng(7)
        pixels.append(breast.draw(breast.sample(label, rng), rng).pixels)
    assert np.array_equal(*pixels)


def test_two_views_differ() -> None:
    rng = np.random.default_rng(8)
    features = breast.sample("breast-cyst", rng)
    first, second = breast.draw(features, rng), breast.draw(features, rng)
    assert first.pixels.shape != second.pixels.shape or not np.array_equal(
        first.pixels, second.pixels
    )


@pytest.mark.parametrize("label", breast.LABELS)
def test_texts_hold_no_measurement_and_findings_no_diagnosis(label: str) -> None:
    for features in cases(label, 30):
        for language in Language:
            text = breast.findings(features, language)
            answers = [item.answer for item in breast.questions(features, language)]
            everything = [text, breast.impression(features, language), *answers]
            assert not any(NUMBER_WITH_UNIT.search(part) for part in everything)
            assert not DIAGNOSES.search(text)
        assert 60 <= len(breast.findings(features, Language.CHINESE)) <= 120
        assert 35 <= len(breast.findings(features, Language.ENGLISH).split()) <= 70


@pytest.mark.parametrize("label", breast.LABELS)
def test_languages_ask_the_same_topics(label: str) -> None:
    for features in cases(label):
        topics = [[item.topic for item in breast.questions(features, la)] for la in Language]
        assert topics[0] == topics[1]
        assert len(set(topics[0])) == len(topics[0])


def test_every_value_is_reached() -> None:
    drawn = [item for label in breast.LABELS for item in cases(label, 80)]
    expected = {
        "composition": {"homogeneous fat", "homogeneous fibroglandular", "heterogeneous"},
        "lesion_count": {0, 1, 2},
        "shape": {"", "oval", "round", "irregular"},
        "orientation": {"", "parallel", "not parallel"},
        "margin": {
            *("", "circumscribed", "indistinct", "angular", "microlobulated", "spiculated"),
        },
        "echo_pattern": {"", "anechoic", "hypoechoic", "heterogeneous"},
        "posterior": {"", "none", "enhancement", "shadowing"},
        "calcifications": {False, True},
    }
    for name, values in expected.items():
        assert {getattr(item, name) for item in drawn} == values


@pytest.mark.parametrize("language", list(Language))
def test_each_descriptor_changes_the_findings(language: Language) -> None:
    base = lesion("breast-malignant", margin="angular", posterior="none", calcifications=False)
    changes = [
        {"composition": name}
        for name in ("homogeneous fat", "homogeneous fibroglandular", "heterogeneous")
        if name != base.composition
    ]
    changes += [{"margin": name} for name in ("indistinct", "microlobulated", "spiculated")]
    changes += [{"posterior": "shadowing"}, {"calcifications": True}, {"shape": "oval"}]
    other = "parallel" if base.orientation == "not parallel" else "not parallel"
    changes += [{"orientation": other}]
    texts = {breast.findings(dataclasses.replace(base, **item), language) for item in changes}
    assert len(texts | {breast.findings(base, language)}) == len(changes) + 1


def test_measurements_name_their_unit_and_agree_with_the_shape() -> None:
    assert breast.measurements(cases("breast-normal")[0]) == {}
    upright = lesion("breast-malignant", lesion_ratio=1.4, orientation="not parallel")
    sizes = breast.measurements(upright)
    assert all(name.endswith("_mm") for name in sizes)
    assert sizes["lesion_depth_extent_mm"] == pytest.approx(upright.lesion_long_mm, abs=0.05)
    assert sizes["lesion_depth_extent_mm"] > sizes["lesion_lateral_mm"]


def test_a_cyst_is_darker_than_a_solid_nodule() -> None:
    same = {
        "composition": "homogeneous fibroglandular",
        "lesion_long_mm": 16.0,
        "posterior": "none",
    }
    cyst_dark, cyst_typical = region_means(lesion("breast-cyst", **same), range(6))
    solid_dark, solid_typical = region_means(lesion("breast-fibroadenoma", **same), range(6))
    assert cyst_dark < 15
    assert solid_dark > cyst_dark + 10
    assert solid_dark < 0.8 * solid_typical
    assert cyst_typical > 40


def below_lesion(features: breast.BreastFeatures) -> float:
    """Mean over views of the brightest column band minus the darkest below the tissue's middle."""
    contrast = []
    for seed in range(6):
        image = breast.draw(features, np.random.default_rng(seed))
        deep = image.pixels[int(0.72 * image.pixels.shape[0]) :].astype(float).mean(axis=0)
        width = int(0.3 * features.lesion_long_mm / image.spacing_mm)
        smooth = np.convolve(deep, np.ones(width) / width, mode="valid")
        contrast.append(np.median(smooth) - smooth.min())
    return float(np.mean(contrast))


def test_shadowing_darkens_what_lies_behind() -> None:
    base = lesion("breast-malignant", composition="heterogeneous", lesion_long_mm=14.0)
    shadow = below_lesion(dataclasses.replace(base, posterior="shadowing"))
    plain = below_lesion(dataclasses.replace(base, posterior="none"))
    assert shadow > plain + 12


def test_calcifications_are_bright_dots() -> None:
    base = lesion("breast-malignant", echo_pattern="hypoechoic", lesion_long_mm=18.0)
    bright = {}
    for present in (False, True):
        features = dataclasses.replace(base, calcifications=present)
        image = breast.draw(features, np.random.default_rng(5))
        bright[present] = np.percentile(image.pixels[60:-90], 99.8)
    assert bright[True] >= bright[False]
