from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echovlm.facts import ContradictionKind as Kind
from echovlm.facts import Fact, Origin, check_text


def _facts(**values: object) -> list[Fact]:
    return [
        Fact(name=name, value=value, origin=Origin.LABEL, source="labels.csv")
        for name, value in values.items()
    ]


def _kinds(text: str, **values: object) -> set[Kind]:
    return {found.kind for found in check_text(text, _facts(**values))}


@pytest.mark.parametrize(
    ("text", "facts", "kind"),
    [
        ("乳腺内见一低回声结节。", {"pathology": "normal"}, Kind.LESION_IN_NORMAL),
        ("A mass is seen.", {"lesion_present": False}, Kind.LESION_IN_NORMAL),
        ("考虑恶性病变可能。", {"pathology": "benign"}, Kind.BENIGN_MALIGNANT),
        ("Most likely a fibroadenoma.", {"pathology": "malignant"}, Kind.BENIGN_MALIGNANT),
        ("左乳见一结节。", {"laterality": "right"}, Kind.LEFT_RIGHT),
        ("A mass in the right breast.", {"laterality": "left"}, Kind.LEFT_RIGHT),
        ("肝内多发结节。", {"lesion_count": 1}, Kind.SINGLE_MULTIPLE),
        ("There is one mass.", {"lesion_count": 2}, Kind.SINGLE_MULTIPLE),
        ("肝内未见占位性病变。", {"lesion_present": True}, Kind.NO_LESION),
        ("No focal lesion.", {"pathology": "benign"}, Kind.NO_LESION),
        ("未见结石。", {"stone_present": True}, Kind.NO_LESION),
        ("结节大小约25mm×10mm。", {"size_long_mm": 12.0}, Kind.SIZE),
        ("Right kidney 11.4 cm with a cyst of 44 mm.", {"size_long_mm": 30.0}, Kind.SIZE),
        ("The mass has spiculated margins.", {"margin": "circumscribed"}, Kind.DESCRIPTOR),
        ("结节未见声影。", {"posterior": "shadowing"}, Kind.DESCRIPTOR),
        ("BI-RADS 3类。", {"birads": "4A"}, Kind.CATEGORY),
        ("The liver is homogeneous.", {"anatomy": "breast"}, Kind.ORGAN),
    ],
)
def test_a_text_against_its_facts(text: str, facts: dict[str, object], kind: Kind) -> None:
    assert kind in _kinds(text, **facts)


@pytest.mark.parametrize(
    ("text", "facts"),
    [
        ("", {"pathology": "malignant", "laterality": "left", "lesion_present": True}),
        ("建议活检以排除恶性。", {"pathology": "benign"}),
        ("考虑良性，恶性不除外。", {"pathology": "malignant"}),
        ("良恶性待定。", {"pathology": "benign"}),
        ("右乳术后，左乳见一结节。", {"laterality": "left"}),
        ("右乳见一结节，左乳未见结节。", {"laterality": "right"}),
        ("Lesion of 12.8 mm.", {"size_long_mm": 12.0}),
        ("Right kidney 11.4 cm with a cyst of 44 mm.", {"size_long_mm": 44.0}),
        ("BI-RADS 4类。", {"birads": "4A"}),
        ("BI-RADS 4B.", {"birads": "4"}),
        (
            "The mass is mostly circumscribed with a partly indistinct margin.",
            {"margin": "circumscribed"},
        ),
        ("结节边缘模糊，可见毛刺。", {"margin": "spiculated"}),
        ("周围组织回声均匀，结节回声不均匀。", {"echotexture": "heterogeneous"}),
        ("甲状腺左叶结节，紧邻颈总动脉。", {"anatomy": "thyroid"}),
        ("Is there a lesion?", {"lesion_present": False}),
    ],
)
def test_no_contradiction_with_facts(text: str, facts: dict[str, object]) -> None:
    assert _kinds(text, **facts) == set()


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("超声所见：乳腺未见结节。超声提示：乳腺结节。", Kind.NO_LESION),
        ("Findings: Mass in the left breast. Impression: Right breast mass.", Kind.LEFT_RIGHT),
        ("左侧乳腺内见一结节。提示右侧乳腺结节。", Kind.LEFT_RIGHT),
        ("子宫后壁见低回声结节。子宫未见占位。", Kind.NO_LESION),
        ("左卵巢见囊肿。双侧卵巢未见占位。", Kind.NO_LESION),
        ("超声所见：结节8mm×6mm。超声提示：结节，大小20mm。", Kind.SIZE_MISSING),
        ("Findings: A mass. Impression: Mass of 20 mm.", Kind.SIZE_MISSING),
        ("乳腺结节，考虑良性。结论为恶性肿瘤。", Kind.BENIGN_MALIGNANT),
        (
            "There is a single nodule. Multiple nodules need follow-up visits in all.",
            Kind.SINGLE_MULTIPLE,
        ),
        ("左乳见一低回声结节，边界清。该高回声结节形态规则。", Kind.DESCRIPTOR),
    ],
)
def test_a_text_against_itself(text: str, kind: Kind) -> None:
    assert kind in _kinds(text)


@pytest.mark.parametrize(
    "text",
    [
        "左乳见一结节，其余腺体未见肿块。",
        "左乳见一结节。右乳未见结节。",
        "A mass in the left breast. The right breast shows no mass.",
        "囊肿可能，不除外实性占位。",
        "多发结节，较大者一个位于外上。",
        "超声所见：结节12mm。超声提示：结节，约1.2cm。",
        "左乳纤维腺瘤。右乳恶性肿瘤。",
        "肝右叶见一囊肿，胆囊未见结石。",
        "子宫后壁见低回声结节。双侧附件区未见占位。",
        "A mass in the left upper outer quadrant. The right breast shows no mass.",
    ],
)
def test_no_contradiction_within_a_text(text: str) -> None:
    assert _kinds(text) == set()


def test_a_size_is_missed_where_one_of_two_lesions_is_told_wrongly() -> None:
    lesions = [
        fact.model_copy(update={"lesion": number})
        for number, size in ((1, 20.0), (2, 8.0))
        for fact in _facts(size_long_mm=size)
    ]
    wrong = check_text("A nodule of 20 mm and a nodule of 15 mm.", lesions, "en")
    assert [found.kind for found in wrong] == [Kind.SIZE]
    assert not check_text("A nodule of 20 mm and a nodule of 8 mm.", lesions, "en")


def test_a_lesion_that_is_not_there_is_told_in_words() -> None:
    (found,) = check_text("No nodule is seen.", _facts(lesion_present=True), "en")
    assert found.sentence == (
        "The text says that no lesion is seen, but there is one according to labels.csv."
    )


def test_sentences_name_fact_and_source_and_spans_point_into_the_text() -> None:
    text = "左乳见一结节。"
    (found,) = check_text(text, _facts(laterality="right"))
    assert found.sentence == "The text says left, but laterality is right according to labels.csv."
    assert [text[start:end] for start, end in found.spans] == ["左乳"]
    (inner,) = check_text("超声所见：乳腺未见结节。超声提示：乳腺结节。")
    assert len(inner.spans) == 2


@given(st.text(max_size=60))
def test_no_text_raises(text: str) -> None:
    facts = _facts(
        pathology="benign",
        laterality="left",
        lesion_count=1,
        size_long_mm=12.0,
        margin="spiculated",
        birads="4",
        anatomy="breast",
        stone_present=True,
    )
    for found in check_text(text, facts):
        assert all(0 <= start < end <= len(text) for start, end in found.spans)
