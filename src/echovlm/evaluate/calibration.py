"""Whether probabilities can be taken at their word: ECE, reliability, temperature scaling.

Expected calibration error (Guo et al. 2017, section 2): confidences fall into 15 bins of equal
width on [0, 1], a bound belongs to the bin below it;

    ECE = sum over bins of n_bin / n * |accuracy_bin - mean confidence_bin|

Resampling adds noise of its own to every bin, so that the percentile interval of an ECE lies high
where bins hold few cases; it may even lie above the value.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from echovlm.evaluate.intervals import Statistic

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
        ValueError: if a confidence is no probability or the lists do not pair.
    """
    bins, confidence, hit = _binned(confidences, right)
    gaps = np.eye(BINS)[bins] * (hit - confidence)[:, None]

    def statistic(weights: np.ndarray) -> np.ndarray:
        return np.abs(weights @ gaps).sum(axis=1) / weights.sum(axis=1)

    return statistic


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
    if not ((confidence >= 0) & (confidence <= 1)).all():
        raise ValueError("a confidence must lie between 0 and 1")
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
    """
    grid = np.geomspace(0.01, 10, 200)
    losses = []
    for temperature in grid:
        loss = 0.0
        for scores, index in zip(log_likelihoods, true_index, strict=True):
            scaled = np.asarray(scores) / temperature
            loss += float(np.logaddexp.reduce(scaled) - scaled[index])
        losses.append(loss)
    return float(grid[int(np.argmin(losses))])
