"""Which anatomy an instance states, by code tables alone: what is not stated is not guessed.

The coded body part decides (BodyPartExamined, DICOM PS3.16 Annex L; AnatomicRegionSequence). Only
without one are whole words of the study and series description compared with a short list. Words
that point to two anatomies, or to one that the system does not cover, give None.
"""

from __future__ import annotations

import re

from pydicom.dataset import Dataset

from echovlm.terms import Anatomy

# PS3.16 Annex L, Table L-1: code string of BodyPartExamined.
_BODY_PARTS = {
    "BREAST": Anatomy.BREAST,
    "THYROID": Anatomy.THYROID,
    "LIVER": Anatomy.LIVER,
    "KIDNEY": Anatomy.KIDNEY,
    "HEART": Anatomy.HEART,
    "CAROTID": Anatomy.VESSEL,
    "CCA": Anatomy.VESSEL,
    "ICA": Anatomy.VESSEL,
    "UTERUS": Anatomy.GYNAECOLOGY,
    "OVARY": Anatomy.GYNAECOLOGY,
}

# AnatomicRegionSequence: SNOMED CT, and the SRT codes of older files (PS3.16 CID 4).
_REGION_CODES = {
    ("SCT", "76752008"): Anatomy.BREAST,
    ("SRT", "T-04000"): Anatomy.BREAST,
    ("SCT", "69748006"): Anatomy.THYROID,
    ("SRT", "T-B6000"): Anatomy.THYROID,
    ("SCT", "10200004"): Anatomy.LIVER,
    ("SRT", "T-62000"): Anatomy.LIVER,
    ("SCT", "64033007"): Anatomy.KIDNEY,
    ("SRT", "T-71000"): Anatomy.KIDNEY,
    ("SCT", "80891009"): Anatomy.HEART,
    ("SRT", "T-32000"): Anatomy.HEART,
    ("SCT", "69105007"): Anatomy.VESSEL,
    ("SRT", "T-45010"): Anatomy.VESSEL,
    ("SCT", "32062004"): Anatomy.VESSEL,  # common carotid artery
    ("SRT", "T-45100"): Anatomy.VESSEL,
    ("SCT", "86117002"): Anatomy.VESSEL,  # internal carotid artery
    ("SRT", "T-45300"): Anatomy.VESSEL,
    ("SCT", "35039007"): Anatomy.GYNAECOLOGY,
    ("SRT", "T-83000"): Anatomy.GYNAECOLOGY,
    ("SCT", "15497006"): Anatomy.GYNAECOLOGY,
    ("SRT", "T-87000"): Anatomy.GYNAECOLOGY,
}

_WORDS = {
    Anatomy.BREAST: r"breasts?|mammary|乳腺",
    Anatomy.THYROID: r"thyroid|甲状腺",
    Anatomy.LIVER: r"liver|hepatic|肝脏",
    Anatomy.KIDNEY: r"kidneys?|renal|肾脏",
    Anatomy.HEART: r"echocardiogra(?:m|phy)|cardiac|heart|心脏",
    Anatomy.VESSEL: r"carotids?|颈动脉",
    Anatomy.GYNAECOLOGY: r"uterus|uterine|ovar(?:y|ies|ian)|子宫|卵巢",
}
_PATTERNS = {
    anatomy: re.compile(rf"(?<![a-z])(?:{words})(?![a-z])") for anatomy, words in _WORDS.items()
}
# Words that make a description speak of something else than the organ they stand beside.
_OTHER = re.compile(r"(?<![a-z])(?:fetal|foetal|transplant|arter(?:y|ies)|胎儿|移植)(?![a-z])")


def stated_anatomy(dataset: Dataset) -> Anatomy | None:
    """Read the anatomy an instance states, None where it states none of the seven.

    Args:
        dataset: the instance's header.
    """
    body_part = _text(dataset, "BodyPartExamined").strip().upper()
    if body_part:
        return _BODY_PARTS.get(body_part)
    codes = dataset.get("AnatomicRegionSequence") or ()
    coded = {
        _REGION_CODES.get((_text(item, "CodingSchemeDesignator"), _text(item, "CodeValue")))
        for item in codes
        if isinstance(item, Dataset)
    }
    if coded:
        return coded.pop() if len(coded) == 1 else None
    return _anatomy_in_words(
        " ".join(_text(dataset, name) for name in ("StudyDescription", "SeriesDescription"))
    )


def _anatomy_in_words(description: str) -> Anatomy | None:
    lowered = description.lower()
    named = [anatomy for anatomy, pattern in _PATTERNS.items() if pattern.search(lowered)]
    if len(named) != 1:
        return None
    if named[0] is not Anatomy.VESSEL and _OTHER.search(lowered):
        return None
    return named[0]


def _text(dataset: Dataset, name: str) -> str:
    value = dataset.get(name)
    return value if isinstance(value, str) else ""
