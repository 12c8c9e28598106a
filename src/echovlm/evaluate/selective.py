"""What abstaining buys: the risk of the answers that are left when unsure ones are withheld.

A case is answered where its confidence reaches a threshold (Geifman and El-Yaniv 2017, section 2):

    coverage = answered cases / cases,    risk = wrong answers / answered cases

Cases of equal confidence are answered or withheld together, so that neither curve nor area depends
on the order of the cases. The area under the curve (AURC; Geifman, Uziel and El-Yaniv 2019) is

    sum over thresholds of (coverage gained there) * (risk there)

which without ties is the mean risk of answering the surest 1, 2, ... n cases.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from echovlm.evaluate.intervals import Statistic, ratio


@dataclass(frozen=True)
class Point:
    """One point of a risk-coverage curve.

    Attributes:
        threshold: lowest confidence that is answered.
        coverage: share of cases answered, above 0 to 1.
        risk: share of wrong answers among them, 0 to 1.
    """

    threshold: float
    coverage: float
    risk: float


def risk_coverage_curve(confidences: Sequence[float], right: Sequence[bool]) -> list[Point]:
    """The curve, one point for each different confidence, the surest first.

    Args:
        confidences: per case, higher where the system is surer.
        right: per case, whether its answer is right.

    Raises:
        ValueError: if a confidence is not finite, naming the case counted from 0, or the lists do
            not pair.
    """
    order, wrong, ends = _ranked(confidences, right)
    sure = np.asarray(confidences, dtype=float)[order]
    answered = np.arange(1, len(order) + 1)
    risks = np.cumsum(wrong) / answered
    return [
        Point(float(sure[end]), float(answered[end] / len(order)), float(risks[end]))
        for end in ends
    ]


def area_under_risk_coverage(confidences: Sequence[float], right: Sequence[bool]) -> Statistic:
    """Area under the risk-coverage curve, 0 to 1, lower is better; arguments as for the curve."""
    order, wrong, ends = _ranked(confidences, right)

    def statistic(weights: np.ndarray) -> np.ndarray:
        ranked = weights[:, order]
        answered = np.cumsum(ranked, axis=1)[:, ends]
        errors = np.cumsum(ranked * wrong, axis=1)[:, ends]
        risk = np.divide(errors, answered, out=np.zeros(errors.shape), where=answered > 0)
        gained = np.diff(answered, axis=1, prepend=0)
        return ratio((gained * risk).sum(axis=1), weights.sum(axis=1))

    return statistic


def _ranked(
    confidences: Sequence[float], right: Sequence[bool]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cases from sure to unsure, whether each is wrong, and the last rank of each confidence."""
    values, hit = _paired(confidences, right)
    order = np.argsort(-values, kind="stable")
    falls = np.flatnonzero(np.diff(values[order]))
    return order, ~hit[order], np.append(falls, len(order) - 1)


def _paired(confidences: Sequence[float], right: Sequence[bool]) -> tuple[np.ndarray, np.ndarray]:
    values, hit = np.asarray(confidences, dtype=float), np.asarray(right, dtype=bool)
    if values.shape != hit.shape or not len(values):
        raise ValueError(
            f"abstaining needs one confidence for each answer and at least one, got "
            f"{len(values)} and {len(hit)}"
        )
    if not np.isfinite(values).all():
        case = int(np.flatnonzero(~np.isfinite(values))[0])
        raise ValueError(f"case {case}: confidence {values[case]} is not finite")
    return values, hit
