"""How sure a score is: percentile bootstrap over patients, and paired comparisons of two systems.

Texts and pictures of one patient are alike, so patients are drawn, never single texts (Efron and
Tibshirani 1993, chapter 8). A *statistic* is a function of how often each case counts:

    statistic(weights (R, n)) -> values (R,)

With weights of one it is the score itself. What can be summed over cases (means, corpus BLEU,
confusion matrices) so takes one matrix product for all resamples.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

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
        ``(resamples, n)`` int32, read-only; the cases of one patient have equal weights.

    Raises:
        ValueError: if there are no cases.
    """
    return _weights(tuple(patients), resamples, seed)


# Every score of a task, and every anatomy in it, is computed on the same resamples.
@lru_cache(maxsize=8)
def _weights(patients: tuple[str, ...], resamples: int, seed: int) -> np.ndarray:
    _, patient = np.unique(np.asarray(patients), return_inverse=True)
    count = int(patient.max()) + 1 if len(patient) else 0
    if count == 0:
        raise ValueError("an interval needs at least one case")
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(count, np.full(count, 1 / count), size=resamples)
    counts = drawn[:, patient].astype(np.int32)
    counts.flags.writeable = False
    return counts


@dataclass(frozen=True, eq=False)
class Resampled:
    """A score over all cases and over every resample of the patients.

    Attributes:
        value: the score over all cases.
        drawn: ``(resamples,)``, NaN where a resample leaves the score undefined.
        patients: different patients.
        seed: of the resamples.
    """

    value: float
    drawn: np.ndarray
    patients: int
    seed: int

    @property
    def interval(self) -> Interval:
        """The score with its percentile interval; undefined resamples are left out."""
        drawn = _defined(self.drawn)
        low, high = _ends(drawn)
        return Interval(self.value, low, high, self.patients, len(drawn), self.seed)

    def less(self, other: Resampled) -> Difference:
        """This score less another one on the same resamples of the same patients."""
        drawn = _defined(self.drawn - other.drawn)
        low, high = _ends(drawn)
        below, above = int((drawn <= 0).sum()), int((drawn >= 0).sum())
        p = min(1.0, 2 * (1 + min(below, above)) / (1 + len(drawn)))
        value = self.value - other.value
        return Difference(value, low, high, self.patients, len(drawn), self.seed, p=p)


def resampled(
    statistic: Statistic, patients: Sequence[str], resamples: int = RESAMPLES, seed: int = 0
) -> Resampled:
    """Compute a score on all cases and on every resample.

    Args:
        statistic: the score.
        patients: patient of each case.
        resamples: number of resamples.
        seed: of the resamples.

    Raises:
        ValueError: if there are no cases, or the score is undefined for all of them together.
    """
    value = _value(statistic, len(patients))
    drawn = statistic(weights(patients, resamples, seed))
    return Resampled(value, drawn, len(set(patients)), seed)


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
    return resampled(statistic, patients, resamples, seed).interval


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
    first = resampled(one, patients, resamples, seed)
    return first.less(resampled(other, patients, resamples, seed))


@dataclass(frozen=True, eq=False)
class Mean:
    """The mean of one number per case; it is itself a statistic.

    Attributes:
        values: ``(n,)``, the number of each case.
    """

    values: np.ndarray

    def __call__(self, counts: np.ndarray) -> np.ndarray:
        """The mean where case ``i`` counts ``counts[r, i]`` times; NaN where none does."""
        return ratio(counts @ self.values, counts.sum(axis=1))


def mean_of(values: Sequence[float] | np.ndarray) -> Mean:
    """The mean of one number per case."""
    return Mean(np.asarray(values, dtype=float))


def median_of(values: Sequence[float] | np.ndarray) -> Statistic:
    """The median of one number per case; NaN where no case counts.

    Raises:
        ValueError: if a number is not finite.
    """
    column = np.asarray(values, dtype=float)
    if not np.isfinite(column).all():
        raise ValueError("a median needs a finite number for every case")
    order = np.argsort(column)
    ranked = np.append(column[order], np.nan)

    def statistic(counts: np.ndarray) -> np.ndarray:
        below = np.cumsum(counts[:, order], axis=1)
        total = counts.sum(axis=1)
        # The two middle ones of the repeated values; one and the same where their number is odd.
        lower, upper = (total - 1) // 2, total // 2
        first, second = ((below <= rank[:, None]).sum(axis=1) for rank in (lower, upper))
        return (ranked[first] + ranked[second]) / 2

    return statistic


def mean_over_groups(groups: Sequence[str], statistics: Mapping[str, Statistic]) -> Statistic:
    """The unweighted mean of a score over groups, as the paper averages over seven anatomies.

    A group of which no case was drawn, or for whose cases the score is undefined, is left out of
    the mean; where that is every group, the mean is undefined (NaN).

    Args:
        groups: group of each case.
        statistics: the score of each group over its own cases, in their order among all.

    Raises:
        ValueError: if a group has no statistic or a statistic no group.
    """
    if set(groups) != set(statistics):
        unpaired = sorted(set(groups) ^ set(statistics))
        raise ValueError(f"a mean over groups needs one score for each, not so: {unpaired}")
    names = np.asarray(groups)
    columns = {name: np.flatnonzero(names == name) for name in statistics}

    def statistic(counts: np.ndarray) -> np.ndarray:
        total, defined = np.zeros(len(counts)), np.zeros(len(counts))
        for name, places in columns.items():
            of_group = counts[:, places]
            present = np.flatnonzero(of_group.any(axis=1))
            values = statistics[name](of_group[present])
            finite = np.isfinite(values)
            total[present[finite]] += values[finite]
            defined[present[finite]] += 1
        return ratio(total, defined)

    return statistic


def ratio(over: np.ndarray, under: np.ndarray) -> np.ndarray:
    """Element by element ``over / under``, NaN where ``under`` is 0."""
    return np.divide(over, under, out=np.full(np.shape(over), np.nan), where=under != 0)


def _value(statistic: Statistic, cases: int) -> float:
    if not cases:
        raise ValueError("an interval needs at least one case")
    value = float(statistic(np.ones((1, cases), dtype=np.int32))[0])
    if not np.isfinite(value):
        raise ValueError("the score is undefined for these cases, as where a class is missing")
    return value


def _defined(drawn: np.ndarray) -> np.ndarray:
    defined = drawn[np.isfinite(drawn)]
    if not len(defined):
        raise ValueError("the score is undefined in every resample of these cases")
    return defined


def _ends(drawn: np.ndarray) -> tuple[float, float]:
    outside = 50 * (1 - LEVEL)
    low, high = np.percentile(drawn, [outside, 100 - outside])
    return float(low), float(high)
