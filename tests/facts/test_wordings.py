"""Wordings of hospitals and sonographers that the reader once took for something else."""

from __future__ import annotations

import pytest

from echovlm.facts import Statement, read_all_statements, read_statements
from echovlm.facts.claims import Claims
from echovlm.facts.clauses import flatten, language_of
from echovlm.facts.quantities import unitless


def _named(text: str, name: str) -> list[Statement]:
    return [said for said in read_statements(text) if said.name == name]


def _values(text: str, name: str) -> list[object]:
    return [said.value for said in _named(text, name)]


def _all_values(text: str, name: str) -> list[object]:
    return [said.value for said in read_all_statements(text) if said.name == name]


def _claims(text: str, name: str) -> list[object]:
    return [said.value for said in Claims(read_statements(text)).named(name)]


def test_a_category_or_a_size_behind_advice_is_of_this_examination() -> None:
    text = "右乳肿块，建议穿刺活检，BI-RADS 5类，大小约23mm。"
    assert _claims(text, "birads") == ["5"]
    assert _claims(text, "size_long_mm") == [23.0]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("囊性结节。", "cystic"),
        ("实性低回声肿块。", "solid"),
        ("囊实性结节。", "mixed cystic and solid"),
        ("A spongiform nodule.", "spongiform"),
        ("A mixed cystic and solid mass.", "mixed cystic and solid"),
    ],
)
def test_the_composition_of_a_lesion_is_read(text: str, value: str) -> None:
    assert _all_values(text, "composition") == [value]


@pytest.mark.parametrize("text", ["囊肿内见实性成分。", "A cyst without a solid component."])
def test_a_part_of_a_lesion_is_not_its_composition(text: str) -> None:
    assert _all_values(text, "composition") == []


def test_an_echo_that_is_seen_without_a_noun_is_a_lesion() -> None:
    assert _values("右肾下极探及强回声，直径7mm。", "lesion_present") == [True]
    assert _values("后方无回声改变。", "echogenicity") == []


def test_a_normal_ovary_leaves_the_uterus_open() -> None:
    normal = _named("子宫后壁见低回声结节。右卵巢正常。", "pathology")
    assert [(said.value, said.restricted) for said in normal] == [("normal", True)]
    alone = _named("右卵巢正常。", "pathology")
    assert [(said.value, said.restricted) for said in alone] == [("normal", False)]


def test_a_normal_form_is_no_normal_organ() -> None:
    assert _named("双肾形态正常，左肾见囊肿。", "pathology") == [
        said for said in _named("双肾形态正常，左肾见囊肿。", "pathology") if said.value == "benign"
    ]


def test_a_lone_side_beside_arteries_is_a_body_side_where_they_have_sides() -> None:
    assert _values("左侧颈总动脉见斑块。右侧未见斑块。", "laterality") == ["left", "right"]
    assert _values("颈总动脉管壁见两处突起，左侧一处低回声。", "laterality") == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("肿块体积约3.5ml。", [("volume_ml", 3.5)]),
        ("估测肺动脉压45mmHg。", [("pressure_mmhg", 45.0)]),
        ("Mitral valve area 1.4 cm2.", [("area_cm2", 1.4)]),
        ("Heart rate 72 bpm.", [("rate_per_minute", 72.0)]),
        ("流速约1.2m/s。", [("velocity_cm_per_s", 120.0)]),
    ],
)
def test_other_numbers_with_a_unit_are_named_by_it(
    text: str, expected: list[tuple[str, float]]
) -> None:
    said = [(each.name, each.value) for each in read_all_statements(text) if each.unit]
    assert said == expected
    assert not [each for each in read_statements(text) if each.unit]


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("大小约12×8。", [12.0]),
        ("大小约12×8mm。", []),
        ("直径约12，边界清。", [12.0]),
        ("直径约12mm。", []),
        ("It measures 11 x 8.", [11.0]),
        ("It measures 11 x 8 mm.", []),
        ("Two cysts of 11 and 8 mm, BI-RADS 2.", []),
        ("The kidney is 10.1 long.", [10.1]),
    ],
)
def test_sizes_without_a_unit_are_found(text: str, numbers: list[float]) -> None:
    language = language_of(text)
    assert [bare.number for bare in unitless(flatten(text), language)] == numbers
