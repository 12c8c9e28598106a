"""A score over texts as sums per text, so that one matrix product scores all resamples.

    statistic(weights (R, texts)) -> values (R,)

Where every text has a score, it is the weighted mean of these; where counts are summed over texts
first (corpus BLEU, chrF), it is a function of the weighted sums of the counts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from echovlm.evaluate.intervals import mean_of
from echovlm.evaluate.text.signature import Signature
from echovlm.terms import Language


@dataclass(frozen=True)
class Score:
    """A number and what it takes to compute it again.

    Attributes:
        value: 0-100.
        signature: as :class:`echovlm.evaluate.text.signature.Signature` writes it.
    """

    value: float
    signature: str


@dataclass(frozen=True, eq=False)
class Scored:
    """A metric over some texts; it is itself a statistic for intervals.

    Attributes:
        signature: as of :class:`Score`.
        texts: number of texts.
        statistic: weights ``(R, texts)`` to values ``(R,)``, 0-100.
    """

    signature: str
    texts: int
    statistic: Callable[[np.ndarray], np.ndarray]

    def __call__(self, weights: np.ndarray) -> np.ndarray:
        """The score where text ``i`` counts ``weights[r, i]`` times."""
        return self.statistic(weights)

    @property
    def score(self) -> Score:
        """The score of all texts, each counted once."""
        value = self.statistic(np.ones((1, self.texts), dtype=np.int32))[0]
        return Score(float(value), self.signature)


Metric = Callable[[Sequence[str], Sequence[str], Language], Scored]
"""Predictions, one reference for each, and their language, to what they score."""


def averaged(values: Sequence[float] | np.ndarray, signature: Signature) -> Scored:
    """The mean over texts.

    Args:
        values: score of each text, 0-1.
        signature: of the metric.
    """
    column = 100 * np.asarray(values, dtype=float)
    return Scored(str(signature), len(column), mean_of(column))


def summed(rows: np.ndarray, value: Callable[[np.ndarray], float], signature: Signature) -> Scored:
    """A function of counts that are summed over texts first.

    Args:
        rows: counts of each text ``(texts, counts)``.
        value: summed counts ``(counts,)`` to the score, 0-100.
        signature: of the metric.
    """
    return Scored(
        str(signature),
        len(rows),
        lambda weights: np.array([value(total) for total in weights @ rows], dtype=float),
    )


def check_pairs(metric: str, predictions: Sequence[str], references: Sequence[str]) -> None:
    """Refuse texts that cannot be scored.

    Args:
        metric: name of the metric, for the message.
        predictions: generated texts; empty ones are allowed and score 0.
        references: true texts.

    Raises:
        ValueError: if there are no texts, the two lists differ in length, a prediction is no text
            (None, or the NaN of an empty cell), or a reference is none or blank.
    """
    if len(predictions) != len(references) or not predictions:
        raise ValueError(
            f"{metric} needs as many predictions as references and at least one, "
            f"got {len(predictions)} and {len(references)}"
        )
    for place, (said, true) in enumerate(zip(predictions, references, strict=True), start=1):
        if not isinstance(said, str):
            raise ValueError(
                f"{metric} needs texts, and prediction {place} of {len(predictions)} is a "
                f'{type(said).__name__}; give "" where a system wrote nothing'
            )
        if not isinstance(true, str) or not true.strip():
            raise ValueError(
                f"{metric} needs a reference for every prediction, and reference {place} of "
                f"{len(references)} is empty; leave that case out"
            )
