"""Small networks whose parts all differ in size, recipes for them, and a batch."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional
from transformers import Qwen2VLConfig, Qwen2VLForConditionalGeneration

from echovlm.model import EchoVLMConfig, EchoVLMForConditionalGeneration
from echovlm.model.packing import PACKED, Packing, Segment
from echovlm.train.parts import Part

TOKENS, TARGETS, PATCHES = 96, 50, 96
EXPERT_PATH = (Part.EXPERTS, Part.MIX)
ADAPTED = (Part.VISION, Part.MERGER, Part.ATTENTION)


@dataclass(frozen=True)
class Asked:
    """The fields of a recipe that decide what trains."""

    trainable: tuple[Part, ...] = ()
    lora: tuple[Part, ...] = ()
    lora_rank: int = 4
    lora_alpha: int = 8
    lora_dropout: float = 0.0
    name: str = "asked"
    tokens_per_batch: int = 8192
    visual_tokens: int = 196
    precision: str = "auto"
    epochs: float = 1.0
    steps: int = 0
    accumulation: int = 1


RECIPES = {
    "alignment": Asked(EXPERT_PATH),
    "instruction": Asked(EXPERT_PATH, ADAPTED),
    "full": Asked(tuple(Part)),
    "attention": Asked((Part.ATTENTION,)),
    "vision": Asked((Part.VISION,)),
    "norms": Asked((Part.NORMS,)),
    "embeddings": Asked((Part.EMBEDDINGS,)),
    "head": Asked((Part.HEAD,)),
    "adapted merger": Asked((), (Part.MERGER,)),
    "adapted dense": Asked((), (Part.DENSE,)),
}


def _settings(layers: int) -> dict:
    return {
        "text_config": {
            "vocab_size": 512,
            "hidden_size": 64,
            "intermediate_size": 160,
            "num_hidden_layers": layers,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "moe_intermediate_size": 32,
            "shared_expert_intermediate_size": 72,
            "bos_token_id": None,
            "eos_token_id": None,
        },
        "vision_config": {"depth": 2, "embed_dim": 48, "hidden_size": 64, "num_heads": 2},
        "image_token_id": 90,
        "video_token_id": 91,
        "vision_start_token_id": 92,
        "vision_end_token_id": 93,
    }


def echovlm(layers: int = 2, tied: bool = False) -> EchoVLMForConditionalGeneration:
    torch.manual_seed(0)
    config = EchoVLMConfig(**_settings(layers), tie_word_embeddings=tied)
    return EchoVLMForConditionalGeneration(config)


def dense(tied: bool = False) -> Qwen2VLForConditionalGeneration:
    torch.manual_seed(0)
    settings = _settings(2)
    for name in ("moe_intermediate_size", "shared_expert_intermediate_size"):
        del settings["text_config"][name]
    settings["text_config"]["rope_parameters"] = {
        "rope_type": "default",
        "rope_theta": 10000.0,
        "mrope_section": [2, 3, 3],
    }
    return Qwen2VLForConditionalGeneration(Qwen2VLConfig(**settings, tie_word_embeddings=tied))


def batch() -> dict[str, torch.Tensor]:
    """One row of 96 tokens with an image of 8 x 12 patches."""
    random = torch.Generator().manual_seed(1)
    ids = torch.randint(0, 90, (1, TOKENS), generator=random)
    ids[:, 5:31] = torch.tensor([92, *[90] * 24, 93])
    return {
        "input_ids": ids,
        "mm_token_type_ids": (ids == 90).int(),
        "pixel_values": torch.randn(PATCHES, 1176, generator=random),
        "image_grid_thw": torch.tensor([[1, 8, 12]]),
    }


def packed_loss(network: nn.Module, given: dict[str, torch.Tensor]) -> torch.Tensor:
    """Forward pass as the trainer makes it, with logits at 50 positions."""
    network.set_attn_implementation({"text_config": PACKED})
    targets = torch.arange(TOKENS - TARGETS - 1, TOKENS - 1)
    outputs = network(
        **given,
        position_ids=torch.arange(TOKENS).expand(3, 1, TOKENS),
        attention_mask={"full_attention": Packing((Segment(TOKENS),))},
        logits_to_keep=targets,
        output_router_logits=True,
        use_cache=False,
    )
    return functional.cross_entropy(outputs.logits[0].float(), given["input_ids"][0, targets + 1])
