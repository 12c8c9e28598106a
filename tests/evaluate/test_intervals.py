"""The bootstrap against what is known of it in closed form."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from echovlm.evaluate.classification import accuracy, auroc
from echovlm.evaluate.intervals import (
    interval,
    mean_of,
    mean_over_groups,
    median_of,
    paired_difference,
    resampled,
    weights,
)
from echovlm.evaluate.text import bleu, corpus_bleu
from echovlm.terms import Language


def test_patients_are_drawn_and_their_cases_stay_together():
    drawn = weights(["b", "a", "b", "c"], resamples=50, seed=1)
    assert drawn.shape == (50, 4)
    assert (drawn[:, 0] == drawn[:, 2]).all()
    assert (drawn[:, [0, 1, 3]].sum(axis=1) == 3).all()


def test_equal_seeds_draw_equal_resamples():
    patients = [str(i) for i in range(9)]
    assert (weights(patients, 20, seed=4) == weights(patients, 20, seed=4)).all()
    assert (weights(patients, 20, seed=4) != weights(patients, 20, seed=5)).any()


def test_the_interval_of_a_mean_is_as_wide_as_its_standard_error_says():
    values = np.random.default_rng(0).normal(size=400)
    found = interval(mean_of(values), [str(i) for i in range(400)], resamples=4000)
    width = 2 * 1.96 * values.std() / np.sqrt(400)
    assert found.value == pytest.approx(values.mean())
    assert found.high - found.low == pytest.approx(width, rel=0.06)
    assert (found.patients, found.resamples, found.seed) == (400, 4000, 0)


def test_repeating_the_cases_of_a_patient_makes_nothing_more_certain():
    values, patients = [0.0, 1.0, 1.0, 0.0, 1.0], ["a", "b", "c", "d", "e"]
    once = interval(mean_of(values), patients)
    thrice = interval(mean_of(values * 3), patients * 3)
    assert (thrice.low, thrice.high) == (once.low, once.high)


def test_a_median_counts_each_case_by_its_weight():
    found = median_of([1.0, 5.0, 9.0])(np.array([[1, 1, 1], [3, 1, 0], [0, 1, 1]]))
    assert found.tolist() == [5.0, 1.0, 7.0]


@given(
    st.lists(st.tuples(st.floats(-1e6, 1e6), st.integers(0, 4)), min_size=1, max_size=20).filter(
        lambda cases: any(count for _, count in cases)
    )
)
def test_a_median_is_that_of_the_repeated_values(cases):
    values, counts = zip(*cases, strict=True)
    found = median_of(values)(np.array([counts]))[0]
    assert found == np.median(np.repeat(values, counts))


def test_a_median_without_cases_is_undefined_and_one_of_no_number_refused():
    assert np.isnan(median_of([1.0, 2.0])(np.array([[0, 0]]))[0])
    with pytest.raises(ValueError, match="finite"):
        median_of([1.0, float("nan")])


GROUPS = ["liver", "liver", "liver", "thyroid"]


def test_a_mean_over_groups_counts_small_groups_as_much_as_large_ones():
    mean = mean_over_groups(GROUPS, {"liver": mean_of([1.0, 0.0, 0.5]), "thyroid": mean_of([0.0])})
    assert mean(np.ones((1, 4), dtype=int))[0] == pytest.approx((0.5 + 0.0) / 2)
    assert mean(np.array([[2, 0, 0, 1]]))[0] == pytest.approx((1.0 + 0.0) / 2)


def test_a_group_that_was_not_drawn_is_left_out_of_the_mean():
    said, true = ["a gall stone", "no lesion"], ["a gall stone", "one lesion"]
    of_group = {
        name: corpus_bleu([said[i]], [true[i]], Language.ENGLISH, order=1)
        for i, name in enumerate(["liver", "thyroid"])
    }
    mean = mean_over_groups(["liver", "thyroid"], of_group)
    drawn = mean(np.array([[1, 1], [0, 2], [0, 0]]))
    assert drawn[:2] == pytest.approx([(100 + 50) / 2, 50])
    assert np.isnan(drawn[2])


def test_a_group_without_a_defined_score_is_left_out_of_the_mean():
    of_group = {
        "liver": auroc([True, False, False], [0.9, 0.1, 0.95]),
        "thyroid": auroc([True], [0.5]),
    }
    assert mean_over_groups(GROUPS, of_group)(np.ones((1, 4)))[0] == pytest.approx(0.5)


def test_the_cases_of_a_group_may_stand_anywhere():
    groups = ["liver", "thyroid", "liver"]
    of_group = {
        "liver": accuracy(["a", "a"], ["a", "b"]),
        "thyroid": accuracy(["a"], ["a"]),
    }
    mean = mean_over_groups(groups, of_group)
    assert mean(np.array([[0, 1, 1], [1, 1, 0]])) == pytest.approx([0.5, 1.0])


def test_groups_and_scores_pair():
    with pytest.raises(ValueError, match="thyroid"):
        mean_over_groups(GROUPS, {"liver": mean_of([1.0, 0.0, 0.5])})


def test_resamples_are_not_to_be_changed_by_who_uses_them():
    with pytest.raises(ValueError, match="read-only"):
        weights(["a", "b"], 3)[0, 0] = 7


def test_a_score_resampled_once_gives_interval_and_difference():
    one, other, patients = mean_of([0.2, 0.9, 0.4]), mean_of([0.1, 0.5, 0.9]), ["a", "b", "c"]
    first, second = resampled(one, patients), resampled(other, patients)
    assert first.interval == interval(one, patients)
    assert first.less(second) == paired_difference(one, other, patients)


def test_corpus_bleu_of_a_resample_is_that_of_the_repeated_texts():
    said = ["a renal cyst", "no stone is seen here", "hydronephrosis"]
    true = ["a hepatic cyst", "no stone seen", "mild hydronephrosis"]
    repeated = bleu(
        [said[0], said[0], said[2]], [true[0], true[0], true[2]], Language.ENGLISH, order=2
    )
    found = corpus_bleu(said, true, Language.ENGLISH, order=2)(np.array([[2, 0, 1]]))
    assert found[0] == pytest.approx(repeated.value)


def test_a_difference_that_every_patient_shows_is_as_sure_as_resamples_allow():
    better, worse = mean_of([0.6, 0.7, 0.9]), mean_of([0.5, 0.6, 0.8])
    found = paired_difference(better, worse, ["a", "b", "c"], resamples=999)
    assert (found.value, found.low, found.high) == pytest.approx((0.1, 0.1, 0.1))
    assert found.p == pytest.approx(2 / 1000)


def test_equal_systems_do_not_differ():
    same = mean_of([0.0, 1.0, 1.0])
    found = paired_difference(same, same, ["a", "b", "c"])
    assert (found.value, found.low, found.high, found.p) == (0, 0, 0, 1)


def test_pairing_takes_out_what_is_hard_for_both():
    rng = np.random.default_rng(3)
    hard = rng.normal(size=100)
    patients = [str(i) for i in range(100)]
    found = paired_difference(mean_of(hard + 0.1), mean_of(hard), patients)
    alone = interval(mean_of(hard), patients)
    assert found.high - found.low < 1e-9 < alone.high - alone.low


def test_resamples_without_a_defined_score_are_left_out():
    found = interval(lambda w: np.where(w[:, 0] > 0, 1.0, np.nan), ["a", "b"], resamples=200)
    assert found.value == found.low == 1
    assert 100 < found.resamples < 200


def test_no_cases_and_undefined_scores_are_refused():
    with pytest.raises(ValueError, match="at least one case"):
        interval(mean_of([]), [])
    with pytest.raises(ValueError, match="undefined"):
        interval(lambda w: np.full(len(w), np.nan), ["a"])
    with pytest.raises(ValueError, match="in every resample"):
        interval(lambda w: np.where(len(w) > 1, np.nan, np.ones(len(w))), ["a"])
