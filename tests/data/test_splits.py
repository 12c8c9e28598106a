"""Splits: by patient, stratified, seeded, stable when data are added."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from echovlm.data.sample import Split
from echovlm.data.splits import DEFAULT_SHARES, assign
from echovlm.errors import DataError, OptionError

patients = st.dictionaries(
    st.text("abcdef0123456789", min_size=1, max_size=6), st.sampled_from("xyz"), max_size=120
)


@given(patients, st.integers(0, 5))
@settings(max_examples=60, deadline=None)
def test_every_stratum_has_its_shares(strata, seed):
    splits = assign(strata, seed)
    assert set(splits) == set(strata)
    for stratum in set(strata.values()):
        members = [patient for patient, value in strata.items() if value == stratum]
        counts = Counter(splits[patient] for patient in members)
        for split, share in DEFAULT_SHARES.items():
            assert abs(counts[split] - share * len(members)) <= 1.0 + 1e-9


@given(patients, patients, st.integers(0, 5))
@settings(max_examples=60, deadline=None)
def test_nobody_changes_split_when_data_are_added(before, added, seed):
    first = assign(before, seed)
    second = assign({**added, **before}, seed, previous=first)
    assert all(second[patient] is split for patient, split in first.items())
    assert set(second) == {*before, *added}


@given(patients, st.integers(0, 5))
@settings(max_examples=30, deadline=None)
def test_the_order_of_the_patients_does_not_matter(strata, seed):
    turned = dict(sorted(strata.items(), reverse=True))
    assert assign(strata, seed) == assign(turned, seed)


def test_another_seed_gives_other_splits():
    strata = {f"p{number}": "x" for number in range(50)}
    assert assign(strata, 0) != assign(strata, 1)
    assert assign(strata, 0) == assign(strata, 0)


def test_patients_who_share_a_picture_stay_together():
    strata = {f"p{number}": "xy"[number % 2] for number in range(60)}
    groups = [{"p0", "p1"}, {"p1", "p2"}, {"p10", "p30", "p50"}]
    splits = assign(strata, 3, groups=groups)
    assert splits["p0"] is splits["p1"] is splits["p2"]
    assert splits["p10"] is splits["p30"] is splits["p50"]


def test_a_new_patient_follows_the_one_it_shares_a_picture_with():
    splits = assign(
        {"old": "x", "new": "x"}, 0, previous={"old": Split.TEST}, groups=[{"old", "new"}]
    )
    assert splits["new"] is Split.TEST


def test_a_picture_shared_across_splits_is_leakage():
    previous = {"a": Split.TRAIN, "b": Split.TEST}
    with pytest.raises(DataError, match="leak"):
        assign({"a": "x", "b": "x"}, 0, previous=previous, groups=[{"a", "b"}])


def test_shares_must_add_up():
    with pytest.raises(OptionError, match="add up to 1"):
        assign({"a": "x"}, 0, shares={Split.TRAIN: 0.8, Split.TEST: 0.1})
