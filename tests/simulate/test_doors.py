"""What thyroid, kidney and carotid artery share: the five doors keep their promises."""

from __future__ import annotations

import dataclasses
import json
import re
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from echovlm.prompts import label as diagnosis
from echovlm.simulate import kidney, thyroid, vessel
from echovlm.terms import Language

MODULES = (thyroid, kidney, vessel)
EVERY = [(module, label) for module in MODULES for label in module.LABELS]
DIAGNOSES = re.compile(
    r"colloid|benign|malignan|suspicious|calcul|stone|\bcysts?\b|hydroneph|plaque|stenosis|normal "
    r"(thyroid|kidney|carotid)|SFU|胶质|良性|恶性|可疑|结石|囊肿|积水|斑块|狭窄|正常(甲状腺|肾脏|颈动脉)",
    re.IGNORECASE,
)
NUMBER_WITH_UNIT = re.compile(r"\d+(\.\d+)?\s*(mm|cm|ml|%|度|毫米|厘米)", re.IGNORECASE)


def cases(module: ModuleType, label: str, count: int = 40) -> list[Any]:
    return [module.sample(label, np.random.default_rng(seed)) for seed in range(count)]


@pytest.mark.parametrize(("module", "label"), EVERY)
def test_every_label_draws_and_describes(module: ModuleType, label: str) -> None:
    for seed in range(3):
        rng = np.random.default_rng(seed)
        features = module.sample(label, rng)
        image = module.draw(features, rng)
        assert features.label == label
        assert 256 <= image.pixels.shape[0] <= 320
        assert image.pixels.std() > 15
        assert 20 < np.median(image.pixels[image.pixels > 0]) < 220
        assert json.loads(json.dumps(dataclasses.asdict(features)))["label"] == label


@pytest.mark.parametrize(("module", "label"), EVERY)
def test_equal_seeds_give_equal_cases_and_views_differ(module: ModuleType, label: str) -> None:
    drawn = []
    for _ in range(2):
        rng = np.random.default_rng(11)
        features = module.sample(label, rng)
        drawn.append((features, module.draw(features, rng).pixels))
    assert drawn[0][0] == drawn[1][0]
    assert np.array_equal(drawn[0][1], drawn[1][1])
    other = module.draw(drawn[0][0], np.random.default_rng(12)).pixels
    assert not np.array_equal(drawn[0][1], other)


@pytest.mark.parametrize("module", MODULES)
def test_unknown_label_is_refused(module: ModuleType) -> None:
    with pytest.raises(ValueError, match="spleen-normal"):
        module.sample("spleen-normal", np.random.default_rng(0))


@pytest.mark.parametrize(("module", "label"), EVERY)
def test_texts_hold_no_measurement_and_findings_no_diagnosis(
    module: ModuleType, label: str
) -> None:
    for features in cases(module, label):
        for language in Language:
            found = module.findings(features, language)
            answers = [item.answer for item in module.questions(features, language)]
            everything = [found, module.impression(features, language), *answers]
            assert not any(NUMBER_WITH_UNIT.search(part) for part in everything)
            assert not DIAGNOSES.search(found)
            assert ".." not in found
            assert "。。" not in found
        assert 60 <= len(module.findings(features, Language.CHINESE)) <= 120
        assert 35 <= len(module.findings(features, Language.ENGLISH).split()) <= 70


@pytest.mark.parametrize(("module", "label"), EVERY)
def test_impression_names_the_diagnosis_label(module: ModuleType, label: str) -> None:
    features = cases(module, label, 1)[0]
    for language in Language:
        name = diagnosis(label).name(language).lower()
        assert name in module.impression(features, language).lower()


@pytest.mark.parametrize(("module", "label"), EVERY)
def test_languages_ask_the_same_questions(module: ModuleType, label: str) -> None:
    for features in cases(module, label):
        topics = [[item.topic for item in module.questions(features, la)] for la in Language]
        assert topics[0] == topics[1]
        assert len(set(topics[0])) == len(topics[0])
        assert 4 <= len(topics[0]) <= 7


@pytest.mark.parametrize("module", MODULES)
def test_languages_part_the_cases_alike(module: ModuleType) -> None:
    # Two cases read alike in Chinese exactly when they read alike in English.
    pairs = {
        tuple(module.findings(features, language) for language in Language)
        for label in module.LABELS
        for features in cases(module, label, 150)
    }
    assert len({chinese for chinese, _ in pairs}) == len(pairs)
    assert len({english for _, english in pairs}) == len(pairs)


@pytest.mark.parametrize(("module", "label"), EVERY)
def test_measurements_name_their_unit(module: ModuleType, label: str) -> None:
    for features in cases(module, label, 10):
        sizes = module.measurements(features)
        assert all(name.endswith(("_mm", "_percent")) for name in sizes)
        assert all(size > 0 for size in sizes.values())
