"""Checkpoints on disk: strict reading of both layouts, and conversion between them.

Nothing is ever guessed: a tensor that is missing, left over or has the wrong shape is an error that
names it, before any weight is loaded. Only safetensors weights are read, never pickles.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import snapshot_download
from transformers import AutoModelForImageTextToText

from echovlm.errors import CheckpointError, LayoutError, OptionError, TensorError
from echovlm.model.config import RELEASED_MODEL_TYPE, EchoVLMConfig, from_released, is_released
from echovlm.model.layouts import Layout, pieces, released_config
from echovlm.model.shards import (
    Shape,
    Weights,
    copy_companions,
    list_tensors,
    new_folder,
    read_json,
    write_weights,
)

LAYOUTS: tuple[Layout, ...] = ("echovlm", "released")


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint folder whose names and shapes were found right.

    Attributes:
        folder: where it lies.
        layout: "echovlm" or "released".
        config: its configuration.
        weights: its tensors.
        ours: shape of every tensor it holds, by the name it has in our layout.
    """

    folder: Path
    layout: Layout
    config: EchoVLMConfig
    weights: Weights
    ours: dict[str, Shape]

    @classmethod
    def open(cls, folder: str | Path) -> Checkpoint:
        """Read configuration and headers, and compare every name and shape.

        Raises:
            LayoutError: if this is no EchoVLM checkpoint, a plain Qwen2-VL for example.
            TensorError: if tensors are missing, left over or mis-shaped.
            CheckpointError: if a file is absent or broken.
        """
        folder = Path(folder)
        raw = read_json(folder / "config.json")
        layout = _layout(folder, raw)
        config = make_config(folder, from_released(raw) if layout == "released" else raw)
        weights = Weights(folder)
        ours = expected_tensors(config)
        tied_head = config.tie_word_embeddings and "lm_head.weight" in weights.headers
        if tied_head:
            ours["lm_head.weight"] = ours["model.language_model.embed_tokens.weight"]
        names = in_layout(ours, layout)
        check_shapes(folder, names, weights.shapes())
        if tied_head:
            _check_tied(
                weights, next(name for name in names if name.endswith("embed_tokens.weight"))
            )
        return cls(folder, layout, config, weights, ours)


def local_folder(name: str | Path, options: dict[str, Any]) -> Path:
    """Find the folder of a checkpoint, fetching it from the Hugging Face hub where it is a name.

    Args:
        name: folder or hub name.
        options: of ``from_pretrained``; those that say which files of the hub are meant count.

    Raises:
        CheckpointError: if there is neither such a folder nor such a name.
    """
    if Path(name).is_dir():
        return Path(name)
    chosen = ("cache_dir", "force_download", "local_files_only", "revision", "token")
    try:
        patterns = ["*.json", "*.safetensors", "*.jinja", "*.txt"]
        known = {key: options[key] for key in chosen if options.get(key) is not None}
        return Path(snapshot_download(str(name), allow_patterns=patterns, **known))
    except (OSError, ValueError) as error:
        raise CheckpointError(
            f"There is no checkpoint folder {name}, and the Hugging Face hub gives none of that "
            "name; check the name and the connection."
        ) from error


def make_config(folder: Path, raw: dict[str, Any]) -> EchoVLMConfig:
    """Build the configuration, with a sentence where a value is impossible."""
    try:
        return EchoVLMConfig.from_dict(raw)
    except Exception as error:  # validators of several packages, with their own classes
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        raise CheckpointError(
            f"{folder / 'config.json'} holds a value that cannot be used: "
            f"{lines[-1].rstrip('.') if lines else type(error).__name__}."
        ) from error


def _layout(folder: Path, raw: dict[str, Any]) -> Layout:
    kind = raw.get("model_type")
    if kind == EchoVLMConfig.model_type:
        return "echovlm"
    if is_released(raw):
        return "released"
    if kind == RELEASED_MODEL_TYPE:
        raise LayoutError(
            f"{folder} is a plain Qwen2-VL checkpoint without an expert path; make an EchoVLM "
            "from it with `echovlm upcycle`."
        )
    raise LayoutError(
        f"{folder} is a checkpoint of type '{kind}', not an EchoVLM; give one in EchoVLM's own or "
        "in the released layout."
    )


def _check_tied(weights: Weights, embedding: str) -> None:
    if not torch.equal(weights.read("lm_head.weight"), weights.read(embedding)):
        raise TensorError(
            f"{weights.folder}: lm_head.weight differs from {embedding} though config.json says "
            "tie_word_embeddings; mend config.json."
        )


def expected_tensors(config: EchoVLMConfig) -> dict[str, Shape]:
    """Name and shape of every tensor a network of this configuration has, in our layout."""
    with torch.device("meta"):
        network = AutoModelForImageTextToText.from_config(config)
    tied = {"lm_head.weight"} if config.tie_word_embeddings else set()
    return {k: tuple(v.shape) for k, v in network.state_dict().items() if k not in tied}


def in_layout(ours: dict[str, Shape], layout: Layout) -> dict[str, Shape]:
    """Translate names and shapes of our layout to ``layout``."""
    if layout == "echovlm":
        return dict(ours)
    found: dict[str, Shape] = {}
    for name, shape in ours.items():
        for piece in pieces(name, shape):
            whole = torch.empty(shape, device="meta")
            found[piece.name] = tuple(whole[piece.place].shape)
    return found


def check_shapes(folder: Path, expected: dict[str, Shape], found: dict[str, Shape]) -> None:
    """Compare names and shapes.

    Raises:
        TensorError: naming what is missing, left over or mis-shaped.
    """
    missing = [name for name in expected if name not in found]
    if missing:
        raise TensorError(
            f"{folder} lacks {list_tensors(missing)}; fetch the checkpoint again or mend its "
            "config.json."
        )
    extra = [name for name in found if name not in expected]
    if extra:
        raise TensorError(
            f"{folder} holds {list_tensors(extra)} beyond what its config.json describes; "
            "mend config.json or remove what is left over."
        )
    wrong = [name for name in expected if expected[name] != found[name]]
    if wrong:
        first = wrong[0]
        more = f" (and {len(wrong) - 1} more tensors differ)" if len(wrong) > 1 else ""
        raise TensorError(
            f"{folder}: {first} has shape {found[first]} where config.json asks for "
            f"{expected[first]}{more}; mend config.json or fetch the checkpoint again."
        )


def convert(source: str | Path, target: str | Path, layout: Layout = "echovlm") -> Path:
    """Write a checkpoint in another layout, every number bit for bit the same.

    Tensors are read and written one shard at a time. Tokenizer and processor files are copied.

    Args:
        source: checkpoint folder in either layout.
        target: new folder; it must not exist, or be empty.
        layout: "echovlm" or "released".

    Returns:
        ``target``.

    Raises:
        OptionError: for an unknown layout.
        CheckpointError: if ``source`` cannot be used.
        OutputError: if ``target`` cannot be written; nothing partial is left behind.
    """
    if layout not in LAYOUTS:
        raise OptionError(f"Unknown layout '{layout}'; choose {' or '.join(LAYOUTS)}.")
    checkpoint = Checkpoint.open(source)
    with new_folder(Path(target)) as folder:
        if layout == checkpoint.layout:
            shutil.copyfile(checkpoint.folder / "config.json", folder / "config.json")
        else:
            write_config(folder, checkpoint.config, layout)
        copy_companions(checkpoint.folder, folder)
        write_weights(folder, list(_plan(checkpoint, layout)))
    return Path(target)


def write_config(folder: Path, config: EchoVLMConfig, layout: Layout) -> None:
    """Write ``config.json`` in ``layout``."""
    if layout == "released":
        text = json.dumps(released_config(config), indent=2, sort_keys=True, default=str) + "\n"
        (folder / "config.json").write_text(text, encoding="utf-8")
    else:
        config.architectures = ["EchoVLMForConditionalGeneration"]
        config.save_pretrained(folder)


def _plan(
    checkpoint: Checkpoint, layout: Layout
) -> Iterator[tuple[str, int, Callable[[], torch.Tensor]]]:
    """List name, bytes and maker of every tensor of the target."""
    weights = checkpoint.weights
    for name, shape in checkpoint.ours.items():
        parts = pieces(name, shape)
        if layout == checkpoint.layout:
            names = [name] if layout == "echovlm" else [part.name for part in parts]
            for same in names:
                yield same, weights.headers[same].bytes, partial(weights.read, same)
        elif layout == "released":
            size = weights.headers[name].bytes // len(parts)
            for part in parts:
                yield part.name, size, partial(weights.read, name, part.place)
        else:
            size = sum(weights.headers[part.name].bytes for part in parts)
            yield name, size, partial(stack, weights, name, shape)


def stack(weights: Weights, name: str, shape: Shape) -> torch.Tensor:
    """Assemble one tensor of our layout from released ones."""
    parts = pieces(name, shape)
    if parts[0].place == ():
        return weights.read(parts[0].name)
    dtypes = {weights.headers[part.name].dtype for part in parts}
    if len(dtypes) > 1:
        raise TensorError(f"The experts of {name} are of several dtypes ({', '.join(dtypes)}).")
    whole = torch.empty(shape, dtype=weights.read(parts[0].name).dtype)
    for part in parts:
        whole[part.place] = weights.read(part.name)
    return whole
