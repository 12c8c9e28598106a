"""Paired tests by hand, against scipy and against how often they err where nothing differs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import permutation_test

from echovlm.evaluate.classification import accuracy, macro_f1
from echovlm.evaluate.comparisons import (
    BOOTSTRAP,
    FLIPS,
    SIGN_FLIPS,
    benjamini_hochberg,
    case_values,
    compare,
    corrected,
    holm,
    mcnemar_p,
    sign_flip_p,
)
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


def test_mcnemar_by_hand():
    """The second alone is right 1 time, the first alone 5 times: 2 (1 + 6) / 2^6."""
    first = [True] * 5 + [False] + [True] * 10
    second = [False] * 5 + [True] + [True] * 10
    assert mcnemar_p(first, second, _patients(16)) == pytest.approx(2 * 7 / 64)
    assert mcnemar_p(first, first, _patients(16)) == 1


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=9))
def test_mcnemar_is_the_test_of_sign_flips_where_each_patient_has_one_case(answers):
    first, second = zip(*answers, strict=True)
    patients = _patients(len(answers))
    found = mcnemar_p(first, second, patients)
    assert found == pytest.approx(sign_flip_p(first, second, patients))


def test_bad_input_of_the_tests_is_refused():
    with pytest.raises(ValueError, match="one case per patient"):
        mcnemar_p([True, True], [True, False], ["a", "a"])
    with pytest.raises(ValueError, match="pairs of answers"):
        mcnemar_p([True, True], [True, False], ["a"])
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


def test_benjamini_hochberg_by_hand():
    """0.005 * 4 / 1, 0.01 * 4 / 2, 0.03 * 4 / 3, 0.04 * 4 / 4."""
    assert benjamini_hochberg([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.02, 0.04, 0.04, 0.02])
    assert benjamini_hochberg([]).tolist() == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_corrections_only_raise_p_and_holm_raises_it_more(p):
    strict, mild = holm(p), benjamini_hochberg(p)
    assert (strict >= np.array(p) - 1e-12).all()
    assert (strict >= mild - 1e-12).all()
    assert (strict <= np.minimum(1, len(p) * np.array(p)) + 1e-12).all()


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


def test_mcnemar_errs_in_less_than_5_percent():
    """Of 10 answers apart, at most 1 or at least 9 for one system reach p <= 0.05: 22 / 1024."""
    splits = [np.arange(10) < only for only in range(11)]
    p = [mcnemar_p(split, ~split, _patients(10)) for split in splits]
    chances = np.array([1, 10, 45, 120, 210, 252, 210, 120, 45, 10, 1]) / 1024
    assert chances[np.array(p) <= 0.05].sum() == pytest.approx(22 / 1024)


def test_corrections_keep_their_promises():
    """10 tests, all true: Holm errs at all in 1 - 0.995^10 = 4.9 %, uncorrected in 40 %."""
    p = np.random.default_rng(2).random(size=(2000, 10))
    assert (p.min(axis=1) <= 0.05).mean() == pytest.approx(0.40, abs=0.035)
    assert np.mean([holm(row).min() <= 0.05 for row in p]) == pytest.approx(0.049, abs=0.015)
    # Half of the tests with a true difference: false finds are 5 % * 5 / 10 of all finds.
    p[:, 5:] *= 1e-4
    found = np.array([benjamini_hochberg(row) for row in p]) <= 0.05
    share = found[:, :5].sum(axis=1) / np.maximum(found.sum(axis=1), 1)
    assert share.mean() == pytest.approx(0.025, abs=0.008)


# --- the table ---

TRUE = ["cyst", "stone"] * 10
SYSTEMS = {
    "good": TRUE,
    "fair": [*TRUE[:10], *["none"] * 10],
    "poor": ["none"] * 20,
}


def test_every_two_systems_are_compared_and_p_corrected_over_the_table():
    systems = {name: accuracy(TRUE, said) for name, said in SYSTEMS.items()}
    rows = compare("accuracy", systems, _patients(20), seed=3)
    assert [(row.one, row.other) for row in rows] == [
        ("good", "fair"),
        ("good", "poor"),
        ("fair", "poor"),
    ]
    first = rows[0]
    assert first.difference == paired_difference(
        systems["good"], systems["fair"], _patients(20), seed=3
    )
    assert first.difference.value == pytest.approx(0.5)
    assert (first.test, first.score, first.family) == (SIGN_FLIPS, "accuracy", 3)
    assert first.p == sign_flip_p([1] * 20, [1] * 10 + [0] * 10, _patients(20), seed=3)
    assert [row.p_holm for row in rows] == pytest.approx(holm([row.p for row in rows]).tolist())
    assert [row.p_false_discovery for row in rows] == pytest.approx(
        benjamini_hochberg([row.p for row in rows]).tolist()
    )
    assert {row.difference.seed for row in rows} == {3}


def test_every_system_is_compared_with_a_baseline():
    systems = {name: accuracy(TRUE, said) for name, said in SYSTEMS.items()}
    rows = compare("accuracy", systems, _patients(20), baseline="poor")
    assert [(row.one, row.other) for row in rows] == [("good", "poor"), ("fair", "poor")]
    assert [row.difference.value for row in rows] == pytest.approx([1.0, 0.5])


def test_scores_that_are_no_means_are_compared_by_the_bootstrap():
    systems = {name: macro_f1(TRUE, said) for name, said in SYSTEMS.items()}
    row = compare("macro F1", systems, _patients(20), baseline="fair")[0]
    assert row.test == BOOTSTRAP
    assert row.p == row.difference.p


def test_more_scores_make_a_larger_family():
    rows = [
        row
        for score in (accuracy, macro_f1)
        for row in compare(
            score.__name__,
            {name: score(TRUE, said) for name, said in SYSTEMS.items()},
            _patients(20),
        )
    ]
    together = corrected(rows)
    assert [row.family for row in together] == [6] * 6
    assert all(new.p_holm >= old.p_holm for new, old in zip(together, rows, strict=True))
    assert [new.p for new in together] == [old.p for old in rows]


def test_a_mean_is_known_by_its_values_also_under_a_signature():
    assert case_values(mean_of([1.0, 2.0])).tolist() == [1, 2]
    scored = meteor(["a cyst"], ["no cyst"], Language.ENGLISH)
    assert case_values(scored) == pytest.approx([scored.score.value])
    assert case_values(median_of([1.0, 2.0])) is None


def test_a_table_needs_two_systems_and_its_baseline():
    with pytest.raises(ValueError, match="two systems"):
        compare("accuracy", {"good": accuracy(TRUE, TRUE)}, _patients(20))
    systems = {name: accuracy(TRUE, said) for name, said in SYSTEMS.items()}
    with pytest.raises(ValueError, match="the baseline among them, got good, fair, poor"):
        compare("accuracy", systems, _patients(20), baseline="dense")
