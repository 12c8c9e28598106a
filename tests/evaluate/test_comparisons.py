"""Paired tests by hand, against scipy and against how often they err where nothing differs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, permutation_test

from echovlm.evaluate.comparisons import FLIPS, case_values, holm, sign_flip_p
from echovlm.evaluate.intervals import mean_of, median_of, paired_difference
from echovlm.evaluate.text import meteor
from echovlm.terms import Language


def _patients(count):
    return [str(one) for one in range(count)]


def test_sign_flips_of_three_patients_by_hand():
    """Of 8 exchanges two give 3 or -3. Of +-2 +-1 +-1 two are 0, all others at least 2 in size."""
    assert sign_flip_p([1, 1, 1], [0, 0, 0], _patients(3)) == 2 / 8
    assert sign_flip_p([2, 1, 0], [0, 0, 1], _patients(3)) == 6 / 8


def test_cases_of_one_patient_are_exchanged_together():
    assert sign_flip_p([1] * 6, [0] * 6, ["a", "a", "b", "b", "c", "c"]) == 2 / 8


def test_equal_systems_have_a_p_of_one():
    assert sign_flip_p([0.1, 0.2], [0.1, 0.2], _patients(2)) == 1
    assert sign_flip_p([0.1] * 50, [0.1] * 50, _patients(50)) == 1


@given(st.lists(st.integers(-40, 40), min_size=2, max_size=7))
def test_all_exchanges_are_those_of_scipy(differences):
    found = sign_flip_p(differences, [0.0] * len(differences), _patients(len(differences)))
    expected = permutation_test(
        (np.array(differences, dtype=float),), np.sum, permutation_type="samples", n_resamples=FLIPS
    )
    assert found == pytest.approx(min(1.0, expected.pvalue))


def test_drawn_exchanges_come_near_the_normal_law():
    """Sums of exchanges have variance sum d^2; where sum d is twice its root, p is 0.0455."""
    noise = np.random.default_rng(0).normal(size=400)
    noise -= noise.mean()
    values = noise + 2 * np.sqrt((noise**2).mean() / 396)
    assert values.sum() == pytest.approx(2 * np.sqrt((values**2).sum()))
    found = sign_flip_p(values, np.zeros(400), _patients(400))
    assert found == pytest.approx(0.0455, abs=0.008)
    assert found == sign_flip_p(values, np.zeros(400), _patients(400), seed=0)
    assert found != sign_flip_p(values, np.zeros(400), _patients(400), seed=1)


def test_the_least_p_of_drawn_exchanges_is_one_of_all():
    assert sign_flip_p(np.ones(100), np.zeros(100), _patients(100)) == 1 / (FLIPS + 1)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=9))
def test_sign_flips_are_the_exact_test_of_mcnemar_where_each_patient_has_one_case(answers):
    only_first = sum(one and not other for one, other in answers)
    apart = sum(one != other for one, other in answers)
    expected = binomtest(only_first, apart).pvalue if apart else 1.0
    first, second = zip(*answers, strict=True)
    assert sign_flip_p(first, second, _patients(len(answers))) == pytest.approx(expected)


def test_bad_input_of_the_tests_is_refused():
    with pytest.raises(ValueError, match="finite difference"):
        sign_flip_p([float("nan")], [0.0], ["a"])
    with pytest.raises(ValueError, match="at least one"):
        sign_flip_p([], [], [])
    with pytest.raises(ValueError, match="between 0 and 1"):
        holm([0.5, float("nan")])


def test_holm_by_hand():
    """0.005 * 4, 0.01 * 3, 0.03 * 2, and 0.04 may not fall below the one before."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.9]).tolist() == [1, 1]
    assert holm([]).tolist() == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_the_correction_only_raises_p(p):
    found = holm(p)
    assert (found >= np.array(p) - 1e-12).all()
    assert (found <= np.minimum(1, len(p) * np.array(p)) + 1e-12).all()


# --- how often a test finds a difference where there is none ---


def _twins(rng, patients, cases):
    """Two equally good systems; both find the same patients hard and differ by patient."""
    hard = np.repeat(rng.normal(size=patients), cases)
    own = np.repeat(rng.normal(size=(2, patients)), cases, axis=1)
    noise = rng.normal(size=(2, patients * cases))
    return hard + own + 0.3 * noise, [str(one) for one in range(patients) for _ in range(cases)]


def _false_finds(test, simulations, patients=10, cases=3):
    rng = np.random.default_rng(1)
    found = 0
    for _ in range(simulations):
        (one, other), names = _twins(rng, patients, cases)
        found += test(one, other, names) <= 0.05
    return found / simulations


def test_sign_flips_by_patient_err_in_5_percent():
    """1,000 simulations: 5 % with a standard error of 0.7 %; bound of three."""
    assert _false_finds(sign_flip_p, 1000) == pytest.approx(0.05, abs=0.021)


def test_drawn_sign_flips_err_in_5_percent():
    """300 simulations of 40 patients: a standard error of 1.3 %."""
    rate = _false_finds(sign_flip_p, 300, patients=40, cases=2)
    assert rate == pytest.approx(0.05, abs=0.038)


def test_sign_flips_that_take_cases_for_patients_err_far_more_often():
    def naive(one, other, names):
        return sign_flip_p(one, other, _patients(len(names)))

    assert _false_finds(naive, 150, patients=4) > 0.12


def test_the_bootstrap_over_patients_errs_in_little_more_than_5_percent():
    """Of 50 patients; a percentile bootstrap is a little too sure of itself, less so of more."""

    def test(one, other, names):
        return paired_difference(mean_of(one), mean_of(other), names, resamples=500).p

    assert 0.03 < _false_finds(test, 600, patients=50, cases=2) < 0.085


def test_the_correction_keeps_its_promise():
    """10 tests, all true: Holm errs at all in 1 - 0.995^10 = 4.9 %, uncorrected in 40 %."""
    p = np.random.default_rng(2).random(size=(2000, 10))
    assert (p.min(axis=1) <= 0.05).mean() == pytest.approx(0.40, abs=0.035)
    assert np.mean([holm(row).min() <= 0.05 for row in p]) == pytest.approx(0.049, abs=0.015)


# --- scores that are means ---


def test_a_mean_is_known_by_its_values_also_under_a_signature():
    assert case_values(mean_of([1.0, 2.0])).tolist() == [1, 2]
    scored = meteor(["a cyst"], ["no cyst"], Language.ENGLISH)
    assert case_values(scored) == pytest.approx([scored.score.value])
    assert case_values(median_of([1.0, 2.0])) is None
