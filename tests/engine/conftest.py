"""A tiny random network with its own tokenizer, as an engine and as a checkpoint folder."""

import numpy as np
import pytest
import torch

from echovlm.engine.network import Network
from echovlm.model import (
    EchoVLMConfig,
    EchoVLMForConditionalGeneration,
    EchoVLMImageProcessor,
    EchoVLMProcessor,
)
from echovlm.prompts import all_labels
from echovlm.study import Study
from echovlm.train.tokenizer import train_tokenizer


def tiny_config(tokenizer):
    ids = {name: tokenizer.convert_tokens_to_ids(name) for name in tokenizer.all_special_tokens}
    return EchoVLMConfig(
        text_config={
            "vocab_size": len(tokenizer),
            "hidden_size": 32,
            "intermediate_size": 48,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "num_key_value_heads": 1,
            "max_position_embeddings": 1024,
            "num_experts": 4,
            "num_experts_per_tok": 2,
            "moe_intermediate_size": 16,
            "shared_expert_intermediate_size": 24,
            "rope_parameters": {
                "rope_type": "default",
                "rope_theta": 10000.0,
                "mrope_section": [2, 3, 3],
            },
            "bos_token_id": ids["<|endoftext|>"],
            "eos_token_id": ids["<|im_end|>"],
            "pad_token_id": ids["<|endoftext|>"],
        },
        vision_config={"depth": 1, "embed_dim": 32, "num_heads": 2, "hidden_size": 32},
        image_token_id=ids["<|image_pad|>"],
        video_token_id=ids["<|video_pad|>"],
        vision_start_token_id=ids["<|vision_start|>"],
        vision_end_token_id=ids["<|vision_end|>"],
    )


@pytest.fixture(scope="session")
def tokenizer():
    texts = [name for label in all_labels() for name in (label.zh, label.en)]
    return train_tokenizer(texts, entries=400)


@pytest.fixture(scope="session")
def network(tokenizer):
    torch.manual_seed(0)
    config = tiny_config(tokenizer)
    config.text_config.initializer_range = 0.3  # distinct logits, so that greedy choices are clear
    config.initializer_range = 0.3
    return Network(
        model=EchoVLMForConditionalGeneration(config).eval(),
        processor=EchoVLMProcessor(
            EchoVLMImageProcessor(size={"shortest_edge": 56 * 56, "longest_edge": 16 * 28 * 28}),
            tokenizer,
        ),
        name="tiny",
        version="0",
    )


@pytest.fixture(scope="session")
def saved(network, tmp_path_factory):
    """The tiny network as a checkpoint folder; tests that change it take a copy."""
    folder = tmp_path_factory.mktemp("checkpoint") / "tiny"
    network.model.save_pretrained(folder)
    network.processor.save_pretrained(folder)
    return folder


@pytest.fixture
def studies():
    """Three studies of different numbers and sizes of images."""
    rng = np.random.default_rng(0)
    sizes = [[(80, 120)], [(64, 64), (200, 90)], [(56, 56), (112, 84), (60, 140)]]
    return [
        Study.of_frames(
            [rng.integers(0, 256, (*size, 3), dtype=np.uint8) for size in images], f"study {n}"
        )
        for n, images in enumerate(sizes)
    ]
