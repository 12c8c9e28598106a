"""Scores of chosen classes and of probabilities, as statistics of :mod:`evaluate.intervals`.

Accuracy, balanced accuracy and F1 come from the confusion matrix, which is summed over cases for
all resamples at once. The areas under the ROC and the precision-recall curve come from cumulated
weights in the order of the scores (Hanley and McNeil 1982: the first is the share of pairs, one of
the class and one not, in the right order; ties count half). All equal scikit-learn's, which would
take each resample by itself. A class that no case has is left out of every mean over classes, as in
scikit-learn's balanced accuracy.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from echovlm.evaluate.calibration import brier, calibration_error
from echovlm.evaluate.intervals import Statistic, mean_of, ratio
from echovlm.evaluate.selective import area_under_risk_coverage

SUM_TOLERANCE = 0.01
"""How far the probabilities of a case may add up from 1: they may have been written rounded."""

_EXACT = 1e-6  # the rounding of single precision


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


def macro_f1(
    true: Sequence[str], predicted: Sequence[str], classes: Collection[str] | None = None
) -> Statistic:
    """The unweighted mean over classes, true or chosen, of F1 = 2 TP / (2 TP + FP + FN), 0 to 1.

    Args:
        true: true class of each case.
        predicted: chosen class of each.
        classes: over which the mean is taken, None for all: what stands for an answer that names
            no class is not one.

    Raises:
        ValueError: if the lists differ in length.
    """
    confusion = _confusion(true, predicted)
    names = np.unique([*true, *predicted])
    counted = np.isin(names, names if classes is None else list(classes))

    def statistic(weights: np.ndarray) -> np.ndarray:
        table = confusion(weights)
        under = (table.sum(axis=1) + table.sum(axis=2)) * counted
        return _mean_over_classes(2 * _diagonal(table), under)

    return statistic


def auroc(positive: Sequence[bool], scores: Sequence[float]) -> Statistic:
    """Area under the ROC curve, 0 to 1; ties count half. NaN where only one class was drawn.

    Args:
        positive: per case, whether it belongs to the class looked for.
        scores: per case, higher for that class.

    Raises:
        ValueError: if the lists differ in length or a score is not finite.
    """
    ranked = _ranked("AUROC", positive, scores)

    def statistic(weights: np.ndarray) -> np.ndarray:
        of_class, before, upto = ranked.cumulated(weights)
        found = of_class.sum(axis=1)
        # The mean rank of a group of ties, less the ranks that the class takes among itself.
        above = (of_class * (before + upto)).sum(axis=1) / 2 - found**2 / 2
        return 1 - ratio(above, found * (weights.sum(axis=1) - found))

    return statistic


def average_precision(positive: Sequence[bool], scores: Sequence[float]) -> Statistic:
    """Area under the precision-recall curve (AUPRC) as average precision, 0 to 1.

    The sum over thresholds of the gain in recall times the precision there, without interpolation
    (Davis and Goadrich 2006). NaN where no case of the class was drawn.

    Args:
        positive: per case, whether it belongs to the class looked for.
        scores: per case, higher for that class.

    Raises:
        ValueError: if the lists differ in length or a score is not finite.
    """
    ranked = _ranked("average precision", positive, scores)

    def statistic(weights: np.ndarray) -> np.ndarray:
        of_class, _, upto = ranked.cumulated(weights)
        found = np.cumsum(of_class, axis=1)[:, ranked.last_of_class]
        precision = np.divide(found, upto, out=np.zeros(found.shape), where=upto > 0)
        return ratio((of_class * precision).sum(axis=1), of_class.sum(axis=1))

    return statistic


@dataclass(frozen=True, eq=False)
class ClassProbabilities:
    """What a system thinks of closed-set cases; made by :func:`class_probabilities`.

    Attributes:
        classes: names of the C classes.
        true: ``(n,)``, place of each case's true class.
        chances: ``(n, C)``, probability of every class, rows add up to 1.
    """

    classes: tuple[str, ...]
    true: np.ndarray
    chances: np.ndarray

    @property
    def truth(self) -> list[str]:
        """The true class of each case."""
        return [self.classes[place] for place in self.true]

    @property
    def chosen(self) -> list[str]:
        """The most probable class of each case, the first of equals."""
        return [self.classes[place] for place in self.chances.argmax(axis=1)]

    @property
    def confidences(self) -> np.ndarray:
        """``(n,)``, probability of the chosen class."""
        return self.chances.max(axis=1)

    @property
    def right(self) -> np.ndarray:
        """``(n,)`` bool, whether the chosen class is the true one."""
        return self.chances.argmax(axis=1) == self.true

    def one_against_rest(
        self, score: Callable[[Sequence[bool], Sequence[float]], Statistic]
    ) -> Statistic:
        """The unweighted mean over classes of a score of one class against all others.

        Args:
            score: :func:`auroc` or :func:`average_precision`.

        Returns:
            Its mean over the classes for which it is defined; NaN where it is for none.
        """
        of_class = [
            score((self.true == place).tolist(), chances.tolist())
            for place, chances in enumerate(self.chances.T)
            if (self.true == place).any()
        ]

        def statistic(weights: np.ndarray) -> np.ndarray:
            values = np.array([one(weights) for one in of_class])
            defined = np.isfinite(values)
            return ratio(np.where(defined, values, 0).sum(axis=0), defined.sum(axis=0))

        return statistic


def class_probabilities(
    true: Sequence[str], probabilities: Sequence[Mapping[str, float]], classes: Sequence[str]
) -> ClassProbabilities:
    """Check what a system thinks of closed-set cases.

    Args:
        true: true class of each case.
        probabilities: per case, probability by class; a class left out has probability 0. A sum
            within ``SUM_TOLERANCE`` of 1 is made 1.
        classes: names of the classes.

    Raises:
        ValueError: naming the case, counted from 0: if a class is unknown, a probability is not
            finite or not between 0 and 1, or those of a case do not add up to 1; also if there are
            no cases or the lists differ in length.
    """
    if len(true) != len(probabilities) or not true:
        raise ValueError(
            f"probabilities are needed for every case and for at least one, got "
            f"{len(true)} cases and probabilities of {len(probabilities)}"
        )
    places = {name: place for place, name in enumerate(classes)}
    chances = np.zeros((len(true), len(places)))
    for case, (name, of_case) in enumerate(zip(true, probabilities, strict=True)):
        unknown = [one for one in (name, *of_case) if one not in places]
        if unknown:
            raise ValueError(f"case {case}: '{unknown[0]}' is none of its classes")
        for one, value in of_case.items():
            chances[case, places[one]] = value
        _check_chances(case, chances[case])
    sums = chances.sum(axis=1, keepdims=True)
    # What already adds up stays as it was given: dividing would part probabilities that are tied.
    chances = np.where(np.abs(sums - 1) > _EXACT, chances / sums, chances)
    return ClassProbabilities(
        tuple(places), np.array([places[name] for name in true]), np.minimum(chances, 1.0)
    )


def _check_chances(case: int, row: np.ndarray) -> None:
    # Written so that NaN fails as well.
    if not ((row >= 0) & (row <= 1 + _EXACT)).all():
        raise ValueError(
            f"case {case}: every probability must lie between 0 and 1, got {row.tolist()}"
        )
    if abs(row.sum() - 1) > SUM_TOLERANCE:
        raise ValueError(f"case {case}: the probabilities add up to {row.sum():.4g} instead of 1")


def diagnosis_scores(predicted: ClassProbabilities) -> dict[str, Statistic]:
    """Every score of a closed-set diagnosis by its name.

    Args:
        predicted: what a system thinks of cases that share their classes.

    Returns:
        Accuracy, balanced accuracy, macro F1, AUROC and AUPRC (one class against the rest, mean
        over classes) are better the higher; calibration error, Brier score and area under the
        risk-coverage curve the lower.
    """
    truth, chosen = predicted.truth, predicted.chosen
    confidences, right = predicted.confidences.tolist(), predicted.right.tolist()
    return {
        "accuracy": accuracy(truth, chosen),
        "balanced accuracy": balanced_accuracy(truth, chosen),
        "macro F1": macro_f1(truth, chosen),
        "AUROC": predicted.one_against_rest(auroc),
        "AUPRC": predicted.one_against_rest(average_precision),
        "calibration error": calibration_error(confidences, right),
        "Brier score": brier(predicted.chances, predicted.true),
        "area under risk-coverage": area_under_risk_coverage(confidences, right),
    }


@dataclass(frozen=True, eq=False)
class _Ranked:
    """Cases in falling order of a score.

    Attributes:
        order: ``(n,)``, places of the cases, highest score first.
        first: ``(P,)``, for each case of the class the rank of the first one tied with it.
        last: ``(P,)``, one beyond the rank of the last one tied with it.
        of_class: ``(P,)``, ranks of the cases of the class.
        last_of_class: ``(P,)``, place among ``of_class`` of the last one tied with it.
    """

    order: np.ndarray
    first: np.ndarray
    last: np.ndarray
    of_class: np.ndarray
    last_of_class: np.ndarray

    def cumulated(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """For the class, ``(R, P)`` each: own weight, weight scored higher, and up to its ties."""
        sums = np.zeros((len(weights), len(self.order) + 1))
        np.cumsum(weights[:, self.order], axis=1, out=sums[:, 1:])
        own = weights[:, self.order[self.of_class]]
        return own, sums[:, self.first], sums[:, self.last]


def _ranked(name: str, positive: Sequence[bool], scores: Sequence[float]) -> _Ranked:
    truth, values = np.asarray(positive, dtype=bool), np.asarray(scores, dtype=float)
    if truth.shape != values.shape:
        raise ValueError(f"{name} needs as many scores as cases, got {len(values)}, {len(truth)}")
    if not np.isfinite(values).all():
        case = int(np.flatnonzero(~np.isfinite(values))[0])
        raise ValueError(f"{name} needs finite scores; that of case {case} is {values[case]}")
    order = np.argsort(-values, kind="stable")
    of_class = np.flatnonzero(truth[order])
    falling, own = -values[order], -values[order][of_class]
    return _Ranked(
        order,
        np.searchsorted(falling, own, side="left"),
        np.searchsorted(falling, own, side="right"),
        of_class,
        np.searchsorted(own, own, side="right") - 1,
    )


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
    return ratio(shares.sum(axis=1), classes)
