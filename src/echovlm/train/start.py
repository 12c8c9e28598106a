"""A network from nothing: sizes of the small one that is shipped, its tokenizer, random weights."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedTokenizerBase

from echovlm.model import EchoVLMConfig, EchoVLMForConditionalGeneration, EchoVLMProcessor
from echovlm.model.processor import EchoVLMImageProcessor
from echovlm.train.base import PIXELS_PER_VISUAL_TOKEN
from echovlm.train.tokenizer import SPECIAL_TOKENS, train_tokenizer

# Qwen2-VL's 0.02 suits a width of thousands; at a width of 200 it lets signals fade with depth, and
# the vision tower learns several times slower.
_INITIALIZER_RANGE = 0.05


def nano_config(tokenizer: PreTrainedTokenizerBase) -> EchoVLMConfig:
    """Sizes of nano: 6 decoder layers and 6 vision blocks of width 256, 4 experts, top-2.

    Args:
        tokenizer: with Qwen2-VL's special tokens.
    """
    ids = {name: tokenizer.convert_tokens_to_ids(name) for name in SPECIAL_TOKENS}
    text = {
        "vocab_size": -(-len(tokenizer) // 64) * 64,
        "hidden_size": 256,
        "intermediate_size": 768,
        "num_hidden_layers": 6,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 4096,
        "num_experts": 4,
        "num_experts_per_tok": 2,
        "moe_intermediate_size": 128,
        "shared_expert_intermediate_size": 256,
        "router_aux_loss_coef": 0.01,
        "rope_parameters": {
            "rope_type": "default",
            "rope_theta": 10000.0,
            "mrope_section": [8, 12, 12],
        },
        "bos_token_id": ids["<|endoftext|>"],
        "eos_token_id": ids["<|im_end|>"],
        "pad_token_id": ids["<|endoftext|>"],
        "initializer_range": _INITIALIZER_RANGE,
        "tie_word_embeddings": True,
    }
    vision = {
        "depth": 6,
        "embed_dim": 256,
        "num_heads": 4,
        "mlp_ratio": 4,
        "hidden_size": 256,
        "patch_size": 14,
        "temporal_patch_size": 2,
        "spatial_merge_size": 2,
        "initializer_range": _INITIALIZER_RANGE,
    }
    return EchoVLMConfig(
        text_config=text,
        vision_config=vision,
        image_token_id=ids["<|image_pad|>"],
        video_token_id=ids["<|video_pad|>"],
        vision_start_token_id=ids["<|vision_start|>"],
        vision_end_token_id=ids["<|vision_end|>"],
        tie_word_embeddings=True,
    )


def make_processor(tokenizer: Any, visual_tokens: int) -> EchoVLMProcessor:
    """Tokenizer and image processor in one, with at most so many visual tokens per picture."""
    images = EchoVLMImageProcessor(
        min_pixels=4 * PIXELS_PER_VISUAL_TOKEN, max_pixels=visual_tokens * PIXELS_PER_VISUAL_TOKEN
    )
    return EchoVLMProcessor(images, tokenizer, chat_template=tokenizer.chat_template)


def fresh_network(config: EchoVLMConfig, seed: int) -> EchoVLMForConditionalGeneration:
    """A network with random weights."""
    torch.manual_seed(seed)
    return EchoVLMForConditionalGeneration(config)


def write_tokenizer(folder: Path, texts: Iterable[str], entries: int) -> PreTrainedTokenizerBase:
    """Train a tokenizer, or read the one an earlier run wrote there."""
    from transformers import AutoTokenizer

    if not folder.is_dir():
        temporary = folder.with_name(f".{folder.name}.new")
        train_tokenizer(texts, entries).save_pretrained(temporary)
        temporary.rename(folder)
    return AutoTokenizer.from_pretrained(folder)
