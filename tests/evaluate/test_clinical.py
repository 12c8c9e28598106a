"""Clinical scores on examples whose counts were made by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from echovlm.evaluate.clinical import (
    FactKind,
    MistakeKind,
    clinical_scores,
    mistakes_against,
    mistakes_within,
    read_report,
    remarks,
    signature,
)
from echovlm.evaluate.clinical.matching import compare
from echovlm.evaluate.intervals import interval, paired_difference

_REPORT = (
    "Findings: Left breast, 2 o'clock: oval hypoechoic mass of 14 x 9 mm with a circumscribed "
    "margin. No calcifications.\nImpression: Left breast mass, probably a fibroadenoma, BI-RADS 3."
)


def _facts(text: str, kind: FactKind) -> set[object]:
    return {fact.value for fact in read_report(text).facts[kind]}


def _kinds(text: str, reference: str) -> set[MistakeKind]:
    predicted, true = read_report(text), read_report(reference)
    return {each.kind for each in mistakes_against(predicted, true)}


def _one(value: object) -> float:
    return float(value(np.ones((1, 1)))[0])  # type: ignore[operator]


# --- reading -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (FactKind.ORGAN, {"breast"}),
        (FactKind.LESION, {1}),
        (FactKind.FINDING, {"fibroadenoma", "benign"}),
        (FactKind.SIDE, {"left"}),
        (FactKind.SITE, {"2 o'clock"}),
        (FactKind.MEASUREMENT, {14.0, 9.0}),
        (FactKind.DESCRIPTOR, {"oval", "hypoechoic", "circumscribed", "none"}),
        (FactKind.CATEGORY, {"3"}),
        (FactKind.NEGATION, set()),
        (FactKind.UNCERTAINTY, {"fibroadenoma", "benign"}),
    ],
)
def test_a_report_is_read_into_facts_of_every_kind(kind: FactKind, values: set[object]) -> None:
    assert _facts(_REPORT, kind) == values


def test_a_chinese_report_is_read_into_the_same_facts() -> None:
    chinese = (
        "超声所见：左乳2点方向见一椭圆形低回声结节，大小约1.4cm×0.9cm，边缘光整，未见钙化。\n"
        "超声提示：左乳结节，考虑纤维腺瘤，BI-RADS 3类。"
    )
    for kind in FactKind:
        assert _facts(chinese, kind) == _facts(_REPORT, kind), kind


def test_measurements_keep_number_and_unit_as_they_are_stated() -> None:
    (fact,) = read_report("结节直径约1.2cm。").facts[FactKind.MEASUREMENT]
    assert (fact.value, fact.number, fact.unit) == (12.0, 1.2, "cm")
    (speed,) = read_report("PSV 2.6 m/s.").facts[FactKind.MEASUREMENT]
    assert (speed.value, speed.number, speed.unit) == (260.0, 2.6, "m/s")


@pytest.mark.parametrize(
    ("text", "lesions"),
    [
        ("乳腺未见结节。", 0),
        ("左乳见一结节。", 1),
        ("左乳见两枚结节。", 2),
        ("双乳多发结节。", 2),
        ("左乳见一结节。右乳另见一囊肿。", 2),
        ("Three nodules in the thyroid.", 3),
    ],
)
def test_lesions_are_counted(text: str, lesions: int) -> None:
    assert read_report(text).lesions == lesions


def test_advice_history_and_what_cannot_be_excluded_are_no_facts() -> None:
    text = "History of breast cancer. Biopsy to exclude a cyst. Fibroadenoma cannot be excluded."
    assert _facts(text, FactKind.FINDING) == set()
    assert _facts(text, FactKind.UNCERTAINTY) == {"fibroadenoma", "benign"}


# --- matching ----------------------------------------------------------------------------------


def test_equal_texts_score_one() -> None:
    scores = clinical_scores([_REPORT], [_REPORT], ["en"])
    assert _one(scores.f1()) == _one(scores.precision()) == _one(scores.recall()) == 1.0
    assert all(_one(scores.rate(kind)) == 0.0 for kind in MistakeKind)


def test_measurements_by_hand() -> None:
    """Of 20, 9 and 5 mm the reference (21 x 9 mm) supports two; both of its sizes are found."""
    said, true = "A mass of 20 x 9 mm and one of 5 mm.", "A mass of 2.1 x 0.9 cm."
    scores = clinical_scores([said], [true], ["en"])
    assert _one(scores.precision(FactKind.MEASUREMENT)) == pytest.approx(2 / 3)
    assert _one(scores.recall(FactKind.MEASUREMENT)) == 1.0
    assert _one(scores.f1(FactKind.MEASUREMENT)) == pytest.approx(0.8)


def test_micro_scores_sum_facts_over_texts() -> None:
    """Sides: 1 of 1 in the first text; in the second, left and right against left."""
    said = ["左乳见一结节。", "左乳见一结节。右乳见一结节。"]
    true = ["左乳见一结节。", "左乳见一结节。"]
    scores = clinical_scores(said, true, ["zh", "zh"])
    both = np.array([[1, 1], [0, 1], [2, 0]])
    assert scores.precision(FactKind.SIDE)(both) == pytest.approx([2 / 3, 1 / 2, 1.0])
    assert scores.recall(FactKind.SIDE)(both) == pytest.approx([1.0, 1.0, 1.0])


@pytest.mark.parametrize(
    ("said", "true", "kind"),
    [
        ("结节边缘模糊。", "结节边缘可见毛刺。", FactKind.DESCRIPTOR),  # both not circumscribed
        ("BI-RADS 4类。", "BI-RADS 4A类。", FactKind.CATEGORY),
        ("双乳多发结节。", "左乳见三枚结节。", FactKind.LESION),
        ("结节8mm×12mm。", "结节1.2cm×0.8cm。", FactKind.MEASUREMENT),
    ],
)
def test_facts_that_can_both_be_true_agree(said: str, true: str, kind: FactKind) -> None:
    row = list(FactKind).index(kind)
    supported, stated, found, real = compare(read_report(said), read_report(true))[row]
    assert (supported, found) == (stated, real)
    assert real > 0


def test_the_intima_media_has_a_tolerance_of_its_own() -> None:
    true = read_report("IMT 0.8 mm.")
    row = list(FactKind).index(FactKind.MEASUREMENT)
    assert compare(read_report("IMT 0.9 mm."), true)[row].tolist() == [1, 1, 1, 1]
    assert compare(read_report("IMT 1.2 mm."), true)[row].tolist() == [0, 1, 0, 1]


def test_descriptors_of_two_sides_do_not_help_each_other() -> None:
    one = "左乳见一低回声结节，边缘光整。右乳另见一高回声结节，边缘毛刺。"
    other = "左乳见一低回声结节，边缘毛刺。右乳另见一高回声结节，边缘光整。"
    scores = clinical_scores([one], [other], ["zh"])
    assert _one(scores.precision(FactKind.DESCRIPTOR)) == pytest.approx(0.5)


@given(
    st.permutations(["左乳见一结节，大小约12mm。", "右乳未见肿块。", "双侧腋下淋巴结未见肿大。"])
)
def test_the_order_of_sentences_does_not_matter(sentences: list[str]) -> None:
    first = "左乳见一结节，大小约12mm。右乳未见肿块。双侧腋下淋巴结未见肿大。"
    scores = clinical_scores(["".join(sentences)], [first], ["zh"])
    assert _one(scores.f1()) == 1.0


@given(st.text(max_size=80), st.text(max_size=80))
def test_any_two_texts_have_scores_between_zero_and_one(said: str, true: str) -> None:
    scores = clinical_scores([said], [true], ["zh"])
    for score in (scores.precision(), scores.recall(), scores.f1()):
        value = _one(score)
        assert np.isnan(value) or 0.0 <= value <= 1.0


# --- mistakes ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "true", "kind"),
    [
        ("右乳见一结节。", "左乳见一结节。", MistakeKind.LATERALITY),
        ("肝左叶见囊肿。", "肝右叶见囊肿。", MistakeKind.LATERALITY),
        ("Right atrial enlargement.", "Left atrial enlargement.", MistakeKind.LATERALITY),
        ("Left hydronephrosis.", "Right hydronephrosis.", MistakeKind.LATERALITY),
        (
            "左乳见一结节，大小约8mm。右乳另见一结节，大小约20mm。",
            "左乳见一结节，大小约20mm。右乳另见一结节，大小约8mm。",
            MistakeKind.LATERALITY,
        ),
        (
            "左乳见一结节，大小约30mm。",
            "左乳见一结节，大小约12mm。",
            MistakeKind.INVENTED_MEASUREMENT,
        ),
        ("A mass of 18 x 18 mm.", "A mass of 18 x 9 mm.", MistakeKind.INVENTED_MEASUREMENT),
        ("左乳见一结节，大小约12cm。", "左乳见一结节，大小约12mm。", MistakeKind.UNIT),
        ("左乳见一结节，大小约12×8。", "左乳见一结节，大小约12mm×8mm。", MistakeKind.UNIT),
        ("PSV 125 m/s.", "PSV 125 cm/s.", MistakeKind.UNIT),
        ("左乳未见结节。", "左乳见一结节。", MistakeKind.OMISSION),
        ("正常心脏。", "心包积液。", MistakeKind.OMISSION),
        ("肾囊肿。", "肾结石。", MistakeKind.OMISSION),
        ("左乳见一结节。", "左乳未见结节。", MistakeKind.INVENTION),
        ("肾囊肿。", "肾结石。", MistakeKind.INVENTION),
        ("正常心脏。", "心包积液。", MistakeKind.AGAINST),
        ("左乳见一结节，考虑恶性。", "左乳见一结节，考虑良性。", MistakeKind.AGAINST),
        ("A suspicious nodule.", "A benign nodule.", MistakeKind.AGAINST),
        ("结节边缘可见毛刺。", "结节边缘光整。", MistakeKind.AGAINST),
        ("结节后方可见声影。", "结节后方未见声影。", MistakeKind.AGAINST),
        ("BI-RADS 5类。", "BI-RADS 3类。", MistakeKind.AGAINST),
        ("左乳2点见结节。", "左乳10点见结节。", MistakeKind.AGAINST),
        ("Severe stenosis.", "Mild stenosis.", MistakeKind.AGAINST),
        ("左乳见多发结节。", "左乳见一枚结节。", MistakeKind.AGAINST),
        ("No free fluid in the pelvis.", "Free fluid in the pelvis.", MistakeKind.AGAINST),
    ],
)
def test_mistakes_against_the_reference(said: str, true: str, kind: MistakeKind) -> None:
    assert kind in _kinds(said, true)


@pytest.mark.parametrize(
    ("said", "true"),
    [
        ("左乳见一结节，直径约1.2cm。", "左乳结节，大小约12mm。"),
        ("双侧乳腺未见异常。", "左乳未见异常。右乳未见异常。"),
        ("A mass.", "A hypoechoic mass with a smooth margin."),
        ("正常子宫。盆腔少量积液。", "子宫正常，盆腔见少量积液。"),
        ("左乳结节，恶性不除外。", "左乳结节，恶性不能除外。"),
        ("左肾结石，右肾未见结石。", "右肾未见结石。左肾结石。"),
    ],
)
def test_texts_that_agree_have_no_mistakes(said: str, true: str) -> None:
    assert _kinds(said, true) == set()


def test_silence_is_no_contradiction_but_may_be_an_omission() -> None:
    assert _kinds("左乳见一结节。", "左乳见一结节，大小约12mm，边缘毛刺，BI-RADS 5类。") == set()
    assert _kinds("", "左乳见一结节。") == {MistakeKind.OMISSION}


@pytest.mark.parametrize(
    "text",
    [
        "超声所见：左肾集合系统未见分离。超声提示：左肾积水。",
        "超声所见：心包腔内可见液性暗区。超声提示：正常心脏。",
        "Findings: Mass in the left breast. Impression: Right breast mass.",
        "超声所见：结节8mm×6mm。超声提示：结节，大小20mm。",
    ],
)
def test_contradictions_within_a_text(text: str) -> None:
    assert {each.kind for each in mistakes_within(read_report(text))} == {MistakeKind.WITHIN}


def test_mistakes_hold_no_words_of_the_text_and_point_into_it() -> None:
    said = "王小明，右乳见一结节。"
    (found,) = mistakes_against(read_report(said), read_report("左乳见一结节。"))
    assert found.sentence == "The text says right, but the reference says left."
    assert [said[start:end] for start, end in found.spans] == ["右乳"]


# --- remarks on a report alone -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("左乳见一结节，大小约12×8。", "missing unit"),
        (
            "左乳见一椭圆形无回声肿物，边缘光整，与皮肤平行，后方回声增强，BI-RADS 5类。",
            "inconsistent category",
        ),
        (
            "Solid hypoechoic nodule in the left thyroid lobe, taller than wide, with a smooth "
            "margin and no calcifications, ACR TI-RADS 2.",
            "inconsistent category",
        ),
        ("Left ovarian endometrioma of 52 x 45 mm, O-RADS 4.", "inconsistent category"),
        (
            "A nodule of 12 mm in the right breast. BI-RADS 5, benign nodule.",
            "inconsistent category",
        ),
        ("右乳恶性肿瘤，BI-RADS 2类。", "inconsistent category"),
    ],
)
def test_remarks_on_units_and_categories(text: str, kind: str) -> None:
    assert {each.kind for each in remarks(read_report(text))} == {kind}


@pytest.mark.parametrize(
    "text",
    [
        _REPORT,
        "Solid hypoechoic nodule in the left thyroid lobe, taller than wide, with a smooth margin "
        "and no calcifications, ACR TI-RADS 5.",  # 2 + 2 + 3 points
        "甲状腺左叶实性低回声结节，呈垂直位，边缘光滑，未见钙化，C-TIRADS 4B类。",  # 1 + 1
        "Left ovarian endometrioma of 52 x 45 mm, O-RADS 2.",
        "左乳腺未见异常，BI-RADS 1类。",
        "A nodule of 12 mm in the right breast, malignancy cannot be excluded, BI-RADS 3.",
        "右乳恶性肿瘤，BI-RADS 5类。",
        "A benign nodule of 12 mm in the right breast, BI-RADS 2.",
    ],
)
def test_no_remark_where_category_and_description_agree(text: str) -> None:
    assert remarks(read_report(text)) == ()


def test_a_reference_adds_what_differs_from_it() -> None:
    true = read_report("左乳见一结节。")
    assert remarks(read_report("右乳见一结节。")) == ()
    assert [e.kind for e in remarks(read_report("右乳见一结节。"), true)] == ["laterality"]


# --- scores as statistics ------------------------------------------------------------------------


def test_rates_are_shares_of_texts_and_have_intervals() -> None:
    said = ["右乳见一结节。", "左乳见一结节。", "左乳见一结节。", "左乳见一结节。"]
    scores = clinical_scores(said, ["左乳见一结节。"] * 4, ["zh"] * 4)
    found = interval(scores.rate(MistakeKind.LATERALITY), ["a", "b", "c", "d"])
    assert found.value == 0.25
    assert 0.0 <= found.low <= 0.25 <= found.high
    better = clinical_scores(["左乳见一结节。"] * 4, ["左乳见一结节。"] * 4, ["zh"] * 4)
    gain = paired_difference(better.f1(), scores.f1(), ["a", "b", "c", "d"])
    assert gain.value > 0


def test_an_empty_prediction_finds_nothing() -> None:
    scores = clinical_scores([""], [_REPORT], ["en"])
    assert _one(scores.recall()) == _one(scores.precision()) == _one(scores.f1()) == 0.0
    assert _one(scores.rate(MistakeKind.OMISSION)) == 1.0


def test_two_texts_that_state_nothing_have_no_score() -> None:
    assert np.isnan(_one(clinical_scores([""], [""], ["en"]).f1()))


def test_a_prediction_in_the_other_language_is_read_in_it() -> None:
    scores = clinical_scores(["A mass in the left breast."], ["左乳见一肿块。"], ["zh"])
    assert _one(scores.recall()) == 1.0


def test_a_prediction_of_100000_characters_is_scored() -> None:
    scores = clinical_scores(["左乳见一结节。" * 14_286], ["左乳见一结节。"], ["zh"])
    assert _one(scores.recall(FactKind.SIDE)) == 1.0


def test_lists_of_unequal_length_are_refused() -> None:
    with pytest.raises(ValueError, match="one reference and one language"):
        clinical_scores(["a"], ["a", "b"], ["en"])
    with pytest.raises(ValueError, match="at least one"):
        clinical_scores([], [], [])


def test_the_signature_names_rules_words_and_tolerance() -> None:
    name, *parts = signature().split("|")
    assert name == "echovlm-clinical"
    assert [part.split(":")[0] for part in parts] == ["v", "words", "size", "match", "micro"]
    assert "size:1mm/10%" in parts
