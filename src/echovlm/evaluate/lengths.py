"""Answers to questions about a length: how far off they are, and what is missing in them.

    error in mm = |stated - true|,    error in % = 100 |stated - true| / true

An answer without a number, or without a unit of length beside it, counts as 0 mm: an error of
100 %. Both faults are counted apart, since a number without its unit is a fault of its own.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from echovlm.evaluate.intervals import Mean, Statistic, mean_of, median_of
from echovlm.evaluate.measures import length_mm
from echovlm.terms import Language


@dataclass(frozen=True, eq=False)
class LengthScores:
    """Answers about lengths against the true ones.

    Attributes:
        errors_mm: ``(n,)``, 0 and above.
        errors_percent: ``(n,)``, of the true length.
        numbered: ``(n,)`` bool, whether the answer holds a number.
        stated: ``(n,)`` bool, whether it holds a number with a unit of length.
    """

    errors_mm: np.ndarray
    errors_percent: np.ndarray
    numbered: np.ndarray
    stated: np.ndarray

    @property
    def mean_error_mm(self) -> Mean:
        """Mean absolute error in mm."""
        return mean_of(self.errors_mm)

    @property
    def mean_error_percent(self) -> Mean:
        """Mean absolute error in % of the true lengths."""
        return mean_of(self.errors_percent)

    @property
    def median_error_mm(self) -> Statistic:
        """Median absolute error in mm; one gross misreading does not move it."""
        return median_of(self.errors_mm)

    @property
    def median_error_percent(self) -> Statistic:
        """Median absolute error in % of the true lengths."""
        return median_of(self.errors_percent)

    @property
    def without_number(self) -> Mean:
        """Share of answers without any number, 0 to 1."""
        return mean_of(~self.numbered)

    @property
    def without_unit(self) -> Mean:
        """Share of answers with a number but no unit of length beside it, 0 to 1."""
        return mean_of(self.numbered & ~self.stated)


def length_scores(
    replies: Sequence[str],
    true_mm: Sequence[float],
    languages: Sequence[Language | str | None],
    names: Sequence[str],
) -> LengthScores:
    """Score answers about lengths.

    Args:
        replies: what a system answered.
        true_mm: true lengths, above 0.
        languages: of each reply; None decides by its characters.
        names: which length each question asked for ("head_circumference_mm"); one that the reply
            itself calls so is taken before any other.

    Raises:
        ValueError: if the lists differ in length or a true length is not a number above 0; the case
            is counted from 0.
    """
    said, numbered = [], []
    cases = zip(replies, true_mm, languages, names, strict=True)
    for case, (reply, true, language, name) in enumerate(cases):
        if not (np.isfinite(true) and true > 0):
            raise ValueError(f"case {case}: a true length must be above 0 mm, got {true}")
        text = _with_points(reply)
        said.append(length_mm(text, language, name))
        numbered.append(re.search(r"\d", text) is not None)
    true_lengths = np.asarray(true_mm, dtype=float)
    errors = np.abs(np.array([one or 0.0 for one in said]) - true_lengths)
    return LengthScores(
        errors_mm=errors,
        errors_percent=100 * errors / true_lengths,
        numbered=np.array(numbered, dtype=bool),
        stated=np.array([one is not None for one in said], dtype=bool),
    )


def _with_points(text: str) -> str:
    """A text with decimal points: "1,200 mm" is 1200 mm, "3,5 cm" is 3.5 cm."""
    plain = unicodedata.normalize("NFKC", text)
    plain = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", plain)
    return re.sub(r"(?<=\d),(?=\d{1,2}(?![\d.]))", ".", plain)
