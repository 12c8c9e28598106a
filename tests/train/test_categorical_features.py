"""The words of a case that the vision tower is first taught."""

from __future__ import annotations

from echovlm.train.simulated import categorical_features


def test_words_flags_and_counts_are_kept_and_numbers_left_out() -> None:
    values = {"label": "carotid-plaque", "jugular_seen": True, "count": 2, "imt_mm": 0.7}
    assert categorical_features(values) == {
        "label": "carotid-plaque",
        "jugular_seen": "True",
        "count": "2",
    }


def test_members_of_a_tuple_are_counted_and_named_by_position() -> None:
    plaques = ({"echo": "calcified", "length_mm": 9.0}, {"echo": "isoechoic", "length_mm": 8.0})
    assert categorical_features({"plaques": plaques, "sizes_mm": (1.0, 2.0)}) == {
        "plaques": "2",
        "plaques.0.echo": "calcified",
        "plaques.1.echo": "isoechoic",
        "sizes_mm": "2",
    }
    assert categorical_features({"plaques": ()}) == {"plaques": "0"}
