"""Entity scores on a table that was counted by hand."""

from __future__ import annotations

import numpy as np
import pytest
from clinical_reports import true_reports

from echovlm.evaluate.clinical import entities, entity_scores, named_entities
from echovlm.terms import Anatomy

_KEYS = {
    "breast-malignant": "malignancy",
    "thyroid-colloid-cyst": "colloid cyst",
    "thyroid-spongiform": "spongiform nodule",
    "thyroid-benign-solid": "mass",
    "thyroid-suspicious": "malignancy",
    "carotid-plaque": "plaque",
    "ovary-follicles": "normal",
    "uterus-fibroid": "leiomyoma",
    "heart-dilated-ventricle": "left ventricular enlargement",
    "heart-pericardial-effusion": "pericardial effusion",
    "liver-steatosis": "steatosis",
    "liver-haemangioma": "haemangioma",
    "kidney-hydronephrosis": "hydronephrosis",
    "kidney-stone": "stone",
    "breast-fibroadenoma": "fibroadenoma",
}


def _one(value: object, texts: int = 2) -> float:
    return float(value(np.ones((1, texts)))[0])  # type: ignore[operator]


@pytest.mark.parametrize("anatomy", list(Anatomy))
def test_every_anatomy_has_entities_and_normal_among_them(anatomy: Anatomy) -> None:
    known = entities(anatomy)
    assert known[0] == "normal"
    assert len(set(known)) == len(known) >= 5


def test_reports_and_impressions_name_the_entity_of_their_label() -> None:
    for report in true_reports(5, 120):
        if not report.label:
            continue
        last = report.label.split("-")[-1]
        expected = _KEYS.get(report.label, last)
        for text in (report.text, report.impression):
            named = named_entities(text, report.anatomy, report.language)
            assert expected in named, (report.label, text)
            assert ("normal" in named) == (expected == "normal"), text


@pytest.mark.parametrize(
    ("text", "anatomy", "named"),
    [
        (
            "心包积液。左房增大，右房不大。",
            "heart",
            {"pericardial effusion", "left atrial enlargement"},
        ),
        ("肾结石，未见积水。", "kidney", {"stone", "mass"}),
        ("Fatty liver. Cyst cannot be excluded.", "liver", {"steatosis"}),
        ("左乳癌术后，未见异常。", "breast", {"normal"}),
        ("Normal carotid artery.", "vessel", {"normal"}),
        ("", "liver", set()),
    ],
)
def test_entities_of_texts(text: str, anatomy: str, named: set[str]) -> None:
    assert named_entities(text, anatomy) == named


def test_scores_by_hand() -> None:
    """Vessel: 5 entities. Text 1 is right; text 2 says plaque for plaque and stenosis.

    Cells: 10, one is wrong: 0.9. Plaque: P = R = F1 = 1; stenosis: P = R = F1 = 0.
    """
    said = ["Carotid plaque.", "Carotid plaque."]
    true = ["Carotid plaque.", "Carotid plaque with stenosis of the carotid artery."]
    scores = entity_scores(said, true, ["vessel"] * 2, ["en"] * 2)
    assert _one(scores.hamming_accuracy()) == pytest.approx(0.9)
    assert _one(scores.macro_precision()) == _one(scores.macro_recall()) == pytest.approx(0.5)
    assert _one(scores.macro_f1(Anatomy.VESSEL)) == pytest.approx(0.5)
    first_alone = scores.macro_f1()(np.array([[1, 0]]))
    assert first_alone == pytest.approx([1.0])


def test_the_average_over_anatomies_is_unweighted() -> None:
    said = ["Carotid plaque.", "Carotid plaque.", "Carotid plaque.", "Normal heart."]
    true = ["Carotid plaque.", "Carotid plaque.", "Carotid plaque.", "Pericardial effusion."]
    scores = entity_scores(said, true, ["vessel"] * 3 + ["heart"], ["en"] * 4)
    assert scores.anatomies == (Anatomy.HEART, Anatomy.VESSEL)
    assert _one(scores.macro_f1(), 4) == pytest.approx((1.0 + 0.0) / 2)


def test_lists_of_unequal_length_are_refused() -> None:
    with pytest.raises(ValueError, match="per prediction"):
        entity_scores(["a"], ["a"], ["heart", "liver"], ["en"])
    with pytest.raises(ValueError, match="at least one"):
        entity_scores([], [], [], [])
