"""The networks that are compared, at preset sizes and over one set of weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from published import published_network
from torch import nn
from transformers import Qwen2VLConfig, Qwen2VLForConditionalGeneration

from echovlm.model import EchoVLMConfig, EchoVLMForConditionalGeneration
from echovlm.model.modeling import embed_by_product

SEED = 20250914
_VISION_START, _VISION_END, _IMAGE, _VIDEO = range(4)
_SPECIAL = 4
_MERGE = 2


@dataclass(frozen=True)
class Preset:
    """Sizes of a network and of the work it is given.

    Attributes:
        base: text configuration shared with dense Qwen2-VL.
        experts: text configuration of the expert path.
        vision: vision configuration.
        images: images in the prompt.
        patches_per_side: patches along each side of an image; a quarter as many visual tokens.
        text_tokens: tokens of text in the prompt.
        new_tokens: tokens decoded after it.
        batches: batch sizes of decoding.
        repeats: calls of a variant in a block; their median counts.
    """

    base: dict[str, Any]
    experts: dict[str, Any]
    vision: dict[str, Any]
    images: int
    patches_per_side: int
    text_tokens: int
    new_tokens: int
    batches: tuple[int, ...]
    repeats: int


PRESETS = {
    # The proportions of the published 7B network at about 60 million parameters.
    "small": Preset(
        base={
            "vocab_size": 4096,
            "hidden_size": 512,
            "intermediate_size": 2304,
            "num_hidden_layers": 8,
            "num_attention_heads": 8,
            "num_key_value_heads": 2,
            "mrope_section": [8, 12, 12],
        },
        experts={
            "num_experts": 4,
            "num_experts_per_tok": 2,
            "moe_intermediate_size": 192,
            "shared_expert_intermediate_size": 768,
        },
        vision={"depth": 4, "embed_dim": 256, "num_heads": 4, "hidden_size": 512},
        images=4,
        patches_per_side=16,
        text_tokens=200,
        new_tokens=32,
        batches=(1, 4),
        repeats=3,
    ),
    # Seconds: to see that the benchmark runs. Its times say nothing.
    "tiny": Preset(
        base={
            "vocab_size": 256,
            "hidden_size": 64,
            "intermediate_size": 160,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "mrope_section": [2, 3, 3],
        },
        experts={
            "num_experts": 4,
            "num_experts_per_tok": 2,
            "moe_intermediate_size": 32,
            "shared_expert_intermediate_size": 96,
        },
        vision={"depth": 2, "embed_dim": 32, "num_heads": 2, "hidden_size": 64},
        images=3,
        patches_per_side=4,
        text_tokens=12,
        new_tokens=4,
        batches=(1, 2),
        repeats=1,
    ),
}

Network = EchoVLMForConditionalGeneration | Qwen2VLForConditionalGeneration


def build_networks(preset: Preset, dtype: torch.dtype) -> dict[str, Network]:
    """Make ours, the dense base model and the published implementation over the same tensors.

    Weights are drawn with a fixed seed so that activations keep their size from layer to layer and
    every mix, gate and router is far from trivial.

    Returns:
        ``ours``, ``dense`` and ``published``, by name.
    """
    ours = EchoVLMForConditionalGeneration(_configure(EchoVLMConfig, preset, preset.experts))
    random = torch.Generator().manual_seed(SEED)
    with torch.no_grad():
        for weight in ours.parameters():
            if weight.ndim > 1:
                fan_in = weight[0].numel() if weight.ndim != 3 else weight.shape[-1]
                weight.normal_(std=fan_in**-0.5, generator=random)
    ours = ours.to(dtype).eval()
    return {
        "ours": ours,
        "dense": _dense_network(ours, preset),
        "published": published_network(ours),
    }


def _configure(make: Callable[..., Any], preset: Preset, more: dict[str, Any]) -> Any:
    base = dict(preset.base)
    rope = {
        "rope_type": "default",
        "rope_theta": 1e6,
        "mrope_section": base.pop("mrope_section"),
    }
    ends = {"bos_token_id": None, "eos_token_id": None}
    return make(
        text_config=base | more | ends | {"rope_parameters": rope},
        vision_config=preset.vision,
        vision_start_token_id=_VISION_START,
        vision_end_token_id=_VISION_END,
        image_token_id=_IMAGE,
        video_token_id=_VIDEO,
    )


def _dense_network(
    ours: EchoVLMForConditionalGeneration, preset: Preset
) -> Qwen2VLForConditionalGeneration:
    """Take ``ours`` without its expert path, as transformers runs Qwen2-VL.

    Patches are embedded by a matrix product here too, so that a slow convolution does not flatter
    us.
    """
    network = Qwen2VLForConditionalGeneration(_configure(Qwen2VLConfig, preset, {}))
    embed_by_product(network.model.visual)
    weights = {
        name.replace(".mlp.dense.", ".mlp."): weight
        for name, weight in ours.state_dict().items()
        if ".mlp.moe." not in name and ".mlp.mix." not in name
    }
    network.load_state_dict(weights, assign=True)
    return network.eval()


def make_prompt(preset: Preset, rows: int, dtype: torch.dtype) -> dict[str, torch.Tensor]:
    """Draw ``rows`` prompts of images, each with its start and end token, followed by text."""
    random = torch.Generator().manual_seed(SEED + rows)
    side = preset.patches_per_side
    visual_tokens = (side // _MERGE) ** 2
    image = [_VISION_START, *[_IMAGE] * visual_tokens, _VISION_END]
    text = torch.randint(
        _SPECIAL, preset.base["vocab_size"], (rows, preset.text_tokens), generator=random
    )
    images = torch.tensor([image * preset.images] * rows)
    ids = torch.cat([images, text], dim=1)
    count = rows * preset.images
    return {
        "input_ids": ids,
        "attention_mask": torch.ones_like(ids),
        "mm_token_type_ids": (ids == _IMAGE).int(),
        "pixel_values": torch.randn(count * side**2, 1176, generator=random).to(dtype),
        "image_grid_thw": torch.tensor([[1, side, side]] * count),
    }


def make_continuation(preset: Preset, rows: int) -> torch.Tensor:
    """Draw the tokens ``(rows, new_tokens)`` that are decoded: the same for every variant."""
    random = torch.Generator().manual_seed(SEED - rows)
    shape = (rows, preset.new_tokens)
    return torch.randint(_SPECIAL, preset.base["vocab_size"], shape, generator=random)


def count_parameters(network: nn.Module) -> int:
    """Count the parameters of a network."""
    return sum(parameter.numel() for parameter in network.parameters())
