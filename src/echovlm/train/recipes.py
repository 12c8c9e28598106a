"""Recipes: a run is a function that returns a frozen description of it."""

from __future__ import annotations

from dataclasses import dataclass

# Qwen2-VL's 0.02 suits a width of thousands; at a width of 200 it lets signals fade with depth, and
# the vision tower learns several times slower.
_INITIALIZER_RANGE = 0.05


@dataclass(frozen=True)
class NanoRecipe:
    """Everything that decides the nano checkpoint; equal recipes give equal data and order.

    Attributes:
        seed: of weights, order and augmentation.
        first_case: seed of the first training case; cases take the seeds that follow.
        cases_per_label: simulated training cases of each of the 26 labels.
        validation_cases: cases that choose the diagnosis temperature; never trained on.
        test_cases: cases that give the scores of the model card; never trained on.
        vocabulary: upper bound of tokenizer entries.
        visual_tokens: most visual tokens of one image, the default of the shipped processor.
        vision_tokens: most visual tokens of one image in vision pre-training, where smaller
            pictures buy more of them.
        vision_steps: steps of vision pre-training.
        vision_batch: images per step of vision pre-training.
        vision_learning_rate: peak learning rate of vision pre-training.
        steps: steps of training the whole network.
        batch: studies per step.
        learning_rate: peak learning rate.
        vision_scale: the vision tower's learning rate relative to ``learning_rate``.
        weight_decay: AdamW's weight decay.
    """

    seed: int = 2509
    first_case: int = 1_000_000
    cases_per_label: int = 300
    validation_cases: int = 200
    test_cases: int = 200
    vocabulary: int = 8_192
    visual_tokens: int = 36
    vision_tokens: int = 25
    vision_steps: int = 480
    vision_batch: int = 32
    vision_learning_rate: float = 1e-3
    steps: int = 1_150
    batch: int = 16
    learning_rate: float = 1.5e-3
    vision_scale: float = 0.4
    weight_decay: float = 0.05

    @property
    def first_validation_case(self) -> int:
        """Seed of the first validation case."""
        return 2_000_000

    @property
    def first_test_case(self) -> int:
        """Seed of the first test case."""
        return 3_000_000


def nano() -> NanoRecipe:
    """The recipe of the shipped checkpoint."""
    return NanoRecipe()


def smoke() -> NanoRecipe:
    """A few steps on a few cases: shows that every stage runs, learns nothing."""
    return NanoRecipe(
        cases_per_label=1,
        validation_cases=100,
        test_cases=10,
        vision_steps=2,
        vision_batch=4,
        steps=2,
        batch=2,
    )


def nano_config(tokenizer_entries: int, token_ids: dict[str, int]) -> dict[str, object]:
    """Keyword arguments of ``EchoVLMConfig`` for the nano sizes.

    Args:
        tokenizer_entries: length of the tokenizer.
        token_ids: ids of the special tokens by name.

    Returns:
        Nested settings; 4 decoder layers of width 256 with 4 experts, top-2, and a vision tower of
        5 blocks of width 192.
    """
    return {
        "text_config": {
            "vocab_size": -(-tokenizer_entries // 64) * 64,
            "hidden_size": 256,
            "intermediate_size": 512,
            "num_hidden_layers": 4,
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
            "bos_token_id": token_ids["<|endoftext|>"],
            "eos_token_id": token_ids["<|im_end|>"],
            "pad_token_id": token_ids["<|endoftext|>"],
            "initializer_range": _INITIALIZER_RANGE,
            "tie_word_embeddings": True,
        },
        "vision_config": {
            "depth": 5,
            "embed_dim": 192,
            "num_heads": 3,
            "mlp_ratio": 4,
            "hidden_size": 256,
            "patch_size": 14,
            "temporal_patch_size": 2,
            "spatial_merge_size": 2,
            "initializer_range": _INITIALIZER_RANGE,
        },
        "image_token_id": token_ids["<|image_pad|>"],
        "video_token_id": token_ids["<|video_pad|>"],
        "vision_start_token_id": token_ids["<|vision_start|>"],
        "vision_end_token_id": token_ids["<|vision_end|>"],
        "tie_word_embeddings": True,
    }
