"""Fatty liver: conventional grades, the Chinese rule, the score and attenuation, row by row."""

from itertools import product

import pytest

from echovlm.errors import RuleError
from echovlm.rads.fatty_liver import (
    PARENCHYMA,
    VISIBILITY,
    attenuation,
    grade,
    grade_chinese,
    score,
)

ROWS = [
    ("normal", "seen", "seen", 0, "无脂肪肝"),
    ("slight increase", "seen", "seen", 1, "轻度脂肪肝"),
    ("moderate increase", "impaired", "impaired", 2, "中度脂肪肝"),
    ("marked increase", "not seen", "not seen", 3, "重度脂肪肝"),
]
SIGNS = (
    "bright_near_dark_far",
    "vessels_unclear",
    "enlarged_blunt",
    "flow_reduced",
    "capsule_unclear",
)


def every_grade():
    for parenchyma, vessels, diaphragm in product(PARENCHYMA, VISIBILITY, VISIBILITY):
        if parenchyma != "normal" or (vessels, diaphragm) == ("seen", "seen"):
            signs = (parenchyma, vessels, diaphragm)
            yield signs, grade(parenchyma=parenchyma, vessels=vessels, diaphragm=diaphragm)


@pytest.mark.parametrize(("parenchyma", "vessels", "diaphragm", "expected", "zh"), ROWS)
def test_a_row_of_the_table_is_its_grade(parenchyma, vessels, diaphragm, expected, zh):
    result = grade(parenchyma=parenchyma, vessels=vessels, diaphragm=diaphragm)
    assert (result.grade, result.zh, result.warnings) == (expected, zh, ())


def test_every_row_is_reached(unused_rows):
    assert not unused_rows("fatty_liver", [result for _, result in every_grade()])


def test_a_worse_sign_never_lowers_the_grade():
    grades = {signs: result.grade for signs, result in every_grade()}
    scales = (PARENCHYMA, VISIBILITY, VISIBILITY)
    for one, other in product(grades, repeat=2):
        ranks = [
            scale.index(after) >= scale.index(before)
            for scale, before, after in zip(scales, one, other, strict=True)
        ]
        if all(ranks):
            assert grades[other] >= grades[one]


def test_signs_that_disagree_give_a_range_and_a_warning():
    result = grade(parenchyma="slight increase", vessels="not seen", diaphragm="seen")
    assert (result.grade, result.possible) == (3, (1, 2, 3))
    assert "different grades (1 to 3)" in result.warnings[0]


@pytest.mark.parametrize("sign", ["vessels", "diaphragm"])
@pytest.mark.parametrize("value", ["impaired", "not seen"])
def test_a_liver_of_normal_echogenicity_obscures_nothing(sign, value):
    signs = {"parenchyma": "normal", "vessels": "seen", "diaphragm": "seen"} | {sign: value}
    with pytest.raises(RuleError, match="normal echogenicity"):
        grade(**signs)


@pytest.mark.parametrize("sign", ["parenchyma", "vessels", "diaphragm"])
def test_an_unknown_word_lists_the_known_ones(sign):
    signs = {"parenchyma": "normal", "vessels": "seen", "diaphragm": "seen"} | {sign: "bright"}
    known = PARENCHYMA if sign == "parenchyma" else VISIBILITY
    with pytest.raises(RuleError, match=", ".join(known)):
        grade(**signs)


def expected_chinese(first, others, fifth):
    if not first or not others:
        return 0
    return 1 if others == 1 else 3 if fifth else 2


@pytest.mark.parametrize("signs", list(product((False, True), repeat=5)))
def test_the_chinese_rule_counts_signs_2_to_4_beside_sign_1(signs):
    result = grade_chinese(**dict(zip(SIGNS, signs, strict=True)))
    assert result.grade == expected_chinese(signs[0], sum(signs[1:4]), signs[4])
    assert bool(result.warnings) == (
        (result.grade == 0 and any(signs)) or (result.grade == 1 and signs[4])
    )


def test_every_row_of_the_chinese_rule_is_reached(unused_rows):
    results = [
        grade_chinese(**dict(zip(SIGNS, signs, strict=True)))
        for signs in product((False, True), repeat=5)
    ]
    assert not unused_rows("fatty_liver_chinese", results)


def test_the_score_is_the_sum_and_2_is_steatosis(unused_rows):
    results = []
    for brightness, dark, vessels in product(range(4), range(3), range(2)):
        result = score(brightness=brightness, attenuation=dark, vessels=vessels)
        assert result.score == brightness + dark + vessels
        assert result.steatosis == (result.score >= 2)
        assert bool(result.warnings) == (brightness == 0 and result.score > 0)
        results.append(result)
    assert not unused_rows("fatty_liver_score", results)


@pytest.mark.parametrize(("part", "most"), [("brightness", 3), ("attenuation", 2), ("vessels", 1)])
def test_a_part_of_the_score_has_its_bounds(part, most, bad_number):
    parts = {"brightness": 1, "attenuation": 0, "vessels": 0}
    for value in (most + 1, 0.5, bad_number):
        with pytest.raises(RuleError, match=part):
            score(**parts | {part: value})


@pytest.mark.parametrize(
    ("value", "stage"),
    [
        (100, "S0"),
        (247.9, "S0"),
        (248, "S1"),
        (267.9, "S1"),
        (268, "S2"),
        (279.9, "S2"),
        (280, "S3"),
        (400, "S3"),
    ],
)
def test_attenuation_is_staged_at_its_thresholds(value, stage):
    assert attenuation(value).stage == stage


def test_attenuation_is_what_the_device_gives(bad_number):
    for value in (99.9, 400.1, bad_number):
        with pytest.raises(RuleError, match="value_db_per_m"):
            attenuation(value)
