"""Answers to questions about a measurement: how far off they are, and what is missing in them.

    error = |stated - true| in the unit of the fact,    error in % = 100 |stated - true| / true

A measured fact names its unit in its last word ("head_circumference_mm", "psv_cm_per_s",
"ejection_fraction_percent"). Another unit of the same dimension is converted (cm, m/s); a unit of
another dimension is none. An answer without a number, or without such a unit beside it, counts as
0: an error of 100 %. Both faults are counted apart, since a number without its unit is a fault of
its own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from echovlm.evaluate.intervals import Mean, Statistic, mean_of, median_of
from echovlm.facts import read_all_statements
from echovlm.facts.statement import unit_of
from echovlm.terms import Language


def measured_value(text: str, name: str, language: Language | str | None = None) -> float | None:
    """What an answer states for a measurement, in the unit of its name.

    Args:
        text: an answer; "17.4 cm" is 174 for a name that ends in "_mm".
        name: what was asked for ("head_circumference_mm"). What the text itself calls so is taken
            before any other number of its unit.
        language: of the text; None decides by its characters.

    Returns:
        The first such value; None where the text has no number with a unit of this dimension.
    """
    unit = unit_of(name)
    stated = [
        (each.name, float(each.value))
        for each in read_all_statements(text, language)
        if unit is not None and each.unit == unit
    ]
    named = [value for own, value in stated if own == name]
    return next(iter(named or [value for _, value in stated]), None)


def measurement_error(
    text: str, true: float, name: str, language: Language | str | None = None
) -> float:
    """How far an answer is from a true value, in the unit of its name.

    Args:
        text: an answer, see :func:`measured_value`.
        true: above 0.
        name: what was asked for.
        language: of the text; None decides by its characters.

    Returns:
        0 and above. A missing number or unit counts as an answer of 0: an error of 100 %.
    """
    return abs((measured_value(text, name, language) or 0.0) - true)


@dataclass(frozen=True, eq=False)
class MeasurementScores:
    """Answers about measurements against the true values.

    Attributes:
        units: unit of each answer's error ("mm", "cm/s", "%").
        errors: ``(n,)``, 0 and above, in these units.
        errors_percent: ``(n,)``, of the true value.
        numbered: ``(n,)`` bool, whether the answer holds a number.
        stated: ``(n,)`` bool, whether it holds a number with a unit of the right dimension.
    """

    units: tuple[str, ...]
    errors: np.ndarray
    errors_percent: np.ndarray
    numbered: np.ndarray
    stated: np.ndarray

    @property
    def mean_error(self) -> Mean:
        """Mean absolute error in the one unit of all answers.

        Raises:
            ValueError: if they have several units.
        """
        self._check_one_unit()
        return mean_of(self.errors)

    @property
    def median_error(self) -> Statistic:
        """Median absolute error in the one unit of all answers; gross misreadings do not move it.

        Raises:
            ValueError: if they have several units.
        """
        self._check_one_unit()
        return median_of(self.errors)

    @property
    def mean_error_percent(self) -> Mean:
        """Mean absolute error in % of the true values."""
        return mean_of(self.errors_percent)

    @property
    def median_error_percent(self) -> Statistic:
        """Median absolute error in % of the true values."""
        return median_of(self.errors_percent)

    @property
    def without_number(self) -> Mean:
        """Share of answers without any number, 0 to 1."""
        return mean_of(~self.numbered)

    @property
    def without_unit(self) -> Mean:
        """Share of answers with a number but no unit of its dimension beside it, 0 to 1."""
        return mean_of(self.numbered & ~self.stated)

    def _check_one_unit(self) -> None:
        if len(set(self.units)) > 1:
            raise ValueError(f"errors in {', '.join(sorted(set(self.units)))} have no joint mean")


def measurement_scores(
    replies: Sequence[str],
    true: Sequence[float],
    names: Sequence[str],
    languages: Sequence[Language | str | None],
) -> MeasurementScores:
    """Score answers about measurements.

    Args:
        replies: what a system answered.
        true: true values in the units of their names, above 0.
        names: which measurement each question asked for ("head_circumference_mm").
        languages: of each reply; None decides by its characters.

    Raises:
        ValueError: if the lists differ in length, a name has no unit or a true value is not a
            number above 0; the case is counted from 0.
    """
    said, units = [], []
    cases = zip(replies, true, names, languages, strict=True)
    for case, (reply, value, name, language) in enumerate(cases):
        unit = unit_of(name)
        if unit is None:
            raise ValueError(f"case {case}: '{name}' is no measurement with a unit")
        if not (np.isfinite(value) and value > 0):
            raise ValueError(f"case {case}: a true value must be above 0, got {value}")
        said.append(measured_value(reply, name, language))
        units.append(unit)
    true_values = np.asarray(true, dtype=float)
    errors = np.abs(np.array([one or 0.0 for one in said]) - true_values)
    return MeasurementScores(
        units=tuple(units),
        errors=errors,
        errors_percent=100 * errors / true_values,
        numbered=np.array([re.search(r"\d", reply) is not None for reply in replies], dtype=bool),
        stated=np.array([one is not None for one in said], dtype=bool),
    )
