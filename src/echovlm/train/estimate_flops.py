"""Floating-point operations of a training step, exactly and from the configuration alone.

Counted are matrix products (a product and an addition are two operations) of forward and backward,
without recomputation, which is what model FLOPs utilisation (MFU) is defined on (PaLM, arXiv
2204.02311, appendix B). Backward costs one more product where the input of a layer depends on a
trained weight and one more where the layer's own weight trains, so frozen parts cost less; what
lies before the first trained weight costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from transformers.models.qwen2_vl.configuration_qwen2_vl import Qwen2VLConfig

from echovlm.model.config import EchoVLMTextConfig
from echovlm.train.parts import Part
from echovlm.train.sizes import Linear, Training, linear_layers, patch_values


@dataclass(frozen=True)
class Work:
    """What a batch consists of, as far as its cost depends on it.

    Attributes:
        tokens: tokens through the decoder, text and visual.
        pairs: pairs of tokens of which the decoder's attention lets one see the other.
        targets: positions that the head runs on.
        patches: image patches through the vision tower.
        patch_pairs: pairs of patches that the vision tower's attention compares.
    """

    tokens: float
    pairs: float
    targets: float
    patches: float
    patch_pairs: float

    def times(self, factor: float) -> Work:
        """So many of it."""
        return Work(
            self.tokens * factor,
            self.pairs * factor,
            self.targets * factor,
            self.patches * factor,
            self.patch_pairs * factor,
        )


def work_of(batch: dict[str, Any]) -> Work:
    """Measure a packed batch: its segments, its images, its supervised positions.

    Args:
        batch: with ``packing``, ``target_at (n,)`` and, where there are images, ``image_grid_thw
            (images, 3)``, which is best still on the CPU.
    """
    segments = batch["packing"].segments
    grids = batch["image_grid_thw"].tolist() if "image_grid_thw" in batch else []
    return Work(
        tokens=sum(segment.tokens for segment in segments),
        pairs=sum(visible_pairs(segment.prefix, segment.branches) for segment in segments),
        targets=len(batch["target_at"]),
        patches=sum(t * h * w for t, h, w in grids),
        patch_pairs=sum(t * (h * w) ** 2 for t, h, w in grids),
    )


def visible_pairs(prefix: int, branches: Sequence[int]) -> int:
    """Count who sees whom in a causal prefix with independent branches behind it."""
    return prefix * (prefix + 1) // 2 + sum(n * prefix + n * (n + 1) // 2 for n in branches)


@dataclass(frozen=True)
class FlopRates:
    """Operations per unit of each kind of :class:`Work`."""

    token: float
    pair: float
    target: float
    patch: float
    patch_pair: float

    def of(self, work: Work) -> float:
        """Operations of a batch."""
        return (
            self.token * work.tokens
            + self.pair * work.pairs
            + self.target * work.targets
            + self.patch * work.patches
            + self.patch_pair * work.patch_pairs
        )


@dataclass
class _Count:
    """Adds up what passes, forward and backward."""

    recipe: Training
    forward: float = 0.0
    backward: float = 0.0

    def trains(self, *parts: Part) -> bool:
        """Whether any weight of the parts trains, be it of an adapter."""
        return any(part in (*self.recipe.trainable, *self.recipe.lora) for part in parts)

    def full(self, *parts: Part) -> bool:
        return any(part in self.recipe.trainable for part in parts)

    def linears(self, linears: Iterable[Linear], part: Part, live: bool, rows: float = 1.0) -> None:
        """Layers that read the same kind of input; live if it depends on a trained weight."""
        for linear in linears:
            product = 2 * linear.inputs * linear.outputs * rows
            self.forward += product
            self.backward += product * (live + self.full(part))
            if part in self.recipe.lora:
                rank = 2 * self.recipe.lora_rank * rows
                down, up = rank * linear.inputs, rank * linear.outputs
                self.forward += down + up
                self.backward += down * (1 + live) + 2 * up

    def attention(self, width: int, live: bool) -> None:
        """Scores and their products with the values, per pair."""
        self.forward += 4 * width
        self.backward += 8 * width * live


@dataclass(frozen=True)
class Flops:
    """Rates of the forward pass alone and of a whole training step."""

    forward: FlopRates
    training: FlopRates


def flop_rates(config: Qwen2VLConfig, recipe: Training) -> Flops:
    """Work out the rates of a network under a recipe; worth keeping for the whole run.

    Args:
        config: of an EchoVLM or a dense Qwen2-VL.
        recipe: which parts train.
    """
    patch, patch_pair, token, pair, target = (_Count(recipe) for _ in range(5))
    live = _vision(config, patch, patch_pair)
    live = live or token.full(Part.EMBEDDINGS)
    for _ in range(config.text_config.num_hidden_layers):
        live = _decoder_layer(config, token, pair, live)
    head = Part.EMBEDDINGS if config.tie_word_embeddings else Part.HEAD
    text = config.text_config
    target.linears(
        [Linear(text.hidden_size, text.vocab_size)], head, live or target.full(Part.NORMS)
    )
    counts = (token, pair, target, patch, patch_pair)
    return Flops(
        forward=FlopRates(*(count.forward for count in counts)),
        training=FlopRates(*(count.forward + count.backward for count in counts)),
    )


def _vision(config: Qwen2VLConfig, patch: _Count, pair: _Count) -> bool:
    """Count tower and merger; say whether what leaves them depends on a trained weight."""
    vision = config.vision_config
    stacks = linear_layers(config)
    trains, live = patch.trains(Part.VISION), patch.full(Part.VISION)
    embedding = 2 * patch_values(config) * vision.embed_dim
    patch.forward += embedding
    patch.backward += embedding * live
    for _ in range(vision.depth):
        qkv, *others = stacks[Part.VISION].linears
        patch.linears([qkv], Part.VISION, live)
        live = live or trains
        pair.attention(vision.embed_dim, live)
        patch.linears(others, Part.VISION, live)
    first, second = stacks[Part.MERGER].linears
    rows = 1 / vision.spatial_merge_size**2
    live = live or patch.full(Part.MERGER)
    patch.linears([first], Part.MERGER, live, rows)
    live = live or patch.trains(Part.MERGER)
    patch.linears([second], Part.MERGER, live, rows)
    return live


def _decoder_layer(config: Qwen2VLConfig, token: _Count, pair: _Count, live: bool) -> bool:
    """Count one layer; say whether what leaves it depends on a trained weight."""
    text = config.text_config
    stacks = linear_layers(config)
    *projections, out = stacks[Part.ATTENTION].linears
    live = live or token.full(Part.NORMS)
    token.linears(projections, Part.ATTENTION, live)
    live = live or token.trains(Part.ATTENTION)
    pair.attention(text.hidden_size, live)
    token.linears([out], Part.ATTENTION, live)
    _gated(token, stacks[Part.DENSE].linears, Part.DENSE, live)
    if isinstance(text, EchoVLMTextConfig):
        *shared, gate = stacks[Part.EXPERTS].linears
        _gated(token, shared, Part.EXPERTS, live)
        router = Linear(text.hidden_size, text.num_experts)
        token.linears([gate, router], Part.EXPERTS, live)
        up = Linear(text.hidden_size, text.moe_intermediate_size)
        down = Linear(text.moe_intermediate_size, text.hidden_size)
        _gated(token, (up, up, down), Part.EXPERTS, live, text.num_experts_per_tok)
        token.linears(stacks[Part.MIX].linears, Part.MIX, live)
    return live or token.trains(Part.DENSE, Part.EXPERTS, Part.MIX)


def _gated(
    token: _Count, linears: Sequence[Linear], part: Part, live: bool, rows: float = 1.0
) -> None:
    """Gate and up read the layer's input, down reads what they made of it."""
    *first, down = linears
    token.linears(first, part, live, rows)
    token.linears([down], part, live or token.trains(part), rows)
