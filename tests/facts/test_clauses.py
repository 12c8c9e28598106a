from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from echovlm.facts import Section
from echovlm.facts.clauses import clauses, flatten, language_of
from echovlm.report import section_spans
from echovlm.terms import Language


def test_decimal_points_and_thousands_end_nothing() -> None:
    text = "Mass of 1.2 cm, oval. Volume 1,200."
    assert [text[each.start : each.end] for each in clauses(text)] == [
        "Mass of 1.2 cm,",
        " oval.",
        " Volume 1,200.",
    ]
    assert [each.sentence for each in clauses(text)] == [0, 0, 1]


def test_headings_stand_in_no_clause() -> None:
    text = "Findings: A mass. Impression: A cyst."
    assert [(each.section, text[each.start : each.end]) for each in clauses(text)] == [
        (Section.FINDINGS, "A mass."),
        (Section.IMPRESSION, "A cyst."),
    ]
    assert [kind for kind, _, _ in section_spans(text)] == ["findings", "findings", "impression"]


@given(st.text(max_size=80))
def test_flattening_keeps_every_position(text: str) -> None:
    assert len(flatten(text)) == len(text)


@given(st.text(alphabet="左乳A，。,.;\n 1x", max_size=60))
def test_clauses_follow_one_another(text: str) -> None:
    found = clauses(text)
    assert all(one.end <= other.start for one, other in pairwise(found))
    assert all(each.sentence_start <= each.start < each.end <= each.sentence_end for each in found)


def test_full_width_signs_become_plain() -> None:
    assert flatten("１２×８ＭＭ　ＢＩ－ＲＡＤＳ") == "12x8mm bi-rads"


def test_one_chinese_character_makes_a_chinese_text() -> None:
    assert language_of("BI-RADS 4A类") is Language.CHINESE
    assert language_of("BI-RADS 4A") is Language.ENGLISH
