"""What may be given to a rule."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echovlm.errors import RuleError
from echovlm.rads.inputs import edition, number, size, whole, word, words

COLOURS = ("red", "green")


@given(st.text().filter(lambda text: text.strip().lower() not in COLOURS))
def test_an_unknown_word_is_an_error_that_lists_the_known_ones(said):
    with pytest.raises(RuleError, match="colour; choose one of red, green"):
        word("colour", said, COLOURS)


@pytest.mark.parametrize("said", [None, 3, 1.5, ["red"]])
def test_what_is_not_a_word_is_an_error(said):
    with pytest.raises(RuleError, match="choose one of"):
        word("colour", said, COLOURS)


def test_words_are_taken_in_any_case_and_listed_once_in_the_order_of_the_table():
    assert word("colour", " Red ", COLOURS) == "red"
    assert words("colours", ["green", "RED", "green"], COLOURS) == ("red", "green")


def test_a_bare_string_is_not_a_list_of_words():
    with pytest.raises(RuleError, match="must be a list of words"):
        words("colours", "red", COLOURS)


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_a_number_is_taken_or_refused(value):
    try:
        assert number("value", value, 10) == value
    except RuleError:
        assert not 0 <= value <= 10


def test_no_bad_number_is_taken(bad_number):
    for check in (number, size, whole):
        with pytest.raises(RuleError, match="value must"):
            check("value", bad_number, 10)


def test_zero_is_a_number_but_no_size():
    assert number("value", 0, 10) == 0
    with pytest.raises(RuleError, match="above 0"):
        size("value", 0, 10)


def test_a_half_is_not_whole():
    assert whole("value", 3.0, 4) == 3
    with pytest.raises(RuleError, match="whole"):
        whole("value", 2.5, 4)


def test_only_the_known_edition_is_taken():
    edition("System", "V2022", "v2022", "others differ")
    edition("System", "2022", "v2022", "others differ")
    with pytest.raises(RuleError, match=r"System 'v2020' .* use 'v2022' \(others differ\)"):
        edition("System", "v2020", "v2022", "others differ")
