"""Sizes of a network that follow from its configuration alone, without building it.

One table of linear layers carries the arithmetic of parameters and adapters (here) and that of
floating-point operations (``estimate_flops.py``). Before the first step :func:`check` compares it
with what really trains, so a mistake in freezing or in the arithmetic stops the run.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from transformers import PreTrainedModel
from transformers.models.qwen2_vl.configuration_qwen2_vl import Qwen2VLConfig

from echovlm.errors import TrainingError
from echovlm.model.config import EchoVLMTextConfig
from echovlm.train.parts import FreezingTable, Part


class Training(Protocol):
    """What the arithmetic needs of a recipe."""

    @property
    def trainable(self) -> tuple[Part, ...]:
        """Parts trained in full."""

    @property
    def lora(self) -> tuple[Part, ...]:
        """Parts whose linear layers get low-rank adapters."""

    @property
    def lora_rank(self) -> int:
        """Rank of the adapters."""


@dataclass(frozen=True)
class Linear:
    """A linear layer.

    Attributes:
        inputs: width of its input.
        outputs: width of its output.
        bias: whether it has one.
    """

    inputs: int
    outputs: int
    bias: bool = False

    @property
    def parameters(self) -> int:
        """Weights and biases."""
        return self.outputs * (self.inputs + self.bias)


@dataclass(frozen=True)
class Stack:
    """The linear layers of a part, in the order they run.

    Attributes:
        blocks: how often they repeat.
        linears: those of one block.
    """

    blocks: int
    linears: tuple[Linear, ...]


def linear_layers(config: Qwen2VLConfig) -> dict[Part, Stack]:
    """Tabulate the linear layers of every part that has any; stacked experts are not among them.

    Args:
        config: of an EchoVLM or a dense Qwen2-VL.
    """
    vision, text = config.vision_config, config.text_config
    patch, merged = vision.embed_dim, vision.embed_dim * vision.spatial_merge_size**2
    wide = int(patch * vision.mlp_ratio)
    hidden, layers = text.hidden_size, text.num_hidden_layers
    keys = hidden // text.num_attention_heads * text.num_key_value_heads
    stacks = {
        Part.VISION: Stack(
            vision.depth,
            (
                Linear(patch, 3 * patch, bias=True),
                Linear(patch, patch, bias=True),
                Linear(patch, wide, bias=True),
                Linear(wide, patch, bias=True),
            ),
        ),
        Part.MERGER: Stack(
            1, (Linear(merged, merged, bias=True), Linear(merged, vision.hidden_size, bias=True))
        ),
        Part.ATTENTION: Stack(
            layers,
            (
                Linear(hidden, hidden, bias=True),
                Linear(hidden, keys, bias=True),
                Linear(hidden, keys, bias=True),
                Linear(hidden, hidden),
            ),
        ),
        Part.DENSE: Stack(layers, _gated(hidden, text.intermediate_size)),
    }
    if isinstance(text, EchoVLMTextConfig):
        shared = _gated(hidden, text.shared_expert_intermediate_size)
        stacks[Part.EXPERTS] = Stack(layers, (*shared, Linear(hidden, 1)))
        stacks[Part.MIX] = Stack(layers, (Linear(hidden, 2, bias=True),))
    if not config.tie_word_embeddings:
        stacks[Part.HEAD] = Stack(1, (Linear(hidden, text.vocab_size),))
    return stacks


def _gated(width: int, inner: int) -> tuple[Linear, Linear, Linear]:
    """Gate, up and down of a SwiGLU feed-forward."""
    return Linear(width, inner), Linear(width, inner), Linear(inner, width)


def part_sizes(config: Qwen2VLConfig) -> dict[Part, int]:
    """Count the parameters of every part the network has, without adapters."""
    vision, text = config.vision_config, config.text_config
    hidden, layers = text.hidden_size, text.num_hidden_layers
    patch = vision.embed_dim
    norm = 2 * patch
    other = {
        Part.VISION: patch * patch_values(config) + vision.depth * 2 * norm,
        Part.MERGER: norm,
        Part.EMBEDDINGS: text.vocab_size * hidden,
        Part.NORMS: hidden * (2 * layers + 1),
    }
    if isinstance(text, EchoVLMTextConfig):
        one = 3 * hidden * text.moe_intermediate_size
        other[Part.EXPERTS] = layers * text.num_experts * (one + hidden)
    sizes = {
        part: stack.blocks * sum(linear.parameters for linear in stack.linears)
        for part, stack in linear_layers(config).items()
    }
    return {
        part: sizes.get(part, 0) + other.get(part, 0)
        for part in Part
        if part in sizes or part in other
    }


def patch_values(config: Qwen2VLConfig) -> int:
    """Count the pixel values of one patch."""
    vision = config.vision_config
    return vision.in_channels * vision.temporal_patch_size * vision.patch_size**2


def adapter_sizes(config: Qwen2VLConfig, parts: Collection[Part], rank: int) -> dict[Part, int]:
    """Count the weights of low-rank adapters on every linear layer of some parts.

    A layer from ``n`` to ``m`` numbers gets ``rank (n + m)``. For the 7B sizes and rank 8 that is
    5,046,272 in the decoder's attention, 5,242,880 in the vision tower (all four layers of a
    block: attention alone would be 1,966,080) and 151,552 in the merger, which are the sums of the
    published run.
    """
    stacks = linear_layers(config)
    return {
        part: stacks[part].blocks
        * rank
        * sum(linear.inputs + linear.outputs for linear in stacks[part].linears)
        for part in parts
        if part in stacks
    }


def expected_trainable(config: Qwen2VLConfig, recipe: Training) -> dict[Part, int]:
    """Work out how many weights of each part a recipe trains, from the configuration alone."""
    sizes = part_sizes(config)
    adapters = adapter_sizes(config, recipe.lora, recipe.lora_rank)
    return {
        part: (sizes[part] if part in recipe.trainable else 0) + adapters.get(part, 0)
        for part in sizes
    }


def check(model: PreTrainedModel, recipe: Training) -> FreezingTable:
    """Compare what trains with what the recipe trains by arithmetic.

    Args:
        model: the network, frozen and with its adapters, before it is spread over devices.
        recipe: what was asked for.

    Returns:
        The table of what trains.

    Raises:
        TrainingError: on a mismatch; part and both numbers are named.
    """
    expected = expected_trainable(model.config, recipe)
    table = FreezingTable.of(model)
    actual = {row.part: row.trainable for row in table.rows}
    for part in Part:
        found, wanted = actual.get(part, 0), expected.get(part, 0)
        if found != wanted:
            raise TrainingError(
                f"In the part '{part}' {found:,} weights would train where the recipe asks for "
                f"{wanted:,}; prepare the network from a freshly loaded checkpoint."
            )
    return table
