"""Scores of chosen classes and of probabilities, as statistics of :mod:`evaluate.intervals`.

Accuracy, balanced accuracy and F1 come from the confusion matrix, which is summed over cases for
all resamples at once; AUROC comes from scikit-learn. A class that no case has is left out of every
mean over classes, as in scikit-learn's balanced accuracy.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sklearn.metrics import roc_auc_score

from echovlm.evaluate.intervals import Statistic, mean_of


def accuracy(true: Sequence[str], predicted: Sequence[str]) -> Statistic:
    """Share of right choices, 0 to 1.

    Raises:
        ValueError: if the lists differ in length.
    """
    return mean_of([one == other for one, other in zip(true, predicted, strict=True)])


def balanced_accuracy(true: Sequence[str], predicted: Sequence[str]) -> Statistic:
    """Macro accuracy: the unweighted mean over true classes of the share found, 0 to 1.

    Raises:
        ValueError: if the lists differ in length.
    """
    confusion = _confusion(true, predicted)

    def statistic(weights: np.ndarray) -> np.ndarray:
        table = confusion(weights)
        return _mean_over_classes(_diagonal(table), table.sum(axis=2))

    return statistic


def macro_f1(true: Sequence[str], predicted: Sequence[str]) -> Statistic:
    """The unweighted mean over classes, true or chosen, of F1 = 2 TP / (2 TP + FP + FN), 0 to 1.

    Raises:
        ValueError: if the lists differ in length.
    """
    confusion = _confusion(true, predicted)

    def statistic(weights: np.ndarray) -> np.ndarray:
        table = confusion(weights)
        return _mean_over_classes(2 * _diagonal(table), table.sum(axis=1) + table.sum(axis=2))

    return statistic


def auroc(positive: Sequence[bool], scores: Sequence[float]) -> Statistic:
    """Area under the ROC curve, 0 to 1; ties count half. NaN where only one class was drawn.

    Args:
        positive: per case, whether it belongs to the class looked for.
        scores: per case, higher for that class.

    Raises:
        ValueError: if the lists differ in length or a score is not finite.
    """
    truth, values = np.asarray(positive, dtype=bool), np.asarray(scores, dtype=float)
    if truth.shape != values.shape:
        raise ValueError(f"AUROC needs as many scores as cases, got {len(values)}, {len(truth)}")
    if not np.isfinite(values).all():
        raise ValueError("AUROC needs finite scores")

    def area(row: np.ndarray) -> float:
        drawn = truth[row > 0]
        if not drawn.any() or drawn.all():
            return float("nan")
        return float(roc_auc_score(truth, values, sample_weight=row))

    return lambda weights: np.array([area(row) for row in weights])


def _confusion(true: Sequence[str], predicted: Sequence[str]) -> Statistic:
    """A function from weights ``(R, n)`` to counts ``(R, true class, chosen class)``."""
    if len(true) != len(predicted):
        raise ValueError(f"{len(true)} true and {len(predicted)} chosen classes do not pair")
    names, codes = np.unique(np.asarray([*true, *predicted]), return_inverse=True)
    size = len(names)
    cell = codes[: len(true)] * size + codes[len(true) :]
    cells, column = np.unique(cell, return_inverse=True)
    belongs = np.zeros((len(true), len(cells)))
    belongs[np.arange(len(true)), column] = 1

    def counts(weights: np.ndarray) -> np.ndarray:
        table = np.zeros((len(weights), size * size))
        table[:, cells] = weights @ belongs
        return table.reshape(-1, size, size)

    return counts


def _diagonal(table: np.ndarray) -> np.ndarray:
    return np.diagonal(table, axis1=1, axis2=2)


def _mean_over_classes(over: np.ndarray, under: np.ndarray) -> np.ndarray:
    """Mean of ``over / under`` over the classes ``(R, C)`` whose ``under`` is not zero."""
    shares = np.divide(over, under, out=np.zeros(over.shape), where=under > 0)
    classes = (under > 0).sum(axis=1)
    none = np.full(len(over), np.nan)
    return np.divide(shares.sum(axis=1), classes, out=none, where=classes > 0)
