"""Text that is still being written keeps the measurement rule."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echovlm.engine.decoding import pieces
from echovlm.engine.streaming import guarded
from echovlm.report import guard_measurements, printable
from echovlm.terms import Language

NUMBERS = ["12", "8", ".5", "1,2", "三", "three", " x ", "×", "-", "to"]
UNITS = ["mm", "cm", "m/s", "毫米", "厘米/秒"]
OTHERS = [" ", "A mass", "结节", "约", ". ", ", ", "，", "。", ";", "!", "\n", "\x1b"]
WORDS = st.sampled_from([*NUMBERS, *UNITS, *OTHERS])


@given(st.lists(st.lists(WORDS, max_size=5).map("".join), max_size=12), st.booleans())
def test_the_stream_is_the_guarded_text_however_it_is_cut(parts, calibrated):
    whole = printable("".join(parts))
    expected, _ = guard_measurements(whole, "en", calibrated=calibrated)
    assert "".join(guarded(parts, Language.ENGLISH, calibrated=calibrated)) == expected


def test_a_clause_is_given_away_as_soon_as_it_ends():
    stream = guarded(iter(["An oval", " mass, ", "12", " mm"]), Language.ENGLISH, calibrated=False)
    assert next(stream) == "An oval mass,"
    assert list(stream) == [" [not measured]"]


@pytest.mark.parametrize("text", ["结节", "囊肿 cyst é", "a"])
def test_characters_are_given_away_whole(network, text):
    ids = network.text_ids(text)
    *given_pieces, generation = pieces(network, ([token] for token in ids))
    assert "".join(given_pieces) == generation.text == text
    assert "\N{REPLACEMENT CHARACTER}" not in "".join(given_pieces)
