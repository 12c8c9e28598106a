"""Whether probabilities can be taken at their word: ECE, reliability, Brier score, temperature.

Expected calibration error (Guo et al. 2017, section 2): confidences fall into 15 bins of equal
width on [0, 1], a bound belongs to the bin below it;

    ECE = sum over bins of n_bin / n * |accuracy_bin - mean confidence_bin|

Resampling adds noise of its own to every bin, so that the percentile interval of an ECE lies high
where bins hold few cases; it may even lie above the value.

The Brier score (Brier 1950) is the mean squared distance of a case's probabilities from the truth.
Unlike the calibration error it also asks that they tell the cases apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from echovlm.evaluate.intervals import Statistic, mean_of, ratio

BINS = 15


@dataclass(frozen=True)
class Bin:
    """One bin of a reliability diagram.

    Attributes:
        low: lower bound of the confidence, not included (0 is, in the first bin).
        high: upper bound, included.
        count: cases in it.
        confidence: their mean confidence, 0 to 1; 0 for an empty bin.
        accuracy: share of right ones, 0 to 1; 0 for an empty bin.
    """

    low: float
    high: float
    count: int
    confidence: float
    accuracy: float


def calibration_error(confidences: Sequence[float], right: Sequence[bool]) -> Statistic:
    """Expected calibration error, 0 to 1.

    Args:
        confidences: per case, the probability of the chosen answer, 0 to 1.
        right: per case, whether it is the true one.

    Raises:
        ValueError: if a confidence is no probability, naming the case counted from 0, or the lists
            do not pair.
    """
    bins, confidence, hit = _binned(confidences, right)
    gaps = np.eye(BINS)[bins] * (hit - confidence)[:, None]

    def statistic(weights: np.ndarray) -> np.ndarray:
        return ratio(np.abs(weights @ gaps).sum(axis=1), weights.sum(axis=1))

    return statistic


def brier(chances: np.ndarray, true: np.ndarray) -> Statistic:
    """Brier score in scikit-learn's scale: 0 to 1 of two classes, 0 to 2 of more.

    Args:
        chances: ``(n, C)``, probability of every class, rows add up to 1.
        true: ``(n,)``, place of each case's true class.
    """
    classes = chances.shape[1]
    squares = ((chances - np.eye(classes)[true]) ** 2).sum(axis=1)
    # With two classes the same distance would count twice.
    return mean_of(squares / 2 if classes == 2 else squares)


def reliability(confidences: Sequence[float], right: Sequence[bool]) -> list[Bin]:
    """The 15 bins of a reliability diagram, empty ones included; arguments as for the ECE."""
    bins, confidence, hit = _binned(confidences, right)
    counts = np.bincount(bins, minlength=BINS)
    divisor = np.maximum(counts, 1)
    means = np.bincount(bins, confidence, BINS) / divisor
    shares = np.bincount(bins, hit, BINS) / divisor
    return [
        Bin(number / BINS, (number + 1) / BINS, int(count), float(mean), float(share))
        for number, (count, mean, share) in enumerate(zip(counts, means, shares, strict=True))
    ]


def _binned(
    confidences: Sequence[float], right: Sequence[bool]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    confidence, hit = np.asarray(confidences, dtype=float), np.asarray(right, dtype=float)
    if confidence.shape != hit.shape:
        raise ValueError(f"{len(confidence)} confidences and {len(hit)} answers do not pair")
    fit = (confidence >= 0) & (confidence <= 1)
    if not fit.all():
        case = int(np.flatnonzero(~fit)[0])
        raise ValueError(f"case {case}: confidence {confidence[case]} is not between 0 and 1")
    bounds = np.arange(1, BINS) / BINS
    return np.digitize(confidence, bounds, right=True), confidence, hit


def probabilities(log_likelihoods: Sequence[float], temperature: float) -> np.ndarray:
    """Probabilities of one case's candidates: the softmax of their scores over a temperature."""
    scaled = np.asarray(log_likelihoods, dtype=float) / temperature
    return np.exp(scaled - np.logaddexp.reduce(scaled))


def fit_temperature(log_likelihoods: Sequence[Sequence[float]], true_index: Sequence[int]) -> float:
    """The temperature that minimises the negative log-likelihood of the true labels.

    Args:
        log_likelihoods: per case, one score per candidate.
        true_index: per case, which candidate is true.

    Returns:
        The best of 200 temperatures between 0.01 and 10, evenly spaced in their logarithm (Guo et
        al. 2017, temperature scaling).

    Raises:
        ValueError: if there are no cases, or a true candidate has no finite score; the case is
            counted from 0.
    """
    if not log_likelihoods:
        raise ValueError("a temperature is fitted to at least one case")
    cases = len(log_likelihoods)
    # Cases may have different numbers of candidates; a missing one has no likelihood.
    scores = np.full((cases, max(map(len, log_likelihoods))), -np.inf)
    for row, of_case in zip(scores, log_likelihoods, strict=True):
        row[: len(of_case)] = of_case
    true = scores[np.arange(cases), np.asarray(true_index)]
    if not np.isfinite(true).all():
        case = int(np.flatnonzero(~np.isfinite(true))[0])
        raise ValueError(f"case {case}: the true candidate has no finite score")
    grid = np.geomspace(0.01, 10, 200)
    losses = [
        float((np.logaddexp.reduce(scores / heat, axis=1) - true / heat).sum()) for heat in grid
    ]
    return float(grid[int(np.argmin(losses))])
