from __future__ import annotations

from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echovlm.facts import (
    Certainty,
    Context,
    Section,
    Statement,
    Subject,
    lexicon,
    read_all_statements,
    read_statements,
)


def _named(text: str, name: str) -> list[Statement]:
    return [said for said in read_statements(text) if said.name == name]


def _values(text: str, name: str) -> list[object]:
    return [said.value for said in _named(text, name)]


# --- descriptors ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("结节边界不清。", "margin", "indistinct"),
        ("结节边界尚清晰。", "margin", "circumscribed"),
        ("结节边缘欠光整。", "margin", "not circumscribed"),
        ("结节呈微分叶状。", "margin", "microlobulated"),
        ("结节呈分叶状。", "shape", "lobulated"),
        ("结节形态欠规则。", "shape", "irregular"),
        ("结节呈椭圆形。", "shape", "oval"),
        ("结节与皮肤不平行。", "orientation", "not parallel"),
        ("结节非平行位生长。", "orientation", "not parallel"),
        ("极低回声结节。", "echogenicity", "very hypoechoic"),
        ("内部无回声的囊肿。", "echogenicity", "anechoic"),
        ("结节内部回声欠均匀。", "echotexture", "heterogeneous"),
        ("结节后方回声无明显改变。", "posterior", "none"),
        ("结节内见砂砾样钙化。", "calcification", "punctate"),
        ("A mass that is not circumscribed.", "margin", "not circumscribed"),
        ("A mass with well-defined borders.", "margin", "circumscribed"),
        ("A mass with smooth margins.", "margin", "circumscribed"),
        ("The nodule is taller-than-wide.", "orientation", "not parallel"),
        ("A markedly hypoechoic nodule.", "echogenicity", "very hypoechoic"),
        ("A heterogeneously hypoechoic mass.", "echotexture", "heterogeneous"),
        ("A mass without posterior features.", "posterior", "none"),
        ("A mass with microcalcifications.", "calcification", "punctate"),
    ],
)
def test_descriptors_are_read_as_affirmed(text: str, name: str, value: str) -> None:
    said = _named(text, name)
    assert [(each.value, each.negated) for each in said] == [(value, False)]
    assert said[0].subject is Subject.LESION


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("结节未见毛刺、成角。", "margin", "spiculated"),
        ("结节后方声影不明显。", "posterior", "shadowing"),
        ("No spiculated margin, shadowing or calcification in the mass.", "posterior", "shadowing"),
        ("The mass is without spicules.", "margin", "spiculated"),
        ("Posterior shadowing of the mass is not seen.", "posterior", "shadowing"),
    ],
)
def test_denied_descriptors_are_marked(text: str, name: str, value: str) -> None:
    assert (value, True) in [(each.value, each.negated) for each in _named(text, name)]


@pytest.mark.parametrize(
    "text",
    [
        "结节内未见钙化。",
        "结节无明显钙化灶。",
        "A mass without calcification.",
        "No calcifications in the mass.",
    ],
)
def test_a_denied_feature_without_kind_is_its_absence(text: str) -> None:
    assert [(each.value, each.negated) for each in _named(text, "calcification")] == [
        ("none", False)
    ]


def test_descriptors_of_tissue_are_not_those_of_the_lesion() -> None:
    said = _named(
        "肝实质回声均匀，肝右叶见一低回声结节，内部回声不均匀，周围组织回声均匀。", "echotexture"
    )
    assert [(each.value, each.subject) for each in said] == [
        ("homogeneous", Subject.TISSUE),
        ("heterogeneous", Subject.LESION),
        ("homogeneous", Subject.TISSUE),
    ]


def test_affirmation_after_a_denial_in_one_clause_is_read() -> None:
    assert True in _values("未见钙化但可见一低回声结节。", "lesion_present")
    assert True in _values("No calcification, but there is a mass.", "lesion_present")


# --- lesions ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "未见明确结节、肿块。",
        "肝内未见占位性病变及囊性结构。",
        "No mass or cyst.",
        "No nodule, mass or anechoic area is seen.",
        "Neither masses nor cysts are found.",
        "The breast is free of masses.",
        "未见明显异常。",
    ],
)
def test_denied_lesions_are_absent(text: str) -> None:
    values = _values(text, "lesion_present")
    assert values
    assert True not in values


@pytest.mark.parametrize(
    "text",
    [
        "其余腺体未见肿块。",
        "The remaining breast tissue shows no mass.",
        "未见卫星病灶。",
        "No other lesion.",
    ],
)
def test_denials_of_a_remainder_are_restricted(text: str) -> None:
    assert [(each.value, each.restricted) for each in _named(text, "lesion_present")] == [
        (False, True)
    ]


@pytest.mark.parametrize(
    ("text", "certainty"),
    [
        ("考虑纤维腺瘤可能。", Certainty.LIKELY),
        ("不除外恶性。", Certainty.POSSIBLE),
        ("恶性待排。", Certainty.POSSIBLE),
        ("乳腺恶性肿瘤。", Certainty.SURE),
        ("Suspicious for malignancy.", Certainty.LIKELY),
        ("Malignancy cannot be excluded.", Certainty.POSSIBLE),
    ],
)
def test_hedges_are_graded(text: str, certainty: Certainty) -> None:
    said = _named(text, "pathology")
    assert {each.certainty for each in said} == {certainty}
    assert said[0].uncertain == (certainty is not Certainty.SURE)


@pytest.mark.parametrize(
    ("text", "context"),
    [
        ("建议活检以排除恶性。", Context.ADVICE),
        ("Biopsy to exclude malignancy is advised.", Context.ADVICE),
        ("右乳癌术后。", Context.HISTORY),
        ("History of breast cancer.", Context.HISTORY),
        ("是否为恶性？", Context.QUESTION),
        ("Is it malignant?", Context.QUESTION),
    ],
)
def test_what_is_not_of_this_examination_is_set_apart(text: str, context: Context) -> None:
    assert {each.context for each in _named(text, "pathology")} == {context}


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("左乳见两个低回声结节。", 2),
        ("双乳多发结节。", "multiple"),
        ("乳腺内见一枚肿块。", 1),
        ("There are two hypoechoic masses.", 2),
        ("Multiple oval nodules.", "multiple"),
        ("Solitary thyroid nodule.", 1),
        ("两个。", 2),
        ("One.", 1),
    ],
)
def test_counts_are_read(text: str, count: object) -> None:
    assert _values(text, "lesion_count") == [count]


@pytest.mark.parametrize(
    "text",
    [
        "结节内见多发点状强回声。",
        "较大者一个位于上方，回声不均一。",
        "A mass with multiple calcifications.",
    ],
)
def test_foci_and_selected_lesions_are_not_counted_as_several(text: str) -> None:
    assert "multiple" not in _values(text, "lesion_count")


def test_lesions_are_numbered_as_they_come() -> None:
    said = _named("左乳见一低回声结节，边界清。右乳另见一无回声囊肿，边界不清。", "margin")
    assert [(each.value, each.lesion, each.side) for each in said] == [
        ("circumscribed", 1, "left"),
        ("indistinct", 2, "right"),
    ]
    named = _named("Lesion 1: oval. Lesion 2: irregular mass.", "shape")
    assert [each.lesion for each in named] == [1, 2]


# --- sides ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "sides"),
    [
        ("左乳外上象限见结节。", [("left", "breast")]),
        ("左侧乳腺及右侧腋下。", [("left", "breast"), ("right", "other")]),
        ("甲状腺右叶见结节。", [("right", "thyroid")]),
        ("肝左叶及右叶见结节。", []),
        ("左室增大，右房不大。", []),
        ("图像左侧见结节。", []),
        ("双侧乳腺对称。", [("bilateral", "breast")]),
        ("The left breast shows a mass.", [("left", "breast")]),
        ("A right-sided breast mass.", [("right", "breast")]),
        ("Nodule in the left thyroid lobe.", [("left", "thyroid")]),
        ("Lesion in the right lobe of the liver.", []),
        ("The left ventricle is enlarged.", []),
        ("Upper left part of the picture.", []),
        ("Both kidneys are normal.", [("bilateral", "kidney")]),
    ],
)
def test_body_sides_are_told_from_lobes_chambers_and_places(
    text: str, sides: list[tuple[str, str]]
) -> None:
    assert [(said.value, said.organ) for said in _named(text, "laterality")] == sides


# --- quantities -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("大小约1.2cm×0.8cm。", [("size_long_mm", 12.0), ("size_short_mm", 8.0)]),
        ("大小约１２×８ｍｍ。", [("size_long_mm", 12.0), ("size_short_mm", 8.0)]),
        (
            "约0.8×1.2×1.0厘米。",
            [("size_short_mm", 8.0), ("size_long_mm", 12.0), ("size_mm", 10.0)],
        ),
        ("长径12毫米，短径8.5 mm。", [("size_long_mm", 12.0), ("size_short_mm", 8.5)]),
        ("距乳头2cm见结节，最大径9mm。", [("distance_mm", 20.0), ("size_long_mm", 9.0)]),
        ("直径3-5 mm。", [("size_long_mm", 3.0), ("size_long_mm", 5.0)]),
        ("内中膜厚度0.8 mm。", [("intima_media_mm", 0.8)]),
        ("头围 23.4 cm。", [("head_circumference_mm", 234.0)]),
        ("A 12-mm mass, 5 mm from the nipple.", [("size_long_mm", 12.0), ("distance_mm", 5.0)]),
        (
            "12.5 mm in long axis and 8 mm in short axis.",
            [("size_long_mm", 12.5), ("size_short_mm", 8.0)],
        ),
        ("PSV 0.85 m/s, EDV 20 cm/s.", [("psv_cm_per_s", 85.0), ("edv_cm_per_s", 20.0)]),
        ("左室射血分数约60%。", [("ejection_fraction_percent", 60.0)]),
    ],
)
def test_quantities_are_normalised(text: str, expected: list[tuple[str, float]]) -> None:
    said = [(each.name, each.value) for each in read_statements(text) if each.unit]
    assert said == expected


@pytest.mark.parametrize(
    "text", ["BI-RADS 4类", "3点钟方向", "频率12 MHz", "area of 3 cm2", "120 mmHg"]
)
def test_other_numbers_are_no_lengths(text: str) -> None:
    assert not [each for each in read_statements(text) if each.unit == "mm"]


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("BI-RADS 4A类", "birads", "4A"),
        ("BI-RADS分类：4a", "birads", "4A"),
        ("US-BI-RADS IVa", "birads", "4A"),
        ("BI-RADS category 3.", "birads", "3"),
        ("乳腺结节，4B类", "birads", "4B"),
        ("C-TIRADS 4A", "tirads", "4A"),
        ("TR4", "tirads", "4"),
        ("甲状腺结节4a类", "tirads", "4A"),
        ("O-RADS 2类", "orads", "2"),
    ],
)
def test_categories_are_read(text: str, name: str, value: str) -> None:
    assert _values(text, name) == [value]


# --- the whole text ---------------------------------------------------------------------------


def test_sections_follow_the_headings() -> None:
    text = "超声所见：左乳见一结节。\n超声提示：左乳结节，考虑良性。"
    said = read_statements(text)
    assert {each.section for each in said if each.start < text.index("超声提示")} == {
        Section.FINDINGS
    }
    assert {each.section for each in said if each.start > text.index("超声提示")} == {
        Section.IMPRESSION
    }
    assert {each.section for each in read_statements("左乳见一结节。")} == {Section.WHOLE}


_words = [
    word
    for name in lexicon.names()
    for value in lexicon.attribute(name).values.values()
    for group in value.values()
    for word in group
]
_pieces = st.one_of(
    st.sampled_from(_words),
    st.sampled_from(
        [
            *"，。；、：, .;:\n×x0123456789",
            "未见",
            "可见",
            "no ",
            "with ",
            "cm",
            "mm",
            "左",
            "left ",
        ]
    ),
    st.text(max_size=4),
)


@given(st.lists(_pieces, max_size=40).map("".join))
def test_no_text_raises_and_spans_lie_inside(text: str) -> None:
    for language in (None, "zh", "en"):
        for said in read_all_statements(text, language):
            assert 0 <= said.start < said.end <= len(text)


@given(st.lists(_pieces, max_size=30).map("".join))
def test_reading_is_deterministic(text: str) -> None:
    assert read_all_statements(text) == read_all_statements(text)


@given(st.lists(_pieces, max_size=30).map("".join))
def test_all_statements_hold_those_that_facts_can_be_compared_with(text: str) -> None:
    assert set(read_statements(text)) <= set(read_all_statements(text))


@pytest.mark.parametrize(
    "piece",
    [
        "左乳见一低回声结节，边界不清，右乳未见结节。",
        "no mass, or cyst, ",
        "左",
        "1.2x",
        "边界部分",
        " ",
        "未见",
        "\n#",
    ],
)
def test_time_is_proportional_to_length(piece: str) -> None:
    def seconds(characters: int) -> float:
        text = piece * (characters // len(piece))
        start = process_time()
        read_all_statements(text)
        return process_time() - start

    seconds(1_000)
    assert seconds(40_000) < 12 * seconds(10_000) + 0.2
