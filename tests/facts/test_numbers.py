"""Numbers that are written with commas."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echovlm.facts import read_all_statements
from echovlm.facts.numbers import with_points


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("1,200 ml", "01200 ml"),
        ("12,345.5 mm", "012345.5 mm"),
        ("3,5 cm", "3.5 cm"),
        ("0,125 mm", "0.125 mm"),
        ("3,5 x 2,8 cm", "3.5 x 2.8 cm"),
        ("3,5x2,8x1,9cm", "3.5x2.8x1.9cm"),
        ("3,5-4,0 cm", "3.5-4.0 cm"),
        ("约3,5厘米", "约3.5厘米"),
        ("0,95 m/s, 62,5 %", "0.95 m/s, 62.5 %"),
    ],
)
def test_a_comma_in_a_number_before_its_unit_is_a_point_or_groups_thousands(text, plain) -> None:
    assert with_points(text) == plain


@pytest.mark.parametrize(
    "text",
    [
        "segments 5,6",
        "nodules of 3, 5 and 8 mm",
        "结节1,2,3 mm",
        "bi-rads 3,12 mm",
        "结节2,12 mm",
        "大小分别约12,15mm",
        "大小约12，15mm",
        "1,200 patients",
        "2024,12 mm",
    ],
)
def test_other_commas_part_what_they_stand_between(text) -> None:
    assert with_points(text) == text


@given(st.text(alphabet="0123456789,. xcm-约%", max_size=40))
def test_positions_stay_valid(text) -> None:
    plain = with_points(text)
    assert len(plain) == len(text)
    assert all(one == other or one in ",0123456789" for one, other in zip(text, plain, strict=True))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("A mass of 3,5 x 2,8 cm.", [("size_long_mm", 35.0), ("size_short_mm", 28.0)]),
        ("膀胱残余尿量约1,200ml。", [("volume_ml", 1200.0)]),
        ("左乳结节,120 mm。", [("size_long_mm", 120.0)]),
        ("Nodules of 3, 5 and 8 mm.", [("size_long_mm", 8.0)]),
    ],
)
def test_texts_are_read_with_these_numbers(text, said) -> None:
    assert [(each.name, each.value) for each in read_all_statements(text) if each.unit] == said


def test_a_statement_covers_the_number_as_it_is_written() -> None:
    text = "头围1,200 mm。"
    (said,) = read_all_statements(text)
    assert text[said.start : said.end] == "1,200 mm"
    assert said.value == 1200.0
