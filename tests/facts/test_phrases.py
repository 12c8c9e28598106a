"""Phrases of plain reports: what is denied, on which side, in which organ."""

from __future__ import annotations

import pytest

from echovlm.facts import Statement, check_text, read_statements
from echovlm.facts.claims import Claims


def _said(text: str) -> Claims:
    return Claims(read_statements(text))


def _values(statements: list[Statement]) -> list[object]:
    return [each.value for each in statements]


@pytest.mark.parametrize(
    "text",
    [
        "No suspicious mass in the left breast.",
        "There is no suspicious lesion or calcification.",
        "No mass suspicious for malignancy in either breast.",
        "未见可疑结节。",
        "患者否认乳房肿块。",
    ],
)
def test_a_suspicious_lesion_that_is_denied_is_none(text: str) -> None:
    said = _said(text)
    assert not said.lesions
    assert said.denials


@pytest.mark.parametrize(
    "text", ["Benign-appearing cyst; malignancy unlikely.", "囊肿，恶性可能性小。"]
)
def test_an_unlikely_malignancy_is_a_benign_claim(text: str) -> None:
    malignant = [each for each in read_statements(text) if each.value == "malignant"]
    assert [each.negated for each in malignant] == [True]


@pytest.mark.parametrize(
    ("text", "side"),
    [
        ("Breasts: no suspicious mass on the left; on the right there is a cyst.", "right"),
        ("Breast: no mass on the left, on the right a 9 mm cyst.", "right"),
        ("左乳未见结节，右乳见一结节。", "right"),
        ("左侧见囊肿，右侧未见异常，乳腺腺体正常。", "left"),
    ],
)
def test_a_lesion_has_the_side_of_its_clause_and_not_that_of_a_denial(text: str, side: str) -> None:
    assert _values(_said(text).lesion_sides()) == [side]


@pytest.mark.parametrize(
    "text",
    [
        "子宫前壁见低回声结节，约2.5cm×2.0cm，双附件区未见明显异常。",
        "子宫前壁见肌瘤。宫腔内未见异常回声。双附件区未见异常。",
        "Uterus: fibroid of 25 mm. No adnexal mass.",
        "Fibroid of 25 mm in the anterior wall; no adnexal abnormality.",
        "There is no mass, but a cyst is seen in the left breast.",
        "肝脏未见占位。胆囊结石，大小约8mm。",
        "No focal hepatic lesion. Gallbladder stone of 8 mm.",
        "A stone of 8 mm in the gallbladder; normal liver.",
    ],
)
def test_a_denial_for_one_part_does_not_contradict_a_lesion_of_another(text: str) -> None:
    assert check_text(text, []) == ()


@pytest.mark.parametrize(
    ("text", "lesions"),
    [
        ("胆囊结石。", 0),
        ("胆囊内见强回声团，肝内见囊肿。", 1),
        ("肝内囊肿，邻近胆囊。", 1),
        ("Liver cyst near the gallbladder.", 1),
        ("A stone of 8 mm in the gallbladder.", 0),
        ("肝右叶近胆囊窝处见结节。", 1),
    ],
)
def test_a_lesion_of_a_neighbour_is_none_of_the_organ(text: str, lesions: int) -> None:
    assert len(_said(text).lesions) == lesions


@pytest.mark.parametrize(
    ("text", "grades"),
    [
        ("BI-RADS 3-4A类。", ["3", "4A"]),
        ("乳腺结节，BI-RADS 3类或4A类", ["3", "4A"]),
        ("BI-RADS 4a/4A类", ["4A", "4A"]),
        ("TI-RADS 4a-4b级", ["4A", "4B"]),
        ("BI-RADS 3/6 months follow-up.", ["3"]),
        ("BI-RADS 3, 5 mm cyst", ["3"]),
    ],
)
def test_a_range_of_categories_is_both_of_its_ends(text: str, grades: list[str]) -> None:
    found = [each.value for each in read_statements(text) if each.name in ("birads", "tirads")]
    assert found == grades
