"""The network a stage starts from, frozen and adapted as its recipe says.

A base is an EchoVLM, or a dense Qwen2-VL. A recipe that trains experts makes an EchoVLM of a dense
base first (``model/upcycle.py``), with the paper's widths relative to the dense path unless the
recipe states others.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import Qwen2VLConfig, Qwen2VLForConditionalGeneration

from echovlm.errors import CheckpointError, LayoutError, OptionError
from echovlm.model import EchoVLMConfig, EchoVLMForConditionalGeneration, EchoVLMProcessor
from echovlm.model.config import RELEASED_MODEL_TYPE, EchoVLMTextConfig, is_released
from echovlm.model.modeling import embed_by_product
from echovlm.model.packing import PACKED
from echovlm.model.shards import read_json
from echovlm.model.upcycle import upcycle
from echovlm.train import adapters
from echovlm.train.parts import FreezingTable, Part
from echovlm.train.precision import vision_attention
from echovlm.train.recipes import Recipe

PIXELS_PER_VISUAL_TOKEN = 28 * 28
_EXPERT_PATH = set(EchoVLMTextConfig().to_dict()) - set(Qwen2VLConfig().text_config.to_dict())
_PAPER_DENSE, _PAPER_EXPERT, _PAPER_SHARED = 18944, 1408, 5632


@dataclass(frozen=True, eq=False)
class Start:
    """A network ready to train.

    Attributes:
        network: with the recipe's parts trainable and its adapters in place.
        processor: its tokenizer and image processor, with the recipe's limit of visual tokens.
        folder: the checkpoint it was read from.
        table: what is trained.
        dtype: the number format of the checkpoint, in which the result is written.
    """

    network: nn.Module
    processor: Any
    folder: Path
    table: FreezingTable
    dtype: torch.dtype


def prepare(recipe: Recipe, base: Path, work: Path, arithmetic: torch.dtype) -> Start:
    """Load a base, make experts where the recipe wants them, freeze and adapt.

    Args:
        recipe: the run.
        base: folder of an EchoVLM or a dense Qwen2-VL.
        work: where an upcycled base is kept.
        arithmetic: number format of products; frozen weights are kept in it.

    Raises:
        CheckpointError: for a folder that is no such checkpoint.
        TrainingError: when what is trainable differs from what the configuration says.
    """
    folder = _with_experts(recipe, base, work)
    network = load_network(folder)
    dtype = network.dtype
    processor = load_processor(folder, recipe.visual_tokens)
    torch.manual_seed(recipe.seed)
    table = adapters.prepare(network, recipe)
    for parameter in network.parameters():
        parameter.data = parameter.data.to(torch.float32 if parameter.requires_grad else arithmetic)
    attention = {"text_config": PACKED, "vision_config": vision_attention()}
    network.set_attn_implementation(attention)
    return Start(network, processor, folder, table, dtype)


def load_network(folder: Path) -> Any:
    """Read the weights of an EchoVLM in either layout, or of a dense Qwen2-VL.

    Raises:
        CheckpointError: for anything else.
    """
    if is_dense(folder):
        network = Qwen2VLForConditionalGeneration.from_pretrained(folder, dtype="auto")
        embed_by_product(network.model.visual)
        return network
    return EchoVLMForConditionalGeneration.from_pretrained(folder, dtype="auto")


def load_processor(folder: Path, visual_tokens: int) -> EchoVLMProcessor:
    """Read tokenizer and image processor, with a limit of visual tokens per picture."""
    try:
        processor = EchoVLMProcessor.from_pretrained(folder)
    except (OSError, ValueError, KeyError) as error:
        raise CheckpointError(
            f"{folder}: tokenizer or image processor cannot be read ({str(error).splitlines()[0]})."
        ) from None
    size = processor.image_processor.size
    most = visual_tokens * PIXELS_PER_VISUAL_TOKEN
    fewest = min(int(size["shortest_edge"]), most)
    processor.image_processor.size = {"shortest_edge": fewest, "longest_edge": most}
    return processor


def is_dense(folder: Path) -> bool:
    """Whether a folder holds a dense Qwen2-VL.

    Raises:
        CheckpointError: when the folder holds no configuration.
    """
    config = read_json(folder / "config.json")
    kind = config.get("model_type")
    if kind not in (RELEASED_MODEL_TYPE, EchoVLMConfig.model_type):
        raise LayoutError(f"{folder} is a '{kind}'; a stage starts from an EchoVLM or a Qwen2-VL.")
    return kind == RELEASED_MODEL_TYPE and not is_released(config)


def _with_experts(recipe: Recipe, base: Path, work: Path) -> Path:
    if not is_dense(base) or not _makes_experts(recipe):
        return base
    target = work / "upcycled"
    if not target.is_dir():
        config = read_json(base / "config.json")
        dense = int(config.get("text_config", config)["intermediate_size"])
        start: Any = recipe.expert_start
        upcycle(base, target, start, recipe.seed, **_expert_sizes(recipe, dense))
    return target


def trained_config(recipe: Recipe, base: Path | None) -> Qwen2VLConfig:
    """The configuration of the network that a run trains, without loading or making it.

    Args:
        recipe: the run.
        base: folder of an EchoVLM or a dense Qwen2-VL; None for the published 7B sizes, with
            experts in every recipe but ``lora_only``.

    Raises:
        CheckpointError: for a folder that is no such checkpoint.
    """
    if base is None:
        if recipe.name != "lora-only" and not _makes_experts(recipe):
            return EchoVLMConfig()
        config = dense_config(EchoVLMConfig())
    elif is_dense(base):
        config = Qwen2VLConfig.from_pretrained(base)
    else:
        return EchoVLMConfig.from_pretrained(base)
    if not _makes_experts(recipe):
        return config
    told = config.to_dict() | {"model_type": EchoVLMConfig.model_type}
    told["text_config"].pop("model_type", None)
    told["text_config"] |= _expert_sizes(recipe, config.text_config.intermediate_size)
    return EchoVLMConfig(**told)


def dense_config(config: EchoVLMConfig) -> Qwen2VLConfig:
    """The same sizes without an expert path."""
    told = config.to_dict()
    text = {name: value for name, value in told["text_config"].items() if name not in _EXPERT_PATH}
    dense: dict[str, Any] = {
        name: value for name, value in told.items() if name not in ("model_type", "architectures")
    }
    text.pop("model_type", None)
    return Qwen2VLConfig(**dense | {"text_config": text})


def _makes_experts(recipe: Recipe) -> bool:
    """Whether a recipe puts an expert path on a dense base."""
    return recipe.experts > 0 and bool({Part.EXPERTS, Part.MIX} & set(recipe.trainable))


def _expert_sizes(recipe: Recipe, dense: int) -> dict[str, int]:
    return {
        "num_experts": recipe.experts,
        "num_experts_per_tok": recipe.experts_per_token,
        "moe_intermediate_size": _width(recipe.expert_width, dense, _PAPER_EXPERT),
        "shared_expert_intermediate_size": _width(recipe.shared_width, dense, _PAPER_SHARED),
    }


def _width(stated: int | None, dense: int, paper: int) -> int:
    """The stated width, or the paper's share of the dense width in whole 16 numbers."""
    if stated is not None:
        return stated
    width = round(dense * paper / _PAPER_DENSE / 16) * 16
    if not width:
        raise OptionError(f"A dense path of width {dense} is too narrow; state expert_width.")
    return width
