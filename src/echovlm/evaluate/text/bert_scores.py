"""BERTScore F1 (Zhang et al. 2020) with a model from a local folder.

    P = mean over x of max over y of cos(x, y),  R likewise,  F1 = 2 P R / (P + R)

x and y are the hidden states of prediction and reference at one layer. The same numbers as those of
bert-score 0.3.13 without idf and without rescaling: the marks at both ends may be matched, but do
not count. With transformers 5 that package itself fails on empty texts, and on all texts where a
tokeniser names no greatest length.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from echovlm.errors import OptionError
from echovlm.evaluate.text.bert_encoder import Encoder, Tokens, encoder
from echovlm.evaluate.text.scored import Metric, Scored, averaged, check_pairs
from echovlm.evaluate.text.signature import Signature
from echovlm.terms import Language

LAYER = 8
"""Layer that bert-score takes of bert-base-chinese, its model for Chinese."""

_BATCH = 16


def bert_score(folder: Path | None, layer: int = LAYER) -> Metric:
    """BERTScore as a metric.

    Args:
        folder: with a BERT-like encoder and its tokeniser, as transformers saves them; nothing is
            downloaded, and nothing in it is run.
        layer: whose hidden states are compared, from 1.

    Raises:
        OptionError: if no folder is given or there is none, if it holds no encoder, pickled weights
            or a model that brings its own code, or if the encoder has fewer layers.
    """
    if folder is None:
        raise OptionError(
            "BERTScore needs a local folder with an encoder and its tokeniser, such as a copy of "
            "bert-base-chinese, and none was given."
        )
    loaded = encoder(Path(folder).resolve(), layer)

    def metric(predictions: Sequence[str], references: Sequence[str], language: Language) -> Scored:
        check_pairs("BERTScore", predictions, references)
        settings = (
            f"model:{Path(folder).resolve().name}@{loaded.digest}",
            f"layer:{layer}",
            "idf:no",
            "rescale:no",
            f"longest:{loaded.longest}",
        )
        return averaged(
            np.concatenate(list(_scores(loaded, predictions, references))),
            Signature("BERTScore", "transformers", "model", "model", "none", "mean", settings),
        )

    return metric


def _scores(
    loaded: Encoder, predictions: Sequence[str], references: Sequence[str]
) -> Iterator[np.ndarray]:
    """F1 of each pair, 0-1, a batch at a time."""
    for start in range(0, len(predictions), _BATCH):
        said, true = (texts[start : start + _BATCH] for texts in (predictions, references))
        yield _f1(loaded.tokens(said), loaded.tokens(true))


def _f1(said: Tokens, true: Tokens) -> np.ndarray:
    cosines = said.vectors @ true.vectors.transpose(1, 2)
    cosines = cosines.masked_fill(~(said.there[:, :, None] & true.there[:, None, :]), -1.0)
    precision = _mean(cosines.amax(dim=2), said.counted)
    recall = _mean(cosines.amax(dim=1), true.counted)
    total = precision + recall
    f1 = 2 * precision * recall / total.where(total > 0, 1.0)
    # Nothing to compare: an empty text. Below 0: texts that are unlike in every token.
    none = ~said.counted.any(dim=1) | ~true.counted.any(dim=1) | (total <= 0)
    return f1.masked_fill(none, 0.0).clamp(0.0, 1.0).double().numpy()


def _mean(values: Any, counted: Any) -> Any:
    return (values * counted).sum(dim=1) / counted.sum(dim=1).clamp(min=1)
