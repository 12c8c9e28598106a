"""Scores of classes by hand and against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, f1_score

from echovlm.evaluate.classification import accuracy, auroc, balanced_accuracy, macro_f1

TRUE = ["cyst", "cyst", "cyst", "stone"]
SAID = ["cyst", "stone", "cyst", "stone"]


def _of_all(statistic, cases=4):
    return float(statistic(np.ones((1, cases), dtype=int))[0])


def test_accuracy_balanced_accuracy_and_f1_by_hand():
    """F1 of cyst: 2 * 2 / (3 + 2); of stone: 2 * 1 / (1 + 2)."""
    assert _of_all(accuracy(TRUE, SAID)) == pytest.approx(3 / 4)
    assert _of_all(balanced_accuracy(TRUE, SAID)) == pytest.approx((2 / 3 + 1) / 2)
    assert _of_all(macro_f1(TRUE, SAID)) == pytest.approx((4 / 5 + 2 / 3) / 2)


@pytest.mark.filterwarnings("ignore:y_pred contains classes")
def test_weighted_scores_are_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    true, said = rng.choice(list("abcd"), 60).tolist(), rng.choice(list("abcd"), 60).tolist()
    weights = rng.integers(0, 3, size=(5, 60))
    ours = balanced_accuracy(true, said)(weights)
    theirs = [balanced_accuracy_score(true, said, sample_weight=row) for row in weights]
    assert ours == pytest.approx(theirs)
    ours = macro_f1(true, said)(weights)
    theirs = [f1_score(true, said, average="macro", sample_weight=row) for row in weights]
    assert ours == pytest.approx(theirs)


def test_a_class_that_was_not_drawn_does_not_count():
    assert balanced_accuracy(TRUE, SAID)(np.array([[1, 1, 1, 0]]))[0] == pytest.approx(2 / 3)


def test_a_choice_outside_the_true_classes_is_wrong():
    assert _of_all(balanced_accuracy(TRUE, ["none"] * 4)) == 0


def test_auroc_is_the_share_of_pairs_in_the_right_order():
    """Pairs: 0.9 over 0.4 and 0.6, 0.5 over 0.4 but under 0.6: 3 of 4."""
    area = auroc([True, True, False, False], [0.9, 0.5, 0.4, 0.6])
    assert _of_all(area) == pytest.approx(3 / 4)
    assert area(np.array([[1, 0, 1, 1]]))[0] == 1
    assert np.isnan(area(np.array([[1, 1, 0, 0]]))[0])


def test_equal_scores_give_an_auroc_of_a_half():
    assert _of_all(auroc([True, False], [0.3, 0.3]), 2) == pytest.approx(0.5)


def test_scores_that_do_not_pair_or_are_no_numbers_are_refused():
    with pytest.raises(ValueError, match="as many scores"):
        auroc([True], [0.1, 0.2])
    with pytest.raises(ValueError, match="finite"):
        auroc([True, False], [0.1, float("nan")])
    with pytest.raises(ValueError, match="do not pair"):
        macro_f1(["a"], ["a", "b"])
