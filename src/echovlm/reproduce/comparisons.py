"""What every score of a checkpoint is compared with: itself blindfolded, and what never looks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import numpy as np

from echovlm.errors import DataError
from echovlm.evaluate.answers import Job, Reader, Said, listen
from echovlm.evaluate.blind import GreyBaseline, grey_statistics, most_frequent
from echovlm.evaluate.held_out import HeldOutCase
from echovlm.evaluate.intervals import Statistic
from echovlm.evaluate.scorecard import MODEL
from echovlm.terms import Language

Value = TypeVar("Value")

BLANK = "blanked images"
FREQUENT = "most frequent"
GREY = "grey statistics"

Heard = Mapping[str, Sequence[Said]]
"""What was said of the same cases, by system."""


def heard_twice(reader: Reader, cases: Sequence[HeldOutCase], job: Job, title: str) -> Heard:
    """What an engine says with the pictures and with blanked ones."""
    return {
        MODEL: listen(reader, cases, job, blank=False, title=title),
        BLANK: listen(reader, cases, job, blank=True, title=f"{title}, {BLANK}"),
    }


def blind_labels(
    frequent: Sequence[HeldOutCase],
    fitting: Sequence[HeldOutCase],
    test: Sequence[HeldOutCase],
    fact: str,
    *,
    told: bool,
) -> dict[str, list[str]]:
    """Labels of the baselines that do not look, once for each language.

    Args:
        frequent: training cases whose labels are counted.
        fitting: training cases that the grey statistics learn from.
        test: cases to label.
        fact: name of the fact that holds the label.
        told: whether the baselines are told the anatomy.
    """
    known = [case for case in frequent if case.value(fact)]
    group = region if told else _no_region
    usual = most_frequent([group(case) for case in known], [case.value(fact) for case in known])
    grey = grey_baseline(fitting, fact, told=told)
    features = [grey_statistics(case.first_picture()) for case in test]
    return {
        FREQUENT: twice([usual.get(group(case), "") for case in test]),
        GREY: twice(
            [grey.label(one, group(case)) for one, case in zip(features, test, strict=True)]
        ),
    }


def grey_baseline(train: Sequence[HeldOutCase], fact: str, *, told: bool = False) -> GreyBaseline:
    """Grey statistics of the first picture of training cases, fitted to a fact of theirs.

    Raises:
        DataError: when no training case has the fact.
    """
    known = [case for case in train if case.value(fact)]
    if not known:
        raise DataError(
            "the splits", f"hold no training patient with '{fact}'", "Split the sets again"
        )
    return GreyBaseline(
        np.stack([grey_statistics(case.first_picture()) for case in known]),
        [case.value(fact) for case in known],
        [region(case) for case in known] if told else (),
    )


def region(case: HeldOutCase) -> str:
    """The true anatomy of a case."""
    return str(case.record.anatomy)


def _no_region(case: HeldOutCase) -> str:
    return ""


def choices(said: Sequence[Said]) -> list[str]:
    """The chosen class of every case, once for each language."""
    return [one.choice(language) for one in said for language in Language]


def anatomies(said: Sequence[Said]) -> list[str]:
    """The anatomy named for every case, once for each language."""
    return [one.anatomy[language] for one in said for language in Language]


def twice(values: Sequence[Value]) -> list[Value]:
    """Each value once for each language."""
    return [value for value in values for _ in Language]


def each(
    score: Callable[[Sequence[str], Sequence[str]], Statistic],
    true: Sequence[str],
    predicted: Mapping[str, Sequence[str]],
) -> dict[str, Statistic]:
    """The same score of several systems."""
    return {name: score(true, values) for name, values in predicted.items()}


def plain(statistic: Statistic, cases: int) -> float | None:
    """The score over all cases as a JSON value; None where it is undefined."""
    value = float(statistic(np.ones((1, cases), dtype=np.int32))[0])
    return value if np.isfinite(value) else None
