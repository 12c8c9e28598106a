"""One row of a table of results: a score of every system, with what taking pictures away does.

A score is resampled once for each system and look; interval, image dependence and the comparison of
systems all come from the same draws, so that differences are paired:

    image dependence = score with pictures - score without, on the same resamples of the patients
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from echovlm.evaluate.comparisons import case_values
from echovlm.evaluate.intervals import LEVEL, Statistic, ratio, weights

PLAIN = "plain"
"""The look that takes nothing away."""

AVERAGE = "average"
"""The unweighted mean over the anatomies, as in the paper's tables."""

HEADLINES = frozenset(
    {"BLEU-1", "ROUGE-1", "ROUGE-L", "METEOR", "facts F1", "accuracy", "balanced accuracy",
     "macro F1", "median error in %"}
)  # fmt: skip
"""Scores for a short table, and those by which a system is said not to look: the others tell of
form, of calibration, or of one kind of fact."""

Answered = tuple[str, str]
"""A system's name and a look."""


@dataclass(frozen=True, eq=False)
class Score:
    """One metric of one task in one language.

    Attributes:
        task: of the items.
        language: of the items.
        metric: name in tables.
        patients: patient of each item.
        parts: anatomy to the places of its items and, by system and look, the statistic over them.
        signature: what it takes to compute the number again.
        lower_is_better: whether it is an error.
        decimals: digits shown behind the point.
    """

    task: str
    language: str
    metric: str
    patients: Sequence[str]
    parts: Mapping[str, tuple[Sequence[int], Mapping[Answered, Statistic]]]
    signature: str = ""
    lower_is_better: bool = False
    decimals: int = 1


@dataclass(frozen=True, eq=False)
class Row:
    """A score of one anatomy, or of their average.

    Attributes:
        told: JSON values: ``task``, ``language``, ``metric``, ``anatomy``, ``items``, ``patients``,
            ``signature``, ``lower_is_better``, ``decimals`` and ``systems``: per name ``value``,
            ``low``, ``high`` and ``looks``; of each look ``value`` and the paired ``difference``
            plain less look with ``low``, ``high`` and ``p``. What is undefined is None.
        drawn: per system ``(1 + R,)``: the score with pictures and its resamples.
        cases: per system a value of each item ``(n,)`` whose mean is the score, for scores that are
            means.
    """

    told: dict[str, Any]
    drawn: Mapping[str, np.ndarray]
    cases: Mapping[str, np.ndarray] = field(default_factory=dict)


def rows_of(score: Score, resamples: int, seed: int) -> list[Row]:
    """The average of a score over the anatomies and, where there are several, each of them.

    Args:
        score: what is scored.
        resamples: of the bootstrap over patients.
        seed: of the resamples.

    Returns:
        The average first.
    """
    count = len(score.patients)
    drawn_weights = np.vstack(
        [np.ones((1, count), dtype=np.int32), weights(score.patients, resamples, seed)]
    )
    drawn = {
        anatomy: {who: _values(one, drawn_weights[:, places]) for who, one in statistics.items()}
        for anatomy, (places, statistics) in score.parts.items()
    }
    # A system that does a task in some anatomies alone has no average over all.
    answered = [
        who for who in next(iter(drawn.values())) if all(who in one for one in drawn.values())
    ]
    average = _means(drawn, answered)
    judged = sorted(place for places, _ in score.parts.values() for place in places)
    whole = _row(score, AVERAGE, judged, average)
    whole.told["anatomies"] = list(drawn)
    rows = [replace(whole, cases=_case_values(score))]
    if len(drawn) > 1:
        rows += [_row(score, name, score.parts[name][0], values) for name, values in drawn.items()]
    return rows


def _values(statistic: Statistic, own: np.ndarray) -> np.ndarray:
    """A score over resamples; NaN where none of its items was drawn, whatever it gives there."""
    return np.where(own.sum(axis=1) > 0, statistic(own), np.nan)


def _means(
    drawn: Mapping[str, Mapping[Answered, np.ndarray]], answered: Sequence[Answered]
) -> dict[Answered, np.ndarray]:
    """Means over the anatomies in which the score is defined for everyone, resample by resample.

    What is undefined for one is left out for all, so that no two means are of other anatomies.
    """
    if not answered:
        return {}
    table = np.stack([[part[who] for part in drawn.values()] for who in answered])
    defined = np.isfinite(table).all(axis=0)  # (parts, 1 + R)
    if defined[:, 0].any():
        defined &= defined[:, :1]
    total = np.where(defined, table, 0.0).sum(axis=1)
    return dict(
        zip(answered, ratio(total, np.broadcast_to(defined.sum(axis=0), total.shape)), strict=True)
    )


def _case_values(score: Score) -> dict[str, np.ndarray]:
    """Values of the items whose mean is the average over the anatomies, where there are such."""
    found: dict[str, np.ndarray] = {}
    count, parts = len(score.patients), len(score.parts)
    for places, statistics in score.parts.values():
        for (name, look), statistic in statistics.items():
            values = case_values(statistic)
            if look == PLAIN and values is not None:
                row = found.setdefault(name, np.full(count, np.nan))
                row[list(places)] = values * count / (parts * len(places))
    return {name: row for name, row in found.items() if np.isfinite(row).all()}


def _row(
    score: Score, anatomy: str, places: Sequence[int], drawn: Mapping[Answered, np.ndarray]
) -> Row:
    systems: dict[str, Any] = {}
    for (name, look), values in drawn.items():
        if look == PLAIN:
            systems[name] = _interval(values) | {"looks": {}}
    for (name, look), values in drawn.items():
        if look != PLAIN and name in systems:
            systems[name]["looks"][look] = {
                "value": _finite(values[0]),
                **difference(drawn[name, PLAIN], values),
            }
    told = {
        "task": score.task,
        "language": score.language,
        "metric": score.metric,
        "anatomy": anatomy,
        "items": len(places),
        "patients": len({score.patients[place] for place in places}),
        "signature": score.signature,
        "lower_is_better": score.lower_is_better,
        "decimals": score.decimals,
        "systems": systems,
    }
    plain = {name: values for (name, look), values in drawn.items() if look == PLAIN}
    return Row(told, plain)


def difference(one: np.ndarray, other: np.ndarray) -> dict[str, float | None]:
    """What ``one`` has more than ``other``: the difference, its interval and a two-sided p.

    Args:
        one: ``(1 + R,)``, the score and its resamples.
        other: the same of the other, on the same resamples.

    Returns:
        ``difference``, ``low``, ``high`` and ``p``: twice the smaller share of resamples on one
        side of zero, at least ``2 / (R + 1)`` and at most 1; None where undefined.
    """
    apart = one - other
    sample = apart[1:][np.isfinite(apart[1:])]
    if not np.isfinite(apart[0]) or not len(sample):
        return {"difference": None, "low": None, "high": None, "p": None}
    low, high = _ends(sample)
    rarer = min(int((sample <= 0).sum()), int((sample >= 0).sum()))
    p = min(1.0, 2 * (1 + rarer) / (1 + len(sample)))
    return {"difference": float(apart[0]), "low": low, "high": high, "p": p}


def _interval(values: np.ndarray) -> dict[str, float | None]:
    sample = values[1:][np.isfinite(values[1:])]
    if not np.isfinite(values[0]) or not len(sample):
        return {"value": _finite(values[0]), "low": None, "high": None}
    low, high = _ends(sample)
    return {"value": float(values[0]), "low": low, "high": high}


def _ends(sample: np.ndarray) -> tuple[float, float]:
    outside = 50 * (1 - LEVEL)
    low, high = np.percentile(sample, [outside, 100 - outside])
    return float(low), float(high)


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
