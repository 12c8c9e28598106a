"""Clinical facts of phrases that reports hold every day: ranges, products, two sides, doubt."""

from __future__ import annotations

import pytest

from echovlm.evaluate.clinical import (
    FactKind,
    mistakes_against,
    mistakes_within,
    named_entities,
    read_report,
    remarks,
)


def _facts(text: str, kind: FactKind) -> list[tuple[object, str | None]]:
    return [(fact.value, fact.side) for fact in read_report(text).facts[kind]]


@pytest.mark.parametrize(
    ("text", "sizes"),
    [
        ("左乳结节大小约8-10mm。", [(8.0, "left"), (10.0, "left")]),
        ("结节大小10×8×6 mm。", [(10.0, None), (8.0, None), (6.0, None)]),
        ("A mass of 3,5 x 2,8 cm.", [(35.0, None), (28.0, None)]),
        (
            "左侧乳腺见结节，大小10×8mm，右侧乳腺见囊肿，大小5×4mm。",
            [(10.0, "left"), (8.0, "left"), (5.0, "right"), (4.0, "right")],
        ),
        ("膀胱容量约1,200ml。", [(1200.0, None)]),
    ],
)
def test_sizes_keep_their_axes_ends_and_sides(text, sizes):
    assert _facts(text, FactKind.MEASUREMENT) == sizes


def test_a_number_with_a_comma_keeps_its_unit():
    (volume,) = read_report("膀胱容量约1,200ml。").facts[FactKind.MEASUREMENT]
    assert (volume.number, volume.unit) == (1200.0, "ml")
    (length,) = read_report("病灶长径3,5 cm。").facts[FactKind.MEASUREMENT]
    assert (length.value, length.number, length.unit) == (35.0, 3.5, "cm")


@pytest.mark.parametrize(
    ("text", "finding", "uncertain"),
    [
        ("左乳结节，恶性可能性大。", {"malignant"}, {"malignant"}),
        ("左乳结节，恶性待排。", set(), {"malignant"}),
        ("左乳结节，考虑良性。", {"benign"}, {"benign"}),
        ("左乳结节，不考虑恶性。", {"benign"}, set()),
        ("Left breast mass, malignancy cannot be excluded.", set(), {"malignant"}),
        ("Left breast mass, malignancy unlikely.", {"benign"}, set()),
    ],
)
def test_doubt_parts_what_is_claimed_from_what_is_held_possible(text, finding, uncertain):
    assert {value for value, _ in _facts(text, FactKind.FINDING)} == finding
    assert {value for value, _ in _facts(text, FactKind.UNCERTAINTY)} == uncertain


@pytest.mark.parametrize(
    "text",
    [
        "No suspicious mass on the left; on the right a 9 mm oval cyst.",
        "子宫前壁见低回声结节，约25×20mm，双附件区未见明显异常。",
        "肝脏正常。胆囊结石，大小约8mm。",
        "Normal liver. Gallstone of 8 mm.",
        "正常乳腺。左侧腋下淋巴结肿大。",
        "左肾未见结石及积水，右肾见结石，伴积水。",
    ],
)
def test_true_reports_contradict_neither_themselves_nor_their_double(text):
    reading = read_report(text)
    assert mistakes_within(reading) == []
    assert mistakes_against(reading, reading) == []
    assert remarks(reading) == ()


def test_a_stone_of_the_gallbladder_that_is_left_out_is_an_omission():
    said, true = read_report("肝脏未见占位。"), read_report("肝脏未见占位。胆囊结石。")
    (found,) = mistakes_against(said, true)
    assert found.sentence == "The text lacks gallstone."


def test_one_malignant_lesion_beside_a_benign_one_is_a_malignancy():
    text = "甲状腺左叶结节，考虑良性，右叶结节，考虑恶性。"
    assert named_entities(text, "thyroid") == {"mass", "malignancy"}
