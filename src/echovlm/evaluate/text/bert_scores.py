"""BERTScore F1 (Zhang et al. 2020) with a model from a local folder.

    P = mean over x of max over y of cos(x, y),  R likewise,  F1 = 2 P R / (P + R)

x and y are the hidden states of prediction and reference at one layer. The same numbers as those of
bert-score 0.3.13 without idf and without rescaling: the marks at both ends may be matched, but do
not count. With transformers 5 that package itself fails on empty texts, and on all texts where a
tokeniser names no greatest length.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from echovlm.errors import OptionError
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
            downloaded.
        layer: whose hidden states are compared, from 1.

    Raises:
        OptionError: if there is no such folder, no encoder in it, or it has fewer layers.
    """
    if folder is None or not (Path(folder) / "config.json").is_file():
        raise OptionError(
            "BERTScore needs a local folder with an encoder and its tokeniser, such as a copy of "
            f"bert-base-chinese, and {folder or 'none'} was given."
        )
    encoder = _encoder(Path(folder), layer)

    def metric(predictions: Sequence[str], references: Sequence[str], language: Language) -> Scored:
        check_pairs("BERTScore", predictions, references)
        settings = (
            f"model:{Path(folder).name}@{encoder.digest}",
            f"layer:{layer}",
            "idf:no",
            "rescale:no",
            f"longest:{encoder.longest}",
        )
        return averaged(
            np.concatenate(list(encoder.scores(predictions, references))),
            Signature("BERTScore", "transformers", "model", "model", "none", "mean", settings),
        )

    return metric


@cache
def _encoder(folder: Path, layer: int) -> _Encoder:
    return _Encoder(folder, layer)


class _Encoder:
    """Hidden states of one layer, and the scores of pairs of texts by them."""

    def __init__(self, folder: Path, layer: int) -> None:
        # Only this metric needs the network stack.
        from transformers import AutoModel, AutoTokenizer

        try:
            self._tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
            self._model = AutoModel.from_pretrained(folder, local_files_only=True).eval()
        except (OSError, ValueError) as problem:
            raise OptionError(
                f"{folder} holds no encoder that transformers can load for BERTScore; give a "
                "folder with its config.json, weights and tokeniser."
            ) from problem
        self._layer = layer
        layers = self._model.config.num_hidden_layers
        if not 1 <= layer <= layers:
            raise OptionError(
                f"The encoder in {folder} has {layers} layers, and BERTScore was to compare those "
                f"of layer {layer}; choose one of 1 to {layers}."
            )
        self.longest = min(
            self._tokenizer.model_max_length, self._model.config.max_position_embeddings
        )
        self.digest = _digest(folder)

    def scores(self, predictions: Sequence[str], references: Sequence[str]) -> Iterator[np.ndarray]:
        """F1 of each pair, 0-1, a batch at a time."""
        for start in range(0, len(predictions), _BATCH):
            said, true = (texts[start : start + _BATCH] for texts in (predictions, references))
            yield self._f1(*self._states(said), *self._states(true))

    def _states(self, texts: Sequence[str]) -> tuple[Any, Any, Any]:
        """Unit vectors ``(texts, tokens, width)``, which are there, and which of them count."""
        import torch

        tokens = self._tokenizer(
            [text.strip() for text in texts],
            padding=True,
            truncation=True,
            max_length=self.longest,
            return_special_tokens_mask=True,
            return_tensors="pt",
        )
        special = tokens.pop("special_tokens_mask").bool()
        with torch.inference_mode():
            states = self._model(**tokens, output_hidden_states=True).hidden_states[self._layer]
        there = tokens["attention_mask"].bool()
        return torch.nn.functional.normalize(states.float(), dim=-1), there, there & ~special

    @staticmethod
    def _f1(
        said: Any, said_there: Any, said_counts: Any, true: Any, true_there: Any, true_counts: Any
    ) -> np.ndarray:
        cosines = said @ true.transpose(1, 2)
        there = said_there[:, :, None] & true_there[:, None, :]
        cosines = cosines.masked_fill(~there, -1.0)
        precision = _mean(cosines.amax(dim=2), said_counts)
        recall = _mean(cosines.amax(dim=1), true_counts)
        total = precision + recall
        f1 = 2 * precision * recall / total.where(total > 0, 1.0)
        # Nothing to compare: an empty text. Below 0: texts that are unlike in every token.
        none = ~said_counts.any(dim=1) | ~true_counts.any(dim=1) | (total <= 0)
        return f1.masked_fill(none, 0.0).clamp(0.0, 1.0).double().numpy()


def _digest(folder: Path) -> str:
    """Eight digits that differ where the weights do: folders of one name need not hold the same."""
    found = hashlib.sha256()
    for weights in sorted((*folder.glob("*.safetensors"), *folder.glob("*.bin"))):
        with weights.open("rb") as file:
            found.update(hashlib.file_digest(file, "sha256").digest())
    return found.hexdigest()[:8]


def _mean(values: Any, counts: Any) -> Any:
    return (values * counts).sum(dim=1) / counts.sum(dim=1).clamp(min=1)
