"""Several systems on the same cases: what differs, how surely, and after how many looks.

Two paired tests of a difference. Both treat the patient as the unit, since cases of one are alike:

- *sign flips*, for scores that are means over cases (approximate randomisation, Noreen 1989): were
  both systems equally good, exchanging their values for all cases of a patient would change
  nothing. p is the share of exchanges with a mean difference at least as large, all of them
  where few patients allow it, else of ``FLIPS`` drawn ones and the observed one (Phipson and Smyth
  2010).
- *bootstrap*, for every other score: see :func:`echovlm.evaluate.intervals.paired_difference`.

Exchanges are the sharper test: they need no large sample, and their p can get smaller than the
bootstrap's least, ``2 / (resamples + 1)``. For right and wrong answers with one case per patient
they are McNemar's exact test, which is here too.

Who compares often finds something. Holm (1979) corrects so that the chance of any false find stays
below the level, Benjamini and Hochberg (1995) so that the expected share of false finds does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from scipy.stats import binomtest, false_discovery_control

from echovlm.evaluate.intervals import RESAMPLES, Difference, Mean, Statistic, resampled

FLIPS = 9999
"""Drawn exchanges; the least p is 1 / (FLIPS + 1)."""

SIGN_FLIPS, BOOTSTRAP = "sign flips", "bootstrap"


@dataclass(frozen=True)
class Comparison:
    """One score of one system less another's on the same cases.

    Attributes:
        score: what is compared.
        one: name of the first system.
        other: name of the second; its score is taken off the first's.
        difference: with its interval, patients, resamples and seed.
        test: where ``p`` comes from, ``SIGN_FLIPS`` or ``BOOTSTRAP``.
        p: two-sided, uncorrected.
        p_holm: corrected so that no comparison of the family is a false find.
        p_false_discovery: corrected by Benjamini and Hochberg.
        family: comparisons that were corrected together.
    """

    score: str
    one: str
    other: str
    difference: Difference
    test: str
    p: float
    p_holm: float
    p_false_discovery: float
    family: int


def compare(
    score: str,
    systems: Mapping[str, Statistic],
    patients: Sequence[str],
    baseline: str | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> list[Comparison]:
    """Compare systems by one score, p corrected over these comparisons.

    Args:
        score: name of the score.
        systems: the score of each system over the same cases in the same order.
        patients: patient of each case.
        baseline: the system that each other one is compared with; None compares every two.
        resamples: of the bootstrap over patients.
        seed: of resamples and sign flips.

    Raises:
        ValueError: if there are fewer than two systems, the baseline is none of them, there are no
            cases, or a score is undefined for them.
    """
    if len(systems) < 2 or (baseline is not None and baseline not in systems):
        raise ValueError(
            f"comparing by {score} needs two systems and the baseline among them, got "
            f"{', '.join(systems) or 'none'}"
        )
    pairs = (
        list(combinations(systems, 2))
        if baseline is None
        else [(name, baseline) for name in systems if name != baseline]
    )
    drawn = {name: resampled(one, patients, resamples, seed) for name, one in systems.items()}
    rows = []
    for one, other in pairs:
        difference = drawn[one].less(drawn[other])
        values = case_values(systems[one]), case_values(systems[other])
        if values[0] is not None and values[1] is not None:
            test, p = SIGN_FLIPS, sign_flip_p(values[0], values[1], patients, seed)
        else:
            test, p = BOOTSTRAP, difference.p
        rows.append(Comparison(score, one, other, difference, test, p, p, p, 1))
    return corrected(rows)


def corrected(comparisons: Iterable[Comparison]) -> list[Comparison]:
    """Comparisons with p corrected over all of them, in the same order.

    Args:
        comparisons: everything that was looked at together: all scores and systems of a table.
    """
    rows = list(comparisons)
    p = [row.p for row in rows]
    return [
        replace(row, p_holm=float(one), p_false_discovery=float(other), family=len(rows))
        for row, one, other in zip(rows, holm(p), benjamini_hochberg(p), strict=True)
    ]


def case_values(statistic: Statistic) -> np.ndarray | None:
    """The number of each case where a score is their mean, ``(n,)``; None where it is no mean.

    Args:
        statistic: a score, or one that carries a signature and holds it as ``statistic``.
    """
    inner = getattr(statistic, "statistic", statistic)
    return inner.values if isinstance(inner, Mean) else None


def sign_flip_p(
    one: Sequence[float] | np.ndarray,
    other: Sequence[float] | np.ndarray,
    patients: Sequence[str],
    seed: int = 0,
) -> float:
    """Two-sided p of a difference of means, by exchanging both systems patient by patient.

    Args:
        one: value of the first system for each case.
        other: of the second.
        patients: patient of each case.
        seed: of the exchanges that are drawn.

    Raises:
        ValueError: if there are no cases, the lists differ in length or a value is not finite.
    """
    apart = np.asarray(one, dtype=float) - np.asarray(other, dtype=float)
    if len(apart) != len(patients) or not len(apart) or not np.isfinite(apart).all():
        raise ValueError(
            f"sign flips need a finite difference and a patient for each case and at least one, "
            f"got {len(apart)} differences and {len(patients)} patients"
        )
    _, patient = np.unique(np.asarray(patients), return_inverse=True)
    sums = np.bincount(patient, apart)
    observed = abs(sums.sum())
    # Sums of equal numbers in another order differ by rounding and are to count as equal.
    least = observed - 1e-12 * np.abs(sums).sum()
    if 2 ** len(sums) <= FLIPS + 1:
        exchanges = np.arange(2 ** len(sums))[:, None] >> np.arange(len(sums))
        signs = 1 - 2 * (exchanges & 1)
        return float((np.abs(signs @ sums) >= least).mean())
    rng = np.random.default_rng(seed)
    larger = 0
    for rows in np.array_split(np.arange(FLIPS), 10):
        signs = rng.integers(0, 2, size=(len(rows), len(sums)), dtype=np.int8)
        larger += int((np.abs(2 * (signs @ sums) - sums.sum()) >= least).sum())
    return (1 + larger) / (1 + FLIPS)


def mcnemar_p(
    one: Sequence[bool] | np.ndarray, other: Sequence[bool] | np.ndarray, patients: Sequence[str]
) -> float:
    """Two-sided exact p of McNemar's test, of two systems' right answers.

    Args:
        one: per case, whether the first system is right.
        other: whether the second is.
        patients: patient of each case; each has one case, since the test counts them independent.

    Raises:
        ValueError: if the lists differ in length or a patient has several cases.
    """
    first, second = np.asarray(one, dtype=bool), np.asarray(other, dtype=bool)
    if not len(first) == len(second) == len(patients):
        raise ValueError(
            f"McNemar's test needs pairs of answers, got {len(first)} and {len(second)} of "
            f"{len(patients)} patients"
        )
    if len(set(patients)) != len(patients):
        raise ValueError(
            "McNemar's test needs one case per patient; where there are several, use sign flips"
        )
    only_first, only_second = int((first & ~second).sum()), int((second & ~first).sum())
    apart = only_first + only_second
    return float(binomtest(only_first, apart).pvalue) if apart else 1.0


def holm(p: Sequence[float]) -> np.ndarray:
    """Holm's step-down correction: with m values the k-th smallest is multiplied by m - k + 1.

    Args:
        p: uncorrected, 0 to 1.

    Returns:
        ``(m,)``, corrected, in the order given, at most 1.

    Raises:
        ValueError: if a value is no probability.
    """
    values = _probabilities(p)
    order = np.argsort(values)
    stepped = values[order] * np.arange(len(values), 0, -1)
    adjusted = np.empty(len(values))
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(stepped))
    return adjusted


def benjamini_hochberg(p: Sequence[float]) -> np.ndarray:
    """Benjamini and Hochberg's correction; arguments as for :func:`holm`."""
    values = _probabilities(p)
    return np.asarray(false_discovery_control(values)) if len(values) else values


def _probabilities(p: Sequence[float]) -> np.ndarray:
    values = np.asarray(p, dtype=float)
    # Written so that NaN fails as well.
    if not ((values >= 0) & (values <= 1)).all():
        raise ValueError("a correction needs p values between 0 and 1")
    return values
