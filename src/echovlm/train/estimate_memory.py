"""Memory of a training step on one GPU, by what it is taken for.

State (weights, gradients, optimizer) is exact. Activations are what backward keeps of a forward
pass of eager PyTorch, summed over layers by the rules below; tests hold them against the tensors
that autograd really keeps. Not counted: what kernels need for a moment, for which a reserve is left
(:data:`RESERVE`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from transformers.models.qwen2_vl.configuration_qwen2_vl import Qwen2VLConfig

from echovlm.model.config import EchoVLMTextConfig
from echovlm.train.estimate_flops import Work
from echovlm.train.parts import Part
from echovlm.train.sizes import (
    Linear,
    Training,
    adapter_sizes,
    expected_trainable,
    linear_layers,
    part_sizes,
    patch_values,
)

RESERVE = 0.10
"""Part of a GPU's memory left to the CUDA context, kernels' workspaces and fragmentation."""

_FLOAT32 = 4
_MASK = 1
_BUCKET_NUMBERS = 500_000_000  # DeepSpeed's default bucket, of which two are in flight


@dataclass(frozen=True)
class Storage:
    """Bytes per number.

    Attributes:
        frozen: of weights that do not train.
        trained: of weights that train.
        gradient: of their gradients.
        states: of what the optimizer keeps per trained weight.
        compute: of activations.
        casts: whether autocast keeps a copy of each float32 matrix in the format of activations.
    """

    frozen: int
    trained: int
    gradient: int
    states: int
    compute: int
    casts: bool = False


FLOAT32 = Storage(frozen=4, trained=4, gradient=4, states=8, compute=4)
"""Everything in float32; AdamW keeps two moments."""
AUTOCAST = Storage(frozen=2, trained=4, gradient=4, states=8, compute=2, casts=True)
"""bf16 products; trained weights and AdamW's moments in float32, frozen weights in bf16."""
FSDP2 = Storage(frozen=2, trained=4, gradient=4, states=8, compute=2)
"""The same, but weights are gathered in bf16."""
DEEPSPEED = Storage(frozen=2, trained=2, gradient=2, states=12, compute=2)
"""bf16 weights; AdamW keeps float32 weights and two moments."""


@dataclass(frozen=True)
class Activations:
    """Bytes that backward keeps of one forward pass.

    Attributes:
        kept: all of it, without gradient checkpointing.
        checkpointed: with it: the inputs of all blocks and the inside of the largest block.
        casts: bf16 copies of float32 weights that autocast makes and keeps.
        logits: scores of the supervised positions and their gradient.
    """

    kept: int
    checkpointed: int
    casts: int
    logits: int


def activations(
    config: Qwen2VLConfig, recipe: Training, work: Work, storage: Storage
) -> Activations:
    """Work out what backward keeps of one forward pass over a batch.

    Args:
        config: of an EchoVLM or a dense Qwen2-VL.
        recipe: which parts train; what is frozen keeps less.
        work: the batch.
        storage: number formats.
    """
    rules = _Rules(config, recipe, storage)
    vision, text = config.vision_config, config.text_config
    layer = rules.decoder_layer() * work.tokens + rules.stacked_casts()
    block = rules.vision_block() * work.patches if rules.trains(Part.VISION) else 0
    merger = rules.merger() * work.patches if rules.trains(Part.VISION, Part.MERGER) else 0
    inputs = text.num_hidden_layers * text.hidden_size * _FLOAT32 * work.tokens + (
        vision.depth * vision.embed_dim * storage.compute * work.patches if block else 0
    )
    ends = rules.norm() * work.tokens + patch_values(config) * _FLOAT32 * work.patches
    kept = text.num_hidden_layers * layer + vision.depth * block + merger + ends
    compute = storage.compute
    score = compute + 2 * _FLOAT32 + (_FLOAT32 if compute != _FLOAT32 else 0)
    return Activations(
        kept=round(kept),
        checkpointed=round(inputs + merger + ends + max(layer, block)),
        casts=rules.casts(),
        logits=round(work.targets * text.vocab_size * score),
    )


@dataclass(frozen=True)
class _Rules:
    """Bytes per token, or per patch, that each kind of block keeps."""

    config: Qwen2VLConfig
    recipe: Training
    storage: Storage

    def full(self, *parts: Part) -> bool:
        return any(part in self.recipe.trainable for part in parts)

    def trains(self, *parts: Part) -> bool:
        return self.full(*parts) or any(part in self.recipe.lora for part in parts)

    @property
    def mixed(self) -> bool:
        return self.storage.compute != _FLOAT32

    def inputs(self, width: int, readers: Sequence[Part]) -> int:
        """What layers that read one float32 tensor keep of it.

        Each layer that trains keeps the tensor: its own copy where products are in bf16, else all
        of them the same.
        """
        readers = [part for part in readers if self.full(part)]
        copies = len(readers) if self.mixed else min(1, len(readers))
        return copies * width * self.storage.compute

    def adapters(self, linears: Sequence[Linear], part: Part) -> int:
        """Dropped inputs with their masks, of the adapters of some layers."""
        if part not in self.recipe.lora:
            return 0
        return sum(linear.inputs for linear in linears) * (self.storage.compute + _MASK)

    def norm(self) -> int:
        """A norm's input, and what it multiplies with its weight."""
        return self.config.text_config.hidden_size * _FLOAT32 * (1 + self.full(Part.NORMS))

    def gated(self, width: int, part: Part) -> int:
        """A SwiGLU feed-forward: gate, its activation, up, and the product."""
        return width * self.storage.compute * (3 + self.full(part))

    def decoder_layer(self) -> int:
        text, size = self.config.text_config, self.storage.compute
        hidden = text.hidden_size
        attention, dense = (linear_layers(self.config)[p] for p in (Part.ATTENTION, Part.DENSE))
        total = 2 * self.norm()
        total += 4 * hidden * size  # queries, keys, values (one per query head), result
        total += self.inputs(hidden, [Part.ATTENTION] * 3)
        total += hidden * size * self.full(Part.ATTENTION)
        total += self.adapters(attention.linears, Part.ATTENTION)
        total += self.gated(text.intermediate_size, Part.DENSE)
        total += self.adapters(dense.linears, Part.DENSE)
        readers = [Part.DENSE] * 2
        if isinstance(text, EchoVLMTextConfig):
            # gate, up and shared gate of the shared expert; router; mix
            readers += [Part.EXPERTS] * 4 + [Part.MIX]
            total += self.gated(text.shared_expert_intermediate_size, Part.EXPERTS)
            routed = self.gated(text.moe_intermediate_size, Part.EXPERTS)
            gathered = hidden * size * self.full(Part.EXPERTS)
            total += text.num_experts_per_tok * (gathered + routed + hidden * size)
            total += 3 * hidden * size  # results of shared expert, expert path, dense path
        return total + self.inputs(hidden, readers)

    def vision_block(self) -> int:
        vision, size = self.config.vision_config, self.storage.compute
        width, wide = vision.embed_dim, int(vision.embed_dim * vision.mlp_ratio)
        total = 2 * width * _FLOAT32  # inputs of the norms
        total += 2 * self.inputs(width, [Part.VISION])  # read by qkv and fc1
        total += 6 * width * size  # qkv as it came, turned queries and keys, result
        total += 2 * wide * size  # the two factors of quick-GELU
        total += (width + wide) * size * self.full(Part.VISION)  # read by proj and fc2
        return total + self.adapters(linear_layers(self.config)[Part.VISION].linears, Part.VISION)

    def merger(self) -> int:
        """Per patch: of merged tokens there are a quarter, each four times as wide."""
        width, size = self.config.vision_config.embed_dim, self.storage.compute
        total = width * _FLOAT32 + width * size + self.inputs(width, [Part.MERGER])
        total += width * size * self.full(Part.MERGER)
        adapted = self.adapters(linear_layers(self.config)[Part.MERGER].linears, Part.MERGER)
        return total + adapted // self.config.vision_config.spatial_merge_size**2

    def casts(self) -> int:
        """bf16 copies of float32 matrices, which autocast keeps from layer to layer."""
        if not self.storage.casts:
            return 0
        weights = sum(
            stack.blocks * sum(linear.parameters for linear in stack.linears)
            for part, stack in linear_layers(self.config).items()
            if self.full(part)
        )
        adapters = adapter_sizes(self.config, self.recipe.lora, self.recipe.lora_rank)
        return self.storage.compute * (weights + sum(adapters.values()))

    def stacked_casts(self) -> int:
        """bf16 copies of one layer's routed experts, which go with the layer's activations."""
        text = self.config.text_config
        if not (
            self.storage.casts and self.full(Part.EXPERTS) and isinstance(text, EchoVLMTextConfig)
        ):
            return 0
        width = text.moe_intermediate_size
        return self.storage.compute * text.num_experts * 3 * text.hidden_size * width


@dataclass(frozen=True)
class State:
    """Bytes that one GPU holds between steps, and what it needs to exchange with others.

    Attributes:
        strategy: how the network is spread.
        weights: weights.
        gradients: gradients.
        optimizer: what AdamW keeps.
        buffers: gathered layers and buckets of gradients.
        storage: number formats of the strategy.
    """

    strategy: str
    weights: int
    gradients: int
    optimizer: int
    buffers: int
    storage: Storage


def states(config: Qwen2VLConfig, recipe: Training, gpus: int, mixed: bool) -> list[State]:
    """Work out the state on one GPU under every strategy that so many GPUs allow.

    Args:
        config: of an EchoVLM or a dense Qwen2-VL.
        recipe: which parts train.
        gpus: how many train together.
        mixed: whether products are in bf16; else everything is float32.
    """
    trained = sum(expected_trainable(config, recipe).values())
    adapters = sum(adapter_sizes(config, recipe.lora, recipe.lora_rank).values())
    frozen = sum(part_sizes(config).values()) + adapters - trained
    torch_way = AUTOCAST if mixed else FLOAT32
    deepspeed = DEEPSPEED if mixed else FLOAT32
    fsdp = FSDP2 if mixed else FLOAT32

    def weights(way: Storage) -> int:
        return frozen * way.frozen + trained * way.trained

    def state(name: str, way: Storage, whole: bool, shared: bool, buffers: int) -> State:
        """``whole``: weights on every GPU; ``shared``: gradients and optimizer spread."""
        parts = gpus if shared else 1
        return State(
            name,
            weights(way) // (1 if whole else gpus),
            trained * way.gradient // parts,
            trained * way.states // parts,
            buffers,
            way,
        )

    if gpus == 1:
        return [state("one GPU", torch_way, True, False, 0)]
    gathered = 2 * _largest_layer(config) + _outer(config)
    bucket = 2 * min(trained, _BUCKET_NUMBERS)
    return [
        state("DDP", torch_way, True, False, trained * torch_way.gradient),
        state("ZeRO-2", deepspeed, True, True, bucket * deepspeed.gradient),
        state("ZeRO-3", deepspeed, False, True, gathered * deepspeed.compute),
        state("FSDP2", fsdp, False, True, gathered * fsdp.compute),
    ]


def _largest_layer(config: Qwen2VLConfig) -> int:
    """Weights of one decoder layer; the next one is gathered while it runs."""
    sizes = part_sizes(config)
    parts = (Part.ATTENTION, Part.DENSE, Part.EXPERTS, Part.MIX)
    return sum(sizes.get(part, 0) for part in parts) // config.text_config.num_hidden_layers


def _outer(config: Qwen2VLConfig) -> int:
    """Weights outside all blocks, which stay gathered through a step."""
    sizes = part_sizes(config)
    return sizes[Part.EMBEDDINGS] + sizes.get(Part.HEAD, 0) + sizes[Part.MERGER]
