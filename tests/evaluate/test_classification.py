"""Scores of classes by hand and against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.metrics import (
    average_precision_score,
    balanced_accuracy_score,
    brier_score_loss,
    f1_score,
    roc_auc_score,
)
from sklearn.preprocessing import label_binarize

from echovlm.evaluate.classification import (
    accuracy,
    auroc,
    average_precision,
    balanced_accuracy,
    class_probabilities,
    diagnosis_scores,
    macro_f1,
)
from echovlm.evaluate.intervals import interval

TRUE = ["cyst", "cyst", "cyst", "stone"]
SAID = ["cyst", "stone", "cyst", "stone"]


def _of_all(statistic, cases=4):
    return float(statistic(np.ones((1, cases), dtype=int))[0])


def test_accuracy_balanced_accuracy_and_f1_by_hand():
    """F1 of cyst: 2 * 2 / (3 + 2); of stone: 2 * 1 / (1 + 2)."""
    assert _of_all(accuracy(TRUE, SAID)) == pytest.approx(3 / 4)
    assert _of_all(balanced_accuracy(TRUE, SAID)) == pytest.approx((2 / 3 + 1) / 2)
    assert _of_all(macro_f1(TRUE, SAID)) == pytest.approx((4 / 5 + 2 / 3) / 2)


def test_an_answer_that_names_no_class_is_none_of_the_classes():
    """a: TP 1, FP 0, FN 1, F1 2/3; b: TP 1, F1 1; a class "none" would add a 0."""
    true, said = ["a", "a", "b"], ["a", "none", "b"]
    assert _of_all(macro_f1(true, said, ["a", "b"]), 3) == pytest.approx((2 / 3 + 1) / 2)
    assert _of_all(macro_f1(true, said), 3) == pytest.approx((2 / 3 + 1 + 0) / 3)


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
    with pytest.raises(ValueError, match="finite scores; that of case 1 is nan"):
        auroc([True, False], [0.1, float("nan")])
    with pytest.raises(ValueError, match="do not pair"):
        macro_f1(["a"], ["a", "b"])


def test_average_precision_by_hand():
    """From the top: right at 1 of 1, wrong, right at 2 of 3, wrong; half the recall each."""
    area = average_precision([True, False, True, False], [0.9, 0.8, 0.7, 0.1])
    assert _of_all(area) == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)
    assert area(np.array([[0, 1, 1, 1]]))[0] == pytest.approx(1 / 2)
    assert np.isnan(area(np.array([[0, 1, 0, 1]]))[0])


def test_equal_scores_give_an_average_precision_of_the_share_of_the_class():
    assert _of_all(average_precision([True, False, False, False], [0.3] * 4)) == pytest.approx(0.25)


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.booleans(), st.integers(-3, 3), st.integers(0, 3)), min_size=2, max_size=40
    )
)
def test_areas_with_ties_and_weights_are_those_of_scikit_learn(cases):
    truth, scores, weights = (np.array(column) for column in zip(*cases, strict=True))
    drawn = truth[weights > 0]
    assume(drawn.any() and not drawn.all())
    ours = auroc(truth.tolist(), scores.tolist())(weights[None])[0]
    assert ours == pytest.approx(roc_auc_score(truth, scores, sample_weight=weights))
    ours = average_precision(truth.tolist(), scores.tolist())(weights[None])[0]
    assert ours == pytest.approx(average_precision_score(truth, scores, sample_weight=weights))


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 4)), min_size=2, max_size=30))
def test_scores_turned_round_give_the_rest_of_the_area(cases):
    truth, scores = (list(column) for column in zip(*cases, strict=True))
    assume(any(truth) and not all(truth))
    turned = auroc(truth, [-one for one in scores])
    both = _of_all(auroc(truth, scores), len(truth)) + _of_all(turned, len(truth))
    assert both == pytest.approx(1)


CLASSES = ("cyst", "mass", "none")


def _random(seed, cases=60):
    rng = np.random.default_rng(seed)
    chances = rng.dirichlet(np.ones(3), size=cases).round(2)
    chances[:, 2] = 1 - chances[:, 0] - chances[:, 1]
    true = rng.choice(3, size=cases, p=[0.5, 0.3, 0.2])
    weights = rng.integers(0, 3, size=(4, cases))
    names = [CLASSES[one] for one in true]
    rows = [dict(zip(CLASSES, row, strict=True)) for row in np.abs(chances)]
    return class_probabilities(names, rows, CLASSES), np.abs(chances), names, weights


@pytest.mark.parametrize("seed", [0, 1])
def test_scores_of_several_classes_are_those_of_scikit_learn(seed):
    predicted, chances, true, weights = _random(seed)
    scores = diagnosis_scores(predicted)
    for row, counts in enumerate(weights):
        drawn = counts > 0
        assert scores["AUROC"](weights)[row] == pytest.approx(
            roc_auc_score(true, chances, multi_class="ovr", sample_weight=counts)
        )
        hot = label_binarize(true, classes=CLASSES)
        assert scores["AUPRC"](weights)[row] == pytest.approx(
            average_precision_score(hot[drawn], chances[drawn], sample_weight=counts[drawn])
        )
        assert scores["Brier score"](weights)[row] == pytest.approx(
            brier_score_loss(true, chances, sample_weight=counts, labels=CLASSES)
        )


def test_the_scores_of_a_diagnosis_by_hand():
    """Confidences 0.6, 0.8, 0.5; right, wrong, right."""
    predicted = class_probabilities(
        ["benign", "benign", "malignant"],
        [
            {"benign": 0.6, "malignant": 0.4},
            {"benign": 0.2, "malignant": 0.8},
            {"malignant": 0.5, "benign": 0.5},
        ],
        ("malignant", "benign"),
    )
    assert predicted.chosen == ["benign", "malignant", "malignant"]
    assert predicted.right.tolist() == [True, False, True]
    values = {name: _of_all(one, 3) for name, one in diagnosis_scores(predicted).items()}
    assert values == pytest.approx(
        {
            "accuracy": 2 / 3,
            "balanced accuracy": (1 / 2 + 1) / 2,
            "macro F1": (2 / 3 + 2 / 3) / 2,
            # Of each class: its pairs are (0.5, 0.4) and (0.5, 0.8), one in the right order.
            "AUROC": 1 / 2,
            # Malignant: second of two in rank. Benign: first and third in rank.
            "AUPRC": (1 / 2 + (1 + 2 / 3) / 2) / 2,
            "calibration error": (0.4 + 0.8 + 0.5) / 3,
            "Brier score": (0.4**2 + 0.8**2 + 0.5**2) / 3,
            # The surest is wrong, then one of two, then one of three.
            "area under risk-coverage": (1 + 1 / 2 + 1 / 3) / 3,
        }
    )


def test_a_class_that_no_case_has_counts_in_no_mean():
    rows = [{"cyst": 0.9, "mass": 0.1}, {"cyst": 0.4, "mass": 0.6}]
    predicted = class_probabilities(["cyst", "mass"], rows, CLASSES)
    assert _of_all(diagnosis_scores(predicted)["AUROC"], 2) == 1


def test_one_class_alone_leaves_its_area_undefined():
    predicted = class_probabilities(["cyst", "cyst"], [{"cyst": 1.0}, {"cyst": 1.0}], CLASSES)
    scores = diagnosis_scores(predicted)
    assert _of_all(scores["accuracy"], 2) == 1
    with pytest.raises(ValueError, match="undefined"):
        interval(scores["AUROC"], ["a", "b"])


def test_probabilities_that_were_rounded_are_taken_as_shares():
    rounded = {"cyst": 0.333, "mass": 0.333, "none": 0.333}
    predicted = class_probabilities(["cyst"], [rounded], CLASSES)
    assert predicted.chances.sum() == pytest.approx(1)
    assert predicted.chosen == ["cyst"]


@pytest.mark.parametrize(
    ("true", "row", "message"),
    [
        ("cyst", {"cyst": float("nan"), "mass": 1.0}, "case 1: every probability .* between 0 and"),
        ("cyst", {"cyst": float("inf")}, "case 1: every probability"),
        ("cyst", {"cyst": -0.1, "mass": 1.1}, "case 1: every probability"),
        ("cyst", {"cyst": 0.5, "mass": 0.4}, "case 1: .* add up to 0.9 instead of 1"),
        ("cyst", {}, "case 1: .* add up to 0 instead"),
        ("cyst", {"cyst": 0.5, "tumour": 0.5}, "case 1: 'tumour' is none of its classes"),
        ("tumour", {"cyst": 1.0}, "case 1: 'tumour' is none of its classes"),
    ],
)
def test_what_is_no_probability_of_a_class_is_refused_with_its_case(true, row, message):
    with pytest.raises(ValueError, match=message):
        class_probabilities(["cyst", true], [{"cyst": 1.0}, row], CLASSES)


@pytest.mark.parametrize("rows", [[], [{"cyst": 1.0}] * 2])
def test_cases_and_probabilities_pair(rows):
    with pytest.raises(ValueError, match="every case"):
        class_probabilities(["cyst"] * (len(rows) // 2), rows, CLASSES)
