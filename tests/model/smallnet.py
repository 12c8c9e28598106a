"""A small random network and a batch for it."""

from __future__ import annotations

import torch

from echovlm.model import EchoVLMConfig, EchoVLMForConditionalGeneration

IMAGE, VIDEO = 90, 91


def small_config(top: dict | None = None, **text) -> EchoVLMConfig:
    """A network of some 60,000 parameters; keywords change its text configuration."""
    sizes = {
        "vocab_size": 96,
        "hidden_size": 32,
        "intermediate_size": 40,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 128,
        "num_experts": 4,
        "num_experts_per_tok": 2,
        "moe_intermediate_size": 16,
        "shared_expert_intermediate_size": 24,
        "bos_token_id": None,
        "eos_token_id": None,
    }
    return EchoVLMConfig(
        text_config=sizes | text,
        vision_config={"depth": 1, "embed_dim": 32, "hidden_size": 32, "num_heads": 2},
        image_token_id=IMAGE,
        video_token_id=VIDEO,
        vision_start_token_id=92,
        vision_end_token_id=93,
        **top or {},
    )


def small_network(top: dict | None = None, **text) -> EchoVLMForConditionalGeneration:
    """A random network whose every weight, bias and mix is far from trivial."""
    torch.manual_seed(0)
    network = EchoVLMForConditionalGeneration(small_config(top, **text))
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if "norm" not in name and "ln_q" not in name:
                parameter.normal_(std=0.2)
    return network.eval()


def picture_batch(rows: int = 2, length: int = 24) -> dict[str, torch.Tensor]:
    """Rows of text with one image of 4 x 6 patches (6 visual tokens) each; the first is padded."""
    random = torch.Generator().manual_seed(1)
    ids = torch.randint(0, 90, (rows, length), generator=random)
    ids[:, 5:13] = torch.tensor([92, *[IMAGE] * 6, 93])
    mask = torch.ones_like(ids)
    mask[0, :3] = 0
    return {
        "input_ids": ids,
        "attention_mask": mask,
        "pixel_values": torch.randn(rows * 24, 1176, generator=random),
        "image_grid_thw": torch.tensor([[1, 4, 6]] * rows),
    }
