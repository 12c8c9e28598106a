"""A BERT-like encoder from a local folder: what is refused, and the vectors of its tokens.

A folder holds what transformers' ``save_pretrained`` writes: config.json, weights as safetensors
and the files of the tokeniser. Nothing is downloaded, and nothing of the folder is run: weights
that are pickled and models that bring their own code are refused before they are opened.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from echovlm.errors import OptionError

_WEIGHTS = ("model.safetensors", "model.safetensors.index.json")
_PICKLED = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
_UNUSED = "pooler."  # of the sentence, which the vectors of tokens do not pass; often not saved


@dataclass(frozen=True)
class Tokens:
    """Tokens of some texts at one layer; the shorter texts are padded.

    Attributes:
        vectors: unit vectors ``(texts, tokens, width)``.
        there: which are no padding, ``(texts, tokens)``.
        counted: which are neither padding nor a mark at either end, ``(texts, tokens)``.
    """

    vectors: Any
    there: Any
    counted: Any


class Encoder:
    """Hidden states of one layer.

    Attributes:
        longest: tokens of a text that are read, with the marks at both ends.
        digest: eight digits that differ where the weights do: folders of one name need not hold
            the same.
    """

    def __init__(self, folder: Path, layer: int) -> None:
        _check_files(folder)
        self._layer = layer
        self._model, self._tokenizer = _loaded(folder, layer)
        _drop_layers_above(self._model, layer)
        self.longest = min(self._tokenizer.model_max_length, _positions(self._model))
        self.digest = _digest(folder)

    def tokens(self, texts: Sequence[str]) -> Tokens:
        """The tokens of texts, each cut at :attr:`longest`."""
        import torch

        found = self._tokenizer(
            [_valid(text.strip()) for text in texts],
            padding=True,
            truncation=True,
            max_length=self.longest,
            return_special_tokens_mask=True,
            return_tensors="pt",
        )
        marks = found.pop("special_tokens_mask").bool()
        with torch.inference_mode():
            states = self._model(**found, output_hidden_states=True).hidden_states[self._layer]
        there = found["attention_mask"].bool()
        return Tokens(torch.nn.functional.normalize(states, dim=-1), there, there & ~marks)


@cache
def encoder(folder: Path, layer: int) -> Encoder:
    """The encoder of a folder, loaded once.

    Args:
        folder: as of the module.
        layer: whose hidden states are taken, from 1.

    Raises:
        OptionError: if there is no such folder, no encoder in it that may be loaded, or it has
            fewer layers.
    """
    return Encoder(folder, layer)


def _check_files(folder: Path) -> None:
    if not folder.is_dir():
        raise OptionError(
            f"There is no folder {folder}; BERTScore needs one with an encoder and its tokeniser, "
            "such as a copy of bert-base-chinese."
        )
    if not (folder / "config.json").is_file():
        raise OptionError(
            f"{folder} holds no encoder for BERTScore, for it has no config.json; give the folder "
            "with an encoder's config.json, model.safetensors and tokeniser."
        )
    for name in ("config.json", "tokenizer_config.json"):
        if "auto_map" in _settings(folder / name):
            raise OptionError(
                f"The model in {folder} wants code of its own to be run (auto_map in {name}), "
                "which BERTScore refuses; choose an encoder that transformers knows."
            )
    if any((folder / name).is_file() for name in _WEIGHTS):
        return
    pickled = sorted(one.name for one in folder.iterdir() if one.suffix in _PICKLED)
    if pickled:
        raise OptionError(
            f"The weights in {folder} are pickled ({pickled[0]}), which can run code when they are "
            "opened, and are refused; save them again as model.safetensors."
        )
    raise OptionError(
        f"{folder} holds no weights for BERTScore; copy the encoder's model.safetensors there."
    )


def _settings(path: Path) -> Mapping[str, Any]:
    if not path.is_file():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise OptionError(f"{path} cannot be read as JSON; copy the encoder again.") from problem
    return found if isinstance(found, Mapping) else {}


def _loaded(folder: Path, layer: int) -> tuple[Any, Any]:
    # Only this metric needs the network stack.
    import torch
    from transformers import AutoConfig, AutoModel, AutoTokenizer

    local = {"local_files_only": True, "trust_remote_code": False}
    try:
        config = AutoConfig.from_pretrained(folder, **local)
        tokenizer = AutoTokenizer.from_pretrained(folder, **local)
    except Exception as problem:  # whatever a foreign folder makes the library raise
        raise _unreadable(folder) from problem
    _check_kind(folder, config, tokenizer, layer)
    try:
        model, found = AutoModel.from_pretrained(
            folder, dtype=torch.float32, use_safetensors=True, output_loading_info=True, **local
        )
    except Exception as problem:
        raise _unreadable(folder) from problem
    missing = sorted(name for name in found["missing_keys"] if not name.startswith(_UNUSED))
    if missing:
        raise OptionError(
            f"The weights in {folder} do not fit its config.json: {len(missing)} tensors are "
            f"missing, the first {missing[0]}; copy the encoder again."
        )
    return model.eval(), tokenizer


def _unreadable(folder: Path) -> OptionError:
    return OptionError(
        f"{folder} holds no encoder that transformers can load for BERTScore; give a folder with "
        "its config.json, model.safetensors and tokeniser."
    )


def _check_kind(folder: Path, config: Any, tokenizer: Any, layer: int) -> None:
    layers = getattr(config, "num_hidden_layers", None)
    if (
        layers is None
        or getattr(config, "max_position_embeddings", None) is None
        or config.is_encoder_decoder
        or tokenizer.pad_token is None
    ):
        raise OptionError(
            f"The {config.model_type} model in {folder} is no encoder like BERT; BERTScore needs "
            "one, such as a copy of bert-base-chinese or roberta-large."
        )
    # Without its files transformers makes a tokeniser of nothing but marks.
    if not len(tokenizer.all_special_tokens) < len(tokenizer) <= config.vocab_size:
        raise OptionError(
            f"The tokeniser in {folder} has {len(tokenizer)} tokens and does not belong to an "
            f"encoder of {config.vocab_size}; copy its files (tokenizer.json or vocab.txt) there."
        )
    if not 1 <= layer <= layers:
        raise OptionError(
            f"The encoder in {folder} has {layers} layers, and BERTScore was to compare those "
            f"of layer {layer}; choose one of 1 to {layers}."
        )


def _drop_layers_above(model: Any, layer: int) -> None:
    """Spare the layers that are not compared, where nothing but layers makes the hidden states."""
    stack = getattr(model, "encoder", None)
    if stack is not None and [name for name, _ in stack.named_children()] == ["layer"]:
        stack.layer = stack.layer[:layer]


def _positions(model: Any) -> int:
    """Tokens for which the encoder has a position; RoBERTa's begin behind that of the padding."""
    table = getattr(getattr(model, "embeddings", None), "position_embeddings", None)
    padding = getattr(table, "padding_idx", None)
    return model.config.max_position_embeddings - (0 if padding is None else padding + 1)


def _digest(folder: Path) -> str:
    found = hashlib.sha256()
    for weights in sorted(folder.glob("*.safetensors")):
        with weights.open("rb") as file:
            found.update(hashlib.file_digest(file, "sha256").digest())
    return found.hexdigest()[:8]


def _valid(text: str) -> str:
    """The text with half surrogates replaced, at which tokenisers fail."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
