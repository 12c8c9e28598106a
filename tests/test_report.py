"""Reports are rendered, parsed and guarded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from echovlm.report import (
    _HEADING,
    PLACEHOLDER,
    Report,
    guard_measurements,
    parse_text,
    printable,
    render_text,
)
from echovlm.simulate.cases import LABELS, make_case
from echovlm.terms import Language

LANGUAGES = st.sampled_from(list(Language))
PROSE = (
    st.text(st.characters(exclude_categories=["Cs"]), max_size=80)
    .map(str.strip)
    .filter(lambda text: not _HEADING.search(f"x\n{text}") and not _HEADING.search(text))
    .filter(lambda text: not text.startswith("{"))
)


@given(PROSE, PROSE, LANGUAGES)
def test_parsing_undoes_rendering(findings, impression, language):
    assert parse_text(render_text(findings, impression, language), language) == (
        findings,
        impression,
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "Ultrasound findings: {Round anechoic mass.}; Ultrasound impression: {Cyst.}",
            ("Round anechoic mass.", "Cyst."),
        ),
        ("超声所见:左叶结节。\n超声诊断:甲状腺结节", ("左叶结节。", "甲状腺结节")),
        ("超声所见：左叶结节。超声提示：甲状腺结节", ("左叶结节。", "甲状腺结节")),
        ("**Findings**: *Mass*.\n**Impression:** Cyst.", ("*Mass*.", "Cyst.")),
        ("**Findings:** Mass.\n\n**Impression:** Cyst.", ("Mass.", "Cyst.")),
        ("Impression: Cyst.\nFindings: Mass.", ("Mass.", "Cyst.")),
        ("检查所见：正常。\n诊断意见：未见异常", ("正常。", "未见异常")),
        ("Findings: Mass, impression on the wall.", ("Mass, impression on the wall.", "")),
        ("only words", ("only words", "")),
        ("", ("", "")),
    ],
)
def test_published_and_untidy_forms_are_understood(text, expected):
    assert parse_text(text, "en") == expected


@pytest.mark.parametrize(
    ("text", "guarded"),
    [
        ("A 12 x 8 x 5 mm mass.", "A [not measured] mass."),
        ("A 3-mm nodule", "A [not measured] nodule"),
        ("measures 1.2cm×0.8cm, oval", "measures [not measured], oval"),
        ("between 3 and 5 mm.", "between [not measured]."),
        ("peak systolic velocity 85 cm/s", "peak systolic velocity [not measured]"),
        ("PSV 1.2 m/s.", "PSV [not measured]."),
        ("about twelve millimetres wide", "about [not measured] wide"),
        ("volume 4.5 mL", "volume [not measured]"),
        ("area 2 cm2", "area [not measured]"),
        ("gradient 20 mmHg", "gradient [not measured]"),
        ("gradient 20 mm Hg", "gradient [not measured]"),
        ("up to 1.2 cm 3 nodules", "up to [not measured] 3 nodules"),
        ("level 1 L", None),
        ("size 12×8", "size [not measured]"),
        ("at 3 o'clock, BI-RADS 4, segment 7, 60 % stenosis", None),
        ("two nodules, one cyst", None),
        ("5 MHz transducer", None),
    ],
)
def test_uncalibrated_english_text_states_no_measurement(text, guarded):
    safe, warnings = guard_measurements(text, "en", calibrated=False)
    assert safe == (guarded or text)
    assert bool(warnings) == (guarded is not None)


@pytest.mark.parametrize(
    ("text", "guarded"),
    [
        ("大小约12mm×8mm，边界清", "大小约[未测量]，边界清"),
        ("直径约1.2厘米", "直径约[未测量]"),
        ("大小约１２×８毫米。", "大小约[未测量]。"),
        ("流速约85厘米/秒", "流速约[未测量]"),
        ("厚约三毫米", "厚约[未测量]"),
        ("大小约12×8", "大小约[未测量]"),
        ("约3至5㎜", "约[未测量]"),
        ("可见一低回声结节，位于3点方向，TI-RADS 4类", None),
    ],
)
def test_uncalibrated_chinese_text_states_no_measurement(text, guarded):
    safe, warnings = guard_measurements(text, "zh", calibrated=False)
    assert safe == (guarded or text)
    assert bool(warnings) == (guarded is not None)


def test_calibrated_text_keeps_its_numbers_with_a_warning():
    text, warnings = guard_measurements("A 12 mm mass.", "en", calibrated=True)
    assert text == "A 12 mm mass."
    assert "not measured" in warnings[0]


@given(st.text(alphabet="0123456789.,x×-~ mclsto毫米厘一三/秒至and", max_size=60), LANGUAGES)
def test_guarding_twice_changes_nothing_more(text, language):
    once, _ = guard_measurements(text, language, calibrated=False)
    rest = "|".join(piece for piece in once.split(PLACEHOLDER[language]))
    assert guard_measurements(rest, language, calibrated=False)[1] == ()


def test_a_report_from_text_is_preliminary_and_names_its_model():
    report = Report.from_text(
        "Findings: A 9 mm mass.\x1b[31m\nImpression: Cyst. Recommendation: Follow up.",
        language="en",
        model="nano",
        model_version="1",
        calibrated=False,
    )
    assert (report.status, report.model, report.model_version) == ("preliminary", "nano", "1")
    assert report.findings == "A [not measured] mass.[31m"
    assert (report.impression, report.recommendation) == ("Cyst.", "Follow up.")
    assert report.measurements == ()


def test_a_missing_impression_is_a_warning():
    report = Report.from_text(
        "超声所见：正常。", language="zh", model="m", model_version="1", calibrated=True
    )
    assert report.impression == ""
    assert report.warnings == ("模型未写出超声提示。",)


def test_a_machine_report_cannot_be_final_or_changed():
    with pytest.raises(ValidationError):
        Report(
            language="en", findings="", impression="", model="m", model_version="1", status="final"
        )
    report = Report(language="en", findings="", impression="", model="m", model_version="1")
    with pytest.raises(ValidationError):
        report.findings = "other"


def test_terminal_control_characters_are_taken_out():
    assert printable("a\x1b]0;title\x07b\u202ec\r\n\td") == "a]0;titlebc\n\td"


@pytest.mark.parametrize("label", sorted(LABELS))
def test_true_reports_survive_parsing_and_the_measurement_rule(label):
    case = make_case(11, label, views=1)
    for language in Language:
        text = case.report_text(language)
        parsed = parse_text(text, language)
        assert parsed == (case.findings(language), case.impression(language))
        assert guard_measurements(text, language, calibrated=False) == (text, ())
