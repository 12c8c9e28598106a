"""Anatomy is stated, never guessed."""

from __future__ import annotations

import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from echovlm.imaging.anatomy import stated_anatomy
from echovlm.terms import Anatomy


def header(**elements: object) -> Dataset:
    dataset = Dataset()
    for name, value in elements.items():
        setattr(dataset, name, value)
    return dataset


def coded(*pairs: tuple[str, str]) -> Dataset:
    items = []
    for scheme, value in pairs:
        items.append(header(CodingSchemeDesignator=scheme, CodeValue=value))
    return header(AnatomicRegionSequence=Sequence(items))


@pytest.mark.parametrize(
    ("part", "anatomy"),
    [
        ("BREAST", Anatomy.BREAST),
        ("THYROID", Anatomy.THYROID),
        ("LIVER", Anatomy.LIVER),
        ("KIDNEY", Anatomy.KIDNEY),
        ("HEART", Anatomy.HEART),
        ("CAROTID", Anatomy.VESSEL),
        ("OVARY", Anatomy.GYNAECOLOGY),
        ("ABDOMEN", None),
        ("KNEE", None),
    ],
)
def test_the_coded_body_part_decides(part: str, anatomy: Anatomy | None) -> None:
    assert stated_anatomy(header(BodyPartExamined=part, StudyDescription="Thyroid")) is anatomy


def test_region_codes_of_both_vocabularies_are_known_and_must_agree() -> None:
    assert stated_anatomy(coded(("SCT", "64033007"))) is Anatomy.KIDNEY
    assert stated_anatomy(coded(("SRT", "T-71000"))) is Anatomy.KIDNEY
    assert stated_anatomy(coded(("SCT", "35039007"), ("SCT", "15497006"))) is Anatomy.GYNAECOLOGY
    assert stated_anatomy(coded(("SCT", "64033007"), ("SCT", "10200004"))) is None
    assert stated_anatomy(coded(("SCT", "69536005"))) is None


@pytest.mark.parametrize(
    ("words", "anatomy"),
    [
        ("US BREAST LEFT", Anatomy.BREAST),
        ("Thyroid", Anatomy.THYROID),
        ("甲状腺超声检查", Anatomy.THYROID),
        ("Transthoracic Echocardiogram", Anatomy.HEART),
        ("carotid artery duplex", Anatomy.VESSEL),
        ("Liver and kidneys", None),
        ("fetal heart", None),
        ("renal artery", None),
        ("Deliverance", None),
        ("Abdomen", None),
        ("", None),
    ],
)
def test_words_count_only_where_they_name_one_anatomy(words: str, anatomy: Anatomy | None) -> None:
    assert stated_anatomy(header(StudyDescription=words)) is anatomy
    assert stated_anatomy(header(SeriesDescription=words)) is anatomy


def test_values_of_the_wrong_kind_state_nothing() -> None:
    assert stated_anatomy(header(BodyPartExamined=None, StudyDescription=["a", "b"])) is None
    assert stated_anatomy(Dataset()) is None
