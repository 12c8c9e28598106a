"""Several systems on the same cases: what differs, how surely, and after how many looks.

Two paired tests of a difference. Both treat the patient as the unit, since cases of one are alike:

- *sign flips*, for scores that are means over cases (approximate randomisation, Noreen 1989): were
  both systems equally good, exchanging their values for all cases of a patient would change
  nothing. p is the share of exchanges with a mean difference at least as large, all of them
  where few patients allow it, else of ``FLIPS`` drawn ones and the observed one (Phipson and Smyth
  2010).
- *bootstrap*, for every other score: see :func:`echovlm.evaluate.rows.difference`.

Exchanges are the sharper test: they need no large sample, and their p can get smaller than the
bootstrap's least, ``2 / (resamples + 1)``. For right and wrong answers with one case per patient
they are McNemar's exact test.

Who compares often finds something. Holm (1979) corrects so that the chance of any false find stays
below the level.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from echovlm.evaluate.intervals import Mean, Statistic

FLIPS = 9999
"""Drawn exchanges; the least p is 1 / (FLIPS + 1)."""

SIGN_FLIPS, BOOTSTRAP = "sign flips", "bootstrap"


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


def _probabilities(p: Sequence[float]) -> np.ndarray:
    values = np.asarray(p, dtype=float)
    # Written so that NaN fails as well.
    if not ((values >= 0) & (values <= 1)).all():
        raise ValueError("a correction needs p values between 0 and 1")
    return values
