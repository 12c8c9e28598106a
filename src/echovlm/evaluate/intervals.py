"""How sure a score is: percentile bootstrap over patients, and paired comparisons of two systems.

Texts and pictures of one patient are alike, so patients are drawn, never single texts (Efron and
Tibshirani 1993, chapter 8). A *statistic* is a function of how often each case counts:

    statistic(weights (R, n)) -> values (R,)

With weights of one it is the score itself. What can be summed over cases (means, corpus BLEU,
confusion matrices) so takes one matrix product for all resamples.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

Statistic = Callable[[np.ndarray], np.ndarray]
"""``weights (R, n)``, whole numbers from 0, to ``values (R,)``; NaN where it is undefined."""

RESAMPLES = 1000
LEVEL = 0.95


@dataclass(frozen=True)
class Interval:
    """A score with its percentile interval.

    Attributes:
        value: the score over all cases.
        low: lower end.
        high: upper end.
        patients: different patients.
        resamples: resamples in which the score is defined.
        seed: seed of the resamples.
        level: share of the resamples between both ends.
    """

    value: float
    low: float
    high: float
    patients: int
    resamples: int
    seed: int
    level: float = LEVEL


@dataclass(frozen=True)
class Difference(Interval):
    """One system's score less another's on the same cases.

    Attributes:
        p: two-sided; twice the smaller share of resamples on one side of zero, at least
            ``2 / (resamples + 1)`` and at most 1.
    """

    p: float = 1.0


def weights(patients: Sequence[str], resamples: int = RESAMPLES, seed: int = 0) -> np.ndarray:
    """How often each case counts in each resample of the patients.

    Args:
        patients: patient of each case.
        resamples: number of resamples.
        seed: equal seeds give equal resamples for equal patients.

    Returns:
        ``(resamples, n)`` int32; the cases of one patient have equal weights.
    """
    _, patient = np.unique(np.asarray(patients), return_inverse=True)
    count = int(patient.max()) + 1 if len(patient) else 0
    if count == 0:
        raise ValueError("an interval needs at least one case")
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(count, np.full(count, 1 / count), size=resamples)
    return drawn[:, patient].astype(np.int32)


def interval(
    statistic: Statistic, patients: Sequence[str], resamples: int = RESAMPLES, seed: int = 0
) -> Interval:
    """A score and its 95 % percentile interval.

    Resamples in which the score is undefined (no case of a class was drawn) are left out.

    Args:
        statistic: the score.
        patients: patient of each case.
        resamples: number of resamples.
        seed: of the resamples.

    Raises:
        ValueError: if there are no cases, or the score is undefined for all of them together.
    """
    value = _value(statistic, len(patients))
    drawn = _defined(statistic(weights(patients, resamples, seed)))
    low, high = _ends(drawn)
    return Interval(value, low, high, len(set(patients)), len(drawn), seed)


def paired_difference(
    one: Statistic,
    other: Statistic,
    patients: Sequence[str],
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Difference:
    """How much better ``one`` scores than ``other`` on the same cases.

    Both systems see the same resamples, so what makes cases hard for both cancels out.

    Args:
        one: score of the first system.
        other: score of the second, over the same cases in the same order.
        patients: patient of each case.
        resamples: number of resamples.
        seed: of the resamples.

    Raises:
        ValueError: if there are no cases, or a score is undefined for all of them together.
    """
    value = _value(one, len(patients)) - _value(other, len(patients))
    sample = weights(patients, resamples, seed)
    drawn = _defined(one(sample) - other(sample))
    low, high = _ends(drawn)
    below, above = int((drawn <= 0).sum()), int((drawn >= 0).sum())
    p = min(1.0, 2 * (1 + min(below, above)) / (1 + len(drawn)))
    return Difference(value, low, high, len(set(patients)), len(drawn), seed, p=p)


def mean_of(values: Sequence[float] | np.ndarray) -> Statistic:
    """The mean of one number per case."""
    column = np.asarray(values, dtype=float)
    return lambda counts: _ratio(counts @ column, counts.sum(axis=1))


def median_of(values: Sequence[float] | np.ndarray) -> Statistic:
    """The median of one number per case."""
    column = np.asarray(values, dtype=float)
    return lambda counts: np.array([np.median(np.repeat(column, row)) for row in counts])


def _ratio(over: np.ndarray, under: np.ndarray) -> np.ndarray:
    return np.divide(over, under, out=np.full(np.shape(over), np.nan), where=under != 0)


def _value(statistic: Statistic, cases: int) -> float:
    if not cases:
        raise ValueError("an interval needs at least one case")
    value = float(statistic(np.ones((1, cases), dtype=np.int32))[0])
    if not np.isfinite(value):
        raise ValueError("the score is undefined for these cases, as where a class is missing")
    return value


def _defined(drawn: np.ndarray) -> np.ndarray:
    return drawn[np.isfinite(drawn)]


def _ends(drawn: np.ndarray) -> tuple[float, float]:
    outside = 50 * (1 - LEVEL)
    low, high = np.percentile(drawn, [outside, 100 - outside])
    return float(low), float(high)
