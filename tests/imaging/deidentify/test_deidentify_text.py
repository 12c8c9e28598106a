"""Report texts: what identifies is replaced, what is clinical stays to the letter."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from planted import planted_instance
from report_sentences import CLINICAL, PLANTED

from echovlm.imaging.deidentify import identifiers_of, scrub


@pytest.mark.parametrize(("sentence", "planted"), PLANTED)
def test_planted_items_are_replaced(sentence: str, planted: tuple[str, ...]) -> None:
    clean, changes = scrub(sentence)
    assert [item for item in planted if item in clean] == []
    assert changes
    assert "[" in clean


@pytest.mark.parametrize("sentence", CLINICAL)
def test_clinical_sentences_stay_to_the_letter(sentence: str) -> None:
    assert scrub(sentence) == (sentence, ())


def test_there_are_enough_sentences_in_both_languages() -> None:
    for texts in ([sentence for sentence, _ in PLANTED], CLINICAL):
        chinese = [text for text in texts if not text.isascii() and any(c >= "一" for c in text)]
        assert len(texts) >= 60
        assert len(chinese) >= 20
        assert len(texts) - len(chinese) >= 20


def test_placeholders_speak_the_language_of_the_text() -> None:
    assert scrub("姓名：张三丰")[0] == "姓名：[姓名]"
    assert scrub("Patient: John Smith.")[0] == "Patient: [name]."


def test_given_identifiers_are_replaced_in_every_order_and_script() -> None:
    named = ("ZHANG^SAN=张^三", "8472913")
    text = "Zhang San (SAN ZHANG, 张三), 8472913: san is an ordinary word, 84729131 is not hers."
    clean, changes = scrub(text, named)
    assert "Zhang San" not in clean
    assert "SAN ZHANG" not in clean
    assert "张三" not in clean
    assert " 8472913" not in clean
    assert "san is an ordinary word" in clean
    assert len(changes) >= 4


def test_words_of_a_header_leave_clinical_words_alone() -> None:
    named = identifiers_of(
        planted_instance(
            {
                "PatientName": "AN^LONG",
                "StudyID": "Thyroid",
                "InstitutionalDepartmentName": "Ultrasound",
                "InstitutionName": "Breast Clinic North",
            },
            "ISO_IR 6",
        )
    )
    text = (
        "Ultrasound of an enlarged thyroid, long axis; breast normal. Mr Long, Breast Clinic North."
    )
    clean, _ = scrub(text, named)
    assert clean.startswith("Ultrasound of an enlarged thyroid, long axis; breast normal. ")
    assert "Long" not in clean
    assert "North" not in clean


def test_a_change_never_holds_the_old_value() -> None:
    _, changes = scrub("Patient: John Smith, MRN 8472913, seen 2021-03-05 by Dr. Miller")
    listed = str([change.as_json() for change in changes])
    assert not any(item in listed for item in ("John", "Smith", "8472913", "2021", "Miller"))
    assert {change.where for change in changes} == {"name", "id", "date"}


@given(
    sentence=st.sampled_from(CLINICAL),
    planted=st.sampled_from(["8472913", "110101198102143217", "13812345678", "2021-03-05"]),
)
def test_numbers_are_found_beside_any_clinical_sentence(sentence: str, planted: str) -> None:
    clean, _ = scrub(f"{sentence} {planted}")
    assert clean.startswith(sentence)
    assert planted not in clean


@given(st.text(max_size=60))
def test_any_text_comes_back_and_a_second_pass_changes_nothing(text: str) -> None:
    once, _ = scrub(text)
    assert scrub(once)[0] == once
