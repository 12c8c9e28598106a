"""Ovary and uterus: texts, images, and that one tells of the other."""

from __future__ import annotations

import dataclasses
import json
import re

import numpy as np
import pytest
from scipy import ndimage

from echovlm import prompts
from echovlm.simulate import gynaecology
from echovlm.simulate.bmode import BModeImage
from echovlm.simulate.gynaecology import ovary, pelvis, uterus, uterus_image
from echovlm.simulate.phantom import Phantom
from echovlm.terms import Language

MEASUREMENT = re.compile(r"\d+(\.\d+)?\s*(mm|cm|ml|毫米|厘米|%)", re.IGNORECASE)
DIAGNOSIS = ("囊肿", "肌瘤", "正常", "cyst", "fibroid", "normal", "endometrioma")


def sampled(label: str, count: int) -> list[gynaecology.GynaecologyFeatures]:
    return [gynaecology.sample(label, np.random.default_rng(seed)) for seed in range(count)]


def dark_regions(image: BModeImage, below: float = 25.0) -> np.ndarray:
    """Areas in mm2 of the dark regions that do not touch the outside of the sector."""
    smooth = ndimage.gaussian_filter(image.pixels.astype(float), 1.0)
    labels, _ = ndimage.label(smooth < below)
    border = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    areas = np.bincount(labels.ravel()).astype(float) * image.spacing_mm**2
    areas[np.unique(border)] = 0
    areas[0] = 0
    return np.sort(areas)[::-1]


def test_labels_are_those_of_the_prompts() -> None:
    for label in gynaecology.LABELS:
        assert prompts.label(label).name(Language.ENGLISH)


@pytest.mark.parametrize("label", gynaecology.LABELS)
def test_texts_describe_without_measuring_or_diagnosing(label: str) -> None:
    for features in sampled(label, 40):
        for language in Language:
            findings = gynaecology.findings(features, language)
            impression = gynaecology.impression(features, language)
            answers = [q.answer for q in gynaecology.questions(features, language)]
            for text in (findings, impression, *answers):
                assert not MEASUREMENT.search(text), text
            assert not any(word in findings.lower() for word in DIAGNOSIS), findings
            name = prompts.label(label).name(language)
            if label in ("ovary-cyst", "uterus-fibroid"):
                assert name.lower() in impression.lower()
        assert 60 <= len(gynaecology.findings(features, Language.CHINESE)) <= 120
        assert 35 <= len(gynaecology.findings(features, Language.ENGLISH).split()) <= 70


@pytest.mark.parametrize("label", gynaecology.LABELS)
def test_both_languages_answer_the_same_topics(label: str) -> None:
    for features in sampled(label, 20):
        zh = [q.topic for q in gynaecology.questions(features, Language.CHINESE)]
        en = [q.topic for q in gynaecology.questions(features, Language.ENGLISH)]
        assert zh == en
        assert 4 <= len(zh) == len(set(zh)) <= 7


@pytest.mark.parametrize("label", gynaecology.LABELS)
def test_measurements_name_their_unit_and_features_are_json(label: str) -> None:
    features = sampled(label, 1)[0]
    assert all(key.endswith("_mm") for key in gynaecology.measurements(features))
    assert all(value > 0 for value in gynaecology.measurements(features).values())
    json.dumps(dataclasses.asdict(features))


def test_unknown_label_is_refused() -> None:
    with pytest.raises(ValueError, match="ovary-tumour"):
        gynaecology.sample("ovary-tumour", np.random.default_rng(0))


def test_every_feature_value_is_reached() -> None:
    cysts = [f for f in sampled("ovary-cyst", 80) if isinstance(f, ovary.OvaryFeatures)]
    assert {f.contents for f in cysts} == set(ovary.CONTENTS)
    assert {f.cyst_shape for f in cysts} == {"round", "oval"}
    plain = [f for f in sampled("ovary-follicles", 80) if isinstance(f, ovary.OvaryFeatures)]
    assert {f.has_dominant_follicle for f in plain} == {True, False}
    assert {f.has_many_follicles for f in plain} == {True, False}
    nodes = [f for f in sampled("uterus-fibroid", 80) if isinstance(f, uterus.UterusFeatures)]
    assert {f.location for f in nodes} == set(uterus.LOCATIONS)
    assert {f.site for f in nodes} == {"fundus", "body"}
    assert {f.position for f in nodes} == set(uterus.POSITIONS)
    assert {f.endometrium for f in nodes} == set(uterus.ENDOMETRIA)
    assert {f.has_free_fluid for f in nodes} == {True, False}


def test_texts_differ_where_features_differ() -> None:
    for label in gynaecology.LABELS:
        texts = {gynaecology.findings(f, Language.CHINESE) for f in sampled(label, 80)}
        assert len(texts) >= 8


@pytest.mark.parametrize("label", gynaecology.LABELS)
def test_equal_seeds_give_equal_images_and_a_second_call_another_view(label: str) -> None:
    features = sampled(label, 1)[0]
    rng = np.random.default_rng(5)
    first, second = gynaecology.draw(features, rng), gynaecology.draw(features, rng)
    again = gynaecology.draw(features, np.random.default_rng(5))
    assert np.array_equal(first.pixels, again.pixels)
    assert first.pixels.shape != second.pixels.shape or (first.pixels != second.pixels).any()
    assert first.pixels.dtype == np.uint8
    assert first.pixels.shape[0] == 272
    assert 0.1 < first.spacing_mm < 0.7


def test_dark_area_of_an_anechoic_cyst_is_its_true_area() -> None:
    features = next(f for f in sampled("ovary-cyst", 60) if f.contents == "anechoic")
    area = np.pi / 4 * features.cyst_long_mm * features.cyst_short_mm
    for seed in range(4):
        image = gynaecology.draw(features, np.random.default_rng(seed))
        assert 0.75 * area < dark_regions(image)[0] < 1.15 * area


def test_dominant_follicle_is_the_largest_dark_region() -> None:
    features = next(f for f in sampled("ovary-follicles", 60) if f.has_dominant_follicle)
    features = dataclasses.replace(features, has_free_fluid=False)
    area = np.pi / 4 * features.follicles_mm[0] ** 2
    sizes = [
        dark_regions(gynaecology.draw(features, np.random.default_rng(seed)))[0]
        for seed in range(5)
    ]
    assert 0.6 * area < np.median(sizes) < 1.3 * area


def test_free_fluid_adds_a_large_dark_region() -> None:
    features = dataclasses.replace(sampled("ovary-follicles", 1)[0], has_free_fluid=False)
    wet = dataclasses.replace(features, has_free_fluid=True)
    dry_mm2, wet_mm2 = (
        np.median(
            [
                dark_regions(gynaecology.draw(f, np.random.default_rng(seed)))[:12].sum()
                for seed in range(5)
            ]
        )
        for f in (features, wet)
    )
    assert wet_mm2 > dry_mm2 + 40


def test_fibroid_is_darker_than_muscle_and_weakens_the_beam() -> None:
    features = next(f for f in sampled("uterus-fibroid", 60) if f.location == "submucosal")
    rng = np.random.default_rng(0)
    phantom = Phantom.blank(90, 80, 0.3, radius_mm=10.0)
    axis = uterus_image._Axis(0.0, 40.0, 0.0, 1, 0.0, features.length_mm, features.depth_mm)
    uterus_image._fibroid(phantom, rng, features, axis, (0.0, 0.0))
    inside = phantom.ellipse(0, 40, features.fibroid_mm / 2, features.fibroid_mm / 2) < 0.8
    assert phantom.echogenicity_db[inside].mean() < -12
    assert phantom.attenuation_db_per_cm_mhz[inside].mean() > 0.75
    flank = np.abs(np.abs(phantom.x_mm) - features.fibroid_mm / 2) < 1.5
    rim = flank & (np.abs(phantom.z_mm - 40) < 4)
    assert phantom.attenuation_db_per_cm_mhz[rim].max() > 2


@pytest.mark.parametrize("location", uterus.LOCATIONS)
def test_fibroid_lies_where_its_word_says_and_inside_the_image(location: str) -> None:
    for features in [f for f in sampled("uterus-fibroid", 120) if f.location == location][:20]:
        rng = np.random.default_rng(3)
        scan = pelvis.endocavitary_scan(rng, 90.0)
        axis = uterus_image._axis(features, rng, scan, through_bladder=False)
        place = uterus_image._fibroid_place(features, rng, axis, scan)
        radius, half = features.fibroid_mm / 2, features.depth_mm / 2
        outer, inner = abs(place[1]) + radius, abs(place[1]) - radius
        if location == "subserosal":
            assert outer > half + 0.4 * radius
        elif location == "intramural":
            assert outer < half + 2
            assert inner > 0
        else:
            assert inner < 0
        room = uterus_image._room_mm(scan, axis.place(np.array(place[0]), np.array(place[1])))
        assert room > 0.7 * radius


def test_anteverted_and_retroverted_uterus_point_to_opposite_sides() -> None:
    features = sampled("uterus-normal", 1)[0]
    fundus_x = {}
    for position in uterus.POSITIONS:
        rng = np.random.default_rng(1)
        scan = pelvis.endocavitary_scan(rng, 85.0)
        turned = dataclasses.replace(features, position=position)
        axis = uterus_image._axis(turned, rng, scan, through_bladder=False)
        fundus_x[position] = float(axis.place(np.array(35.0), np.array(0.0))[0])
    assert fundus_x["anteverted"] < -15
    assert fundus_x["retroverted"] > 15
